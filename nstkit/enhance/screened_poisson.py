"""Screened Poisson: the values of one picture, the gradients of another, and one number between them.

Minimise lam · ‖O - S‖² + ‖∇O - ∇C‖². The normal equation (lam + L) O = lam S + L C is diagonal in the cosine basis:
each frequency is mixed by itself, slow ones from S, fast ones from C. Bhat et al., "Fourier Analysis of the 2D Screened
Poisson Equation for Gradient Domain Problems", ECCV 2008; after style transfer: Mechrez et al., BMVC 2017.
"""

import math

import torch
from torch import Tensor

from nstkit.filters.checks import check_picture, check_positive


def screened_poisson(stylized: Tensor, content: Tensor, lam: float) -> Tensor:
    """The image O that minimises lam Σ (O - S)² + Σ (Dx O - Dx C)² + Σ (Dy O - Dy C)².

    Differences are forward and stay inside the image (Neumann borders). Solved exactly, in O(n log n).

    Args:
        stylized: S, (B, C, H, W), float.
        content: C, the same shape.
        lam: above 0; large keeps the stylised image, small keeps the content's gradients and S's mean.
    Returns:
        (B, C, H, W), same dtype; nothing is clipped. Differentiable in both.
    Raises:
        ValueError: shapes that differ, another dtype, or lam not above 0.
    """
    check_picture(stylized, "stylized")
    check_picture(content, "content")
    check_positive(lam, "lam")
    if stylized.shape != content.shape:
        raise ValueError(
            f"content: expected the shape of stylized, {tuple(stylized.shape)}, got {tuple(content.shape)}"
        )
    height, width = stylized.shape[2:]
    w = _eigenvalues(2 * height, 2 * width, stylized)
    # O = C + (S - C) · lam / (lam + w): what S changes, low-passed, so that equal pictures stay equal to the bit.
    spectrum = torch.fft.rfft2(_mirrored(stylized - content)) * (lam / (lam + w))
    return content + torch.fft.irfft2(spectrum, s=(2 * height, 2 * width))[..., :height, :width]


def _mirrored(image: Tensor) -> Tensor:
    """(..., H, W) to (..., 2H, 2W): the FFT of the mirrored image is the cosine transform of the image."""
    wide = torch.cat([image, image.flip(-1)], -1)
    return torch.cat([wide, wide.flip(-2)], -2)


def _eigenvalues(height: int, width: int, like: Tensor) -> Tensor:
    """4 - 2 cos ω_y - 2 cos ω_x of minus the Laplacian, (H, W // 2 + 1), as rfft2 orders them."""
    wy = 2 * math.pi * torch.arange(height, device=like.device).to(like.dtype) / height
    wx = 2 * math.pi * torch.arange(width // 2 + 1, device=like.device).to(like.dtype) / width
    return 4 - 2 * torch.cos(wy)[:, None] - 2 * torch.cos(wx)
