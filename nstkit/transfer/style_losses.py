"""The style losses by name, and how each becomes targets: one for all styles, one per style, or one per mask."""

from collections.abc import Callable, Sequence

from torch import Tensor

from nstkit.transfer.options import Options
from nstkit.transfer.regions import Guide
from nstkit.transfer.style_targets import GramTarget, StyleTarget

Targets = list[tuple[float, StyleTarget]]


def style_targets(
    layer: str, features: Sequence[Tensor], weights: Sequence[float], options: Options, masks: Tensor | None
) -> Targets:
    """What one layer is compared with.

    Args:
        layer: its name.
        features: of each style, (1, C, h, w).
        weights: of each style, summing to 1.
        masks: (K, H, W), where each style counts, or None for everywhere.
    Returns:
        Targets with their weights, for `gap`.
    """
    make = _MAKERS[options.style_loss]
    if masks is None:
        return make(features, weights, None, options)
    return [
        (w * part, target)
        for f, w, mask in zip(features, weights, masks, strict=True)
        for part, target in make([f], [1.0], Guide(mask), options)
    ]


def _gram(
    features: Sequence[Tensor], weights: Sequence[float], guide: Guide | None, options: Options
) -> Targets:
    centered = options.style_loss == "centered_gram"
    return [(1.0, GramTarget(features, weights, normalize=options.normalize, centered=centered, guide=guide))]


_MAKERS: dict[str, Callable[..., Targets]] = {"gram": _gram, "centered_gram": _gram}
