"""Cells, tiles and overlapping shapes: the textures that have edges.

Each family takes (size, wavelength, generator) and returns two fields (N, 1, S, S) in [0, 1]: `value`, which
a palette turns into colour, and `shade`, where 0 is the colour of the lines between.
"""

import math

import torch
from torch import Generator, Tensor

from nstkit.encoders.procedural_fields import flow_field, fractal_noise, frame, spread, uniform

Texture = tuple[Tensor, Tensor]


def hash_table(count: int, channels: int, generator: Generator) -> Tensor:
    """Random numbers in [0, 1) for 64 x 64 cells, after which they repeat: (N, channels, 4096)."""
    return torch.rand(count, channels, 64 * 64, generator=generator, device=generator.device)


def look_up(table: Tensor, cells: Tensor) -> Tensor:
    """The numbers of each integer cell: table (N, channels, 4096) at cells (N, 2, S, S) -> (N, channels, S, S)."""
    index = (cells[:, 0] % 64 * 64 + cells[:, 1] % 64).long().flatten(1).unsqueeze(1)
    found = table.gather(2, index.expand(-1, table.shape[1], -1))
    return found.view(*table.shape[:2], *cells.shape[2:])


def hashed(cells: Tensor, channels: int, generator: Generator) -> Tensor:
    """Give every integer cell (N, 2, S, S) its own random numbers (N, channels, S, S) in [0, 1)."""
    return look_up(hash_table(cells.shape[0], channels, generator), cells)


