"""Weight schedules agree with numpy's sequences and keep their ends."""

import numpy as np
import pytest

from nstkit.training import weight_schedule

MODES = ["geometric", "linear", "cosine"]


def whole(mode, total=9, start=0.5, end=400.0):
    return [weight_schedule(step, total, start, end, mode) for step in range(total)]


def test_geometric_is_numpys_geomspace():
    np.testing.assert_allclose(whole("geometric"), np.geomspace(0.5, 400.0, 9), rtol=1e-12)
    np.testing.assert_allclose(whole("geometric", 6, 1e5, 1e-3), np.geomspace(1e5, 1e-3, 6), rtol=1e-12)


def test_linear_is_numpys_linspace():
    np.testing.assert_allclose(whole("linear"), np.linspace(0.5, 400.0, 9), rtol=1e-12)


def test_cosine_is_level_at_its_ends_and_half_way_in_the_middle():
    np.testing.assert_allclose(whole("cosine")[4], (0.5 + 400.0) / 2, rtol=1e-12)
    fine = np.array(whole("cosine", 1001))
    assert np.abs(np.diff(fine))[[0, -1]].max() < np.diff(fine).max() / 100
    np.testing.assert_allclose(fine + fine[::-1], 400.5, rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_the_ends_are_exact_and_the_end_is_held(mode):
    assert weight_schedule(0, 7, 3.0, 0.1, mode) == 3.0
    assert [weight_schedule(step, 7, 3.0, 0.1, mode) for step in (6, 7, 700)] == [0.1] * 3
    assert [weight_schedule(step, 1, 3.0, 0.1, mode) for step in (0, 5)] == [3.0, 3.0]


def test_geometric_is_the_default_and_floats_come_back():
    assert weight_schedule(1, 3, 1, 100) == pytest.approx(10)
    assert all(type(weight_schedule(step, 3, 1, 100, mode)) is float for step in range(4) for mode in MODES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0, 1.0, 2.0), "total: expected at least 1, got 0"),
        ((-1, 5, 1.0, 2.0), "step: expected at least 0, got -1"),
        ((0, 5, 1.0, 2.0, "log"), "mode: expected one of 'geometric', 'linear', 'cosine', got 'log'"),
        ((0, 5, 0.0, 2.0), "start, end: expected weights above 0, got 0.0 and 2.0"),
        ((0, 5, 1.0, -2.0), "start, end: expected weights above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        weight_schedule(*arguments)


def test_zero_and_negative_weights_are_fine_where_no_logarithm_is_taken():
    assert weight_schedule(1, 3, -1.0, 1.0, "linear") == 0
    assert weight_schedule(1, 3, 0.0, 2.0, "cosine") == pytest.approx(1)
