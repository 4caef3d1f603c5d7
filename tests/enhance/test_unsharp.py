"""Unsharp masking agrees with scikit-image, follows its transfer function, and spares small differences."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.filters import unsharp_mask as oracle

from nstkit.enhance import unsharp_mask


@pytest.fixture
def image():
    return torch.rand(2, 3, 14, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("sigma", "amount"), [(1.0, 0.5), (2.3, 1.7), (0.6, 0.0)])
def test_it_agrees_with_scikit_image(image, sigma, amount):
    result = unsharp_mask(image, sigma, amount)
    for got, picture in zip(result, image.numpy(), strict=True):
        expected = oracle(picture, radius=sigma, amount=amount, channel_axis=0)
        np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


def test_the_threshold_is_hard_and_of_the_absolute_value(image):
    result = unsharp_mask(image, 1.2, 0.8, 0.1)
    for got, channel in zip(result.flatten(0, 1), image.flatten(0, 1).numpy(), strict=True):
        mask = channel - gaussian_filter(channel, 1.2, mode="reflect")
        mask[np.abs(mask) < 0.1] = 0
        np.testing.assert_allclose(got.numpy(), np.clip(channel + 0.8 * mask, 0, 1), atol=1e-12)


def test_a_wave_grows_as_the_transfer_function_says():
    x = torch.arange(256, dtype=torch.float64)
    omega, sigma, amount = 2 * math.pi * 16 / 256, 1.5, 0.7
    wave = (0.5 + 0.1 * torch.sin(omega * x)).expand(1, 1, 8, 256)
    gain = 1 + amount * (1 - math.exp(-(sigma**2) * omega**2 / 2))
    middle = (unsharp_mask(wave, sigma, amount) - 0.5)[..., 64:192]
    torch.testing.assert_close(middle, gain * (wave - 0.5)[..., 64:192], rtol=0, atol=1e-4)


def test_dtype_strides_input_and_gradient(image):
    single = image.float().mT.contiguous().mT
    before = single.clone()
    assert unsharp_mask(single, 1.0, 0.5).dtype == torch.float32
    assert torch.equal(single, before)
    small = (0.4 + 0.1 * image[:, :, :4, :3]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: unsharp_mask(x, 1.0, 0.5), small)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((1.0, -0.1), "amount: expected a finite number of at least 0, got -0.1"),
        ((1.0, 1.0, -1e-3), "threshold: expected a number of at least 0"),
        ((0.0, 1.0), "sigma: expected a finite number above 0, got 0.0"),
        ((1.0, float("nan")), "amount: expected"),
    ],
)
def test_mistakes(image, settings, words):
    with pytest.raises(ValueError, match=words):
        unsharp_mask(image, *settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(image):
    gpu = unsharp_mask(image.cuda(), 1.2, 0.8, 0.1)
    torch.testing.assert_close(gpu.cpu(), unsharp_mask(image, 1.2, 0.8, 0.1), rtol=0, atol=1e-12)
