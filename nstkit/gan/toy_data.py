"""Collections of tiny images, drawn by the batch: data for experiments that take a second on a laptop.

All are (count, 1, size, size) in [-1, 1] and come from the generator that is passed.
"""

import math

import torch
from torch import Tensor


def two_blobs(count: int, generator: torch.Generator, *, size: int = 16, sharpness: float = 2.5) -> Tensor:
    """One bright blob on black, left above or right below the centre with equal chance.

    The mean picture shows both, at half strength: no single image looks like the mean.

    Args:
        count: number of images.
        generator: on the CPU.
        size: height and width.
        sharpness: the blob's standard deviation is size / (4·sharpness).
    """
    corners = torch.tensor([0.3, 0.7]) * (size - 1)
    middle = corners[torch.randint(2, (count,), generator=generator)].reshape(-1, 1, 1, 1)
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    width = size / (4 * sharpness)
    return 2 * torch.exp(-((y - middle) ** 2 + (x - middle) ** 2) / (2 * width**2)) - 1


def stripes(
    count: int,
    generator: torch.Generator,
    *,
    direction: str = "horizontal",
    size: int = 16,
    period: float = 8.0,
) -> Tensor:
    """Sine stripes with a random phase.

    Args:
        count: number of images.
        generator: on the CPU.
        direction: "horizontal" or "vertical", the direction in which a stripe runs.
        size: height and width.
        period: in pixels.

    Raises:
        ValueError: another direction.
    """
    if direction not in ("horizontal", "vertical"):
        raise ValueError(f"direction: expected 'horizontal' or 'vertical', got {direction!r}")
    phase = 2 * math.pi * torch.rand(count, 1, 1, 1, generator=generator)
    wave = torch.sin(
        2 * math.pi * torch.arange(size) / period + phase
    )  # (count, 1, 1, size): runs vertically
    wave = wave.expand(count, 1, size, size)
    return (wave.mT if direction == "horizontal" else wave).contiguous()
