"""A labelled grid of pictures, for demos, reports and eyes."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from nstkit.images.resizing import fitted_size
from nstkit.images.writing import to_bytes

_PAPER, _INK, _FAINT = (250, 249, 246), (38, 38, 42), (120, 120, 126)


def contact_sheet(
    pictures: Sequence[Sequence[Tensor | None]],
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    title: str = "",
    cell: int = 320,
    gap: int = 14,
) -> Tensor:
    """Lay pictures out in a grid with titles.

    Args:
        pictures: rows of images (1, 3, H, W) in [0, 1]; None leaves a cell empty.
        rows, columns: titles, one per row and column, or none.
        title: a headline above the grid.
        cell: long side of the largest picture in pixels; all keep their aspect, centred in their cell.
        gap: pixels between cells.
    Returns:
        (1, 3, H, W) float32 in [0, 1].
    """
    tiles = [[_tile(picture, cell) for picture in row] for row in pictures]
    widths = [max((t.width for t in column if t), default=cell) for column in _columns(tiles)]
    heights = [max((t.height for t in row if t), default=cell) for row in tiles]
    font, small = ImageFont.load_default(max(11, cell // 18)), ImageFont.load_default(max(10, cell // 22))
    left = gap + (int(max(small.getlength(name) for name in rows)) + gap if any(rows) else 0)
    top = gap + (2 * font.size + gap if title else 0) + (small.size + gap if any(columns) else 0)  # type: ignore[union-attr]
    sheet = Image.new(
        "RGB", (left + sum(widths) + gap * len(widths), int(top + sum(heights) + gap * len(heights))), _PAPER
    )
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((left, gap), title, _INK, font=font)
    xs = [left + sum(widths[:k]) + gap * k for k in range(len(widths))]
    ys = [int(top) + sum(heights[:k]) + gap * k for k in range(len(heights))]
    for x, width, name in zip(xs, widths, columns, strict=False):
        draw.text((x + width / 2, top - gap / 2), name, _FAINT, font=small, anchor="mb")
    for y, height, name in zip(ys, heights, rows, strict=False):
        draw.text((left - gap, y + height / 2), name, _FAINT, font=small, anchor="rm")
    for y, height, row in zip(ys, heights, tiles, strict=True):
        for x, width, tile in zip(xs, widths, row, strict=False):
            if tile:
                sheet.paste(tile, (x + (width - tile.width) // 2, y + (height - tile.height) // 2))
    return torch.from_numpy(np.asarray(sheet, dtype=np.float32) / 255).permute(2, 0, 1)[None].contiguous()


def _tile(picture: Tensor | None, cell: int) -> Image.Image | None:
    if picture is None:
        return None
    image = Image.fromarray(to_bytes(picture))
    height, width = fitted_size(image.height, image.width, cell)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _columns(tiles: list[list[Image.Image | None]]) -> list[list[Image.Image | None]]:
    count = max(len(row) for row in tiles)
    return [[row[k] for row in tiles if k < len(row)] for k in range(count)]
