"""Weighted transport on a line against NumPy's interpolation, equal weights against the unweighted losses."""

import numpy as np
import pytest
import torch

from nstkit.losses.histogram import remapping_gap
from nstkit.losses.sliced_wasserstein import sliced_gap
from nstkit.losses.weighted_quantiles import quantiles, weighted_gap


def drawn(seed, *shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


VALUES, WANTED = drawn(0, 2, 3, 11), drawn(1, 1, 3, 7)
WEIGHTS, OTHERS = drawn(2, 11).square() + 0.1, 5 * drawn(3, 7).square() + 0.1


def places(values, weights):
    """Sorted values and the middles of their shares, one row at a time."""
    order = np.argsort(values)
    mass = weights[order] / weights.sum()
    return values[order], mass, np.array([mass[:k].sum() + mass[k] / 2 for k in range(len(mass))])


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("one_of", ["both", "values", "wanted"])
def test_each_value_is_compared_with_the_same_quantile(batch, one_of):
    wanted = drawn(4, batch, 3, 7)
    weights = WEIGHTS if one_of != "wanted" else None
    others = OTHERS if one_of != "values" else None
    expected = []
    for k in range(2):
        rows = []
        for row, target in zip(VALUES[k].numpy(), wanted[k % batch].numpy(), strict=True):
            v, mass, at = places(row, np.ones(11) if weights is None else weights.numpy())
            q, _, there = places(target, np.ones(7) if others is None else others.numpy())
            rows.append(np.sum(mass * (v - np.interp(at, there, q)) ** 2))
        expected.append(np.mean(rows))
    found = weighted_gap(VALUES, weights, quantiles(wanted, others))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_equal_weights_are_the_losses_without_weights():
    same = torch.full((11,), 7.0, dtype=torch.float64)
    found = weighted_gap(VALUES, same, quantiles(WANTED))
    torch.testing.assert_close(found, remapping_gap(VALUES, WANTED.sort(dim=2).values))
    ranked = VALUES.sort(dim=2).values
    torch.testing.assert_close(found, sliced_gap(ranked, WANTED.sort(dim=2).values))


def test_values_against_themselves_are_at_no_distance_whatever_the_order():
    order = torch.randperm(11, generator=torch.Generator().manual_seed(5))
    wanted = quantiles(VALUES[..., order], WEIGHTS[order])
    torch.testing.assert_close(weighted_gap(VALUES, 3 * WEIGHTS, wanted), torch.zeros(2, dtype=torch.float64))


def test_one_value_is_wanted_everywhere():
    found = weighted_gap(VALUES, WEIGHTS, quantiles(WANTED[..., :1]))
    share = WEIGHTS / WEIGHTS.sum()
    torch.testing.assert_close(found, ((VALUES - WANTED[..., :1]).square() * share).sum(2).mean(1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_is_that_of_squared_gaps_to_constants(dtype):
    values = VALUES.to(dtype).requires_grad_()
    weighted_gap(values, WEIGHTS.to(dtype), quantiles(WANTED.to(dtype))).sum().backward()
    assert values.grad.dtype == dtype
    if dtype == torch.float64:
        inputs = (VALUES.clone().requires_grad_(),)
        assert torch.autograd.gradcheck(lambda v: weighted_gap(v, WEIGHTS, quantiles(WANTED)), inputs)
