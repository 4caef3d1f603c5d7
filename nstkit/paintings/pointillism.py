"""Pointillism: a river at evening, in dots of pure colour laid beside their complements."""

import numpy as np

from nstkit.paintings.drawing import Canvas, at, hexes, noise

_SKY = hexes("f9d976", "f6a45b", "e87a6b", "b678a8", "6f7fc0", "4a63a8")
_TREES = hexes("12402f", "2c6b3f", "5b8c3a", "a3b04a", "3c4f8c")
_GRASS = hexes("7fa33d", "c7c24a", "4f8a4b", "e0b850", "6d9ac4")


def pointillism(canvas: Canvas) -> np.ndarray:
    """Paint; returns (H, W, 3) in [0, 1]."""
    scene = _scene(canvas)
    for spacing, radius, spread in ((0.016, 0.0125, 0.04), (0.011, 0.0075, 0.10), (0.0085, 0.0048, 0.16)):
        points = canvas.scattered(spacing, 0.5)
        colors = _divided(canvas.rng, at(scene, points, canvas.unit), spread)
        for (y, x), color, size in zip(
            points, colors, canvas.rng.uniform(0.75, 1.2, len(points)), strict=True
        ):
            canvas.dot(y, x, radius * size, tuple(color))
    return canvas.pixels()


def _divided(rng: np.random.Generator, colors: np.ndarray, spread: float) -> np.ndarray:
    """Break each colour up: purer, scattered in hue, now and then its complement."""
    gray = colors.mean(1, keepdims=True)
    pure = gray + 1.35 * (colors - gray) + spread * rng.normal(size=colors.shape)
    complement = 1.06 * gray - 0.9 * (colors - gray)
    rare = rng.random(len(colors)) < 0.09
    return np.where(rare[:, None], complement, pure)


def _scene(canvas: Canvas) -> np.ndarray:
    """The landscape that the dots sample, (H, W, 3)."""
    y, x = canvas.grid()
    wide, tall = canvas.width / canvas.unit, canvas.height / canvas.unit
    cloud = noise(canvas.rng, canvas.height, canvas.width, 3, 4)
    sun_y, sun_x = 0.3 * tall, 0.66 * wide
    distance = np.hypot(y - sun_y, x - sun_x)
    sky = _ramp(_SKY, 0.9 * distance + 0.06 * cloud)
    sky = np.where((distance < 0.055)[..., None], np.array([1.0, 0.97, 0.78]), sky)
    shore = 0.52 * tall + 0.008 * np.sin(9 * x)
    mirror = np.clip(
        (2 * shore - y + 0.02 * np.sin(60 * y + 3 * cloud)) * canvas.unit, 0, canvas.height - 1
    ).astype(int)
    columns = np.broadcast_to(np.arange(canvas.width), mirror.shape)
    water = sky[mirror, columns] * 0.82 + 0.04
    picture = np.where((y > shore)[..., None], water, sky)
    picture = _trees(canvas, y, x, picture, shore, wide)
    bank = y > 0.8 * tall + 0.07 * np.sin(2.6 * x + 2) + 0.012 * cloud
    grass = _ramp(_GRASS, 0.5 + 0.25 * noise(canvas.rng, canvas.height, canvas.width, 9))
    return np.where(bank[..., None], grass * (0.75 + 0.3 * (y / tall))[..., None], picture)


def _trees(
    canvas: Canvas, y: np.ndarray, x: np.ndarray, picture: np.ndarray, shore: np.ndarray, wide: float
) -> np.ndarray:
    """Round crowns on the far shore, and their reflection."""
    leaves = _ramp(_TREES, 0.5 + 0.28 * noise(canvas.rng, canvas.height, canvas.width, 14))
    rough = 0.02 * noise(canvas.rng, canvas.height, canvas.width, 12)
    for u, height, radius in (
        (0.06, 0.2, 0.14),
        (0.2, 0.13, 0.1),
        (0.33, 0.08, 0.075),
        (0.92, 0.17, 0.12),
        (0.8, 0.07, 0.06),
    ):
        up = (y - (shore - height * 0.55)) / (0.9 * height)
        crown = np.hypot(up, (x - u * wide) / radius) + rough * 4 < 1
        down = (y - (shore + height * 0.5)) / (0.8 * height)
        shade = np.hypot(down, (x - u * wide) / radius) + rough * 5 < 1
        lit = np.clip(1.0 - 0.35 * up + 0.25 * (x - u * wide) / radius, 0.6, 1.5)[..., None]
        picture = np.where((shade & (y > shore))[..., None], leaves * 0.5 + picture * 0.35, picture)
        picture = np.where((crown & (y <= shore))[..., None], np.clip(leaves * lit, 0, 1), picture)
    return picture


def _ramp(palette: np.ndarray, value: np.ndarray) -> np.ndarray:
    position = np.clip(value, 0, 0.999) * (len(palette) - 1)
    low = position.astype(int)
    part = (position - low)[..., None]
    return palette[low] * (1 - part) + palette[low + 1] * part
