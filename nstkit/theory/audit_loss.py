"""Testing a loss for the properties that its name promises."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def audit_loss(
    loss_fn: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor, perm: Tensor, tol: float = 1e-8
) -> dict[str, bool]:
    """Which invariances a loss shows on one pair of feature maps. A False is proof, a True is evidence.

    Args:
        loss_fn: From two (C, H, W) to a 0-d loss.
        a: (C, H, W), float64; not changed.
        b: The same shape; not changed.
        perm: (H·W,), a permutation of the positions.
        tol: Two values agree if they differ by at most tol · max(1, |L(a, b)|).

    Returns:
        "zero_at_identity": |L(a, a)| ≤ tol. "symmetric": L(b, a). "layout_invariant": L(π(a), b), only a moves, all
        channels alike. "scale_invariant": L(3a, 3b). "shift_invariant": L(a + 1, b + 1); each against L(a, b).

    Raises:
        ValueError: the shapes do not fit, `perm` is no permutation, or the loss is not 0-d.
    """
    _check(a, b, perm)
    a, b = a.detach(), b.detach()

    def value(first: Tensor, second: Tensor) -> float:
        return _scalar(loss_fn(first.clone(), second.clone()))

    base = value(a, b)
    moved = a.flatten(1)[:, perm].view(a.shape)
    others = {
        "symmetric": value(b, a),
        "layout_invariant": value(moved, b),
        "scale_invariant": value(3 * a, 3 * b),
        "shift_invariant": value(a + 1, b + 1),
    }
    near = tol * max(1.0, abs(base))
    return {"zero_at_identity": abs(value(a, a)) <= tol} | {
        name: abs(other - base) <= near for name, other in others.items()
    }


def _scalar(loss: Any) -> float:
    loss = torch.as_tensor(loss)
    if loss.ndim:
        raise ValueError(
            f"loss_fn: expected a 0-d loss, got {tuple(loss.shape)}; reduce it with .sum() or .mean()"
        )
    return float(loss.detach())


def _check(a: Tensor, b: Tensor, perm: Tensor) -> None:
    if a.ndim != 3 or a.shape != b.shape:
        raise ValueError(f"a, b: expected one shape (C, H, W), got {tuple(a.shape)} and {tuple(b.shape)}")
    count = a.shape[1] * a.shape[2]
    if perm.shape != (count,) or not torch.equal(perm.sort().values.cpu(), torch.arange(count)):
        raise ValueError(
            f"perm: expected a permutation of 0 … {count - 1}; torch.randperm({count}) makes one"
        )
