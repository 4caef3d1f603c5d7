"""The bilateral filter agrees with OpenCV on gray and with loops on colour; its limits are a blur and the identity."""

import cv2
import numpy as np
import pytest
import torch

from nstkit.filters import bilateral_filter

IMAGE = torch.rand(2, 3, 9, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def by_loops(image, sigma_space, sigma_range, radius):
    """(C, H, W), one pixel and one neighbour after the other."""
    padded = np.pad(image, ((0, 0), (radius, radius), (radius, radius)), "symmetric")
    out = np.empty_like(image)
    for y in range(image.shape[1]):
        for x in range(image.shape[2]):
            total, weights = 0.0, 0.0
            for dy in range(-radius, radius + 1):
                for dx in range(-radius, radius + 1):
                    if dy**2 + dx**2 > radius**2:
                        continue
                    near = padded[:, y + radius + dy, x + radius + dx]
                    gap = ((near - image[:, y, x]) ** 2).sum()
                    w = np.exp(-(dy**2 + dx**2) / (2 * sigma_space**2) - gap / (2 * sigma_range**2))
                    total, weights = total + w * near, weights + w
            out[:, y, x] = total / weights
    return out


@pytest.mark.parametrize(
    ("sigma_space", "sigma_range", "radius"), [(1.0, 0.4, 1), (2.0, 0.2, 3), (5.0, 0.7, 11)]
)
def test_it_agrees_with_loops_on_colour(sigma_space, sigma_range, radius):
    ours = bilateral_filter(IMAGE, sigma_space, sigma_range, radius).numpy()
    for image, filtered in zip(IMAGE.numpy(), ours, strict=True):
        np.testing.assert_allclose(filtered, by_loops(image, sigma_space, sigma_range, radius), atol=1e-14)


@pytest.mark.parametrize("border", ["symmetric", "reflect-101", "edge"])
def test_it_agrees_with_opencv_on_gray(border):
    types = {
        "symmetric": cv2.BORDER_REFLECT,
        "reflect-101": cv2.BORDER_REFLECT_101,
        "edge": cv2.BORDER_REPLICATE,
    }
    image = torch.rand(2, 1, 40, 33, generator=torch.Generator().manual_seed(1))
    ours = bilateral_filter(image, 2.0, 0.15, 4, border=border)
    for gray, filtered in zip(image, ours, strict=True):
        theirs = cv2.bilateralFilter(gray[0].numpy(), 9, 0.15, 2.0, borderType=types[border])
        np.testing.assert_allclose(filtered[0].numpy(), theirs, atol=2e-6)


def test_a_wide_range_makes_it_a_gaussian_over_the_disc():
    offsets = torch.arange(-3, 4, dtype=torch.float64)
    squared = offsets[:, None].square() + offsets.square()
    kernel = torch.exp(-squared / (2 * 1.4**2)) * (squared <= 9)
    padded = np.pad(IMAGE.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)), "symmetric")
    images = torch.from_numpy(padded).flatten(0, 1)[:, None]
    expected = torch.nn.functional.conv2d(images, (kernel / kernel.sum())[None, None]).view_as(IMAGE)
    torch.testing.assert_close(bilateral_filter(IMAGE, 1.4, 1e4, 3), expected, rtol=0, atol=1e-8)


def test_a_narrow_range_leaves_the_image_and_an_outlier_survives_a_moderate_one():
    torch.testing.assert_close(bilateral_filter(IMAGE, 2.0, 1e-4, 2), IMAGE, rtol=0, atol=1e-12)
    spike = torch.full((2, 1, 7, 9), 0.2, dtype=torch.float64)
    spike[..., 3, 4] = 1.0
    torch.testing.assert_close(bilateral_filter(spike, 3.0, 0.1, 3), spike, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "name"), [((0, 1, 1), "sigma_space"), ((1, 0, 1), "sigma_range"), ((1, 1, 0), "radius")]
)
def test_bad_sizes_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"{name}: expected .* got 0"):
        bilateral_filter(IMAGE, *arguments)
