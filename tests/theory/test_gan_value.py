"""The value of the game against SciPy's Jensen-Shannon distance, and against every other discriminator."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import xlogy

from nstkit.theory import gan_value_at_optimum


def distributions(count, k=7, seed=0):
    random = np.random.default_rng(seed)
    values = random.dirichlet(np.ones(k), size=(count, 2))
    values[0, 0, :2] = values[0, 1, -2:] = 0
    return values / values.sum(-1, keepdims=True)


@pytest.mark.parametrize(("p", "q"), distributions(4))
def test_it_is_twice_the_divergence_minus_ln_4(p, q):
    best, value = gan_value_at_optimum(p, q)
    np.testing.assert_allclose(best, p / (p + q), rtol=1e-12)
    assert value == pytest.approx(2 * jensenshannon(p, q) ** 2 - math.log(4), abs=1e-12)


def test_no_discriminator_does_better():
    (p, q), random = distributions(2)[1], np.random.default_rng(1)
    _, value = gan_value_at_optimum(p, q)
    for other in random.uniform(size=(200, len(p))):
        assert xlogy(p, other).sum() + xlogy(q, 1 - other).sum() < value


def test_the_two_extremes():
    p = np.array([0.5, 0.5, 0.0, 0.0, 0.0])
    assert gan_value_at_optimum(p, p)[1] == pytest.approx(-math.log(4))
    best, value = gan_value_at_optimum(p, p[::-1].copy())
    assert value == 0
    np.testing.assert_array_equal(best, [1, 1, 0.5, 0, 0])


def test_tiny_probabilities_keep_their_precision():
    """1 - D* is computed as q/(p + q): subtracting would lose it where q is far below p."""
    tiny = 1e-20
    _, value = gan_value_at_optimum(np.array([1 - tiny, tiny]), np.array([tiny, 1 - tiny]))
    assert value == pytest.approx(2 * tiny * math.log(tiny), rel=0.05)


def test_integers_and_views_work():
    best, value = gan_value_at_optimum(np.array([0, 1, 0, 0])[::-1], np.array([0, 1, 0, 0]))
    assert best.dtype == np.float64
    assert value == 0
    np.testing.assert_array_equal(best, [0.5, 0, 1, 0.5])


def test_what_is_no_pair_of_distributions_is_refused():
    p = np.array([0.25, 0.75])
    with pytest.raises(ValueError, match=r"p_gen: expected the shape of p_data, \(2,\), got \(3,\)"):
        gan_value_at_optimum(p, np.array([0.2, 0.3, 0.5]))
    with pytest.raises(ValueError, match=r"p_data: expected no negative entry, got -0\.5"):
        gan_value_at_optimum(np.array([-0.5, 1.5]), p)
    with pytest.raises(ValueError, match=r"p_gen: expected a sum of 1, got 1\.0001"):
        gan_value_at_optimum(p, p * 1.0001)
    with pytest.raises(ValueError, match=r"p_data: expected probabilities \(K,\), got shape \(1, 2\)"):
        gan_value_at_optimum(p[None], p[None])
