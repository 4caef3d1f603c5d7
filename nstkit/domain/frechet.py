"""The Fréchet distance between two sets of features, each taken for a Gaussian.

Dowson & Landau, Journal of Multivariate Analysis 12 (1982), for the formula; on Inception features it is FID:
Heusel et al., NeurIPS 2017, arXiv:1706.08500, Eq. 6.
"""

import torch
from torch import Tensor

from nstkit.domain.feature_sets import check_feature_sets, mean_and_covariance
from nstkit.domain.matrix_root import symmetric_root


def frechet_distance(x: Tensor, y: Tensor) -> Tensor:
    """Squared distance ‖μ_x − μ_y‖² + tr C_x + tr C_y − 2 tr (C_x C_y)^(1/2), with unbiased covariances.

    For any A, B with AᵀA = C_x and BᵀB = C_y the last trace is the sum of the singular values of A Bᵀ, which
    neither squares nor needs an inverse, and holds for singular covariances.

    Args:
        x: (m, d), samples in rows, m ≥ 2; m < d is fine.
        y: (n, d), n ≥ 2, dtype and device of `x`.

    Returns:
        0-d, ≥ 0 up to rounding (in float32 about 1e-6 of the traces); differentiable in both.

    Raises:
        ValueError: d differs, or a set has fewer than 2 samples.

    Source: Heusel et al. 2017, Eq. 6.
    """
    check_feature_sets(x, y, least=2)
    means = (x.mean(0) - y.mean(0)).square().sum()
    a, b = _factor(x), _factor(y)
    cross = torch.linalg.svdvals(a @ b.mT).sum()
    return means + a.square().sum() + b.square().sum() - 2 * cross


def _factor(rows: Tensor) -> Tensor:
    """A with AᵀA the covariance: the centred samples themselves, or where they are many its root, (d, d)."""
    if len(rows) <= rows.shape[1]:
        return (rows - rows.mean(0)) / (len(rows) - 1) ** 0.5
    return symmetric_root(mean_and_covariance(rows)[1])
