"""Guided Gram matrix: the style of a region, for a soft region.

Gatys, Ecker, Bethge, Hertzmann & Shechtman, "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017,
Section 4. The mask multiplies the features and so enters the product twice: its *squares* are made to sum to 1.
"""

import torch
from torch import Tensor


def guided_gram(feat: Tensor, mask: Tensor) -> Tensor:
    """F' F'ᵀ with F' = T ∘ F and T = mask / √Σ mask²: second moments of the channels, weighted by mask².

    Args:
        feat: (C, H, W) or (B, C, H, W).
        mask: (H, W) >= 0, not all zero; soft values are kept, and only proportions count.
    Returns:
        (C, C) or (B, C, C), not divided any further: T already averages. Differentiable in `feat`.
    Raises:
        ValueError: another shape, negative or non-finite values, or a mask that is zero everywhere.
    Source: Gatys et al., CVPR 2017, arXiv:1611.07865, Section 4.1.
    """
    if feat.ndim not in (3, 4) or 0 in feat.shape:
        raise ValueError(f"feat: expected (C, H, W) or (B, C, H, W), no axis empty, got {tuple(feat.shape)}")
    check_mask(mask, "mask")
    if mask.shape != feat.shape[-2:]:
        raise ValueError(
            f"mask: expected {tuple(feat.shape[-2:])} as feat has, got {tuple(mask.shape)}; resize it to the layer"
        )
    guided = (guidance(mask.to(feat)) * feat).flatten(-2)  # (…, C, H·W)
    return guided @ guided.mT


def guidance(mask: Tensor) -> Tensor:
    """T = mask / √Σ mask², so that Σ T² = 1."""
    largest = mask.amax()  # first to 1: the squares of small numbers would vanish
    scaled = mask / largest
    return scaled / scaled.square().sum().sqrt()


def check_mask(mask: Tensor, name: str) -> None:
    """Refuse what is not (H, W), finite, nowhere negative, and somewhere positive (ValueError)."""
    if mask.ndim != 2 or not mask.numel():
        raise ValueError(f"{name}: expected (H, W), got {tuple(mask.shape)}")
    values = mask.detach()
    if not bool(torch.isfinite(values).all()) or bool((values < 0).any()):
        raise ValueError(f"{name}: expected finite numbers of at least 0, got others")
    if not bool((values > 0).any()):
        raise ValueError(f"{name}: expected a number above 0 somewhere, got zeros only")
