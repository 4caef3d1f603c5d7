"""DCGAN: a generator and a discriminator made of strided convolutions alone, and their initialisation.

Radford, Metz & Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative Adversarial
Networks", ICLR 2016, arXiv:1511.06434, Sections 3 and 4: no pooling, no fully connected hidden layers, batch
norm everywhere but at the generator's output and the discriminator's input, ReLU and tanh in the generator,
LeakyReLU(0.2) in the discriminator, weights from N(0, 0.02²).

    generator, discriminator = build_dcgan(image_size=64, channels=3, latent_dim=100, width=64)
    dcgan_init_(generator), dcgan_init_(discriminator)
"""

from itertools import pairwise

import torch
from torch import nn

DEVIATION = 0.02
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def build_dcgan(
    image_size: int, channels: int, latent_dim: int, width: int
) -> tuple[nn.Sequential, nn.Sequential]:
    """The two networks for square images; with n = log₂(image_size) - 2 they have n + 1 layers each.

    Generator (B, latent_dim, 1, 1) → (B, channels, S, S) in (-1, 1): a projection to width·2ⁿ⁻¹ maps of 4 x 4,
    then n transposed convolutions that double the size and halve the maps. Discriminator the mirror image,
    → raw scores (B, 1, 1, 1). Convolutions have a bias only where no batch norm follows.

    Args:
        image_size: S, a power of two, at least 8.
        channels: of the images.
        latent_dim: length of the noise vector.
        width: maps next to the image; the deepest layer has width·2ⁿ⁻¹, without a cap.

    Returns:
        (generator, discriminator), in train mode, with torch's own initialisation; see `dcgan_init_`.

    Raises:
        ValueError: `image_size` is no power of two from 8 up, or another argument is below 1.

    Source: Radford et al., ICLR 2016, Section 3 and Figure 1 (there with width 128 at 64 pixels).
    """
    if image_size < 8 or image_size & (image_size - 1):
        raise ValueError(f"image_size: expected a power of two, at least 8, got {image_size}")
    for name, value in {"channels": channels, "latent_dim": latent_dim, "width": width}.items():
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
    doublings = image_size.bit_length() - 3  # n: from 4 to image_size
    widths = [width * 2**k for k in range(doublings)]  # from the image inwards
    return _generator(channels, latent_dim, widths), _discriminator(channels, widths)


def _generator(channels: int, latent_dim: int, widths: list[int]) -> nn.Sequential:
    deepest = widths[-1]
    layers = [nn.ConvTranspose2d(latent_dim, deepest, 4, bias=False), nn.BatchNorm2d(deepest), nn.ReLU()]
    for wide, narrow in pairwise(reversed(widths)):
        layers += [_up(wide, narrow, bias=False), nn.BatchNorm2d(narrow), nn.ReLU()]
    return nn.Sequential(*layers, _up(widths[0], channels, bias=True), nn.Tanh())


def _discriminator(channels: int, widths: list[int]) -> nn.Sequential:
    layers = [_down(channels, widths[0], bias=True), nn.LeakyReLU(0.2)]
    for narrow, wide in pairwise(widths):
        layers += [_down(narrow, wide, bias=False), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4))


def _up(inward: int, outward: int, *, bias: bool) -> nn.Module:
    """Twice the size: 2·H. The kernel is a multiple of the stride, so every pixel gets as many contributions."""
    return nn.ConvTranspose2d(inward, outward, 4, stride=2, padding=1, bias=bias)


def _down(inward: int, outward: int, *, bias: bool) -> nn.Module:
    """Half the size: H/2."""
    return nn.Conv2d(inward, outward, 4, stride=2, padding=1, bias=bias)


def dcgan_init_(module: nn.Module, generator: torch.Generator | None = None) -> nn.Module:
    """Draw all convolution weights from N(0, 0.02²) and all batch-norm scales from N(1, 0.02²); biases are 0.

    Args:
        module: changed in place, with all its sub-modules; running statistics and other layers stay.
        generator: the source of randomness, on the module's device; None is torch's global one.

    Returns:
        `module` itself.

    Source: Radford et al., ICLR 2016, Section 4 (the batch-norm scales: the authors' published code).
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, _CONVOLUTIONS):
                layer.weight.normal_(0.0, DEVIATION, generator=generator)
            elif isinstance(layer, _BATCH_NORMS) and layer.affine:
                layer.weight.normal_(1.0, DEVIATION, generator=generator)
            else:
                continue
            if layer.bias is not None:
                layer.bias.zero_()
    return module
