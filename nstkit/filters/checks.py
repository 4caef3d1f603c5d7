"""What the filters expect of an image and of a size, checked in one place."""

import math

import torch
from torch import Tensor


def check_picture(image: Tensor, name: str = "image") -> None:
    """Refuse what is not (B, C, H, W), float32 or float64, without an empty axis (ValueError)."""
    if image.ndim != 4 or 0 in image.shape:
        way_out = "; add the batch axis of a single image with [None]" if image.ndim == 3 else ""
        raise ValueError(f"{name}: expected (B, C, H, W), no axis empty, got {tuple(image.shape)}{way_out}")
    if image.dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"{name}: expected float32 or float64, got {image.dtype}; convert 8-bit pixels with .float() / 255"
        )


def check_positive(value: float, name: str) -> None:
    """Refuse a number that is not above 0 and finite (ValueError)."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {value}")


def check_radius(radius: int, name: str = "radius") -> None:
    """Refuse what is no whole number of at least 1 (ValueError)."""
    if isinstance(radius, bool) or int(radius) != radius or radius < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, got {radius}")
