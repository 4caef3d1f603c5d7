"""Gradient reversal: identity forward, the gradient times −lam backward, on this path only."""

import pytest
import torch

from nstkit.domain import gradient_reverse


def leaf(*shape, seed=0, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=random, dtype=dtype).requires_grad_()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("shape", [(), (3,), (2, 5, 4, 7)])
def test_forward_is_the_identity_and_backward_minus_lam(shape, dtype):
    x, weights = leaf(*shape, dtype=dtype), leaf(*shape, seed=1, dtype=dtype).detach()
    out = gradient_reverse(x, 0.3)
    assert torch.equal(out, x)
    assert out.dtype == dtype
    (gradient,) = torch.autograd.grad((out * weights).sum(), x)
    torch.testing.assert_close(gradient, -0.3 * weights)


def test_lam_zero_sends_zeros_back_and_twice_is_lam_squared():
    x = leaf(2, 3)
    assert torch.autograd.grad(gradient_reverse(x, 0.0).sum(), x)[0].eq(0).all()
    twice = gradient_reverse(gradient_reverse(x, 3.0), 3.0).sum()
    assert torch.autograd.grad(twice, x)[0].eq(9).all()


def test_another_path_into_x_is_not_reversed():
    x = leaf(2, 3)
    loss = gradient_reverse(x, 0.25).sum() + 2 * x.sum()
    assert torch.autograd.grad(loss, x)[0].eq(1.75).all()


def test_each_use_keeps_its_own_lam_until_the_backward_pass():
    x, y = leaf(3), leaf(4)
    loss = gradient_reverse(x, 2.0).sum() + gradient_reverse(y, 5.0).sum()
    by_x, by_y = torch.autograd.grad(loss, (x, y))
    assert by_x.eq(-2).all()
    assert by_y.eq(-5).all()


@pytest.mark.parametrize("lam", [-0.1, float("nan"), float("inf")])
def test_lam_must_be_a_size(lam):
    with pytest.raises(
        ValueError, match=r"lam: expected a finite number of at least 0, got .*minus is built in"
    ):
        gradient_reverse(leaf(3), lam)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_the_gpu():
    x = torch.ones(2, 3, device="cuda", requires_grad=True)
    assert torch.autograd.grad(gradient_reverse(x, 2.0).sum(), x)[0].eq(-2).all()
