"""Evidence: what a probe brings back, frozen into plain data that can cross a process border.

A probe may return tensors, arrays, numbers, strings, None, and lists, tuples or mappings of these.
`freeze` copies them into the small vocabulary below; `pack` and `unpack` write that vocabulary as a
JSON header followed by raw array bytes, so that nobody ever unpickles what a learner's process sends.

This module runs inside the sandbox too: it needs nothing but numpy and torch.
"""

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

MAX_BYTES = 64 << 20
MAX_HEADER = 1 << 20
MAX_DEPTH = 8
MAX_TEXT = 20_000
DTYPES = frozenset(
    (
        *("float16", "float32", "float64", "bfloat16", "int8", "int16", "int32", "int64", "bool"),
        *("uint8", "uint16", "uint32", "uint64", "complex64", "complex128"),
    )
)


@dataclass(frozen=True, eq=False)
class Array:
    """An array or tensor: `kind` is "tensor" or "array", `dtype` its name, `data` a plain numpy copy."""

    kind: str
    dtype: str
    data: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape as a tuple of ints."""
        return tuple(int(n) for n in self.data.shape)


@dataclass(frozen=True)
class Raised:
    """An error that a call raised: its type's name first, then those of the types it derives from."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class Thing:
    """A value that is no evidence (a generator, a function, a module): only its type's name is kept."""

    type_name: str


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a call comes to: the error it raises, or `("returns", value)`.

    NotImplementedError passes through: it is the mark of an exercise that nobody has answered yet.
    """
    try:
        return ("returns", function(*args, **kwargs))
    except NotImplementedError:
        raise
    except Exception as error:
        return Raised(_error_names(type(error)))


def gradient(function: Callable[..., Any], *inputs: torch.Tensor) -> Any:
    """The gradients of `function(*inputs)` with respect to each input, by autograd.

    A result that is not a scalar is weighted by 1, 2, 3, … and summed, so that no error can cancel. Where no
    gradient arrives (a detached result, an unused input), evidence says "no gradient" instead.
    """
    leaves = [x.detach().requires_grad_() for x in inputs]
    result = function(*leaves)
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return "no gradient" if isinstance(result, torch.Tensor) else result
    ramp = torch.arange(1, result.numel() + 1, dtype=result.dtype).reshape(result.shape) / result.numel()
    grads = torch.autograd.grad((result * ramp).sum(), leaves, allow_unused=True)
    return ["no gradient" if g is None else g for g in grads]


def _error_names(kind: type) -> tuple[str, ...]:
    plain = {BaseException, Exception, object}
    return tuple(base.__name__ for base in kind.__mro__ if base not in plain) or (kind.__name__,)


def freeze(value: Any, depth: int = 0) -> Any:
    """Copy `value` into plain data: Array, Raised, Thing, numbers, text, None, lists and dicts of these.

    Dict keys become text. Whatever is not evidence becomes a `Thing` that names its type.
    """
    if value is None or isinstance(value, bool | Raised | Thing):
        return value
    if isinstance(value, torch.Tensor):
        return _too_large("tensor", value.nbytes) or _freeze_tensor(value)
    if isinstance(value, np.ndarray | np.generic) and not isinstance(value, int | float | complex | str):
        return _too_large("array", value.nbytes) or _freeze_array(value)
    if isinstance(value, int | float | complex):
        return _freeze_number(value)
    if isinstance(value, str):
        return str(value)[:MAX_TEXT]
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {_key(key): freeze(item, depth + 1) for key, item in value.items()}
    if depth < MAX_DEPTH and isinstance(value, list | tuple):
        return [freeze(item, depth + 1) for item in value]
    return Thing(type(value).__name__)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else repr(key)


def _freeze_number(value: Any) -> int | float | complex:
    """A plain number, also from a subclass (np.float64 is a float)."""
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else complex(value)


def _too_large(kind: str, size: int) -> Thing | None:
    return Thing(f"{kind} of {size >> 20} MB") if size > MAX_BYTES // 2 else None


def _freeze_tensor(value: torch.Tensor) -> Array:
    plain = value.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg().cpu()
    dtype = str(plain.dtype).removeprefix("torch.")
    if dtype == "bfloat16":
        plain = plain.float()
    return Array("tensor", dtype, np.array(plain.numpy(), copy=True, subok=False))


def _freeze_array(value: Any) -> Any:
    plain = np.array(value, copy=True, subok=False)
    if plain.dtype.name not in DTYPES:
        return Thing(f"array of {plain.dtype.name}")
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    return Array(kind, plain.dtype.name, plain)


@dataclass
class _Packer:
    arrays: list[np.ndarray] = field(default_factory=list)

    def node(self, value: Any) -> Any:
        """The JSON form of one frozen value; array bytes go to `self.arrays`."""
        if isinstance(value, Array):
            self.arrays.append(np.ascontiguousarray(value.data).reshape(-1))
            return {"a": [value.kind, value.dtype, value.data.dtype.name, list(value.shape)]}
        if isinstance(value, Raised):
            return {"r": list(value.names)}
        if isinstance(value, Thing):
            return {"t": value.type_name}
        if isinstance(value, dict):
            return {"d": [[key, self.node(item)] for key, item in value.items()]}
        if isinstance(value, list):
            return {"l": [self.node(item) for item in value]}
        if isinstance(value, float):
            return {"f": value.hex()}
        if isinstance(value, complex):
            return {"c": [value.real.hex(), value.imag.hex()]}
        if isinstance(value, int) and not isinstance(value, bool):
            return {"i": str(value)[:400]}
        return value


def pack(value: Any) -> bytes:
    """Frozen data as bytes: u32 header length, JSON header, then the arrays' raw bytes in order."""
    packer = _Packer()
    header = json.dumps(packer.node(value)).encode()
    return struct.pack(">I", len(header)) + header + b"".join(a.tobytes() for a in packer.arrays)


