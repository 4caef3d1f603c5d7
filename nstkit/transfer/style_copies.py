"""Turned and scaled copies of a style, in whose patches the patch loss also looks for one to be like.

A patch of a wall that leans finds its like in a wall that stands. Li & Wand, "Combining Markov Random Fields and
Convolutional Neural Networks for Image Synthesis", CVPR 2016, arXiv:1601.04589, turn by multiples of π/24 and scale by
steps of 5 %.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nstkit.images import resize
from nstkit.transfer.draws import Draw
from nstkit.transfer.matching_targets import drawn_patches, patch_size
from nstkit.transfer.options import Options
from nstkit.transfer.regions import Guide

COPIED = 512
"""Patches that are taken of each copy at a layer, at most: Li & Wand take all, and 34 copies have very many."""


def turned(picture: Tensor, degrees: float) -> Tensor:
    """The picture turned anticlockwise around its middle, and cut to what of its own proportions lies in it.

    Args:
        picture: (B, C, H, W), float32 or float64; an image, or a mask.
        degrees: any number.
    Returns:
        (B, C, h, w), bilinear; the picture itself at 0. Differentiable.
    """
    if degrees == 0:
        return picture
    height, width = picture.shape[2:]
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    across, down = width * abs(cosine) + height * abs(sine), width * abs(sine) + height * abs(cosine)
    share = min(width / across, height / down) + 1e-9  # rounding must not cost a pixel
    rows, columns = (max(1, int(share * side)) for side in (height, width))
    y, x = (
        (torch.arange(side, dtype=picture.dtype, device=picture.device) - (side - 1) / 2)
        for side in (rows, columns)
    )
    right = cosine * x - sine * y[:, None]  # pixels from the middle, in the picture as it is
    below = sine * x + cosine * y[:, None]
    grid = torch.stack([2 * right / width, 2 * below / height], 2).expand(len(picture), -1, -1, -1)
    return F.grid_sample(picture, grid, mode="bilinear", padding_mode="border", align_corners=False)


def copies_of(
    style: Tensor, mask: Tensor | None, sizes: Sequence[float], turns: Sequence[float], least: int
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Every size with every turn, but for the style as it is; what no side below `least` has and the mask shows.

    Args:
        style: (B, 3, H, W).
        mask: (h, w), which part of it is read; turned likewise.
        sizes: relative to the style; 1 is always among them.
        turns: in degrees; 0 is always among them.
    """
    for size, turn in itertools.product(dict.fromkeys([1.0, *sizes]), dict.fromkeys([0.0, *turns])):
        if (size, turn) == (1, 0):
            continue
        height, width = (max(1, round(size * side)) for side in style.shape[2:])
        copy = turned(resize(style, (height, width)), turn)
        part = None if mask is None else turned(mask[None, None], turn)[0, 0]
        seen = part is None or not bool((part <= 0).all())
        if seen and min(copy.shape[2:]) >= least:
            yield copy, part


def copied_patches(
    encode: Callable[[Tensor], Mapping[str, Tensor]],
    style: Tensor,
    mask: Tensor | None,
    layers: Sequence[str],
    options: Options,
    least: int,
) -> dict[str, list[Tensor]]:
    """Patches of the style's copies at each of the layers, (B, C·s², n): what `PatchTarget` takes.

    Args:
        encode: answers with features for at least the layers.
        style, mask, least: as for `copies_of`.
        options: `patch_sizes` and `patch_turns`, and the seed.
    """
    found: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    copies = copies_of(style, mask, options.patch_sizes, options.patch_turns, least) if layers else ()
    for number, (copy, part) in enumerate(copies):
        features, guide = encode(copy), None if part is None else Guide(part)
        for layer in layers:
            draw, size = Draw(options.seed, 0, f"{layer}:copy{number}"), patch_size(features[layer], guide)
            found[layer].append(drawn_patches(features[layer], draw, size, COPIED, guide))
    return found
