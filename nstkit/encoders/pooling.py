"""Pooling of a loaded encoder: the maximum it was trained with, Gatys' average, or the L2 norm.

Gatys, Ecker and Bethge (CVPR 2016, section 2) replace maximum by average pooling; Hénaff and Simoncelli (ICLR
2016, arXiv 1511.06394) argue for L2 pooling, which neither aliases like the one nor blurs like the other. Both make
features smaller, at each pooling anew, than the layers above were trained on; scaled, they keep about their size.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class L2Pool2d(nn.Module):
    """The root of the mean square over each window: sqrt(mean(x^2) + eps).

    `eps` keeps the gradient finite where a whole window is zero.
    """

    def __init__(
        self, kernel_size: int, stride: int, padding: int = 0, ceil_mode: bool = False, eps: float = 1e-8
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.ceil_mode = kernel_size, stride, padding, ceil_mode
        self.eps = eps

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, C, H, W) to (B, C, h, w)."""
        mean = F.avg_pool2d(maps.square(), self.kernel_size, self.stride, self.padding, self.ceil_mode)
        return torch.sqrt(mean + self.eps)


class ScaledAvgPool2d(nn.AvgPool2d):
    """Twice the average. The factor is crowsonkb/style-transfer-pytorch's (e7e2c71), for VGG's windows of 2 x 2."""

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, C, H, W) to (B, C, h, w)."""
        pooled: Tensor = super().forward(maps)
        return 2 * pooled


class ScaledL2Pool2d(L2Pool2d):
    """1.56 times the root mean square: likewise, there 0.78 times the norm of the four."""

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (B, C, H, W) to (B, C, h, w)."""
        return 1.56 * super().forward(maps)


POOLINGS: dict[str, Callable[..., nn.Module]] = {
    "max": nn.MaxPool2d,
    "average": nn.AvgPool2d,
    "l2": L2Pool2d,
    "scaled_average": ScaledAvgPool2d,
    "scaled_l2": ScaledL2Pool2d,
}


def replace_pooling(modules: Mapping[str, nn.Module], pooling: str) -> dict[str, nn.Module]:
    """The same modules with every pooling layer of the kind asked; windows stay as they are.

    Raises:
        ValueError: `pooling` is not a key of POOLINGS.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"pooling: expected one of {', '.join(POOLINGS)}, got {pooling!r}")
    return {name: _replaced(module, pooling) for name, module in modules.items()}


def _replaced(module: nn.Module, pooling: str) -> nn.Module:
    if not isinstance(module, nn.MaxPool2d | nn.AvgPool2d | L2Pool2d):
        return module
    return POOLINGS[pooling](
        kernel_size=module.kernel_size,
        stride=module.stride,
        padding=module.padding,
        ceil_mode=module.ceil_mode,
    )
