"""The objective of style transfer: a content and a style loss, weighed against each other over the pixels.

Gatys, Ecker & Bethge, CVPR 2016, Eq. 7, for any encoder and with every term reported.
"""

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from nstkit.losses.content import content_loss
from nstkit.losses.features import EncoderFunction, pick_layer
from nstkit.losses.gram import gram_matrix


def nst_objective(
    image: Tensor,
    encoder: EncoderFunction,
    targets: Mapping[str, Mapping[str, Tensor]],
    content_weight: float,
    style_weight: float,
    layer_weights: Mapping[str, float] | None = None,
) -> tuple[Tensor, dict[str, float]]:
    """α L_c + β L_s, L_c = Σ_l mean((F_l − P_l)²), L_s = Σ_l w_l ‖G_l − A_l‖², G = F Fᵀ/(C·H·W); batch mean.

    Args:
        image: (B, 3, H, W). The gradient reaches its pixels.
        encoder: Called once; `Encoder.cut` gives one that computes no more than the targets need.
        targets: {"content": {layer: P}, "style": {layer: A}}, see `nstkit.transfer.precompute_targets`.
        content_weight: α ≥ 0.
        style_weight: β ≥ 0; not both 0.
        layer_weights: w_l ≥ 0 by style layer; 1 / (number of style layers) each if None.

    Returns:
        The total, 0-d, and a report: floats under "total", "content" (L_c), "style" (L_s) and, without w_l,
        "style/<layer>".

    Raises:
        KeyError: A layer is missing from the encoder or from `layer_weights`.
        ValueError: A weight is negative, both are 0, there is no target, or a shape does not fit.

    Source: Gatys et al., CVPR 2016, Eq. 7; norms and G of Johnson et al., ECCV 2016, Eq. 2-4.
    """
    weights = _checked_weights(content_weight, style_weight, targets, layer_weights)
    features = encoder(image)
    content = [
        content_loss(pick_layer(features, layer, "encoder"), target, "mean")
        for layer, target in targets["content"].items()
    ]
    style = {
        layer: _gram_distance(pick_layer(features, layer, "encoder"), target, layer)
        for layer, target in targets["style"].items()
    }
    content_term = _sum(content, image)
    style_term = _sum((weights[layer] * distance for layer, distance in style.items()), image)
    total = content_weight * content_term + style_weight * style_term
    report = {"total": total, "content": content_term, "style": style_term}
    return total, _floats(report | {f"style/{layer}": distance for layer, distance in style.items()})


def _gram_distance(features: Tensor, target: Tensor, layer: str) -> Tensor:
    """‖G − A‖², averaged over the batch."""
    gram = gram_matrix(features)  # (B, C, C)
    if target.shape[1:] != gram.shape[1:] or len(target) not in (1, len(gram)):
        raise ValueError(
            f"targets: expected a Gram matrix {tuple(gram.shape)} for style layer {layer!r}, "
            f"got {tuple(target.shape)}; make the targets with the same encoder"
        )
    return (gram - target.detach()).square().sum((1, 2)).mean()


def _sum(terms: Iterable[Tensor], image: Tensor) -> Tensor:
    found = list(terms)
    return torch.stack(found).sum() if found else image.new_zeros(())


def _floats(tensors: Mapping[str, Tensor]) -> dict[str, float]:
    """0-d tensors as floats; a GPU is waited for once, not once per number."""
    return dict(zip(tensors, torch.stack(list(tensors.values())).tolist(), strict=True))


def _checked_weights(
    content_weight: float,
    style_weight: float,
    targets: Mapping[str, Mapping[str, Tensor]],
    layer_weights: Mapping[str, float] | None,
) -> Mapping[str, float]:
    """The weights of the style layers, once all weights are known to make sense."""
    _check_not_negative({"content_weight": content_weight, "style_weight": style_weight})
    if content_weight == style_weight == 0:
        raise ValueError("content_weight, style_weight: expected at least one above 0, got 0 and 0")
    layers = list(targets["style"])
    if not layers and not targets["content"]:
        raise ValueError("targets: expected at least one content or style layer, got none")
    if layer_weights is None:
        return {layer: 1 / len(layers) for layer in layers}
    for layer in layers:
        if layer not in layer_weights:
            raise KeyError(
                f"layer_weights: no weight for {layer!r}; give one for each of {', '.join(layers)}"
            )
    _check_not_negative({f"layer_weights[{layer!r}]": layer_weights[layer] for layer in layers})
    return layer_weights


def _check_not_negative(weights: Mapping[str, float]) -> None:
    for name, weight in weights.items():
        if not 0 <= weight < math.inf:
            raise ValueError(f"{name}: expected a finite number ≥ 0, got {weight}")
