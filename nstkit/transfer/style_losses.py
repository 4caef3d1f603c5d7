"""The style losses by name, and how one becomes targets: one for all styles, one per style, or one per mask.

"a+b" names two losses of one layer; each is a term of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from nstkit.transfer.column_targets import ColumnTarget, PaletteTarget
from nstkit.transfer.draws import Draw
from nstkit.transfer.matching_targets import ContextualTarget, HistogramTarget, PatchTarget, SlicedTarget
from nstkit.transfer.moment_targets import MomentsTarget, WassersteinTarget
from nstkit.transfer.options import Options
from nstkit.transfer.regions import Guide, Regions
from nstkit.transfer.style_targets import GramTarget

Targets = list[tuple[float, Any]]
OF_MOMENTS = ("gram", "centered_gram", "moments", "wasserstein")
"""Losses that read means and second moments alone."""


@dataclass(frozen=True)
class StyleTerm:
    """One term of the style loss.

    Attributes:
        name: of the term: its layer, and the loss where it is not the layer's first.
        layers: that the targets read, all together.
        weight: in the style loss.
        targets: with weights that sum to 1.
    """

    name: str
    layers: tuple[str, ...]
    weight: float
    targets: Targets

    @property
    def start(self) -> float:
        """Where the balanced term starts: 1, or 0.1 for a matching that never comes near 0 and would outweigh all."""
        matches = (PatchTarget, ContextualTarget, ColumnTarget, PaletteTarget)
        return 0.1 if any(isinstance(target, matches) for _, target in self.targets) else 1.0

    @property
    def of_moments(self) -> bool:
        """Whether the term depends on means and second moments of its only layer alone (see `MomentTarget`)."""
        return all(getattr(target, "of_moments", False) for _, target in self.targets)

    def gap(self, features: Mapping[str, Tensor], draw: Draw) -> Tensor:
        """The weighted gaps of the targets, for each image, (B,)."""
        maps = [features[name] for name in self.layers]
        draw = draw.at(self.name)
        joint = self.targets and isinstance(self.targets[0][1], (ColumnTarget, PaletteTarget))
        gaps = [w * target.gap(maps if joint else maps[0], draw) for w, target in self.targets]
        total = gaps[0]
        for gap in gaps[1:]:
            total = total + gap
        return total


def style_terms(
    styles: Sequence[Mapping[str, Tensor]],
    weights: Sequence[float],
    options: Options,
    regions: Regions,
    copies: Sequence[Mapping[str, Sequence[Tensor]]] = (),
) -> list[StyleTerm]:
    """The terms that the options ask for.

    Args:
        styles: features by layer, (1, C, h, w), of each style.
        weights: of each style, summing to 1.
        regions: where each style counts, and which part of it is read.
        copies: for each style the patches of its copies, by layer.
    """
    terms, columns = [], {}
    count = len(styles)
    known = [*zip(styles, regions.guides(count), regions.sources(count), copies or [{}] * count, strict=True)]
    for layer, weight in options.style_layers.items():
        for loss in options.losses_of(layer):
            if loss == "relaxed_emd":
                columns[layer] = weight
                continue
            name = layer if loss == options.losses_of(layer)[0] else f"{layer}:{loss}"
            read = [_Read(f[layer], guide, source, more.get(layer, ())) for f, guide, source, more in known]
            targets = _targets(loss, read, weights, options, regions.masks is None, name)
            terms.append(StyleTerm(name, (layer,), weight, targets))
    if columns:
        draw = Draw(options.seed, 0, "relaxed_emd:style")
        joint = [ColumnTarget([f[layer] for layer in columns], draw, g, s) for f, g, s, _ in known]
        targets = list(zip(weights, joint, strict=True))
        terms.append(StyleTerm("relaxed_emd", tuple(columns), sum(columns.values()), targets))
    return terms


@dataclass(frozen=True)
class _Read:
    """One style at one layer: its features, where it counts, which part is read, and patches of its copies."""

    features: Tensor
    guide: Guide | None
    source: Guide | None
    copies: Sequence[Tensor]


def _targets(
    loss: str, read: Sequence[_Read], weights: Sequence[float], options: Options, everywhere: bool, name: str
) -> Targets:
    if loss in _OF_ALL_STYLES:
        make = _OF_ALL_STYLES[loss]
        if everywhere:
            return [(1.0, make(read, weights, options))]
        return [(w, make([r], [1.0], options)) for w, r in zip(weights, read, strict=True)]
    draw = Draw(options.seed, 0, f"{name}:style")
    return [(w, _OF_ONE_STYLE[loss](r, draw)) for w, r in zip(weights, read, strict=True)]


def _gram(
    read: Sequence[_Read], weights: Sequence[float], options: Options, *, centered: bool = False
) -> GramTarget:
    return GramTarget(
        [r.features for r in read], weights, normalize=options.normalize, centered=centered, guide=read[0].guide,
        sources=[r.source for r in read], scaled=options.balance == "gradient",
    )  # fmt: skip


_OF_ALL_STYLES: dict[str, Callable[[Sequence[_Read], Sequence[float], Options], Any]] = {
    "gram": lambda r, w, o: _gram(r, w, o),
    "centered_gram": lambda r, w, o: _gram(r, w, o, centered=True),
    "moments": lambda r, w, o: MomentsTarget([s.features for s in r], w, r[0].guide, [s.source for s in r]),
}
_OF_ONE_STYLE: dict[str, Callable[[_Read, Draw], Any]] = {
    "wasserstein": lambda r, d: WassersteinTarget(r.features, r.guide, r.source),
    "sliced_wasserstein": lambda r, d: SlicedTarget(r.features, r.guide, r.source),
    "patch": lambda r, d: PatchTarget(r.features, d, r.guide, r.source, r.copies),
    "contextual": lambda r, d: ContextualTarget(r.features, d, r.guide, r.source),
    "histogram": lambda r, d: HistogramTarget(r.features, r.guide, r.source),
    "palette": lambda r, d: PaletteTarget([r.features], d, r.guide, r.source),
}
