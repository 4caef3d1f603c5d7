"""Targets that match features one by one: histogram, sliced_wasserstein, patch and contextual.

All but the histogram draw something at random: directions, or which places are looked at where there are too many.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from nstkit.losses.contextual import contextual_loss
from nstkit.losses.histogram import remapping_gap
from nstkit.losses.patch import matched_gap
from nstkit.losses.sliced_wasserstein import sliced_gap, sorted_projections
from nstkit.transfer.draws import Draw
from nstkit.transfer.style_targets import StyleTarget, each

PATCH = 3
"""Side of a patch (Li & Wand, CVPR 2016, Section 3)."""
PATCHES = 2048
"""Patches of a layer that are compared at a step, and patches of a style that are known."""
COLUMNS = 1024
"""Columns on either side of the contextual loss: it holds their similarities in pairs."""


class HistogramTarget(StyleTarget):
    """See `histogram_loss`."""

    def __init__(self, style: Tensor) -> None:
        self._sorted = style.flatten(2).sort(dim=2).values
        self.energy = style.square().mean((1, 2, 3))

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        return remapping_gap(features.flatten(2), self._sorted)


class SlicedTarget(StyleTarget):
    """See `sliced_wasserstein_loss`; as many directions as channels (Heitz et al., CVPR 2021)."""

    def __init__(self, style: Tensor) -> None:
        self._style = style
        self.energy = style.square().mean((1, 2, 3))

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        channels, device = features.shape[1], features.device
        directions = torch.randn(channels, channels, generator=draw.generator(device), device=device)
        units = F.normalize(directions, dim=1).to(features)
        return sliced_gap(sorted_projections(features, units), sorted_projections(self._style, units))


class PatchTarget(StyleTarget):
    """See `patch_loss`, over at most `PATCHES` patches of either side."""

    def __init__(self, style: Tensor, draw: Draw) -> None:
        self._style, self._draw = style, draw
        self._known: dict[int, Tensor] = {}
        self.energy = style.square().mean((1, 2, 3))

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        # deep layers may be smaller than a patch
        size = min(PATCH, *features.shape[2:], *self._style.shape[2:])
        if size not in self._known:
            self._known[size] = drawn_patches(self._style, self._draw, size)
        patches = drawn_patches(features, draw, size)
        return torch.stack([matched_gap(p, known) for p, known in each(patches, self._known[size])])


class ContextualTarget(StyleTarget):
    """See `contextual_loss`, over at most `COLUMNS` columns of either side."""

    def __init__(self, style: Tensor, draw: Draw) -> None:
        self._columns = drawn_columns(style, COLUMNS, draw)
        self.energy = style.new_ones(1)

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        columns = drawn_columns(features, COLUMNS, draw)
        return torch.stack([contextual_loss(c[None], s[None]) for c, s in each(columns, self._columns)])


def drawn_columns(features: Tensor, count: int, draw: Draw) -> Tensor:
    """At most `count` columns of (B, C, h, w), the same places in each image: (B, C, n)."""
    columns = features.flatten(2)
    chosen = _choice(columns.shape[2], count, draw, features.device)
    return columns if chosen is None else columns[:, :, chosen]


def drawn_patches(features: Tensor, draw: Draw, size: int, count: int = PATCHES) -> Tensor:
    """At most `count` patches of (B, C, h, w) as columns, (B, C·size², n); never all of them at once."""
    height, width = features.shape[2:]
    across = width - size + 1
    places = (height - size + 1) * across
    chosen = _choice(places, count, draw, features.device)
    corners = torch.arange(places, device=features.device) if chosen is None else chosen
    first = corners // across * width + corners % across  # index of each top left
    steps = torch.arange(size, device=features.device)
    offsets = (steps[:, None] * width + steps).flatten()
    patches = features.flatten(2)[:, :, offsets[:, None] + first]  # (B, C, size², n)
    return patches.flatten(1, 2)


def _choice(total: int, count: int, draw: Draw, device: torch.device) -> Tensor | None:
    """`count` of `total` places without repetition, or None for all of them."""
    if total <= count:
        return None
    return torch.randperm(total, generator=draw.generator(device), device=device)[:count]
