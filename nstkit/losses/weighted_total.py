"""Many losses, one total, and a report that adds up to it."""

from collections.abc import Mapping

import torch
from torch import Tensor


def weighted_total(
    terms: Mapping[str, Tensor], weights: Mapping[str, float]
) -> tuple[Tensor, dict[str, float]]:
    """Σ w_k L_k and the contribution w_k L_k of each term.

    Args:
        terms: Losses by name, 0-d each.
        weights: w ≥ 0 for every term, and for nothing else. A term with weight 0 is left out, so it may be infinite.

    Returns:
        total: 0-d, differentiable in the terms.
        report: Floats by name, in the order of `terms`; they add up to the total.

    Raises:
        KeyError: a term without a weight, or a weight without a term.
        ValueError: no terms, a term that is not 0-d, or a negative weight.
    """
    _check(terms, weights)
    parts = {
        name: weights[name] * term if weights[name] else torch.zeros_like(term)
        for name, term in terms.items()
    }
    total = torch.stack(tuple(parts.values())).sum()
    values = torch.stack([part.detach() for part in parts.values()]).tolist()  # one transfer from the GPU
    return total, dict(zip(parts, values, strict=True))


def _check(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> None:
    if not terms:
        raise ValueError("terms: expected at least one loss, got none")
    for name, term in terms.items():
        if name not in weights:
            raise KeyError(f"weights: no weight for {name!r}; give every term one, 0 to leave it out")
        if term.ndim:
            raise ValueError(
                f"terms: expected 0-d tensors, got {tuple(term.shape)} for {name!r}; reduce it first"
            )
    for name, weight in weights.items():
        if name not in terms:
            raise KeyError(f"terms: no term {name!r} for this weight; known are {', '.join(terms)}")
        if not weight >= 0:
            raise ValueError(f"weights: expected numbers ≥ 0, got {weight} for {name!r}")
