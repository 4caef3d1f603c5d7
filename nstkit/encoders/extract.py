"""Features of any `nn.Sequential`, by index, as they are at that point.

For the encoders of `nstkit` call the `Encoder`; this is for a network of one's own. Gatys, Ecker & Bethge, CVPR
2016, Section 2, for the average in place of the maximum.
"""

import copy
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


def extract_features(
    model: nn.Sequential, x: Tensor, layers: Sequence[int], avg_pool: bool = False
) -> dict[int, Tensor]:
    """The outputs of some modules of a chain; later modules that work in place do not touch them.

    Args:
        model: any chain; it is left as it was, with its mode, its modules and without hooks.
        x: the input, (B, C, H, W) for the usual networks; not changed.
        layers: indices of modules, from 0. Nothing after the last of them runs.
        avg_pool: put average pooling in the place of every MaxPool2d: same kernel, stride, padding, ceil_mode.

    Returns:
        Outputs by index, differentiable in x and in the model's parameters.

    Raises:
        ValueError: no layers, or a dilated MaxPool2d where the average is asked for.
        IndexError: an index below 0 or beyond the last module.
    """
    if not len(layers):
        raise ValueError("layers: expected at least one index, got none")
    wrong = [index for index in layers if not 0 <= index < len(model)]
    if wrong:
        raise IndexError(f"layers: expected indices from 0 to {len(model) - 1}, got {wrong[0]}")
    wanted, last, features = set(layers), max(layers), {}
    x = x.clone()  # the first module may work in place
    for index, module in enumerate(list(model)[: last + 1]):
        x = (_averaging(module) if avg_pool else module)(x)
        if index in wanted:
            features[index] = x
            x = x.clone() if index < last else x  # the next may overwrite its input
    return features


class _AveragePool(nn.Module):
    """Average pooling with the windows of a MaxPool2d."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        if pool.dilation not in (1, (1, 1)):
            raise ValueError(f"model: a MaxPool2d has dilation {pool.dilation}, which no average pooling has")
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        pool = self.pool
        return F.avg_pool2d(x, pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode)


def _averaging(module: nn.Module) -> nn.Module:
    """The module, or a shallow copy that shares its parameters and has other pools, at any depth."""
    if isinstance(module, nn.MaxPool2d):
        return _AveragePool(module)
    if not any(isinstance(inner, nn.MaxPool2d) for inner in module.modules()):
        return module
    twin = copy.copy(module)
    twin._modules = {name: inner and _averaging(inner) for name, inner in module._modules.items()}
    return twin
