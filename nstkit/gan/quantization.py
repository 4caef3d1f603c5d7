"""Steganography test: does the way back survive when the intermediate image is stored as 8-bit pixels?

A generator can satisfy the cycle by hiding the source in differences below one gray level: Chu, Zhmoginov &
Sandler, "CycleGAN, a Master of Steganography", 2017, arXiv:1712.02950. Rounding erases what is hidden there.
"""

import torch
from torch import Tensor

from nstkit.gan.cycle import Translator


def quantization_gap(G: Translator, F: Translator, x: Tensor, levels: int = 255) -> dict[str, float]:
    """Reconstruction error with and without rounding G(x) to `levels` steps of [-1, 1].

    Args:
        G: from domain X to domain Y, images in [-1, 1]; what leaves the range is clamped before rounding.
        F: from domain Y to domain X.
        x: (N, C, H, W), images of X.
        levels: number of steps between darkest and brightest, at least 1; 255 for 8 bits.

    Returns:
        "plain", the mean of |F(G(x)) - x|; "quantized", the same through the rounded image; and "gap",
        quantized - plain. A large gap shows that the way back reads what no stored picture can hold.

    Raises:
        ValueError: `levels` is below 1.

    Source: the experiment is ours, after Chu et al., arXiv:1712.02950.
    """
    if levels < 1:
        raise ValueError(f"levels: expected at least 1, got {levels}")
    with torch.no_grad():
        made = G(x)
        stored = ((made.clamp(-1, 1) + 1) / 2 * levels).round() / levels * 2 - 1
        plain, quantized = ((F(y) - x).abs().mean().item() for y in (made, stored))
    return {"plain": plain, "quantized": quantized, "gap": quantized - plain}
