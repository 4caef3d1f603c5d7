"""Resizing with antialiasing, by long side or to an exact size."""

import torch.nn.functional as F
from torch import Tensor


def fitted_size(height: int, width: int, long_side: int) -> tuple[int, int]:
    """(height, width) of the same aspect with its longer side `long_side`; never below one pixel.

    Raises:
        ValueError: long_side < 1.
    """
    if long_side < 1:
        raise ValueError(f"size: expected at least 1 pixel, got {long_side}")
    scale = long_side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def resize(image: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Resize (B, C, H, W) by bicubic interpolation with antialiasing, clamped to [0, 1].

    Bicubic filters overshoot at edges; the clamp keeps the image contract.

    Args:
        image: (B, C, H, W) in [0, 1].
        size: the long side in pixels, or (height, width).
    Returns:
        (B, C, H', W') of the same dtype; the input itself where the size is already right.
    """
    target = fitted_size(image.shape[-2], image.shape[-1], size) if isinstance(size, int) else size
    if min(target) < 1:
        raise ValueError(f"size: expected at least 1 x 1 pixels, got {target[0]} x {target[1]}")
    if tuple(image.shape[-2:]) == tuple(target):
        return image
    return F.interpolate(image, target, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
