"""Weights from a local file: find it, check its hash, read it, and see that it fits.

torchvision writes the first eight hex digits of a file's SHA-256 into its name; whoever renames the file gives
up that check, not the others.
"""

import hashlib
import math
import os
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Generator, Tensor

SUFFIXES = (".pth", ".pt", ".safetensors")
VARIABLE = "NSTKIT_WEIGHTS"


def places() -> list[Path]:
    """Where weights are looked for when no path is given: NSTKIT_WEIGHTS, then torchvision's own cache.

    Raises:
        ValueError: NSTKIT_WEIGHTS names nothing that exists.
    """
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    named = os.environ.get(VARIABLE)
    if not named:
        return [cache]
    place = Path(named).expanduser()
    if not place.exists():
        raise ValueError(
            f"{VARIABLE}: expected a weights file or a folder of them, but {place} does not exist"
        )
    return [place, cache]


def find_weights(name: str, place: Path) -> Path | None:
    """The weights of encoder `name` at `place`, a file or a folder: NAME.pth, NAME-HASH.pth, .pt, .safetensors.

    A file given directly may have any name that does not say another network.
    """
    if place.is_dir():
        return next(iter(sorted(path for path in place.iterdir() if _names(path, name))), None)
    named = re.match(r"vgg\d|squeezenet", place.name) is not None
    return place if place.exists() and (_names(place, name) or not named) else None


def _names(path: Path, name: str) -> bool:
    """Also refuses vgg16_features-…, whose weights expect another normalisation."""
    return path.suffix in SUFFIXES and re.match(rf"{re.escape(name)}[-.]", path.name) is not None


def read_weights(path: Path, shapes: Mapping[str, torch.Size], name: str) -> dict[str, Tensor]:
    """Read the tensors named in `shapes`, float32, from a torch or safetensors file; others are ignored.

    Raises:
        ValueError: The file is missing, is not what the hash in its name says, cannot be read, lacks a tensor,
            or holds one of another shape or with values that are not finite.
    """
    if path.is_dir():
        raise ValueError(f"weights: the folder {path} has none of {name}: no {name}*{', '.join(SUFFIXES)}")
    if not path.is_file():
        raise ValueError(f"weights: {path} does not exist; give a weights file of {name}")
    check_hash(path)
    state = dict(_read_tensors(path, shapes))
    for key, shape in shapes.items():
        if key not in state:
            raise ValueError(
                f"weights: {path} has no tensor {key!r}, which {name} needs; is it for another network?"
            )
        if state[key].shape != shape:
            got = tuple(state[key].shape)
            raise ValueError(f"weights: {key} in {path}: expected {tuple(shape)} for {name}, got {got}")
        if not state[key].isfinite().all():
            raise ValueError(
                f"weights: {key} in {path} holds NaN or infinity; the file is damaged, get it again"
            )
    return {key: state[key].float() for key in shapes}


def check_hash(path: Path) -> None:
    """Compare the file with the hash in its name, if there is one (ValueError if they differ)."""
    named = re.search(r"-([0-9a-f]{8,64})\.\w+$", path.name)
    if named is None:
        return
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(named[1]):
        raise ValueError(
            f"weights: {path} has SHA-256 {digest[: len(named[1])]}…, its name says {named[1]}; "
            "it is damaged or incomplete, get it again"
        )


def _read_tensors(path: Path, wanted: Mapping[str, torch.Size]) -> Iterator[tuple[str, Tensor]]:
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                yield from [(key, file.get_tensor(key)) for key in file.keys() if key in wanted]  # noqa: SIM118
            return
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (
        OSError,
        EOFError,
        RuntimeError,
        KeyError,
        ValueError,
        pickle.UnpicklingError,
        SafetensorError,
    ) as error:
        raise ValueError(
            f"weights: cannot read {path}: it is damaged or no weights file{_said(error)}"
        ) from error
    if not isinstance(state, Mapping):
        raise ValueError(
            f"weights: {path} holds a {type(state).__name__}, expected a dict of tensors (a state_dict)"
        )
    yield from ((key, value) for key, value in state.items() if key in wanted and isinstance(value, Tensor))


def _said(error: Exception) -> str:
    """The first line of what a reader said; PyTorch's unpickler would advise to run whatever the file holds."""
    if isinstance(error, pickle.UnpicklingError):
        return "; expected a state_dict, tensors alone, by torch.save or safetensors"
    return f" ({str(error).splitlines()[0] if str(error) else type(error).__name__})"


def random_weights(shapes: Mapping[str, torch.Size], seed: int) -> dict[str, Tensor]:
    """Gaussian kernels of variance 2 / fan-in and zero biases: keeps activations at one scale through ReLUs.

    He, Zhang, Ren and Sun, ICCV 2015, arXiv 1502.01852, Eq. 10.
    """
    generator = Generator().manual_seed(seed)
    return {key: _random_tensor(shape, generator) for key, shape in shapes.items()}


def _random_tensor(shape: torch.Size, generator: Generator) -> Tensor:
    if len(shape) == 1:
        return torch.zeros(shape)
    return torch.randn(shape, generator=generator) * math.sqrt(2 / math.prod(shape[1:]))
