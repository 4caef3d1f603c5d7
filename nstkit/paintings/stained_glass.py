"""Stained glass: a rose of leaded cells, luminous colours, grain in the glass."""

import numpy as np

from nstkit.paintings.drawing import Canvas, blurred, hexes, impasto, noise

_GLASS = hexes(
    *("b3122d", "d8342b", "f08a1d", "f7c531", "1c4fa1", "2f7fc9"),
    *("0f7a6b", "2fa36b", "6a2c91", "a33b8f", "e9e2c0", "134074"),
)
_LEAD = np.array([0.055, 0.055, 0.065])


def stained_glass(canvas: Canvas) -> np.ndarray:
    """Paint; returns (H, W, 3) in [0, 1]."""
    y, x = canvas.grid()
    seeds, colors = _cells(canvas)
    near, edge = _voronoi(y, x, seeds)
    glass = colors[near]
    glass = _lit(canvas, y, x, glass, edge)
    lead = np.clip((0.0085 - edge) * canvas.unit / 1.5 + 0.5, 0, 1)[..., None]
    relief = blurred(np.clip(0.012 - edge, 0, None), 0.002 * canvas.unit)
    metal = impasto(np.broadcast_to(_LEAD * 1.7, glass.shape), relief, 0.9)
    return np.clip(glass * (1 - lead) + metal * lead, 0, 1)


def _cells(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Seeds on rings around a centre, in the colours of a rose window, and loose cells beyond."""
    wide, tall = canvas.width / canvas.unit, canvas.height / canvas.unit
    center, seeds, colors = np.array([0.5 * tall, 0.46 * wide]), [], []
    rings = (
        (0.0, 1, (3,)),
        (0.085, 6, (2, 3)),
        (0.17, 10, (0, 1)),
        (0.265, 14, (4, 5)),
        (0.36, 18, (0, 3)),
        (0.46, 22, (8, 9)),
    )
    for number, (radius, count, tones) in enumerate(rings):
        turn = canvas.rng.random()
        for k in range(count):
            a = 2 * np.pi * (k + 0.5 * (number % 2)) / count + 0.05 * turn
            seeds.append(
                center + radius * np.array([np.sin(a), np.cos(a)]) + 0.006 * canvas.rng.normal(size=2)
            )
            colors.append(_GLASS[tones[k % len(tones)]])
    for point in canvas.scattered(0.105, 0.42):
        if np.hypot(*(point - center)) > 0.52:
            seeds.append(point)
            band = int(3 * (0.5 + 0.5 * np.sin(5 * point[0] + 2.2 * np.sin(3 * point[1]))))
            choice = canvas.rng.choice(((5, 4, 11), (6, 7, 6), (2, 10, 1))[min(band, 2)])
            colors.append(_GLASS[choice])
    glass = np.array(colors) * canvas.rng.uniform(0.86, 1.1, (len(colors), 1))
    return np.array(seeds), glass + 0.03 * canvas.rng.normal(size=glass.shape)


def _voronoi(y: np.ndarray, x: np.ndarray, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel the nearest seed, and the distance to the border with the second nearest, in units."""
    first, second = np.full(y.shape, np.inf), np.full(y.shape, np.inf)
    near, next_near = np.zeros(y.shape, int), np.zeros(y.shape, int)
    for k, (sy, sx) in enumerate(seeds):
        d = (y - sy) ** 2 + (x - sx) ** 2
        closer, runner = d < first, d < second
        next_near = np.where(closer, near, np.where(runner, k, next_near))
        second = np.where(closer, first, np.where(runner, d, second))
        near, first = np.where(closer, k, near), np.where(closer, d, first)
    gap = np.linalg.norm(seeds[near] - seeds[next_near], axis=-1)
    return near, (second - first) / (2 * gap + 1e-9)


def _lit(canvas: Canvas, y: np.ndarray, x: np.ndarray, glass: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Light from behind: brighter in the middle of a cell, streaks and seeds in the glass."""
    streaks = noise(canvas.rng, canvas.height, canvas.width, 22, 3)
    cloud = noise(canvas.rng, canvas.height, canvas.width, 5, 2)
    ripple = np.sin(140 * (x * 0.6 + y) + 3 * cloud)
    depth = np.clip(edge / 0.035, 0, 1)
    light = 0.72 + 0.36 * depth + 0.07 * streaks + 0.06 * cloud + 0.035 * ripple
    white = np.clip(0.16 * depth**2 + 0.05 * streaks, 0, 1)[..., None]
    return np.clip(glass * light[..., None] * (1 - white) + white, 0, 1)
