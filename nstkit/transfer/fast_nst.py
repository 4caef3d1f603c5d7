"""Training a network that stylises in one pass: one style, many photographs.

Johnson, Alahi & Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
arXiv:1603.08155, Section 3: a fixed loss network measures, the transformation network learns.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nstkit.losses.features import EncoderFunction, pick_layer
from nstkit.losses.gram import gram_matrix
from nstkit.transfer.frozen import frozen


def fast_nst_step(
    net: nn.Module,
    encoder: EncoderFunction,
    content: Tensor,
    style_grams: Mapping[str, Tensor],
    optimizer: torch.optim.Optimizer,
    content_layer: str,
    alpha: float,
    beta: float,
) -> dict[str, float]:
    """One update of `net` by α L_c + β L_s with y = net(content).

    L_c is the mean of (F(y) − F(content))² at one layer; L_s sums over layers the mean over (N, C, C) of
    (G(y) − A)², G = F Fᵀ/(C·H·W) per sample. The content target comes from the *input*.

    Args:
        net: from images to images; the only thing that changes.
        encoder: from an image to features by layer; its parameters and their gradients stay as they are.
        content: (N, 3, H, W).
        style_grams: A by layer, (1, C, C) or (N, C, C).
        optimizer: of net's parameters; old gradients are cleared first.
        alpha, beta: α, β ≥ 0.

    Returns:
        "content", "style" (raw) and "total" (weighted), before the update.

    Raises:
        KeyError: a layer that the encoder lacks.
        ValueError: a negative weight.

    Source: Johnson et al., ECCV 2016, Eq. 2, 4 and 5, with means in the place of the style's squared norm.
    """
    if alpha < 0 or beta < 0:
        raise ValueError(f"alpha, beta: expected at least 0, got {alpha}, {beta}")
    measure = frozen(encoder)
    with torch.no_grad():
        target = pick_layer(measure(content), content_layer, "encoder")
    optimizer.zero_grad(set_to_none=True)
    features = measure(net(content.detach()))
    content_term = (pick_layer(features, content_layer, "encoder") - target).square().mean()
    style_term = _style_term(features, style_grams, content_term)
    total = alpha * content_term + beta * style_term
    total.backward()
    optimizer.step()
    values = torch.stack([content_term, style_term, total]).tolist()
    return dict(zip(("content", "style", "total"), values, strict=True))


def _style_term(features: Mapping[str, Tensor], grams: Mapping[str, Tensor], like: Tensor) -> Tensor:
    terms = [
        (gram_matrix(pick_layer(features, layer, "encoder")) - gram.detach()).square().mean()
        for layer, gram in grams.items()
    ]
    return torch.stack(terms).sum() if terms else torch.zeros_like(like)
