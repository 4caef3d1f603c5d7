"""Unsharp masking: add back what a blur takes away.

Its transfer function is 1 + k (1 - exp(-σ²ω²/2)): frequencies that the blur keeps are left alone, fine ones grow by
1 + k, noise with them. It restores nothing that is lost, and it overshoots beside every edge.
"""

import torch
from torch import Tensor

from nstkit.filters import gaussian_blur
from nstkit.filters.checks import check_gain


def unsharp_mask(image: Tensor, sigma: float, amount: float, threshold: float = 0.0) -> Tensor:
    """clip(image + amount · m, 0, 1) with the mask m = image - blur(image), set to 0 where |m| < threshold.

    Args:
        image: (B, C, H, W), float, in [0, 1].
        sigma: of the Gaussian blur, in pixels, above 0; symmetric border.
        amount: at least 0; 0 changes nothing.
        threshold: at least 0, in units of the image; differences below it count as noise.
    Returns:
        (B, C, H, W) in [0, 1], same dtype; differentiable where nothing is clipped.
    Raises:
        ValueError: another shape or dtype, sigma not above 0, amount or threshold below 0, amount infinite.
    """
    check_gain(amount, "amount")
    if not threshold >= 0:
        raise ValueError(f"threshold: expected a number of at least 0, got {threshold}")
    mask = image - gaussian_blur(image, sigma)
    kept = torch.where(mask.abs() < threshold, 0.0, mask)
    return (image + amount * kept).clamp(0, 1)
