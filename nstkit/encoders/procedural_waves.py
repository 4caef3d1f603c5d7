"""Waves, grain and flow: the textures without cells.

Each family takes (size, wavelength, generator) and returns two fields (N, 1, S, S) in [0, 1]: `value`, which
a palette turns into colour, and `shade`, where 0 is the colour of the lines between.
"""

import math

import torch
from torch import Generator, Tensor

from nstkit.encoders.procedural_fields import (
    band_noise,
    displace,
    flow_field,
    fractal_noise,
    frame,
    oriented_noise,
    spread,
    uniform,
)

Texture = tuple[Tensor, Tensor]


def _plain(value: Tensor) -> Texture:
    return value, torch.ones_like(value)


def _slope(wavelength: Tensor, low: float, high: float, generator: Generator) -> Tensor:
    return uniform(len(wavelength), low, high, generator).flatten()


def clouds(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Fractal noise."""
    return _plain(
        spread(fractal_noise(size, 3 * wavelength, _slope(wavelength, 1.2, 2.5, generator), generator))
    )


def bands(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Blobs of nearly one size."""
    return _plain(spread(band_noise(size, 1.5 * wavelength, 0.3, generator)))


def labyrinth(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Winding walls of even width."""
    return _plain(torch.sigmoid(8 * band_noise(size, wavelength, 0.15, generator)))


def spots(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Islands: the peaks of band-pass noise."""
    level = uniform(len(wavelength), 0.6, 1.2, generator)
    return _plain(torch.sigmoid(8 * (band_noise(size, wavelength, 0.2, generator) - level)))


def grain(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Noise drawn out along one direction, like bark or brushed metal."""
    return _plain(spread(oriented_noise(size, wavelength, _slope(wavelength, 4, 12, generator), generator)))


def stripes(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Straight waves, soft or sharp."""
    x = frame(len(wavelength), size, wavelength, generator)[:, :1]
    sharp = uniform(len(wavelength), 1, 8, generator)
    return _plain(torch.sigmoid(sharp * torch.sin(2 * math.pi * x)))


def plaid(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Two crossing sets of stripes."""
    grid = torch.sin(2 * math.pi * frame(len(wavelength), size, wavelength, generator))
    sharp = torch.sigmoid(uniform(len(wavelength), 1, 8, generator) * grid)
    return sharp[:, :1], 0.4 + 0.6 * sharp[:, 1:]


def weave(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Threads that go over and under each other."""
    grid = frame(len(wavelength), size, wavelength, generator)
    over = grid.floor().sum(1, keepdim=True) % 2
    profile = torch.sin(math.pi * (grid - grid.floor()))
    return over, torch.where(over > 0.5, profile[:, :1], profile[:, 1:]).clamp(0, 1)


def halftone(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """A dot screen whose dots grow with a slow tone."""
    grid = torch.sin(2 * math.pi * frame(len(wavelength), size, 1.5 * wavelength, generator))
    tone = fractal_noise(size, 8 * wavelength, torch.full_like(wavelength, 3.0), generator)
    return _plain(torch.sigmoid(6 * (grid.prod(dim=1, keepdim=True) + 0.5 * tone)))


def hatching(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Pen lines, crossed where a slow tone is dark."""
    count, tone = (
        len(wavelength),
        fractal_noise(size, 8 * wavelength, torch.full_like(wavelength, 3.0), generator),
    )
    ink = torch.zeros_like(tone)
    for level in (0.8, -0.4):
        x = frame(count, size, wavelength, generator)[:, :1]
        line = torch.sigmoid(10 * (torch.sin(2 * math.pi * x) - 0.4))
        ink = torch.maximum(ink, line * torch.sigmoid(6 * (level - tone)))
    return spread(tone), 1 - ink


def marble(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Veins: waves bent by turbulence (Perlin, SIGGRAPH 1985)."""
    x = frame(len(wavelength), size, 2 * wavelength, generator)[:, :1]
    bend = fractal_noise(size, 3 * wavelength, torch.full_like(wavelength, 2.0), generator)
    return _plain(0.5 + 0.5 * torch.sin(2 * math.pi * x + uniform(len(wavelength), 1, 4, generator) * bend))


def wood(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Rings around a far centre, saw-toothed like years."""
    grid = frame(len(wavelength), size, wavelength, generator) - 100
    bend = fractal_noise(size, 6 * wavelength, torch.full_like(wavelength, 2.5), generator)
    ring = grid.norm(dim=1, keepdim=True) + 0.6 * bend
    return _plain(torch.remainder(ring, 1) ** uniform(len(wavelength), 0.7, 2, generator))


def contours(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Height lines of a landscape."""
    height = fractal_noise(size, 5 * wavelength, torch.full_like(wavelength, 3.0), generator)
    lines = torch.sin(uniform(len(wavelength), 8, 16, generator) * height)
    return spread(height), (3 * lines.abs()).clamp(0, 1)


def ridges(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Creases where noise crosses zero, like lightning or mountain crests."""
    noise = fractal_noise(size, 2 * wavelength, _slope(wavelength, 1.5, 2.5, generator), generator)
    return _plain((1 - noise.abs()).clamp(0, 1))


def warped(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Stripes and noise carried away by a slow flow, like ink in water."""
    noise = band_noise(size, wavelength, 0.4, generator)
    slope = torch.full_like(wavelength, 3.0)
    shift = torch.cat([fractal_noise(size, 4 * wavelength, slope, generator) for _ in "xy"], dim=1)
    return _plain(spread(displace(noise, 2 * wavelength.view(-1, 1, 1, 1) * shift)))


def flow(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Noise smeared along a flow (line integral convolution, Cabral and Leedom, SIGGRAPH 1993)."""
    direction = flow_field(size, 6 * wavelength, generator)
    noise = band_noise(size, 0.7 * wavelength, 0.4, generator)
    for doubling in range(4):  # 2^4 taps by repeated halves
        step = 2.0**doubling * wavelength.view(-1, 1, 1, 1) / 8
        noise = (displace(noise, step * direction) + displace(noise, -step * direction)) / 2
    return _plain(spread(noise))
