"""The networks that can be an encoder, as named layers without weights.

VGG: Simonyan and Zisserman, ICLR 2015, arXiv 1409.1556. SqueezeNet 1.1: Iandola et al., arXiv 1602.07360.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from nstkit.encoders import tiny_network

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Architecture:
    """Layers on the meta device, and where each finds its weights.

    modules: layers by name, shallow to deep. prefixes: the name of each layer in a weights file. reads: see
    `Encoder`.
    """

    modules: dict[str, nn.Module]
    prefixes: dict[str, str]
    mean: tuple[float, float, float] = IMAGENET_MEAN
    deviation: tuple[float, float, float] = IMAGENET_DEVIATION
    reads: Mapping[str, str] = field(default_factory=dict)


def _vgg_names(features: nn.Sequential) -> Iterator[str]:
    """conv1_1, relu1_1, ..., pool1, conv2_1, ... for the layers of a VGG."""
    block, index = 1, 0
    for module in features:
        if isinstance(module, nn.MaxPool2d):
            yield f"pool{block}"
            block, index = block + 1, 0
            continue
        index += isinstance(module, nn.Conv2d)
        yield f"{'conv' if isinstance(module, nn.Conv2d) else 'relu'}{block}_{index}"


def _squeezenet_names(features: nn.Sequential) -> Iterator[str]:
    """conv1, relu1, pool1, fire2, fire3, pool3, ...: the paper's numbers; a pool has the number below it."""
    number = 1
    for module in features:
        kind = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.MaxPool2d: "pool"}.get(type(module), "fire")
        number += kind == "fire"
        yield f"{kind}{number}"


def _from_torchvision(name: str, names: Callable[[nn.Sequential], Iterator[str]]) -> Architecture:
    from torchvision.models import get_model  # slow to import, and tiny does without

    with torch.device("meta"):  # no time and no random numbers spent on weights that are replaced anyway
        features = get_model(name, weights=None).features
    layers = list(names(features))
    modules = {layer: _out_of_place(module) for layer, module in zip(layers, features, strict=True)}
    return Architecture(modules, {layer: f"features.{index}" for index, layer in enumerate(layers)})


def _out_of_place(module: nn.Module) -> nn.Module:
    """torchvision's ReLU overwrites the convolution's output, which may have been asked for."""
    return nn.ReLU() if isinstance(module, nn.ReLU) else module


def _tiny() -> Architecture:
    with torch.device("meta"):
        modules = {**tiny_network.texture_modules(), **tiny_network.trunk_modules()}
    return Architecture(
        modules,
        {layer: layer for layer in modules},
        mean=tiny_network.MEAN,
        deviation=tiny_network.DEVIATION,
        reads={"conv1_1": "image"},
    )


ARCHITECTURES: dict[str, Callable[[], Architecture]] = {
    "vgg19": lambda: _from_torchvision("vgg19", _vgg_names),
    "vgg16": lambda: _from_torchvision("vgg16", _vgg_names),
    "squeezenet1_1": lambda: _from_torchvision("squeezenet1_1", _squeezenet_names),
    "tiny": _tiny,
}
