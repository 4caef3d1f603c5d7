"""Moment matching against numpy, AdaIN and its own invariances."""

import numpy as np
import pytest
import torch

from nstkit.losses import moment_matching_loss
from nstkit.transfer.adain import adain


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 1.5 + 0.4


GENERATED, STYLE = drawn(0, 2, 5, 4, 7), drawn(1, 2, 5, 6, 3)


def by_numpy(generated, style, eps):
    total = 0.0
    for g, s in zip(generated.numpy(), style.numpy(), strict=True):
        for p, q in zip(g, s, strict=True):
            total += (p.mean() - q.mean()) ** 2
            total += (np.sqrt(p.var() + eps) - np.sqrt(q.var() + eps)) ** 2
    return total / generated.shape[0] / generated.shape[1]


@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_it_equals_loops_over_channels(eps):
    assert float(moment_matching_loss(GENERATED, STYLE, eps)) == pytest.approx(
        by_numpy(GENERATED, STYLE, eps)
    )


def test_single_precision_and_strides():
    single = moment_matching_loss(GENERATED.float(), STYLE.float())
    assert single.dtype == torch.float32
    assert float(single) == pytest.approx(by_numpy(GENERATED, STYLE, 1e-5), rel=1e-5)
    strided = GENERATED.mT.contiguous().mT
    torch.testing.assert_close(moment_matching_loss(strided, STYLE), moment_matching_loss(GENERATED, STYLE))


def test_a_shuffle_costs_nothing_and_adain_makes_it_vanish():
    order = torch.randperm(18, generator=torch.Generator().manual_seed(2))
    shuffled = STYLE.flatten(2)[..., order].view_as(STYLE)
    assert float(moment_matching_loss(shuffled, STYLE)) < 1e-25
    assert float(moment_matching_loss(adain(GENERATED, STYLE), STYLE)) < 1e-10


def test_gradients_are_right_finite_on_flat_channels_and_never_reach_the_style():
    generated, style = GENERATED.clone().requires_grad_(), STYLE.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda g: moment_matching_loss(g, STYLE), generated)
    moment_matching_loss(generated, style).backward()
    assert style.grad is None
    flat = torch.full((2, 5, 4, 7), 0.5, requires_grad=True)
    (slope,) = torch.autograd.grad(moment_matching_loss(flat, STYLE.float()), flat)
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (STYLE[:, :4], r"style: expected \(B, C\) = \(2, 5\) as in generated, got \(2, 4\); take both"),
        (STYLE[:1], r"style: expected \(B, C\) = \(2, 5\).*got \(1, 5\)"),
        (STYLE[0], r"style: expected \(B, C, H, W\)"),
    ],
)
def test_what_does_not_fit_is_refused(style, words):
    with pytest.raises(ValueError, match=words):
        moment_matching_loss(GENERATED, style)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = moment_matching_loss(GENERATED.cuda(), STYLE.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), moment_matching_loss(GENERATED, STYLE))
