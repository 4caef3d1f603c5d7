"""Stretching agrees with NumPy's percentiles and scikit-image's rescaling, one line per image."""

import numpy as np
import pytest
import torch
from skimage.exposure import rescale_intensity

from nstkit.enhance import contrast_stretch


@pytest.fixture
def image():
    generator = torch.Generator().manual_seed(0)
    return 0.3 + 0.1 * torch.randn(2, 3, 9, 7, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize(("low", "high"), [(2, 98), (0, 100), (10.5, 60.25)])
def test_it_agrees_with_percentiles_and_scikit_image(image, low, high):
    result = contrast_stretch(image, low, high)
    for got, picture in zip(result, image.numpy(), strict=True):
        expected = rescale_intensity(picture, tuple(np.percentile(picture, [low, high])), (0, 1))
        np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)


def test_one_hot_pixel_does_not_set_the_scale(image):
    hot = image.clone()
    hot[0, 0, 0, 0] = 50.0
    torch.testing.assert_close(contrast_stretch(hot, 2, 90)[1:], contrast_stretch(image, 2, 90)[1:])
    assert float(contrast_stretch(hot, 2, 90)[0].median()) > 0.4


def test_a_flat_image_stays_while_its_neighbour_is_stretched(image):
    batch = torch.stack([torch.full_like(image[0], 0.7), image[1]])
    result = contrast_stretch(batch)
    assert torch.equal(result[0], batch[0])
    assert (float(result[1].min()), float(result[1].max())) == (0, 1)


def test_dtype_strides_input_and_gradient(image):
    single = image.float().mT.contiguous().mT
    before = single.clone()
    assert contrast_stretch(single).dtype == torch.float32
    assert torch.equal(single, before)
    small = image[:, :, :2, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: contrast_stretch(x, 0, 100), small)


@pytest.mark.parametrize(("low", "high"), [(-1, 98), (2, 101), (50, 50), (60, 40)])
def test_percentages_that_are_refused(image, low, high):
    with pytest.raises(ValueError, match="low, high: expected 0 <= low < high <= 100, got"):
        contrast_stretch(image, low, high)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(image):
    torch.testing.assert_close(
        contrast_stretch(image.cuda()).cpu(), contrast_stretch(image), rtol=1e-12, atol=0
    )
