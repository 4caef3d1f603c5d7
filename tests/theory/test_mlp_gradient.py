"""The gradients by hand are autograd's."""

import numpy as np
import pytest
import torch

from nstkit.theory import mlp_backward

NAMES = ("x", "w1", "b1", "w2", "b2")


def draw():
    rng = np.random.default_rng(8)
    return [rng.normal(size=shape) for shape in ((6, 3), (5, 3), (5,), (4, 5), (4,), (6, 4))]


def test_all_five_are_autograds():
    *inputs, dy = draw()
    leaves = [torch.from_numpy(a).requires_grad_() for a in inputs]
    x, w1, b1, w2, b2 = leaves
    y = torch.relu(x @ w1.T + b1) @ w2.T + b2
    (y * torch.from_numpy(dy)).sum().backward()
    grads = mlp_backward(*inputs, dy)
    assert tuple(grads) == NAMES
    for name, leaf in zip(NAMES, leaves, strict=True):
        np.testing.assert_allclose(grads[name], leaf.grad, rtol=1e-12, atol=1e-12)


def test_a_unit_at_zero_passes_nothing():
    grads = mlp_backward(
        np.ones((2, 1)), np.zeros((3, 1)), np.zeros(3), np.ones((1, 3)), np.zeros(1), np.ones((2, 1))
    )
    assert not grads["x"].any()
    assert not grads["w1"].any()
    np.testing.assert_array_equal(grads["b2"], [2.0])


@pytest.mark.parametrize(("position", "shape", "words"), [
    (0, (6, 4), r"w1: expected \(5, 4\), got \(5, 3\)"), (2, (4,), r"b1: expected \(5,\), got \(4,\)"),
    (3, (4, 4), r"w2: expected \(4, 5\), got \(4, 4\)"), (4, (4, 1), r"b2: expected \(4,\)"),
    (5, (4, 6), r"dy: expected \(6, 4\), got \(4, 6\)"), (0, (6,), "expected matrices"),
])  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(position, shape, words):
    arguments = draw()
    arguments[position] = np.ones(shape)
    with pytest.raises(ValueError, match=words):
        mlp_backward(*arguments)
