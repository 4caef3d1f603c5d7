"""The network that paints one style in one pass.

Johnson, Alahi & Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
arXiv:1603.08155, Section 3.1 and supplement: c9s1-32, d64, d128, five residual blocks R128, u64, u32, c9s1-3. Differs
from it in three places: instance norm in the place of batch norm (Ulyanov, Vedaldi & Lempitsky, arXiv:1607.08022;
CVPR 2017, arXiv:1701.02096); nearest-neighbour enlargement and a convolution in the place of a transposed one, which
draws checkerboards (Odena, Dumoulin & Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016); and every
convolution pads by reflection, so that the result has the input's size.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from nstkit.training.checks import check_counts

MINIMUM = 5
"""Pixels on the short side that the reflection of the first layer needs."""


class FastNetwork(nn.Module):
    """An image to an image of the same size, any size from 5 x 5 up.

    Args:
        width: maps after the first layer, doubled by each of two halvings; the paper has 32.
        blocks: residual blocks; the paper has 5.
    Raises:
        ValueError: an argument is below 1.
    """

    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        check_counts(width=width, blocks=blocks)
        self.width, self.blocks = width, blocks
        self.first = _convolution(3, width, 9)
        self.down = nn.ModuleList([_convolution(k * width, 2 * k * width, 3, stride=2) for k in (1, 2)])
        self.middle = nn.Sequential(*(_Residual(4 * width) for _ in range(blocks)))
        self.up = nn.ModuleList([_convolution(2 * k * width, k * width, 3) for k in (2, 1)])
        self.last = nn.Conv2d(width, 3, 9, padding=4, padding_mode="reflect")

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] to the same shape in (0, 1).

        Raises:
            ValueError: another shape, or a side below 5 pixels.
        """
        if image.ndim != 4 or image.shape[1] != 3 or min(image.shape[2:]) < MINIMUM:
            expected = f"(B, 3, H, W) of at least {MINIMUM} x {MINIMUM} pixels"
            raise ValueError(f"image: expected {expected}, got {tuple(image.shape)}")
        x, sizes = self.first(2 * image - 1), []
        for layer in self.down:
            sizes.append(x.shape[2:])
            x = layer(x)  # an odd side is rounded up
        x = self.middle(x)
        for layer, (height, width) in zip(self.up, reversed(sizes), strict=True):
            x = layer(F.interpolate(x, scale_factor=2.0)[..., :height, :width])
        out: Tensor = 0.5 + 0.5 * self.last(x).tanh()
        return out


class _Residual(nn.Module):
    """x + f(x), without a ReLU after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_convolution(width, width, 3), *_convolution(width, width, 3)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.body(x)
        return out


def _convolution(inward: int, outward: int, size: int, *, stride: int = 1) -> nn.Sequential:
    """Convolution, instance norm (which makes a bias before it useless) and ReLU."""
    convolution = nn.Conv2d(
        inward, outward, size, stride, padding=size // 2, padding_mode="reflect", bias=False
    )
    return nn.Sequential(convolution, nn.InstanceNorm2d(outward, affine=True), nn.ReLU())
