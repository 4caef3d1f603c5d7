"""Resize images without aliasing, by their long side or to an exact size."""

import torch.nn.functional as F
from torch import Tensor


def resize(image: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Resize by bicubic interpolation, widened into a low-pass filter where it shrinks, and clamped to [0, 1].

    The cubic kernel (Keys 1981, IEEE TASSP 29, with a = −1/2) overshoots at edges; the clamp keeps the contract.

    Args:
        image: (B, C, H, W), float32 or float64, in [0, 1]; an image, or masks with another number of channels.
        size: the long side in pixels, which keeps the aspect, or (height, width).

    Returns:
        (B, C, H', W'), same dtype; `image` itself where it has that size already. Differentiable.

    Raises:
        TypeError, ValueError: `image` has not four axes, or `size` is not of positive integers.
    """
    if image.ndim != 4:
        raise ValueError(f"image: expected (B, C, H, W), got {tuple(image.shape)}; add the missing axes")
    height, width = _target(image, size)
    if tuple(image.shape[-2:]) == (height, width):
        return image
    return F.interpolate(image, (height, width), mode="bicubic", antialias=True).clamp(0, 1)


def fitted_size(height: int, width: int, long_side: int) -> tuple[int, int]:
    """(height, width) with the same aspect and the given long side; the short side is never below one pixel."""
    check_long_side(long_side)
    longest = max(height, width)
    return max(1, round(height * long_side / longest)), max(1, round(width * long_side / longest))


def check_long_side(size: int) -> None:
    """Raise unless `size` is a positive integer."""
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"size: expected an integer, the long side in pixels, got {size!r}")
    if size < 1:
        raise ValueError(f"size: expected at least 1 pixel, got {size}")


def _target(image: Tensor, size: int | tuple[int, int]) -> tuple[int, int]:
    if not isinstance(size, (tuple, list)):
        return fitted_size(image.shape[-2], image.shape[-1], size)
    if len(size) != 2 or not all(isinstance(side, int) and side >= 1 for side in size):
        raise ValueError(f"size: expected a long side or (height, width) of at least 1 pixel, got {size!r}")
    return size[0], size[1]
