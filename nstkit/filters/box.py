"""Box mean: the mean over a window, at a cost that does not depend on the window's size.

Crow, "Summed-Area Tables for Texture Mapping", SIGGRAPH 1984. A running sum answers any window by one subtraction.
We take one running sum for each axis in place of one table: the sums stay shorter, so less precision is lost.
"""

import torch
from torch import Tensor

from nstkit.filters.borders import check_border, pad_border
from nstkit.filters.checks import check_picture, check_radius


def box_mean(image: Tensor, radius: int, *, border: str = "clipped") -> Tensor:
    """Mean over the (2·radius + 1)² window around each pixel.

    Args:
        image: (B, C, H, W), float32 or float64, any range.
        radius: half the window's width without its centre, at least 1.
        border: "clipped": the window ends where the image ends, and the mean is over the pixels that are left;
            or a name of `nstkit.filters.borders`.

    Returns:
        (B, C, H, W), the dtype and device of `image`; differentiable. The sums run in float64.

    Raises:
        ValueError: another shape, dtype or border; `radius` no whole number of at least 1.
    """
    check_picture(image)
    check_radius(radius)
    check_border(border, "clipped")
    if border == "clipped":
        return _mean_axis(_mean_axis(image, radius, -2), radius, -1)
    padded = pad_border(image, radius, radius, border)
    inner = slice(radius, -radius)
    return _mean_axis(_mean_axis(padded, radius, -2)[..., inner, :], radius, -1)[..., inner]


def _mean_axis(image: Tensor, radius: int, axis: int) -> Tensor:
    """Means over windows clipped to the axis; a mean over both axes is a mean of means, for the windows are boxes."""
    length = image.shape[axis]
    position = torch.arange(length, device=image.device)
    start, stop = (position - radius).clamp(min=0), (position + radius + 1).clamp(max=length)
    first = image.new_zeros(image.narrow(axis, 0, 1).shape, dtype=torch.float64)
    sums = torch.cat([first, image.cumsum(axis, dtype=torch.float64)], axis)  # sums[k]: of the first k pixels
    total = sums.index_select(axis, stop) - sums.index_select(axis, start)
    count = (stop - start).to(torch.float64)
    return (total / (count[:, None] if axis == -2 else count)).to(image.dtype)
