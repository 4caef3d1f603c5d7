"""Correlation along one axis, as a few matrix products.

A row of taps sliding over b pixels is a banded (Toeplitz) matrix times these pixels and their neighbours. A CPU
multiplies matrices many times faster than PyTorch convolves a single channel, although most entries are zeros;
on a GPU there is also no silent rounding to TF32 as in cuDNN's convolutions.
"""

from typing import Any

import torch
from torch import Tensor

_BLOCK = 64


def correlate_axis(image: Tensor, taps: Tensor, axis: int) -> Tensor:
    """Σ_t taps[t] · image[x + t] along one axis, wherever all taps lie inside ("valid").

    Args:
        image: (..., H, W), float32 or float64.
        taps: (K,), same dtype and device; a constant: no gradient reaches it.
        axis: -2, along the columns of pixels, or -1, along the rows.

    Returns:
        The axis is K - 1 shorter; differentiable in `image`, to any order.

    Raises:
        ValueError: another axis, or one that is shorter than the taps.
    """
    if axis not in (-2, -1):
        raise ValueError(f"axis: expected -2 or -1, got {axis}")
    if image.shape[axis] < len(taps):
        raise ValueError(
            f"image: expected at least {len(taps)} pixels along axis {axis}, one for each tap, "
            f"got {tuple(image.shape)}; pad it first"
        )
    return _Correlate.apply(image, taps, axis)


class _Correlate(torch.autograd.Function):
    """Autograd would keep a full-size gradient for every block; written down, it is one more correlation."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, taps: Tensor, axis: int) -> Tensor:
        ctx.save_for_backward(taps)
        ctx.axis = axis
        return _by_blocks(image, taps, axis)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        (taps,) = ctx.saved_tensors
        around = len(taps) - 1
        sides = (around, around) if ctx.axis == -1 else (0, 0, around, around)
        padded = torch.nn.functional.pad(grads[0], sides)
        return _Correlate.apply(padded, taps.flip(0), ctx.axis), None, None


def _by_blocks(image: Tensor, taps: Tensor, axis: int) -> Tensor:
    shape = list(image.shape)
    shape[axis] -= len(taps) - 1
    out = image.new_empty(shape)
    matrix = _band_matrix(taps, min(_BLOCK, shape[axis]))  # (b, b + K - 1)
    for start in range(0, shape[axis], _BLOCK):
        size = min(_BLOCK, shape[axis] - start)
        seen = image.narrow(axis, start, size + len(taps) - 1)
        band = matrix[:size, : seen.shape[axis]]
        out.narrow(axis, start, size).copy_(band @ seen if axis == -2 else seen @ band.mT)
    return out


def _band_matrix(taps: Tensor, rows: int) -> Tensor:
    """(rows, rows + K - 1) with the taps on the diagonals 0 … K - 1."""
    matrix = taps.new_zeros(rows, rows + len(taps) - 1)
    offsets = torch.arange(rows, device=taps.device)[:, None] + torch.arange(len(taps), device=taps.device)
    return matrix.scatter_(1, offsets, taps.expand(rows, -1))
