"""CLAHE: equalise tile by tile, but bound the slope, and blend the maps of neighbouring tiles.

Contrast-limited adaptive histogram equalisation: K. Zuiderveld, Graphics Gems IV (1994), 474-485, after Pizer et al.,
CVGIP 39 (1987). Clipping *counts* clips the slope of the map, because the map is their running sum.
"""

import math

import torch
from torch import Tensor

from nstkit.enhance.levels import LEVELS, count_levels, exact_float, from_levels, to_levels


def clahe(image: Tensor, clip_limit: float = 2.0, tiles: tuple[int, int] = (8, 8)) -> Tensor:
    """Equalise each channel locally, with limited contrast.

    Args:
        image: (B, C, H, W), uint8, or float in [0, 1], which is rounded to 256 levels. For a colour picture give
            the brightness alone.
        clip_limit: no level of a tile counts more than max(int(clip_limit · A / 256), 1) for A pixels in a tile, so a
            map is at most clip_limit times as steep as the identity; 0 or less: no limit.
        tiles: (rows, columns) of the grid; they must divide H and W.
    Returns:
        (B, C, H, W), same dtype. No gradient. Agrees with OpenCV's createCLAHE up to float32 rounding.
    Raises:
        ValueError: another shape or dtype, a clip_limit that is not finite, or tiles that do not divide the image.
    Source: Zuiderveld, Graphics Gems IV (1994), VIII.5.
    """
    if not math.isfinite(clip_limit):
        raise ValueError(f"clip_limit: expected a finite number, got {clip_limit}; 0 sets no limit")
    levels = to_levels(image)
    lut = _tile_maps(_cut(levels, tiles), clip_limit)  # (B, C, R, K, 256)
    top, down = _neighbours(image.shape[2], tiles[0], levels.device)
    left, right = _neighbours(image.shape[3], tiles[1], levels.device)
    wy, wx = top[1][:, None], left[1]
    upper = (1 - wx) * _look_up(lut, levels, top[0], left[0]) + wx * _look_up(lut, levels, top[0], right[0])
    lower = (1 - wx) * _look_up(lut, levels, down[0], left[0]) + wx * _look_up(lut, levels, down[0], right[0])
    blended = ((1 - wy) * upper + wy * lower).round().long().clamp(0, 255)
    return from_levels(blended, image)


def clipped_counts(counts: Tensor, limit: int) -> Tensor:
    """Clip counts at `limit` and hand the excess back: evenly, and what is left one each to bins 0, s, 2s, …

    Args:
        counts: (..., 256), int64.
    Returns:
        (..., 256) of the same sum; afterwards a bin may exceed the limit again, as in OpenCV.
    """
    excess = (counts - limit).clamp(min=0).sum(-1, keepdim=True)
    rest = excess % LEVELS
    step = (LEVELS // rest.clamp(min=1)).clamp(min=1)
    bins = torch.arange(LEVELS, device=counts.device)
    one_more = (bins % step == 0) & (bins // step < rest)
    return counts.clamp(max=limit) + excess // LEVELS + one_more.long()


def _cut(levels: Tensor, tiles: tuple[int, int]) -> Tensor:
    """(B, C, H, W) to the pixels of each tile, (B, C, rows, columns, A)."""
    rows, columns = tiles
    height, width = levels.shape[2:]
    if min(rows, columns) < 1 or height % rows or width % columns:
        raise ValueError(
            f"tiles: expected (rows, columns) that divide the image's {height} x {width}, got {rows} x {columns}; "
            "choose others, or crop or pad the image"
        )
    grid = levels.unflatten(2, (rows, -1)).unflatten(4, (columns, -1))  # (B, C, rows, th, columns, tw)
    return grid.transpose(3, 4).flatten(4)


def _tile_maps(pixels: Tensor, clip_limit: float) -> Tensor:
    area = pixels.shape[-1]
    counts = count_levels(pixels)
    if clip_limit > 0:
        counts = clipped_counts(counts, max(int(clip_limit * area / LEVELS), 1))
    return (counts.cumsum(-1).to(exact_float(pixels.device)) * 255 / area).round().clamp(0, 255)


def _neighbours(
    length: int, count: int, device: torch.device
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """For each pixel of an axis: the tile centre before and after it, clamped, each with its distance's weight."""
    place = torch.arange(length, device=device, dtype=exact_float(device)) / (length // count) - 0.5
    before = place.floor()
    weight = place - before
    first, second = (tile.long().clamp(0, count - 1) for tile in (before, before + 1))
    return (first, weight), (second, weight)


def _look_up(lut: Tensor, levels: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """What the map of tile (rows[y], columns[x]) makes of the level at (y, x)."""
    batch, channels, _, tiles, _ = lut.shape
    tile = rows[:, None] * tiles + columns  # (H, W)
    index = tile * LEVELS + levels  # (B, C, H, W)
    flat = lut.reshape(batch, channels, -1)
    return flat.gather(2, index.flatten(2)).view(levels.shape)
