"""Woodcut: great waves in flat inks, carved with lines that follow the swell, foam like claws."""

import numpy as np

from nstkit.paintings.drawing import Canvas, hexes, noise

_PAPER, _INDIGO, _BLUE, _PALE, _RED, _SAND = hexes("efe3c6", "16264f", "2f5d8f", "8fb4c7", "c8452f", "e3c58d")


def woodcut(canvas: Canvas) -> np.ndarray:
    """Paint; returns (H, W, 3) in [0, 1]."""
    y, x = canvas.grid()
    wide, tall = canvas.width / canvas.unit, canvas.height / canvas.unit
    picture = _sky(canvas, y, x, wide, tall)
    for number in range(6):
        picture = _wave(canvas, y, x, picture, number, wide, tall)
    return _printed(canvas, picture)


def _sky(canvas: Canvas, y: np.ndarray, x: np.ndarray, wide: float, tall: float) -> np.ndarray:
    """Paper, a gradation of ink from above, a red sun, and carved streaks of cloud."""
    fade = np.clip(1 - y / (0.22 * tall), 0, 1)[..., None]
    picture = _SAND * (1 - fade) + _PALE * fade
    sun = np.hypot(y - 0.25 * tall, x - 0.72 * wide) < 0.11
    picture = np.where(sun[..., None], _RED, picture)
    drift = 0.012 * np.sin(7 * x) + 0.008 * noise(canvas.rng, canvas.height, canvas.width, 4)
    lines = np.abs(np.mod((y + drift) / 0.026, 1) - 0.5) < 0.13
    clouds = np.sin(4.3 * x + 9 * y) + 0.5 * noise(canvas.rng, canvas.height, canvas.width, 3) > 0.35
    return np.where((lines & clouds)[..., None], _PAPER, picture)


def _crest(x: np.ndarray, number: int, wide: float, tall: float, phase: float) -> np.ndarray:
    """The upper edge of a wave: sharp crests that lean, flatter with distance."""
    base = (0.4 + 0.11 * number) * tall
    height = 0.05 + 0.022 * number
    a = (5.2 - 0.45 * number) * x + phase
    lean = a + 0.65 * np.sin(a)
    return base - height * (np.exp(1.25 * np.cos(lean)) - 1) / 1.6 - 0.012 * np.sin(3.1 * a)


def _wave(
    canvas: Canvas, y: np.ndarray, x: np.ndarray, picture: np.ndarray, number: int, wide: float, tall: float
) -> np.ndarray:
    """One row of waves: flat ink, lines carved along the swell, an outline, and foam on the crests."""
    phase = canvas.rng.uniform(0, 6.28)
    crest = _crest(x, number, wide, tall, phase)
    depth = y - crest
    body = depth > 0
    ink = (_BLUE, _INDIGO)[number % 2]
    pitch = 0.017 + 0.0022 * number
    bend = (
        depth
        + 0.35 * pitch * np.sin(14 * x + 30 * depth)
        + 0.003 * noise(canvas.rng, canvas.height, canvas.width, 8)
    )
    taper = 0.16 + 0.5 * np.clip(1 - depth / 0.2, 0, 1)
    carved = np.abs(np.mod(bend / pitch, 1) - 0.5) < 0.5 * taper * (
        0.55 + 0.45 * np.sin(6 * x + 2.5 * number + 14 * depth)
    )
    tone = np.where(carved[..., None], np.where((depth < 0.075)[..., None], _PAPER, _PALE), ink)
    outline = np.abs(depth) < 0.0045
    picture = np.where(body[..., None], tone, picture)
    picture = np.where(outline[..., None], _INDIGO * 0.7, picture)
    return _foam(canvas, y, x, picture, crest, depth)


def _foam(
    canvas: Canvas, y: np.ndarray, x: np.ndarray, picture: np.ndarray, crest: np.ndarray, depth: np.ndarray
) -> np.ndarray:
    """Round tongues of paper along the high crests, outlined in ink, and drops above them."""
    high = crest < crest.mean() - 0.25 * (crest.mean() - crest.min())
    scallop = 0.017 + 0.017 * np.abs(np.sin(34 * x + 1.2 * np.sin(9 * x)))
    tongue = high & (depth > -0.006) & (depth < scallop)
    edge = high & (np.abs(depth - scallop) < 0.004)
    picture = np.where(tongue[..., None], _PAPER, picture)
    picture = np.where(edge[..., None], _INDIGO, picture)
    columns = (canvas.rng.random(26) * canvas.width).astype(int)
    for column in columns:
        top = crest[0, column]
        if high[0, column]:
            cy, cx, r = (
                top - canvas.rng.uniform(0.012, 0.05),
                column / canvas.unit,
                canvas.rng.uniform(0.003, 0.0075),
            )
            picture = np.where((np.hypot(y - cy, x - cx) < r)[..., None], _PAPER, picture)
    return picture


def _printed(canvas: Canvas, picture: np.ndarray) -> np.ndarray:
    """Wood grain in the ink, and paper showing through where it is thin."""
    grain = noise(canvas.rng, canvas.height, canvas.width, 60, 2)
    y, _ = canvas.grid()
    rings = np.sin(260 * (y + 0.03 * noise(canvas.rng, canvas.height, canvas.width, 2)))
    dark = (picture.mean(2) < 0.62)[..., None]
    thin = np.clip(0.045 * grain + 0.035 * rings, -0.05, 0.12)[..., None]
    return np.clip(np.where(dark, picture + thin, picture * (1 - 0.35 * np.abs(thin))), 0, 1)
