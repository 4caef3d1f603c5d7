"""The classroom's array functions are the library's on one picture, (H, W) or (H, W, 3), and refuse the rest."""

import numpy as np
import pytest
import torch

from nstkit import enhance, filters
from nstkit.theory import arrays_enhance

GENERATOR = np.random.default_rng(0)
GRAY, COLOR = GENERATOR.uniform(size=(12, 9)), GENERATOR.uniform(size=(12, 9, 3))
LEVELS = GENERATOR.integers(0, 256, size=(12, 8), dtype=np.uint8)


def tensor(array):
    return torch.from_numpy(np.atleast_3d(array).transpose(2, 0, 1).copy())[None]


def back(image, like):
    return image[0].permute(1, 2, 0).numpy().reshape(like.shape)


@pytest.mark.parametrize(("name", "options"), [("equalize_hist", ()), ("clahe", (3.0, (3, 2)))])
def test_functions_of_levels(name, options):
    result = getattr(arrays_enhance, name)(LEVELS[::-1], *options)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(
        result, back(getattr(enhance, name)(tensor(LEVELS[::-1]), *options), LEVELS)
    )
    for bad in (GRAY, LEVELS[None], LEVELS[:0]):
        with pytest.raises(ValueError, match="img: expected uint8"):
            getattr(arrays_enhance, name)(bad, *options)


@pytest.mark.parametrize("picture", [GRAY, COLOR])
@pytest.mark.parametrize(
    ("name", "options"), [("contrast_stretch", (5, 80)), ("unsharp_mask", (1.0, 0.5, 0.02))]
)
def test_functions_of_one_picture(name, options, picture):
    result = getattr(arrays_enhance, name)(picture, *options)
    expected = back(getattr(enhance, name)(tensor(picture), *options), picture)
    np.testing.assert_allclose(result, expected, atol=1e-14)
    assert getattr(arrays_enhance, name)(picture.astype(np.float32), *options).dtype == np.float32


@pytest.mark.parametrize(
    ("name", "home", "options"),
    [("guided_filter", filters, (2, 0.01)), ("screened_poisson", enhance, (0.3,))],
)
def test_functions_of_two_pictures(name, home, options):
    result = getattr(arrays_enhance, name)(GRAY, GRAY[::-1], *options)
    expected = back(getattr(home, name)(tensor(GRAY), tensor(GRAY[::-1]), *options), GRAY)
    np.testing.assert_allclose(result, expected, atol=1e-14)


def test_mistakes():
    with pytest.raises(ValueError, match="img: expected floating numbers, got uint8"):
        arrays_enhance.contrast_stretch(LEVELS)
    with pytest.raises(ValueError, match=r"img: expected \(H, W\) or \(H, W, 3\)"):
        arrays_enhance.unsharp_mask(GRAY[None], 1.0, 1.0)
    with pytest.raises(ValueError, match=r"guide: expected \(H, W\), got \(12, 9, 3\)"):
        arrays_enhance.guided_filter(COLOR, COLOR, 1, 0.1)
    with pytest.raises(ValueError, match="content: expected the shape of stylized"):
        arrays_enhance.screened_poisson(GRAY, GRAY[1:], 0.1)
