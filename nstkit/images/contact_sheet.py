"""A labelled grid of pictures on one sheet, for demonstrations, reports and eyes.

A column is as wide as its widest picture and a row as high as its highest; within its cell a picture keeps its
aspect and is centred, so that a portrait stands well beside a landscape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from nstkit.images.contract import check_image
from nstkit.images.lettering import Label, font_for
from nstkit.images.resizing import fitted_size
from nstkit.images.writing import to_bytes

Tile = Image.Image | None


@dataclass(frozen=True)
class _Colours:
    paper: str
    title: str
    label: str
    hairline: str


_LIGHT = _Colours(paper="#ffffff", title="#1b1b1f", label="#55555c", hairline="#dededf")
_DARK = _Colours(paper="#17171a", title="#f4f4f4", label="#aeaeb6", hairline="#2e2e33")


@dataclass(frozen=True)
class _Layout:
    """Where everything stands on a sheet, in pixels."""

    xs: list[int]
    ys: list[int]
    widths: list[int]
    heights: list[int]
    gap: int
    title: Label
    rows: list[Label]
    columns: list[Label]

    @property
    def size(self) -> tuple[int, int]:
        return self.xs[-1] + self.widths[-1] + 2 * self.gap, self.ys[-1] + self.heights[-1] + 2 * self.gap


def contact_sheet(
    pictures: Sequence[Sequence[Tensor | None]],
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    title: str = "",
    cell: int = 320,
    gap: int | None = None,
    dark: bool = False,
) -> Tensor:
    """Lay pictures out in a grid with titles.

    Args:
        pictures: rows of images (1, 3, H, W) in [0, 1]; None, or a row that ends early, leaves cells empty.
        rows, columns: a title for each row and each column, or none; long ones are wrapped.
        title: a headline.
        cell: the long side of every picture on the sheet, in pixels.
        gap: pixels between pictures; None takes a twentieth of `cell`.
        dark: light letters on dark paper.

    Returns:
        (1, 3, H, W), float32, in [0, 1].

    Raises:
        ValueError: no picture, titles that are too few or too many, or a picture off the contract.
    """
    _check(pictures, rows, columns, cell)
    tiles = [[_tile(picture, cell) for picture in row] for row in pictures]
    layout = _laid_out(tiles, rows, columns, title, cell, max(2, cell // 20) if gap is None else gap)
    colours = _DARK if dark else _LIGHT
    sheet = Image.new("RGB", layout.size, colours.paper)
    canvas = ImageDraw.Draw(sheet)
    _letter(canvas, layout, colours)
    _place(sheet, canvas, tiles, layout, colours)
    return torch.from_numpy(np.array(sheet)).permute(2, 0, 1)[None].contiguous().float().div_(255)


def _check(
    pictures: Sequence[Sequence[Tensor | None]], rows: Sequence[str], columns: Sequence[str], cell: int
) -> None:
    if not any(len(row) for row in pictures):
        raise ValueError("pictures: expected rows of images, got none; give at least one picture")
    if cell < 16:
        raise ValueError(f"cell: expected at least 16 pixels, got {cell}")
    for name, titles, count in (("rows", rows, len(pictures)), ("columns", columns, max(map(len, pictures)))):
        if isinstance(titles, str) or (titles and len(titles) != count):
            raise ValueError(f"{name}: expected a sequence of {count} titles, one for each, got {titles!r}")
    for y, row in enumerate(pictures):
        for x, picture in enumerate(row):
            if picture is not None:
                _check_one(picture, f"pictures[{y}][{x}]")


def _check_one(picture: Tensor, name: str) -> None:
    check_image(picture, name)
    if picture.shape[0] != 1:
        raise ValueError(
            f"{name}: expected one image (1, 3, H, W), got {picture.shape[0]} of them; take one with [:1]"
        )


def _tile(picture: Tensor | None, cell: int) -> Tile:
    if picture is None:
        return None
    image = Image.fromarray(to_bytes(picture))
    height, width = fitted_size(image.height, image.width, cell)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _laid_out(
    tiles: list[list[Tile]], rows: Sequence[str], columns: Sequence[str], title: str, cell: int, gap: int
) -> _Layout:
    widths = [max((tile.width for tile in column if tile), default=cell) for column in zip_longest(*tiles)]
    heights = [max((tile.height for tile in row if tile), default=cell) for row in tiles]
    letters = "".join([title, *rows, *columns])
    small, large = font_for(letters, max(9, cell // 18)), font_for(letters, max(11, cell // 12))
    row_labels = [Label.fitted(text, small, 0.45 * cell) for text in rows]
    column_labels = [Label.fitted(text, small, width) for text, width in zip(columns, widths, strict=False)]
    left = 2 * gap + _band([label.width for label in row_labels], gap)
    headline = Label.fitted(title, large, left - 2 * gap + sum(widths) + gap * (len(widths) - 1))
    top = 2 * gap + _band([headline.height], gap) + _band([label.height for label in column_labels], gap // 2)
    xs, ys = _starts(left, widths, gap), _starts(top, heights, gap)
    return _Layout(xs, ys, widths, heights, gap, headline, row_labels, column_labels)


def _band(extents: list[int], gap: int) -> int:
    """Room for the largest of some labels and the gap behind it; none where there is no label."""
    return max(extents) + gap if any(extents) else 0


def _starts(first: int, extents: list[int], gap: int) -> list[int]:
    return [first + sum(extents[:k]) + gap * k for k in range(len(extents))]


def _letter(canvas: ImageDraw.ImageDraw, layout: _Layout, colours: _Colours) -> None:
    margin, gap = 2 * layout.gap, layout.gap
    layout.title.draw(canvas, margin, margin, "l", colours.title)
    for label, x, width in zip(layout.columns, layout.xs, layout.widths, strict=False):
        label.draw(canvas, x + width / 2, layout.ys[0] - gap // 2 - label.height, "m", colours.label)
    for label, y, height in zip(layout.rows, layout.ys, layout.heights, strict=False):
        label.draw(canvas, layout.xs[0] - gap, y + (height - label.height) / 2, "r", colours.label)


def _place(
    sheet: Image.Image,
    canvas: ImageDraw.ImageDraw,
    tiles: list[list[Tile]],
    layout: _Layout,
    colours: _Colours,
) -> None:
    for y, height, row in zip(layout.ys, layout.heights, tiles, strict=True):
        for x, width, tile in zip(layout.xs, layout.widths, row, strict=False):
            if tile is not None:
                left, top = x + (width - tile.width) // 2, y + (height - tile.height) // 2
                canvas.rectangle(
                    (left - 1, top - 1, left + tile.width, top + tile.height), outline=colours.hairline
                )
                sheet.paste(tile, (left, top))
