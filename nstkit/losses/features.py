"""What the losses expect of feature maps, checked in one place.

An encoder is any callable from an image (B, 3, H, W) to its feature maps (B, C, H, W) by layer: one of
`nstkit.encoders`, or ten lines of your own.
"""

from collections.abc import Callable, Mapping

from torch import Tensor

EncoderFunction = Callable[[Tensor], Mapping[str, Tensor]]

_WAY_OUT = {
    "BCHW": "give one layer of an encoder's result, or add the batch axis of a single image with [None]",
    "CHW": "give the features of a single image; take one out of a batch with [0]",
}


def check_features(features: Tensor, name: str, axes: str = "BCHW") -> None:
    """Refuse what is no feature map with these axes, or has an axis of length 0 (ValueError)."""
    if features.ndim != len(axes) or 0 in features.shape:
        raise ValueError(
            f"{name}: expected ({', '.join(axes)}), no axis empty, got {tuple(features.shape)}; {_WAY_OUT[axes]}"
        )


def check_same_shape(features: Tensor, other: Tensor, name: str, other_name: str) -> None:
    """Refuse feature maps whose shapes differ in any axis: a difference would broadcast (ValueError)."""
    if features.shape != other.shape:
        raise ValueError(
            f"{other_name}: expected the shape of {name}, {tuple(features.shape)}, got {tuple(other.shape)}; "
            "take both from one layer, for images of one size"
        )


def pick_layer(features: Mapping[str, Tensor], layer: str, name: str) -> Tensor:
    """The feature map of `layer`, or a KeyError that lists the layers that exist."""
    if layer not in features:
        known = ", ".join(map(str, features)) or "none"
        raise KeyError(f"{name}: no layer {layer!r}; choose from {known}")
    return features[layer]
