"""The minimiser has no gradient left, is the smallest of all minimisers, and depends on the weights by their ratio."""

import numpy as np
import pytest

from nstkit.theory import linear_objective_minimizer

SHAPES = {"overdetermined": (6, 4, 5), "exactly determined": (2, 5, 3), "underdetermined": (2, 7, 3)}
WEIGHTS = [(1.0, 1.0), (0.2, 3.0), (1.0, 1000.0), (0.0, 2.0), (2.0, 0.0)]


def problem(m=6, n=4, k=5, seed=0):
    random = np.random.default_rng(seed)
    return (
        random.normal(size=(m, n)),
        random.normal(size=m),
        random.normal(size=(k, n)),
        random.normal(size=k),
    )


def objective(x, A, p, B, q, alpha, beta):
    return alpha * ((A @ x - p) ** 2).sum() + beta * ((B @ x - q) ** 2).sum()


def gradient(x, A, p, B, q, alpha, beta):
    return 2 * alpha * A.T @ (A @ x - p) + 2 * beta * B.T @ (B @ x - q)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_no_gradient_is_left(shape, weights):
    m, n, k = shape
    x = linear_objective_minimizer(*problem(m, n, k), *weights)
    assert x.shape == (n,)
    assert x.dtype == np.float64
    assert np.abs(gradient(x, *problem(m, n, k), *weights)).max() < 1e-9 * max(weights)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_it_is_the_pseudo_inverse_of_the_normal_equations(shape, weights):
    A, p, B, q = problem(*shape)
    alpha, beta = weights
    matrix = alpha * A.T @ A + beta * B.T @ B
    expected = np.linalg.pinv(matrix, rcond=1e-12, hermitian=True) @ (alpha * A.T @ p + beta * B.T @ q)
    np.testing.assert_allclose(
        linear_objective_minimizer(A, p, B, q, *weights), expected, rtol=1e-6, atol=1e-9
    )


def test_it_is_least_squares_on_stacked_rows():
    A, p, B, q = problem()
    alpha, beta = 0.2, 3.0
    rows = np.vstack([np.sqrt(alpha) * A, np.sqrt(beta) * B])
    expected, *_ = np.linalg.lstsq(rows, np.hstack([np.sqrt(alpha) * p, np.sqrt(beta) * q]), rcond=None)
    np.testing.assert_allclose(linear_objective_minimizer(A, p, B, q, alpha, beta), expected, rtol=1e-9)


def test_nothing_near_it_is_better():
    x = linear_objective_minimizer(*problem(), 0.7, 1.9)
    best = objective(x, *problem(), 0.7, 1.9)
    for step in np.random.default_rng(1).normal(size=(50, 4)) * 1e-2:
        assert objective(x + step, *problem(), 0.7, 1.9) > best


def test_of_many_minimisers_it_is_the_smallest():
    A, p, B, q = problem(*SHAPES["underdetermined"])
    x = linear_objective_minimizer(A, p, B, q, 1.0, 2.0)
    *_, rows = np.linalg.svd(np.vstack([A, B]))
    free = rows[5:]  # the directions that neither A nor B sees
    assert len(free) == 2
    assert np.abs(free @ x).max() < 1e-12


def test_only_the_ratio_of_the_weights_counts():
    x = linear_objective_minimizer(*problem(), 0.3, 1.1)
    for factor in (1e-6, 7.0, 1e6):
        scaled = linear_objective_minimizer(*problem(), 0.3 * factor, 1.1 * factor)
        np.testing.assert_allclose(scaled, x, rtol=1e-9)


def test_each_weight_belongs_to_its_own_rows():
    A, p, B, q = problem()
    content_only = linear_objective_minimizer(A, p, B, q, 1.0, 0.0)
    np.testing.assert_allclose(content_only, np.linalg.pinv(A) @ p, rtol=1e-9)
    style_only = linear_objective_minimizer(A, p, B, q, 0.0, 1.0)
    np.testing.assert_allclose(style_only, np.linalg.pinv(B) @ q, rtol=1e-9)


def test_single_precision_and_strided_inputs_are_solved_in_double():
    views = [a[::-1] if a.ndim == 1 else a[::-1, ::-1] for a in problem()]
    copies = [a.copy() for a in views]
    x = linear_objective_minimizer(*views, 0.3, 1.1)
    np.testing.assert_allclose(x[::-1], linear_objective_minimizer(*problem(), 0.3, 1.1), rtol=1e-9)
    assert all(np.array_equal(now, then) for now, then in zip(views, copies, strict=True))
    single = [a.astype(np.float32) for a in problem()]
    x = linear_objective_minimizer(*single, 0.3, 1.1)
    assert x.dtype == np.float64
    np.testing.assert_allclose(
        x, linear_objective_minimizer(*(a.astype(float) for a in single), 0.3, 1.1), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (0, (4,), r"A: expected a matrix \(rows, n\), got \(4,\)"),
        (2, (5, 4, 1), r"B: expected a matrix \(rows, n\), got \(5, 4, 1\)"),
        (2, (5, 3), "B: expected 4 columns as in A, got 3"),
        (1, (5,), r"p: expected \(6,\), one value per row, got \(5,\)"),
        (1, (6, 1), r"p: expected \(6,\), one value per row, got \(6, 1\)"),
        (3, (6,), r"q: expected \(5,\), one value per row, got \(6,\)"),
        (3, (1,), r"q: expected \(5,\), one value per row, got \(1,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(place, shape, message):
    arrays = list(problem())
    arrays[place] = np.ones(shape)
    with pytest.raises(ValueError, match=message):
        linear_objective_minimizer(*arrays, 1.0, 1.0)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((-1.0, 1.0), "alpha: expected a finite number ≥ 0, got -1.0"),
        ((1.0, -1e-3), "beta: expected a finite number ≥ 0, got -0.001"),
        ((1.0, np.nan), "beta: expected a finite number ≥ 0, got nan"),
        ((0.0, 0.0), "alpha, beta: expected at least one above 0"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        linear_objective_minimizer(*problem(), *weights)
