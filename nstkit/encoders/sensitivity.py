"""How much each layer notices a change of the image: the measured answer to "what does this layer ignore?"."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from nstkit.encoders.encoder import Encoder


@torch.no_grad()
def content_sensitivity(
    encoder: Callable[[Tensor], Mapping[str, Tensor]],
    image: Tensor,
    variants: Mapping[str, Tensor],
    layers: Sequence[str],
) -> dict[str, dict[str, float]]:
    """Measure ‖F_l(v) - F_l(x)‖² / ‖F_l(x)‖² for every variant v of an image x at every layer l.

    Args:
        encoder: The network to ask, any callable from an image to features by layer; run once for the image
            and once for each variant.
        image: (B, 3, H, W), the reference.
        variants: Changed images by name, each of the reference's shape.
        layers: Layers of the encoder.

    Returns:
        `result[variant][layer]`, plain floats; 0 means that the layer saw no difference.

    Raises:
        KeyError: A layer does not exist.
        ValueError: A variant's shape differs, or a layer is silent on the reference (‖F_l(x)‖ = 0).
    """
    for name, variant in variants.items():
        if variant.shape != image.shape:
            expected, got = tuple(image.shape), tuple(variant.shape)
            raise ValueError(f"variants: expected the image's shape {expected}, got {got} for {name!r}")
    reference = _features(encoder, image, layers)
    energy = {layer: float(reference[layer].square().sum()) for layer in layers}
    for layer in layers:
        if energy[layer] == 0:
            raise ValueError(
                f"layers: {layer} is zero everywhere on the image, so no ratio exists; ask another"
            )
    measured = {}
    for name, variant in variants.items():
        features = _features(encoder, variant, layers)
        change = {layer: float((features[layer] - reference[layer]).square().sum()) for layer in layers}
        measured[name] = {layer: change[layer] / energy[layer] for layer in layers}
    return measured


def _features(
    encoder: Callable[[Tensor], Mapping[str, Tensor]], image: Tensor, layers: Sequence[str]
) -> Mapping[str, Tensor]:
    """Only the layers asked, from an `Encoder`; from another callable whatever it gives, which must hold them."""
    if isinstance(encoder, Encoder):
        return encoder(image, layers)
    features = encoder(image)
    for layer in layers:
        if layer not in features:
            raise KeyError(f"layers: the encoder gives no {layer!r}; it gives {', '.join(features)}")
    return features