def nearest_points(grid: Tensor, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Distance to the nearest and second nearest of one jittered point a cell, and the nearest's number.

    Worley, SIGGRAPH 1996. `grid` is (N, 2, S, S) in units of cells; all results are (N, 1, S, S).
    """
    cell, table = grid.floor(), hash_table(grid.shape[0], 3, generator)
    first, second = torch.full_like(grid[:, :1], 9.0), torch.full_like(grid[:, :1], 9.0)
    number = torch.zeros_like(first)
    for dx, dy in [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]:
        neighbour = cell + torch.tensor([dx, dy], device=grid.device).view(1, 2, 1, 1)
        point = look_up(table, neighbour)
        x, y = (neighbour + point[:, :2] - grid).split(1, dim=1)
        distance = (x.square() + y.square()).sqrt()
        number = torch.where(distance < first, point[:, 2:], number)
        second = torch.minimum(second, torch.maximum(first, distance))
        first = torch.minimum(first, distance)
    return first, second, number


def voronoi(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Flat cells without lines."""
    _, _, number = nearest_points(frame(len(wavelength), size, wavelength, generator), generator)
    return number, torch.ones_like(number)


def stained_glass(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Cells between dark lines."""
    first, second, number = nearest_points(frame(len(wavelength), size, wavelength, generator), generator)
    lead = uniform(len(wavelength), 0.06, 0.2, generator)
    return number, ((second - first) / lead - 0.5).clamp(0, 1)


def cracks(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Thin wandering lines on a mottled ground."""
    count = len(wavelength)
    grid = frame(count, size, wavelength, generator)
    wander = [fractal_noise(size, wavelength / 2, torch.full_like(wavelength, 2.0), generator) for _ in "xy"]
    first, second, _ = nearest_points(grid + 0.15 * torch.cat(wander, dim=1), generator)
    ground = spread(fractal_noise(size, wavelength, torch.full_like(wavelength, 1.5), generator))
    return ground, ((second - first) * uniform(count, 8, 16, generator)).clamp(0, 1)


def gravel(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Round stones, lit in the middle."""
    first, second, number = nearest_points(frame(len(wavelength), size, wavelength, generator), generator)
    return number, (1.3 * (second - first)).clamp(0, 1).sqrt() * (1 - 0.4 * first).clamp(0, 1)


def bricks(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Courses of bricks, every second one moved by half a brick."""
    count = len(wavelength)
    grid = frame(count, size, wavelength, generator) / torch.tensor([2.0, 1.0], device=generator.device).view(
        2, 1, 1
    )
    row = grid[:, 1:].floor()
    shifted = torch.cat([grid[:, :1] + 0.5 * (row % 2), grid[:, 1:]], dim=1)
    edge = (shifted - shifted.floor() - 0.5).abs()
    joint = uniform(count, 0.03, 0.1, generator)
    gap = torch.minimum(2 * (0.5 - edge[:, :1]), 0.5 - edge[:, 1:])
    return hashed(shifted.floor(), 1, generator), ((gap - joint) / joint).clamp(0, 1)


def checks(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """A chessboard, or a random mosaic of squares."""
    grid = frame(len(wavelength), size, wavelength, generator)
    parity = grid.floor().sum(1, keepdim=True) % 2
    mosaic = hashed(grid.floor(), 1, generator)
    value = torch.where(uniform(len(wavelength), 0, 1, generator) < 0.5, parity, mosaic)
    return value, torch.ones_like(value)


def scales(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Overlapping rows of round scales."""
    grid = frame(len(wavelength), size, wavelength, generator)
    row = (2 * grid[:, 1:]).floor()
    x = grid[:, :1] + 0.5 * (row % 2)
    inside = ((x - x.floor() - 0.5).square() + (grid[:, 1:] - row / 2).square()).sqrt()
    column, row = (
        torch.where(inside < 0.5, x.floor(), (x + 0.5).floor()),
        torch.where(inside < 0.5, row, row - 1),
    )
    return hashed(torch.cat([column, row], dim=1), 1, generator), (8 * (inside - 0.5).abs()).clamp(0, 1)


def dots(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Dabs of colour on a ground, each with its own size, in a loose grid."""
    grid = frame(len(wavelength), size, wavelength, generator)
    first, _, number = nearest_points(grid, generator)
    radius = 0.25 + 0.3 * (7 * number).frac()
    return number, ((radius - first) * 6 + 0.5).clamp(0, 1)


def glyphs(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Signs: random 4 x 4 patterns mirrored in each cell, like an unknown script."""
    grid = frame(len(wavelength), size, wavelength, generator, turn=0.3)
    cell, inside = grid.floor(), grid - grid.floor()
    folded = torch.cat([(inside[:, :1] - 0.5).abs(), inside[:, 1:]], dim=1)
    pixel = (7 * folded).floor()
    ink = hashed(7 * cell + pixel, 1, generator) < 0.5
    margin = ((inside - 0.5).abs() < 0.4).all(dim=1, keepdim=True)
    return hashed(cell, 1, generator), 1 - (ink & margin).float()


def _painted(size: int, wavelength: Tensor, generator: Generator, kind: str, layers: int = 4) -> Texture:
    """Shapes laid over each other (the dead leaves model), in a jittered grid for each layer.

    A shape shows in the quarter cell that it was drawn for and is cut straight at its edges: overlaps have
    corners, as torn paper has.
    """
    count, aspect = len(wavelength), {"stroke": 0.28, "leaf": 0.5}.get(kind, 1.0)
    flow = flow_field(size, 6 * wavelength, generator)
    value = torch.zeros(count, 1, size, size, device=generator.device)
    shade = torch.zeros_like(value)
    for _ in range(layers):
        grid = frame(count, size, wavelength, generator)
        for dx, dy in [(0, 0), (1, 0), (0, 1), (1, 1)]:
            cell = (grid - 0.5).floor() + torch.tensor([dx, dy], device=grid.device).view(1, 2, 1, 1)
            jitter = hashed(cell, 4, generator)
            offset = grid - cell - 0.2 - 0.6 * jitter[:, :2]
            radius = _radius(offset, flow, jitter[:, 3:], kind, aspect)
            cover = ((0.55 + 0.25 * jitter[:, 3:] - radius) * 10).clamp(0, 1)
            value = value + cover * (jitter[:, 2:3] - value)
            rim = (1.4 - 1.1 * radius).clamp(0.35, 1)
            shade = shade + cover * (rim - shade)
    return value, shade


def _radius(offset: Tensor, flow: Tensor, draw: Tensor, kind: str, aspect: float) -> Tensor:
    """Distance from a shape's middle in its own norm; strokes and leaves lie along the flow."""
    angle = 2 * math.pi * draw
    turn = torch.cat([angle.cos(), angle.sin()], dim=1) if kind != "stroke" else flow
    along = (offset * turn).sum(1, keepdim=True)
    across = offset[:, :1] * turn[:, 1:] - offset[:, 1:] * turn[:, :1]
    if kind == "square":
        return torch.maximum(along.abs(), across.abs()) * 1.2
    if kind == "triangle":
        return torch.maximum(along, (0.866 * across.abs() - 0.5 * along)) * 1.6
    return (along.square() + (across / aspect).square()).sqrt()


def discs(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Overlapping discs."""
    return _painted(size, wavelength, generator, "disc")


def squares(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Overlapping squares, turned at random."""
    return _painted(size, wavelength, generator, "square")


def triangles(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Overlapping triangles."""
    return _painted(size, wavelength, generator, "triangle")


def leaves(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Overlapping ellipses, turned at random."""
    return _painted(size, wavelength, generator, "leaf")


def strokes(size: int, wavelength: Tensor, generator: Generator) -> Texture:
    """Brush strokes that follow a flow."""
    return _painted(size, 1.5 * wavelength, generator, "stroke", layers=6)
