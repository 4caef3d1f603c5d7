"""Checkpoints of a run as files: safetensors with JSON beside, no pickle, whole or not at all."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file


def save_checkpoint(
    checkpoint: Mapping[str, Any], path: str | os.PathLike[str], extra: Mapping[str, str] | None = None
) -> None:
    """Write a Result's or Step's checkpoint, replacing an older one of that name.

    Args:
        extra: text to store beside it; `load_checkpoint` returns it under "extra".
    Raises:
        OSError: it cannot be written; an older one stays.
    """
    target = Path(path)
    head = {key: json.dumps(checkpoint[key]) for key in ("plain", "options")}
    head |= {"extra": json.dumps(dict(extra or {}))}
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    try:
        # straight from the tensors, without a copy
        save_file(dict(checkpoint["tensors"]), name, metadata=head)
        with open(name, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(name, target)
    except SafetensorError as error:  # how it reports what the system refused
        Path(name).unlink(missing_ok=True)
        raise OSError(f"{target}: could not be written ({error})") from error
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def load_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote.

    Raises:
        ValueError: missing, damaged, or no checkpoint of nstkit.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            head = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
        return {key: json.loads(head[key]) for key in ("plain", "options", "extra")} | {"tensors": tensors}
    except FileNotFoundError:
        raise ValueError(f"{path}: no such checkpoint") from None
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path}: damaged, or no checkpoint of nstkit ({error})") from None
