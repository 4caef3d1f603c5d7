"""The gated gradient agrees exactly with autograd through the ReLU."""

import numpy as np
import pytest
import torch

from nstkit.theory import content_loss_grad


def pair(dtype=np.float64, shape=(5, 8)):
    random = np.random.default_rng(0)
    return random.normal(size=shape).astype(dtype), np.maximum(random.normal(size=shape), 0).astype(dtype)


def by_autograd(pre_activation, target):
    leaf = torch.from_numpy(pre_activation.copy()).requires_grad_()
    (0.5 * (torch.relu(leaf) - torch.from_numpy(target.copy())).square().sum()).backward()
    return leaf.grad.numpy()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(5, 8), (7, 3), (2, 5, 4, 7)])
def test_it_agrees_exactly_with_autograd(dtype, shape):
    pre_activation, target = pair(dtype, shape)
    gradient = content_loss_grad(pre_activation, target)
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(gradient, by_autograd(pre_activation, target))


def test_it_agrees_with_central_differences():
    pre_activation, target = pair()

    def loss(z):
        return 0.5 * ((np.maximum(z, 0) - target) ** 2).sum()

    gradient = content_loss_grad(pre_activation, target)
    for where in np.ndindex(pre_activation.shape):
        step = np.zeros_like(pre_activation)
        step[where] = 1e-6
        difference = (loss(pre_activation + step) - loss(pre_activation - step)) / 2e-6
        assert gradient[where] == pytest.approx(difference, abs=1e-7)


def test_the_result_is_of_the_dtype_of_the_pre_activation():
    pre_activation, target = pair(np.float32)
    assert content_loss_grad(pre_activation, target.astype(np.float64)).dtype == np.float32


def test_a_unit_exactly_at_zero_is_off_and_a_broken_one_is_not_hidden():
    gradient = content_loss_grad(np.array([[0.0, -0.0, np.nan]]), np.ones((1, 3)))
    np.testing.assert_array_equal(gradient, [[0.0, 0.0, np.nan]])


def test_strides_do_not_matter_and_inputs_stay():
    pre_activation, target = pair()
    views = pre_activation[::-1, ::-2], target[::-1, ::-2]
    np.testing.assert_array_equal(content_loss_grad(*views), by_autograd(*views))
    assert all(np.array_equal(now, then) for now, then in zip((pre_activation, target), pair(), strict=True))


@pytest.mark.parametrize("shape", [(8, 5), (1, 8), (5, 1), (5,), ()])
def test_a_target_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"target: expected the shape of pre_activation, \(5, 8\), got \("):
        content_loss_grad(pair()[0], np.ones(shape))


def test_a_target_that_no_relu_makes_is_refused():
    pre_activation, target = pair()
    target[3, 2] = -0.25
    with pytest.raises(ValueError, match=r"target: expected the output of a ReLU, ≥ 0, got -0\.25"):
        content_loss_grad(pre_activation, target)
