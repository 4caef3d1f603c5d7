"""Preprocessing agrees with the written-out formula, and every one of the 256 levels survives the round trip."""

import numpy as np
import pytest
import torch

from nstkit.images import deprocess, preprocess

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NORMALISATIONS = [IMAGENET, ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((0.5, 0.1, 0.9), (0.5, 3.0, 0.01))]


@pytest.fixture
def picture():
    """(16, 48, 3), every level in every channel, no two channels alike."""
    random = np.random.default_rng(0)
    return np.stack(
        [random.permutation(np.repeat(np.arange(256, dtype=np.uint8), 3)) for _ in range(3)], -1
    ).reshape(16, 48, 3)


def normalised_by_loop(picture, mean, std):
    result = np.empty((1, 3, *picture.shape[:2]))
    for y, x, c in np.ndindex(picture.shape):
        result[0, c, y, x] = (picture[y, x, c] / 255 - mean[c]) / std[c]
    return result


def restored_by_loop(x, mean, std):
    result = np.empty((*x.shape[2:], 3), np.uint8)
    for y, column, c in np.ndindex(result.shape):
        value = min(max(x[0, c, y, column].item() * std[c] + mean[c], 0.0), 1.0)
        result[y, column, c] = round(value * 255)  # Python rounds half to even
    return result


@pytest.mark.parametrize(("mean", "std"), NORMALISATIONS)
def test_it_agrees_with_the_formula(picture, mean, std):
    x = preprocess(picture, mean, std)
    assert x.shape == (1, 3, 16, 48)
    assert x.dtype == torch.float32
    np.testing.assert_allclose(x.numpy(), normalised_by_loop(picture, mean, std), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("mean", "std"), NORMALISATIONS)
def test_every_level_survives_the_round_trip(picture, mean, std, dtype):
    back = deprocess(preprocess(picture, mean, std).to(dtype), mean, std)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, picture)


def test_out_of_range_pixels_are_clipped_and_others_rounded():
    x = 4 * torch.randn(1, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    back = deprocess(x, *IMAGENET)
    assert back.min() == 0
    assert back.max() == 255
    np.testing.assert_array_equal(back, restored_by_loop(x, *IMAGENET))


def test_halves_are_rounded_to_even():
    codes = torch.tensor([0.5, 1.5, 2.5, 3.5, 100.5, 101.5], dtype=torch.float64)
    x = codes.expand(3, 2, 6)[None] / 255
    assert torch.equal(x[0, 0, 0] * 255, codes)  # nothing is lost on the way: these are halves
    expected = np.broadcast_to(np.array([0, 2, 2, 4, 100, 102])[None, :, None], (2, 6, 3))
    np.testing.assert_array_equal(deprocess(x, (0, 0, 0), (1, 1, 1)), expected)


def test_memory_layout_does_not_matter_and_inputs_stay(picture):
    expected = preprocess(picture, *IMAGENET)
    flipped = picture[::-1, ::-1].copy()[::-1, ::-1]  # negative strides
    flipped.flags.writeable = False
    assert torch.equal(preprocess(flipped, *IMAGENET), expected)
    strided = expected.mT.contiguous().mT.requires_grad_()
    np.testing.assert_array_equal(deprocess(strided, *IMAGENET), picture)
    assert torch.equal(strided, expected)


def test_the_results_share_no_memory_with_the_inputs():
    pixel = np.full((1, 2, 3), 9, np.uint8)
    x = preprocess(pixel, (0, 0, 0), (1, 1, 1))
    x.zero_()
    assert (pixel == 9).all()
    assert deprocess(x, (0, 0, 0), (1, 1, 1)).flags.c_contiguous


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (1, 4, 5, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint16])
def test_pictures_that_are_not_8_bit_are_refused_whatever_their_rank(shape, dtype):
    with pytest.raises(TypeError, match=f"image: expected a uint8 array, got {np.dtype(dtype)}"):
        preprocess(np.zeros(shape, dtype), *IMAGENET)


def test_a_tensor_is_no_array():
    with pytest.raises(TypeError, match="image: expected a uint8 array, got Tensor"):
        preprocess(torch.zeros(4, 5, 3, dtype=torch.uint8), *IMAGENET)


@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 1), (4, 5, 4), (3, 4, 5), (1, 4, 5, 3)])
def test_pictures_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"image: expected \(H, W, 3\), got \("):
        preprocess(np.zeros(shape, np.uint8), *IMAGENET)


@pytest.mark.parametrize(
    "shape", [(2, 3, 4, 5), (0, 3, 4, 5), (1, 1, 4, 5), (1, 4, 4, 5), (3, 4, 5), (1, 4, 5, 3)]
)
def test_tensors_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match=r"x: expected \(1, 3, H, W\), got \("):
        deprocess(torch.zeros(shape), *IMAGENET)


def test_a_tensor_of_integers_is_refused():
    with pytest.raises(TypeError, match=r"x: expected a floating tensor, got torch\.uint8"):
        deprocess(torch.zeros(1, 3, 4, 5, dtype=torch.uint8), *IMAGENET)


@pytest.mark.parametrize("name", ["mean", "std"])
def test_mean_and_deviation_are_three_numbers(picture, name):
    numbers = {"mean": IMAGENET[0], "std": IMAGENET[1]} | {name: (0.5,)}
    for function, image in ((preprocess, picture), (deprocess, torch.zeros(1, 3, 4, 5))):
        with pytest.raises(ValueError, match=f"{name}: expected three numbers, red, green and blue, got 1"):
            function(image, **numbers)
