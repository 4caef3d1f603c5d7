"""Pyramid blending selects, is linear, and crosses over within the width of each band."""

import pytest
import torch

from nstkit.enhance import pyramid_blend
from nstkit.enhance.pyramids import gaussian_pyramid, laplacian_pyramid, pyramid_expand

GENERATOR = torch.Generator().manual_seed(0)
A, B = torch.rand(2, 2, 3, 18, 25, dtype=torch.float64, generator=GENERATOR)
MASK = torch.rand(2, 1, 18, 25, dtype=torch.float64, generator=GENERATOR)


def test_equal_images_and_constant_masks():
    torch.testing.assert_close(pyramid_blend(A, A, MASK, 4), A, rtol=0, atol=2e-15)
    torch.testing.assert_close(pyramid_blend(A, B, torch.ones_like(MASK), 4), A, rtol=0, atol=2e-15)
    torch.testing.assert_close(pyramid_blend(A, B, torch.zeros_like(MASK), 4), B, rtol=0, atol=2e-15)


def test_one_level_is_the_plain_composite():
    torch.testing.assert_close(pyramid_blend(A, B, MASK, 1), MASK * A + (1 - MASK) * B, rtol=0, atol=1e-15)


def test_it_is_linear_in_the_images():
    other = B.flip(3)
    combined = pyramid_blend(2 * A - B, 2 * B - other, MASK, 3)
    expected = 2 * pyramid_blend(A, B, MASK, 3) - pyramid_blend(B, other, MASK, 3)
    torch.testing.assert_close(combined, expected, rtol=0, atol=1e-14)


def test_it_is_the_sum_of_the_blended_bands():
    """Without collapse: each blended band is expanded to full size by itself."""
    sizes = [level.shape[2:] for level in gaussian_pyramid(A, 3)]
    total = torch.zeros_like(A)
    pyramids = laplacian_pyramid(A, 3), laplacian_pyramid(B, 3), gaussian_pyramid(MASK, 3)
    for level, (a, b, m) in enumerate(zip(*pyramids, strict=True)):
        band = m * a + (1 - m) * b
        for size in reversed(sizes[:level]):
            band = pyramid_expand(band, size)
        total += band
    torch.testing.assert_close(pyramid_blend(A, B, MASK, 3), total, rtol=0, atol=1e-14)


def test_one_mask_serves_a_batch():
    singly = torch.cat([pyramid_blend(a[None], b[None], MASK[:1], 3) for a, b in zip(A, B, strict=True)])
    torch.testing.assert_close(pyramid_blend(A, B, MASK[:1], 3), singly, rtol=0, atol=1e-15)


def test_coarse_levels_cross_over_gradually():
    ones, step = torch.ones(1, 1, 32, 64, dtype=torch.float64), torch.zeros(1, 1, 32, 64, dtype=torch.float64)
    step[..., :32] = 1
    profile = pyramid_blend(ones, 0 * ones, step, 5)[0, 0, 16]
    assert profile[:4].min() > 0.95
    assert profile[-4:].max() < 0.05
    assert (profile[20:44].diff().abs() < 0.15).all()  # the plain composite falls by 1 within one pixel


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"b: expected the shape of a, .*got \(2, 3, 18, 24\)"):
        pyramid_blend(A, B[..., :24], MASK, 2)
    with pytest.raises(
        ValueError, match=r"mask: expected \(1, 1, 18, 25\) or one for each of 2 images, got \(2, 3"
    ):
        pyramid_blend(A, B, A, 2)
    for mask in (MASK + 0.5, MASK - 0.5, MASK * torch.nan):
        with pytest.raises(ValueError, match=r"mask: expected values in \[0, 1\], got"):
            pyramid_blend(A, B, mask, 2)
