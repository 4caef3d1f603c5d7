"""The gallery: paintings by name."""

import difflib
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from nstkit.paintings.drawing import Canvas, Color
from nstkit.paintings.ink_wash import ink_wash
from nstkit.paintings.mosaic import mosaic
from nstkit.paintings.pointillism import pointillism
from nstkit.paintings.stained_glass import stained_glass
from nstkit.paintings.swirls import swirls
from nstkit.paintings.woodcut import woodcut

# Painter, ground, and how many times larger it is drawn: hard edges are smoothed by shrinking.
_PAINTERS: dict[str, tuple[Callable[[Canvas], np.ndarray], Color, int]] = {
    "swirls": (swirls, (0.06, 0.13, 0.33), 1),
    "stained_glass": (stained_glass, (0.0, 0.0, 0.0), 1),
    "woodcut": (woodcut, (0.9, 0.85, 0.75), 2),
    "pointillism": (pointillism, (0.93, 0.9, 0.82), 2),
    "ink_wash": (ink_wash, (0.94, 0.91, 0.84), 2),
    "mosaic": (mosaic, (0.30, 0.28, 0.26), 2),
}
SMALLEST = 32


def painting_names() -> tuple[str, ...]:
    """The names that `paint` knows."""
    return tuple(_PAINTERS)


def paint(name: str, height: int = 512, width: int = 640, seed: int = 0) -> Tensor:
    """Draw a painting.

    Args:
        name: one of `painting_names()`.
        height, width: in pixels, at least 32; strokes scale with the shorter of the two.
        seed: another seed gives another painting of the kind; the same seed gives the same bits.
    Returns:
        (1, 3, H, W) float32, sRGB, in [0, 1].
    Raises:
        ValueError: no painting of that name, or a size below 32.
    """
    if name not in _PAINTERS:
        near = difflib.get_close_matches(name, _PAINTERS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"name: expected one of {', '.join(_PAINTERS)}, got {name!r}{hint}")
    if min(height, width) < SMALLEST:
        raise ValueError(f"height, width: expected at least {SMALLEST} pixels, got {height} x {width}")
    painter, ground, times = _PAINTERS[name]
    pixels = painter(Canvas(times * height, times * width, seed, ground))
    small = pixels.reshape(height, times, width, times, 3).mean((1, 3))
    return torch.from_numpy(np.ascontiguousarray(small.transpose(2, 0, 1), dtype=np.float32))[None].clamp(
        0, 1
    )
