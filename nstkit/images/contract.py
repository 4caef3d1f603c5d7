"""The image contract: float tensor (B, 3, H, W), sRGB, in [0, 1]. Checked here and nowhere else."""

import torch
from torch import Tensor

SLACK = 1e-4
"""How far rounding may carry a pixel out of [0, 1]."""


def check_image(image: Tensor, name: str = "image") -> None:
    """Raise unless `image` keeps the contract.

    Args:
        image: expected (B, 3, H, W), float16 to float64, finite, in [0, 1] up to rounding.
        name: what the message calls it.
    Raises:
        TypeError: not a tensor, or not of floating point.
        ValueError: wrong shape, an empty axis, values that are not finite or out of range.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"{name}: expected a torch tensor (B, 3, H, W), got {type(image).__name__}")
    if not image.is_floating_point():
        raise TypeError(
            f"{name}: expected floats in [0, 1], got {image.dtype}; divide by the largest code (255)"
        )
    _check_shape(image, name)
    low, high = (float(v) for v in torch.aminmax(image.detach()))
    if not (low == low and high == high and abs(low) != float("inf") and abs(high) != float("inf")):
        raise ValueError(f"{name}: expected finite pixels, got NaN or infinity")
    if low < -SLACK or high > 1 + SLACK:
        raise ValueError(
            f"{name}: expected pixels in [0, 1], got [{low:.4g}, {high:.4g}]; clamp or rescale first"
        )


def _check_shape(image: Tensor, name: str) -> None:
    shape = tuple(image.shape)
    if image.ndim == 3:
        raise ValueError(f"{name}: expected (B, 3, H, W), got {shape}; add a batch axis")
    if image.ndim != 4:
        raise ValueError(f"{name}: expected (B, 3, H, W), got {shape}")
    if image.shape[1] != 3:
        hint = "; move the channel axis: permute(0, 3, 1, 2)" if image.shape[-1] == 3 else ""
        raise ValueError(f"{name}: expected 3 channels (B, 3, H, W), got {shape}{hint}")
    if 0 in image.shape:
        raise ValueError(f"{name}: expected at least one pixel, got {shape}")
