"""Levels: the 256 values that histograms count, of 8-bit pictures and of pictures in [0, 1]."""

import torch
from torch import Tensor

LEVELS = 256


def to_levels(image: Tensor, name: str = "image") -> Tensor:
    """(B, C, H, W), uint8 or float in [0, 1], to int64 levels 0 … 255; floats are rounded to the nearest.

    Raises:
        ValueError: another shape or dtype, an empty axis, or floats outside [0, 1].
    """
    if image.ndim != 4 or 0 in image.shape:
        raise ValueError(f"{name}: expected (B, C, H, W), no axis empty, got {tuple(image.shape)}")
    if image.dtype == torch.uint8:
        return image.long()
    if image.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"{name}: expected uint8, float32 or float64, got {image.dtype}")
    if not bool(((image >= -1e-6) & (image <= 1 + 1e-6)).all()):
        raise ValueError(f"{name}: expected floats in [0, 1], got others; divide 8-bit values by 255")
    return (image.detach() * (LEVELS - 1)).round().long().clamp(0, LEVELS - 1)


def from_levels(levels: Tensor, like: Tensor) -> Tensor:
    """Levels 0 … 255 as a picture of the dtype of `like`: uint8, or floats in [0, 1]."""
    return levels.to(torch.uint8) if like.dtype == torch.uint8 else levels.to(like.dtype) / (LEVELS - 1)


def count_levels(levels: Tensor) -> Tensor:
    """Histograms of rows: (..., N) levels to (..., 256) counts, int64."""
    counts = torch.zeros(*levels.shape[:-1], LEVELS, dtype=torch.int64, device=levels.device)
    return counts.scatter_add_(-1, levels, torch.ones_like(levels))


def exact_float(device: torch.device) -> torch.dtype:
    """float64, or float32 on a device that has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64
