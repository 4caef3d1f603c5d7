"""Colour on NumPy arrays (…, 3): lesson 28's functions, as adapters of `nstkit.color`.

The classroom works on pixels in the last axis and refuses what is out of range; the library works on batched tensors.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nstkit import color

SLACK = 1e-6


def srgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of sRGB values (…, 3) in [0, 1]; see `nstkit.color.srgb_to_lab`.

    Raises:
        ValueError: the last axis is not 3, or values lie outside [0, 1] by more than 1e-6.
    """
    return _pixelwise(color.srgb_to_lab, _checked(rgb, "rgb"))


def lab_to_srgb(lab: np.ndarray) -> np.ndarray:
    """sRGB values (…, 3), clipped to [0, 1], of L*a*b*; see `nstkit.color.lab_to_srgb`.

    Raises:
        ValueError: the last axis is not 3.
    """
    return _pixelwise(color.lab_to_srgb, _checked(lab, "lab", in_range=False))


def adjust_hsv(rgb: np.ndarray, hue_deg: float, sat_gain: float, val_gain: float) -> np.ndarray:
    """Hue turned, saturation and value multiplied and clipped, (…, 3); see `nstkit.color.adjust_hsv`.

    Raises:
        ValueError: the last axis is not 3, values outside [0, 1] by more than 1e-6, or a negative gain.
    """
    return _pixelwise(color.adjust_hsv, _checked(rgb, "rgb"), hue_deg, sat_gain, val_gain)


def luminance_transfer(stylized: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Y of `stylized`, I and Q of `content`, (…, 3), clipped; see `nstkit.color.luminance_transfer`.

    Raises:
        ValueError: the shapes differ, the last axis is not 3, or values lie outside [0, 1] by more than 1e-6.
    """
    if np.shape(stylized) != np.shape(content):
        raise ValueError(
            f"content: expected the shape of stylized, {np.shape(stylized)}, got {np.shape(content)}"
        )
    pixels = _as_image(_checked(content, "content"))
    return _as_rows(color.luminance_transfer(_as_image(_checked(stylized, "stylized")), pixels), content)


def linear_color_transfer(source: np.ndarray, reference: np.ndarray, method: str = "mk") -> np.ndarray:
    """Mean and covariance of `reference` for the colours of `source`; see `nstkit.color.linear_color_transfer`.

    Args:
        source, reference: (H, W, 3) and (H', W', 3) in [0, 1].
        method: "mean_std", "cholesky", "symmetric" or "mk".
    Raises:
        ValueError: another shape or method, or values outside [0, 1] by more than 1e-6.
    """
    for name, image in (("source", source), ("reference", reference)):
        if image.ndim != 3:
            raise ValueError(f"{name}: expected (H, W, 3), got {image.shape}")
    pixels, target = (_as_image(_checked(a, n)) for a, n in ((source, "source"), (reference, "reference")))
    return _as_rows(color.linear_color_transfer(pixels, target, method), source)


def _checked(array: np.ndarray, name: str, *, in_range: bool = True) -> np.ndarray:
    if array.ndim < 1 or array.shape[-1] != 3:
        raise ValueError(f"{name}: expected (…, 3), got {array.shape}; the colours are the last axis")
    if in_range and array.size and not (array.min() >= -SLACK and array.max() <= 1 + SLACK):
        raise ValueError(f"{name}: expected values in [0, 1], got [{array.min():.4g}, {array.max():.4g}]")
    return array


def _as_image(array: np.ndarray) -> Tensor:
    """(…, 3) to (1, 3, N, 1), float64."""
    rows = np.ascontiguousarray(array, dtype=np.float64).reshape(-1, 3)
    return torch.from_numpy(rows.T.copy())[None, :, :, None]


def _as_rows(image: Tensor, like: np.ndarray) -> np.ndarray:
    rows = image[0, :, :, 0].numpy().T.reshape(like.shape)
    return rows.astype(like.dtype if like.dtype.kind == "f" else np.float64)


def _pixelwise(function: Callable[..., Tensor], array: np.ndarray, *options: Any) -> np.ndarray:
    return _as_rows(function(_as_image(array), *options), array)
