"""Enhancement on NumPy arrays: functions of lessons 22 and 26, as adapters of `nstkit.enhance` and `nstkit.filters`.

The classroom works on one picture, (H, W) or (H, W, 3); the library works on batched tensors.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nstkit import enhance, filters


def equalize_hist(img: np.ndarray) -> np.ndarray:
    """Histogram equalisation of a uint8 picture (H, W); see `nstkit.enhance.equalize_hist`.

    Raises:
        ValueError: not uint8, not 2-D, or empty.
    """
    _check_levels(img)
    return _through(enhance.equalize_hist, img)


def clahe(img: np.ndarray, clip_limit: float = 2.0, tiles: tuple[int, int] = (8, 8)) -> np.ndarray:
    """Contrast-limited adaptive equalisation of a uint8 picture (H, W); see `nstkit.enhance.clahe`.

    Raises:
        ValueError: not uint8, not 2-D, empty, or tiles that do not divide it.
    """
    _check_levels(img)
    return _through(enhance.clahe, img, clip_limit, tiles)


def contrast_stretch(img: np.ndarray, low: float = 2.0, high: float = 98.0) -> np.ndarray:
    """One line between two percentiles of all values of (H, W) or (H, W, 3); see `nstkit.enhance.contrast_stretch`.

    Raises:
        ValueError: not floating, another shape, or percentages that are not in order.
    """
    _check_floats(img, "img")
    return _through(enhance.contrast_stretch, img, low, high)


def unsharp_mask(img: np.ndarray, sigma: float, amount: float, threshold: float = 0.0) -> np.ndarray:
    """Sharpening of (H, W) or (H, W, 3) in [0, 1]; see `nstkit.enhance.unsharp_mask`.

    Raises:
        ValueError: not floating, another shape, sigma not above 0, amount or threshold below 0.
    """
    _check_floats(img, "img")
    return _through(enhance.unsharp_mask, img, sigma, amount, threshold)


def guided_filter(guide: np.ndarray, src: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """Guided filter of (H, W) pictures; see `nstkit.filters.guided_filter`.

    Raises:
        ValueError: not floating, not 2-D, shapes that differ, a radius below 1, or eps not above 0.
    """
    for name, image in (("guide", guide), ("src", src)):
        _check_floats(image, name)
        if image.ndim != 2:
            raise ValueError(f"{name}: expected (H, W), got {image.shape}")
    return _of_two(filters.guided_filter, guide, src, radius, eps)


def screened_poisson(stylized: np.ndarray, content: np.ndarray, lam: float) -> np.ndarray:
    """Values of one picture, gradients of the other, (H, W) or (H, W, 3); see `nstkit.enhance.screened_poisson`.

    Raises:
        ValueError: not floating, shapes that differ, or lam not above 0.
    """
    _check_floats(stylized, "stylized")
    _check_floats(content, "content")
    return _of_two(enhance.screened_poisson, stylized, content, lam)


def _check_levels(img: np.ndarray) -> None:
    if img.dtype != np.uint8 or img.ndim != 2 or not img.size:
        raise ValueError(f"img: expected uint8 (H, W), not empty, got {img.dtype} {img.shape}")


def _check_floats(img: np.ndarray, name: str) -> None:
    if img.dtype.kind != "f":
        raise ValueError(f"{name}: expected floating numbers, got {img.dtype}")
    if (img.ndim != 2 and (img.ndim != 3 or img.shape[2] != 3)) or not img.size:
        raise ValueError(f"{name}: expected (H, W) or (H, W, 3), got {img.shape}")


def _as_image(array: np.ndarray) -> Tensor:
    """(H, W) or (H, W, 3) to (1, C, H, W): uint8, or float64."""
    kept = array if array.dtype == np.uint8 else array.astype(np.float64)
    channels = kept[..., None] if kept.ndim == 2 else kept
    return torch.from_numpy(np.ascontiguousarray(channels.transpose(2, 0, 1)))[None]


def _as_array(image: Tensor, like: np.ndarray) -> np.ndarray:
    return image[0].permute(1, 2, 0).numpy().reshape(like.shape).astype(like.dtype)


def _through(function: Callable[..., Tensor], img: np.ndarray, *options: Any) -> np.ndarray:
    return _as_array(function(_as_image(img), *options), img)


def _of_two(
    function: Callable[..., Tensor], first: np.ndarray, second: np.ndarray, *options: Any
) -> np.ndarray:
    return _as_array(function(_as_image(first), _as_image(second), *options), first)
