"""AdaIN's decoder: the encoder in a mirror, from the features of one of its layers back to an image.

Huang & Belongie, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", ICCV 2017,
arXiv:1703.06868, Section 6.1: pooling becomes nearest-neighbour enlargement, borders are reflected, and there is no
normalisation, which would undo the style.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nstkit.encoders import Encoder
from nstkit.encoders.encoder import IMAGE


class AdaInDecoder(nn.Module):
    """Features of one layer to an image; its own weights, the encoder's widths in reverse.

    Args:
        encoder: says what to mirror; not kept.
        layer: that the features come from, such as relu4_1.
    Attributes:
        stride: pixels per position of the layer: the image is this many times as high and wide as the features.
    Raises:
        KeyError: the encoder has no such layer.
        ValueError: the way to it is not convolutions that keep the size and pooling that halves it.
    """

    def __init__(self, encoder: Encoder, layer: str) -> None:
        super().__init__()
        self.layer, self.stride = layer, 1
        found: list[nn.Module] = []
        for name, module in _way_back(encoder, layer):
            if isinstance(module, nn.ReLU):
                continue
            _check_mirrored(name, module, encoder)
            if isinstance(module, nn.Conv2d):
                found += [_mirrored(module), nn.ReLU()]
            else:
                found.append(nn.Upsample(scale_factor=2.0))
                self.stride *= 2
        self.body = nn.Sequential(*found[:-1])  # no ReLU after the last convolution
        nn.init.constant_(found[-2].bias, 0.5)  # type: ignore[arg-type]  # starts from gray

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 3, stride · h, stride · w), near [0, 1] once trained, and not clamped."""
        image: Tensor = self.body(features)
        return image


def _way_back(encoder: Encoder, layer: str) -> Iterator[tuple[str, nn.Module]]:
    """The modules from a layer down to the image."""
    encoder.minimum_size([layer])  # KeyError, with the nearest name, if there is no such layer
    while layer != IMAGE:
        yield layer, encoder.steps[layer]
        layer = encoder.reads[layer]


def _check_mirrored(name: str, module: nn.Module, encoder: Encoder) -> None:
    """Raise ValueError unless 24 pixels come out as 24 of a convolution, or as 12 of a pooling."""
    kept = isinstance(module, nn.Conv2d)
    if hasattr(module, "kernel_size"):
        size, stride, padding = (_side(getattr(module, key)) for key in ("kernel_size", "stride", "padding"))
        if (24 + 2 * padding - size) // stride + 1 == (24 if kept else 12):
            return
    raise ValueError(
        f"layer: {encoder.name}'s {name} has no mirror image; expected a layer that convolutions which keep the size "
        "and pooling which halves it lead to, as in VGG and tiny"
    )


def _side(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else value[0]


def _mirrored(module: nn.Conv2d) -> nn.Conv2d:
    size = module.kernel_size[0]
    return nn.Conv2d(module.out_channels, module.in_channels, size, padding=size // 2, padding_mode="reflect")
