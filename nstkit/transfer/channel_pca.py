"""PCA of the channels of a feature map: the few mixtures of channels that carry most of a style.

Positions are the samples, channels the variables. What shrinks is C, never H x W.
"""

import torch
from torch import Tensor

from nstkit.domain.feature_sets import mean_and_covariance


def channel_pca(feat: Tensor, k: int) -> dict[str, Tensor]:
    """The k directions in channel space along which the features vary most.

    Args:
        feat: (…, C, N), columns are positions: `features.flatten(2)`; N ≥ 2.
        k: 1 … C.

    Returns:
        mean: (…, C), over positions.
        components: (…, k, C), orthonormal rows by falling variance; their signs are arbitrary.
        scores: (…, k, N), coordinates of the centred features.
        ratio: (…, k), each component's share of the total variance, divisor N − 1; 0 for constant features.
        reconstruction: (…, C, N), mean + componentsᵀ scores.

    Raises:
        ValueError: Not (…, C, N), fewer than 2 positions, or `k` out of range.
    """
    _check(feat, k)
    mean, covariance = mean_and_covariance(feat.mT)  # (…, 1, C), (…, C, C)
    values, vectors = torch.linalg.eigh(covariance)  # ascending
    components = vectors[..., -k:].flip(-1).mT  # (…, k, C)
    scores = components @ (feat - mean.mT)  # (…, k, N)
    return {
        "mean": mean.squeeze(-2),
        "components": components,
        "scores": scores,
        "ratio": _ratio(values, feat, k),
        "reconstruction": mean.mT + components.mT @ scores,
    }


def _ratio(values: Tensor, feat: Tensor, k: int) -> Tensor:
    """Shares of the total variance; 0 where it is no more than the rounding of the mean."""
    total = values.clamp(min=0).sum(-1, keepdim=True)
    rounding = 8 * torch.finfo(feat.dtype).eps * feat.detach().abs().amax((-2, -1))[..., None]
    constant = total <= feat.shape[-2] * rounding**2
    largest = values.clamp(min=0)[..., -k:].flip(-1)
    return torch.where(constant, 0, largest / torch.where(constant, 1, total))


def _check(feat: Tensor, k: int) -> None:
    if feat.ndim < 2 or feat.shape[-1] < 2 or feat.shape[-2] < 1:
        raise ValueError(f"feat: expected (…, C, N), at least 2 positions, got {tuple(feat.shape)}")
    if not 1 <= k <= feat.shape[-2]:
        raise ValueError(f"k: expected 1 to C = {feat.shape[-2]}, got {k}")
