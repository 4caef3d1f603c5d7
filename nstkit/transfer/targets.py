"""The targets of a transfer: features of the content image and Gram matrices of the style image, as constants.

Gatys, Ecker & Bethge, CVPR 2016, Section 2: neither changes while the pixels do, so both are computed once.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.losses.features import EncoderFunction, pick_layer
from nstkit.losses.gram import gram_matrix


def precompute_targets(
    encoder: EncoderFunction,
    content: Tensor,
    style: Tensor,
    content_layers: Sequence[str],
    style_layers: Sequence[str],
) -> dict[str, dict[str, Tensor]]:
    """What `nst_objective` compares with: {"content": {layer: F}, "style": {layer: F Fᵀ/(C·H·W)}}.

    Args:
        encoder: From an image to its features by layer; called once for each image.
        content: (B, 3, H, W).
        style: (B, 3, H', W') or (1, 3, H', W'); its size is its own.
        content_layers: Layers whose features (B, C, h, w) are kept; may be empty if `style_layers` is not.
        style_layers: Layers whose Gram matrices (B, C, C) are kept; likewise.

    Returns:
        The targets, without a graph, whatever requires a gradient; they can be used in a later backward pass.

    Raises:
        KeyError: The encoder lacks a layer.
        ValueError: Both lists of layers are empty.
    """
    if not content_layers and not style_layers:
        raise ValueError("content_layers, style_layers: expected at least one layer, got none")
    with torch.no_grad():
        features = _features(encoder, content, content_layers)
        grams = {layer: gram_matrix(map_) for layer, map_ in _features(encoder, style, style_layers).items()}
    return {"content": features, "style": grams}


def _features(encoder: EncoderFunction, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """One pass; an encoder may hand its input through, so that no_grad alone is not enough."""
    features = encoder(image)
    return {layer: pick_layer(features, layer, "encoder").detach() for layer in layers}
