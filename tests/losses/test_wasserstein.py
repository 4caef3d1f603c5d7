"""The Gaussian Wasserstein distance against SciPy's roots, an eigendecomposition's gradient, and closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from nstkit.domain.frechet import frechet_distance
from nstkit.domain.matrix_root import symmetric_root
from nstkit.losses import gaussian_wasserstein, wasserstein_loss
from nstkit.losses.wasserstein import _scales, principal


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def mixed(seed, *shape):
    """Features with correlated channels of unequal strength."""
    channels = shape[1]
    return torch.einsum("dc,bchw->bdhw", drawn(seed + 50, channels, channels), drawn(seed, *shape)) + 0.5


X, Y = mixed(0, 2, 5, 6, 8), mixed(1, 2, 5, 7, 9)


def by_scipy(x, y):
    values = []
    for one, other in zip(x.flatten(2).numpy(), y.flatten(2).numpy(), strict=True):
        a, b = np.cov(one, bias=True), np.cov(other, bias=True)
        means = np.sum((one.mean(1) - other.mean(1)) ** 2)
        values.append(means + np.trace(a) + np.trace(b) - 2 * np.trace(sqrtm(a @ b)).real)
    return np.mean(values) / x.shape[1]


@pytest.mark.parametrize(("dtype", "rel"), [(torch.float64, 1e-6), (torch.float32, 2e-3)])
def test_it_agrees_with_scipy(dtype, rel):
    found = wasserstein_loss(X.to(dtype), Y.to(dtype))
    assert found.dtype == dtype
    assert float(found) == pytest.approx(by_scipy(X, Y), rel=rel)


def test_it_agrees_with_the_frechet_distance_where_pixels_are_fewer_than_channels():
    """Unbiased covariances there: n / (n − 1) of ours, for both sets of 6 points."""
    x, y = mixed(2, 2, 9, 2, 3), mixed(3, 2, 9, 3, 2)
    found = 0
    for one, other in zip(x.flatten(2), y.flatten(2), strict=True):
        means = (one.mean(1) - other.mean(1)).square().sum()
        found += means + (frechet_distance(one.mT, other.mT) - means) * 5 / 6
    assert float(wasserstein_loss(x, y)) == pytest.approx(float(found / 2 / 9), rel=1e-6)


def test_the_gradient_is_that_of_the_eigendecomposition():
    x = X.clone().requires_grad_()
    (found,) = torch.autograd.grad(wasserstein_loss(x, Y), x)
    centred = x.flatten(2) - x.flatten(2).mean(2, keepdim=True)
    other = Y.flatten(2) - Y.flatten(2).mean(2, keepdim=True)
    a, b = (c @ c.mT / c.shape[2] for c in (centred, other))
    root = symmetric_root(b)
    cross = symmetric_root(root @ a @ root).diagonal(dim1=1, dim2=2).sum(1)
    traces = (a + b).diagonal(dim1=1, dim2=2).sum(1) - 2 * cross
    means = (x.mean((2, 3)) - Y.mean((2, 3))).square().sum(1)
    (expected,) = torch.autograd.grad((means + traces).mean() / 5, x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


def test_gradcheck_and_the_style_is_a_constant():
    x, y = mixed(4, 2, 3, 2, 4).requires_grad_(), mixed(5, 2, 3, 3, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: wasserstein_loss(t, y), x)
    wasserstein_loss(x, y).backward()
    assert y.grad is None


def test_commuting_covariances_have_a_closed_form():
    """Σ (√a − √b)² for diagonal matrices, and ‖μ − ν‖²."""
    a, b = torch.tensor([[4.0, 1.0, 0.0], [9.0, 0.0, 1.0]]), torch.tensor([[1.0, 1.0, 9.0], [0.0, 0.0, 25.0]])
    mean, other = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 2.0], [0.0, 0.0, 3.0]])
    numbers = [t.double() for t in (mean, torch.diag_embed(a), other, torch.diag_embed(b))]
    expected = torch.tensor([9 + 1 + 0 + 9.0, 9 + 9 + 0 + 16]).double()
    torch.testing.assert_close(gaussian_wasserstein(*numbers), expected, rtol=1e-3, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(2, 5, 6, 8), (2, 40, 2, 3), (2, 5, 1, 1)], ids=str)
def test_equal_features_are_at_distance_0_with_a_small_finite_gradient(shape, dtype):
    x = mixed(6, *shape).to(dtype).requires_grad_()
    loss = wasserstein_loss(x, x.detach().flip(2).flip(3))
    scale = float(x.detach().square().mean())
    assert abs(float(loss.detach())) < 1e-5 * scale
    (gradient,) = torch.autograd.grad(loss, x)
    assert torch.isfinite(gradient).all()
    assert float(gradient.abs().max()) < 0.05 * scale**0.5


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_few_pixels_of_many_channels_in_float32(factor):
    """The style hardly overlaps with the features: the product of the covariances has small and zero eigenvalues."""
    x = (factor * mixed(7, 2, 48, 3, 4)).float().requires_grad_()
    y = mixed(8, 2, 48, 4, 5).float()
    loss = wasserstein_loss(x, y)
    assert float(loss.detach()) == pytest.approx(by_scipy(x.detach().double(), y.double()), rel=0.02)
    (gradient,) = torch.autograd.grad(loss, x)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_style_of_few_positions_loses_nothing_by_being_cut_to_its_rank(dtype):
    """Beside all 48 directions of the same covariance, of which 15 are not 0: value and gradient."""
    style = mixed(9, 2, 48, 3, 5)
    centred = style.flatten(2) - style.flatten(2).mean(2, keepdim=True)
    target = style.mean((2, 3)), centred @ centred.mT / 15
    x = mixed(10, 2, 48, 7, 9).requires_grad_()
    flat = x.flatten(2) - x.flatten(2).mean(2, keepdim=True)
    whole = gaussian_wasserstein(x.mean((2, 3)), flat @ flat.mT / 63, *target).mean() / 48
    (expected,) = torch.autograd.grad(whole, x)
    y = x.detach().to(dtype).requires_grad_()
    cut = wasserstein_loss(y, style.to(dtype))
    (found,) = torch.autograd.grad(cut, y)
    assert principal(target[1], 15)[1].shape == (2, 48, 15)
    assert float(cut.detach()) == pytest.approx(
        float(whole.detach()), rel=2e-3 if dtype == torch.float32 else 1e-6
    )
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-3 * float(expected.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_scaled_steps_take_every_resolved_eigenvalue_to_1_and_leave_rounding_errors_small(dtype):
    """σ ↦ ρσ(3 − ρ²σ²)/2, for roots σ; x ↦ x(ρ(3 − ρ²x)/2)² for what may be negative."""
    eps = torch.finfo(dtype).eps
    root = torch.logspace(math.log10(300 * eps) / 2, 0, 1000, dtype=torch.float64)
    stray = torch.tensor([eps, -eps], dtype=torch.float64)
    for scale in _scales(eps):
        root = scale * root * (3 - (scale * root) ** 2) / 2
        stray = stray * (scale * (3 - scale**2 * stray) / 2) ** 2
    torch.testing.assert_close(root, torch.ones_like(root), rtol=0, atol=1e-6)
    assert 0.01 < float(stray.abs().max()) < 0.15


def test_where_lapack_gives_up_in_float32_it_is_asked_in_float64(monkeypatch):
    """MKL's divide and conquer did so for the 192 channels of tiny's relu5_1 over six positions."""
    features = torch.randn(2, 12, 6, generator=torch.Generator().manual_seed(5))
    covariance, real = features @ features.mT / 6, torch.linalg.eigh
    found = principal(covariance, 6)

    def weak(matrix):
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("failed to converge")
        return real(matrix)

    monkeypatch.setattr(torch.linalg, "eigh", weak)
    values, vectors = principal(covariance, 6)
    assert (values.dtype, vectors.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(values, found[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(vectors * values[:, None] @ vectors.mT, covariance, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e-37, 2.0**-46, 1.0, 1e30])
def test_a_covariance_of_any_size_has_finite_eigenvectors_that_give_it_back(scale):
    generator = torch.Generator().manual_seed(3)
    steps = torch.tensor([0, 0, 0, 0.5, 0.75, 1, 1, 3, -0.5, -0.75, -1, -1, -3])
    apart = steps[
        torch.randint(0, 13, (300, 24, 1), generator=generator)
    ]  # as flat pixels are from their mean
    covariance = scale * (apart @ apart.mT)
    values, vectors = principal(covariance, 60)
    given_back = (vectors * values[:, None]) @ vectors.mT
    torch.testing.assert_close(given_back, covariance, rtol=0, atol=1e-5 * float(covariance.abs().max()))


def test_blank_features_have_the_styles_second_moments_as_distance():
    blank = torch.zeros(2, 5, 6, 8).requires_grad_()
    loss = wasserstein_loss(blank, Y.float())
    assert float(loss.detach()) == pytest.approx(float(Y.square().mean()), rel=1e-3)
    (gradient,) = torch.autograd.grad(loss, blank)
    assert torch.isfinite(gradient).all()


def test_half_precision_has_float32_statistics_also_under_autocast():
    strong = (300 * X).half()  # squares beyond 65504
    with torch.autocast("cpu", torch.bfloat16):
        found = wasserstein_loss(strong, (300 * Y).half())
    assert found.dtype == torch.float32
    assert float(found) == pytest.approx(9e4 * by_scipy(X, Y), rel=5e-3)


def test_mistakes_are_named():
    with pytest.raises(
        ValueError, match=r"style: expected \(B, C\) = \(2, 5\) as in generated, got \(2, 4\)"
    ):
        wasserstein_loss(X, Y[:, :4])
    with pytest.raises(ValueError, match=r"generated: expected \(B, C, H, W\).*got \(2, 5, 48\)"):
        wasserstein_loss(X.flatten(2), Y)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = wasserstein_loss(X.cuda(), Y.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), wasserstein_loss(X, Y), rtol=1e-8, atol=0)
