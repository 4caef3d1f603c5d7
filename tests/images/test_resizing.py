"""Resizing agrees with Pillow, keeps constants and the aspect, and never leaves [0, 1]."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nstkit.images import check_image, fitted_size, resize

SIDES = st.integers(1, 5000)


@pytest.fixture
def images():
    return torch.rand(2, 3, 23, 37, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def by_pillow(images, height, width):
    """Every channel alone, as floating-point gray."""
    result = np.empty((*images.shape[:2], height, width))
    for b, c in np.ndindex(*images.shape[:2]):
        plane = Image.fromarray(images[b, c].numpy().astype(np.float32))
        result[b, c] = np.asarray(plane.resize((width, height), Image.Resampling.BICUBIC))
    return result.clip(0, 1)


@pytest.mark.parametrize("size", [(11, 18), (7, 50), (46, 19), (60, 90), (1, 2), (23, 5)])
def test_it_agrees_with_pillow_up_and_down(images, size):
    small = resize(images, size)
    assert small.dtype == torch.float64
    np.testing.assert_allclose(small.numpy(), by_pillow(images, *size), atol=2e-6)


def test_float32_agrees_with_float64_and_strides_do_not_matter(images):
    expected = resize(images, 20)
    np.testing.assert_allclose(resize(images.float(), 20), expected, atol=1e-6)
    np.testing.assert_allclose(resize(images.mT.contiguous().mT, 20), expected, atol=1e-12)
    channels_last = images.contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(resize(channels_last, 20), expected, atol=1e-12)


@pytest.mark.parametrize("size", [5, 64])
def test_overshoot_at_edges_is_clamped(size):
    edge = torch.zeros(2, 3, 23, 37)
    edge[..., 19:] = 1
    check_image(resize(edge, size))


@pytest.mark.parametrize("size", [1, 6, 90, (3, 80)])
def test_a_constant_stays_constant(size):
    flat = torch.full((2, 3, 23, 37), 0.3)
    result = resize(flat, size)
    torch.testing.assert_close(result, torch.full_like(result, 0.3), atol=1e-6, rtol=0)


def test_stripes_too_fine_for_the_size_turn_gray():
    """Without antialiasing they would turn into broad stripes."""
    stripes = torch.zeros(2, 3, 40, 96)
    stripes[..., ::2] = 1
    assert (resize(stripes, 24)[..., 2:-2] - 0.5).abs().max() < 0.02


def test_images_of_a_batch_do_not_mix(images):
    together = resize(images, (9, 14))
    for k in range(2):
        torch.testing.assert_close(resize(images[k : k + 1], (9, 14)), together[k : k + 1])


def test_masks_have_any_number_of_channels(images):
    torch.testing.assert_close(resize(images[:, :1], 12), resize(images, 12)[:, :1])


def test_the_right_size_costs_nothing(images):
    assert resize(images, 37) is images
    assert resize(images, (23, 37)) is images


def test_gradients_flow(images):
    images = (images * 0.6 + 0.2)[..., :7, :9].requires_grad_()  # the clamp is not differentiable at its ends
    assert torch.autograd.gradcheck(lambda image: resize(image, (4, 5)), images)


@given(SIDES, SIDES, SIDES)
def test_the_long_side_is_met_and_the_aspect_kept(height, width, long_side):
    new_height, new_width = fitted_size(height, width, long_side)
    assert max(new_height, new_width) == long_side
    assert min(new_height, new_width) >= 1
    exact = min(height, width) * long_side / max(height, width)
    assert abs(min(new_height, new_width) - max(exact, 1)) <= 0.5


@pytest.mark.parametrize("size", [0, -4])
def test_a_long_side_below_one_is_refused(images, size):
    with pytest.raises(ValueError, match=f"^size: expected at least 1 pixel, got {size}$"):
        resize(images, size)


@pytest.mark.parametrize("size", [(0, 4), (4, -1), (3,), (3, 4, 5), (2.5, 4)])
def test_other_pairs_are_refused(images, size):
    with pytest.raises(
        ValueError, match=r"^size: expected a long side or \(height, width\) of at least 1 pixel, got "
    ):
        resize(images, size)


@pytest.mark.parametrize("size", [12.0, "12", None, True])
def test_what_is_no_integer_is_refused(images, size):
    with pytest.raises(TypeError, match=r"^size: expected an integer, the long side in pixels, got "):
        resize(images, size)


def test_an_image_without_a_batch_is_refused(images):
    with pytest.raises(
        ValueError, match=r"^image: expected \(B, C, H, W\), got \(3, 23, 37\); add the missing axes$"
    ):
        resize(images[0], 12)
