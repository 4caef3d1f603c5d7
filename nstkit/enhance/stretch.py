"""Contrast stretching: one straight line between two percentiles, and clipping beyond them.

The percentiles keep one hot pixel from setting the scale. Brightness is something else: adding a number.
"""

import torch
from torch import Tensor

from nstkit.filters.checks import check_picture


def contrast_stretch(image: Tensor, low: float = 2.0, high: float = 98.0) -> Tensor:
    """Map the `low` percentile to 0 and the `high` one to 1, linearly, and clip to [0, 1].

    One pair of percentiles per image, over all channels together: a pair per channel would change colours.

    Args:
        image: (B, C, H, W), float.
        low, high: percentages, 0 <= low < high <= 100.
    Returns:
        (B, C, H, W), same dtype; an image whose percentiles agree within 1e-12 is returned as it is.
        Differentiable where nothing is clipped.
    Raises:
        ValueError: another shape or dtype, or percentages that are not in order.
    """
    check_picture(image)
    if not 0 <= low < high <= 100:
        raise ValueError(f"low, high: expected 0 <= low < high <= 100, got {low} and {high}")
    ordered = image.flatten(1).sort(1).values  # (B, CHW)
    bottom, top = (_percentile(ordered, p).view(-1, 1, 1, 1) for p in (low, high))
    flat = top - bottom < 1e-12
    mapped = ((image - bottom) / torch.where(flat, 1.0, top - bottom)).clamp(0, 1)
    return torch.where(flat, image, mapped)


def _percentile(ordered: Tensor, percent: float) -> Tensor:
    """Linear interpolation between the neighbours in order; torch.quantile refuses more than 2^24 values."""
    place = percent / 100 * (ordered.shape[1] - 1)
    below = min(int(place), ordered.shape[1] - 1)
    above = min(below + 1, ordered.shape[1] - 1)
    return torch.lerp(ordered[:, below], ordered[:, above], place - below)
