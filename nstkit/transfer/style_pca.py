"""PCA of a few styles, each a long vector: a collection of paintings as points in a plane.

With N styles of D numbers, N ≪ D, the D x D covariance has at most N − 1 directions and is never formed
(Sirovich, Quarterly of Applied Mathematics 45 (1987), the method of snapshots). Wynen, Schmid & Mairal, NeurIPS
2018, arXiv:1805.11155, reduce Gram statistics of artworks so before they look for archetypes.
"""

import torch
from torch import Tensor


def style_pca(vectors: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k axes along which the styles differ most, and the styles' coordinates.

    By a thin SVD of the centred (N, D) matrix: as cheap as the snapshot method and stable where styles repeat.

    Args:
        vectors: (N, D), a style in each row, as from `gram_to_vector`; N ≥ 2.
        k: 1 … N − 1; centring leaves no more directions.

    Returns:
        axes: (k, D), orthonormal rows by falling variance; their signs are arbitrary.
        coords: (N, k), the centred styles' coordinates along them.

    Raises:
        ValueError: Not (N, D), fewer than 2 styles, or `k` out of range.
    """
    if vectors.ndim != 2 or len(vectors) < 2 or not vectors.shape[1]:
        raise ValueError(f"vectors: expected (N, D) with at least 2 styles, got {tuple(vectors.shape)}")
    most = min(len(vectors) - 1, vectors.shape[1])
    if not 1 <= k <= most:
        raise ValueError(f"k: expected 1 to {most} for {len(vectors)} styles, got {k}; centring removes one")
    left, lengths, right = torch.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    return right[:k], left[:, :k] * lengths[:k]
