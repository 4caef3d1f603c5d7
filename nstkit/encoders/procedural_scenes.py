"""Training pictures for `tiny`: one textured shape on another texture, with everything known about it.

The texture under the shape of picture i + 1 is the background of picture i, cropped elsewhere and lit
differently: a pair that a network can learn to recognise as one material.
"""

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from nstkit.encoders.procedural import FAMILIES, WAVELENGTHS, draw_labelled_textures
from nstkit.encoders.procedural_fields import fractal_noise, uniform

TEXTURE_CLASSES = len(FAMILIES) * (len(WAVELENGTHS) - 1)
SHAPES = (
    *("none", "disc", "ellipse", "bar", "ring", "crescent", "cross", "blob"),
    *("triangle", "square", "pentagon", "hexagon", "star 4", "star 5", "flower 3", "flower 5"),
)


@dataclass(frozen=True)
class Scenes:
    """A batch of training pictures.

    image (N, 3, S, S) in [0, 1]; mask (N, 1, S, S), 1 inside the shape; background, foreground and shape
    (N,) int64, the numbers of the two textures (family and scale) and of the shape.
    """

    image: Tensor
    mask: Tensor
    background: Tensor
    foreground: Tensor
    shape: Tensor


@dataclass(frozen=True)
class Pool:
    """Textures (P, 3, T, T) with their class numbers (P,), from which many scenes are cut."""

    textures: Tensor
    classes: Tensor


def draw_pool(each: int, size: int, generator: Generator) -> Pool:
    """Draw `each` textures of every class (family and scale)."""
    classes = torch.arange(TEXTURE_CLASSES, device=generator.device).repeat_interleave(each)
    scales = len(WAVELENGTHS) - 1
    return Pool(draw_labelled_textures(classes // scales, classes % scales, size, generator), classes)


def draw_scenes(pool: Pool, count: int, size: int, generator: Generator) -> Scenes:
    """Cut `count` scenes of `size` x `size` pixels from a pool of larger textures."""
    chosen = torch.randint(len(pool.classes), (count,), generator=generator, device=generator.device)
    background = _crop(pool.textures[chosen], size, generator)
    foreground = _crop(pool.textures[chosen.roll(1)], size, generator)
    shape = torch.randint(len(SHAPES), (count,), generator=generator, device=generator.device)
    mask = draw_shapes(shape, size, generator)
    image = _photograph(background + mask * (foreground - background), generator)
    classes = pool.classes[chosen]
    return Scenes(image, mask, classes, classes.roll(1), shape)


def _crop(textures: Tensor, size: int, generator: Generator) -> Tensor:
    """A turned, mirrored, slightly resized piece of each texture."""
    count, extent = len(textures), textures.shape[-1]
    angle = uniform(count, -math.pi, math.pi, generator).flatten()
    mirror = (uniform(count, -1, 1, generator).sign() * 1.0).flatten()
    zoom = size / extent * uniform(count, 0.8, 1.25, generator).flatten()
    centre = torch.rand(count, 2, generator=generator, device=generator.device) * 1.2 - 0.6
    rows = [
        torch.stack([zoom * angle.cos() * mirror, -zoom * angle.sin(), centre[:, 0]], dim=1),
        torch.stack([zoom * angle.sin() * mirror, zoom * angle.cos(), centre[:, 1]], dim=1),
    ]
    grid = F.affine_grid(torch.stack(rows, dim=1), [count, 3, size, size], align_corners=False)
    return F.grid_sample(textures, grid, padding_mode="reflection", align_corners=False)


def _photograph(scene: Tensor, generator: Generator) -> Tensor:
    """Mild changes of colour, contrast and light, and some noise: what a camera adds."""
    count, device, size = len(scene), generator.device, scene.shape[-1]
    mixing = torch.eye(3, device=device) + 0.08 * torch.randn(count, 3, 3, generator=generator, device=device)
    contrast, offset = uniform(count, 0.75, 1.25, generator), uniform(count, -0.1, 0.1, generator)
    axis = torch.linspace(-1, 1, size, device=device)
    right, down = (uniform(count, -0.15, 0.15, generator) for _ in range(2))
    light = right * axis + down * axis.view(-1, 1)
    noise = torch.randn(scene.shape, generator=generator, device=device) * uniform(count, 0, 0.05, generator)
    mixed = torch.einsum("nkc,ncij->nkij", mixing, scene)
    return ((mixed - 0.5) * contrast + 0.5 + offset + light + noise).clamp(0, 1)


def draw_shapes(shape: Tensor, size: int, generator: Generator) -> Tensor:
    """Masks (N, 1, S, S) in [0, 1] of the shapes numbered `shape` (N,), placed and turned at random."""
    count, device = len(shape), generator.device
    axis = torch.linspace(-1, 1, size, device=device)
    angle, scale = uniform(count, 0, 2 * math.pi, generator), uniform(count, 0.45, 0.8, generator)
    x = axis.view(1, 1, 1, -1) - uniform(count, -0.25, 0.25, generator)
    y = axis.view(1, 1, -1, 1) - uniform(count, -0.25, 0.25, generator)
    x, y = (x * angle.cos() - y * angle.sin()) / scale, (x * angle.sin() + y * angle.cos()) / scale
    wavelength = torch.full((count,), size / 2.0, device=device)
    noise = fractal_noise(size, wavelength, torch.full_like(wavelength, 4.0), generator)
    distance = torch.empty_like(x)
    for number in shape.unique().tolist():
        chosen = shape == number
        distance[chosen] = _distance(SHAPES[number], x[chosen], y[chosen], noise[chosen])
    return (distance * size / 4).clamp(-0.5, 0.5) + 0.5


def _distance(name: str, x: Tensor, y: Tensor, noise: Tensor) -> Tensor:
    """A function of the plane that is positive inside the shape and near 1 a unit deep."""
    radius, angle = (x.square() + y.square()).sqrt(), torch.atan2(y, x)
    rounded = {
        "none": lambda: torch.full_like(radius, -1.0),
        "disc": lambda: 0.8 - radius,
        "ellipse": lambda: 0.9 - (x.square() + 4 * y.square()).sqrt(),
        "bar": lambda: torch.minimum(1.0 - x.abs(), 0.25 - y.abs()),
        "ring": lambda: 0.25 - (radius - 0.65).abs(),
        "crescent": lambda: torch.minimum(0.9 - radius, ((x - 0.5).square() + y.square()).sqrt() - 0.7),
        "cross": lambda: torch.maximum(
            torch.minimum(0.9 - x.abs(), 0.28 - y.abs()), torch.minimum(0.9 - y.abs(), 0.28 - x.abs())
        ),
        "blob": lambda: 0.9 - radius + 0.25 * noise,
        "star 4": lambda: _star(radius, angle, 4, 0.35),
        "star 5": lambda: _star(radius, angle, 5, 0.45),
        "flower 3": lambda: 0.65 + 0.3 * torch.cos(3 * angle) - radius,
        "flower 5": lambda: 0.65 + 0.3 * torch.cos(5 * angle) - radius,
    }
    if name in rounded:
        return rounded[name]()
    corners = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6}[name]
    wedge = torch.remainder(angle, 2 * math.pi / corners) - math.pi / corners
    return 0.9 * math.cos(math.pi / corners) - radius * wedge.cos()


def _star(radius: Tensor, angle: Tensor, points: int, depth: float) -> Tensor:
    """A star whose outline swings between `depth` and 1."""
    phase = (torch.remainder(angle * points / (2 * math.pi), 1) * 2 - 1).abs()
    return depth + (1 - depth) * phase.square() - radius
