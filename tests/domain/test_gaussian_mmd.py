"""The Gaussian MMD agrees with pairs counted one by one, and has the limits that the theory gives."""

import math

import numpy as np
import pytest
import torch
from feature_clouds import cloud
from scipy.spatial.distance import cdist

from nstkit.domain import gaussian_kernel, median_distance, mmd2
from nstkit.domain.arrays import mmd2 as array_mmd2

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}
BANDWIDTHS = (0.7, 2.0, 5.0)


def pair_by_pair(x, y, bandwidths, unbiased):
    def k(a, b):
        return np.mean([math.exp(-np.sum((a - b) ** 2) / (2 * s * s)) for s in bandwidths])

    def within(a):
        pairs = [k(a[i], a[j]) for i in range(len(a)) for j in range(len(a)) if i != j or not unbiased]
        return np.mean(pairs)

    x, y = x.double().numpy(), y.double().numpy()
    return within(x) + within(y) - 2 * np.mean([k(a, b) for a in x for b in y])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("sizes", [(6, 9, 4), (9, 6, 3), (2, 3, 7)], ids=str)
def test_it_agrees_with_pairs_counted_one_by_one(sizes, unbiased, dtype):
    m, n, d = sizes
    x, y = cloud(m, d, 0, dtype=dtype), cloud(n, d, 1, dtype=dtype)
    distance = mmd2(x, y, BANDWIDTHS, unbiased)
    assert distance.shape == ()
    assert distance.dtype == dtype
    expected = pair_by_pair(x, y, BANDWIDTHS, unbiased)
    assert distance.item() == pytest.approx(expected, rel=TOLERANCE[dtype])


def test_a_set_is_at_no_distance_from_itself_in_any_order():
    x = cloud(7, 3)
    assert abs(mmd2(x, x.flip(0), BANDWIDTHS)) < 1e-14


def test_two_single_samples():
    x, y = cloud(1, 3, 0), cloud(1, 3, 1)
    kernel = gaussian_kernel(x, y, BANDWIDTHS).item()
    assert mmd2(x, y, BANDWIDTHS).item() == pytest.approx(2 - 2 * kernel, rel=1e-12)


def test_a_wide_kernel_compares_means_only():
    x, y = cloud(8, 3, 0), cloud(11, 3, 1)
    wide = 1e4
    gap = (x.mean(0) - y.mean(0)).square().sum().item()
    assert wide**2 * mmd2(x, y, [wide]).item() == pytest.approx(gap, rel=1e-5)


def test_the_unbiased_estimate_is_right_on_average_and_the_biased_too_large():
    random = torch.Generator().manual_seed(0)
    pairs = [torch.randn(2, 10, 2, generator=random, dtype=torch.float64) for _ in range(300)]
    unbiased = torch.stack([mmd2(x, y, [1.0], unbiased=True) for x, y in pairs])
    biased = torch.stack([mmd2(x, y, [1.0]) for x, y in pairs])
    assert abs(unbiased.mean()) < 4 * unbiased.std() / math.sqrt(300)
    assert (unbiased < 0).any()
    assert (biased > 0).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_far_from_the_origin_nothing_cancels(dtype):
    x, y = cloud(8, 3, 0, dtype=dtype), cloud(9, 3, 1, dtype=dtype)
    far = 1024.0
    moved = mmd2(x + far, y + far, BANDWIDTHS).item()
    assert moved == pytest.approx(
        mmd2(x, y, BANDWIDTHS).item(), rel=1e-10 if dtype == torch.float64 else 1e-2
    )


def test_both_sets_get_the_right_gradients_in_any_layout():
    leaves = [rows.mT.contiguous().mT.requires_grad_() for rows in (cloud(5, 3, 0), cloud(4, 3, 1))]
    for unbiased in (False, True):
        assert torch.autograd.gradcheck(lambda x, y, u=unbiased: mmd2(x, y, BANDWIDTHS, u), leaves)


def test_the_median_distance_is_a_median_of_distances():
    x, y = cloud(6, 3, 0), cloud(5, 3, 1)  # 55 pairs, an odd number
    pooled = torch.cat([x, y]).numpy()
    distances = cdist(pooled, pooled)[np.triu_indices(11, 1)]
    assert median_distance(x, y) == pytest.approx(np.median(distances), rel=1e-12)


@pytest.mark.parametrize("bandwidths", [[], [1.0, 0.0], [-1.0], [float("nan")]], ids=str)
def test_bandwidths_must_be_positive(bandwidths):
    with pytest.raises(ValueError, match="bandwidths: expected one or more positive numbers, got "):
        mmd2(cloud(5, 3), cloud(4, 3), bandwidths)


def test_sets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="y: expected vectors of length 3 as in x, got 4"):
        mmd2(cloud(5, 3), cloud(5, 4), [1.0])
    with pytest.raises(ValueError, match="x: expected at least 2 samples, got 1"):
        mmd2(cloud(1, 3), cloud(5, 3), [1.0], unbiased=True)
    with pytest.raises(ValueError, match="y: expected at least 1 sample, got 0"):
        mmd2(cloud(5, 3), torch.ones(0, 3), [1.0])


def test_arrays_are_as_good_as_tensors():
    x, y = cloud(6, 4, 0), cloud(9, 4, 1)
    assert array_mmd2(x.numpy()[::-1], y.numpy(), BANDWIDTHS, True) == pytest.approx(
        mmd2(x, y, BANDWIDTHS, True).item(), rel=1e-12
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    x, y = cloud(6, 4, 0), cloud(9, 4, 1)
    torch.testing.assert_close(mmd2(x.cuda(), y.cuda(), BANDWIDTHS).cpu(), mmd2(x, y, BANDWIDTHS))
    assert median_distance(x.cuda(), y.cuda()) == pytest.approx(median_distance(x, y))
