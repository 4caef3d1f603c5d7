"""Pictures to read and colour profiles to obey, made by hand: ICC.1:2001-04 (version 2.4) byte by byte."""

import struct

import numpy as np
import pytest
import torch
from skimage.color import lab2xyz

# Primaries of Display P3 and of sRGB, adapted to D50; columns are red, green and blue (from their ICC profiles).
WIDE_TO_XYZ = np.array([[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
SRGB_TO_XYZ = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])


def fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def profile(space, connection, kind, tags):
    """A whole profile: header, tag table, tags."""
    offset, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack(">II", offset + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    date = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    head = (
        struct.pack(">I4sI4s4s4s", offset + len(body), bytes(4), 0x02400000, kind, space, connection) + date
    )
    head += b"acsp" + bytes(28) + fixed(0.9642, 1, 0.8249) + bytes(48)
    return head + table + body


@pytest.fixture(scope="session")
def wide_gamut():
    """An RGB profile of a wide gamut and gamma 2, and what it means: (..., 3) in [0, 1] to sRGB in [0, 1]."""
    tags = {b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249)}
    for k, colour in enumerate((b"r", b"g", b"b")):
        tags[colour + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*WIDE_TO_XYZ[:, k])
        tags[colour + b"TRC"] = curve(2.0)

    return profile(b"RGB ", b"XYZ ", b"mntr", tags), lambda values: srgb_of_linear(values**2, WIDE_TO_XYZ)


@pytest.fixture(scope="session")
def linear_gray():
    """A gray profile of gamma 1, and what it means: linear light in [0, 1] to an sRGB level in [0, 1]."""
    tags = {b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249), b"kTRC": curve(1.0)}
    return profile(b"GRAY", b"XYZ ", b"mntr", tags), srgb_encoded


@pytest.fixture(scope="session")
def odd_inks():
    """A CMYK profile whose inks are unlike any printer's, its sixteen solid overprints, and their sRGB colours."""
    inks = np.array(list(np.ndindex(2, 2, 2, 2)))  # the last ink varies fastest, as in a profile
    lightness = 100 - 25 * inks[:, 0] - 30 * inks[:, 1] - 15 * inks[:, 2] - 30 * inks[:, 3]
    strength = (lightness / 100)[:, None]
    lab = np.column_stack([lightness, strength * (inks @ [[20, 30], [-30, 20], [10, -30], [0, 0]])])
    codes = np.rint(np.column_stack([lab[:, 0] * 2.55, lab[:, 1:] + 128])).astype(np.uint8)
    ramp = bytes(range(256))
    table = b"mft1" + bytes(4) + struct.pack(">BBBB", 4, 3, 2, 0) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += ramp * 4 + codes.tobytes() + ramp * 3
    tags = {b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1, 0.8249), b"A2B0": table}
    exact = np.column_stack([codes[:, 0] / 2.55, codes[:, 1:].astype(float) - 128])
    return profile(b"CMYK", b"Lab ", b"prtr", tags), inks.astype(np.uint8) * 255, srgb_of_lab(exact)


def srgb_encoded(linear):
    """IEC 61966-2-1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_of_linear(values, to_xyz):
    """Linear light (..., 3) of other primaries to sRGB in [0, 1]; colours out of its gamut are clipped."""
    return srgb_encoded((values @ to_xyz.T @ np.linalg.inv(SRGB_TO_XYZ).T).clip(0, 1))


@pytest.fixture(scope="session")
def adobe_rgb():
    """What values in Adobe RGB (1998), as its specification defines it, mean in sRGB."""
    to_xyz = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
    return lambda values: srgb_of_linear(values ** (563 / 256), to_xyz)


def srgb_of_lab(lab):
    """CIE L*a*b* under D50 to sRGB in [0, 1]."""
    return srgb_encoded((lab2xyz(lab, illuminant="D50") @ np.linalg.inv(SRGB_TO_XYZ).T).clip(0, 1))


@pytest.fixture(scope="session")
def lab_colours():
    """A few colours in CIE L*a*b*, (2, 3, 3), and the same in sRGB in [0, 1]."""
    rows = [[[50, 20, -30], [80, -10, 40], [30, 5, 5]], [[100, 0, 0], [60, 0, 0], [0, 0, 0]]]
    return np.array(rows, dtype=float), srgb_of_lab(np.array(rows, dtype=float))


@pytest.fixture
def levels():
    """Random 8-bit colours, (11, 17, 3)."""
    return np.random.default_rng(0).integers(0, 256, (11, 17, 3), dtype=np.uint8)


@pytest.fixture
def smooth():
    """An image (1, 3, 40, 64) without sharp edges, so that lossy formats hardly change it."""
    y, x = torch.meshgrid(torch.linspace(0, 1, 40), torch.linspace(0, 1, 64), indexing="ij")
    return torch.stack([y, 0.2 + 0.6 * x, 0.5 + 0.4 * torch.sin(3 * x + 2 * y)])[None]
