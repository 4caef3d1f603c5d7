"""Checkpoints are stored in time, cost little, and their options may not be contradicted."""

import json
from itertools import pairwise

import pytest

from nstkit.cli import checkpoints
from nstkit.cli.checkpoints import Keeper, agreed_options, partial_path, resume_path, stored_run
from nstkit.cli.transfer import OPTIONS


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(checkpoints, "time", clock)
    return clock


class FakeStep:
    def checkpoint(self):
        return {}


def test_names_lie_beside_the_output(here):
    assert resume_path(here / "a.b.jpg") == here / "a.b.jpg.resume.safetensors"
    assert partial_path(here / "a.b.jpg") == here / "a.b.partial.jpg"


def test_a_checkpoint_is_stored_now_and_then_and_takes_a_twentieth_of_the_time_at_most(
    here, clock, monkeypatch
):
    times = []

    def slow(*_):
        times.append(clock.now)
        clock.now += 3.0

    monkeypatch.setattr(checkpoints, "save_checkpoint", slow)
    keeper = Keeper(here / "a.png", {}, pytest.fail)
    for _ in range(2000):
        clock.now += 0.1
        keeper.after(FakeStep())
    assert times[0] == pytest.approx(100 + checkpoints.EVERY, abs=0.3)
    pauses = [later - earlier - 3.0 for earlier, later in pairwise(times)]
    assert pauses
    assert all(pause == pytest.approx(60, abs=0.3) for pause in pauses)


def test_a_full_disk_is_told_once_and_ends_nothing(here, clock, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    said = []
    monkeypatch.setattr(checkpoints, "save_checkpoint", full)
    keeper = Keeper(here / "a.png", {}, said.append)
    for _ in range(100):
        clock.now += 10
        keeper.after(FakeStep())
    assert len(said) == 1
    assert "No space left on device" in said[0]


STORED = {"extra": {"options": json.dumps({"steps": 7, "style_layers": {"relu1_1": 1.0}, "device": "cpu"})}}


def test_without_a_stored_run_the_options_are_those_given():
    assert agreed_options({"steps": 9}, None, OPTIONS) == {"steps": 9}


def test_the_stored_options_hold_and_the_same_may_be_given_again():
    before = json.loads(STORED["extra"]["options"])
    assert agreed_options({}, STORED, OPTIONS) == before
    assert (
        agreed_options({"steps": 7, "size": 512, "style_layers": {"relu1_1": 1.0}}, STORED, OPTIONS) == before
    )


def test_the_device_may_change():
    assert agreed_options({"device": "cuda"}, STORED, OPTIONS)["device"] == "cuda"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 9}, "steps: the interrupted run has 7, got 9; leave it out"),
        ({"size": 256}, "size: the interrupted run has 512, got 256"),
        (
            {"style_layers": {"relu1_1": 2.0}},
            "style_layers: the interrupted run has relu1_1=1, got relu1_1=2",
        ),
    ],
)
def test_a_contradiction_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        agreed_options(given, STORED, OPTIONS)


def test_nothing_to_resume_and_something_in_the_way(here):
    output = here / "a.png"
    assert stored_run(output, resume=False, force=False) is None
    with pytest.raises(ValueError, match="there is no interrupted run"):
        stored_run(output, resume=True, force=False)
    resume_path(output).write_bytes(b"rubbish")
    with pytest.raises(FileExistsError, match="go on with --resume, or start anew with --force"):
        stored_run(output, resume=False, force=False)
    assert stored_run(output, resume=False, force=True) is None
    with pytest.raises(ValueError, match="damaged, or no checkpoint"):
        stored_run(output, resume=True, force=False)
