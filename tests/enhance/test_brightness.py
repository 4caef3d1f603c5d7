"""Enhancing the brightness alone changes luma as asked, and no chroma."""

import torch

from nstkit.color import luma, rgb_to_yiq
from nstkit.enhance import equalize_hist, on_brightness


def test_luma_is_enhanced_and_chroma_stays():
    image = 0.4 + 0.2 * torch.rand(
        2, 3, 6, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    result = on_brightness(image, lambda y: 0.5 * y + 0.2)
    torch.testing.assert_close(luma(result), 0.5 * luma(image) + 0.2, rtol=0, atol=1e-12)
    torch.testing.assert_close(rgb_to_yiq(result)[:, 1:], rgb_to_yiq(image)[:, 1:], rtol=0, atol=1e-12)


def test_the_range_is_kept():
    image = torch.rand(2, 3, 6, 9, generator=torch.Generator().manual_seed(0))
    result = on_brightness(image, equalize_hist)
    assert result.dtype == torch.float32
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
