"""What the adversarial losses expect of scores, checked in one place.

A discriminator returns raw scores (logits) of any shape: (B,), (B, 1, 1, 1), or a map of patches (B, 1, h, w).
"""

from collections.abc import Iterable

from torch import Tensor


def check_scores(scores: Tensor, name: str) -> None:
    """Refuse scores of which there are none: their mean would be NaN (ValueError)."""
    if scores.numel() == 0:
        raise ValueError(f"{name}: expected at least one score, got shape {tuple(scores.shape)}")


def check_kind(kind: str, known: Iterable[str], elsewhere: Iterable[str], home: str) -> None:
    """Refuse a name that is not among `known`, and say where it lives if it is among `elsewhere` (ValueError)."""
    if kind in (choices := tuple(known)):
        return
    way_out = f"; {kind!r} belongs to {home}" if kind in tuple(elsewhere) else ""
    raise ValueError(f"kind: expected one of {', '.join(map(repr, choices))}, got {kind!r}{way_out}")
