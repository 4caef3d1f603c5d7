"""The product of patches and kernels is torch's convolution and SciPy's correlation."""

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from nstkit.theory import conv2d_im2col

RNG = np.random.default_rng(7)
X, WEIGHT, BIAS = RNG.normal(size=(2, 4, 7, 9)), RNG.normal(size=(5, 4, 3, 2)), RNG.normal(size=5)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 4])
@pytest.mark.parametrize("bias", [None, BIAS])
def test_it_is_torchs_convolution(stride, padding, bias):
    tensors = [None if a is None else torch.from_numpy(a) for a in (X, WEIGHT, bias)]
    expected = torch.nn.functional.conv2d(*tensors, stride=stride, padding=padding)
    np.testing.assert_allclose(
        conv2d_im2col(X, WEIGHT, bias, stride, padding), expected, rtol=1e-12, atol=1e-12
    )


def test_one_channel_is_scipys_correlation():
    result = conv2d_im2col(X[:, :1], WEIGHT[:1, :1])
    for image, out in zip(X, result, strict=True):
        np.testing.assert_allclose(out[0], correlate(image[0], WEIGHT[0, 0], "valid"), rtol=1e-12, atol=1e-12)


def test_a_delta_shifts_and_float32_stays():
    delta = np.zeros((1, 1, 3, 3), np.float32)
    delta[0, 0, 2, 1] = 1
    image = X[:, :1].astype(np.float32)
    result = conv2d_im2col(image, delta, padding=1)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result[:, :, :-1], image[:, :, 1:])


def test_memory_layout_does_not_matter():
    view = np.repeat(X, 2, axis=3)[:, :, ::-1, ::-2]
    np.testing.assert_allclose(conv2d_im2col(view, WEIGHT), conv2d_im2col(view.copy(), WEIGHT))


@pytest.mark.parametrize(("arguments", "words"), [
    ((X[:, :3], WEIGHT), "weight: expected"),
    ((X[0], WEIGHT), "weight: expected"),
    ((X, WEIGHT, BIAS[:4]), r"bias: expected \(5,\)"),
    ((X, WEIGHT, BIAS, 0), "stride, padding: expected at least 1"),
    ((X, WEIGHT, BIAS, 1, -1), "stride, padding"),
    ((X[:, :, :2], WEIGHT), "a kernel within the padded image"),
])  # fmt: skip
def test_mistakes_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        conv2d_im2col(*arguments)
