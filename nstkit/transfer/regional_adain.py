"""AdaIN by regions: every region of the content gets the statistics of its own style, and borders may be soft."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.transfer.adain import mean_and_deviation


def regional_adain(
    content: Tensor, styles: Sequence[Tensor], masks: Tensor, alpha: float = 1.0, eps: float = 1e-5
) -> Tensor:
    """Σ_k m_k (σ_k^s (c - μ_k)/σ_k + μ_k^s), blended with the content by alpha.

    The masks are divided by their sum at each position. μ_k and σ_k² = Σ m_k (c - μ_k)²/Σ m_k + eps are the content's
    own statistics inside region k, weighted by m_k.

    Args:
        content: (C, H, W).
        styles: K feature maps (C, H_k, W_k), of any size.
        masks: (K, H, W) >= 0; at every position at least one is positive, and so is every mask somewhere.
        alpha: at least 0: 0 returns the content, 1 the full style, more exaggerates.
        eps: inside both roots.
    Returns:
        (C, H, W); differentiable in content, styles and masks.
    Raises:
        ValueError: shapes or numbers of styles that do not fit, masks that are negative or empty, alpha below 0.
    Source: Huang & Belongie, ICCV 2017 (spatial control), here with soft masks and each region's own statistics.
    """
    _check_content(content)
    _check_styles(content, styles)
    _check_masks(content, styles, masks)
    if not math.isfinite(alpha) or alpha < 0:
        raise ValueError(f"alpha: expected a finite number of at least 0, got {alpha}")
    shares = masks / masks.sum(0, keepdim=True)
    regions = [_region(content, style, m, eps) for style, m in zip(styles, shares, strict=True)]
    return alpha * torch.stack(regions).sum(0) + (1 - alpha) * content


def _region(content: Tensor, style: Tensor, share: Tensor, eps: float) -> Tensor:
    """m_k · AdaIN with the content's statistics weighted by m_k, (C, H, W)."""
    total = share.sum()
    mean = (share * content).sum((1, 2), keepdim=True) / total
    variance = (share * (content - mean).square()).sum((1, 2), keepdim=True) / total
    style_mean, style_deviation = (s[0] for s in mean_and_deviation(style[None], eps))
    return share * ((content - mean) * (style_deviation / (variance + eps).sqrt()) + style_mean)


def _check_content(content: Tensor) -> None:
    if content.ndim != 3 or 0 in content.shape:
        raise ValueError(f"content: expected (C, H, W), no axis empty, got {tuple(content.shape)}")


def _check_styles(content: Tensor, styles: Sequence[Tensor]) -> None:
    if not len(styles):
        raise ValueError("styles: expected at least one feature map, got none")
    for number, style in enumerate(styles):
        if style.ndim != 3 or len(style) != len(content) or 0 in style.shape:
            raise ValueError(
                f"styles[{number}]: expected ({len(content)}, H, W) with the channels of content, "
                f"got {tuple(style.shape)}"
            )


def _check_masks(content: Tensor, styles: Sequence[Tensor], masks: Tensor) -> None:
    if masks.shape != (len(styles), *content.shape[1:]):
        raise ValueError(
            f"masks: expected {(len(styles), *content.shape[1:])}, one of content's size per style, "
            f"got {tuple(masks.shape)}"
        )
    values = masks.detach()
    if not bool(torch.isfinite(values).all()) or bool((values < 0).any()):
        raise ValueError("masks: expected finite numbers of at least 0, got others")
    if bool((values.sum(0) == 0).any()):
        raise ValueError("masks: expected one above 0 at every position, got a position that no mask covers")
    if bool((values.sum((1, 2)) == 0).any()):
        raise ValueError("masks: expected every mask to be above 0 somewhere, got one that is empty")
