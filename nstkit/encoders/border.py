"""What a network sees beyond the border of the image: zeros, a frame of the mean colour, or the edge repeated.

To features a frame is an edge around the picture, which the content's and the style's statistics then contain.
"""

import copy

from torch import nn

from nstkit.encoders.encoder import IMAGE, Encoder


def repeat_border(encoder: Encoder) -> Encoder:
    """An encoder of the same weights whose convolutions of the image repeat its edge instead of padding with zeros.

    Deeper layers stay as they are, and so do convolutions without padding.

    Source: crowsonkb/style-transfer-pytorch, e7e2c71, whose VGG-19 has this first convolution.
    """
    modules = {
        layer: _repeating(module) if encoder.reads[layer] == IMAGE else module
        for layer, module in encoder.steps.items()
    }
    return Encoder(
        encoder.name, modules, mean=encoder.mean, deviation=encoder.deviation, reads=encoder.reads,
        weights=encoder.weights,
    )  # fmt: skip


def _repeating(module: nn.Module) -> nn.Module:
    if not isinstance(module, nn.Conv2d):
        return module
    twin = copy.copy(module)
    twin.padding_mode = "replicate"
    return twin
