"""Limits in the grader's own process: what runs over is ended, and everything is as before afterwards."""

import os
import signal
import sys
import time

import numpy as np
import pytest

from nstkit.grading.limits import limited
from nstkit.grading.observation import Exited, OutOfTime

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory and processor limits need Linux")


def compute(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_an_endless_loop_is_ended_after_its_share_of_the_processor():
    started = time.process_time()
    with pytest.raises(OutOfTime, match=r"longer than 0\.2 s"), limited(0.2):
        compute(5)
    assert time.process_time() - started < 1


@pytest.fixture(autouse=True)
def _idle(monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))


def test_an_answer_that_sleeps_is_ended_by_the_wall_clock():
    started = time.perf_counter()
    with pytest.raises(OutOfTime), limited(0.1):
        time.sleep(30)
    assert time.perf_counter() - started < 10


def test_waiting_for_a_busy_machine_costs_nothing():
    with limited(0.3):
        compute(0.1)
        time.sleep(0.5)  # another process has the processor


def test_a_machine_with_six_programs_for_each_core_gets_six_times_the_wall_clock(monkeypatch):
    with limited(1.0):
        idle, _ = signal.getitimer(signal.ITIMER_REAL)
    monkeypatch.setattr(os, "getloadavg", lambda: (6.0 * os.cpu_count(), 0.0, 0.0))
    with limited(1.0):
        busy, _ = signal.getitimer(signal.ITIMER_REAL)
    assert busy == pytest.approx(6 * idle, rel=0.05)


def test_except_exception_does_not_swallow_the_end():
    def stubborn():
        try:
            compute(5)
        except Exception:
            return "caught"

    with pytest.raises(OutOfTime), limited(0.1):
        stubborn()


def test_exit_and_memory_are_held_back():
    with pytest.raises(Exited), limited():
        os._exit(3)
    with pytest.raises(MemoryError), limited(memory_mb=256):
        np.ones(2**30)


def test_everything_is_as_before_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGPROF)]
    leave = os._exit
    with limited(5):
        assert os._exit is not leave
    assert [signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGPROF)] == before
    assert os._exit is leave
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
