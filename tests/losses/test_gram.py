"""Gram matrices agree with einsum, have the laws of second moments, and refuse what is no feature map."""

import numpy as np
import pytest
import torch

from nstkit.losses import gram_matrix
from nstkit.losses.gram import moments_around

DIVISORS = {"chw": 5 * 4 * 7, "hw": 4 * 7, "none": 1}
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


@pytest.fixture
def features():
    """(2, 5, 4, 7) with channel means far from zero, where a covariance differs from a Gram matrix."""
    return torch.randn(2, 5, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.7


def by_einsum(features, divisor):
    array = features.double().numpy()
    return np.einsum("bchw,bdhw->bcd", array, array) / divisor


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("normalize", DIVISORS)
def test_it_agrees_with_einsum_for_every_normalisation(features, normalize, dtype):
    gram = gram_matrix(features.to(dtype), normalize=normalize)
    assert gram.shape == (2, 5, 5)
    assert gram.dtype == dtype
    expected = by_einsum(features.to(dtype), DIVISORS[normalize])
    np.testing.assert_allclose(gram.double().numpy(), expected, rtol=TOLERANCE[dtype], atol=0)


def test_it_divides_by_channels_and_positions_unless_told_otherwise(features):
    torch.testing.assert_close(gram_matrix(features), gram_matrix(features, "chw"), rtol=0, atol=0)


def test_it_is_symmetric_and_positive_semidefinite(features):
    wide = torch.cat([features, -features[:, :2]], 1)  # 7 channels of rank 5
    gram = gram_matrix(wide)
    torch.testing.assert_close(gram, gram.mT, rtol=0, atol=1e-14)
    assert torch.linalg.eigvalsh(gram).min() > -1e-12


def test_it_forgets_where_things_are(features):
    order = torch.randperm(28, generator=torch.Generator().manual_seed(1))
    shuffled = features.flatten(2)[:, :, order].unflatten(2, (4, 7))
    torch.testing.assert_close(gram_matrix(shuffled), gram_matrix(features), rtol=1e-12, atol=0)


def test_each_image_of_a_batch_has_its_own(features):
    singly = torch.cat([gram_matrix(image[None]) for image in features])
    torch.testing.assert_close(gram_matrix(features), singly, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(lambda f: f.contiguous(memory_format=torch.channels_last), id="channels last"),
        pytest.param(lambda f: f.mT.contiguous().mT, id="transposed"),
        pytest.param(lambda f: torch.stack([f, f], -1)[..., 0], id="with gaps"),
    ],
)
def test_the_memory_layout_does_not_matter(features, layout):
    strided = layout(features)
    before = strided.clone()
    torch.testing.assert_close(gram_matrix(strided), gram_matrix(features), rtol=1e-12, atol=0)
    assert torch.equal(strided, before)


