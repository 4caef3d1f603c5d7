"""Targets that match features one by one: histogram, sliced_wasserstein, patch and contextual.

All but the histogram draw something at random: directions, or which places are looked at where there are too many.
`guide` says where in the result, and `source` where in the style, places count, and how much: see `places`.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from nstkit.losses.contextual import contextual_loss
from nstkit.losses.histogram import remapping_gap
from nstkit.losses.patch import matched_gap
from nstkit.losses.sliced_wasserstein import sliced_gap, sorted_projections
from nstkit.losses.weighted_quantiles import quantiles, weighted_gap
from nstkit.transfer.draws import Draw
from nstkit.transfer.places import chosen
from nstkit.transfer.regions import Guide, shown
from nstkit.transfer.style_targets import StyleTarget, each, guided

PATCH = 3
"""Side of a patch (Li & Wand, CVPR 2016, Section 3)."""
PATCHES = 2048
"""Patches of a layer that are compared at a step, and patches of a style that are known."""
COLUMNS = 1024
"""Columns on either side of the contextual loss: it holds their similarities in pairs."""


class HistogramTarget(StyleTarget):
    """See `histogram_loss`; with masks, histograms count each place as they do."""

    def __init__(self, style: Tensor, guide: Guide | None = None, source: Guide | None = None) -> None:
        self._guide = guide
        columns, weights = seen(style, source)
        self._even, self._wanted = weights is None, quantiles(columns, weights)
        self.energy = energy_of(style, source)

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        columns, weights = seen(features, self._guide)
        if self._even and weights is None:
            return remapping_gap(columns, self._wanted[0])
        return weighted_gap(columns, weights, self._wanted)


class SlicedTarget(StyleTarget):
    """See `sliced_wasserstein_loss`; as many directions as channels (Heitz et al., CVPR 2021).

    With masks, each place counts in the sorted lists as they say.
    """

    def __init__(self, style: Tensor, guide: Guide | None = None, source: Guide | None = None) -> None:
        self._guide = guide
        self._style, self._weights = seen(style, source)
        self.energy = energy_of(style, source)

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        channels, device = features.shape[1], features.device
        directions = torch.randn(channels, channels, generator=draw.generator(device), device=device)
        units = F.normalize(directions, dim=1).to(features)
        columns, weights = seen(features, self._guide)
        if weights is None and self._weights is None:
            return sliced_gap(sorted_projections(columns, units), sorted_projections(self._style, units))
        return weighted_gap(units @ columns, weights, quantiles(units @ self._style, self._weights))


class PatchTarget(StyleTarget):
    """See `patch_loss`, over at most `PATCHES` patches of either side.

    A patch belongs to a region if it lies in it as a whole: those that reach across a border of `guide` are not
    compared, and none across a border of `source` is one to be like. Where a layer or a region is too narrow for a
    patch, all patches are smaller.

    Args:
        copies: more patches to be like, (B, C·s², n) each for a style of batch B (see `style_copies`).
    """

    def __init__(
        self,
        style: Tensor,
        draw: Draw,
        guide: Guide | None = None,
        source: Guide | None = None,
        copies: Sequence[Tensor] = (),
    ) -> None:
        self._style, self._draw, self._guide, self._source = style, draw, guide, source
        self._copies = copies
        self._known: dict[int, Tensor] = {}
        self.energy = energy_of(style, source)

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        size = min(patch_size(features, self._guide), patch_size(self._style, self._source))
        if size not in self._known:
            own = drawn_patches(self._style, self._draw, size, guide=self._source)
            channels = self._style.shape[1]
            self._known[size] = torch.cat([own, *(_smaller(c, channels, size) for c in self._copies)], 2)
        patches = drawn_patches(features, draw, size, guide=self._guide)
        return torch.stack([matched_gap(p, known) for p, known in each(patches, self._known[size])])


class ContextualTarget(StyleTarget):
    """See `contextual_loss`, over at most `COLUMNS` columns of either side, drawn as masks say."""

    def __init__(
        self, style: Tensor, draw: Draw, guide: Guide | None = None, source: Guide | None = None
    ) -> None:
        self._guide = guide
        self._columns = drawn_columns(style, COLUMNS, draw, source)
        self.energy = style.new_ones(1)

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """See StyleTarget."""
        columns = drawn_columns(features, COLUMNS, draw, self._guide)
        return torch.stack([contextual_loss(c[None], s[None]) for c, s in each(columns, self._columns)])


def seen(features: Tensor, guide: Guide | None) -> tuple[Tensor, Tensor | None]:
    """What a guide shows of (B, C, h, w): columns (B, C, n), and the weight of each, None where all are equal."""
    places = shown(guide, *features.shape[2:])
    assert places is not None  # of single positions there always is one
    return places.of(features.flatten(2)), places.weights


def energy_of(style: Tensor, source: Guide | None) -> Tensor:
    """The mean square of what is read of a style, (B,)."""
    return guided(style, source).square().mean((1, 2, 3))


def patch_size(features: Tensor, guide: Guide | None) -> int:
    """The side of the largest patch, up to `PATCH`, that lies in the features and in what a guide shows of them."""
    height, width = features.shape[2:]
    sizes = range(min(PATCH, height, width), 1, -1)
    return next((size for size in sizes if shown(guide, height, width, size) is not None), 1)


def drawn_columns(features: Tensor, count: int, draw: Draw, guide: Guide | None = None) -> Tensor:
    """At most `count` columns of (B, C, h, w), the same places in each image: (B, C, n)."""
    places = shown(guide, *features.shape[2:])
    assert places is not None
    columns, found = features.flatten(2), chosen(places, count, draw, features.device)
    return columns if found is None else columns[:, :, found]


def drawn_patches(
    features: Tensor, draw: Draw, size: int, count: int = PATCHES, guide: Guide | None = None
) -> Tensor:
    """At most `count` patches of (B, C, h, w) as columns, (B, C·size², n); never all of them at once."""
    height, width = features.shape[2:]
    across = width - size + 1
    places = shown(guide, height, width, size)
    assert places is not None  # see `patch_size`
    found = chosen(places, count, draw, features.device)
    corners = torch.arange(places.count, device=features.device) if found is None else found
    first = corners // across * width + corners % across  # index of each top left
    steps = torch.arange(size, device=features.device)
    offsets = (steps[:, None] * width + steps).flatten()
    patches = features.flatten(2)[:, :, offsets[:, None] + first]  # (B, C, size², n)
    return patches.flatten(1, 2)


def _smaller(patches: Tensor, channels: int, size: int) -> Tensor:
    """The upper left size x size entries of patches (B, C·s², n)."""
    side = round((patches.shape[1] / channels) ** 0.5)
    return patches.unflatten(1, (channels, side, side))[:, :, :size, :size].flatten(1, 3)
