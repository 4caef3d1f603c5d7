"""Checks of plain arguments: a choice, a number, a count. Each error names the argument and what it may be."""

import difflib
import math
from collections.abc import Sequence

LARGEST_RATE = 1e36
PRECISIONS = ("auto", "float32", "bfloat16")


def choose(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise ValueError unless `value` is one of `allowed`, with the nearest as a suggestion."""
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}, got {value!r}{hint}")


def check_number(name: str, value: float, *, positive: bool = False, whole: bool = False) -> None:
    """Raise ValueError unless `value` is finite and not negative (or positive, or whole); TypeError for no number."""
    wanted = "a positive number" if positive else "a number of at least 0"
    try:
        finite = math.isfinite(value)
    except TypeError:
        raise TypeError(f"{name}: expected {wanted}, got {value!r}") from None
    if not finite or value < 0 or (positive and value == 0):
        raise ValueError(f"{name}: expected {wanted}, got {value}")
    if whole and value % 1:
        raise ValueError(f"{name}: expected a whole number, got {value}")


def check_counts(**counts: int) -> None:
    """Raise ValueError unless all are at least 1."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, got {count}")


def check_learning_rate(value: float) -> None:
    """Raise ValueError unless `value` is positive and one that float32 arithmetic can take."""
    check_number("learning_rate", value, positive=True)
    if value > LARGEST_RATE:
        raise ValueError(
            f"learning_rate: expected at most {LARGEST_RATE:g}, got {value:g}; 1 is large already"
        )


def check_rates(learning_rate: float, precision: str) -> None:
    """Raise ValueError unless these two, which every training has, can be."""
    check_learning_rate(learning_rate)
    choose("precision", precision, PRECISIONS)
