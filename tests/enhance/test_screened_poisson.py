"""Screened Poisson solves the sparse normal equation, and its limits are the two pictures."""

import numpy as np
import pytest
import torch
from scipy.sparse import diags_array, eye_array, kron
from scipy.sparse.linalg import spsolve

from nstkit.enhance import screened_poisson


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(2, 3, 7, 10, dtype=torch.float64, generator=generator) for _ in range(2))


def laplacian(height, width):
    """DyᵀDy + DxᵀDx with forward differences that stay inside."""

    def one(n):
        d = diags_array([-np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1], shape=(n - 1, n))
        return d.T @ d

    return kron(one(height), eye_array(width)) + kron(eye_array(height), one(width))


@pytest.mark.parametrize("lam", [1e-3, 0.3, 20.0])
def test_it_solves_the_normal_equation(pair, lam):
    matrix = laplacian(7, 10).tocsc()
    result = screened_poisson(*pair, lam).flatten(0, 1).numpy()
    for got, s, c in zip(result, *(p.flatten(0, 1).numpy() for p in pair), strict=True):
        right = lam * s.ravel() + matrix @ c.ravel()
        expected = spsolve((lam * eye_array(70) + matrix).tocsc(), right)
        np.testing.assert_allclose(got.ravel(), expected, atol=1e-12)


def test_limits_and_mean(pair):
    stylized, content = pair
    torch.testing.assert_close(screened_poisson(*pair, 1e9), stylized, rtol=0, atol=1e-7)
    shift = (stylized - content).mean((2, 3), keepdim=True)
    torch.testing.assert_close(screened_poisson(*pair, 1e-9), content + shift, rtol=0, atol=1e-6)
    means = [image.mean((2, 3)) for image in (screened_poisson(*pair, 0.2), stylized)]
    torch.testing.assert_close(*means, rtol=0, atol=1e-12)


def test_equal_pictures_stay(pair):
    torch.testing.assert_close(screened_poisson(pair[0], pair[0], 0.1), pair[0], rtol=0, atol=1e-15)


def test_dtype_strides_inputs_and_gradient(pair):
    single = [image.float().mT.contiguous().mT for image in pair]
    before = [image.clone() for image in single]
    result = screened_poisson(*single, 0.3)
    assert result.dtype == torch.float32
    assert all(torch.equal(a, b) for a, b in zip(single, before, strict=True))
    torch.testing.assert_close(result.double(), screened_poisson(*pair, 0.3), rtol=0, atol=1e-5)
    small = [image[:, :1, :3, :4].clone().requires_grad_() for image in pair]
    assert torch.autograd.gradcheck(lambda s, c: screened_poisson(s, c, 0.3), small)


def test_mistakes(pair):
    with pytest.raises(
        ValueError, match=r"content: expected the shape of stylized, \(2, 3, 7, 10\), got \(1, 3"
    ):
        screened_poisson(pair[0], pair[1][:1], 1.0)
    for lam in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="lam: expected a finite number above 0"):
            screened_poisson(*pair, lam)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    gpu = screened_poisson(*(image.cuda() for image in pair), 0.3)
    torch.testing.assert_close(gpu.cpu(), screened_poisson(*pair, 0.3), rtol=0, atol=1e-12)
