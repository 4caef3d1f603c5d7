"""From a trained trunk to the file that ships: fold the batch norm, learn the texture layers, even out the taps.

The result is a plain chain of convolutions and ReLUs, because each step is folded into the weights.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Generator, Tensor, nn

from nstkit.encoders.kmeans import kmeans_filters
from nstkit.encoders.procedural import draw_textures
from nstkit.encoders.tiny_network import (
    DEVIATION,
    MEAN,
    TEXTURE_SIZES,
    TEXTURE_WIDTHS,
    texture_modules,
    trunk_modules,
)


def fold_batch_norm(weight: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the one convolution that equals a bias-free convolution followed by `norm`."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    return weight * gain.view(-1, 1, 1, 1), norm.bias - norm.running_mean * gain


@torch.no_grad()
def export(trunk: Mapping[str, nn.Module], generator: Generator, *, pictures: int = 96) -> dict[str, Tensor]:
    """Turn a trained trunk (modules by name, with batch norm) into tiny's weights, fp16.

    Args:
        trunk: as from `trunk_modules(batch_norm=True)`, trained.
        generator: source of the calibration textures and of k-means.
        pictures: how many calibration textures, 128 pixels each.

    Returns:
        `conv1_1.weight`, `conv1_1.bias` and so on for every convolution.
    """
    textures = (draw_textures(pictures, 128, generator) - MEAN[0]) / DEVIATION[0]
    with torch.device("meta"):
        folded, texture = trunk_modules(), texture_modules()
    for name, module in folded.items():
        norm = trunk.get(name.replace("conv", "norm"))
        if isinstance(norm, nn.BatchNorm2d):
            weight, bias = fold_batch_norm(trunk[name].get_parameter("weight"), norm)
            module.load_state_dict({"weight": weight, "bias": bias}, assign=True)
    even_out(folded, textures)
    learn_textures(texture, textures, generator)
    even_out(texture, textures)
    convolutions = {**folded, **texture}
    return {
        f"{name}.{key}": value.half()
        for name, m in convolutions.items()
        for key, value in m.state_dict().items()
    }


def learn_textures(modules: Mapping[str, nn.Module], pictures: Tensor, generator: Generator) -> None:
    """Fill the texture layers, each from what the layer below sees."""
    maps = pictures
    for index, (width, size) in enumerate(zip(TEXTURE_WIDTHS, TEXTURE_SIZES, strict=True), start=1):
        convolution = modules[f"texture{index}_conv"]
        weight, bias = kmeans_filters(maps, width, size, generator)
        convolution.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        maps = modules[f"texture{index}"](convolution(maps))


def even_out(modules: Mapping[str, nn.Module], pictures: Tensor, *, limit: float = 1e-2) -> None:
    """Scale every channel after a ReLU to unit deviation over `pictures`, and undo it in the next convolution.

    ReLU and every pooling commute with a positive factor, so the layers above see what they saw before.
    Channels whose deviation is below `limit` count as dead and are scaled as if theirs were `limit`.
    """
    maps, scale = pictures, torch.ones(3)
    for module in modules.values():
        if not isinstance(module, nn.Conv2d) or module.bias is None:
            maps = module(maps)
            continue
        module.weight.mul_(scale.view(1, -1, 1, 1))
        raw = module(maps)
        scale = raw.relu().std((0, 2, 3)).clamp(min=limit)
        module.weight.div_(scale.view(-1, 1, 1, 1))
        module.bias.div_(scale)
        maps = raw / scale.view(1, -1, 1, 1)


def save_weights(weights: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file in one piece: a reader sees the old file or the new one."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(save({name: value.contiguous() for name, value in weights.items()}, dict(metadata)))
    os.replace(partial, path)
