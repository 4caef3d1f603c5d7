"""Losses are read in blocks, and each block says what reading every step by itself would have said."""

import pytest
import torch

from nstkit.paintings import paint
from nstkit.transfer import Step, stylize
from nstkit.transfer import loss_history as module
from nstkit.transfer.loss_history import LossHistory


def step(done, total=9, terms=None, device="cpu"):
    terms = terms or {"content": 0.5 * done, "total": 2.0 * done}
    tensors = {name: torch.tensor(value, device=device) for name, value in terms.items()}
    return Step(1, 1, done, total, done, total, (20, 30), tensors, pytest.fail, pytest.fail)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_a_block_holds_the_steps_since_the_last_one(clock):
    history, blocks = LossHistory(every=1.0), []
    for done in range(1, 8):
        clock[0] += 0.4
        blocks.append([reading.done for reading in history.add(step(done))])
    assert blocks == [[], [], [1, 2, 3], [], [], [4, 5, 6], []]
    assert [reading.done for reading in history.read()] == [7]
    assert history.read() == []
    assert [reading.done for reading in history.readings] == [1, 2, 3, 4, 5, 6, 7]
    assert history.readings[4].losses == {"content": 2.5, "total": 10.0}
    assert history.readings[4].seconds == pytest.approx(2.0)


def test_the_last_step_makes_a_block_due(clock):
    history = LossHistory()
    assert history.add(step(8)) == []
    assert [reading.done for reading in history.add(step(9))] == [8, 9]


def test_terms_may_change_on_the_way_and_be_overwritten_in_place(clock):
    history = LossHistory()
    first = step(1)
    history.add(first)
    first.terms["total"].fill_(-1)  # as a captured graph does with its outputs
    history.add(step(2, terms={"style": 3.0, "tv": float("inf"), "total": 7.0}))
    assert [reading.losses for reading in history.read()] == [
        {"content": 0.5, "total": 2.0},
        {"style": 3.0, "tv": float("inf"), "total": 7.0},
    ]


def test_a_runs_history_is_what_each_step_said():
    history, said = LossHistory(every=1e9), []

    def watch(step):
        history.add(step)
        said.append((step.done, step.scale, step.size, step.losses))

    stylize(
        paint("pointillism", 72, 96),
        paint("mosaic", 60, 80),
        encoder="tiny",
        size=112,
        coarsest=56,
        steps=3,
        on_step=watch,
    )
    assert [(r.done, r.scale, r.size, r.losses) for r in history.readings] == said
    assert len(said) == 6


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_noting_a_step_does_not_wait_for_the_device(clock):
    history, noted = LossHistory(), step(1, device="cuda")
    before = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        history.add(noted)
    finally:
        torch.cuda.set_sync_debug_mode(before)
    assert history.read()[0].losses == {"content": 0.5, "total": 2.0}
