"""Optimal transport on a line between values that count to different degrees: by quantiles.

In one dimension the optimal plan moves each quantile to the same quantile. That of a value is the middle of its share
of the whole: (i + ½)/N for the i-th of N that are equal, so that equal weights are those of `sliced_wasserstein_loss`.
"""

import torch
from torch import Tensor


def quantiles(values: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Sorted values and the quantile of each.

    Args:
        values: (..., N).
        weights: (N,), above 0, of any sum; None where all are equal.
    Returns:
        Both (..., N); quantiles in (0, 1), constant in `values`.
    """
    ranked, order = values.sort(dim=-1)
    return ranked, _middles(_masses(weights, ranked)[order])


def weighted_gap(values: Tensor, weights: Tensor | None, wanted: tuple[Tensor, Tensor]) -> Tensor:
    """The mean over rows of Σ w (v − Q(q))² / Σ w, q the quantile of v and Q the wanted values at a quantile.

    Q is linear between neighbours and constant beyond the ends.

    Args:
        values: (B, K, N).
        weights: (N,), above 0; None where all are equal.
        wanted: what `quantiles` gives for (B or 1, K, M).
    Returns:
        (B,), differentiable in `values`; the pairing and the wanted values are constants.
    """
    ranked, order = values.sort(dim=2)
    mass = _masses(weights, ranked)[order]
    target = _at(wanted[0], wanted[1], _middles(mass))
    return (mass * (ranked - target).square()).sum(2).mean(1)


def _masses(weights: Tensor | None, like: Tensor) -> Tensor:
    count = like.shape[-1]
    return like.new_full((count,), 1 / count) if weights is None else (weights / weights.sum()).to(like)


def _middles(mass: Tensor) -> Tensor:
    return mass.cumsum(-1) - mass / 2


def _at(ranked: Tensor, places: Tensor, wanted: Tensor) -> Tensor:
    """Values (B, K, M) at increasing places (B, K, M), read at (B', K, N) by linear interpolation."""
    ranked, places = (side.expand(len(wanted), -1, -1).contiguous() for side in (ranked, places))
    last = ranked.shape[2] - 1
    upper = torch.searchsorted(places, wanted).clamp(min=1).clamp(max=last)
    lower = (upper - 1).clamp(min=0)
    left, right = places.gather(2, lower), places.gather(2, upper)
    share = ((wanted - left) / (right - left).clamp(min=torch.finfo(places.dtype).tiny)).clamp(0, 1)
    return torch.lerp(ranked.gather(2, lower), ranked.gather(2, upper), share)
