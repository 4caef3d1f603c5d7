"""Matching the mean and the standard deviation of each channel: a style loss with 2C numbers.

Li, Wang, Liu & Hou, "Demystifying Neural Style Transfer", IJCAI 2017, arXiv:1701.01036, match the statistics of batch
normalisation; Huang & Belongie, ICCV 2017, arXiv:1703.06868, train AdaIN's decoder with them.
"""

import torch
from torch import Tensor

from nstkit.losses.features import check_features


def check_styles(generated: Tensor, style: Tensor) -> None:
    """Refuse feature maps whose batch or channels differ; their sizes may (ValueError)."""
    check_features(generated, "generated")
    check_features(style, "style")
    if generated.shape[:2] != style.shape[:2]:
        raise ValueError(
            f"style: expected (B, C) = {tuple(generated.shape[:2])} as in generated, got {tuple(style.shape[:2])}; "
            "take both from one layer, and repeat a single style with .expand(B, -1, -1, -1)"
        )


def mean_and_std(features: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Means and √(population variance + eps) over positions: (B, C, H, W) to two of (B, C)."""
    variance, mean = torch.var_mean(features, dim=(2, 3), correction=0)
    return mean, torch.sqrt(variance + eps)


def moment_matching_loss(generated: Tensor, style: Tensor, eps: float = 1e-5) -> Tensor:
    """1/C Σ_c (μ_g − μ_s)² + (σ_g − σ_s)², the mean over the batch; σ = √(population variance + eps).

    It knows nothing of how channels go together, and is zero between a style and any content that AdaIN has given
    that style's moments.

    Args:
        generated: (B, C, H, W).
        style: (B, C, H', W'), any size. A constant: no gradient reaches it.
        eps: Under the root, so that the gradient is finite on flat channels.

    Returns:
        0-d, differentiable in `generated`.

    Raises:
        ValueError: not 4-D, or B or C differ.

    Source: Huang & Belongie, ICCV 2017, Eq. 13, with squared norms and 1/C.
    """
    check_styles(generated, style)
    mean, std = mean_and_std(generated, eps)  # (B, C) each
    style_mean, style_std = mean_and_std(style.detach(), eps)
    return ((mean - style_mean).square() + (std - style_std).square()).mean()
