"""The measures of this room on NumPy arrays in float64: what the exercises of lesson 20 are compared with."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nstkit.domain import frechet, gaussian_mmd, permutation_test, proxy_distance


def mmd2(x: np.ndarray, y: np.ndarray, bandwidths: Sequence[float], unbiased: bool = False) -> float:
    """`nstkit.domain.mmd2` of arrays (m, d) and (n, d)."""
    return gaussian_mmd.mmd2(_tensor(x), _tensor(y), bandwidths, unbiased).item()


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """`nstkit.domain.frechet_distance` of arrays (m, d) and (n, d)."""
    return frechet.frechet_distance(_tensor(x), _tensor(y)).item()


def mmd_permutation_pvalue(kernel: np.ndarray, m: int, perms: np.ndarray) -> float:
    """`nstkit.domain.mmd_permutation_pvalue` of arrays (N, N) and (B, N)."""
    return permutation_test.mmd_permutation_pvalue(
        _tensor(kernel), m, torch.from_numpy(perms.astype(np.int64))
    )


def proxy_a_distance(
    src_train: np.ndarray,
    tgt_train: np.ndarray,
    src_test: np.ndarray,
    tgt_test: np.ndarray,
    ridge: float = 1e-3,
) -> float:
    """`nstkit.domain.proxy_a_distance` of four arrays (n_i, d)."""
    train = _tensor(src_train), _tensor(tgt_train)
    return proxy_distance.proxy_a_distance(*train, _tensor(src_test), _tensor(tgt_test), ridge)


def _tensor(array: np.ndarray) -> Tensor:
    """A float64 copy: torch does not take views with negative strides."""
    return torch.from_numpy(np.array(array, dtype=np.float64))
