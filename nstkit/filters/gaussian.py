"""Gaussian blur: the one linear blur that is separable, isotropic, and closed under repetition.

Blurring with sigma a and then b is blurring once with √(a² + b²): variances add (Lindeberg, "Scale-Space Theory in
Computer Vision", Kluwer 1994).
"""

import torch
from torch import Tensor

from nstkit.filters.borders import check_border, pad_border
from nstkit.filters.checks import check_picture, check_positive
from nstkit.filters.separable import correlate_axis


def gaussian_blur(image: Tensor, sigma: float, truncate: float = 4.0, *, border: str = "symmetric") -> Tensor:
    """Blur each channel by sampled Gaussian taps that sum to 1, first along the columns, then along the rows.

    Agrees with `scipy.ndimage.gaussian_filter` of the same `truncate`, whose "reflect" is our "symmetric".

    Args:
        image: (B, C, H, W), float32 or float64, any range.
        sigma: standard deviation in pixels, above 0.
        truncate: the taps reach int(truncate · sigma + 0.5) pixels to each side.
        border: symmetric, reflect-101, edge, wrap or zero, as `nstkit.filters.borders` says.

    Returns:
        (B, C, H, W), the dtype and device of `image`; differentiable.

    Raises:
        ValueError: another shape, dtype or border; `sigma` or `truncate` not above 0; a `sigma` of more than ten times
            the image's longer side.
    """
    check_picture(image)
    check_border(border)
    _check_sigma(sigma, image)
    taps = gaussian_taps(sigma, truncate).to(image)
    radius = len(taps) // 2
    down = correlate_axis(pad_border(image, radius, 0, border), taps, -2)
    return correlate_axis(pad_border(down, 0, radius, border), taps, -1)


def _check_sigma(sigma: float, image: Tensor) -> None:
    check_positive(sigma, "sigma")
    most = 10 * max(image.shape[-2:])
    if sigma > most:
        raise ValueError(f"sigma: expected at most {most}, ten times the image's longer side, got {sigma}")


def gaussian_taps(sigma: float, truncate: float = 4.0) -> Tensor:
    """exp(−t² / 2σ²) for t = −r … r with r = int(truncate · sigma + 0.5), divided by their sum: (2r + 1,) float64.

    Raises:
        ValueError: `sigma` or `truncate` not above 0.
    """
    check_positive(sigma, "sigma")
    check_positive(truncate, "truncate")
    radius = int(truncate * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (offsets / sigma).square())
    return weights / weights.sum()
