"""Medians agree with SciPy to the last bit; the switching median changes outliers and nothing else."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from nstkit.filters import bilateral_filter, median_filter, switching_median

SCIPY = {
    "symmetric": "reflect",
    "reflect-101": "mirror",
    "edge": "nearest",
    "wrap": "wrap",
    "zero": "constant",
}
IMAGE = torch.rand(2, 3, 13, 18, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("radius", [1, 2, 3, 4, 5, 7, 8, 14])
@pytest.mark.parametrize("border", ["symmetric", "zero"])
def test_it_agrees_with_scipy_to_the_last_bit(radius, border):
    side = 2 * radius + 1
    expected = scipy.ndimage.median_filter(IMAGE.numpy(), (1, 1, side, side), mode=SCIPY[border])
    np.testing.assert_array_equal(median_filter(IMAGE, radius, border=border).numpy(), expected)


def test_many_equal_values_do_not_confuse_it():
    steps = (IMAGE * 4).floor()
    expected = scipy.ndimage.median_filter(steps.numpy(), (1, 1, 5, 5), mode="reflect")
    np.testing.assert_array_equal(median_filter(steps, 2).numpy(), expected)


def test_it_commutes_with_rising_functions():
    torch.testing.assert_close(median_filter(IMAGE.exp(), 2), median_filter(IMAGE, 2).exp(), rtol=0, atol=0)


def test_threshold_zero_is_the_median_and_one_changes_nothing():
    assert torch.equal(switching_median(IMAGE, 2, 0.0), median_filter(IMAGE, 2))
    assert torch.equal(switching_median(IMAGE, 2, 1.0), IMAGE)


def test_outliers_get_the_median_and_other_pixels_stay_bit_by_bit():
    median, cleaned = median_filter(IMAGE, 1), switching_median(IMAGE, 1, 0.3)
    outlier = (IMAGE - median).abs() > 0.3
    assert 0 < outlier.sum() < outlier.numel()
    assert torch.equal(cleaned[outlier], median[outlier])
    assert torch.equal(cleaned[~outlier], IMAGE[~outlier])


def test_on_salt_and_pepper_it_gains_ten_decibels_and_beats_the_bilateral_filter():
    generator = torch.Generator().manual_seed(2)
    y, x = torch.meshgrid(torch.linspace(0, 7, 60), torch.linspace(0, 9, 80), indexing="ij")
    clean = (0.5 + 0.3 * torch.sin(y) * torch.cos(x))[None, None]
    draw = torch.rand(clean.shape, generator=generator)
    noisy = torch.where(draw < 0.05, 0.0, torch.where(draw > 0.95, 1.0, clean))

    def decibels(image):
        return float(-10 * (image - clean).square().mean().log10())

    gained = decibels(switching_median(noisy, 1, 0.2)) - decibels(noisy)
    assert gained > 10
    assert gained > decibels(bilateral_filter(noisy, 2.0, 0.1, 3)) - decibels(noisy) + 8


@pytest.mark.parametrize("threshold", [-0.1, float("nan")])
def test_a_negative_threshold_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold: expected at least 0, got"):
        switching_median(IMAGE, 1, threshold)