def unpack(data: bytes) -> Any:
    """The inverse of `pack`, trusting nothing: every size, name and shape is checked.

    Raises ValueError for bytes that `pack` cannot have written.
    """
    if not 4 <= len(data) <= MAX_BYTES:
        raise ValueError(f"evidence: expected 4 to {MAX_BYTES} bytes, got {len(data)}")
    (size,) = struct.unpack(">I", data[:4])
    if size > MAX_HEADER or 4 + size > len(data):
        raise ValueError("evidence: the header is longer than the message")
    reader = _Unpacker(data, 4 + size)
    try:
        value = reader.value(json.loads(data[4 : 4 + size]), 0)
    except (KeyError, TypeError, IndexError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"evidence: malformed header ({error})") from None
    if reader.offset != len(data):
        raise ValueError("evidence: bytes left over after the last array")
    return value


class _Unpacker:
    def __init__(self, data: bytes, offset: int) -> None:
        self.data, self.offset = data, offset

    def value(self, node: Any, depth: int) -> Any:
        if depth > 2 * MAX_DEPTH:
            raise ValueError("evidence: nested too deeply")
        if node is None or isinstance(node, bool | str):
            return node
        ((tag, body),) = node.items()
        return self._tagged(tag, body, depth)

    def _tagged(self, tag: str, body: Any, depth: int) -> Any:
        match tag:
            case "a":
                return self._array(*body)
            case "r":
                return Raised(tuple(str(name) for name in body))
            case "t":
                return Thing(str(body))
            case "d":
                return {str(key): self.value(item, depth + 1) for key, item in body}
            case "l":
                return [self.value(item, depth + 1) for item in body]
            case "f":
                return float.fromhex(body)
            case "c":
                return complex(float.fromhex(body[0]), float.fromhex(body[1]))
            case "i":
                return int(body)
        raise ValueError(f"evidence: unknown tag {tag!r}")

    def _array(self, kind: str, dtype: str, stored: str, shape: list[int]) -> Array:
        if dtype not in DTYPES or stored not in DTYPES - {"bfloat16"} or len(shape) > 16:
            raise ValueError("evidence: unknown array type")
        if any(type(n) is not int or n < 0 for n in shape):
            raise ValueError("evidence: bad array shape")
        count = 1
        for n in shape:
            count *= n
        end = self.offset + count * np.dtype(stored).itemsize
        if end > len(self.data):
            raise ValueError("evidence: an array is cut short")
        flat = np.frombuffer(self.data, stored, count=count, offset=self.offset)
        self.offset = end
        return Array(str(kind), dtype, flat.reshape(shape))
