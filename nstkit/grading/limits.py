"""Limits for answers that run inside the grader's own process: time, memory, exit.

Time is the process's own, so that a right answer passes on a busy machine too; a wall clock, more patient the busier
the machine, ends an answer that sleeps.

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
PATIENCE = 4
"""How many times longer than its share of the processor an answer may take by the wall clock of an idle machine."""
MEMORY_MB = 4096


@contextlib.contextmanager
def limited(seconds: float = SECONDS, memory_mb: int = MEMORY_MB) -> Iterator[None]:
    """Run a block under a limit of processor time, a wall clock, a memory limit and a harmless `os._exit`.

    The clocks need the main thread of a Unix process, the memory limit Linux; elsewhere they are left out.
    """
    with _no_exit(), _memory(memory_mb), _clocks(seconds):
        yield


@contextlib.contextmanager
def _clocks(seconds: float) -> Iterator[None]:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> NoReturn:
        raise OutOfTime(f"took longer than {seconds:g} s")

    own = _clock(signal.ITIMER_PROF, signal.SIGPROF, seconds, ring)
    with own, _clock(signal.ITIMER_REAL, signal.SIGALRM, _patience() * seconds, ring):
        yield


def _patience() -> float:
    """More where more programs want to run than there are cores, each of which then gets a smaller share."""
    return PATIENCE * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@contextlib.contextmanager
def _clock(timer: int, number: int, seconds: float, ring: Any) -> Iterator[None]:
    before = signal.signal(number, ring)
    left, _ = signal.setitimer(timer, seconds, 0.5)  # again, should the first be swallowed
    try:
        yield
    finally:
        signal.setitimer(timer, left)
        signal.signal(number, before)


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
