"""Sharpening without halos: no pixel leaves the range of its neighbourhood in the original.

An unsharp mask overshoots on both sides of an edge, and the eye sees a bright and a dark line there. Overshoot is
exactly what lies outside of the local minimum and maximum, so that is where the result is clipped: edges get steeper
and no higher.
"""

import torch
from torch import Tensor

from nstkit.filters import gaussian_blur
from nstkit.filters.borders import pad_border
from nstkit.filters.checks import check_gain, check_picture, check_radius
from nstkit.filters.windows import sliding_extreme


def halo_free_sharpen(
    image: Tensor, sigma: float, amount: float, radius: int = 1, overshoot: float = 0.0
) -> Tensor:
    """image + amount · (image − blur), clipped to [min − overshoot, max + overshoot] of the original's window.

    Args:
        image: (B, C, H, W), float32 or float64, any range.
        sigma: of the Gaussian blur, in pixels, above 0; symmetric border.
        amount: at least 0; 0 changes nothing.
        radius: the window is (2·radius + 1)², for each channel by itself; at least 1.
        overshoot: how far a pixel may leave the window's range, in the unit of the image; at least 0.

    Returns:
        (B, C, H, W), the dtype and device of `image`; differentiable almost everywhere.

    Raises:
        ValueError: another shape or dtype; `sigma` not above 0; `amount` or `overshoot` below 0, or `amount`
            infinite; `radius` below 1.
    """
    check_gain(amount, "amount")
    if not overshoot >= 0:
        raise ValueError(f"overshoot: expected a number of at least 0, got {overshoot}")
    check_radius(radius)
    sharp = image + amount * (image - gaussian_blur(image, sigma))
    low, high = local_range(image, radius)
    return torch.minimum(torch.maximum(sharp, low - overshoot), high + overshoot)


def local_range(image: Tensor, radius: int) -> tuple[Tensor, Tensor]:
    """Minimum and maximum of the (2·radius + 1)² window around each pixel, symmetric border: (B, C, H, W) each.

    A mirrored pixel of such a window is in the window itself, so the border never changes the result.
    """
    check_picture(image)
    check_radius(radius)
    radius = min(radius, max(image.shape[-2:]))  # a wider window holds the same pixels
    padded, side = pad_border(image, radius, radius, "symmetric"), 2 * radius + 1
    low, high = (
        sliding_extreme(sliding_extreme(padded, side, -2, extreme), side, -1, extreme)
        for extreme in (torch.minimum, torch.maximum)
    )
    return low, high
