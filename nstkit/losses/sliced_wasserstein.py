"""Sliced Wasserstein loss: project features on directions, sort, compare the sorted lists.

In one dimension the optimal transport between two point sets pairs them in order. Over enough directions equal sorted
projections mean equal distributions, where a Gram matrix fixes second moments only.

Heitz, Vanhoey, Chambon & Belcour, "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021,
arXiv:2006.07229.
"""

import torch
from torch import Tensor

from nstkit.losses.features import check_features


def sliced_wasserstein_loss(x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
    """The mean over images, directions and ranks of (sorted projection of x − sorted projection of y)².

    Args:
        x: (B, C, H, W).
        y: (B, C, H', W'). A constant: no gradient reaches it. If it has another number of positions, its sorted values
            are interpolated at x's quantiles (i + ½)/N.
        directions: (K, C), normalised to length 1 here; draw new ones for every call.

    Returns:
        0-d, differentiable in x (where projections are distinct).

    Raises:
        ValueError: not 4-D, B or C differ, `directions` is not (K, C) with K ≥ 1, or one of them is 0.

    Source: Heitz et al., CVPR 2021, Section 3.
    """
    _check(x, y, directions)
    units = directions / torch.linalg.vector_norm(directions, dim=1, keepdim=True)  # (K, C)
    return sliced_gap(sorted_projections(x, units), sorted_projections(y.detach(), units)).mean()


def sliced_gap(ranked: Tensor, target: Tensor) -> Tensor:
    """The mean over directions and ranks for each image: sorted projections (B, K, N) and (B, K, M) to (B,)."""
    return (ranked - resampled(target, ranked.shape[2])).square().mean((1, 2))


def sorted_projections(features: Tensor, units: Tensor) -> Tensor:
    """Positions along each of the unit directions (K, C), in order: (B, C, H, W) to (B, K, H·W)."""
    return (units @ features.flatten(2)).sort(dim=2).values


def resampled(ranked: Tensor, count: int) -> Tensor:
    """Sorted values (B, K, M) at `count` quantiles, linear between neighbours and constant beyond the ends."""
    size = ranked.shape[2]
    if count == size:
        return ranked
    # The place (i + ½)/N·M − ½ in units of 1/(2N): whole numbers, exact on any device
    places = (2 * torch.arange(count, device=ranked.device) + 1) * size - count
    places = places.clamp(0, (size - 1) * 2 * count)
    lower = places.div(2 * count, rounding_mode="floor").clamp(max=max(size - 2, 0))
    share = (places - lower * 2 * count).to(ranked.dtype) / (2 * count)
    return torch.lerp(ranked[..., lower], ranked[..., (lower + 1).clamp(max=size - 1)], share)


def _check(x: Tensor, y: Tensor, directions: Tensor) -> None:
    check_features(x, "x")
    check_features(y, "y")
    if x.shape[:2] != y.shape[:2]:
        raise ValueError(f"y: expected (B, C) = {tuple(x.shape[:2])} as in x, got {tuple(y.shape[:2])}")
    if directions.ndim != 2 or not len(directions) or directions.shape[1] != x.shape[1]:
        raise ValueError(
            f"directions: expected (K, {x.shape[1]}), K at least 1, got {tuple(directions.shape)}"
        )
    if not directions.any(dim=1).all():
        raise ValueError("directions: expected no zero row, since it has no direction; draw it from a normal")
