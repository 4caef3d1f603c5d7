"""A side in a process of its own: made once, then run whenever the parent asks, one line of JSON each way."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from .problem import Problem

SIDES = {
    "plain": "plain:iteration",
    "plain, frozen and cut": "plain:frozen_iteration",
    "crowsonkb": "crowsonkb:iteration",
    "pystiche": "with_pystiche:iteration",
    "ours": "ours:iteration",
    "ours, float32": "ours:float32_iteration",
    "ours, as crowsonkb": "ours:wasserstein_iteration",
    "plain run": "plain:whole_run",
    "our run": "ours:whole_run",
    "crowsonkb's loss": "crowsonkb:wasserstein",
    "our loss": "ours:wasserstein",
    "idle": "rates:idle",
    "rate": "rates:convolutions",
}
"""Sides by name: a module of this package and a function that turns a `Problem` into a step."""


class SideFailed(RuntimeError):  # noqa: N818
    """A side could not be made, or stopped with an error; says why in one line."""


class Worker:
    """The parent's end. `run` waits for the answer.

    Args:
        side: a key of SIDES.
        threads: that torch may use; None leaves it to torch.
    Raises:
        SideFailed: it cannot be made.
    """

    def __init__(self, side: str, problem: Problem, threads: int | None) -> None:
        self.side = side
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        order = json.dumps({"side": side, "problem": asdict(problem), "threads": threads})
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        if threads is not None:
            environment["OMP_NUM_THREADS"] = str(threads)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, order], env=environment, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
        )  # fmt: skip
        self.made = self._answer()

    def run(self, times: int = 1, **arguments: Any) -> dict[str, Any]:
        """What the last of so many steps returned, with what each cost on average.

        `seconds` by the clock, of all threads' `processor` time, and the process' `peak` in bytes.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"times": times, "arguments": arguments}) + "\n")
        return self._answer()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream is not None:
                stream.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._log.seek(0)
            last = self._log.read().strip().splitlines()[-1:] or ["nothing was said"]
            self.close()
            raise SideFailed(f"ended with {code}: {last[0]}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            self.close()
            raise SideFailed(answer["error"])
        return answer


def serve(order: dict[str, Any]) -> None:
    """The child's end: whatever a peer prints goes to standard error, answers to what was standard output."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        import torch

        if order["threads"] is not None:
            torch.set_num_threads(order["threads"])
        module, function = SIDES[order["side"]].split(":")
        problem = Problem(**order["problem"])
        step = getattr(import_module(f".{module}", __package__), function)(problem)
        answers.write(json.dumps({"made": True}) + "\n")
        for line in sys.stdin:
            asked = json.loads(line)
            started, busy = time.perf_counter(), time.process_time()
            for _ in range(asked["times"]):
                found = step(**asked["arguments"])
            costs = {
                "seconds": (time.perf_counter() - started) / asked["times"],
                "processor": (time.process_time() - busy) / asked["times"],
                "peak": peak_bytes(problem.device),
            }
            answers.write(json.dumps(costs | found) + "\n")
    except Exception as error:
        reason = next(iter(str(error).splitlines()), "nothing was said")
        answers.write(json.dumps({"error": f"{type(error).__name__}: {reason}"}) + "\n")
    os._exit(0)  # threads may wait in a peer's loop


def peak_bytes(device: str) -> int:
    """The most memory held so far: of the process, or on the GPU."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # of this program alone; ru_maxrss also remembers its parent before exec
        return int(status.read_text("ascii").split("VmHWM:")[1].split()[0]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
