"""Maximum mean discrepancy with Gaussian kernels: zero, in the limit of many samples, only for equal distributions.

Gretton, Borgwardt, Rasch, Schölkopf & Smola, "A Kernel Two-Sample Test", JMLR 13 (2012). The quadratic kernel,
which makes the same quantity a Gram loss, is in `nstkit.domain.mmd`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.domain.feature_sets import check_feature_sets


def mmd2(x: Tensor, y: Tensor, bandwidths: Sequence[float], unbiased: bool = False) -> Tensor:
    """Squared MMD: mean k(x, x′) + mean k(y, y′) − 2 mean k(x, y).

    k(a, b) is the mean over s of exp(−‖a − b‖² / (2 s²)).

    Args:
        x: (m, d), samples in rows.
        y: (n, d), dtype and device of `x`; n may differ from m.
        bandwidths: The s, positive, in the units of the features.
        unbiased: Leave the pairs of a sample with itself out of the first two means, whose divisors become
            m(m − 1) and n(n − 1); the result may be negative.

    Returns:
        0-d, differentiable in both.

    Raises:
        ValueError: d differs, no or a non-positive bandwidth, an empty set, or one sample where `unbiased`.

    Source: Gretton et al. 2012, Lemma 6.
    """
    check_feature_sets(x, y, least=2 if unbiased else 1)
    within = _mean_within if unbiased else torch.mean
    x_x, y_y = gaussian_kernel(x, x, bandwidths), gaussian_kernel(y, y, bandwidths)
    return within(x_x) + within(y_y) - 2 * gaussian_kernel(x, y, bandwidths).mean()


def gaussian_kernel(x: Tensor, y: Tensor, bandwidths: Sequence[float]) -> Tensor:
    """The mean over s of exp(−‖x_i − y_j‖² / (2 s²)), (m, n), for x (m, d) and y (n, d)."""
    check_feature_sets(x, y)
    if len(bandwidths) == 0 or not all(s > 0 for s in bandwidths):
        raise ValueError(f"bandwidths: expected one or more positive numbers, got {list(bandwidths)}")
    squares = _squared_distances(x, y)
    return torch.stack([torch.exp(-squares / (2 * s**2)) for s in bandwidths]).mean(0)


def median_distance(x: Tensor, y: Tensor) -> float:
    """The median distance between any two samples of both sets: a bandwidth that suits their scale."""
    check_feature_sets(x, y)
    return torch.pdist(torch.cat([x, y]).detach()).median().item()


def _mean_within(kernel: Tensor) -> Tensor:
    """The mean over pairs of different samples."""
    n = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (n * (n - 1))


def _squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """(m, n). Centred first: far from the origin ‖a‖² + ‖b‖² − 2 aᵀb would cancel to noise."""
    center = torch.cat([x, y]).mean(0).detach()
    x, y = x - center, y - center
    squares = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.mT
    return squares.clamp(min=0)
