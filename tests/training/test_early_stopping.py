"""Early stopping agrees with a search over all prefixes, on noisy curves and by hand."""

import math

import numpy as np
import pytest

from nstkit.training import EarlyStopping, early_stopping


def by_prefixes(values, patience, min_delta):
    """The improving epochs, found by looking back over everything each time."""
    improving = []
    for epoch, value in enumerate(values):
        best = min([values[k] for k in improving], default=math.inf)
        if value < best - min_delta:
            improving.append(epoch)
        since = epoch - improving[-1] if improving else epoch + 1
        if since == patience:
            return (improving or [0])[-1], epoch
    return (improving or [0])[-1], len(values) - 1


@pytest.mark.parametrize("seed", range(60))
def test_noisy_curves(seed):
    rng = np.random.default_rng(seed)
    values = list(np.exp(-np.arange(30) / 8) + 0.15 * rng.normal(size=30))
    if seed % 3 == 0:
        values[int(rng.integers(1, 20))] = math.nan
    patience, delta = int(rng.integers(1, 7)), float(rng.choice([0.0, 0.02, 0.1]))
    assert early_stopping(values, patience, delta) == by_prefixes(values, patience, delta)


@pytest.mark.parametrize(("values", "patience", "delta", "expected"), [
    ([3, 2, 1], 2, 0.0, (2, 2)),
    ([3, 2, 2, 2, 1], 2, 0.0, (1, 3)),  # equal is no improvement
    ([3, 2.9, 2.8, 2.7], 2, 0.5, (0, 2)),  # many small gains count against the best, not the one before
    ([3, math.nan, 2, math.nan, math.nan], 2, 0.0, (2, 4)),
    ([math.nan, 5, 6], 2, 0.0, (1, 2)),
    ([1, 2], 5, 0.0, (0, 1)),
    ([1, 2, 3], 1, 0.0, (0, 1)),
])  # fmt: skip
def test_by_hand(values, patience, delta, expected):
    assert early_stopping(values, patience, delta) == expected


def test_the_state_goes_on():
    values = [3.0, 2.0, 2.5, 2.4, 2.3, 2.2]
    first, second = EarlyStopping(3), EarlyStopping(3)
    for value in values[:3]:
        first.update(value)
    second.load_state_dict(first.state_dict())
    assert [second.update(v) for v in values[3:5]] == [False, True]
    assert (second.best, second.best_epoch) == (2.0, 1)


@pytest.mark.parametrize(("arguments", "words"), [
    (([], 2), "values: expected at least one"), (([1.0], 0), "patience: expected at least 1, got 0"),
    (([1.0], 2, -0.1), "min_delta: expected at least 0, got -0.1"),
])  # fmt: skip
def test_mistakes_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        early_stopping(*arguments)
