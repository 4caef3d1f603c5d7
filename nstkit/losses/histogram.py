"""The histogram loss: each channel should have the style's distribution of activations, not just its moments.

Risser, Wilmot & Barnes, "Stable and Controllable Neural Texture Synthesis and Style Transfer Using Histogram Losses",
arXiv:1701.08893, 2017.
"""

import torch
from torch import Tensor

from nstkit.losses.moments import check_styles
from nstkit.losses.sliced_wasserstein import resampled


def histogram_loss(generated: Tensor, style: Tensor) -> Tensor:
    """The mean of (O − R(O))² over entries, R(O) the features remapped, channel by channel, to the style's histogram.

    R is a constant, as if it did not depend on O: its gradient is zero almost everywhere. It is taken by rank, which is
    what histograms of 256 bins, as the paper has them, become with ever finer bins.

    Args:
        generated: O, (B, C, H, W).
        style: (B, C, H', W'), any size. A constant: no gradient reaches it.

    Returns:
        0-d, differentiable in `generated`.

    Raises:
        ValueError: not 4-D, or B or C differ.

    Source: Risser et al. 2017, who sum where this takes the mean.
    """
    check_styles(generated, style)
    wanted = style.detach().flatten(2).sort(dim=2).values  # (B, C, M)
    return remapping_gap(generated.flatten(2), wanted).mean()


def remapping_gap(values: Tensor, wanted: Tensor) -> Tensor:
    """The mean of (O − R(O))² for each image: (B, C, N) to (B,); `wanted` (B, C, M) sorted, or of batch 1."""
    order = values.detach().argsort(dim=2)
    target = resampled(wanted, values.shape[2]).expand_as(values)
    remapped = torch.empty_like(values).scatter_(2, order, target)
    return (values - remapped).square().mean((1, 2))
