"""Coloured textures drawn by code: what `tiny` learns from, and material for anyone's tests.

A texture is a family (stripes, bricks, brush strokes ...), a wavelength in pixels and a palette.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from nstkit.encoders import procedural_cells as cells
from nstkit.encoders import procedural_waves as waves

Family = Callable[[int, Tensor, Generator], tuple[Tensor, Tensor]]

FAMILIES: dict[str, Family] = {
    family.__name__: family
    for family in (
        *(waves.clouds, waves.bands, waves.labyrinth, waves.spots, waves.grain, waves.stripes, waves.plaid),
        *(
            waves.weave,
            waves.halftone,
            waves.hatching,
            waves.marble,
            waves.wood,
            waves.contours,
            waves.ridges,
        ),
        *(
            waves.warped,
            waves.flow,
            cells.voronoi,
            cells.stained_glass,
            cells.cracks,
            cells.gravel,
            cells.bricks,
        ),
        *(cells.checks, cells.scales, cells.dots, cells.glyphs, cells.discs, cells.squares, cells.triangles),
        *(cells.leaves, cells.strokes),
    )
}

WAVELENGTHS = (4.0, 6.5, 10.5, 17.0, 27.5)
"""Edges of the four octave-like bins from which a texture's wavelength is drawn, in pixels."""


def draw_textures(count: int, size: int, generator: Generator) -> Tensor:
    """Draw textures of random families, scales and colours.

    Args:
        count: How many, at least 1.
        size: Height and width in pixels, at least 8.
        generator: The only source of chance; the pictures land on its device.

    Returns:
        (count, 3, size, size), float32, in [0, 1].

    Raises:
        ValueError: count or size is too small.
    """
    if count < 1 or size < 8:
        raise ValueError(f"draw_textures: expected count >= 1 and size >= 8, got {count} and {size}")
    families = torch.randint(len(FAMILIES), (count,), generator=generator, device=generator.device)
    scales = torch.randint(len(WAVELENGTHS) - 1, (count,), generator=generator, device=generator.device)
    return draw_labelled_textures(families, scales, size, generator)


def draw_labelled_textures(families: Tensor, scales: Tensor, size: int, generator: Generator) -> Tensor:
    """Draw one texture for each family number and scale number (both (N,) int64): (N, 3, size, size)."""
    edges = torch.tensor(WAVELENGTHS, device=generator.device)
    draw = torch.rand(len(scales), generator=generator, device=generator.device)
    wavelength = edges[scales] * (edges[scales + 1] / edges[scales]) ** draw
    textures = torch.empty(len(families), 3, size, size, device=generator.device)
    names = list(FAMILIES)
    for number in families.unique().tolist():
        chosen = (families == number).nonzero().squeeze(1)
        value, shade = FAMILIES[names[number]](size, wavelength[chosen], generator)
        textures[chosen] = colourise(value, shade, generator)
    return textures


def family_names() -> Sequence[str]:
    """The families in the order of their numbers."""
    return tuple(FAMILIES)


def colourise(value: Tensor, shade: Tensor, generator: Generator) -> Tensor:
    """Colour a `value` (N, 1, S, S) by a random palette of four and darken or tint it by `shade`.

    Palettes range from harmonious (four tones near each other) to loud (four colours at random).
    """
    count, device = value.shape[0], generator.device
    base = torch.rand(count, 1, 3, generator=generator, device=device)
    loud = torch.rand(count, 4, 3, generator=generator, device=device)
    share = torch.rand(count, 1, 1, generator=generator, device=device) * 0.8 + 0.2
    palette = base + share * (loud - base)  # (N, 4, 3)
    line = torch.rand(count, 3, 1, 1, generator=generator, device=device) * 0.4
    return line + shade * (_mix(palette, value) - line)


def _mix(palette: Tensor, value: Tensor) -> Tensor:
    """Piecewise linear colours: palette (N, 4, 3) at value (N, 1, S, S) in [0, 1] -> (N, 3, S, S)."""
    weights = [(1 - (value * 3 - stop).abs()).clamp(min=0) for stop in range(4)]
    return torch.einsum("npc,npij->ncij", palette, torch.cat(weights, dim=1))
