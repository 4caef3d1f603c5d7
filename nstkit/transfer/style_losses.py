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
    styles: Sequence[Mapping[str, Tensor]], weights: Sequence[float], options: Options, regions: Regions
) -> list[StyleTerm]:
    """The terms that the options ask for.

    Args:
        styles: features by layer, (1, C, h, w), of each style.
        weights: of each style, summing to 1.
        regions: where each style counts, and which part of it is read.
    """
    terms, columns = [], {}
    for layer, weight in options.style_layers.items():
        for loss in options.losses_of(layer):
            if loss == "relaxed_emd":
                columns[layer] = weight
                continue
            name = layer if loss == options.losses_of(layer)[0] else f"{layer}:{loss}"
            maps = [features[layer] for features in styles]
            targets = _targets(loss, maps, weights, options, regions, name)
            terms.append(StyleTerm(name, (layer,), weight, targets))
    if columns:
        draw = Draw(options.seed, 0, "relaxed_emd:style")
        columns_of = [[features[layer] for layer in columns] for features in styles]
        targets = [(w, ColumnTarget(maps, draw)) for w, maps in zip(weights, columns_of, strict=True)]
        terms.append(StyleTerm("relaxed_emd", tuple(columns), sum(columns.values()), targets))
    return terms


def _targets(
    loss: str,
    maps: Sequence[Tensor],
    weights: Sequence[float],
    options: Options,
    regions: Regions,
    name: str,
) -> Targets:
    sources = regions.sources(len(maps))
    if loss in _OF_ALL_STYLES and regions.masks is None:
        return [(1.0, _OF_ALL_STYLES[loss](maps, weights, None, sources, options))]
    guides = [None] * len(maps) if regions.masks is None else [Guide(mask) for mask in regions.masks]
    alone = list(zip(weights, maps, guides, sources, strict=True))
    if loss in _OF_ALL_STYLES:
        return [(w, _OF_ALL_STYLES[loss]([f], [1.0], guide, [s], options)) for w, f, guide, s in alone]
    draw = Draw(options.seed, 0, f"{name}:style")
    return [(w, _OF_ONE_STYLE[loss](f, guide, s, draw)) for w, f, guide, s in alone]


_Sources = Sequence[Guide | None]
_OF_ALL_STYLES: dict[
    str, Callable[[Sequence[Tensor], Sequence[float], Guide | None, _Sources, Options], Any]
] = {
    "gram": lambda f, w, g, s, o: GramTarget(
        f, w, normalize=o.normalize, guide=g, sources=s, scaled=o.balance == "gradient"
    ),
    "centered_gram": lambda f, w, g, s, o: GramTarget(
        f, w, normalize=o.normalize, centered=True, guide=g, sources=s, scaled=o.balance == "gradient"
    ),
    "moments": lambda f, w, g, s, o: MomentsTarget(f, w, g, s),
}
_OF_ONE_STYLE: dict[str, Callable[[Tensor, Guide | None, Guide | None, Draw], Any]] = {
    "wasserstein": lambda f, g, s, d: WassersteinTarget(f, g, s),
    "sliced_wasserstein": lambda f, g, s, d: SlicedTarget(f),
    "patch": lambda f, g, s, d: PatchTarget(f, d),
    "contextual": lambda f, g, s, d: ContextualTarget(f, d),
    "histogram": lambda f, g, s, d: HistogramTarget(f),
    "palette": lambda f, g, s, d: PaletteTarget([f], d),
}


def check_maskable(options: Options, name: str = "masks") -> None:
    """Raise ValueError if masks, called `name`, cannot go with the losses that were asked for."""
    for layer in options.style_layers:
        for loss in options.losses_of(layer):
            if loss not in OF_MOMENTS:
                raise ValueError(
                    f"{name}: expected a style loss of moments, {', '.join(OF_MOMENTS)}, got {loss!r} for {layer}; "
                    "the others match features one by one and know no regions"
                )
