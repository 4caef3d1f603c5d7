"""The patch loss: every small patch of features should be one that the style has, wherever it has it.

Li & Wand, "Combining Markov Random Fields and Convolutional Neural Networks for Image Synthesis", CVPR 2016,
arXiv:1601.04589, Eq. 2 and 3.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from nstkit.losses.moments import check_styles

_BLOCK = 2**24
"""Similarities held at once: 64 MB in float32."""


def patch_loss(generated: Tensor, style: Tensor, size: int = 3, block: int = _BLOCK) -> Tensor:
    """The mean of (Ψ − Φ)² over all patches Ψ of `generated` and their entries, Φ the style's most similar patch.

    The most similar one has the largest normalised cross-correlation ⟨Ψ, Φ⟩ / (‖Ψ‖ ‖Φ‖). Li & Wand sum over patches and
    entries; the mean keeps its value when the image grows.

    Args:
        generated: (B, C, H, W), H and W at least `size`.
        style: (B, C, H', W'), likewise; any size. A constant: no gradient reaches it.
        size: of the square patches, which overlap: one starts at each position where it fits.
        block: similarities that are held at once. The search takes H·W·H'·W'·C·size² products whatever it is.

    Returns:
        0-d, differentiable in `generated` (the choice of Φ is not).

    Raises:
        ValueError: not 4-D, B or C differ, or a side is below `size`.

    Source: Li & Wand, CVPR 2016, Eq. 2 and 3.
    """
    check_styles(generated, style)
    for name, features in (("generated", generated), ("style", style)):
        if not 1 <= size <= min(features.shape[2:]):
            raise ValueError(
                f"size: expected 1 to the sides of {name}, {tuple(features.shape[2:])}, got {size}; "
                "take an earlier layer, or smaller patches"
            )
    patches, known = F.unfold(generated, size), F.unfold(style.detach(), size)  # (B, C·size², N)
    gaps = [matched_gap(p, k, block) for p, k in zip(patches, known, strict=True)]
    return torch.stack(gaps).mean()


def matched_gap(patches: Tensor, known: Tensor, block: int = _BLOCK) -> Tensor:
    """The mean squared difference of columns (D, N) to the most correlated of the columns `known` (D, M), 0-d."""
    nearest = _nearest(patches.detach(), F.normalize(known, dim=0), block)
    return (patches - known[:, nearest]).square().mean()


def _nearest(patches: Tensor, units: Tensor, block: int) -> Tensor:
    """For each column of `patches` the unit column with the largest product, which the column's length leaves alone."""
    width = max(1, block // units.shape[1])
    return torch.cat([(part.mT @ units).argmax(1) for part in patches.split(width, dim=1)])
