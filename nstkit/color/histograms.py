"""Match histograms: give each channel the values of another picture's channel, in their order.

The map is F_r⁻¹ ∘ F_s, with F the cumulative distributions. Three channels matched one by one have the reference's
three histograms and not its colours: which red goes with which green is not looked at.
"""

import torch
from torch import Tensor

from nstkit.images.contract import check_floats


def match_histograms(source: Tensor, reference: Tensor) -> Tensor:
    """Map every channel so that its cumulative histogram is the reference's.

    A value with cumulative share q goes where the reference's cumulative share is q, between two of its values in
    proportion. Equal values stay equal, and the order of values is kept.

    Args:
        source: (B, C, H, W), float.
        reference: (B, C, H', W') or (1, C, H', W'), of any size; constants: no gradient reaches them.
    Returns:
        (B, C, H, W), same dtype, within the reference's range. A lookup: it has no gradient.
    Raises:
        TypeError: no tensor of floats.
        ValueError: not 4-D, empty, not finite, or channels or batches that do not fit.
    Source: Gonzalez & Woods, Digital Image Processing, "histogram matching (specification)".
    """
    for name, image in (("source", source), ("reference", reference)):
        check_floats(image, name)
        if image.ndim != 4 or not image.numel():
            raise ValueError(f"{name}: expected (B, C, H, W), no axis empty, got {tuple(image.shape)}")
        if not image.isfinite().all():
            raise ValueError(
                f"{name}: expected finite pixels, got NaN or infinity; they have no place in a histogram"
            )
    if reference.shape[1] != source.shape[1] or len(reference) not in (1, len(source)):
        raise ValueError(
            f"reference: expected {source.shape[1]} channels and a batch of 1 or {len(source)}, as in source, "
            f"got {tuple(reference.shape)}"
        )
    with torch.no_grad():
        targets = reference.expand(len(source), -1, -1, -1).flatten(0, 1)
        matched = [_match(s, r) for s, r in zip(source.flatten(0, 1), targets, strict=True)]
    return torch.stack(matched).view_as(source)


def _match(source: Tensor, reference: Tensor) -> Tensor:
    """One channel, (H, W)."""
    _, where, counts = torch.unique(source, return_inverse=True, return_counts=True)
    values, shares = torch.unique(reference, return_counts=True)
    mapped = _interpolate(_cumulated(counts), _cumulated(shares), values)
    return mapped.to(source.dtype)[where]


def _cumulated(counts: Tensor) -> Tensor:
    kind = torch.float32 if counts.device.type == "mps" else torch.float64
    return counts.cumsum(0).to(kind) / counts.sum()


def _interpolate(x: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Piecewise linear through (knots, values), constant outside; knots ascend."""
    right = torch.searchsorted(knots, x).clamp(max=len(knots) - 1)
    left = (right - 1).clamp(min=0)
    width = knots[right] - knots[left]
    share = torch.where(width > 0, (x - knots[left]) / torch.where(width > 0, width, 1.0), 1.0)
    low, high = values[left].to(x), values[right].to(x)
    return low + share.clamp(0, 1) * (high - low)
