"""Pictures as users name them: a file, or a photograph or painting that comes with nstkit. A file wins."""

import difflib
from pathlib import Path

from torch import Tensor

from nstkit.images import ImageError, load_image, photograph_names, photograph_path
from nstkit.images.opening import opened
from nstkit.paintings import paint, painting_names

SMALLEST = 16
"""Pixels on the short side below which a file is no picture to work with."""


def picture(name: str, size: int, *, enlarge: bool = False) -> Tensor:
    """A picture by file name, or by the name of a photograph or painting.

    Args:
        size: long side in pixels to shrink a photograph to, or to draw a painting at (at least 64).
        enlarge: also enlarge a smaller photograph.
    Returns:
        (1, 3, H, W), float32, in [0, 1].
    Raises:
        ValueError: no such file and no such name, a damaged file, or fewer than SMALLEST pixels on a side.
    """
    if not Path(name).exists() and name in painting_names():
        width = max(64, size)
        return paint(name, height=round(0.8 * width), width=width)
    path = _path(name)
    own = _long_side(path)
    return load_image(path, size=size if enlarge else min(size, own))


def _path(name: str) -> Path:
    path = Path(name)
    if path.exists() or path.suffix or path.parent != Path():
        return path  # a missing file is load_image's to complain about
    if name in photograph_names():
        return photograph_path(name)
    known = (*photograph_names(), *painting_names())
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
    raise ValueError(f"{name}: no such file, and no photograph or painting of that name; {hint}")


def _long_side(path: Path) -> int:
    """From the header alone."""
    with opened(path) as header:
        if min(header.size) < SMALLEST:
            width, height = header.size
            raise ImageError(f"{width} x {height} pixels; a picture needs at least {SMALLEST} on each side")
        return max(header.size)
