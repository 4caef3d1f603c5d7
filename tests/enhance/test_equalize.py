"""Equalisation agrees with OpenCV to the last level, is monotone, and works on floats and batches."""

import cv2
import numpy as np
import pytest
import torch

from nstkit.enhance import equalize_hist


def picture(seed, levels, height=33, width=47):
    generator = np.random.default_rng(seed)
    return generator.integers(20, 20 + levels, size=(height, width)).astype(np.uint8)


@pytest.mark.parametrize("levels", [2, 4, 31, 200])
def test_it_agrees_with_opencv(levels):
    pictures = [picture(seed, levels) for seed in range(6)]
    batch = torch.from_numpy(np.stack(pictures)).view(2, 3, 33, 47)
    result = equalize_hist(batch)
    assert result.dtype == torch.uint8
    expected = np.stack([cv2.equalizeHist(image) for image in pictures])
    np.testing.assert_array_equal(result.numpy().reshape(expected.shape), expected)


def test_the_darkest_level_becomes_0_and_the_brightest_255_and_order_is_kept():
    image = torch.from_numpy(picture(0, 40)).view(1, 1, 33, 47)
    result = equalize_hist(image)
    assert (result.min(), result.max()) == (0, 255)
    order = image.flatten().argsort()
    assert (result.flatten()[order].int().diff() >= 0).all()
    assert len(result.unique()) <= len(image.unique())


def test_a_constant_channel_stays_while_its_neighbour_is_equalised():
    image = torch.from_numpy(np.stack([np.full((33, 47), 9, np.uint8), picture(1, 40)]))[None]
    result = equalize_hist(image)
    assert torch.equal(result[:, 0], image[:, 0])
    assert result[:, 1].max() == 255


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floats_are_rounded_to_levels(dtype):
    image = torch.from_numpy(picture(2, 90)).view(1, 1, 33, 47)
    floats = (image.to(dtype) / 255).mT.contiguous().mT
    before = floats.clone()
    result = equalize_hist(floats)
    assert result.dtype == dtype
    assert torch.equal(floats, before)
    torch.testing.assert_close(result * 255, equalize_hist(image).to(dtype), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            torch.zeros(4, 5, dtype=torch.uint8),
            r"image: expected \(B, C, H, W\), no axis empty, got \(4, 5\)",
        ),
        (torch.zeros(1, 1, 0, 5, dtype=torch.uint8), "no axis empty"),
        (torch.zeros(1, 1, 4, 5, dtype=torch.int64), "expected uint8, float32 or float64, got torch.int64"),
        (
            torch.full((1, 1, 4, 5), 3.0),
            r"expected floats in \[0, 1\], got others; divide 8-bit values by 255",
        ),
        (torch.full((1, 1, 4, 5), float("nan")), r"expected floats in \[0, 1\]"),
    ],
)
def test_mistakes(bad, words):
    with pytest.raises(ValueError, match=words):
        equalize_hist(bad)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    image = torch.from_numpy(picture(3, 120)).view(1, 1, 33, 47)
    assert torch.equal(equalize_hist(image.cuda()).cpu(), equalize_hist(image))
