"""The content loss agrees with NumPy for both constants, never broadcasts, and leaves the target alone."""

import numpy as np
import pytest
import torch

from nstkit.losses import content_loss

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def pair(dtype=torch.float64, shape=(3, 5, 4, 7)):
    random = torch.Generator().manual_seed(0)
    generated, target = torch.randn(2, *shape, generator=random, dtype=torch.float64) * 2
    return generated.to(dtype), target.to(dtype)


def by_loop(generated, target, reduction):
    """½ Σ or the mean over C, H and W of each image's squared differences, then the mean over images."""
    losses = []
    for f, p in zip(generated.double().numpy(), target.double().numpy(), strict=True):
        squares = np.square(f - p)
        losses.append(squares.sum() / 2 if reduction == "gatys" else squares.mean())
    return np.mean(losses)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["gatys", "mean"])
def test_it_agrees_with_numpy_for_both_constants(reduction, dtype):
    generated, target = pair(dtype)
    assert (generated - target).abs().max() > 1  # where a smooth L1 loss would differ
    loss = content_loss(generated, target, reduction=reduction)
    assert loss.shape == ()
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(by_loop(generated, target, reduction), rel=TOLERANCE[dtype])


def test_gatys_constant_is_the_default():
    assert content_loss(*pair()) == content_loss(*pair(), "gatys")


def test_the_two_constants_differ_by_half_the_size_of_a_map():
    half_size = 5 * 4 * 7 / 2
    gatys, mean = (content_loss(*pair(), reduction) for reduction in ("gatys", "mean"))
    torch.testing.assert_close(gatys, mean * half_size, rtol=1e-12, atol=0)


def test_a_shuffled_copy_of_equal_norm_is_different_content():
    generated, _ = pair()
    assert content_loss(generated, generated.flip(3)) > 1
    assert content_loss(generated, generated) == 0


@pytest.mark.parametrize("reduction", ["gatys", "mean"])
def test_the_gradient_is_right_in_generated_features_of_any_layout(reduction):
    generated, target = pair(shape=(2, 3, 4, 5))
    leaf = generated.mT.contiguous().mT.requires_grad_()
    assert torch.autograd.gradcheck(lambda f: content_loss(f, target, reduction), leaf)


def test_no_gradient_reaches_the_target_and_no_input_changes():
    generated, target = (features.requires_grad_() for features in pair())
    content_loss(generated, target).backward()
    assert generated.grad is not None
    assert target.grad is None
    assert all(torch.equal(now, then) for now, then in zip((generated, target), pair(), strict=True))


@pytest.mark.parametrize("shape", [(3, 1, 4, 7), (1, 5, 4, 7), (3, 5, 1, 1), (3, 5, 7, 4), (5, 4, 7), ()])
def test_a_target_that_would_broadcast_or_not_fit_is_refused(shape):
    generated, _ = pair()
    with pytest.raises(ValueError, match=r"target: expected the shape of generated, \(3, 5, 4, 7\), got \("):
        content_loss(generated, torch.ones(shape, dtype=torch.float64))


def test_features_without_a_batch_axis_are_refused():
    generated, target = pair()
    with pytest.raises(ValueError, match=r"generated: expected \(B, C, H, W\).*batch axis"):
        content_loss(generated[0], target[0])


@pytest.mark.parametrize("reduction", ["sum", "none", "Gatys"])
def test_another_reduction_is_refused_by_name(reduction):
    with pytest.raises(ValueError, match=f"reduction: expected one of 'gatys', 'mean', got '{reduction}'"):
        content_loss(*pair(), reduction)
