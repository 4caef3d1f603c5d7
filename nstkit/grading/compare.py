"""Comparing evidence: strict on structure, shape, dtype and every element; NaN never equals anything.

An element may differ by `rtol` times its own size plus a floor for cancellation: a small fraction of the
largest element. float64 is compared at 1e-6, float32 at 1e-4, half precisions at 1e-2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nstkit.grading.evidence import Array, Raised, Thing

RTOL = {"float16": 1e-2, "bfloat16": 2e-2, "float32": 1e-4, "complex64": 1e-4}
FLOOR = {"float16": 1e-1, "bfloat16": 1e-1, "float32": 1e-1, "complex64": 1e-1}
DEFAULT_RTOL, DEFAULT_FLOOR = 1e-6, 1e-3


@dataclass(frozen=True)
class Difference:
    """The first place where two pieces of evidence part: where, what kind of difference, and both values."""

    path: str
    kind: str  # "structure", "shape", "dtype", "values", "outcome", "keys", "length"
    got: Any
    expected: Any


def difference(
    got: Any, expected: Any, rtol: float | None = None, atol: float | None = None, path: str = "result"
) -> Difference | None:
    """The first difference between two frozen values, or None where they agree."""
    if isinstance(expected, Array):
        return _array_difference(got, expected, rtol, atol, path)
    if isinstance(expected, Raised) or isinstance(got, Raised):
        return None if _same_outcome(got, expected) else Difference(path, "outcome", got, expected)
    if isinstance(expected, dict):
        return _mapping_difference(got, expected, rtol, atol, path)
    if isinstance(expected, list):
        return _list_difference(got, expected, rtol, atol, path)
    if isinstance(expected, int | float | complex) and not isinstance(expected, bool):
        return _number_difference(got, expected, rtol, atol, path)
    same = type(got) is type(expected) and got == expected and not isinstance(got, Thing)
    return None if same else Difference(path, "structure", got, expected)


def _same_outcome(got: Any, expected: Any) -> bool:
    return isinstance(got, Raised) and isinstance(expected, Raised) and expected.names[0] in got.names


def _array_difference(
    got: Any, expected: Array, rtol: float | None, atol: float | None, path: str
) -> Difference | None:
    if not isinstance(got, Array) or got.kind != expected.kind:
        return Difference(path, "structure", got, expected)
    if got.shape != expected.shape:
        return Difference(path, "shape", got, expected)
    if got.dtype != expected.dtype:
        return Difference(path, "dtype", got, expected)
    right = close(got.data, expected.data, expected.dtype, rtol, atol)
    return None if right.all() else Difference(path, "values", got, expected)


def close(
    got: np.ndarray, expected: np.ndarray, dtype: str, rtol: float | None = None, atol: float | None = None
) -> np.ndarray:
    """Which elements agree: a bool array of the common shape."""
    if expected.dtype.kind in "biu":
        return got == expected
    rtol = RTOL.get(dtype, DEFAULT_RTOL) if rtol is None else rtol
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    got, expected = got.astype(wide), expected.astype(wide)
    finite = np.isfinite(expected)
    largest = float(np.abs(expected[finite]).max()) if finite.any() else 0.0
    floor = FLOOR.get(dtype, DEFAULT_FLOOR) * rtol * largest if atol is None else atol
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(got - expected) <= rtol * np.abs(expected) + floor
    return np.where(finite, near, got == expected)


def _mapping_difference(
    got: Any, expected: dict[str, Any], rtol: float | None, atol: float | None, path: str
) -> Difference | None:
    if not isinstance(got, dict):
        return Difference(path, "structure", got, expected)
    if got.keys() != expected.keys():
        return Difference(path, "keys", sorted(got), sorted(expected))
    parts = (difference(got[k], expected[k], rtol, atol, f"{path}[{k!r}]") for k in expected)
    return next((part for part in parts if part is not None), None)


def _list_difference(
    got: Any, expected: list[Any], rtol: float | None, atol: float | None, path: str
) -> Difference | None:
    if not isinstance(got, list):
        return Difference(path, "structure", got, expected)
    if len(got) != len(expected):
        return Difference(path, "length", got, expected)
    parts = (
        difference(g, e, rtol, atol, f"{path}[{k}]")
        for k, (g, e) in enumerate(zip(got, expected, strict=True))
    )
    return next((part for part in parts if part is not None), None)


def _number_difference(
    got: Any, expected: complex, rtol: float | None, atol: float | None, path: str
) -> Difference | None:
    """Python numbers: an int may stand for a float of the same value, a float never for an int."""
    if isinstance(got, Array) and got.kind == "scalar" and not isinstance(expected, int):
        got = got.data.item()
    if isinstance(got, bool) or not isinstance(got, int | float | complex):
        return Difference(path, "structure", got, expected)
    if isinstance(expected, int):
        same = isinstance(got, int) and got == expected
    else:
        same = bool(close(np.asarray(got), np.asarray(expected), "float64", rtol, atol))
    return None if same else Difference(path, "values", got, expected)
