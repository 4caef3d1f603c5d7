"""Where to compute and in which precision: the best that is at hand, unless asked otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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


@contextmanager
def lower_precision(place: torch.device, precision: str) -> Iterator[None]:
    """Compute in bfloat16 where that was asked for, or is fast on a GPU."""
    lower = precision == "bfloat16" or (precision == "auto" and place.type == "cuda" and fast_bfloat16(place))
    with torch.autocast(place.type, torch.bfloat16, enabled=lower):
        yield


def workers(place: torch.device) -> int:
    """Threads that prepare batches: worth it where the processor would otherwise wait for a GPU."""
    return 4 if place.type == "cuda" else 0
