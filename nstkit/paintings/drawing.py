"""What the painters share: a random source in picture units, smooth noise, brush strokes, light on thick paint.

All lengths are in units of the picture's short side, so that a painting looks the same at every size.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Color = tuple[float, float, float]


class Canvas:
    """A picture in the making: an RGB image, its random source, and its size."""

    def __init__(self, height: int, width: int, seed: int, ground: Color) -> None:
        self.height, self.width, self.unit = height, width, min(height, width)
        self.rng = np.random.default_rng(seed)
        self.image = Image.new("RGB", (width, height), to_8_bit(ground))
        self.draw = ImageDraw.Draw(self.image)

    def pixels(self) -> np.ndarray:
        """The picture so far, float (H, W, 3) in [0, 1]."""
        return np.asarray(self.image, dtype=np.float64) / 255

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates y and x of every pixel, (H, W) each, in units."""
        y, x = np.mgrid[0 : self.height, 0 : self.width]
        return y / self.unit, x / self.unit

    def scattered(self, spacing: float, jitter: float = 0.5) -> np.ndarray:
        """Points (N, 2) as (y, x) in units: a grid of this spacing, jittered, in random order."""
        rows = np.arange(-spacing, self.height / self.unit + spacing, spacing)
        columns = np.arange(-spacing, self.width / self.unit + spacing, spacing)
        points = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
        points = points + self.rng.uniform(-jitter, jitter, points.shape) * spacing
        return self.rng.permutation(points)

    def line(self, points: np.ndarray, width: float, color: Color) -> None:
        """A round-ended stroke along points (N, 2) as (y, x), in units."""
        path = [(float(x) * self.unit, float(y) * self.unit) for y, x in points]
        thick = max(1, round(width * self.unit))
        self.draw.line(path, fill=to_8_bit(color), width=thick, joint="curve")
        for x, y in (path[0], path[-1]) if thick > 2 else ():
            r = thick / 2 - 0.5
            self.draw.ellipse((x - r, y - r, x + r, y + r), fill=to_8_bit(color))

    def dot(self, y: float, x: float, radius: float, color: Color) -> None:
        """A filled disc, in units."""
        r, cy, cx = radius * self.unit, y * self.unit, x * self.unit
        self.draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=to_8_bit(color))

    def polygon(self, points: Sequence[tuple[float, float]] | np.ndarray, color: Color) -> None:
        """A filled polygon of (y, x) corners, in units."""
        self.draw.polygon(
            [(float(x) * self.unit, float(y) * self.unit) for y, x in points], fill=to_8_bit(color)
        )


def to_8_bit(color: Color | np.ndarray) -> tuple[int, int, int]:
    """A colour in [0, 1] as 8-bit codes."""
    red, green, blue = (round(255 * min(1.0, max(0.0, float(c)))) for c in color)
    return red, green, blue


def hexes(*codes: str) -> np.ndarray:
    """Colours written like "1b3a6b" as (N, 3) in [0, 1]."""
    return np.array([[int(code[k : k + 2], 16) / 255 for k in (0, 2, 4)] for code in codes])


def noise(rng: np.random.Generator, height: int, width: int, cells: float, octaves: int = 3) -> np.ndarray:
    """Smooth noise (H, W), mean 0 and deviation 1: `cells` bumps along the short side, halved per octave."""
    total, unit = np.zeros((height, width)), min(height, width)
    for octave in range(octaves):
        count = cells * 2**octave
        rows, columns = (max(2, round(count * side / unit) + 1) for side in (height, width))
        coarse = Image.fromarray(rng.normal(size=(rows, columns)).astype(np.float32))
        total += (
            np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64) / 2**octave
        )
    return (total - total.mean()) / (total.std() + 1e-9)


def at(field: np.ndarray, points: np.ndarray, unit: float) -> np.ndarray:
    """The values of a field (H, W, …) at points (N, 2) in units, nearest pixel, clamped to the border."""
    y = np.clip((points[:, 0] * unit).astype(int), 0, field.shape[0] - 1)
    x = np.clip((points[:, 1] * unit).astype(int), 0, field.shape[1] - 1)
    return field[y, x]


def trace(angle: np.ndarray, starts: np.ndarray, length: float, steps: int, unit: float) -> np.ndarray:
    """Paths (N, steps + 1, 2) that follow a field of angles (H, W) from points (N, 2), half of it backwards."""
    half = steps // 2
    path = np.empty((len(starts), steps + 1, 2))
    path[:, half] = starts
    for order, sign in ((range(half + 1, steps + 1), 1), (range(half - 1, -1, -1), -1)):
        for k in order:
            here = path[:, k - sign]
            a = at(angle, here, unit)
            path[:, k] = here + sign * length / steps * np.stack([np.sin(a), np.cos(a)], -1)
    return path


def impasto(pixels: np.ndarray, relief: np.ndarray, strength: float) -> np.ndarray:
    """Light from the upper left on a relief (H, W): pixels (H, W, 3) with ridges lit and valleys shaded."""
    dy, dx = np.gradient(relief)
    light = -(dx + dy)
    light = light / (np.abs(light).std() * 3 + 1e-9)
    return np.clip(pixels * (1 + strength * np.clip(light, -1, 1)[..., None]), 0, 1)


def blurred(field: np.ndarray, radius: float) -> np.ndarray:
    """A field (H, W) or (H, W, C) smoothed by three box filters of this radius in pixels."""
    reach = max(1, round(radius))
    for _ in range(3):
        for axis in (0, 1):
            padding = [(reach + 1, reach) if a == axis else (0, 0) for a in range(field.ndim)]
            sums = np.cumsum(np.pad(field, padding, mode="edge"), axis=axis)
            size = field.shape[axis]
            window = 2 * reach + 1
            field = (
                np.take(sums, range(window, window + size), axis) - np.take(sums, range(size), axis)
            ) / window
    return field
