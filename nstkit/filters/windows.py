"""Windows without copies: shifted views, sums and extrema over them in log₂(width) steps, bands of rows.

A filter that visits (2r + 1)² neighbours loops over the offsets, never over pixels. It does so band by band, so that
what it works on stays in the processor's cache and 12 megapixels need no gigabytes.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

_BAND_BYTES = {"cpu": 1 << 19, "cuda": 256 << 20}


def in_bands(function: Callable[[Tensor], Tensor], padded: Tensor, margin: int) -> Tensor:
    """Apply a filter to bands of rows and put the results together.

    Args:
        function: from (B, C, h + 2·margin, W + 2·margin) to (B, C, h, W).
        padded: (B, C, H + 2·margin, W + 2·margin).
        margin: how many rows and columns around a pixel `function` looks at.

    Returns:
        (B, C, H, W). One band where a gradient is wanted: slices of a whole image have costly gradients.
    """
    height = padded.shape[-2] - 2 * margin
    if torch.is_grad_enabled() and padded.requires_grad:
        return function(padded)
    row = padded[..., 0, :].nbytes
    size = max(8, 4 * margin, _BAND_BYTES.get(padded.device.type, 1 << 19) // row)
    bands = [
        function(padded[..., top : min(top + size, height) + 2 * margin, :]) for top in range(0, height, size)
    ]
    return bands[0] if len(bands) == 1 else torch.cat(bands, -2)


def half_window(radius: int) -> Iterator[tuple[int, int]]:
    """The offsets (dy, dx) of a square window that come after its centre: of each pair ±t the one half."""
    for dy in range(radius + 1):
        for dx in range(-radius, radius + 1):
            if dy > 0 or dx > 0:
                yield dy, dx


def sliding_sum(image: Tensor, width: int, axis: int) -> Tensor:
    """Sums of `width` neighbours along an axis, which gets width - 1 shorter, by doubling: 1, 2, 4, … pixels."""
    length = image.shape[axis] - width + 1
    total, taken, power, size = None, 0, image, 1
    while size <= width:
        if width & size:
            piece = power.narrow(axis, taken, length)
            total = piece if total is None else total + piece
            taken += size
        if 2 * size <= width:
            count = power.shape[axis] - size
            power = power.narrow(axis, 0, count) + power.narrow(axis, size, count)
        size *= 2
    assert total is not None
    return total


def sliding_extreme(
    image: Tensor, width: int, axis: int, extreme: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """Extrema (torch.minimum or torch.maximum) of `width` neighbours along an axis, which gets width - 1 shorter."""
    size = 1
    while 2 * size <= width:
        count = image.shape[axis] - size
        image = extreme(image.narrow(axis, 0, count), image.narrow(axis, size, count))
        size *= 2
    if size < width:  # two overlapping windows cover the rest
        count = image.shape[axis] - (width - size)
        image = extreme(image.narrow(axis, 0, count), image.narrow(axis, width - size, count))
    return image
