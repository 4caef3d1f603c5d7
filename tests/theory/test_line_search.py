"""The accepted step decreases f enough, and the one before it did not."""

import numpy as np
import pytest

from nstkit.theory import armijo_line_search


def half_square(x):
    return 0.5 * float(x @ x)


@pytest.mark.parametrize(("direction", "expected"), [(-1.9, (0.5, 1)), (-2.1, (0.5, 1)), (-0.05, (1.0, 0)),
                                                     (-40.0, (1 / 32, 5))])  # fmt: skip
def test_cases_by_hand(direction, expected):
    one = np.array([1.0])
    assert armijo_line_search(half_square, one, np.array([direction]), one, c1=0.1) == expected


@pytest.mark.parametrize("seed", range(8))
def test_the_step_satisfies_the_condition_and_the_one_before_does_not(seed):
    rng = np.random.default_rng(seed)
    hessian = np.diag(np.geomspace(0.1, 100, 5))
    f = lambda x: 0.5 * float(x @ hessian @ x) + float(np.sum(x**4))  # noqa: E731
    x = rng.normal(size=5)
    grad = hessian @ x + 4 * x**3
    direction = -grad + 0.3 * rng.normal(size=5)
    step, rejected = armijo_line_search(f, x, direction, grad, step=2.0, shrink=0.7, c1=0.2)
    enough = lambda s: f(x + s * direction) <= f(x) + 0.2 * s * float(grad @ direction)  # noqa: E731
    assert rejected > 0
    assert step == pytest.approx(2.0 * 0.7**rejected)
    assert enough(step)
    assert not any(enough(2.0 * 0.7**k) for k in range(rejected))


def test_f_is_called_once_at_x_and_once_for_each_trial():
    seen = []
    one = np.array([1.0])
    armijo_line_search(
        lambda x: seen.append(float(x[0])) or half_square(x), one, np.array([-40.0]), one, c1=0.1
    )
    assert seen.count(1.0) == 1
    assert len(seen) == 7


@pytest.mark.parametrize(("change", "words"), [
    ({"direction": np.array([1.0])}, "direction: expected one of descent"),
    ({"direction": np.array([0.0])}, "direction: expected one of descent"),
    ({"shrink": 1.0}, "shrink, c1, step"), ({"shrink": 0.0}, "shrink, c1, step"),
    ({"c1": 0.0}, "shrink, c1, step"), ({"c1": 1.0}, "shrink, c1, step"), ({"step": 0.0}, "shrink, c1, step"),
])  # fmt: skip
def test_mistakes_are_named(change, words):
    one = np.array([1.0])
    with pytest.raises(ValueError, match=words):
        armijo_line_search(**({"f": half_square, "x": one, "direction": -one, "grad": one} | change))


def test_it_gives_up_after_max_trials():
    one = np.array([1.0])
    assert armijo_line_search(half_square, one, np.array([-40.0]), one, c1=0.1, max_trials=6) == (1 / 32, 5)
    with pytest.raises(RuntimeError, match="max_trials: none of 5"):
        armijo_line_search(half_square, one, np.array([-40.0]), one, c1=0.1, max_trials=5)
