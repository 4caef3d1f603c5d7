"""An encoder turns an image into features: named layers, one pass, nothing deeper than asked.

Layers form a tree: each reads the layer before it, unless `reads` names another. VGG is a chain; `tiny` has a
second branch that starts at the image.
"""

import difflib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

IMAGE = "image"


class Encoder(nn.Module):
    """A frozen feature network with named layers.

    Args:
        name: What `load_encoder` calls it.
        modules: The layers by name, shallow to deep.
        mean: Red, green and blue subtracted from an image in [0, 1].
        deviation: What the difference is divided by.
        reads: For layers that do not read the one before them: the layer that they read, or "image".
        weights: Where the weights come from, in words.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        name: str,
        modules: Mapping[str, nn.Module],
        *,
        mean: Sequence[float] | Tensor,
        deviation: Sequence[float] | Tensor,
        reads: Mapping[str, str] | None = None,
        weights: str = "",
    ) -> None:
        super().__init__()
        self.name, self.weights = name, weights
        chain = dict(zip(modules, [IMAGE, *modules], strict=False))
        self.reads = {**chain, **(reads or {})}
        self.steps = nn.ModuleDict(modules)
        self.register_buffer("mean", 1.0 * torch.as_tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", 1.0 * torch.as_tensor(deviation).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of all layers, shallow to deep."""
        return tuple(self.steps)

    def forward(self, image: Tensor, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
        """Compute the features of an image.

        Args:
            image: (B, 3, H, W), sRGB, in [0, 1]; dtype and device as the encoder's. Normalised in here.
            layers: Names from `.layers`; all of them if None. Nothing that they do not need is computed.

        Returns:
            Features (B, C, h, w) by layer, in the order asked.

        Raises:
            KeyError: A layer does not exist.
            TypeError: The image's dtype is not the encoder's.
            ValueError: The image is no (B, 3, H, W), or too small for the layers.
        """
        wanted = self._known(layers)
        self._check(image, wanted)
        needed = self._ancestors(wanted)
        waiting = {
            source: sum(self.reads[layer] == source for layer in needed) for source in (IMAGE, *needed)
        }
        values = {IMAGE: (image - self.mean) / self.deviation}
        for layer in needed:
            source = self.reads[layer]
            values[layer] = self.steps[layer](values[source])
            waiting[source] -= 1
            if not waiting[source] and source not in wanted:
                del values[source]  # the largest maps are the shallow ones: do not hold them to the end
        return {layer: values[layer] for layer in wanted}

    def cut(self, layers: Sequence[str]) -> "Encoder":
        """An encoder that shares these weights and holds only what `layers` need (KeyError if unknown)."""
        kept = self._ancestors(self._known(layers))
        return Encoder(
            self.name,
            {layer: self.steps[layer] for layer in kept},
            mean=self.mean,
            deviation=self.deviation,
            reads={layer: self.reads[layer] for layer in kept},
            weights=self.weights,
        )

    def minimum_size(self, layers: Sequence[str] | None = None) -> int:
        """The smallest height and width in pixels for which every one of `layers` has a feature."""
        return max(self._minimum(layer) for layer in self._known(layers))

    def _minimum(self, layer: str) -> int:
        size = 1
        while layer != IMAGE:
            size = _input_size(self.steps[layer], size)
            layer = self.reads[layer]
        return size

    def _known(self, layers: Sequence[str] | None) -> tuple[str, ...]:
        if isinstance(layers, str) or (layers is not None and not len(layers)):
            raise ValueError(
                f"layers: expected a list of at least one layer's name, got {layers!r}; write ['…']"
            )
        for layer in layers or ():
            if layer not in self.steps:
                near = difflib.get_close_matches(layer, self.layers, n=1, cutoff=0.0)[0]
                known = ", ".join(self.layers)
                raise KeyError(f"layers: {self.name} has no {layer!r}; did you mean {near!r}? It has {known}")
        return self.layers if layers is None else tuple(layers)

    def _ancestors(self, layers: Sequence[str]) -> list[str]:
        found: set[str] = set()
        for layer in layers:
            while layer != IMAGE and layer not in found:
                found.add(layer)
                layer = self.reads[layer]
        return [layer for layer in self.steps if layer in found]

    def _check(self, image: Tensor, layers: Sequence[str]) -> None:
        if image.ndim != 4 or image.shape[1] != 3:
            raise ValueError(f"image: expected (B, 3, H, W), got {tuple(image.shape)}")
        if image.dtype != self.mean.dtype:
            raise TypeError(
                f"image: expected {self.mean.dtype} as the encoder's weights, got {image.dtype}; "
                "convert one with .to(dtype)"
            )
        least = self.minimum_size(layers)
        if min(image.shape[2:]) < least:
            height, width = image.shape[2:]
            raise ValueError(
                f"image: {height} x {width} pixels are too few for {self.name}'s {layers[-1]}; "
                f"give at least {least} x {least} or ask for shallower layers"
            )


def _input_size(module: nn.Module, size: int) -> int:
    """The least input extent from which `module` makes `size` output pixels."""
    if not hasattr(module, "kernel_size"):
        return size
    kernel, stride, padding = (_square(getattr(module, key)) for key in ("kernel_size", "stride", "padding"))
    slack = stride - 1 if getattr(module, "ceil_mode", False) else 0
    return max(1, (size - 1) * stride + kernel - 2 * padding - slack)


def _square(value: int | tuple[int, int]) -> int:
    return value if isinstance(value, int) else value[0]
