"""CLAHE agrees with OpenCV up to float32 rounding; clipping keeps the number of pixels and bounds the slope."""

import cv2
import numpy as np
import pytest
import torch

from nstkit.enhance import clahe, equalize_hist
from nstkit.enhance.clahe import clipped_counts


def picture(seed, height, width):
    generator = np.random.default_rng(seed)
    ramp = np.linspace(0, 60, width) + np.linspace(0, 30, height)[:, None]
    return np.clip(generator.normal(90, 25, size=(height, width)) + ramp, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("tiles", "size"), [((8, 8), (64, 48)), ((4, 6), (60, 90)), ((1, 3), (30, 42)), ((2, 5), (64, 80))]
)
@pytest.mark.parametrize("clip_limit", [0.0, 1.0, 2.5, 40.0])
def test_it_agrees_with_opencv(tiles, size, clip_limit):
    pictures = [picture(seed, *size) for seed in range(4)]
    result = clahe(torch.from_numpy(np.stack(pictures)).view(2, 2, *size), clip_limit, tiles)
    opencv = cv2.createCLAHE(clipLimit=clip_limit, tileGridSize=tiles[::-1])
    gap = result.numpy().reshape(4, *size).astype(int) - np.stack([opencv.apply(p) for p in pictures]).astype(
        int
    )
    assert result.dtype == torch.uint8
    assert np.abs(gap).max() <= 1
    assert (gap != 0).mean() < 0.02


def test_one_tile_without_limit_is_the_cumulative_histogram():
    image = picture(0, 30, 40)
    share = np.array([(image <= level).mean() for level in range(256)])
    result = clahe(torch.from_numpy(image)[None, None], 0, (1, 1))
    np.testing.assert_array_equal(result[0, 0].numpy(), np.rint(share * 255)[image])


def test_a_higher_limit_lets_local_contrast_grow():
    image = torch.from_numpy(picture(1, 64, 64))[None, None]
    spread = [float(clahe(image, limit, (4, 4)).float().std()) for limit in (1.0, 2.0, 8.0)]
    assert spread[0] < spread[1] < spread[2]


def test_a_flat_noisy_sky_is_spared():
    generator = np.random.default_rng(3)
    sky = torch.from_numpy(generator.integers(118, 123, size=(64, 64)).astype(np.uint8))[None, None]
    assert float(clahe(sky, 2.0, (4, 4)).float().std()) < 0.2 * float(equalize_hist(sky).float().std())


@pytest.mark.parametrize("limit", [1, 3, 20])
def test_clipping_moves_counts_and_loses_none(limit):
    counts = torch.from_numpy(np.random.default_rng(0).poisson(2, size=(3, 256)) * np.array([[1], [9], [0]]))
    clipped = clipped_counts(counts, limit)
    assert torch.equal(clipped.sum(-1), counts.sum(-1))
    excess = (counts - limit).clamp(min=0).sum(-1)
    assert ((clipped - counts.clamp(max=limit)).amax(-1) <= excess // 256 + 1).all()


def test_floats_dtype_strides_and_input():
    image = torch.from_numpy(picture(2, 32, 48))[None, None]
    floats = (image.float() / 255).mT.contiguous().mT
    before = floats.clone()
    result = clahe(floats, 2.0, (4, 4))
    assert result.dtype == torch.float32
    assert torch.equal(floats, before)
    torch.testing.assert_close(result * 255, clahe(image, 2.0, (4, 4)).float(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("tiles", [(5, 4), (4, 5), (0, 4)])
def test_tiles_that_do_not_divide_are_refused(tiles):
    words = rf"tiles: expected \(rows, columns\) that divide the image's 32 x 48, got {tiles[0]} x {tiles[1]}"
    with pytest.raises(ValueError, match=words):
        clahe(torch.from_numpy(picture(2, 32, 48))[None, None], 2.0, tiles)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    image = torch.from_numpy(picture(2, 32, 48))[None, None]
    assert torch.equal(clahe(image.cuda(), 2.0, (4, 4)).cpu(), clahe(image, 2.0, (4, 4)))
