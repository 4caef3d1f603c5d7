"""Laplacian variance against SciPy, and the laws of the gap."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import laplace

from nstkit.filters import gaussian_blur
from nstkit.losses import laplacian_variance, sharpness_gap


def drawn(seed, *shape):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


G, C = drawn(0, 2, 3, 6, 9), drawn(1, 2, 3, 7, 5)


def by_scipy(image):
    return np.array([laplace(one.mean(0), mode="mirror").var() for one in image.numpy()])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("image", [G, C, drawn(2, 3, 2, 2, 8), drawn(3, 2, 1, 5, 2)])
def test_the_variance_agrees_with_scipy(image, dtype):
    found = laplacian_variance(image.to(dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found, by_scipy(image), rtol=1e-10 if dtype == torch.float64 else 1e-4)


@pytest.mark.parametrize("eps", [1e-8, 0.5])
def test_the_gap_is_the_squared_difference_of_logarithms(eps):
    expected = np.mean((np.log(by_scipy(G) + eps) - np.log(by_scipy(C) + eps)) ** 2)
    assert float(sharpness_gap(G, C, eps)) == pytest.approx(expected, rel=1e-10)
    torch.testing.assert_close(sharpness_gap(C, G, eps), sharpness_gap(G, C, eps))
    strided = G.mT.contiguous().mT
    torch.testing.assert_close(sharpness_gap(strided, C, eps), sharpness_gap(G, C, eps))


def test_contrast_counts_as_a_ratio_and_brightness_not_at_all():
    assert float(sharpness_gap(3 * G, G, eps=0.0)) == pytest.approx((2 * math.log(3)) ** 2)
    assert float(sharpness_gap(G + 5, G)) < 1e-15


def test_a_blur_lowers_the_variance():
    assert (laplacian_variance(gaussian_blur(G, 1.0)) < 0.2 * laplacian_variance(G)).all()


def test_flat_images_are_finite():
    flat = torch.full((2, 3, 6, 9), 0.5, dtype=torch.float64, requires_grad=True)
    gap = sharpness_gap(flat, G)
    assert torch.isfinite(gap)
    (slope,) = torch.autograd.grad(gap, flat)
    assert torch.isfinite(slope).all()


def test_gradcheck_in_both():
    g, c = G[..., :4, :5].clone().requires_grad_(), C[..., :3, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(sharpness_gap, (g, c))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (C[:1], "content: expected a batch of 2 as in generated, got 1"),
        (C[0], r"content: expected \(B, C, H, W\)"),
        (C[..., :1], r"content: expected H and W at least 2, got \(7, 1\)"),
    ],
)
def test_what_does_not_fit_is_refused(content, words):
    with pytest.raises(ValueError, match=words):
        sharpness_gap(G, content)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = sharpness_gap(G.cuda(), C.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), sharpness_gap(G, C))
