"""The scales of a transfer: sizes from coarse to fine, the last one as large as was asked for."""

import math

from nstkit.images import fitted_size


class PictureTooSmall(ValueError):  # noqa: N818
    """A content, or what it becomes at the size asked for, has a side below `least`, which the layers need."""

    def __init__(self, message: str, least: int) -> None:
        super().__init__(message)
        self.least = least


def pyramid(
    shape: tuple[int, int], size: int, coarsest: int, minimum: int, factor: float = 2.0
) -> list[tuple[int, int]]:
    """Sizes (height, width) from coarse to fine, each `factor` times the one before, up to rounding.

    Args:
        shape: of the content image.
        size: long side of the last scale.
        coarsest: the first scale's long side is at least this.
        minimum: and its short side at least this.
        factor: above 1.
    Raises:
        PictureTooSmall: even the last scale is smaller than the layers allow; the message says the minimum.
    """
    last = fitted_size(*shape, size)
    if min(last) < minimum:
        need = -(-minimum * max(last) // min(last))
        raise PictureTooSmall(
            f"size: {size} gives {last[0]} x {last[1]} pixels, too small for these layers, which need {minimum} on "
            f"the short side; ask for a size of at least {need}, or leave the deepest layers out",
            minimum,
        )
    sizes = [last]
    while (longest := _smaller(max(sizes[0]), factor)) >= coarsest:
        smaller = fitted_size(*shape, longest)
        if min(smaller) < minimum:
            break
        sizes.insert(0, smaller)
    return sizes


def _smaller(longest: int, factor: float) -> int:
    """The nearest, halves down; always smaller, also by a factor near 1."""
    return min(math.ceil(longest / factor - 0.5), longest - 1)
