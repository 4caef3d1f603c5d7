"""Filters on NumPy arrays: functions of lessons 21, 29 and 30, as adapters of `nstkit.filters` and `nstkit.enhance`.

The classroom works on one picture, (H, W) or (H, W, 3); the library works on batched tensors. Sums run in float64, and
the result has the dtype of the picture.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nstkit import enhance, filters


def gaussian_blur(img: np.ndarray, sigma: float, truncate: float = 4.0) -> np.ndarray:
    """Gaussian blur of (H, W) or (H, W, 3), symmetric border; see `nstkit.filters.gaussian_blur`.

    Raises:
        ValueError: another shape, or sigma not above 0.
    """
    return _through(filters.gaussian_blur, img, sigma, truncate)


def box_mean(img: np.ndarray, radius: int) -> np.ndarray:
    """Mean over a window clipped to the image, (H, W) or (H, W, 3); see `nstkit.filters.box_mean`.

    Raises:
        ValueError: another shape, or a radius below 1.
    """
    return _through(filters.box_mean, img, radius)


def bilateral_filter(img: np.ndarray, sigma_space: float, sigma_range: float, radius: int) -> np.ndarray:
    """Bilateral filter of (H, W) or (H, W, 3), symmetric border; see `nstkit.filters.bilateral_filter`.

    Raises:
        ValueError: another shape, a sigma not above 0, or a radius below 1.
    """
    return _through(filters.bilateral_filter, img, sigma_space, sigma_range, radius)


def gaussian_scale_space(img: np.ndarray, sigmas: Sequence[float]) -> np.ndarray:
    """(K, H, W) or (K, H, W, 3): the picture at each total sigma; see `nstkit.filters.gaussian_scale_space`.

    Raises:
        ValueError: another shape; `sigmas` empty, not positive, or not strictly increasing.
    """
    levels = filters.gaussian_scale_space(_as_image(img), list(sigmas))
    return np.stack([_as_array(level, img.dtype, img.ndim) for level in levels])


def median_filter(img: np.ndarray, radius: int) -> np.ndarray:
    """Median filter of (H, W) or (H, W, 3), symmetric border; see `nstkit.filters.median_filter`.

    Raises:
        ValueError: another shape, or a radius below 1.
    """
    return _through(filters.median_filter, img, radius)


def switching_median(img: np.ndarray, radius: int, threshold: float) -> np.ndarray:
    """The median at outliers of (H, W), all else bit by bit; see `nstkit.filters.switching_median`.

    Raises:
        ValueError: not (H, W), a radius below 1, or a threshold below 0.
    """
    return _through(filters.switching_median, _gray(img), radius, threshold)


def nl_means(
    img: np.ndarray, patch_radius: int, search_radius: int, h: float, sigma: float = 0.0
) -> np.ndarray:
    """Non-local means of (H, W), symmetric border; see `nstkit.filters.nl_means`.

    Raises:
        ValueError: not (H, W), a radius below 1, h not above 0, or sigma below 0.
    """
    return _through(filters.nl_means, _gray(img), patch_radius, search_radius, h, sigma)


def tv_denoise(img: np.ndarray, lam: float, n_iter: int = 300) -> np.ndarray:
    """Total-variation denoising of (H, W); see `nstkit.filters.tv_denoise`.

    Raises:
        ValueError: not (H, W), lam not above 0, or n_iter below 1.
    """
    return _through(filters.tv_denoise, _gray(img), lam, n_iter)


def laplacian_pyramid(img: np.ndarray, levels: int) -> list[np.ndarray]:
    """Bands and residual of (H, W) or (H, W, 3); see `nstkit.enhance.laplacian_pyramid`.

    Raises:
        ValueError: another shape, levels below 1, or a level too small to be reduced.
    """
    pyramid = enhance.laplacian_pyramid(_as_image(img), levels)
    return [_as_array(level, img.dtype, img.ndim) for level in pyramid]


def collapse_pyramid(pyr: Sequence[np.ndarray]) -> np.ndarray:
    """The picture of such a pyramid; see `nstkit.enhance.collapse_pyramid`.

    Raises:
        ValueError: no levels, or sizes that do not halve.
    """
    if not len(pyr):
        raise ValueError("pyr: expected at least one level, got none")
    image = enhance.collapse_pyramid([_as_image(band) for band in pyr])
    return _as_array(image, pyr[0].dtype, pyr[0].ndim)


def boost_detail(img: np.ndarray, gains: Sequence[float], threshold: float = 0.0) -> np.ndarray:
    """One gain for each band of (H, W) or (H, W, 3), with coring; see `nstkit.enhance.boost_detail`.

    Raises:
        ValueError: another shape, a negative gain or threshold, or too many gains.
    """
    return _through(enhance.boost_detail, img, list(gains), threshold)


def pyramid_blend(a: np.ndarray, b: np.ndarray, mask: np.ndarray, levels: int) -> np.ndarray:
    """Two pictures blended band by band, mask (H, W), 1 for `a`; see `nstkit.enhance.pyramid_blend`.

    Raises:
        ValueError: shapes that do not fit, a mask out of [0, 1], or too many levels.
    """
    if a.shape != b.shape or mask.ndim != 2:
        raise ValueError(f"expected one shape, and a mask (H, W); got {a.shape}, {b.shape} and {mask.shape}")
    blend = enhance.pyramid_blend(_as_image(a), _as_image(b), _as_image(mask), levels)
    return _as_array(blend, a.dtype, a.ndim)


def halo_free_sharpen(
    img: np.ndarray, sigma: float, amount: float, radius: int = 1, overshoot: float = 0.0
) -> np.ndarray:
    """Sharpening within the local range of (H, W) or (H, W, 3); see `nstkit.enhance.halo_free_sharpen`.

    Raises:
        ValueError: another shape, sigma not above 0, a negative amount or overshoot, or a radius below 1.
    """
    return _through(enhance.halo_free_sharpen, img, sigma, amount, radius, overshoot)


def _gray(img: np.ndarray) -> np.ndarray:
    if img.ndim != 2:
        raise ValueError(f"img: expected (H, W), got {img.shape}")
    return img


def _as_image(img: np.ndarray) -> Tensor:
    """(H, W) or (H, W, 3) to (1, C, H, W), float64."""
    if img.dtype.kind != "f" or (img.ndim != 2 and (img.ndim != 3 or img.shape[2] != 3)):
        raise ValueError(f"img: expected floating (H, W) or (H, W, 3), got {img.dtype} {img.shape}")
    channels = img[..., None] if img.ndim == 2 else img
    return torch.from_numpy(np.ascontiguousarray(channels.transpose(2, 0, 1), dtype=np.float64))[None]


def _as_array(image: Tensor, dtype: np.dtype[Any], ndim: int) -> np.ndarray:
    pixels = image[0].permute(1, 2, 0).contiguous().numpy()
    return (pixels[..., 0] if ndim == 2 else pixels).astype(dtype)


def _through(function: Callable[..., Tensor], img: np.ndarray, *options: Any) -> np.ndarray:
    return _as_array(function(_as_image(img), *options), img.dtype, img.ndim)
