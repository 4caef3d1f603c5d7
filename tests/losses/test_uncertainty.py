"""Uncertainty weighting: the best log-variance is ln L, and what is left is the product of the losses."""

import math

import pytest
import torch
from scipy.optimize import minimize_scalar

from nstkit.losses import uncertainty_weighted_loss

LOSSES = (0.3, 2.0, 40.0)


def losses(dtype=torch.float64):
    return [torch.tensor(value, dtype=dtype) for value in LOSSES]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_is_the_sum_of_half_the_weighted_losses_and_half_the_log_variances(dtype):
    s = torch.tensor([-0.5, 0.2, 1.7], dtype=dtype)
    found = uncertainty_weighted_loss(losses(dtype), s)
    expected = sum(0.5 * math.exp(-v) * value + 0.5 * v for value, v in zip(LOSSES, s.tolist(), strict=True))
    assert found.shape == ()
    assert found.dtype == dtype
    assert float(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("value", LOSSES)
def test_the_minimum_lies_at_the_logarithm_of_the_loss(value):
    def of(s):
        return float(
            uncertainty_weighted_loss([torch.tensor(value).double()], torch.tensor([s], dtype=torch.float64))
        )

    best = minimize_scalar(of, bounds=(-10, 10), method="bounded", options={"xatol": 1e-9})
    assert best.x == pytest.approx(math.log(value), abs=1e-5)
    assert best.fun == pytest.approx(0.5 * (1 + math.log(value)))


def test_at_the_minimum_a_factor_in_front_of_a_loss_only_adds_a_constant():
    values = torch.tensor(LOSSES, dtype=torch.float64, requires_grad=True)

    def left(factor):
        scaled = [factor * values[0], values[1], values[2]]
        return uncertainty_weighted_loss(scaled, torch.stack(scaled).detach().log())

    (one,) = torch.autograd.grad(left(1.0), values)
    (other,) = torch.autograd.grad(left(1000.0), values)
    torch.testing.assert_close(one, other)


def test_gradcheck_in_losses_and_log_variances():
    s = torch.randn(3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    leaves = [loss.requires_grad_() for loss in losses()]
    assert torch.autograd.gradcheck(lambda v, *terms: uncertainty_weighted_loss(terms, v), (s, *leaves))
    (slope,) = torch.autograd.grad(uncertainty_weighted_loss(leaves, s), s)
    torch.testing.assert_close(slope, 0.5 * (1 - torch.exp(-s) * torch.stack(leaves)).detach())


def test_log_variances_may_have_gaps():
    s = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))[:, 0]
    torch.testing.assert_close(
        uncertainty_weighted_loss(tuple(losses()), s), uncertainty_weighted_loss(losses(), s.contiguous())
    )


@pytest.mark.parametrize(
    ("terms", "s", "words"),
    [
        ([], torch.zeros(0), "losses: expected at least one, got none"),
        (losses(), torch.zeros(2), r"log_vars: expected \(3,\), one per loss, got \(2,\)"),
        (losses(), torch.zeros(3, 1), r"log_vars: expected \(3,\).*got \(3, 1\)"),
        ([torch.ones(1)], torch.zeros(1), r"losses: expected 0-d tensors, got \(1,\) at 0"),
    ],
)
def test_what_does_not_fit_is_refused(terms, s, words):
    with pytest.raises(ValueError, match=words):
        uncertainty_weighted_loss(terms, s)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    s = torch.tensor([-0.5, 0.2, 1.7], dtype=torch.float64)
    found = uncertainty_weighted_loss([loss.cuda() for loss in losses()], s.cuda())
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), uncertainty_weighted_loss(losses(), s))
