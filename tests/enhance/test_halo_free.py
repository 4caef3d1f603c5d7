"""Sharpening within the local range: it is SciPy's, a step keeps its levels; wide limits give the plain mask."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from nstkit.enhance import halo_free_sharpen, local_range
from nstkit.filters import gaussian_blur

IMAGE = torch.rand(2, 3, 13, 18, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("radius", [1, 2, 3, 8, 20])
def test_the_local_range_is_that_of_scipy(radius):
    low, high = local_range(IMAGE, radius)
    size = (1, 1, 2 * radius + 1, 2 * radius + 1)
    np.testing.assert_array_equal(
        low.numpy(), scipy.ndimage.minimum_filter(IMAGE.numpy(), size, mode="reflect")
    )
    np.testing.assert_array_equal(
        high.numpy(), scipy.ndimage.maximum_filter(IMAGE.numpy(), size, mode="reflect")
    )


def test_wide_limits_give_the_plain_unsharp_mask():
    plain = IMAGE + 1.5 * (IMAGE - gaussian_blur(IMAGE, 1.2))
    torch.testing.assert_close(halo_free_sharpen(IMAGE, 1.2, 1.5, overshoot=10), plain, rtol=0, atol=1e-15)


@pytest.mark.parametrize("overshoot", [0.0, 0.05])
def test_no_pixel_leaves_its_window_by_more_than_the_overshoot(overshoot):
    sharp = halo_free_sharpen(IMAGE, 2.0, 3.0, 2, overshoot)
    low, high = local_range(IMAGE, 2)
    assert (sharp >= low - overshoot).all()
    assert (sharp <= high + overshoot).all()
    assert (sharp == high + overshoot).any()


def test_a_step_keeps_its_levels_and_a_ramp_gets_steeper():
    ramp = torch.linspace(-1, 2, 40, dtype=torch.float64).clamp(0.2, 0.8).expand(2, 1, 15, 40)
    sharp = halo_free_sharpen(ramp, 3.0, 2.0)
    assert (float(sharp.min()), float(sharp.max())) == (float(ramp.min()), float(ramp.max()))
    assert sharp.diff(dim=3).max() > 1.3 * ramp.diff(dim=3).max()
    plain = halo_free_sharpen(ramp, 3.0, 2.0, overshoot=1.0)
    assert plain.max() > 0.9  # the halo that is avoided


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"sigma": 0.0, "amount": 1.0}, "sigma"),
        ({"sigma": 1.0, "amount": -0.1}, "amount"),
        ({"sigma": 1.0, "amount": 1.0, "radius": 0}, "radius"),
        ({"sigma": 1.0, "amount": 1.0, "overshoot": -0.1}, "overshoot"),
    ],
)
def test_bad_options_are_refused_by_name(options, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        halo_free_sharpen(IMAGE, **options)
