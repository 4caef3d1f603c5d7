"""Histogram equalisation: spend the levels where the pixels are.

The map is the picture's own cumulative histogram, stretched so that the darkest level becomes 0 and the brightest
255. It is steep where many pixels lie and flat where few do, whether what lies there is a face or the noise of a sky.
"""

import torch
from torch import Tensor

from nstkit.enhance.levels import count_levels, exact_float, from_levels, to_levels


def equalize_hist(image: Tensor) -> Tensor:
    """Map each channel of each image by lut[v] = rint((cdf[v] - cdf_min) / (N - cdf_min) · 255).

    cdf counts the pixels up to level v, cdf_min those at the lowest level that occurs. Levels are merged and moved
    apart, never split, so the result is flat only in the large.

    Args:
        image: (B, C, H, W), uint8, or float in [0, 1], which is rounded to 256 levels. For a colour picture give
            the brightness alone: red, green and blue equalised one by one change every hue.
    Returns:
        (B, C, H, W), same dtype; a channel of one value is returned as it is (float: rounded). No gradient.
    Raises:
        ValueError: another shape or dtype, or an empty axis.
    Source: Gonzalez & Woods, Digital Image Processing, "histogram equalization".
    """
    levels = to_levels(image).flatten(2)  # (B, C, N)
    lut = equalizing_lut(count_levels(levels))
    return from_levels(lut.gather(-1, levels), image).view(image.shape)


def equalizing_lut(counts: Tensor) -> Tensor:
    """The map of equalisation: (..., 256) counts to (..., 256) levels, int64."""
    cumulated = counts.cumsum(-1)
    total = cumulated[..., -1:]
    lowest = (counts > 0).long().argmax(-1, keepdim=True)
    darkest = cumulated.gather(-1, lowest)
    share = (cumulated - darkest).to(exact_float(counts.device)) / (total - darkest).clamp(min=1)
    lut = (share * 255).round().long().clamp(0, 255)
    same = torch.arange(counts.shape[-1], device=counts.device).expand_as(lut)
    return torch.where(total == darkest, same, lut)
