"""Reductions of style on NumPy arrays in float64: what the exercises of lesson 24 are compared with."""

import numpy as np
import torch
from torch import Tensor

from nstkit.transfer import channel_pca as _channel_pca
from nstkit.transfer import gram_to_vector as _gram_to_vector
from nstkit.transfer import style_pca as _style_pca
from nstkit.transfer import vector_to_gram as _vector_to_gram


def gram_to_vector(gram: np.ndarray) -> np.ndarray:
    """`nstkit.transfer.gram_to_vector` of an array (C, C)."""
    return _gram_to_vector(_tensor(gram, "gram", 2)).numpy()


def vector_to_gram(v: np.ndarray) -> np.ndarray:
    """`nstkit.transfer.vector_to_gram` of an array (C(C + 1)/2,)."""
    return _vector_to_gram(_tensor(v, "v", 1)).numpy()


def channel_pca(feat: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """`nstkit.transfer.channel_pca` of an array (C, N)."""
    return {name: value.numpy() for name, value in _channel_pca(_tensor(feat, "feat", 2), k).items()}


def style_pca(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """`nstkit.transfer.style_pca` of an array (N, D)."""
    axes, coords = _style_pca(_tensor(vectors, "vectors", 2), k)
    return axes.numpy(), coords.numpy()


def _tensor(array: np.ndarray, name: str, axes: int) -> Tensor:
    """A float64 copy: torch does not take views with negative strides."""
    if array.ndim != axes:
        raise ValueError(f"{name}: expected {axes} axes, got shape {array.shape}")
    return torch.from_numpy(np.array(array, dtype=np.float64))