@pytest.mark.parametrize("normalize", DIVISORS)
def test_first_and_second_derivatives_are_right(normalize):
    features = torch.randn(2, 3, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    features.requires_grad_()
    assert torch.autograd.gradcheck(lambda f: gram_matrix(f, normalize), features)
    assert torch.autograd.gradgradcheck(lambda f: gram_matrix(f, normalize), features)


def test_it_works_under_the_transforms_of_torch_func(features):
    slope = torch.func.grad(lambda f: gram_matrix(f[None]).square().sum())
    leaf = features.clone().requires_grad_()
    (expected,) = torch.autograd.grad(gram_matrix(leaf).square().sum(), leaf)
    torch.testing.assert_close(torch.func.vmap(slope)(features), expected, rtol=1e-12, atol=0)


def test_half_precision_does_not_overflow_before_the_division():
    strong = torch.full((2, 3, 40, 50), 30.0, dtype=torch.float16)  # 2000 positions · 900 > 65504
    torch.testing.assert_close(gram_matrix(strong, "hw"), torch.full((2, 3, 3), 900.0, dtype=torch.float16))


CENTERS = [None, torch.linspace(-1, 1, 5, dtype=torch.float64).view(1, 5, 1, 1)]


def moments_by_autograd(features, center):
    flat = (features if center is None else features - center).flatten(2)
    return flat.sum(2) / 28, torch.einsum("bcn,bdn->bcd", flat, flat) / 28


@pytest.mark.parametrize("block", [2**20, 15], ids=["whole", "in blocks of 3 positions"])
@pytest.mark.parametrize("center", CENTERS, ids=["raw", "around a center"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("mean", [True, False])
def test_moments_around_a_center_and_their_gradient(features, center, layout, block, mean, monkeypatch):
    monkeypatch.setattr("nstkit.losses.gram._CACHED", block)
    leaf = features.clone(memory_format=layout).requires_grad_()
    moments = moments_around(leaf, center, 1 / 28, mean=mean)[not mean :]
    expected = moments_by_autograd(leaf, center)[not mean :]
    torch.testing.assert_close(moments, expected, rtol=1e-12, atol=1e-14)
    random = torch.Generator().manual_seed(3)
    pull = [torch.randn(m.shape, dtype=m.dtype, generator=random) for m in moments]  # not symmetric
    (gradient,) = torch.autograd.grad(moments, leaf, pull)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected, leaf, pull)[0], rtol=1e-12, atol=1e-14)
    assert gradient.is_contiguous(memory_format=layout)
    assert torch.autograd.gradgradcheck(lambda f: moments_around(f, center, 1 / 28, mean=mean), leaf)


def test_first_moments_that_nobody_wants_are_zeros(features):
    assert torch.equal(moments_around(features, None, 1 / 28)[0], torch.zeros(2, 5, dtype=torch.float64))


@pytest.mark.parametrize("center", CENTERS, ids=["raw", "around a center"])
def test_moments_of_bfloat16_features_are_float32(center):
    """They are those of the same numbers in float64; only their gradient is rounded to the features' precision."""
    wide = torch.randn(2, 5, 40, 60, dtype=torch.float64, generator=torch.Generator().manual_seed(4)) + 3
    features = wide.to(torch.bfloat16).to(memory_format=torch.channels_last).requires_grad_()
    exact = features.detach().double().requires_grad_()
    moments = moments_around(features, None if center is None else center.float(), 1 / 28, mean=True)
    expected = moments_by_autograd(exact, center)
    for own, true in zip(moments, expected, strict=True):
        assert own.dtype == torch.float32
        torch.testing.assert_close(own.double(), true, rtol=1e-5, atol=1e-4)
    gradient, true = (
        torch.autograd.grad(first.square().sum() + second.square().sum(), f)[0]
        for (first, second), f in ((moments, features), (expected, exact))
    )
    assert gradient.dtype == torch.bfloat16
    assert (
        gradient.double() - true
    ).norm() < 2**-8 * true.norm()  # half a unit in the last place, for each factor


def test_moments_around_nothing_of_half_precision_do_not_overflow():
    strong = torch.full((2, 3, 40, 50), 300.0, dtype=torch.float16)  # 300 · 300 > 65504 by itself
    torch.testing.assert_close(moments_around(strong, None, 1 / 2000)[1], torch.full((2, 3, 3), 90_000.0))


@pytest.mark.parametrize("shape", [(5, 4, 7), (2, 5, 28), (1, 2, 5, 4, 7)])
def test_features_that_are_not_four_dimensional_are_refused(shape):
    with pytest.raises(ValueError, match=r"features: expected \(B, C, H, W\).*got \(" + str(shape[0])):
        gram_matrix(torch.ones(shape))


def test_empty_features_are_refused():
    with pytest.raises(ValueError, match=r"features: .*no axis empty, got \(2, 3, 0, 4\)"):
        gram_matrix(torch.ones(2, 3, 0, 4))


@pytest.mark.parametrize("normalize", ["wh", "CHW", "", None])
def test_another_normalisation_is_refused_by_name(features, normalize):
    with pytest.raises(ValueError, match=r"normalize: expected one of 'chw', 'hw', 'none', got "):
        gram_matrix(features, normalize)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(features):
    gpu = gram_matrix(features.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), gram_matrix(features), rtol=1e-10, atol=0)
    around = moments_around(features.cuda(), CENTERS[1].cuda(), 1 / 28, mean=True)
    on_cpu = moments_around(features, CENTERS[1], 1 / 28, mean=True)
    torch.testing.assert_close([m.cpu() for m in around], list(on_cpu), rtol=1e-10, atol=0)
