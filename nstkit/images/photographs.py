"""Photographs to try things on: those that lie inside the matplotlib and scikit-image wheels.

They are read from the folders of the installed packages; neither package is imported.
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
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "hubble": ("skimage", "data/hubble_deep_field.jpg"),
    "retina": ("skimage", "data/retina.jpg"),
    "camera": ("skimage", "data/camera.png"),
    "moon": ("skimage", "data/moon.png"),
    "coins": ("skimage", "data/coins.png"),
    "brick": ("skimage", "data/brick.png"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
}
_DISTRIBUTIONS = {"matplotlib": "matplotlib", "skimage": "scikit-image"}


def photograph(name: str, *, size: int | None = None) -> Tensor:
    """A photograph by its name.

    Args:
        name: one of `photograph_names()`.
        size: the long side in pixels; None keeps the file's own.

    Returns:
        (1, 3, H, W), float32, sRGB, in [0, 1]; gray ones have three equal channels.

    Raises:
        ValueError: no photograph has that name, or the package that holds it is not installed.
    """
    return load_image(photograph_path(name), size=size)


def photograph_names() -> tuple[str, ...]:
    """The photographs that are at hand on this machine."""
    return tuple(name for name, home in _HOMES.items() if installed_file(*home) is not None)


def photograph_path(name: str) -> Path:
    """Where a photograph lies; raises as `photograph` does."""
    if name not in _HOMES:
        near = difflib.get_close_matches(name, _HOMES, n=1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"name: expected one of {', '.join(_HOMES)}, got {name!r}{suggestion}")
    package, inner = _HOMES[name]
    path = installed_file(package, inner)
    if path is None:
        wheel = _DISTRIBUTIONS[package]
        raise ValueError(f"name: {name} lies inside {wheel}, which is not installed; pip install {wheel}")
    return path


def installed_file(package: str, inner: str) -> Path | None:
    """The path of a file inside an installed package, which is not imported; None where either is missing."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / inner
    return path if path.is_file() else None
