"""Box mean: the mean over a window, at a cost that hardly depends on the window's size.

The textbook takes a summed-area table (Crow, SIGGRAPH 1984): four look-ups for any window, and a small window is then a
small difference of huge sums. We double instead: sums of 1, 2, 4, … neighbours, put together to the width, one axis
after the other. That is at most 2 log₂(width) additions for each axis, all between neighbours: no digits are lost, and
a processor does them many at a time.
"""

import torch
from torch import Tensor

from nstkit.filters.borders import check_border, pad_border
from nstkit.filters.checks import check_picture, check_radius
from nstkit.filters.windows import in_bands, sliding_sum


def box_mean(image: Tensor, radius: int, *, border: str = "clipped") -> Tensor:
    """Mean over the (2·radius + 1)² window around each pixel.

    Args:
        image: (B, C, H, W), float32 or float64, any range.
        radius: half the window's width without its centre, at least 1.
        border: "clipped": the window ends where the image ends, and the mean is over the pixels that are left;
            or symmetric, reflect-101, edge, wrap or zero, as `nstkit.filters.borders` says.

    Returns:
        (B, C, H, W), the dtype and device of `image`; differentiable. The sums run in float64.

    Raises:
        ValueError: another shape, dtype or border; `radius` no whole number of at least 1.
    """
    check_picture(image)
    check_radius(radius)
    check_border(border, "clipped")
    if border != "clipped":
        return _means(pad_border(image, radius, radius, border), radius)
    radius = min(radius, max(image.shape[-2:]) - 1) or 1  # a wider window holds the same pixels
    share = _share_inside(image, radius, -2)[:, None] * _share_inside(image, radius, -1)
    return _means(pad_border(image, radius, radius, "zero"), radius) / share.to(image.dtype)


def _means(padded: Tensor, radius: int) -> Tensor:
    side = 2 * radius + 1

    def mean(band: Tensor) -> Tensor:
        total = sliding_sum(sliding_sum(band.double(), side, -2), side, -1)
        return (total / side**2).to(padded.dtype)

    return in_bands(mean, padded, radius)


def _share_inside(image: Tensor, radius: int, axis: int) -> Tensor:
    """Which part of the window around each place of an axis lies inside the image: 1 far from the border."""
    length = image.shape[axis]
    place = torch.arange(length, device=image.device)
    count = (place + radius + 1).clamp(max=length) - (place - radius).clamp(min=0)
    return count.double() / (2 * radius + 1)
