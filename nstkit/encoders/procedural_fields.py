"""Smooth fields and coordinate frames, the stuff that procedural textures are made of.

Every function draws a batch at once and takes `wavelength`, (N,) in pixels, one size for each picture. Fields
are (N, 1, S, S).
"""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


def uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    """Draw (N, 1, 1, 1) numbers from [low, high)."""
    draw = torch.rand(count, 1, 1, 1, generator=generator, device=generator.device)
    return low + (high - low) * draw


def spread(field: Tensor) -> Tensor:
    """Stretch each field to [0, 1] by its own deviation: mean at 0.5, two deviations at the ends."""
    mean, deviation = field.mean((2, 3), keepdim=True), field.std((2, 3), keepdim=True)
    return (0.5 + 0.25 * (field - mean) / (deviation + 1e-6)).clamp(0, 1)


def frame(count: int, size: int, wavelength: Tensor, generator: Generator, turn: float = math.pi) -> Tensor:
    """Rotated, shifted coordinates (N, 2, S, S) in which one wavelength is one unit.

    `turn` is the largest rotation in radians to either side.
    """
    axis = torch.arange(size, device=generator.device, dtype=torch.float32) - size / 2
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angle = uniform(count, -turn, turn, generator)
    x, y = x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()  # each (N, 1, S, S)
    grid = torch.cat([x, y], dim=1) / wavelength.view(-1, 1, 1, 1)
    return grid + 100 * torch.rand(count, 2, 1, 1, generator=generator, device=generator.device)


def _filtered_noise(gain: Tensor, size: int, generator: Generator) -> Tensor:
    """White noise with the spectrum `gain` (N, S, S // 2 + 1), as a field of zero mean and unit deviation."""
    noise = torch.randn(gain.shape[0], size, size, generator=generator, device=generator.device)
    field = torch.fft.irfft2(torch.fft.rfft2(noise) * gain, s=(size, size)).unsqueeze(1)
    field = field - field.mean((2, 3), keepdim=True)
    return field / (field.std((2, 3), keepdim=True) + 1e-6)


def _frequencies(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Vertical (S, 1) and horizontal (1, S // 2 + 1) frequency in cycles a pixel."""
    fy = torch.fft.fftfreq(size, device=device).unsqueeze(1)
    return fy, torch.fft.rfftfreq(size, device=device).unsqueeze(0)


def fractal_noise(size: int, wavelength: Tensor, slope: Tensor, generator: Generator) -> Tensor:
    """Noise whose amplitude is flat above `wavelength` and falls like frequency^-slope below it."""
    fy, fx = _frequencies(size, generator.device)
    radius = (fy.square() + fx.square()).sqrt()
    corner = 1 / wavelength.view(-1, 1, 1)
    gain = (1 + (radius / corner) ** 2) ** (-slope.view(-1, 1, 1) / 2)
    return _filtered_noise(gain, size, generator)


def band_noise(size: int, wavelength: Tensor, width: float, generator: Generator) -> Tensor:
    """Noise of nearly one wavelength in every direction; `width` is the band's relative width."""
    fy, fx = _frequencies(size, generator.device)
    ratio = (fy.square() + fx.square()).sqrt() * wavelength.view(-1, 1, 1)
    return _filtered_noise(torch.exp(-((ratio - 1) ** 2) / (2 * width**2)), size, generator)


def oriented_noise(size: int, wavelength: Tensor, stretch: Tensor, generator: Generator) -> Tensor:
    """Grain along a random direction: `stretch` (N,) times longer than wide."""
    fy, fx = _frequencies(size, generator.device)
    angle = uniform(wavelength.shape[0], 0, math.pi, generator).view(-1, 1, 1)
    across, along = fx * angle.cos() + fy * angle.sin(), fy * angle.cos() - fx * angle.sin()
    scaled = (across.square() + (along * stretch.view(-1, 1, 1)).square()) * wavelength.view(-1, 1, 1) ** 2
    return _filtered_noise(torch.exp(-1.5 * scaled), size, generator)


def displace(field: Tensor, shift: Tensor) -> Tensor:
    """Read `field` (N, C, S, S) at positions moved by `shift` (N, 2, S, S) pixels (x first)."""
    size = field.shape[-1]
    axis = (torch.arange(size, device=field.device, dtype=field.dtype) + 0.5) * 2 / size - 1
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    grid = torch.stack([x, y], dim=-1) + shift.permute(0, 2, 3, 1) * 2 / size
    return F.grid_sample(field, grid, padding_mode="reflection", align_corners=False)


def flow_field(size: int, wavelength: Tensor, generator: Generator) -> Tensor:
    """Unit vectors (N, 2, S, S) that turn slowly over the picture."""
    angle = math.pi * fractal_noise(size, wavelength, torch.full_like(wavelength, 3.0), generator)
    return torch.cat([angle.cos(), angle.sin()], dim=1)
