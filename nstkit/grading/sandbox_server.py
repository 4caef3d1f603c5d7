"""The sandbox's server: a process that imports numpy and torch once and forks a child for each exercise.

Started by `sandbox.py` as a script, with one socket. It never imports nstkit: the few modules that a child
needs are loaded from their files into a package that holds nothing else, so that no reference, no solution
and no expected value exists in a child's memory or reach.

Wire: every message is a u32 length and that many bytes. A request is JSON; a reply is a series of records,
each a check's packed observation, then a JSON status.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import sys
import time
import types
from typing import Any, NoReturn

KIT = ("evidence", "draws", "exercises", "observation", "answers", "landlock")
MAX_RECORD = 64 << 20


def send(write: Any, body: bytes) -> None:
    """Write one message."""
    view = memoryview(struct.pack(">I", len(body)) + body)
    while view:
        view = view[write(view) :]


def receive(connection: socket.socket) -> bytes:
    """Read one message; EOFError when the other side is gone."""
    (size,) = struct.unpack(">I", _exactly(connection, 4))
    return _exactly(connection, size)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = connection.recv(min(1 << 20, count - len(data)))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def load_kit(folder: str) -> dict[str, Any]:
    """The kit's modules, from their files, in a package `nstkit.grading` that holds nothing else."""
    package, grading = types.ModuleType("nstkit"), types.ModuleType("nstkit.grading")
    package.__path__ = grading.__path__ = []
    sys.modules.update({"nstkit": package, "nstkit.grading": grading})
    kit: dict[str, Any] = {}
    for name in KIT:
        spec = importlib.util.spec_from_file_location(
            f"nstkit.grading.{name}", os.path.join(folder, f"{name}.py")
        )
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = kit[name] = module
        spec.loader.exec_module(module)
    grading.exercise = kit["exercises"].exercise  # type: ignore[attr-defined]
    grading.outcome = kit["evidence"].outcome  # type: ignore[attr-defined]
    grading.gradient = kit["evidence"].gradient  # type: ignore[attr-defined]
    return kit


# --- the child ------------------------------------------------------------------------------------


def child(kit: dict[str, Any], request: dict[str, Any], pipe: int) -> NoReturn:
    """Lock this process in, run the learner's cells and the probes, send what was seen, exit."""
    write, leave = os.write, os._exit  # bound before any of the learner's code runs
    _shut_in(kit, request)
    answers = kit["answers"].run_cells(
        [kit["answers"].Cell(*cell) for cell in request["cells"]], kit["observation"].quiet
    )
    for record in _observations(kit, request, answers):
        send(lambda view: write(pipe, view), record)
    leave(0)


def _shut_in(kit: dict[str, Any], request: dict[str, Any]) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.chdir(request["folder"])
    os.environ.update(HOME=request["folder"], TMPDIR=request["folder"], MPLCONFIGDIR=request["folder"])
    _limit(request["memory_mb"], request["seconds"])
    kit["landlock"].restrict(request["readable"], [request["folder"]])


def _limit(memory_mb: int, seconds: float) -> None:
    import resource

    with open("/proc/self/statm") as status:
        mapped = int(status.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    size, cpu = mapped + (memory_mb << 20), int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_RECORD, MAX_RECORD))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _observations(kit: dict[str, Any], request: dict[str, Any], answers: Any) -> Any:
    observation, pack = kit["observation"], kit["evidence"].pack
    name = request["exercise"]
    module = types.ModuleType("lesson_checks")
    exec(compile(request["checks"], observation.CHECKS, "exec"), module.__dict__)
    exercise = next(
        v for v in vars(module).values() if isinstance(v, kit["exercises"].Exercise) and v.name == name
    )
    implementation = answers.find(name)
    for check in exercise.checks:
        if check.name not in request["names"]:
            continue
        if implementation is None:
            yield pack(_missing(observation, answers.error_of(name)))
            return
        seen = observation.observe(check, request["key"], implementation, may_modify=exercise.modifies)
        yield pack(observation.to_plain(seen))


def _missing(observation: Any, error: BaseException | None) -> dict[str, Any]:
    """The record of an exercise that the answers do not define."""
    failure = observation.describe_failure(error) if error else observation.Failure("todo", "missing", "")
    plain: dict[str, Any] = observation.to_plain(observation.Observation(failure=failure))
    return plain | {"missing": True}


# --- the server -----------------------------------------------------------------------------------


def serve(connection: socket.socket, kit: dict[str, Any]) -> None:
    """Answer requests until the parent is gone."""
    while True:
        try:
            request = json.loads(receive(connection))
        except EOFError:
            return
        _warm(request)
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            connection.close()
            _run_child(kit, request, writer)
        os.close(writer)
        data, status = _drain(reader, pid, request["wall"])
        exit_code, cpu = _bury(pid)
        send(connection.send, data)
        send(connection.send, json.dumps({"status": status, "exit": exit_code, "cpu": cpu}).encode())


def _warm(request: dict[str, Any]) -> None:
    """Import here, once, what the cells will import and takes long (pyplot builds a font list)."""
    source = "".join(cell[2] for cell in request["cells"])
    for word, module in (
        ("matplotlib", "matplotlib.pyplot"),
        ("scipy", "scipy.ndimage"),
        ("torchvision", "torchvision"),
    ):
        if word in source and module not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(module)


def _run_child(kit: dict[str, Any], request: dict[str, Any], writer: int) -> NoReturn:
    leave = os._exit
    try:
        child(kit, request, writer)
    except BaseException:  # noqa: BLE001  (a child never returns into the server's loop)
        leave(70)


def _drain(reader: int, pid: int, seconds: float) -> tuple[bytes, str]:
    """Read the child's records until it ends, its time is up, or it has sent too much."""
    ended, data = os.pidfd_open(pid), bytearray()
    deadline = time.monotonic() + seconds
    try:
        while True:
            ready = select.select([reader, ended], [], [], max(0.0, deadline - time.monotonic()))[0]
            if not ready:
                return bytes(data), "timeout"
            if reader not in ready and not select.select([reader], [], [], 0)[0]:
                return bytes(data), "ended"  # a descendant may still hold the pipe open
            part = os.read(reader, 1 << 20)
            if not part:
                return bytes(data), "ended"
            data += part
            if len(data) > MAX_RECORD:
                return b"", "too much"
    finally:
        os.close(reader)
        os.close(ended)


def _bury(pid: int) -> tuple[int, float]:
    """Kill the child's whole family, adopted orphans too; the child's exit code and seconds of processor time."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    children = f"/proc/self/task/{os.getpid()}/children"
    for _ in range(1000):
        with open(children) as listing:
            orphans = [int(word) for word in listing.read().split()]
        if not orphans:
            break
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(orphan, signal.SIGKILL)
                os.waitpid(orphan, 0)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def main() -> None:
    """Load what children need, say that the server is ready, serve."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    import torch

    torch.set_num_threads(1)
    kit = load_kit(os.path.dirname(os.path.abspath(__file__)))
    kit["landlock"].adopt_orphans()
    kit["landlock"].hide_memory()
    import gc

    gc.collect()
    gc.freeze()
    send(connection.send, b"ready")
    serve(connection, kit)


if __name__ == "__main__":
    main()
