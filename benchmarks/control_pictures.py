"""Make the picture of docs/engine.md's section "Control": what a content map, style masks and matched colours do.

python benchmarks/control_pictures.py [FILE]        # default docs/pictures/control.jpg; under a minute on one core
"""

import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nstkit.images import contact_sheet, photograph, save_image
from nstkit.paintings import paint
from nstkit.transfer import stylize

SIZE, SHORT = 192, 8


def disc(height: int, width: int, y: float, x: float, radius: float) -> Tensor:
    """White within, black without, soft between: (H, W); measures are shares of the height."""
    rows, columns = torch.arange(height)[:, None] / height - y, torch.arange(width) / height - x
    return ((radius - (rows.square() + columns.square()).sqrt()) / 0.1 + 0.5).clamp(0, 1)


def seen(mask: Tensor) -> Tensor:
    """A mask as a picture."""
    return mask.expand(1, 3, *mask.shape[-2:])


def rendered(content: Tensor, style: Tensor, *, steps: int = 30, **asked: Any) -> Tensor:
    started = time.perf_counter()
    image = stylize(content, style, encoder="tiny", size=SIZE, coarsest=SIZE // 2, steps=steps, **asked).image
    print(f"{', '.join(asked) or 'plain'}: {time.perf_counter() - started:.0f} s", flush=True)
    return image


def mapped() -> list[Tensor | None]:
    """The content counts for its face alone."""
    content, style = photograph("astronaut", size=SIZE), paint("mosaic", SIZE, round(1.25 * SIZE))
    face = disc(*content.shape[-2:], y=0.2, x=0.44, radius=0.22)
    plain = rendered(content, style, content_weight=3.0)
    return [
        content,
        style,
        plain,
        seen(face),
        rendered(content, style, content_weight=3.0, content_map=face[None]),
    ]


def masked() -> list[Tensor | None]:
    """One style picture that holds two; the left half is read."""
    content = photograph("coffee", size=SIZE)
    style = torch.cat([paint(name, SIZE, SIZE) for name in ("swirls", "woodcut")], 3)
    left = (torch.arange(2 * SIZE) < SIZE).float().expand(SIZE, 2 * SIZE)
    return [
        content,
        style,
        rendered(content, style),
        seen(left),
        rendered(content, style, style_masks=[left]),
    ]


def matched() -> list[Tensor | None]:
    """The style's colours from the start, in a short run."""
    content, style = photograph("chelsea", size=SIZE), paint("swirls", SIZE, round(1.25 * SIZE))
    plain = rendered(content, style, steps=SHORT)
    return [content, style, plain, None, rendered(content, style, steps=SHORT, match_color="histogram")]


def main(path: Path) -> None:
    sheet = contact_sheet(
        [mapped(), masked(), matched()], columns=["content", "style", "without", "mask", "with"],
        rows=["map", "style mask", "colours"], cell=118,
    )  # fmt: skip
    save_image(sheet, path, overwrite=True, quality=58)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures/control.jpg"))
