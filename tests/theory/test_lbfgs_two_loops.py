"""The two loops are the dense BFGS update of the inverse Hessian, applied to the gradient."""

import numpy as np
import pytest
import torch

from nstkit.theory import lbfgs_direction
from nstkit.training import LBFGS


def pairs(count, n=7, seed=11):
    """Pairs of an ill-conditioned convex quadratic, and a gradient."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(n, n)))
    hessian = q @ np.diag(np.geomspace(0.1, 50, n)) @ q.T
    moves = rng.normal(size=(count, n))
    return rng.normal(size=n), list(moves), [hessian @ s for s in moves]


def dense(grad, moves, turns):
    """−H g with H from the textbook's update, BFGS form (Nocedal & Wright, Eq. 6.17)."""
    n, (s, y) = len(grad), (moves[-1], turns[-1])
    inverse = np.eye(n) * (s @ y) / (y @ y)
    for s, y in zip(moves, turns, strict=True):
        rho = 1 / (y @ s)
        left = np.eye(n) - rho * np.outer(s, y)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
    return -inverse @ grad


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_it_is_the_dense_update(count):
    grad, moves, turns = pairs(count)
    np.testing.assert_allclose(
        lbfgs_direction(grad, moves, turns), dense(grad, moves, turns), rtol=1e-10, atol=1e-12
    )


def test_secant_condition_descent_and_newton_in_one_dimension():
    grad, moves, turns = pairs(4)
    np.testing.assert_allclose(lbfgs_direction(turns[-1], moves, turns), -moves[-1], rtol=1e-10, atol=1e-12)
    assert grad @ lbfgs_direction(grad, moves, turns) < 0
    one = lbfgs_direction(np.array([6.0]), [np.array([0.5])], [np.array([2.0])])  # curvature 4
    np.testing.assert_allclose(one, [-1.5])


def test_pairs_without_curvature_are_skipped():
    grad, moves, turns = pairs(4)
    bad = turns.copy()
    bad[1], bad[3] = -bad[1], bad[3] * 0
    kept = lbfgs_direction(grad, moves, bad)
    np.testing.assert_allclose(kept, dense(grad, [moves[0], moves[2]], [turns[0], turns[2]]), rtol=1e-10)
    np.testing.assert_array_equal(lbfgs_direction(grad, moves, [-y for y in turns]), -grad)
    np.testing.assert_array_equal(lbfgs_direction(grad, [], []), -grad)


def test_the_optimiser_on_the_device_takes_the_same_direction():
    grad, moves, turns = pairs(3)
    points = np.cumsum([np.zeros(7), *moves], 0)
    slopes = np.cumsum([grad, *turns], 0)
    x = torch.from_numpy(points[0].copy())
    optimizer = LBFGS(x, history=5)
    for point, slope in zip(points, slopes, strict=True):
        x.copy_(torch.from_numpy(point))
        optimizer.step(torch.from_numpy(slope))
    expected = points[-1] + lbfgs_direction(slopes[-1], moves, turns)
    np.testing.assert_allclose(x, expected, rtol=1e-10, atol=1e-12)


def test_lists_and_arrays_of_unequal_lengths_are_refused():
    grad, moves, turns = pairs(3)
    with pytest.raises(ValueError, match="y_list: expected 3 arrays as s_list, got 2"):
        lbfgs_direction(grad, moves, turns[:2])
    with pytest.raises(ValueError, match=r"s_list: expected arrays of grad's shape \(5,\)"):
        lbfgs_direction(grad[:5], moves, turns)
