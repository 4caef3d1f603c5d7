"""Gaussian and Laplacian pyramids: an image as bands of detail, from fine to coarse, and what is left.

Burt & Adelson, "The Laplacian Pyramid as a Compact Image Code", IEEE Trans. Communications 31 (1983). Each band
stores exactly what expanding the next level misses, so collapsing gives the image back, whatever the kernel. Kernel
(1, 4, 6, 4, 1)/16 and border "reflect-101", as OpenCV's `pyrDown` and `pyrUp`.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from nstkit.filters import pad_border
from nstkit.filters.checks import check_picture, check_tensor, is_whole


def laplacian_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """levels − 1 bands L_i = G_i − expand(G_{i+1}), the finest first, and the last level G itself.

    Args:
        image: (B, C, H, W), float32 or float64, any range.
        levels: at least 1; every level that is reduced further needs 3 pixels or more on each side.

    Returns:
        `levels` tensors (B, C, h, w); each h is ⌈h/2⌉ of the one before; differentiable.

    Raises:
        ValueError: another shape or dtype, or more levels than the image has.
    """
    gaussian = gaussian_pyramid(image, levels)
    bands = [fine - pyramid_expand(coarse, fine.shape[-2:]) for fine, coarse in pairwise(gaussian)]
    return [*bands, gaussian[-1]]


def collapse_pyramid(pyramid: Sequence[Tensor]) -> Tensor:
    """The image of a Laplacian pyramid: from the coarsest level on, expand and add the next finer band.

    Args:
        pyramid: bands (B, C, h, w), the finest first, as `laplacian_pyramid` makes them, perhaps changed.

    Returns:
        (B, C, H, W), the shape of the first band; differentiable.

    Raises:
        ValueError: no levels, or sizes that do not halve from level to level.
    """
    if not pyramid:
        raise ValueError("pyramid: expected at least one level, got none")
    image = pyramid[-1]
    for band in reversed(pyramid[:-1]):
        image = band + pyramid_expand(image, band.shape[-2:])
    return image


def gaussian_pyramid(image: Tensor, levels: int) -> list[Tensor]:
    """The image, reduced again and again: `levels` tensors; arguments and errors as `laplacian_pyramid`."""
    if not is_whole(levels) or levels < 1:
        raise ValueError(f"levels: expected a whole number of at least 1, got {levels}")
    check_picture(image)
    pyramid = [image]
    for level in range(1, int(levels)):
        if min(pyramid[-1].shape[-2:]) < 3:
            raise ValueError(
                f"levels: expected at most {level} for an image of {tuple(image.shape[-2:])}, got {levels}; "
                "a level needs 3 pixels on each side to be reduced"
            )
        pyramid.append(pyramid_reduce(pyramid[-1]))
    return pyramid


def pyramid_reduce(image: Tensor) -> Tensor:
    """Blur with (1, 4, 6, 4, 1)/16 on both axes and keep rows and columns 0, 2, 4, …: (…, ⌈H/2⌉, ⌈W/2⌉)."""
    check_tensor(image)
    return _reduce_axis(_reduce_axis(image, -2), -1)


def pyramid_expand(image: Tensor, shape: Sequence[int]) -> Tensor:
    """Spread the pixels over even rows and columns of zeros, blur, and multiply by 4 for the zeros.

    Args:
        image: (…, h, w).
        shape: H and W of the result; ⌈H/2⌉ must be h and ⌈W/2⌉ must be w.

    Returns:
        (…, H, W); differentiable.

    Raises:
        ValueError: a shape that does not halve to the image's.
    """
    check_tensor(image)
    height, width = shape
    if ((height + 1) // 2, (width + 1) // 2) != tuple(image.shape[-2:]):
        raise ValueError(
            f"shape: expected H and W that halve (rounding up) to {tuple(image.shape[-2:])}, got {tuple(shape)}"
        )
    return _expand_axis(_expand_axis(image, height, -2), width, -1)


def _reduce_axis(image: Tensor, axis: int) -> Tensor:
    padded = pad_border(image, 2 if axis == -2 else 0, 2 if axis == -1 else 0, "reflect-101")
    count = (image.shape[axis] + 1) // 2
    a, b, c, d, e = (_every_second(padded, start, count, axis) for start in range(5))
    return torch.add(torch.add(a + e, b + d, alpha=4), c, alpha=6) / 16


def _every_second(padded: Tensor, start: int, count: int, axis: int) -> Tensor:
    kept = slice(start, start + 2 * count - 1, 2)
    return padded[..., kept, :] if axis == -2 else padded[..., kept]


def _expand_axis(image: Tensor, length: int, axis: int) -> Tensor:
    """Even places see (1, 6, 1)/8 of the coarse pixels and odd ones (4, 4)/8: the zeros are never touched.

    Mirrored about its last pixel, the fine axis shows the last coarse pixel but one if that pixel is coarse (odd
    length), and the last coarse pixel once more if it is a zero (even length).
    """
    count = image.shape[axis]
    before = image.narrow(axis, min(1, count - 1), 1)
    after = image.narrow(axis, max(0, count - 2) if length % 2 else count - 1, 1)
    padded = torch.cat([before, image, after], axis)
    left, here, right = (padded.narrow(axis, start, count) for start in range(3))
    pair = torch.stack([torch.add(left + right, here, alpha=6) / 8, (here + right) / 2], axis)
    return pair.flatten(axis - 1, axis).narrow(axis, 0, length)
