"""CycleGAN's networks: a ResNet that redraws an image, and a discriminator that judges 70 x 70 patches.

Zhu, Park, Isola & Efros, ICCV 2017, arXiv:1703.10593, Section 4 and appendix. The generator is Johnson, Alahi &
Fei-Fei's (ECCV 2016); the PatchGAN comes from Isola et al., "Image-to-Image Translation with Conditional
Adversarial Networks", CVPR 2017, arXiv:1611.07004. Initialise both with `dcgan_init_`.
"""

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """x + f(x) with two 3x3 convolutions and instance norm; no ReLU after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_normed(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect", bias=False), width),
            nn.ReLU(),
            *_normed(nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect", bias=False), width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        out: Tensor = x + self.body(x)
        return out


def build_resnet_generator(channels: int = 3, width: int = 64, blocks: int = 9) -> nn.Sequential:
    """An image to an image: c7s1, two halvings, residual blocks, two doublings, c7s1 with tanh.

    (B, channels, H, W) in [-1, 1] → the same shape in (-1, 1). H and W are multiples of 4 and at least 16.

    Args:
        channels: of the images.
        width: maps after the first layer; four times as many in the residual blocks.
        blocks: residual blocks; the paper has 6 for 128 and 9 for 256 pixels.

    Raises:
        ValueError: an argument is below 1.

    Source: Zhu et al., ICCV 2017, appendix "Network architectures" (c7s1-64, d128, d256, R256 …, u128, u64, c7s1-3).
    """
    _check_counts(channels=channels, width=width, blocks=blocks)
    layers = [*_normed(_conv7(channels, width, bias=False), width), nn.ReLU()]
    for wide in (2 * width, 4 * width):
        layers += [*_normed(nn.Conv2d(wide // 2, wide, 3, 2, 1, bias=False), wide), nn.ReLU()]
    layers += [ResidualBlock(4 * width) for _ in range(blocks)]
    for narrow in (2 * width, width):
        up = nn.ConvTranspose2d(2 * narrow, narrow, 3, 2, 1, output_padding=1, bias=False)
        layers += [*_normed(up, narrow), nn.ReLU()]
    return nn.Sequential(*layers, _conv7(width, channels, bias=True), nn.Tanh())


def build_patch_discriminator(channels: int = 3, width: int = 64, layers: int = 3) -> nn.Sequential:
    """One raw score for each patch: (B, channels, H, W) → (B, 1, h, w).

    Convolutions 4x4: `layers` of stride 2, one more of stride 1, and one to the score; LeakyReLU(0.2), instance
    norm in all but the first and the last. Each score sees 16, 34, 70 or 142 pixels with 1, 2, 3 or 4 layers.

    Args:
        channels: of the images.
        width: maps after the first layer, doubled by each further one up to 8·width.
        layers: of stride 2; 3 is the 70 x 70 PatchGAN.

    Raises:
        ValueError: an argument is below 1.

    Source: Isola et al., CVPR 2017, Section 3.2.2 and appendix; Zhu et al., ICCV 2017, Section 4.
    """
    _check_counts(channels=channels, width=width, layers=layers)
    widths = [width * min(2**k, 8) for k in range(layers + 1)]
    found: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for depth in range(1, layers + 1):
        stride = 2 if depth < layers else 1
        step = nn.Conv2d(widths[depth - 1], widths[depth], 4, stride, 1, bias=False)
        found += [*_normed(step, widths[depth]), nn.LeakyReLU(0.2)]
    return nn.Sequential(*found, nn.Conv2d(widths[-1], 1, 4, 1, 1))


def _normed(convolution: nn.Module, width: int) -> tuple[nn.Module, nn.Module]:
    """A convolution and the instance norm after it, which cancels any bias."""
    return convolution, nn.InstanceNorm2d(width)


def _conv7(inward: int, outward: int, *, bias: bool) -> nn.Module:
    return nn.Conv2d(inward, outward, 7, padding=3, padding_mode="reflect", bias=bias)


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, got {count}")
