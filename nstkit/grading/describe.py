"""Saying in one sentence how an answer differs, when no known misconception explains it.

The describers run from the most telling to the least: structure, shape, dtype, NaN, sign, an exact ratio,
a transpose, an offset, which items of the batch, and at last the worst element.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from nstkit.grading.compare import Difference, close
from nstkit.grading.evidence import Array, Raised, Thing


def describe(difference: Difference) -> str:
    """One sentence that says what differs and by how much."""
    return _where(difference.path) + _DESCRIBERS[difference.kind](difference)


def _where(path: str) -> str:
    """The place in words: "result['a bad name'][0]" becomes "a bad name [0]: "."""
    keys = re.findall(r"\['(.*?)'\]", path)
    rest = re.sub(r"\['.*?'\]", "", path).removeprefix("result")
    words = " ".join([*keys, rest] if rest else keys)
    return f"{words if keys else f'result{words}'}: " if words else ""


def name_of(value: Any) -> str:
    """What a piece of evidence is, in the words of someone reading it: "a tensor of shape (2, 3)"."""
    if value is None:
        return "None"
    if isinstance(value, Array):
        noun = {"tensor": "a tensor", "array": "a NumPy array", "scalar": "a NumPy number"}[value.kind]
        return f"{noun} of shape {value.shape}"
    if isinstance(value, Thing):
        return f"a {value.type_name}"
    if isinstance(value, Raised):
        return f"{value.names[0]} raised"
    if isinstance(value, dict):
        return "a dict"
    if isinstance(value, list):
        return f"a sequence of {len(value)}"
    return f"{type(value).__name__} {value!r}"


def _structure(d: Difference) -> str:
    expected, got = name_of(d.expected), name_of(d.got)
    if isinstance(d.expected, bool | str | int | float):
        return (
            f"expected {d.expected!r}, got {d.got!r}"
            if _is_plain(d.got)
            else f"expected {d.expected!r}, got {got}"
        )
    hint = "; did you forget `return`?" if d.got is None else ""
    if isinstance(d.got, Thing) and d.got.type_name == "generator":
        hint = "; return the values, not a generator"
    return f"expected {expected}, got {got}{hint}"


def _is_plain(value: Any) -> bool:
    return isinstance(value, bool | str | int | float) or value is None


def _shape(d: Difference) -> str:
    expected, got = d.expected.shape, d.got.shape
    hint = ""
    if sorted(expected) == sorted(got):
        hint = "; the axes are in another order"
    elif len(got) == len(expected) - 1:
        hint = "; an axis is missing"
    return f"expected shape {expected}, got {got}{hint}"


def _dtype(d: Difference) -> str:
    return f"expected dtype {d.expected.dtype}, got {d.got.dtype}; keep the input's dtype"


def _keys(d: Difference) -> str:
    missing = [key for key in d.expected if key not in d.got]
    extra = [key for key in d.got if key not in d.expected]
    parts = [f"missing {', '.join(map(repr, missing))}"] if missing else []
    parts += [f"not expected {', '.join(map(repr, extra))}"] if extra else []
    return f"the keys differ: {'; '.join(parts)}"


def _length(d: Difference) -> str:
    return f"expected {len(d.expected)} values, got {len(d.got)}"


def _outcome(d: Difference) -> str:
    if isinstance(d.expected, Raised):
        wanted = d.expected.names[0]
        if isinstance(d.got, Raised):
            return f"expected {wanted} to be raised, got {d.got.names[0]}"
        return f"expected {wanted} to be raised, but the call returned a value"
    return f"expected a value, but the call raised {d.got.names[0]}"


def _values(d: Difference) -> str:
    if not isinstance(d.expected, Array):
        return _number(d)
    return next(_array_sentences(d.got, d.expected))


def _number(d: Difference) -> str:
    if isinstance(d.expected, float) and d.expected and d.got and np.isfinite(d.got):
        ratio = d.got / d.expected
        factor = _factor_sentence(np.asarray(ratio))
        if factor:
            return f"{factor} (expected {d.expected:.6g}, got {d.got:.6g})"
    return f"expected {d.expected:.6g}, got {d.got:.6g}"


def _array_sentences(got: Array, expected: Array) -> Iterator[str]:
    a, b, dtype = got.data.astype(_wide(got)), expected.data.astype(_wide(expected)), expected.dtype
    bad = ~np.isfinite(a) & np.isfinite(b)
    if bad.any():
        yield f"{int(bad.sum())} of {a.size} values are NaN or infinite"
    if close(a, -b, dtype).all():
        yield "the sign is flipped: every value is the negative of what is expected"
    ratio = _common_ratio(a, b)
    if ratio is not None:
        yield ratio
    if a.ndim >= 2 and a.shape[-1] == a.shape[-2] and close(np.swapaxes(a, -1, -2), b, dtype).all():
        yield "the result is transposed: swap the last two axes"
    offset = _common_offset(a, b, dtype)
    if offset is not None:
        yield offset
    items = _wrong_items(a, b, dtype)
    if items is not None:
        yield items
    yield _worst(a, b, dtype)


def _wide(array: Array) -> Any:
    return np.complex128 if array.data.dtype.kind == "c" else np.float64


def _common_ratio(a: np.ndarray, b: np.ndarray) -> str | None:
    use = np.abs(b) > 1e-3 * np.abs(b).max(initial=0)
    if use.sum() < 2 or not np.isfinite(a).all() or np.iscomplexobj(a):
        return None
    ratios = a[use] / b[use]
    middle = float(np.median(ratios))
    if middle == 0 or np.abs(ratios - middle).max() > 1e-3 * abs(middle):
        return None
    return _factor_sentence(np.asarray(middle))


def _factor_sentence(ratio: np.ndarray) -> str | None:
    value = float(np.real(ratio))
    for factor, word in ((value, "large"), (1 / value, "small")):
        if abs(factor) >= 1.001 and abs(factor * 2 - round(factor * 2)) < 2e-3 * max(1.0, abs(factor)):
            sign = " and of the wrong sign" if factor < 0 else ""
            return f"too {word} by a factor of {abs(round(factor * 2) / 2):g}{sign}"
    if abs(value - 1) > 1e-3:
        return f"every value is {value:.5g} times what is expected"
    return None


def _common_offset(a: np.ndarray, b: np.ndarray, dtype: str) -> str | None:
    gap = a - b
    middle = np.median(gap.real)
    if a.size < 2 or middle == 0 or not close(a - middle, b, dtype).all():
        return None
    return f"every value is {abs(middle):.4g} too {'large' if middle > 0 else 'small'}"


def _wrong_items(a: np.ndarray, b: np.ndarray, dtype: str) -> str | None:
    if a.ndim < 2 or a.shape[0] < 2:
        return None
    right = [bool(close(x, y, dtype).all()) for x, y in zip(a, b, strict=True)]
    if not any(right):
        return None
    wrong = [str(k) for k, ok in enumerate(right) if not ok]
    return (
        f"item {', '.join(wrong)} along the first axis is wrong, the others are right; {_worst(a, b, dtype)}"
    )


def _worst(a: np.ndarray, b: np.ndarray, dtype: str) -> str:
    wrong = ~close(a, b, dtype)
    gap = np.where(wrong, np.abs(a - b), -1.0)
    place = np.unravel_index(int(gap.argmax()), gap.shape)
    at = f" at {list(map(int, place))}" if place else ""
    share = f"{int(wrong.sum())} of {a.size} values differ, the most" if a.size > 1 else "the value differs"
    return f"{share}{at}: expected {b[place]:.6g}, got {a[place]:.6g}"


_DESCRIBERS = {
    "structure": _structure, "shape": _shape, "dtype": _dtype, "keys": _keys, "length": _length,
    "outcome": _outcome, "values": _values,
}  # fmt: skip
