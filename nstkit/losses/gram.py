"""The Gram matrix: which channels are active together, wherever in the image that happens.

Gatys, Ecker & Bethge, CVPR 2016, Eq. 3 (no division); Johnson, Alahi & Fei-Fei, ECCV 2016, Eq. 3 (by C·H·W).
"""

from typing import Any

import torch
from torch import Tensor

from nstkit.losses.features import check_features

_DIVISORS = {
    "chw": lambda channels, positions: channels * positions,
    "hw": lambda channels, positions: positions,
    "none": lambda channels, positions: 1,
}


def gram_matrix(features: Tensor, normalize: str = "chw") -> Tensor:
    """Uncentred second moments of the channels over all positions: G = F Fᵀ / Z, F of shape (C, H·W).

    Args:
        features: (B, C, H, W), any floating dtype, contiguous or not.
        normalize: Z is C·H·W for "chw" (Johnson), H·W for "hw", 1 for "none" (Gatys).

    Returns:
        (B, C, C), dtype and device of `features`; symmetric, positive semidefinite, differentiable.

    Raises:
        ValueError: `features` is not (B, C, H, W), or `normalize` is another name.

    Source: Gatys et al., CVPR 2016, Eq. 3; Johnson et al., ECCV 2016, Eq. 3.
    """
    check_features(features, "features")
    if normalize not in _DIVISORS:
        raise ValueError(f"normalize: expected one of {', '.join(map(repr, _DIVISORS))}, got {normalize!r}")
    flat = features.flatten(2)  # (B, C, N)
    return second_moments(flat, 1 / _DIVISORS[normalize](*flat.shape[1:]))


def second_moments(flat: Tensor, factor: float) -> Tensor:
    """factor · F Fᵀ, (B, C, C), of features (B, C, N) in any number of positions, also none."""
    moments: Tensor = _SecondMoments.apply(flat, factor)
    return moments


class _SecondMoments(torch.autograd.Function):
    """α F Fᵀ, whose gradient α (D + Dᵀ) F is one product; autograd would multiply D and Dᵀ by F one after the other."""

    generate_vmap_rule = True

    @staticmethod
    def forward(flat: Tensor, factor: float) -> Tensor:
        # The factor goes into the product: float16 would overflow before a division. beta=0 leaves `unread` unread.
        return torch.baddbmm(flat.new_empty(()), flat, flat.mT, beta=0, alpha=factor)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        flat, ctx.factor = inputs
        ctx.save_for_backward(flat)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (flat,) = ctx.saved_tensors
        return torch.bmm(ctx.factor * (gradient + gradient.mT), flat), None
