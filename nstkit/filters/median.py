"""Median filters: the middle of a window, for every pixel or only where a pixel is far from it.

Tukey, "Exploratory Data Analysis", 1977. The median minimises Σ|I(q) − m|, and outliers do not move it before they are
half of the window. Taking it only at detected outliers leaves all other detail alone (Sun & Neuvo, "Detail-Preserving
Median Based Filters in Image Processing", Pattern Recognition Letters 15, 1994).
"""

import torch
from torch import Tensor

from nstkit.filters.borders import pad_border
from nstkit.filters.checks import check_picture, check_radius
from nstkit.filters.selection import median_network, sorting_network
from nstkit.filters.windows import in_bands

_WIDEST_NETWORK = 7
"""Up to this radius a network is faster than selection pixel by pixel."""


def median_filter(image: Tensor, radius: int, *, border: str = "symmetric") -> Tensor:
    """Median of the (2·radius + 1)² window around each pixel, for each channel by itself.

    Agrees with `scipy.ndimage.median_filter` to the last bit. In colour the result can be a colour that was not there.

    Args:
        image: (B, C, H, W), float32 or float64, without NaN.
        radius: half the window's width without its centre, at least 1.
        border: symmetric, reflect-101, edge, wrap or zero, as `nstkit.filters.borders` says.

    Returns:
        (B, C, H, W), the dtype and device of `image`; differentiable: the gradient goes to the pixel in the middle.

    Raises:
        ValueError: another shape, dtype or border; `radius` no whole
            number of at least 1, or more than twice the image's longer side.
    """
    check_picture(image)
    check_radius(radius, image=image)
    padded = pad_border(image, radius, radius, border)
    median = _by_network if radius <= _WIDEST_NETWORK else _by_selection
    return in_bands(lambda band: median(band, 2 * radius + 1), padded, radius)


def switching_median(image: Tensor, radius: int, threshold: float, *, border: str = "symmetric") -> Tensor:
    """The median where a pixel differs from it by more than `threshold`; all other pixels bit by bit.

    Args:
        image: (B, C, H, W), float32 or float64, without NaN.
        radius: half the window's width without its centre, at least 1.
        threshold: in the unit of the image, at least 0.
        border: symmetric, reflect-101, edge, wrap or zero, as `nstkit.filters.borders` says.

    Returns:
        (B, C, H, W), the dtype and device of `image`.

    Raises:
        ValueError: as `median_filter`, and `threshold` below 0.
    """
    if not threshold >= 0:
        raise ValueError(f"threshold: expected at least 0, got {threshold}")
    median = median_filter(image, radius, border=border)
    return torch.where((image - median).abs() > threshold, median, image)


def _by_network(padded: Tensor, side: int) -> Tensor:
    height, width = padded.shape[-2] - side + 1, padded.shape[-1] - side + 1
    columns = sorting_network(side).run([padded[..., y : y + height, :] for y in range(side)])
    window = [rank[..., x : x + width] for rank in columns for x in range(side)]
    return median_network(side).run(window)[0]


def _by_selection(padded: Tensor, side: int) -> Tensor:
    windows = padded.unfold(-2, side, 1).unfold(-2, side, 1)  # (B, C, h, W, side, side)
    return windows.flatten(-2).median(-1).values
