"""YIQ: one channel of brightness and two of colour, of the values as stored.

The NTSC axes: U = 0.492111 (B - Y) and V = 0.877283 (R - Y), turned by 33 degrees. Y is luma: it weighs
gamma-encoded values and is not the luminance of physics; Gatys et al. (2016) transfer style in it all the same.
"""

import math

import torch
from torch import Tensor

from nstkit.images import check_image
from nstkit.images.contract import check_channels

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601); they sum to 1."""


def luma(image: Tensor) -> Tensor:
    """Y = 0.299 R + 0.587 G + 0.114 B; (B, 3, H, W) to (B, 1, H, W), same range and dtype."""
    check_image(image)
    return (image * image.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def rgb_to_yiq(image: Tensor) -> Tensor:
    """(B, 3, H, W) RGB in [0, 1] to Y in [0, 1], I in ±0.596, Q in ±0.523."""
    check_image(image)
    return torch.einsum("ij,bjhw->bihw", _matrix(image), image)


def yiq_to_rgb(yiq: Tensor) -> Tensor:
    """The inverse of `rgb_to_yiq`; nothing is clipped. Y enters every channel with weight 1."""
    check_channels(yiq, "yiq")
    return torch.einsum("ij,bjhw->bihw", torch.linalg.inv(_matrix(yiq)), yiq)


def luminance_transfer(stylized: Tensor, content: Tensor) -> Tensor:
    """Brightness of the stylised image, colour of the content: Y of one, I and Q of the other, clipped to [0, 1].

    Because the inverse of YIQ has a first column of ones, this is the content plus the difference of the two Y,
    the same number on red, green and blue.

    Args:
        stylized: (B, 3, H, W), sRGB in [0, 1]; gives Y.
        content: the same shape; gives I and Q.
    Returns:
        (B, 3, H, W) in [0, 1]; differentiable in both where nothing is clipped.
    Raises:
        ValueError, TypeError: shapes that differ, or no images.
    Source: Gatys, Bethge, Hertzmann & Shechtman, "Preserving Color in Neural Artistic Style Transfer",
        arXiv:1606.05897 (2016).
    """
    if stylized.shape != content.shape:
        raise ValueError(
            f"content: expected the shape of stylized, {tuple(stylized.shape)}, got {tuple(content.shape)}; "
            "resize it first"
        )
    return (content + (luma(stylized) - luma(content))).clamp(0, 1)


def _matrix(like: Tensor) -> Tensor:
    y = torch.tensor(LUMA, dtype=torch.float64)
    red, _, blue = torch.eye(3, dtype=torch.float64)
    u, v = 0.492111 * (blue - y), 0.877283 * (red - y)
    sine, cosine = math.sin(math.radians(33)), math.cos(math.radians(33))
    return torch.stack([y, cosine * v - sine * u, sine * v + cosine * u]).to(like)
