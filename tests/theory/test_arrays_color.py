"""The classroom's array functions are the library's, with pixels last, and refuse what is out of range."""

import numpy as np
import pytest
import torch

from nstkit import color
from nstkit.theory import arrays_color

PIXELS = np.random.default_rng(0).uniform(size=(2, 4, 5, 3))


def through(function, array, *options):
    image = torch.from_numpy(array).permute(0, 3, 1, 2)
    return function(image, *options).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("name", "options"), [("srgb_to_lab", ()), ("adjust_hsv", (30.0, 1.2, 0.9))])
def test_pixelwise_functions(name, options, dtype):
    pixels = PIXELS.astype(dtype)[:, ::-1]
    result = getattr(arrays_color, name)(pixels, *options)
    expected = through(getattr(color, name), PIXELS[:, ::-1].copy(), *options)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-4)


def test_one_pixel_and_back():
    lab = arrays_color.srgb_to_lab(PIXELS[0, 0, 0])
    assert lab.shape == (3,)
    np.testing.assert_allclose(arrays_color.lab_to_srgb(lab), PIXELS[0, 0, 0], atol=1e-9)


def test_pairs():
    a, b = PIXELS
    two = through(lambda x: color.luminance_transfer(x, torch.from_numpy(b).permute(2, 0, 1)[None]), a[None])
    np.testing.assert_allclose(arrays_color.luminance_transfer(a, b), two[0], atol=1e-14)
    moved = arrays_color.linear_color_transfer(a, b[:2], "cholesky")
    spread, wanted = (np.cov(image.reshape(-1, 3).T, bias=True) for image in (moved, b[:2]))
    np.testing.assert_allclose(spread, wanted, rtol=1e-5)


@pytest.mark.parametrize("name", ["srgb_to_lab", "lab_to_srgb"])
def test_channels_first_are_refused(name):
    with pytest.raises(
        ValueError, match=r"expected \(…, 3\), got \(3, 4, 5\); the colours are the last axis"
    ):
        getattr(arrays_color, name)(np.zeros((3, 4, 5)))


def test_ranges_and_shapes():
    assert np.isfinite(arrays_color.srgb_to_lab(np.full((2, 3), 1 + 5e-7))).all()
    with pytest.raises(ValueError, match=r"rgb: expected values in \[0, 1\]"):
        arrays_color.srgb_to_lab(np.full((2, 3), 1 + 1e-5))
    with pytest.raises(ValueError, match="content: expected the shape of stylized"):
        arrays_color.luminance_transfer(PIXELS, PIXELS[:1])
    with pytest.raises(ValueError, match=r"source: expected \(H, W, 3\)"):
        arrays_color.linear_color_transfer(PIXELS, PIXELS[0])
