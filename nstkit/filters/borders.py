"""Borders: what a filter sees beyond the edge of the image, by one set of names.

Every library has names of its own, and "reflect" means one thing in NumPy and another in SciPy;
the README of this folder has the table.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from nstkit.filters.checks import check_tensor, is_whole


def _symmetric(position: Tensor, length: int) -> Tensor:
    folded = position % (2 * length)
    return torch.minimum(folded, 2 * length - 1 - folded)


def _reflect_101(position: Tensor, length: int) -> Tensor:
    period = max(1, 2 * (length - 1))  # a single pixel has no neighbour to mirror: it is repeated
    folded = position % period
    return torch.minimum(folded, period - folded)


def _edge(position: Tensor, length: int) -> Tensor:
    return position.clamp(0, length - 1)


def _wrap(position: Tensor, length: int) -> Tensor:
    return position % length


BORDERS: dict[str, Callable[[Tensor, int], Tensor] | None] = {
    "symmetric": _symmetric,
    "reflect-101": _reflect_101,
    "edge": _edge,
    "wrap": _wrap,
    "zero": None,
}
"""By name: the index inside an axis of some length that stands for any index outside of it (None: a zero)."""


def pad_border(
    image: Tensor, rows: int | tuple[int, int], columns: int | tuple[int, int], border: str
) -> Tensor:
    """Continue an image beyond its edges, by any number of pixels, also more than it has.

    Args:
        image: (..., H, W), neither of them 0.
        rows: how many rows to add, above and below: one number for both, or a pair.
        columns: how many columns to add, left and right, in the same way.
        border: "symmetric" dcba|abcd|dcba, "reflect-101" dcb|abcd|cba, "edge" aaaa|abcd|dddd,
            "wrap" abcd|abcd|abcd, or "zero".

    Returns:
        (..., H + added rows, W + added columns), the same dtype and device; differentiable.

    Raises:
        ValueError: another border, a negative number, or an image that is empty or has less than two axes.
    """
    check_border(border)
    check_tensor(image)
    if image.ndim < 2 or 0 in image.shape[-2:]:
        raise ValueError(f"image: expected (..., H, W) with at least one pixel, got {tuple(image.shape)}")
    return _pad_axis(_pad_axis(image, rows, -2, border), columns, -1, border)


def check_border(border: str, *others: str) -> None:
    """Refuse what is neither a border's name nor one of `others` (ValueError)."""
    if border not in BORDERS and border not in others:
        known = ", ".join(map(repr, [*BORDERS, *others]))
        raise ValueError(f"border: expected one of {known}, got {border!r}")


def _pad_axis(image: Tensor, amount: int | tuple[int, int], axis: int, border: str) -> Tensor:
    before, after = amount if isinstance(amount, tuple | list) else (amount, amount)
    if not (is_whole(before) and is_whole(after)):
        raise ValueError(f"rows, columns: expected whole numbers, got {before} and {after}")
    before, after = int(before), int(after)
    if min(before, after) < 0:
        raise ValueError(f"rows, columns: expected at least 0, got {before} and {after}")
    if before == after == 0:
        return image
    length = image.shape[axis]
    ranges = ((-before, 0), (length, length + after))
    left, right = (_outside(image, axis, start, stop, border) for start, stop in ranges)
    return torch.cat([left, image, right], axis)  # three long copies: faster than gathering every pixel


def _outside(image: Tensor, axis: int, start: int, stop: int, border: str) -> Tensor:
    """The continuation of `image` from index `start` to `stop` of an axis."""
    rule = BORDERS[border]
    if rule is None:
        shape = list(image.shape)
        shape[axis] = stop - start
        return image.new_zeros(shape)
    position = torch.arange(start, stop, device=image.device)
    return image.index_select(axis, rule(position, image.shape[axis]))
