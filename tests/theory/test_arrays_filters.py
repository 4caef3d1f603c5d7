"""The adapters give SciPy's and OpenCV's results on arrays, keep dtype and layout, and refuse what is no picture."""

import cv2
import numpy as np
import pytest
import scipy.ndimage

from nstkit.theory import arrays_filters as arrays

RNG = np.random.default_rng(0)
GRAY, COLOUR = RNG.uniform(size=(21, 30)), RNG.uniform(size=(21, 30, 3))
CALLS = {
    "gaussian_blur": lambda x: arrays.gaussian_blur(x, 1.5),
    "box_mean": lambda x: arrays.box_mean(x, 2),
    "bilateral_filter": lambda x: arrays.bilateral_filter(x, 1.5, 0.3, 2),
    "gaussian_scale_space": lambda x: arrays.gaussian_scale_space(x, np.array([1.0, 2.0])),
    "median_filter": lambda x: arrays.median_filter(x, 1),
    "boost_detail": lambda x: arrays.boost_detail(x, (1.5, 1.2), 0.1),
    "halo_free_sharpen": lambda x: arrays.halo_free_sharpen(x, 1.0, 1.0),
    "pyramid_blend": lambda x: arrays.pyramid_blend(x, x[::-1], GRAY, 2),
    "collapse_pyramid": lambda x: arrays.collapse_pyramid(arrays.laplacian_pyramid(x, 3)),
}
GRAY_CALLS = {
    "switching_median": lambda x: arrays.switching_median(x, 1, 0.2),
    "nl_means": lambda x: arrays.nl_means(x, 1, 2, 0.3),
    "tv_denoise": lambda x: arrays.tv_denoise(x, 0.1, 20),
}


@pytest.mark.parametrize("name", CALLS)
def test_colour_is_filtered_in_its_own_layout_and_dtype(name):
    result = CALLS[name](COLOUR)
    assert result.shape[-3:] == COLOUR.shape
    assert result.dtype == np.float64
    if name != "bilateral_filter":  # all others take each channel by itself
        np.testing.assert_allclose(result[..., 1], CALLS[name](COLOUR[..., 1]), atol=1e-13)
    single = CALLS[name](COLOUR.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, result, atol=3e-7)


@pytest.mark.parametrize("name", GRAY_CALLS)
def test_gray_alone_is_taken_where_the_lesson_says_so(name):
    assert GRAY_CALLS[name](GRAY).shape == GRAY.shape
    with pytest.raises(ValueError, match=r"img: expected \(H, W\), got \(21, 30, 3\)"):
        GRAY_CALLS[name](COLOUR)


@pytest.mark.parametrize("name", CALLS)
def test_negative_strides_and_other_shapes(name):
    flipped = COLOUR[:, ::-1]
    np.testing.assert_allclose(CALLS[name](flipped), CALLS[name](flipped.copy()), atol=1e-15)
    for wrong in (GRAY[0], COLOUR[None]):
        with pytest.raises(ValueError, match="expected"):
            CALLS[name](wrong)


def test_independent_oracles():
    np.testing.assert_allclose(
        arrays.gaussian_blur(COLOUR, 1.5), scipy.ndimage.gaussian_filter(COLOUR, (1.5, 1.5, 0)), atol=1e-15
    )
    np.testing.assert_array_equal(
        arrays.median_filter(COLOUR, 2), scipy.ndimage.median_filter(COLOUR, (5, 5, 1), mode="reflect")
    )
    np.testing.assert_allclose(
        arrays.laplacian_pyramid(COLOUR, 2)[1], cv2.pyrDown(np.ascontiguousarray(COLOUR)), atol=1e-15
    )
