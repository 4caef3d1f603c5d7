"""The options of a transfer, settled: encoder's recipe filled in, every value checked."""

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from nstkit.transfer.color_keeping import COLOR_KEEPERS

OPTIMIZERS = ("lbfgs", "adam")
STYLE_LOSSES = ("gram", "centered_gram")
NORMALIZATIONS = ("hw", "chw", "none")
BALANCES = ("start", "none")
INITS = ("content", "noise", "gray")
PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Options:
    """What a run depends on beside its pictures. See `stylize` for the meaning of each."""

    encoder: str
    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    style_weights: tuple[float, ...]
    content_weight: float
    style_weight: float
    tv_weight: float
    style_loss: str
    normalize: str
    balance: str
    style_scale: float
    size: int
    coarsest: int
    steps: int
    optimizer: str
    learning_rate: float
    history: int
    average: float
    init: str
    seed: int
    precision: str
    channels_last: bool
    preserve_color: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            choose(name, getattr(self, name), allowed)
        if self.preserve_color is not None:
            choose("preserve_color", self.preserve_color, COLOR_KEEPERS)
        for name in _POSITIVE:
            check_number(name, getattr(self, name), positive=True)
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_number(name, getattr(self, name))
        if self.content_weight == self.style_weight == 0:
            raise ValueError("content_weight, style_weight: expected at least one above 0, got both 0")
        check_weights("style_weights", enumerate(self.style_weights))
        check_weights("content_layers", self.content_layers.items(), may_be_empty=True)
        check_weights("style_layers", self.style_layers.items(), may_be_empty=self.style_weight == 0)
        if not 0 <= self.average < 1:
            raise ValueError(f"average: expected a decay in [0, 1), got {self.average}")

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a checkpoint or a picture's metadata."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


_CHOICES = {
    "optimizer": OPTIMIZERS, "style_loss": STYLE_LOSSES, "normalize": NORMALIZATIONS, "balance": BALANCES,
    "precision": PRECISIONS,
}  # fmt: skip
_POSITIVE = ("style_scale", "size", "coarsest", "steps", "learning_rate", "history")


def choose(name: str, value: str, allowed: Sequence[str]) -> None:
    """Raise ValueError unless `value` is one of `allowed`, with the nearest as a suggestion."""
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name}: expected one of {', '.join(allowed)}, got {value!r}{hint}")


def check_number(name: str, value: float, *, positive: bool = False) -> None:
    """Raise ValueError unless `value` is finite and not negative (or positive)."""
    wanted = "a positive number" if positive else "a number of at least 0"
    if not math.isfinite(value) or value < 0 or (positive and value == 0):
        raise ValueError(f"{name}: expected {wanted}, got {value}")


def check_weights(name: str, weights: Iterable[tuple[Any, float]], *, may_be_empty: bool = False) -> None:
    """Raise ValueError unless the weights are finite, not negative, and at least one is positive."""
    values = dict(weights)
    for key, value in values.items():
        check_number(f"{name}[{key!r}]", value)
    if not may_be_empty and not any(values.values()):
        raise ValueError(
            f"{name}: expected at least one weight above 0, got {list(values.values()) or 'none'}"
        )


def pick_device(name: str) -> torch.device:
    """The device called `name`; "auto" is CUDA, else Apple's MPS, else the CPU.

    Raises:
        ValueError: no such kind of device, or none on this machine.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    kind = name.partition(":")[0]
    if kind not in available:
        raise ValueError(f"device: expected auto, cpu, cuda, cuda:N or mps, got {name!r}")
    if not available[kind]:
        here = ", ".join(kind for kind, there in available.items() if there)
        raise ValueError(f"device: {name} was asked for, but this machine has only {here}")
    return torch.device(name)


def pick_precision(asked: str, preferred: str, device: torch.device) -> str:
    """ "bfloat16" where it is asked for, or preferred and fast on the device; else "float32"."""
    if asked != "auto":
        return asked
    return "bfloat16" if preferred == "bfloat16" and fast_bfloat16(device) else "float32"


def fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device.type == "cpu" and any(getattr(torch.cpu, probe, bool)() for probe in probes)
