"""STROTSS' terms: columns of features at points drawn anew at each step, and what they should be like.

Kolkin, Salavon & Shakhnarovich, CVPR 2019, arXiv:1904.12785, Section 3. The same points serve all layers, whose
features are joined to one hypercolumn per point. `guide` says where in the result, and `source` where in the style, how
densely points lie (see `places`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.losses.relaxed_emd import (
    absolute_moment_loss,
    cosine_distances,
    hypercolumns,
    relaxed,
    self_similarity_loss,
)
from nstkit.transfer.draws import Draw
from nstkit.transfer.places import moved
from nstkit.transfer.regions import Guide, shown
from nstkit.transfer.style_targets import each

POINTS = 1024
"""Points at a step (Section 3.1)."""
STYLE_POINTS = 4096
"""Points of a style, drawn once."""

# Rows: brightness and two colour differences, all of length 1 and at right angles
_OPPONENT = ((3**-0.5,) * 3, (2**-0.5, -(2**-0.5), 0.0), (6**-0.5, 6**-0.5, -2 * 6**-0.5))


class ColumnTarget:
    """The relaxed EMD of directions and the absolute differences of moments, of hypercolumns."""

    def __init__(
        self, features: Sequence[Tensor], draw: Draw, guide: Guide | None = None, source: Guide | None = None
    ) -> None:
        self._guide = guide
        self._style = hypercolumns(features, points(features[0], STYLE_POINTS, draw, source))
        self.energy = self._style.new_ones(1)

    def gap(self, features: Sequence[Tensor], draw: Draw) -> Tensor:
        """For features of all layers, (B, C_l, h_l, w_l) each: (B,)."""
        columns = hypercolumns(features, points(features[0], POINTS, draw, self._guide))
        moments = [absolute_moment_loss(c[None], s[None]) for c, s in each(columns, self._style)]
        return relaxed(cosine_distances(columns, self._style)) + torch.stack(moments)


class PaletteTarget:
    """The relaxed EMD of colours in decorrelated coordinates: cosine plus Euclidean distance, /√3."""

    def __init__(
        self, features: Sequence[Tensor], draw: Draw, guide: Guide | None = None, source: Guide | None = None
    ) -> None:
        self._guide = guide
        self._turn = features[0].new_tensor(_OPPONENT)
        self._style = self._colors(features, STYLE_POINTS, draw, source)
        self.energy = self._style.new_ones(1)

    def gap(self, features: Sequence[Tensor], draw: Draw) -> Tensor:
        """For the pixels, (B, 3, H, W) in a list: (B,)."""
        colors = self._colors(features, POINTS, draw, self._guide)
        lengths = colors.square().sum(1)[:, :, None] + self._style.square().sum(1)[:, None]
        squares = (lengths - 2 * colors.mT @ self._style).clamp(min=0)  # (B, N, M)
        euclidean = (squares / 3 + 1e-5).sqrt()
        return relaxed(cosine_distances(colors, self._style) + euclidean)

    def _colors(self, features: Sequence[Tensor], count: int, draw: Draw, guide: Guide | None) -> Tensor:
        return self._turn @ hypercolumns(features, points(features[0], count, draw, guide))


class SelfSimilarity:
    """The content term: how alike the content's features are to each other at the drawn points."""

    def __init__(self, content: Sequence[Tensor]) -> None:
        self._content = list(content)

    def gap(self, features: Sequence[Tensor], draw: Draw) -> Tensor:
        """For features of all content layers: (B,)."""
        where = points(features[0], POINTS, draw)
        pairs = zip(hypercolumns(features, where), hypercolumns(self._content, where), strict=True)
        return torch.stack([self_similarity_loss(x[None], c[None]) for x, c in pairs])


def points(features: Tensor, count: int, draw: Draw, guide: Guide | None = None) -> Tensor:
    """Points of the unit square, (n, 2): `count`, or as many as the layer has positions that count if these are fewer.

    Uniform, or as dense as a guide says for the positions of this layer.
    """
    height, width = features.shape[2:]
    places = shown(guide, height, width)
    assert places is not None
    generator = draw.generator(features.device)
    even = torch.rand(min(count, places.count), 2, generator=generator, device=features.device).to(features)
    if guide is None or places.everywhere:
        return even
    return moved(even, guide.at(height, width).square())
