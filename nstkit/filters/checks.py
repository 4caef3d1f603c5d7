"""What the filters expect of an image and of a size, checked in one place."""

import math

import torch
from torch import Tensor


def check_picture(image: Tensor, name: str = "image") -> None:
    """Refuse what is no tensor (TypeError), not (B, C, H, W), float32 or float64, or has an empty axis (ValueError)."""
    check_tensor(image, name)
    if image.ndim != 4 or 0 in image.shape:
        way_out = "; add the batch axis of a single image with [None]" if image.ndim == 3 else ""
        raise ValueError(f"{name}: expected (B, C, H, W), no axis empty, got {tuple(image.shape)}{way_out}")
    if image.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"{name}: expected float32 or float64, got {image.dtype}; convert 8-bit pixels with .float() / 255"
        )


def check_tensor(image: Tensor, name: str = "image") -> None:
    """Refuse arrays and lists (TypeError)."""
    if not isinstance(image, Tensor):
        raise TypeError(
            f"{name}: expected a tensor, got {type(image).__name__}; torch.from_numpy makes one of an array"
        )


def check_positive(value: float, name: str) -> None:
    """Refuse a number that is not above 0 and finite (ValueError)."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {value}")


def check_gain(value: float, name: str) -> None:
    """Refuse a number that is below 0 or not finite (ValueError): infinity times 0 is no pixel."""
    if not 0 <= value < math.inf:
        raise ValueError(f"{name}: expected a finite number of at least 0, got {value}")


def check_radius(radius: int, name: str = "radius", *, image: Tensor | None = None) -> None:
    """Refuse what is no whole number of at least 1, or more than twice the longer side of `image` (ValueError).

    Filters that visit a window place by place give the image: so far beyond its sides they see nothing but its border,
    and take forever over it.
    """
    if isinstance(radius, bool) or not is_whole(radius) or radius < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, got {radius}")
    if image is not None and radius > (most := 2 * max(image.shape[-2:])):
        raise ValueError(f"{name}: expected at most {most}, twice the image's longer side, got {radius}")


def is_whole(value: float) -> bool:
    """Whether a number is finite and whole; a float may be."""
    return math.isfinite(value) and int(value) == value
