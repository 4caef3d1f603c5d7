"""Gatys' style loss: squared differences of Gram matrices, summed over weighted layers.

Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, Eq. 4-5.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from nstkit.losses.features import check_features, pick_layer
from nstkit.losses.gram import gram_matrix


def gatys_style_loss(
    generated: Mapping[str, Tensor], style: Mapping[str, Tensor], weights: Mapping[str, float]
) -> Tensor:
    """Σ_l w_l E_l with E_l = ‖G_g/M_g − G_s/M_s‖² / (4 C²), mean over the batch; M is each image's own H·W.

    For images of one size this is Gatys' 1/(4 C² M²) · Σ (G_g − G_s)²; the two G are not normalised.

    Args:
        generated: Feature maps (B, C, H, W) by layer. C, H and W may differ from layer to layer.
        style: Feature maps (B, C, H', W') by layer, or (1, C, H', W') for one style for all. Constants: no
            gradient reaches them.
        weights: w_l by layer; only these layers count.

    Returns:
        0-d, differentiable in `generated`.

    Raises:
        KeyError: A weighted layer is missing from `generated` or `style`.
        ValueError: `weights` is empty, or C or the batches do not fit.

    Source: Gatys et al., CVPR 2016, Eq. 4 and 5.
    """
    if not weights:
        raise ValueError("weights: expected at least one layer with its weight, got none")
    terms = [
        weight * _layer_loss(pick_layer(generated, layer, "generated"), pick_layer(style, layer, "style"))
        for layer, weight in weights.items()
    ]
    return torch.stack(terms).sum()


def _layer_loss(generated: Tensor, style: Tensor) -> Tensor:
    """E_l; the mean over (B, C, C) supplies the mean over the batch and 1/C²."""
    _check_pair(generated, style)
    difference = gram_matrix(generated, "hw") - gram_matrix(style.detach(), "hw")  # (B, C, C)
    return difference.square().mean() / 4


def _check_pair(generated: Tensor, style: Tensor) -> None:
    check_features(generated, "generated")
    check_features(style, "style")
    batch, channels = generated.shape[:2]
    if style.shape[1] != channels:
        raise ValueError(
            f"style: expected {channels} channels as in generated, got {style.shape[1]}; "
            "take both from the same layer of one encoder"
        )
    if len(style) not in (1, batch):
        raise ValueError(f"style: expected a batch of 1 or {batch} as in generated, got {len(style)}")
