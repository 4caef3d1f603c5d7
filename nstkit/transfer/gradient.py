"""The gradient of a feature distance with respect to the pixels: what moves the image in style transfer.

Gatys, Ecker & Bethge, CVPR 2016, Section 2: the network is frozen, the optimised variable is the image.
"""

import torch
from torch import Tensor

from nstkit.losses.features import EncoderFunction, check_same_shape, pick_layer


def image_gradient(encoder: EncoderFunction, image: Tensor, target: Tensor, layer: str) -> Tensor:
    """The gradient of ½ Σ (F(image) − target)² with respect to the pixels; F is one layer of the encoder.

    Leaves no trace: `.grad` and `requires_grad` of the image and of the encoder's parameters stay as they are,
    and it works under `torch.no_grad()`.

    Args:
        encoder: From an image to its features by layer; trainable parameters are welcome.
        image: (B, 3, H, W), floating. Images of a batch do not influence each other's gradient.
        target: A constant, the shape of the layer's features.
        layer: The name of a layer in the encoder's result.

    Returns:
        (B, 3, H, W), detached.

    Raises:
        KeyError: The encoder has no such layer.
        ValueError: The shapes of feature and target differ.

    Source: Gatys et al., CVPR 2016, Eq. 1, by back-propagation.
    """
    pixels = image.detach().requires_grad_()
    with torch.enable_grad():
        features = pick_layer(encoder(pixels), layer, "encoder")
        check_same_shape(features, target, "the encoder's features", "target")
        loss = 0.5 * (features - target.detach()).square().sum()
    return torch.autograd.grad(loss, pixels)[0]
