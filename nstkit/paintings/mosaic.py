"""Mosaic: tesserae laid along the contours of suns and waves, with grout between and gold among them."""

import numpy as np

from nstkit.paintings.drawing import Canvas, hexes, impasto, noise

_GROUT = (0.30, 0.28, 0.26)
_SUN = hexes("f4c542", "e8a317", "f7e08a", "c9531f", "8c2f1b")
_SEA = hexes("0b3c5d", "1d6996", "38a6a5", "0f8554", "73af48", "e8e4d0")
_SKY = hexes("5f4690", "94346e", "cc503e", "e17c05", "edad08", "f1ead2")


def mosaic(canvas: Canvas) -> np.ndarray:
    """Paint; returns (H, W, 3) in [0, 1]."""
    side = 0.026
    wide, tall = canvas.width / canvas.unit, canvas.height / canvas.unit
    suns = _suns(canvas.rng, wide)
    horizon = 0.62 * tall
    for cy, cx, radius in suns:
        _rings(canvas, cy, cx, radius, side, wide, horizon)
    _waves(canvas, side, wide, tall, horizon)
    pixels = canvas.pixels()
    grain = noise(canvas.rng, canvas.height, canvas.width, 90, 2)
    relief = pixels.mean(2) * 40 + grain
    return impasto(np.clip(pixels * (1 + 0.035 * grain[..., None]), 0, 1), relief, 0.10)


def _suns(rng: np.random.Generator, wide: float) -> list[tuple[float, float, float]]:
    """(y, x, radius of the disc), the great sun first; the sky belongs to the nearest one."""
    small = [(0.1 + 0.1 * rng.random(), u * wide, 0.05) for u in (0.08, 0.93)]
    return [(0.34, 0.45 * wide, 0.14), *small]


def _rings(
    canvas: Canvas, cy: float, cx: float, disc: float, side: float, wide: float, horizon: float
) -> None:
    """Rows of stones on circles around one sun, until the rows of another or the sea take over."""
    others = [sun for sun in _suns(np.random.default_rng(0), wide) if abs(sun[1] - cx) > 0.2]
    for number in range(int(1.6 / side)):
        radius = side * (number + 0.5)
        count = max(1, int(2 * np.pi * radius / side))
        phase = canvas.rng.random()
        for k in range(count):
            a = 2 * np.pi * (k + phase) / count
            y, x = cy + radius * np.sin(a), cx + radius * np.cos(a)
            if y > horizon + side or not -side < x < wide + side or y < -side:
                continue
            if any(np.hypot(y - oy, x - ox) - 1.6 * odisc < radius - 1.6 * disc for oy, ox, odisc in others):
                continue
            _stone(canvas, y, x, a, side, _sky_color(canvas.rng, radius, a, disc))


def _sky_color(rng: np.random.Generator, radius: float, angle: float, disc: float) -> np.ndarray:
    if radius < disc:
        return _SUN[rng.choice([0, 0, 1, 2])] if radius < 0.8 * disc else _SUN[4]
    ray = np.cos(12 * angle) > 0.15
    if radius < 2.1 * disc and ray:
        return _SUN[rng.choice([3, 1])]
    band = int((radius - disc) / 0.095) % len(_SKY)
    return _SKY[band] if rng.random() > 0.12 else _SKY[rng.integers(len(_SKY))]


def _waves(canvas: Canvas, side: float, wide: float, tall: float, horizon: float) -> None:
    """Rows of stones along waves, from the horizon down."""
    rows = int((tall - horizon) / side) + 3
    for number in range(rows):
        for x in np.arange(-side, wide + side, side):
            swell = 0.035 * np.sin(9 * x + 0.5 * number) * min(1.0, 0.25 + number / 8)
            y = horizon + side * (number + 0.6) + swell
            slope = np.arctan(0.315 * np.cos(9 * x + 0.5 * number) * min(1.0, 0.25 + number / 8))
            foam = swell < -0.022 and canvas.rng.random() < 0.7
            tone = (number // 2 + int(2 * np.sin(3 * x))) % 5
            color = (
                _SEA[5]
                if foam
                else _SEA[tone]
                if canvas.rng.random() > 0.15
                else _SEA[canvas.rng.integers(5)]
            )
            _stone(canvas, y, x + 0.3 * side * (number % 2), slope + np.pi / 2, side, color)


def _stone(canvas: Canvas, y: float, x: float, angle: float, side: float, color: np.ndarray) -> None:
    """One tessera: a worn square turned along the row, with a lit and a shaded edge."""
    turn = angle + 0.1 * canvas.rng.normal()
    half = 0.43 * side * canvas.rng.uniform(0.86, 1.04, 4)
    corners = [
        (sy * h, sx * h) for (sy, sx), h in zip(((-1, -1), (-1, 1), (1, 1), (1, -1)), half, strict=True)
    ]
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    shape = np.array(corners) @ rotation + (y, x)
    tone = color * canvas.rng.uniform(0.82, 1.12) + 0.02 * canvas.rng.normal(size=3)
    canvas.polygon(shape + 0.05 * side, tuple(tone * 0.55))
    canvas.polygon(shape, tuple(tone))
    inner = (shape - (y, x)) * 0.62 + (y, x) - 0.06 * side
    canvas.polygon(inner, tuple(tone * 1.07 + 0.03))
