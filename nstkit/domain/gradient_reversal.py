"""Gradient reversal: the identity on the way forward, −λ times the gradient on the way back.

Ganin & Lempitsky, ICML 2015, arXiv:1409.7495; Ganin et al., JMLR 17 (2016), arXiv:1505.07818, Section 4.2. With
it one backward pass trains a classifier to tell two domains apart and the encoder below it to confuse them.
"""

import math
from typing import Any

import torch
from torch import Tensor


def gradient_reverse(x: Tensor, lam: float) -> Tensor:
    """x itself; in the backward pass the incoming gradient leaves as −lam times it.

    Args:
        x: any shape, floating point.
        lam: ≥ 0; 0 stops the gradient as a zero.

    Returns:
        The values of `x`, as a new node of the graph: other paths into `x` are not reversed.

    Raises:
        ValueError: `lam` is negative or not finite.

    Source: Ganin et al. 2016, Section 4.2.
    """
    if not (lam >= 0 and math.isfinite(lam)):
        raise ValueError(f"lam: expected a finite number of at least 0, got {lam}; the minus is built in")
    reversed_: Tensor = _GradientReversal.apply(x, lam)
    return reversed_


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, lam: float) -> Tensor:
        ctx.lam = lam  # on the node, not on the class: one pass may reverse several times with different lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.lam * gradient, None
