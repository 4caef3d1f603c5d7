"""The sandbox: learners' code runs in a forked, limited, locked-in process; the verdict is reached outside.

The parent sends the learner's cells and the lesson's probes, and gets back packed evidence, which it decodes
without trusting it. Expected values, misconceptions and the reference never enter the child.
"""

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from nstkit.grading.answers import Cell
from nstkit.grading.cut import probes_only
from nstkit.grading.draws import exercise_key
from nstkit.grading.evidence import unpack
from nstkit.grading.exercises import Exercise
from nstkit.grading.landlock import landlock_abi
from nstkit.grading.observation import Failure, Observation, from_plain
from nstkit.grading.sandbox_server import receive, send

SECONDS = 10.0
"""Processor time that an exercise may take; the wall clock allows twice as much, for busy machines."""
MEMORY_MB = 2048


class SandboxUnavailable(RuntimeError):  # noqa: N818
    """This machine cannot run the sandbox."""


def missing_protections() -> list[str]:
    """What this machine lacks for full isolation; empty where nothing is missing."""
    if sys.platform != "linux":
        return ["no sandbox outside Linux"]
    abi = landlock_abi()
    if abi == 0:
        return ["not isolated from files and network: this kernel has no Landlock"]
    return [] if abi >= 4 else [f"not isolated from the network: Landlock ABI {abi}, 4 is needed"]


class Sandbox:
    """A warm fork-server. Use it as a context manager, or `close()` it.

    Raises SandboxUnavailable outside Linux.
    """

    def __init__(self, *, seconds: float = SECONDS, memory_mb: int = MEMORY_MB) -> None:
        if sys.platform != "linux":
            raise SandboxUnavailable("isolate: the sandbox needs Linux; grade without --isolate")
        self.seconds, self.memory_mb = seconds, memory_mb
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        script = Path(__file__).with_name("sandbox_server.py")
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(script), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment | {"HOME": "/nonexistent", "MKL_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._connection = ours
        if receive(ours) != b"ready":
            raise SandboxUnavailable("isolate: the sandbox did not start")

    def observe(
        self, exercise: Exercise, cells: list[Cell], checks: str, seed: int
    ) -> dict[str, Observation]:
        """What an answer does in each check of an exercise.

        Args:
            cells: the learner's setup and answer cells.
            checks: source of the lesson's test file (cut here to its probes).
        """
        probes, seen = probes_only(checks), dict[str, Observation]()
        names = [check.name for check in exercise.checks]
        while len(seen) < len(names):
            left = [name for name in names if name not in seen]
            records, end = self._ask(exercise.name, cells, probes, left, seed)
            for name, record in zip(left, records, strict=False):
                seen[name] = record
            left = left[len(records) :]
            if left:
                seen |= dict.fromkeys(left if end.state == "timeout" else left[:1], Observation(failure=end))
        return seen

    def _ask(
        self, exercise: str, cells: list[Cell], probes: str, names: list[str], seed: int
    ) -> tuple[list[Observation], Failure]:
        if self._process is None or self._process.poll() is not None:
            self._start()
        folder = tempfile.mkdtemp(prefix="nstkit-")
        request = {
            "exercise": exercise,
            "cells": [[c.exercise, c.filename, c.source] for c in cells],
            "checks": probes,
            "names": names,
            "key": exercise_key(seed, exercise),
            "folder": folder,
            "readable": readable_paths(),
            "seconds": self.seconds,
            "wall": 2 * self.seconds,
            "memory_mb": self.memory_mb,
        }
        try:
            send(self._connection.send, json.dumps(request).encode())
            data = receive(self._connection)
            status = json.loads(receive(self._connection))
        except (EOFError, OSError) as error:
            self.close()
            return [], Failure("crashed", type(error).__name__, "the sandbox's server was ended")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return _records(data, len(names)), _end(status, self.seconds)

    def close(self) -> None:
        """End the server."""
        if self._process is None:
            return
        self._connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._process.kill()
        self._process.wait()
        self._process = None


def _records(data: bytes, most: int) -> list[Observation]:
    """The observations in a child's output; reading stops at the first that is cut short or malformed."""
    found: list[Observation] = []
    offset = 0
    while len(found) < most and offset + 4 <= len(data):
        (size,) = struct.unpack(">I", data[offset : offset + 4])
        if offset + 4 + size > len(data):
            break
        try:
            plain: Any = unpack(data[offset + 4 : offset + 4 + size])
            found.append(from_plain(plain))
        except (ValueError, KeyError, TypeError):
            break
        if isinstance(plain, dict) and plain.get("missing"):
            return found * most
        offset += 4 + size
    return found


def _end(status: dict[str, Any], seconds: float) -> Failure:
    """Why a child sent no more records."""
    if status["status"] == "timeout" or status["exit"] in (-24, -14):  # SIGXCPU, SIGALRM
        return Failure("timeout", "timeout", f"took longer than {seconds:g} s")
    if status["status"] == "too much":
        return Failure("memory", "result", "returned more than 64 MB")
    if status["exit"] == -9 and status["cpu"] >= seconds:  # it had blocked the softer signal
        return Failure("timeout", "timeout", f"took longer than {seconds:g} s")
    if status["exit"] == -9:
        return Failure("memory", "killed", "was killed, probably for the memory it took")
    return Failure("crashed", "exit", f"the process ended before the check did (exit code {status['exit']})")


def readable_paths() -> list[str]:
    """What learners' code may read: the interpreter, the system's libraries, each installed package but ours."""
    site = Path(sysconfig.get_path("purelib"))
    packages = [
        str(p) for p in site.iterdir() if not p.name.startswith(("nstkit", "__editable__", "_nstkit"))
    ]
    standard = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    inner = [
        str(p)
        for path in {s for s in standard if s}
        for p in Path(path).iterdir()
        if p.name != "site-packages"
    ]
    system = [
        "/usr/lib",
        "/usr/lib64",
        "/lib",
        "/lib64",
        "/usr/share/zoneinfo",
        "/usr/share/fonts",
        "/etc/ld.so.cache",
    ]
    devices = [
        "/dev/urandom",
        "/dev/null",
        "/dev/zero",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/sys/devices/system/cpu",
    ]
    library = str(Path(sys.base_prefix) / "lib")
    shared = [str(p) for p in Path(library).glob("*.so*")]
    return [*packages, *inner, *shared, *system, *devices, sys.executable, os.path.realpath(sys.executable)]
