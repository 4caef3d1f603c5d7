"""Photographs to try things on: those that ship inside the matplotlib and scikit-image wheels.

They are read from the installed packages' folders; neither package is imported.
"""

import difflib
import importlib.util
from pathlib import Path

from torch import Tensor

from nstkit.images.reading import load_image

_HOMES = {
    "grace_hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "astronaut": ("skimage", "data/astronaut.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "brick": ("skimage", "data/brick.png"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "camera": ("skimage", "data/camera.png"),
    "coins": ("skimage", "data/coins.png"),
    "moon": ("skimage", "data/moon.png"),
}
_DISTRIBUTIONS = {"skimage": "scikit-image", "matplotlib": "matplotlib"}


def photograph_names() -> tuple[str, ...]:
    """The names of the photographs that are at hand on this machine."""
    return tuple(name for name in _HOMES if _path(name) is not None)


def photograph_path(name: str) -> Path:
    """Where a photograph lies.

    Raises:
        ValueError: no photograph of that name, or its package is not installed.
    """
    if name not in _HOMES:
        near = difflib.get_close_matches(name, _HOMES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"name: expected one of {', '.join(_HOMES)}, got {name!r}{hint}")
    path = _path(name)
    if path is None:
        package = _DISTRIBUTIONS[_HOMES[name][0]]
        raise ValueError(f"name: {name} ships with {package}, which is not installed; pip install {package}")
    return path


def photograph(name: str, *, size: int | None = None) -> Tensor:
    """A photograph by name, (1, 3, H, W) float32 in [0, 1].

    Args:
        name: one of `photograph_names()`.
        size: long side in pixels; None keeps the file's own.
    """
    return load_image(photograph_path(name), size=size)


def _path(name: str) -> Path | None:
    package, inner = _HOMES[name]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / inner
    return path if path.exists() else None
