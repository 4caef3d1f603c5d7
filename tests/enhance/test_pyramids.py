"""Pyramids agree with OpenCV and SciPy, and collapse to the image for every size."""

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch

from nstkit.enhance import (
    collapse_pyramid,
    gaussian_pyramid,
    laplacian_pyramid,
    pyramid_expand,
    pyramid_reduce,
)

KERNEL = np.array([1, 4, 6, 4, 1]) / 16
SIZES = [(16, 22), (17, 23), (18, 25), (3, 4), (5, 3), (37, 64)]
every_size = pytest.mark.parametrize("size", SIZES)


def picture(height, width):
    return torch.rand(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def as_array(image):
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())


@every_size
def test_reduce_agrees_with_opencv(size):
    images = picture(*size)
    for image, reduced in zip(images, pyramid_reduce(images), strict=True):
        np.testing.assert_allclose(as_array(reduced), cv2.pyrDown(as_array(image)), atol=5e-16)


@every_size
def test_expand_is_a_blur_of_pixels_between_zeros(size):
    coarse = picture((size[0] + 1) // 2, (size[1] + 1) // 2)
    spread = np.zeros((2, 3, *size))
    spread[:, :, ::2, ::2] = coarse.numpy()
    for axis in (2, 3):
        spread = scipy.ndimage.correlate1d(spread, KERNEL, axis, mode="mirror")
    np.testing.assert_allclose(pyramid_expand(coarse, size).numpy(), 4 * spread, atol=1e-15)


def test_expand_agrees_with_opencv_for_even_sizes():
    coarse = picture(8, 11)
    for image, expanded in zip(coarse, pyramid_expand(coarse, (16, 22)), strict=True):
        np.testing.assert_allclose(as_array(expanded), cv2.pyrUp(as_array(image)), atol=1e-15)


@pytest.mark.parametrize(("size", "levels"), [((16, 22), 1), ((16, 22), 4), ((37, 29), 5), ((3, 5), 2)])
def test_collapsing_gives_the_image_back(size, levels):
    image = picture(*size)
    pyramid = laplacian_pyramid(image, levels)
    assert len(pyramid) == levels
    torch.testing.assert_close(collapse_pyramid(pyramid), image, rtol=0, atol=1e-15)
    single = collapse_pyramid(laplacian_pyramid(image.float(), levels))
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), image, rtol=0, atol=5e-7)


def test_a_band_is_a_level_minus_the_expanded_next_level():
    image = picture(13, 18)
    levels, bands = gaussian_pyramid(image, 3), laplacian_pyramid(image, 3)
    torch.testing.assert_close(levels[1], pyramid_reduce(image), rtol=0, atol=0)
    torch.testing.assert_close(
        bands[1], levels[1] - pyramid_expand(levels[2], levels[1].shape[2:]), rtol=0, atol=0
    )
    torch.testing.assert_close(bands[2], levels[2], rtol=0, atol=0)


def test_a_constant_image_has_no_bands():
    *bands, residual = laplacian_pyramid(torch.full((2, 3, 11, 14), 0.7, dtype=torch.float64), 3)
    assert max(band.abs().max() for band in bands) < 1e-15
    torch.testing.assert_close(residual, torch.full_like(residual, 0.7), rtol=1e-14, atol=0)


def test_bands_and_collapse_are_differentiable():
    image = picture(5, 6)[:, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: tuple(laplacian_pyramid(x, 2)), image, fast_mode=True)
    bands = [band.detach().requires_grad_() for band in laplacian_pyramid(image, 3)]
    assert torch.autograd.gradcheck(lambda *b: collapse_pyramid(b), bands, fast_mode=True)


def test_levels_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="levels: expected a whole number of at least 1, got 0"):
        laplacian_pyramid(picture(8, 9), 0)
    with pytest.raises(
        ValueError, match=r"levels: expected at most 3 for an image of \(8, 9\), got 4; .*3 pixels"
    ):
        laplacian_pyramid(picture(8, 9), 4)


def test_pyramids_that_do_not_fit_together_are_refused():
    bands = laplacian_pyramid(picture(8, 9), 3)
    with pytest.raises(ValueError, match="pyramid: expected at least one level"):
        collapse_pyramid([])
    with pytest.raises(ValueError, match=r"shape: expected H and W that halve .* to \(2, 3\), got \(8, 9\)"):
        collapse_pyramid([bands[0], bands[2]])
