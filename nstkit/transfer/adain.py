"""Adaptive instance normalisation: the content's features with the style's mean and deviation in every channel.

Huang & Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017,
arXiv:1703.06868, Eq. 8, and Eq. 14 for the blend.
"""

import math

import torch
from torch import Tensor

from nstkit.losses.features import check_features


def adain(content: Tensor, style: Tensor, alpha: float = 1.0, eps: float = 1e-5) -> Tensor:
    """Give each channel the style's statistics: t = σ_s (c − μ_c)/σ_c + μ_s, blended as α t + (1 − α) c.

    μ and σ = √(variance + eps) belong to one sample and one channel, over its positions; the variance is the
    population's (divided by H·W).

    Args:
        content: (B, C, H, W), floating.
        style: (B, C, H', W'), of any spatial size.
        alpha: 0 returns the content, 1 the full style; beyond 1 it exaggerates, below 0 it retreats.
        eps: keeps σ and its gradient finite where a channel is constant.

    Returns:
        (B, C, H, W), differentiable in content and style.

    Raises:
        ValueError: not 4-D, B or C differ, alpha is not finite, or eps is negative.

    Source: Huang & Belongie, ICCV 2017, Eq. 8 and 14.
    """
    _check_adain(content, style, alpha, eps)
    content_mean, content_deviation = mean_and_deviation(content, eps)
    style_mean, style_deviation = mean_and_deviation(style, eps)
    stylized = (content - content_mean) * (style_deviation / content_deviation) + style_mean
    return alpha * stylized + (1 - alpha) * content


def mean_and_deviation(features: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """μ and σ = √(variance + eps) of each sample's channels over positions, variance divided by H·W.

    Args:
        features: (B, C, H, W), no axis empty.

    Returns:
        (B, C, 1, 1) each, differentiable.
    """
    variance, mean = torch.var_mean(features, (2, 3), correction=0, keepdim=True)
    return mean, (variance + eps).sqrt()


def _check_adain(content: Tensor, style: Tensor, alpha: float, eps: float) -> None:
    check_features(content, "content")
    check_features(style, "style")
    if content.shape[:2] != style.shape[:2]:
        raise ValueError(
            f"style: expected the batch and channels of content, {tuple(content.shape[:2])}, got "
            f"{tuple(style.shape[:2])}; take both from one layer, and expand one style to the whole batch"
        )
    if not math.isfinite(alpha):
        raise ValueError(f"alpha: expected a finite number, got {alpha}; 0 is the content, 1 the full style")
    if eps < 0:
        raise ValueError(f"eps: expected 0 or more, got {eps}")
