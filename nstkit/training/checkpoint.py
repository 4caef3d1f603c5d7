"""A training run as one file: safetensors with JSON beside, no pickle, whole or not at all.

States of modules, optimisers and schedules are trees of dictionaries, lists, numbers and tensors. The tensors go
into safetensors by their place in the tree, the rest into its JSON header; dictionary keys keep their type.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

_FORMAT = "nstkit training 1"


def save_training(checkpoint: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a checkpoint, replacing an older one of that name; a crash leaves the old one.

    Raises:
        TypeError: it holds something that is neither tensor nor plain data, by its place.
        OSError: the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_packed(dict(checkpoint), "checkpoint", tensors))
    data = save(tensors, metadata={"format": _FORMAT, "tree": tree})
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_training(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `save_training` wrote; tensors are on the CPU.

    Raises:
        ValueError: missing, damaged, or no training checkpoint of nstkit.
    """
    if not Path(path).exists():
        raise ValueError(f"{path}: no such checkpoint")
    try:
        with safe_open(str(path), framework="pt") as file:
            head = file.metadata() or {}
            if head.get("format") != _FORMAT:
                raise ValueError("another kind of file")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        found: dict[str, Any] = _unpacked(json.loads(head["tree"]), tensors)
        return found
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError(f"{path}: damaged, or no training checkpoint of nstkit ({error})") from None


def _packed(value: Any, place: str, tensors: dict[str, Tensor]) -> Any:
    """The JSON form of a tree: plain values as they are, all else as a list that starts with its kind."""
    if isinstance(value, Tensor):
        tensors[place] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return ["tensor", place]
    if isinstance(value, Mapping):
        pairs = [[_packed(k, place, tensors), _packed(v, f"{place}.{k}", tensors)] for k, v in value.items()]
        return ["dict", pairs]
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return [kind, [_packed(item, f"{place}[{k}]", tensors) for k, item in enumerate(value)]]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{place}: expected tensors and plain data, got {type(value).__name__}; keep it out of the state"
    )


def _unpacked(node: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(node, list):
        return node
    kind, body = node
    if kind == "tensor":
        return tensors[body]
    if kind == "dict":
        return {_unpacked(k, tensors): _unpacked(v, tensors) for k, v in body}
    items = [_unpacked(item, tensors) for item in body]
    return items if kind == "list" else tuple(items)
