"""The Gram matrix: which channels are active together, wherever in the image that happens.

Gatys, Ecker & Bethge, CVPR 2016, Eq. 3 (no division); Johnson, Alahi & Fei-Fei, ECCV 2016, Eq. 3 (by C·H·W).
"""

from collections.abc import Iterator
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


def moments_around(
    features: Tensor, center: Tensor | None, factor: float, *, mean: bool = False
) -> tuple[Tensor, Tensor]:
    """factor · Σ (F − c) and factor · Σ (F − c)(F − c)ᵀ over all positions, in less memory and time than by hand.

    Features in half precision are read as they are, and their gradient is computed in their own precision; moments
    and their gradient are float32. No copy of the features is kept for the backward pass.

    Args:
        features: (B, C, H, W), contiguous or channels_last.
        center: (1, C, 1, 1) or (B, C, 1, 1), which gets no gradient, or None for zeros.
        factor: for example 1 / (H·W).
        mean: whether the first moments are wanted; without, they are zeros.
    Returns:
        (B, C) and (B, C, C), float32, or float64 for features in float64.
    """
    first, second = _MomentsAround.apply(features, center, factor, mean)
    return first, second


_CACHED = 2**20
"""Float32 values that a processor's cache holds."""


class _MomentsAround(torch.autograd.Function):
    """Both moments block by block. Their gradient, α m + α (D + Dᵀ)(F − c), is one product in the features' layout."""

    generate_vmap_rule = True

    @staticmethod
    def forward(features: Tensor, center: Tensor | None, factor: float, mean: bool) -> tuple[Tensor, Tensor]:
        wide, (batch, channels) = torch.promote_types(features.dtype, torch.float32), features.shape[:2]
        first = features.new_zeros((batch, channels), dtype=wide)
        second = features.new_zeros((batch, channels, channels), dtype=wide)
        for block in _blocks(features, center):
            shifted = block.to(wide)
            second = torch.baddbmm(second, shifted, shifted.mT, alpha=factor)
            if mean:
                first = first.add(shifted.sum(2), alpha=factor)
        return first, second

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, Tensor | None, float, bool], output: tuple[Tensor, Tensor]
    ) -> None:
        features, center, ctx.factor, ctx.mean = inputs
        ctx.save_for_backward(features, center)

    @staticmethod
    def backward(ctx: Any, of_first: Tensor, of_second: Tensor) -> tuple[Tensor, None, None, None]:
        features, center = ctx.saved_tensors
        own = features.dtype
        slope = (ctx.factor * (of_second + of_second.mT)).to(own)
        offset = (ctx.factor * of_first).to(own)[:, None] if ctx.mean else None  # (B, 1, C)
        blocks = (block.to(own) for block in _blocks(features, center))
        if features.is_contiguous():
            product = torch.cat([_product(slope, block, offset, 2) for block in blocks], 2)
        else:  # channels_last: (B, N, C) is what lies in memory, and so does the gradient
            product = torch.cat([_product(block.mT, slope, offset, 1) for block in blocks], 1).mT
        return product.unflatten(2, features.shape[2:]), None, None, None


def _product(a: Tensor, b: Tensor, offset: Tensor | None, positions: int) -> Tensor:
    """a b, to which the offset (B, 1, C) of every channel is added; `positions` is their axis in the product."""
    if offset is None:
        return torch.bmm(a, b)
    return torch.baddbmm(offset if positions == 1 else offset.mT, a, b)


def _blocks(features: Tensor, center: Tensor | None) -> Iterator[Tensor]:
    """F − c, (B, C, n), a block of positions after the other, each of a size that a processor's cache holds."""
    flat = features.flatten(2)
    step = max(1, _CACHED // flat.shape[1]) if flat.device.type == "cpu" else flat.shape[2]
    for block in flat.split(step, 2):
        yield block if center is None else block - center.flatten(2)
