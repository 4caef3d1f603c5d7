"""HSV agrees with colorsys pixel by pixel; hue is an angle; grays stay gray; gains are clipped in HSV."""

import colorsys

import numpy as np
import pytest
import torch

from nstkit.color import adjust_hsv, hsv_to_rgb, rgb_to_hsv


@pytest.fixture
def image():
    """(2, 3, 4, 6), with grays, black, ties and pure colours."""
    pixels = torch.rand(2, 3, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pixels[0, :, 0] = pixels[0, :1, 0]
    pixels[0, :, 1, 0] = 0.0
    pixels[0, :, 1, 1] = torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    pixels[1, 1, 2] = pixels[1, 0, 2]
    return pixels


def by_colorsys(image, hue_deg, sat_gain, val_gain):
    rows = image.permute(0, 2, 3, 1).reshape(-1, 3).tolist()
    out = []
    for pixel in rows:
        h, s, v = colorsys.rgb_to_hsv(*pixel)
        out.append(colorsys.hsv_to_rgb((h + hue_deg / 360) % 1, min(s * sat_gain, 1), min(v * val_gain, 1)))
    batch, _, height, width = image.shape
    return torch.tensor(out, dtype=image.dtype).reshape(batch, height, width, 3).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    "settings", [(0, 1, 1), (75, 1.4, 0.8), (-400, 0.3, 2.5), (1000.5, 3.0, 1.0), (33, 0, 1)]
)
def test_it_agrees_with_colorsys(image, settings):
    torch.testing.assert_close(
        adjust_hsv(image, *settings), by_colorsys(image, *settings), rtol=0, atol=1e-12
    )


def test_a_third_of_a_turn_rotates_the_channels(image):
    torch.testing.assert_close(adjust_hsv(image, 120, 1, 1), image.roll(1, 1), rtol=0, atol=1e-12)


def test_grays_stay_gray(image):
    turned = adjust_hsv(image, 77, 5, 1)[0, :, 0]
    torch.testing.assert_close(turned, image[0, :, 0], rtol=0, atol=1e-15)


def test_there_and_back_and_ranges(image):
    hsv = rgb_to_hsv(image)
    torch.testing.assert_close(hsv_to_rgb(hsv), image, rtol=0, atol=1e-14)
    assert 0 <= float(hsv[:, 0].min()) <= float(hsv[:, 0].max()) < 360
    assert 0 <= float(hsv[:, 1:].min()) <= float(hsv[:, 1:].max()) <= 1


def test_the_range_is_kept_without_clipping_rgb(image):
    strong = adjust_hsv(image, 10, 50, 50)
    assert 0 <= float(strong.min()) <= float(strong.max()) <= 1


def test_single_precision_strides_and_the_input(image):
    single = image.float().mT.contiguous().mT
    before = single.clone()
    result = adjust_hsv(single, 75, 1.4, 0.8)
    assert result.dtype == torch.float32
    assert torch.equal(single, before)
    np.testing.assert_allclose(result, adjust_hsv(image, 75, 1.4, 0.8), atol=1e-5)


def test_gradients(image):
    inside = (0.2 + 0.5 * image[1:, :, :, :2]).requires_grad_()
    inside = inside.detach()[:, :, [0, 1, 3]].requires_grad_()  # no ties
    assert torch.autograd.gradcheck(lambda x: adjust_hsv(x, 20, 0.9, 1.1), inside)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((0, -0.1, 1), "sat_gain: expected a number of at least 0, got -0.1; 1 changes nothing"),
        ((0, 1, float("nan")), "val_gain: expected a number of at least 0, got nan"),
    ],
)
def test_gains_that_are_refused(image, settings, words):
    with pytest.raises(ValueError, match=words):
        adjust_hsv(image, *settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(image):
    gpu = adjust_hsv(image.cuda(), 75, 1.4, 0.8)
    torch.testing.assert_close(gpu.cpu(), adjust_hsv(image, 75, 1.4, 0.8), rtol=0, atol=1e-10)
