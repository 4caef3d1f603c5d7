"""Limits for answers that run inside the grader's own process: time, memory, exit.

This keeps an endless loop, a giant allocation or `os._exit` from taking the grader with it. It is a seat
belt for self-study, not a prison: what is hostile belongs into the sandbox (`--isolate`).
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

from nstkit.grading.observation import Exited, OutOfTime

SECONDS = 3.0
MEMORY_MB = 4096


@contextlib.contextmanager
def limited(seconds: float = SECONDS, memory_mb: int = MEMORY_MB) -> Iterator[None]:
    """Run a block under a wall-clock limit, a memory limit and a harmless `os._exit`.

    The clock needs the main thread and SIGALRM, the memory limit Linux; elsewhere they are left out.
    """
    with _no_exit(), _memory(memory_mb), _clock(seconds):
        yield


@contextlib.contextmanager
def _clock(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> NoReturn:
        raise OutOfTime(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)  # again, should the first be swallowed
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _memory(megabytes: int) -> Iterator[None]:
    try:
        import resource

        with open("/proc/self/statm") as status:
            mapped = int(status.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, OSError):
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = mapped + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@contextlib.contextmanager
def _no_exit() -> Iterator[None]:
    def refuse(status: int = 0) -> NoReturn:
        raise Exited(f"os._exit({status})")

    real: Any = os._exit
    os._exit = refuse
    try:
        yield
    finally:
        os._exit = real
