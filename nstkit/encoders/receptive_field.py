"""Receptive fields: how much of the image one feature has seen, and how far apart neighbours look.

The recursion r ← r + (k − 1) d j, j ← j s goes from the image upwards; see Araujo, Norris & Sim, "Computing
Receptive Fields of Convolutional Neural Networks", Distill 2019, Eq. 2, where it runs from the top.
"""

from collections.abc import Sequence

from torch import nn

from nstkit.encoders.encoder import IMAGE, Encoder

Window = tuple[int, int, int]


def receptive_field(layers: Sequence[Window]) -> tuple[int, int]:
    """The extent r in pixels that one output sees, and the jump j in pixels between neighbouring outputs.

    Args:
        layers: (kernel, stride, dilation) of each convolution or pooling, along one axis, from the image on.

    Returns:
        (r, j); (1, 1) for no layers. Padding plays no part.

    Raises:
        ValueError: a value below 1, or not three values.
    """
    extent, jump = 1, 1
    for number, window in enumerate(layers):
        if len(window) != 3 or min(window) < 1:
            raise ValueError(
                f"layers[{number}]: expected (kernel, stride, dilation), each at least 1, got {tuple(window)}"
            )
        kernel, stride, dilation = window
        extent += (kernel - 1) * dilation * jump
        jump *= stride
    return extent, jump


def layer_windows(encoder: Encoder, layer: str) -> list[Window]:
    """(kernel, stride, dilation) along the height of all that lies between the image and a layer.

    Raises:
        KeyError: the encoder has no such layer.
        ValueError: a module on the way has branches of its own, such as SqueezeNet's fire modules.
    """
    if layer not in encoder.steps:
        raise KeyError(f"layer: {encoder.name} has no {layer!r}; it has {', '.join(encoder.layers)}")
    windows: list[Window] = []
    while layer != IMAGE:
        windows.insert(0, _window(encoder.steps[layer], layer))
        layer = encoder.reads[layer]
    return windows


def _window(module: nn.Module, layer: str) -> Window:
    if list(module.children()):
        raise ValueError(f"layer: {layer} is made of several layers; give their windows by hand")
    return (
        along_height(module, "kernel_size"),
        along_height(module, "stride"),
        along_height(module, "dilation"),
    )


def along_height(module: nn.Module, name: str) -> int:
    """A setting along the height; 1 for modules without windows, which look at one place."""
    value = getattr(module, name, 1)
    return int(value[0] if isinstance(value, tuple) else value)
