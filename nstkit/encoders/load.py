"""Load an encoder by name: the one door to VGG, SqueezeNet and `tiny`."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from nstkit.encoders.architectures import ARCHITECTURES, Architecture
from nstkit.encoders.encoder import Encoder
from nstkit.encoders.pooling import replace_pooling
from nstkit.encoders.weights import VARIABLE, find_weights, places, random_weights, read_weights

TINY_WEIGHTS = Path(__file__).with_name("tiny.safetensors")


def encoder_names() -> tuple[str, ...]:
    """The names that `load_encoder` knows, "auto" first."""
    return ("auto", *ARCHITECTURES)


def load_encoder(
    name: str = "auto",
    *,
    weights: str | Path | None = None,
    pooling: Literal["max", "average", "l2", "scaled_average", "scaled_l2"] | None = None,
    seed: int | None = None,
    download: bool = False,
) -> Encoder:
    """Load a frozen feature network, float32, on the CPU.

    Args:
        name: "vgg19", "vgg16", "squeezenet1_1", "tiny", or "auto": VGG-19 where its weights are at hand, else
            tiny, which ships with nstkit.
        weights: A weights file, a folder that holds it, or "random". None looks in NSTKIT_WEIGHTS and in
            torchvision's cache. Nothing is downloaded.
        pooling: "max", "average", "l2", "scaled_average" or "scaled_l2" (see `pooling`); None keeps the network's own.
        seed: For random weights, 0 if None.
        download: Let torchvision fetch its weights if they are not at hand.

    Raises:
        ValueError: Unknown name or pooling, no weights, or weights that are damaged or of another network.
    """
    name = _resolve(name, weights, download)
    if seed is not None and weights != "random":
        raise ValueError(f"seed: expected weights='random' beside seed={seed}, got weights={weights!r}")
    architecture = ARCHITECTURES[name]()
    modules = architecture.modules if pooling is None else replace_pooling(architecture.modules, pooling)
    state, source = _weights(name, architecture, weights, seed or 0, download)
    for layer, prefix in architecture.prefixes.items():
        own = modules[layer].state_dict()
        modules[layer].load_state_dict({key: state[f"{prefix}.{key}"] for key in own}, assign=True)
    return Encoder(
        name,
        modules,
        mean=architecture.mean,
        deviation=architecture.deviation,
        reads=architecture.reads,
        weights=source,
    )


def _resolve(name: str, weights: str | Path | None, download: bool) -> str:
    if name != "auto":
        if name not in ARCHITECTURES:
            raise ValueError(f"encoder: expected one of {', '.join(encoder_names())}, got {name!r}")
        return name
    if weights == "random":
        raise ValueError(
            "encoder: random weights need a network's name, got 'auto'; name one, such as 'tiny'"
        )
    if weights is not None:
        return next((known for known in ARCHITECTURES if Path(weights).name.startswith(known)), "vgg19")
    at_hand = any(find_weights("vgg19", place) for place in places())
    return "vgg19" if at_hand or download else "tiny"


def _weights(
    name: str, architecture: Architecture, weights: str | Path | None, seed: int, download: bool
) -> tuple[dict[str, Tensor], str]:
    """The tensors of a network and, in words, where they come from."""
    shapes = {
        f"{architecture.prefixes[layer]}.{key}": value.shape
        for layer, module in architecture.modules.items()
        for key, value in module.state_dict().items()
    }
    if weights == "random":
        return random_weights(shapes, seed), f"random, seed {seed}"
    if weights is not None:
        path = find_weights(name, Path(weights)) or Path(weights)
    elif name == "tiny":
        path = TINY_WEIGHTS
    else:
        path = _at_hand(name, download)
    return read_weights(path, shapes, name), path.name


def _at_hand(name: str, download: bool) -> Path:
    for place in places():
        path = find_weights(name, place)
        if path is not None:
            return path
    if not download:
        looked = " and ".join(str(place) for place in places())
        raise ValueError(
            f"weights: found none of {name} in {looked}; set {VARIABLE} to a file or folder that has them, "
            f"or load_encoder({name!r}, download=True) once"
        )
    from torchvision.models import get_model_weights

    url = get_model_weights(name)["IMAGENET1K_V1"].url
    path = places()[-1] / Path(url).name
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(url, str(path), hash_prefix=path.stem.split("-")[-1], progress=False)
    return path
