"""Training AdaIN's decoder: any style, one decoder, an encoder that never changes.

Huang & Belongie, ICCV 2017, arXiv:1703.06868, Section 5.2, Eq. 11-13.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from nstkit.losses.features import EncoderFunction, pick_layer
from nstkit.transfer.adain import adain, mean_and_deviation
from nstkit.transfer.frozen import frozen


def adain_training_losses(
    encoder: EncoderFunction,
    decoder: nn.Module,
    content: Tensor,
    style: Tensor,
    content_layer: str,
    style_layers: Sequence[str],
    eps: float = 1e-5,
) -> dict[str, Tensor]:
    """The losses of output = decoder(t), t = adain(F(content), F(style)): reach t, and the style's statistics.

    content: mean (F(output) − t)² at `content_layer`; t and not F(content) is the target. style: the sum over
    layers of mean (μ_out − μ_style)² + mean (σ_out − σ_style)², per sample and channel, σ = √(var + eps).

    Args:
        encoder: from an image to features by layer; gets no gradient.
        decoder: from features of `content_layer` to images; the only thing that gets gradients.
        content: (N, 3, H, W).
        style: (N, 3, H', W').

    Returns:
        "content" and "style", 0-d and raw; "output", (N, 3, H, W). Weight, add, and go backward.

    Raises:
        KeyError: a layer that the encoder lacks.
        ValueError: batches of different length.

    Source: Huang & Belongie, ICCV 2017, Eq. 11-13; they write norms, these are mean squares.
    """
    if len(content) != len(style):
        raise ValueError(
            f"style: expected a batch of {len(content)} as content, got {len(style)}; pair them up"
        )
    measure = frozen(encoder)
    with torch.no_grad():
        targets = measure(style)
        base = pick_layer(measure(content), content_layer, "encoder")
        t = adain(base, pick_layer(targets, content_layer, "encoder"), eps=eps)
    output = decoder(t)
    features = measure(output)
    reached = (pick_layer(features, content_layer, "encoder") - t).square().mean()
    terms = [_statistics_gap(features, targets, layer, eps) for layer in style_layers]
    return {
        "content": reached,
        "style": torch.stack(terms).sum() if terms else torch.zeros_like(reached),
        "output": output,
    }


def _statistics_gap(
    features: Mapping[str, Tensor], targets: Mapping[str, Tensor], layer: str, eps: float
) -> Tensor:
    mine = mean_and_deviation(pick_layer(features, layer, "encoder"), eps)
    wanted = mean_and_deviation(pick_layer(targets, layer, "encoder"), eps)
    gaps = [(m - w).square().mean() for m, w in zip(mine, wanted, strict=True)]
    return gaps[0] + gaps[1]
