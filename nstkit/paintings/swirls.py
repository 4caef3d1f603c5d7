"""Swirls: a night sky of vortices over a sleeping hill, in thick curved strokes along a flow field."""

import numpy as np

from nstkit.paintings.drawing import Canvas, at, hexes, impasto, noise, trace

_NIGHT = hexes("0b1d51", "14337a", "1f5aa6", "3f86c6", "86b8dd")
_GLOW = hexes("f7d84a", "f2b632", "fff1a8", "e8e3c0")
_EARTH = hexes("0a1a2f", "12312f", "1f4a3a", "2d5f4f", "3b3a5c")


def swirls(canvas: Canvas) -> np.ndarray:
    """Paint; returns (H, W, 3) in [0, 1]."""
    y, x = canvas.grid()
    wide = canvas.width / canvas.unit
    vortices = _vortices(canvas.rng, wide)
    angle = _flow(canvas, y, x, vortices)
    colors = _colors(canvas, y, x, vortices)
    relief = np.zeros((canvas.height, canvas.width))
    for spacing, length, width in ((0.045, 0.22, 0.034), (0.026, 0.16, 0.02), (0.017, 0.1, 0.0115)):
        _layer(canvas, angle, colors, spacing, length, width)
        gray = np.asarray(canvas.image.convert("L"), dtype=np.float64)
        relief += gray
    return impasto(canvas.pixels(), relief, 0.16)


def _vortices(rng: np.random.Generator, wide: float) -> list[tuple[float, float, float, float]]:
    """(y, x, radius, spin): one great swirl, and stars on a loose grid."""
    great = [(0.4, 0.52 * wide, 0.2, 1.0), (0.52, 0.74 * wide, 0.13, -1.0)]
    stars = [
        (
            0.08 + 0.5 * rng.random() * (k % 2) + 0.08 * rng.random(),
            (k + 0.5 + 0.3 * rng.normal()) / 7 * wide,
            r,
            1.0,
        )
        for k, r in enumerate(rng.uniform(0.045, 0.075, 7))
    ]
    return [*great, *stars, (0.16, 0.88 * wide, 0.11, -1.0)]


def _flow(
    canvas: Canvas, y: np.ndarray, x: np.ndarray, vortices: list[tuple[float, float, float, float]]
) -> np.ndarray:
    """Angles: a wind from the left, bent around each vortex, and along the hills below."""
    vy, vx = 0.35 * np.sin(5 * x + 2 * y), np.ones_like(x)
    for cy, cx, radius, spin in vortices:
        dy, dx = y - cy, x - cx
        pull = 3.5 * spin * np.exp(-(dy**2 + dx**2) / (2 * (1.3 * radius) ** 2)) / radius
        vy, vx = vy + pull * dx, vx - pull * dy
    hills = _ground(canvas, y, x)
    angle = np.arctan2(vy, vx) + 0.25 * noise(canvas.rng, canvas.height, canvas.width, 4)
    slope = 0.5 * np.sin(6 * x) + 0.35 * noise(canvas.rng, canvas.height, canvas.width, 3)
    return np.where(hills, slope, angle)


def _ground(canvas: Canvas, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return y > 0.8 + 0.05 * np.sin(4.2 * x + 0.8) + 0.02 * np.sin(13 * x)


def _colors(
    canvas: Canvas, y: np.ndarray, x: np.ndarray, vortices: list[tuple[float, float, float, float]]
) -> np.ndarray:
    """What the strokes pick their colour from, (H, W, 3)."""
    shade = (
        0.45
        + 0.2 * noise(canvas.rng, canvas.height, canvas.width, 5)
        + 0.25 * np.sin(9 * y + 3 * np.sin(4 * x))
    )
    sky = _ramp(_NIGHT, shade)
    for k, (cy, cx, radius, _) in enumerate(vortices):
        distance = np.hypot(y - cy, x - cx) / radius
        rings = 0.55 + 0.45 * np.cos(2 * np.pi * distance * 1.6)
        if k < 2:  # the great swirls: pale bands, no disc
            weight = 0.75 * rings * np.exp(-((distance / 1.25) ** 2))
            glow = _NIGHT[4] * 0.6 + _GLOW[3] * 0.4
        else:
            weight = np.clip(
                np.exp(-((distance / 0.62) ** 4)) + 0.55 * rings * np.exp(-((distance / 1.4) ** 2)), 0, 1
            )
            glow = np.where((distance < 0.55)[..., None], _GLOW[2], _GLOW[k % 2])
        sky = sky * (1 - weight[..., None]) + glow * weight[..., None]
    soil = _ramp(_EARTH, 0.5 + 0.3 * noise(canvas.rng, canvas.height, canvas.width, 7))
    return np.where(_ground(canvas, y, x)[..., None], soil, sky)


def _ramp(palette: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Colours along a palette, by values in [0, 1]."""
    position = np.clip(value, 0, 0.999) * (len(palette) - 1)
    low = position.astype(int)
    part = (position - low)[..., None]
    return palette[low] * (1 - part) + palette[low + 1] * part


def _layer(
    canvas: Canvas, angle: np.ndarray, colors: np.ndarray, spacing: float, length: float, width: float
) -> None:
    """One coat of strokes, each with a dark side and a lit side."""
    starts = canvas.scattered(spacing)
    paths = trace(angle, starts, length, 8, canvas.unit)
    picked = at(colors, starts, canvas.unit) + 0.05 * canvas.rng.normal(size=(len(starts), 3))
    widths = width * canvas.rng.uniform(0.7, 1.25, len(starts))
    values = canvas.rng.normal(0, 0.06, len(starts))
    for path, color, thick, value in zip(paths, picked, widths, values, strict=True):
        canvas.line(path + 0.18 * thick, thick, tuple(color * 0.72))
        canvas.line(path, thick * 0.86, tuple(color + value))
        canvas.line(path - 0.2 * thick, thick * 0.24, tuple(color * 0.8 + 0.22))
