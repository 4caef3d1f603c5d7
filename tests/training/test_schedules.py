"""The linear decay against its table, against interpolation, and inside torch's scheduler."""

import numpy as np
import pytest
import torch

from nstkit.training import linear_decay_factor


@pytest.mark.parametrize(("epoch", "factor"), [(0, 1), (100, 1), (101, 0.99), (150, 0.5), (200, 0), (250, 0)])
def test_the_papers_schedule(epoch, factor):
    assert linear_decay_factor(epoch) == pytest.approx(factor)


def test_it_is_a_straight_line_between_two_constants():
    epochs = np.arange(40)
    found = [linear_decay_factor(int(e), 7, 21) for e in epochs]
    np.testing.assert_allclose(found, np.interp(epochs, [7, 28], [1, 0]), atol=1e-15)


def test_it_may_decay_from_the_start():
    assert [linear_decay_factor(e, 0, 4) for e in range(6)] == [1, 0.75, 0.5, 0.25, 0, 0]


def test_it_drives_torchs_scheduler():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda e: linear_decay_factor(e, 2, 4))
    rates = []
    for _ in range(7):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert rates == pytest.approx([2, 2, 2, 1.5, 1, 0.5, 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1,), "epoch: expected at least 0, got -1"),
        ((3, -2), "constant_epochs: expected at least 0, got -2"),
        ((3, 2, 0), "decay_epochs: expected at least 1, got 0"),
        ((3, 2, -4), "decay_epochs: expected at least 1, got -4"),
    ],
)
def test_impossible_numbers_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        linear_decay_factor(*arguments)
