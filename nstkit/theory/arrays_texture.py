"""Texture measures on NumPy arrays: the library's own functions, float64, for a single picture."""

import numpy as np
import torch

from nstkit.filters import spectrum_projection as project
from nstkit.images import glcm_features as co_occurrence


def spectrum_projection(image: np.ndarray, exemplar: np.ndarray) -> np.ndarray:
    """`nstkit.filters.spectrum_projection` for arrays (H, W, 3); float64 (H, W, 3).

    Raises:
        ValueError: the shapes differ.
    """
    result = project(_batch(image), _batch(exemplar))
    return np.ascontiguousarray(result[0].movedim(0, -1).numpy())


def glcm_features(q: np.ndarray, dy: int, dx: int, levels: int) -> dict[str, np.ndarray | float]:
    """`nstkit.images.glcm_features` for an integer array (H, W): "matrix" (levels, levels), the rest floats.

    Raises:
        ValueError: a value out of range, or an offset without overlap.
    """
    found = co_occurrence(torch.from_numpy(np.ascontiguousarray(q))[None], dy, dx, levels)
    matrix = found.pop("matrix")[0].numpy()
    return {"matrix": matrix, **{name: float(value) for name, value in found.items()}}


def _batch(picture: np.ndarray) -> torch.Tensor:
    """(H, W, C) to (1, C, H, W) float64."""
    return torch.from_numpy(np.ascontiguousarray(picture, dtype=np.float64)).movedim(-1, 0)[None]
