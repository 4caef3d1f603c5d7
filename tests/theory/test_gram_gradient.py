"""The closed form agrees with autograd and with finite differences of the loss it belongs to."""

import numpy as np
import pytest
import torch

from nstkit.losses import gatys_style_loss
from nstkit.theory import gram_loss_grad

SHAPES = [(5, 8), (7, 3)]


def pair(n, m, seed=0):
    random = np.random.default_rng(seed)
    features, half = random.normal(size=(n, m)), random.normal(size=(n, n))
    return features, half + half.T


def loss(features, target_gram):
    n, m = features.shape
    return ((features @ features.T - target_gram) ** 2).sum() / (4 * n**2 * m**2)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_agrees_with_autograd(shape):
    features, target_gram = pair(*shape)
    leaf = torch.from_numpy(features).requires_grad_()
    (expected,) = torch.autograd.grad(loss(leaf, torch.from_numpy(target_gram)), leaf)
    np.testing.assert_allclose(
        gram_loss_grad(features, target_gram), expected.numpy(), rtol=1e-12, atol=1e-15
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_it_agrees_with_central_differences(shape):
    features, target_gram = pair(*shape)
    gradient = gram_loss_grad(features, target_gram)
    expected = np.empty(shape)
    for where in np.ndindex(shape):
        step = np.zeros(shape)
        step[where] = 1e-5
        expected[where] = (loss(features + step, target_gram) - loss(features - step, target_gram)) / 2e-5
    assert gradient.shape == shape
    assert gradient.dtype == np.float64
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-9)


def test_it_is_the_gradient_of_the_library_s_style_loss():
    features, style = (pair(5, 12, seed)[0] for seed in (1, 2))
    maps = [torch.from_numpy(f).reshape(1, 5, 3, 4) for f in (features, style)]
    maps[0].requires_grad_()
    gatys_style_loss({"relu1": maps[0]}, {"relu1": maps[1]}, {"relu1": 1.0}).backward()
    expected = maps[0].grad.numpy().reshape(5, 12)
    np.testing.assert_allclose(gram_loss_grad(features, style @ style.T), expected, rtol=1e-12, atol=1e-15)


def test_it_is_zero_at_the_target():
    features, _ = pair(4, 6)
    assert np.abs(gram_loss_grad(features, features @ features.T)).max() < 1e-15


def test_strides_do_not_matter_and_inputs_stay():
    features, target_gram = pair(4, 6)
    strided = np.repeat(features, 2, axis=1)[:, ::-2][:, ::-1]
    expected = gram_loss_grad(features, target_gram)
    copies = strided.copy(), target_gram.copy()
    np.testing.assert_allclose(gram_loss_grad(strided, target_gram.T), expected, rtol=1e-12)
    assert np.array_equal(strided, copies[0])
    assert np.array_equal(target_gram, copies[1])


@pytest.mark.parametrize("shape", [(6, 6), (4, 6), (4, 1), (4,), ()])
def test_a_target_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"target_gram: expected \(4, 4\) for 4 channels, got \("):
        gram_loss_grad(pair(4, 6)[0], np.ones(shape))


@pytest.mark.parametrize("shape", [(2, 4, 6), (4,), (4, 0)])
def test_features_that_are_not_a_matrix_are_refused(shape):
    with pytest.raises(ValueError, match=r"features: expected \(N, M\), got \("):
        gram_loss_grad(np.ones(shape), np.eye(4))


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_symmetry_is_judged_by_the_size_of_the_target(scale):
    features, target_gram = pair(4, 6)
    target_gram *= scale / np.abs(target_gram).max()
    target_gram[0, 1] += 0.5e-8 * scale
    assert gram_loss_grad(features, target_gram).shape == (4, 6)
    target_gram[0, 1] += 1e-8 * scale
    with pytest.raises(ValueError, match="target_gram: expected a symmetric matrix"):
        gram_loss_grad(features, target_gram)
