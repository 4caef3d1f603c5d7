"""Ink wash: mountains in mist, pines and reeds, wet edges on rice paper, one red seal."""

import numpy as np

from nstkit.paintings.drawing import Canvas, blurred, noise

_PAPER, _INK, _SEAL = (
    np.array([0.945, 0.915, 0.845]),
    np.array([0.085, 0.09, 0.115]),
    np.array([0.74, 0.17, 0.13]),
)


def ink_wash(canvas: Canvas) -> np.ndarray:
    """Paint; returns (H, W, 3) in [0, 1]."""
    y, x = canvas.grid()
    wide, tall = canvas.width / canvas.unit, canvas.height / canvas.unit
    fibre = noise(canvas.rng, canvas.height, canvas.width, 60, 2)
    density = 0.05 * np.clip(noise(canvas.rng, canvas.height, canvas.width, 2, 4), 0, None)
    for number in range(5):
        density = _mountains(canvas, y, x, density, number, wide, tall)
    density = density + _strokes(canvas, wide, tall)
    density = density * (1 + 0.13 * fibre) + 0.012 * fibre
    warm = 0.04 * noise(canvas.rng, canvas.height, canvas.width, 3)[..., None] * np.array([1.0, 0.7, 0.2])
    ink = np.clip(density, 0, 1)[..., None]
    picture = np.clip((_PAPER + warm) * (1 - ink) + _INK * ink, 0, 1)
    return _sealed(canvas, y, x, picture, wide, tall)


def _mountains(
    canvas: Canvas, y: np.ndarray, x: np.ndarray, density: np.ndarray, number: int, wide: float, tall: float
) -> np.ndarray:
    """One range: dark along the ridge, brushed down the slopes, lost in mist below."""
    rng, ridge = canvas.rng, np.zeros(canvas.width)
    u = np.arange(canvas.width) / canvas.unit
    for octave in range(6):
        ridge += np.abs(np.sin((2.1 + 0.7 * number) * 1.9**octave * u + rng.uniform(0, 6.28))) / 1.75**octave
    top = (0.32 + 0.14 * number) * tall - (0.22 - 0.02 * number) * (ridge / ridge.max()) ** 1.5
    depth = y - top[None, :]
    texture = noise(rng, canvas.height, canvas.width, 9 + 4 * number, 4)
    slope = np.gradient(top) * canvas.unit
    brushed = 0.5 + 0.5 * np.sin(70 * (x + 0.45 * depth * np.sign(slope)[None, :]) + 2.2 * texture)
    edge = np.exp(-np.clip(depth, 0, None) / 0.012)
    wash = np.exp(-np.clip(depth, 0, None) / (0.07 + 0.02 * number))
    strength = 0.26 + 0.15 * number
    tone = strength * (
        0.55 * wash * (0.55 + 0.65 * brushed * (texture > -0.5)) + 0.75 * edge * (0.75 + 0.25 * texture)
    )
    inside = np.clip(depth * canvas.unit / 1.5, 0, 1)
    mist = np.clip(1.15 - depth / 0.2, 0.12, 1)
    return density * (1 - 0.8 * inside) + inside * np.clip(tone, 0, 1) * mist


def _strokes(canvas: Canvas, wide: float, tall: float) -> np.ndarray:
    """Bamboo on the left and reeds at the water, drawn dark on a sheet of their own."""
    sheet = Canvas(canvas.height, canvas.width, int(canvas.rng.integers(2**31)), (0.0, 0.0, 0.0))
    for u, lean in ((0.07, 0.05), (0.125, -0.03), (0.17, 0.07)):
        _bamboo(sheet, u * wide, lean, tall)
    for u in sheet.rng.uniform(0.3, 1.0, 70) * wide:
        _leaf(
            sheet,
            tall + 0.01,
            u,
            -np.pi / 2 + 0.35 * sheet.rng.normal(),
            sheet.rng.uniform(0.05, 0.17),
            0.006,
            0.75,
        )
    ink = sheet.pixels()[..., 0]
    halo = blurred(ink, 0.006 * canvas.unit)
    return np.clip(0.95 * ink + 0.35 * halo, 0, 1)


def _bamboo(sheet: Canvas, x: float, lean: float, tall: float) -> None:
    """Segments of a stem, dark at the joints, and fans of leaves."""
    y, tone = tall + 0.02, sheet.rng.uniform(0.5, 0.75)
    while y > -0.05:
        length = sheet.rng.uniform(0.11, 0.15)
        path = np.array(
            [(y, x), (y - 0.5 * length, x + 0.52 * lean * length), (y - 0.93 * length, x + lean * length)]
        )
        sheet.line(path, 0.014, (tone, tone, tone))
        sheet.line(path + np.array([0.0, 0.004]), 0.004, (tone * 0.45, tone * 0.45, tone * 0.45))
        sheet.line(
            np.array([(y - 0.96 * length, x - 0.01), (y - 0.965 * length, x + 0.012)]),
            0.006,
            (0.95, 0.95, 0.95),
        )
        y, x = y - length, x + lean * length
        if sheet.rng.random() < 0.8:
            side = sheet.rng.choice([-1.0, 1.0])
            for _ in range(int(sheet.rng.integers(4, 8))):
                angle = 0.9 + 0.55 * sheet.rng.normal()
                heading = angle if side > 0 else np.pi - angle
                _leaf(sheet, y, x, heading, sheet.rng.uniform(0.08, 0.15), 0.013, sheet.rng.uniform(0.6, 1.0))


def _leaf(sheet: Canvas, y: float, x: float, angle: float, length: float, width: float, tone: float) -> None:
    """A leaf in one press of the brush: thin, thick, thin."""
    t = np.linspace(0, 1, 12)
    bend = angle + 0.35 * t
    line = np.stack([y + length * t * np.sin(bend), x + length * t * np.cos(bend)], -1)
    across = np.stack([np.cos(bend), -np.sin(bend)], -1) * (width * np.sin(np.pi * t**0.7) * 0.9)[:, None]
    sheet.polygon(np.concatenate([line + across, (line - across)[::-1]]), (tone, tone, tone))


def _sealed(
    canvas: Canvas, y: np.ndarray, x: np.ndarray, picture: np.ndarray, wide: float, tall: float
) -> np.ndarray:
    """A red seal with a carved mark, in the lower right corner."""
    v, u = (y - 0.8 * tall) / 0.075, (x - 0.88 * wide) / 0.06
    worn = noise(canvas.rng, canvas.height, canvas.width, 45, 2)
    square = (np.abs(v) < 0.5) & (np.abs(u) < 0.5) & (worn < 1.6)
    carved = ((np.abs(u) < 0.06) & (np.abs(v) < 0.36)) | (
        (np.abs(np.abs(v) - 0.2) < 0.05) & (np.abs(u) < 0.34)
    )
    return np.where((square & ~carved)[..., None], _SEAL, picture)
