"""Layers that need no weights, beside an encoder's own: colour taps and band-passed luma.

`pixels`: the image itself.
`color1` `color2` `color4`: seeded random 1 x 1 filters of the pixels with ReLU, at full, half and quarter
size: their statistics hold the palette, to which a network trained with colour jitter is blind.
`luma2` `luma4` `luma8`: signed, linear, band-passed brightness at 1/2, 1/4 and 1/8 size: content for an
encoder whose deep layers are weak. Both shrink by an overlapping [1 3 3 1] filter, which leaves no grid.
"""

import difflib
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nstkit.encoders import Encoder

COLOR_LAYERS = ("color1", "color2", "color4")
LUMA_LAYERS = ("luma2", "luma4", "luma8")
PIXELS = "pixels"
MINIMUM_SIZE = 40
"""The smallest side for which every tap exists: 1/8 size, blurred twice more."""


class TappedEncoder(nn.Module):
    """An encoder, cut to the layers asked for, that also answers for colour taps and luma bands.

    Args:
        encoder: its layers keep their names.
        layers: the names that `forward` returns.
    Raises:
        KeyError: a name that neither the encoder nor the taps know.
    """

    weight: Tensor
    bias: Tensor
    blur: Tensor

    def __init__(self, encoder: Encoder, layers: Sequence[str]) -> None:
        super().__init__()
        check_layers(encoder, layers, "layers")
        self.layers = tuple(dict.fromkeys(layers))
        own = [name for name in self.layers if name in encoder.layers]
        self.encoder = encoder.cut(own) if own else None
        self._own = own
        generator = torch.Generator().manual_seed(7)
        weight = torch.randn(24, 3, 1, 1, generator=generator)
        self.register_buffer("weight", weight / weight.norm(dim=1, keepdim=True))
        self.register_buffer("bias", -torch.rand(24, generator=generator))
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
        self.register_buffer("blur", (taps[:, None] * taps)[None, None])

    def forward(self, image: Tensor, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
        """Features by layer, (B, C, h, w) each; image (B, 3, H, W) in [0, 1]; `layers`: some of its own, or all."""
        layers = self.layers if layers is None else tuple(layers)
        own = [name for name in self._own if name in layers]
        features = self.encoder(image, own) if self.encoder is not None and own else {}
        with torch.autocast(image.device.type, enabled=False):
            features |= {PIXELS: image} | self._colors(image, layers) | self._lumas(image, layers)
        return {name: features[name] for name in layers}

    def minimum_size(self) -> int:
        """The smallest side of an image for which every layer exists."""
        taps = MINIMUM_SIZE if len(self._own) < len(self.layers) else 1
        return max(taps, self.encoder.minimum_size(self._own) if self.encoder is not None else 1)

    def _half(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        kernel = self.blur.to(x.dtype).expand(channels, 1, 4, 4)
        return F.conv2d(F.pad(x, (1, 2, 1, 2), mode="reflect"), kernel, stride=2, groups=channels)

    def _colors(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        features, x = {}, image
        for name in COLOR_LAYERS if any(name in layers for name in COLOR_LAYERS) else ():
            features[name] = F.relu(F.conv2d(4 * (x - 0.5), self.weight.to(x.dtype), self.bias.to(x.dtype)))
            x = self._half(x)
        return features

    def _lumas(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Brightness minus its own blur, at three sizes: Laplacian bands that overlap."""
        features: dict[str, Tensor] = {}
        wanted = any(name in layers for name in LUMA_LAYERS)
        if not wanted:
            return features
        level = (image * image.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
        for name in LUMA_LAYERS:
            level = self._half(level)
            low = self._half(self._half(level))
            features[name] = level - F.interpolate(low, level.shape[2:], mode="bilinear", align_corners=False)
        return features


def check_layers(encoder: Encoder, layers: Sequence[str], name: str) -> None:
    """Raise KeyError for a layer that does not exist, with the nearest name and all that do."""
    known = (*encoder.layers, PIXELS, *COLOR_LAYERS, *LUMA_LAYERS)
    for layer in layers:
        if layer not in known:
            near = difflib.get_close_matches(layer, known, n=1, cutoff=0.0)[0]
            raise KeyError(
                f"{name}: {encoder.name} has no {layer!r}; did you mean {near!r}? It has {', '.join(known)}"
            )
