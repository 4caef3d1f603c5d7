"""Sliding sums and extrema agree with unfolded windows; half of a window and its mirror image make the window."""

import pytest
import torch

from nstkit.filters.windows import half_window, sliding_extreme, sliding_sum

IMAGE = torch.rand(2, 3, 19, 23, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("axis", [-2, -1])
@pytest.mark.parametrize("width", [1, 2, 3, 4, 5, 7, 8, 11, 19])
def test_windows_of_every_width(axis, width):
    windows = IMAGE.unfold(axis, width, 1)
    torch.testing.assert_close(sliding_sum(IMAGE, width, axis), windows.sum(-1), rtol=0, atol=1e-13)
    assert torch.equal(sliding_extreme(IMAGE, width, axis, torch.minimum), windows.amin(-1))
    assert torch.equal(sliding_extreme(IMAGE, width, axis, torch.maximum), windows.amax(-1))


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_half_a_window_its_mirror_image_and_the_centre_are_the_window(radius):
    half = list(half_window(radius))
    whole = {*half, *((-dy, -dx) for dy, dx in half), (0, 0)}
    side = range(-radius, radius + 1)
    assert whole == {(dy, dx) for dy in side for dx in side}
    assert len(whole) == 2 * len(half) + 1
