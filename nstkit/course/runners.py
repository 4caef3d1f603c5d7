"""Runners: where jobs run, on this machine's cores or on a dask cluster. Records come back as jobs end.

Only a few jobs are on their way at any time, so that the memory of the process that hands them out stays flat.
"""

import ctypes
import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from nstkit.course.jobs import Job, Record, grade_job

Runner = Callable[[Iterable[Job]], Iterator[Record]]
_PR_SET_PDEATHSIG = 1


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_here(jobs: Iterable[Job], workers: int) -> Iterator[Record]:
    """Run jobs in processes of this machine.

    A worker that dies takes its job along once; a job that killed two workers is recorded as ungraded.
    """
    suspects, source = list[Job](), iter(jobs)
    while True:
        pool = _pool(workers)
        try:
            yield from _until_broken(pool, suspects, source, 2 * workers)
            return
        except _WorkerDied as died:
            alone = len(died.running) == 1 and died.running[0] in suspects
            suspects = died.left if alone else [*died.running, *died.left]
            if alone:
                yield _given_up(died.running[0])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _WorkerDied(Exception):  # noqa: N818
    def __init__(self, running: list[Job], left: list[Job]) -> None:
        self.running, self.left = running, left


def _until_broken(
    pool: ProcessPoolExecutor, suspects: list[Job], source: Iterator[Job], window: int
) -> Iterator[Record]:
    """Records as jobs end. Suspects run first and one at a time, so that the one that kills is found."""
    running: dict[Future[Record], Job] = {}
    left = list(suspects)
    while True:
        while (left and not running) or (not left and len(running) < window):
            job = left.pop() if left else next(source, None)
            if job is None:
                break
            try:
                running[pool.submit(grade_job, job)] = job
            except BrokenProcessPool:
                raise _WorkerDied([job, *running.values()], left) from None
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            try:
                record = future.result()
            except BrokenProcessPool:
                raise _WorkerDied(list(running.values()), left) from None
            del running[future]
            yield record


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # torch that has computed does not survive a fork
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(),))


def _begin(parent: int) -> None:
    """A worker lives no longer than the process that started it, leaves Ctrl-C to it, and takes one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
    import torch

    torch.set_num_threads(1)


def _given_up(job: Job) -> Record:
    reason = f"{job.path}: the grader's own process died twice over it; grade it by hand"
    return {
        "learner": job.learner, "lesson": job.lesson, "digest": job.digest, "path": job.path,
        "ungraded": reason, "exercises": [],
    }  # fmt: skip


def run_on_cluster(jobs: Iterable[Job], address: str) -> Iterator[Record]:
    """Run jobs on the workers of a dask scheduler; each job in the sandbox of the worker that takes it.

    A job whose worker dies is given to another; each job yields one record.

    Raises:
        ValueError: dask is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise ValueError("--scheduler: needs dask; pip install 'nstkit[cluster]'") from None
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ValueError(f"--scheduler: no dask scheduler answers at {address} ({error})") from None
    with client:
        yield from _clustered(client, as_completed, jobs)


def _clustered(client: Any, as_completed: Any, jobs: Iterable[Job]) -> Iterator[Record]:
    source, known, numbers = iter(jobs), dict[str, Job](), itertools.count()
    queue = as_completed(loop=client.loop)

    def hand_out(count: int) -> None:
        for _ in range(count):
            job = next(source, None)
            if job is None:
                return
            key = f"nstkit-{next(numbers)}-{job.digest}"
            future = client.submit(grade_job, job, key=key, retries=2, pure=False)
            known[future.key] = job
            queue.add(future)

    hand_out(4 * max(1, len(client.scheduler_info()["workers"])))
    for future in queue:
        job = known.pop(future.key)
        yield _given_up(job) if future.status != "finished" else future.result()
        hand_out(1)
