"""What every side is given: pictures, layers, and one VGG-19 with seeded random weights, as a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

STYLE_LAYERS = {"relu1_1": 1, "relu2_1": 6, "relu3_1": 11, "relu4_1": 20, "relu5_1": 29}
CONTENT_LAYERS = {"relu4_2": 22}
"""Gatys' layers, and where they are in torchvision's `vgg19().features`."""
CONTENT_WEIGHT, STYLE_WEIGHT = 1.0, 30.0


@dataclass(frozen=True)
class Problem:
    """A transfer to be timed; plain values, so that it can be handed to another process.

    Attributes:
        size: both pictures are square with this side.
        weights: a state_dict of torchvision's VGG-19.
        folders: where peers are, by name.
        evaluations: of the objective and its gradient, in a run that is timed as a whole.
    """

    size: int
    device: str
    weights: str
    folders: dict[str, str]
    evaluations: int

    def pictures(self) -> tuple[Tensor, Tensor]:
        """Content and style, (1, 3, size, size), in 255ths, on the CPU."""
        from nstkit.paintings import paint

        pair = (paint(name, self.size, self.size).clamp(0, 1) for name in ("mosaic", "swirls"))
        content, style = ((picture * 255).round() / 255 for picture in pair)
        return content, style

    def on_device(self) -> tuple[Tensor, Tensor]:
        """The same, where the work is done."""
        content, style = self.pictures()
        return content.to(self.device), style.to(self.device)

    def vgg19(self, *_: Any, **__: Any) -> SimpleNamespace:
        """What `torchvision.models.vgg19` returns, as far as style transfer reads it, with the seeded weights."""
        features = empty_features()
        state = torch.load(self.weights, weights_only=True)
        found = {key.removeprefix("features."): value for key, value in state.items() if "features." in key}
        features.load_state_dict(found, assign=True)
        return SimpleNamespace(features=features.requires_grad_().eval())


def empty_features() -> nn.Sequential:
    """torchvision's VGG-19 without its classifier and without memory for its weights."""
    from torchvision.models.vgg import vgg19  # not from torchvision.models, where peers are given ours

    with torch.device("meta"):
        return vgg19(weights=None).features


def write_weights(path: Path, seed: int = 0) -> None:
    """Store seeded weights as torchvision initialises a VGG: He's normal by fan-out, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in empty_features().state_dict().items():
        tensor = torch.zeros(value.shape)
        if value.ndim == 4:
            nn.init.kaiming_normal_(tensor, mode="fan_out", nonlinearity="relu", generator=generator)
        state[f"features.{key}"] = tensor
    torch.save(state, path)


def convolution_flops(size: int, *, last: Sequence[int] = (29,)) -> float:
    """Floating-point operations of VGG-19's convolutions up to features[last], forward and back to the image."""
    side, total = size, 0.0
    for index, layer in enumerate(empty_features()):
        if index > max(last):
            return 2 * total
        if isinstance(layer, nn.MaxPool2d):
            side //= 2
        elif isinstance(layer, nn.Conv2d):
            total += 2 * side**2 * 9 * layer.in_channels * layer.out_channels
    return 2 * total
