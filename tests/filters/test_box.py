"""Box means agree with a double loop, OpenCV and SciPy, lose no precision, and cost the same for every radius."""

import time

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch

from nstkit.filters import box_mean

IMAGE = torch.rand(2, 3, 11, 17, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("radius", [1, 2, 5, 11, 40])
def test_the_window_is_clipped_to_the_image(radius):
    expected = torch.empty_like(IMAGE)
    for y in range(11):
        for x in range(17):
            rows, columns = (
                slice(max(0, y - radius), y + radius + 1),
                slice(max(0, x - radius), x + radius + 1),
            )
            expected[..., y, x] = IMAGE[..., rows, columns].mean((2, 3))
    torch.testing.assert_close(box_mean(IMAGE, radius), expected, rtol=1e-13, atol=0)


def test_it_agrees_with_opencv():
    image = IMAGE[0, 0].numpy()
    sums = [
        cv2.boxFilter(a, -1, (5, 5), normalize=False, borderType=cv2.BORDER_CONSTANT)
        for a in (image, np.ones_like(image))
    ]
    np.testing.assert_allclose(box_mean(IMAGE, 2)[0, 0].numpy(), sums[0] / sums[1], rtol=1e-13)


@pytest.mark.parametrize(
    ("border", "mode"), [("symmetric", "reflect"), ("reflect-101", "mirror"), ("edge", "nearest")]
)
@pytest.mark.parametrize("radius", [1, 4, 13])
def test_with_a_named_border_it_agrees_with_scipy(border, mode, radius):
    expected = scipy.ndimage.uniform_filter(IMAGE.numpy(), (1, 1, 2 * radius + 1, 2 * radius + 1), mode=mode)
    np.testing.assert_allclose(box_mean(IMAGE, radius, border=border).numpy(), expected, rtol=1e-12)


def test_float32_far_from_zero_keeps_its_precision():
    image = (1000 + torch.rand(1, 1, 300, 400, generator=torch.Generator().manual_seed(1))).float()
    exact = box_mean(image.double(), 3)
    torch.testing.assert_close(
        box_mean(image, 3).double(), exact, rtol=2e-7, atol=0
    )  # three roundings of float32


def test_a_wide_window_costs_little_more_than_a_narrow_one():
    image = torch.rand(1, 1, 400, 500)

    def least(radius):
        times = []
        for _ in range(7):
            start = time.perf_counter()
            box_mean(image, radius)
            times.append(time.perf_counter() - start)
        return min(times)

    assert least(60) < 40 * least(1)  # about 10; a loop over the window would need 1600 times as much


@pytest.mark.parametrize("radius", [0, -1, 1.5, True])
def test_a_radius_that_is_no_whole_number_is_refused(radius):
    with pytest.raises(ValueError, match="radius: expected a whole number of at least 1, got"):
        box_mean(IMAGE, radius)


def test_another_border_is_refused():
    with pytest.raises(ValueError, match=r"border: expected one of .*'zero', 'clipped', got 'none'"):
        box_mean(IMAGE, 1, border="none")
