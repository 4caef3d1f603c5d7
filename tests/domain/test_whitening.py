"""Whitening and colouring agrees with SciPy's matrix powers and hands over mean and covariance."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud
from scipy.linalg import fractional_matrix_power

from nstkit.domain import whiten_color_map

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-3}


def by_scipy(source, target, eps):
    source, target = source.double().numpy(), target.double().numpy()
    ridge = eps * np.eye(source.shape[1])
    whiten = fractional_matrix_power(np.cov(source.T) + ridge, -0.5)
    color = fractional_matrix_power(np.cov(target.T) + ridge, 0.5)
    return (source - source.mean(0)) @ whiten @ color + target.mean(0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("sizes", [(40, 60, 4), (60, 40, 3), (3, 20, 6)], ids=str)
def test_it_agrees_with_scipy(sizes, dtype):
    n, m, d = sizes
    source, target = cloud(n, d, 2, dtype=dtype), cloud(m, d, 1, dtype=dtype)
    mapped = whiten_color_map(source, target, eps=1e-2)
    assert mapped.shape == (n, d)
    assert mapped.dtype == dtype
    expected = by_scipy(source, target, 1e-2)
    np.testing.assert_allclose(mapped, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_mean_and_covariance_become_the_targets():
    source, target = cloud(50, 4, 0), cloud(70, 4, 1)
    mapped = whiten_color_map(source, target, eps=1e-9)
    np.testing.assert_allclose(mapped.mean(0), target.mean(0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.cov(mapped.numpy().T), np.cov(target.numpy().T), rtol=1e-6, atol=1e-6)


def test_a_domain_is_mapped_onto_itself():
    source = cloud(30, 4)
    torch.testing.assert_close(whiten_color_map(source, source.flip(0)), source, rtol=1e-10, atol=1e-10)


def test_in_one_dimension_it_matches_mean_and_deviation():
    source, target = cloud(30, 1, 0), cloud(20, 1, 1)
    expected = (source - source.mean()) / source.std() * target.std() + target.mean()
    torch.testing.assert_close(whiten_color_map(source, target, eps=1e-12), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_fewer_samples_than_dimensions_stay_finite(dtype):
    source = 100 * cloud(3, 20, 0, dtype=dtype)  # rounding alone exceeds eps in float32
    mapped = whiten_color_map(source, cloud(5, 20, 1, dtype=dtype))
    assert mapped.isfinite().all()
    assert mapped.abs().max() < 1e3


@pytest.mark.parametrize("n", [3, 9], ids=["repeated eigenvalues", "full rank"])
def test_both_sets_get_the_right_gradients(n):
    leaves = [rows.mT.contiguous().mT.requires_grad_() for rows in (cloud(n, 5, 0), cloud(7, 5, 1))]
    assert torch.autograd.gradcheck(lambda s, t: whiten_color_map(s, t, 0.1), leaves)


@pytest.mark.parametrize("eps", [0.0, -1e-5, float("nan")])
def test_eps_must_be_positive(eps):
    with pytest.raises(ValueError, match="eps: expected a positive number, got "):
        whiten_color_map(cloud(5, 3), cloud(5, 3), eps)


def test_sets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="target: expected vectors of length 3 as in source, got 4"):
        whiten_color_map(cloud(5, 3), cloud(5, 4))
    with pytest.raises(ValueError, match="source: expected at least 2 samples, got 1"):
        whiten_color_map(cloud(1, 3), cloud(5, 3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    source, target = cloud(30, 4, 0), cloud(20, 4, 1)
    gpu = whiten_color_map(source.cuda(), target.cuda())
    torch.testing.assert_close(gpu.cpu(), whiten_color_map(source, target), rtol=1e-8, atol=1e-8)
