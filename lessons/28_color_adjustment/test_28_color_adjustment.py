"""Lesson 28, colour: L*a*b* and back, HSV, luminance transfer, and affine colour transfer."""

import colorsys
import time

import numpy as np

from nstkit.grading import exercise, outcome


def _pixels(draw, *shape, low=0.0, high=1.0):
    """Colours (…, 3), uniform in [low, high], watched."""
    return draw.watch(draw.rng.uniform(low, high, size=(*shape, 3)), "rgb")


def _refuse_last_axis(array):
    if array.ndim < 1 or array.shape[-1] != 3:
        raise ValueError("the last axis is not 3")


def _refuse_rgb(rgb):
    _refuse_last_axis(rgb)
    if rgb.min() < -1e-6 or rgb.max() > 1 + 1e-6:
        raise ValueError("values outside [0, 1]")


# --- 28.1, there ----------------------------------------------------------------------------------

srgb_to_lab = exercise(
    "srgb_to_lab",
    reference="nstkit.theory.arrays_color:srgb_to_lab",
    level="medium",
    minutes=15,
    hints=[
        "Four steps, each with one trap: decode to light, mix to XYZ, divide by the white, compress; then differences.",
        "Pixels are rows (…, 3): the mixing is light @ M.T. Both curves are two pieces each, chosen by np.where.",
        "f is a cube root above 216/24389 and ((24389/27)·t + 16)/116 below; L = 116·f_y − 16, "
        "a and b are 500 and 200 times a difference.",
    ],
)


@srgb_to_lab.check(points=2, rtol=1e-4, atol=0.01)
def colours_of_every_kind(answer, draw):
    """Random colours; 0.01 is allowed for rounded constants."""
    return answer(_pixels(draw, 5, 7))


@srgb_to_lab.check(points=1, rtol=1e-4, atol=0.01)
def near_black(answer, draw):
    """Dark colours, down to zero, where both curves are straight."""
    dark = draw.rng.uniform(0, 0.09, size=(4, 6, 3))
    dark[0, 0] = 0.0
    return answer(draw.watch(dark, "rgb"))


@srgb_to_lab.check(points=1, rtol=1e-4, atol=0.01)
def white_grays_and_primaries(answer, draw):
    """White has L = 100 and no colour; grays have none; one pixel and deeper arrays are as good as pictures."""
    gray = draw.number(0.2, 0.9)
    known = np.array([[1.0, 1, 1], [gray] * 3, [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    return {
        "known colours": answer(known),
        "one pixel": answer(known[3]),
        "deeper": answer(_pixels(draw, 2, 2, 3)),
    }


@srgb_to_lab.check(points=1, rtol=1e-3, atol=0.02)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and a view with a negative stride is as good as any."""
    rgb = _pixels(draw, 6, 5)
    return {
        "float32": answer(draw.watch(rgb.astype(np.float32), "rgb")),
        "a flipped view": answer(draw.watch(rgb[::-2, ::-1], "rgb")),
    }


@srgb_to_lab.check(points=1, rtol=1e-4, atol=0.01)
def what_is_no_srgb_is_refused(answer, draw):
    """ValueError where the last axis is not 3, or values lie outside [0, 1] by more than 1e-6."""
    rgb = _pixels(draw, 4, 5)
    above, below, nearly = rgb.copy(), rgb.copy(), rgb.copy()
    above[1, 2, 0], below[3, 1, 2], nearly[0, 0, 0] = 1.001, -0.001, 1 + 4e-7
    return {
        "channels first": outcome(answer, rgb.transpose(2, 0, 1)),
        "0 … 255": outcome(answer, 255 * rgb),
        "one value above 1": outcome(answer, above),
        "one value below 0": outcome(answer, below),
        "rounding is forgiven": outcome(answer, nearly),
    }


_M = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_D65 = np.array([0.95047, 1.0, 1.08883])


def _decode(c):
    return np.where(c <= 0.04045, c / 12.92, ((np.maximum(c, 0) + 0.055) / 1.055) ** 2.4)


def _compress(t):
    return np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)


def _lab(rgb, decode=_decode, mix=_M.T, white=_D65, compress=_compress, factors=(500, 200)):
    """The skeleton of 28.1: each mistake changes one part."""
    _refuse_rgb(rgb)
    f = compress(decode(rgb.astype(np.float64)) @ mix / white)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, factors[0] * (x - y), factors[1] * (y - z)], -1).astype(rgb.dtype)


@srgb_to_lab.misconception("You took the stored values for light; undo the sRGB curve first.")
def skips_the_curve(rgb):
    return _lab(rgb, decode=lambda c: c)


@srgb_to_lab.misconception(
    "You decoded with a power of 2.2; the sRGB curve has two pieces, and its exponent is 2.4."
)
def decodes_with_2_2(rgb):
    return _lab(rgb, decode=lambda c: np.maximum(c, 0) ** 2.2)


@srgb_to_lab.misconception("You encoded where decoding is asked for; apply the inverse curve.")
def encodes_twice(rgb):
    return _lab(
        rgb,
        decode=lambda c: np.where(c <= 0.0031308, 12.92 * c, 1.055 * np.maximum(c, 0) ** (1 / 2.4) - 0.055),
    )


@srgb_to_lab.misconception("You multiplied rows of pixels by M; a row vector needs light @ M.T.")
def forgets_to_transpose(rgb):
    return _lab(rgb, mix=_M)


@srgb_to_lab.misconception(
    "You did not divide by the white, so white comes out tinted; divide XYZ by that of D65."
)
def forgets_the_white(rgb):
    return _lab(rgb, white=1.0)


@srgb_to_lab.misconception("You divided by the white D50 of printing; sRGB's white is D65.")
def takes_the_white_of_print(rgb):
    return _lab(rgb, white=np.array([0.96422, 1.0, 0.82521]))


@srgb_to_lab.misconception("You took a cube root everywhere; near black f is a straight line.")
def takes_a_cube_root_everywhere(rgb):
    return _lab(rgb, compress=np.cbrt)


@srgb_to_lab.misconception("You exchanged the factors; it is 500 for a and 200 for b.")
def exchanges_the_factors(rgb):
    return _lab(rgb, factors=(200, 500))


@srgb_to_lab.misconception("You scaled to 8 bits; L* runs from 0 to 100, and a* and b* are signed.")
def scales_to_8_bits(rgb):
    lab = _lab(rgb)
    return lab * np.array([2.55, 1, 1], dtype=lab.dtype) + np.array([0, 128, 128], dtype=lab.dtype)


@srgb_to_lab.accepts
def by_einsum_with_rounded_constants(rgb):
    _refuse_rgb(rgb)
    light = np.where(rgb > 0.04045, ((np.clip(rgb, 0, 1) + 0.055) / 1.055) ** 2.4, rgb / 12.92)
    xyz = np.einsum("ij,...j->...i", _M, light) / _D65
    f = np.where(xyz > 0.008856, np.maximum(xyz, 0) ** (1 / 3), 7.787 * xyz + 16 / 116)
    lab = np.empty(rgb.shape)
    lab[..., 0], lab[..., 1], lab[..., 2] = (
        116 * f[..., 1] - 16,
        500 * (f[..., 0] - f[..., 1]),
        200 * (f[..., 1] - f[..., 2]),
    )
    return lab.astype(rgb.dtype)


@srgb_to_lab.accepts
def pixel_by_pixel(rgb):
    _refuse_rgb(rgb)

    def one(pixel):
        light = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in pixel.astype(np.float64)
        ]
        f = []
        for row, white in zip(_M, _D65, strict=True):
            t = sum(m * c for m, c in zip(row, light, strict=True)) / white
            f.append(t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116)
        return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]

    return np.array([one(pixel) for pixel in rgb.reshape(-1, 3)]).reshape(rgb.shape).astype(rgb.dtype)


# --- 28.1, and back -------------------------------------------------------------------------------

lab_to_srgb = exercise(
    "lab_to_srgb",
    reference="nstkit.theory.arrays_color:lab_to_srgb",
    level="medium",
    minutes=10,
    hints=[
        "Walk the same road backwards; every step of srgb_to_lab has an exact inverse.",
        "From (L, a, b) to f_x, f_y, f_z, all (…); then t, XYZ, light @ inv(M).T, and the encoding curve.",
        "f_y = (L + 16)/116, f_x = f_y + a/500, f_z = f_y − b/200; f³ where that exceeds 216/24389; clip at the end.",
    ],
)


def _lab_values(draw, *shape, chroma=15.0):
    """L* in [20, 90] with little colour, which a screen can show; not watched, so that a check may change it."""
    lightness = draw.rng.uniform(20, 90, size=(*shape, 1))
    return np.concatenate([lightness, draw.rng.uniform(-chroma, chroma, size=(*shape, 2))], -1)


@lab_to_srgb.check(points=2, atol=1e-3)
def colours_that_a_screen_can_show(answer, draw):
    """Mild colours of every lightness."""
    return answer(draw.watch(_lab_values(draw, 5, 7), "lab"))


@lab_to_srgb.check(points=1, atol=1e-3)
def dark_colours(answer, draw):
    """L* below 8, where f and the sRGB curve are straight, down to black."""
    lab = _lab_values(draw, 4, 6, chroma=1.0)
    lab[..., 0] = draw.rng.uniform(0.5, 9, size=(4, 6))
    lab[0, 0] = 0.0
    return answer(draw.watch(lab, "lab"))


@lab_to_srgb.check(points=1, atol=1e-3)
def what_no_screen_can_show_is_clipped(answer, draw):
    """Strong colours leave the gamut; the result stays in [0, 1]."""
    lab = _lab_values(draw, 6, 4, chroma=120.0)
    lab[0, 0], lab[0, 1] = [130.0, 0, 0], [-5.0, 0, 0]
    return answer(draw.watch(lab, "lab"))


@lab_to_srgb.check(points=1, atol=1e-3)
def any_shape_and_single_precision(answer, draw):
    """One pixel, deeper arrays, a flipped view; float32 stays float32."""
    lab = _lab_values(draw, 2, 3, 4)
    return {
        "one pixel": answer(lab[0, 0, 0]),
        "a flipped view": answer(draw.watch(lab[:, ::-1], "lab")),
        "float32": answer(draw.watch(lab.astype(np.float32), "lab")),
    }


@lab_to_srgb.check(points=1)
def another_last_axis_is_refused(answer, draw):
    """ValueError where the last axis is not 3."""
    lab = _lab_values(draw, 4, 5)
    return [outcome(answer, lab.transpose(2, 0, 1)), outcome(answer, lab[..., :2])]


def _encode(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def _expand(f):
    return np.where(f**3 > 216 / 24389, f**3, (116 * f - 16) * 27 / 24389)


def _srgb(lab, encode=_encode, mix=None, white=_D65, expand=_expand, clip=True):
    _refuse_last_axis(lab)
    lightness, a, b = (lab[..., k].astype(np.float64) for k in range(3))
    y = (lightness + 16) / 116
    xyz = expand(np.stack([y + a / 500, y, y - b / 200], -1)) * white
    rgb = encode(xyz @ (np.linalg.inv(_M).T if mix is None else mix))
    return (np.clip(rgb, 0, 1) if clip else rgb).astype(lab.dtype)


@lab_to_srgb.misconception("You returned light; encode it with the sRGB curve before it is stored.")
def returns_light(lab):
    return _srgb(lab, encode=lambda light: light)


@lab_to_srgb.misconception("You let values leave [0, 1]; clip what no screen can show.")
def does_not_clip(lab):
    return _srgb(lab, clip=False)


@lab_to_srgb.misconception("You cubed f everywhere; below the threshold t is (116·f − 16)·27/24389.")
def cubes_everywhere(lab):
    return _srgb(lab, expand=lambda f: f**3)


@lab_to_srgb.misconception(
    "You multiplied by M's transpose; the way back needs its inverse, and rows need inv(M).T."
)
def transposes_for_the_inverse(lab):
    return _srgb(lab, mix=_M)


@lab_to_srgb.misconception("You forgot the white; multiply by that of D65 to get XYZ.")
def forgets_the_white_on_the_way_back(lab):
    return _srgb(lab, white=1.0)


@lab_to_srgb.misconception(
    "You encoded with a power of 1/2.2; the sRGB curve has two pieces, and its exponent is 1/2.4."
)
def encodes_with_2_2(lab):
    return _srgb(lab, encode=lambda light: np.maximum(light, 0) ** (1 / 2.2))


@lab_to_srgb.accepts
def by_solving(lab):
    _refuse_last_axis(lab)
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200]).reshape(3, -1).astype(np.float64)
    t = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    light = np.clip(np.linalg.solve(_M, t * _D65[:, None]), 0, 1)
    rgb = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    return rgb.T.reshape(lab.shape).astype(lab.dtype)


# --- 28.2 -----------------------------------------------------------------------------------------

adjust_hsv = exercise(
    "adjust_hsv",
    reference="nstkit.theory.arrays_color:adjust_hsv",
    level="medium",
    minutes=20,
    hints=[
        "Hue is an angle around the gray axis; saturation and value are lengths. Turn one, stretch two, come back.",
        "max and min over the last axis, both (…), give V, S and, by which channel is largest, the hue in six sectors.",
        "Back: channel n is V − V·S·max(0, min(k, 4 − k, 1)) with k = (n + hue/60) mod 6 and n = 5, 3, 1.",
    ],
)


@adjust_hsv.check(points=2)
def hue_saturation_and_value(answer, draw):
    """A turn and two mild gains, on random colours."""
    rgb = _pixels(draw, 5, 6, low=0.1, high=0.6)
    return answer(rgb, draw.number(40, 110), draw.number(0.6, 0.9), draw.number(1.1, 1.4))


@adjust_hsv.check(points=1)
def an_angle_wraps(answer, draw):
    """Turns beyond 360 and below 0."""
    rgb = _pixels(draw, 4, 5)
    turns = (120.0, -75.5, 300.25, 1000.0)
    return {str(turn): answer(rgb, turn, 1.0, 1.0) for turn in turns}


@adjust_hsv.check(points=1)
def gains_are_clipped(answer, draw):
    """Gains that overshoot: S and V stop at 1."""
    rgb = _pixels(draw, 5, 4)
    return [answer(rgb, 20.0, draw.number(2.0, 4.0), 1.0), answer(rgb, 20.0, 1.0, draw.number(1.8, 3.0))]


@adjust_hsv.check(points=1)
def grays_black_and_pure_colours(answer, draw):
    """Grays stay gray at any hue and saturation; black stays black; ties of two channels are no trouble."""
    g, h = draw.number(0.2, 0.5), draw.number(0.6, 0.9)
    known = np.array([[g, g, g], [0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1], [h, h, g], [g, h, h], [h, g, h]])
    return np.nan_to_num(answer(draw.watch(known, "rgb"), 77.0, 1.5, 0.9), nan=-1.0)


@adjust_hsv.check(points=1)
def single_precision_and_other_shapes(answer, draw):
    """float32 stays float32; one pixel and a flipped view are as good as a picture."""
    rgb = _pixels(draw, 6, 5)
    return {
        "float32": answer(draw.watch(rgb.astype(np.float32), "rgb"), 30.0, 0.7, 1.2),
        "one pixel": answer(rgb[1, 2], 30.0, 0.7, 1.2),
        "a flipped view": answer(draw.watch(rgb[::-1, ::-2], "rgb"), 30.0, 0.7, 1.2),
    }


def _seconds(function, *args):
    start = time.process_time()
    result = function(*args)
    return time.process_time() - start, result


def _one_by_one(rgb):
    """What merely visiting the pixels in Python costs on this machine."""
    for pixel in rgb.reshape(-1, 3).tolist():
        colorsys.hsv_to_rgb(*colorsys.rgb_to_hsv(*pixel))


@adjust_hsv.check(points=1)
def a_large_picture_at_once(answer, draw):
    """100 x 100 pixels without a Python loop over them."""
    rgb = _pixels(draw, 100, 100)
    runs = [_seconds(answer, rgb, 33.0, 0.8, 1.1) for _ in range(2)]
    budget = 1.5 * min(_seconds(_one_by_one, rgb)[0] for _ in range(2))
    return {"faster than a loop": min(runs[0][0], runs[1][0]) < budget, "a part": runs[0][1][::17, ::19]}


@adjust_hsv.check(points=1)
def nonsense_is_refused(answer, draw):
    """ValueError for a negative gain, values outside [0, 1], another last axis."""
    rgb = _pixels(draw, 4, 5)
    return {
        "a negative saturation gain": outcome(answer, rgb, 0.0, -0.1, 1.0),
        "a negative value gain": outcome(answer, rgb, 0.0, 1.0, -0.1),
        "0 … 255": outcome(answer, 255 * rgb, 0.0, 1.0, 1.0),
        "below 0": outcome(answer, rgb - 0.9, 0.0, 1.0, 1.0),
        "channels first": outcome(answer, rgb.transpose(2, 0, 1), 0.0, 1.0, 1.0),
        "a gain of 0": outcome(answer, rgb, 0.0, 0.0, 1.0),
    }


def _refuse_hsv(rgb, sat_gain, val_gain):
    _refuse_rgb(rgb)
    if sat_gain < 0 or val_gain < 0:
        raise ValueError("sat_gain, val_gain")


def _to_hsv(rgb, guard=True):
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    value, low = rgb.max(-1), rgb.min(-1)
    spread = value - low
    with np.errstate(all="ignore"):
        safe = np.where(spread > 0, spread, 1) if guard else spread
        sector = np.where(
            value == r, (g - b) / safe % 6, np.where(value == g, 2 + (b - r) / safe, 4 + (r - g) / safe)
        )
        saturation = (
            np.where(value > 0, spread / np.where(value > 0, value, 1), 0) if guard else spread / value
        )
    return 60 * sector, saturation, value


def _from_hsv(hue, saturation, value):
    channels = []
    for n in (5, 3, 1):
        k = (n + hue / 60) % 6
        channels.append(value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
    return np.stack(channels, -1)


@adjust_hsv.misconception("You took hue_deg for a fraction of a turn; it is in degrees, 360 of them.")
def turns_by_whole_turns(rgb, hue_deg, sat_gain, val_gain):
    _refuse_hsv(rgb, sat_gain, val_gain)
    h, s, v = _to_hsv(rgb)
    turned = (h / 360 + hue_deg) % 1 * 360
    return _from_hsv(turned, np.clip(s * sat_gain, 0, 1), np.clip(v * val_gain, 0, 1)).astype(rgb.dtype)


@adjust_hsv.misconception("You clipped the hue; it is an angle, so take it modulo 360.")
def clips_the_hue(rgb, hue_deg, sat_gain, val_gain):
    _refuse_hsv(rgb, sat_gain, val_gain)
    h, s, v = _to_hsv(rgb)
    turned = np.clip(h + hue_deg, 0, 360)
    return _from_hsv(turned, np.clip(s * sat_gain, 0, 1), np.clip(v * val_gain, 0, 1)).astype(rgb.dtype)


@adjust_hsv.misconception("You added the gains; a gain multiplies, and 1 changes nothing.")
def adds_the_gains(rgb, hue_deg, sat_gain, val_gain):
    _refuse_hsv(rgb, sat_gain, val_gain)
    h, s, v = _to_hsv(rgb)
    return _from_hsv(h + hue_deg, np.clip(s + sat_gain - 1, 0, 1), np.clip(v + val_gain - 1, 0, 1)).astype(
        rgb.dtype
    )


@adjust_hsv.misconception("You clipped RGB at the end; clip S and V before going back, or the hue shifts.")
def clips_rgb_afterwards(rgb, hue_deg, sat_gain, val_gain):
    _refuse_hsv(rgb, sat_gain, val_gain)
    h, s, v = _to_hsv(rgb)
    return np.clip(_from_hsv(h + hue_deg, s * sat_gain, v * val_gain), 0, 1).astype(rgb.dtype)


@adjust_hsv.misconception(
    "You divided by zero where a pixel is gray; define S = 0 there, and any hue will do."
)
def divides_by_zero_for_grays(rgb, hue_deg, sat_gain, val_gain):
    _refuse_hsv(rgb, sat_gain, val_gain)
    h, s, v = _to_hsv(rgb, guard=False)
    return _from_hsv(h + hue_deg, np.clip(s * sat_gain, 0, 1), np.clip(v * val_gain, 0, 1)).astype(rgb.dtype)


@adjust_hsv.misconception("You exchanged the gains; sat_gain comes before val_gain.")
def exchanges_the_gains(rgb, hue_deg, sat_gain, val_gain):
    return by_sectors(rgb, hue_deg, val_gain, sat_gain)


@adjust_hsv.misconception("You looped over the pixels in Python; let NumPy work on whole arrays.")
def loops_over_the_pixels(rgb, hue_deg, sat_gain, val_gain):
    _refuse_hsv(rgb, sat_gain, val_gain)
    out = np.empty(rgb.shape, dtype=rgb.dtype)
    for index in np.ndindex(rgb.shape[:-1]):
        h, s, v = colorsys.rgb_to_hsv(*rgb[index].astype(np.float64))
        out[index] = colorsys.hsv_to_rgb((h + hue_deg / 360) % 1, min(s * sat_gain, 1), min(v * val_gain, 1))
    return out


@adjust_hsv.accepts
def by_sectors(rgb, hue_deg, sat_gain, val_gain):
    _refuse_hsv(rgb, sat_gain, val_gain)
    h, s, v = _to_hsv(rgb)
    s, v = np.clip(s * sat_gain, 0, 1), np.clip(v * val_gain, 0, 1)
    h = (h + hue_deg) % 360 / 60
    sector, f = np.floor(h).astype(int) % 6, h - np.floor(h)
    p, q, t = v * (1 - s), v * (1 - s * f), v * (1 - s * (1 - f))
    red = np.choose(sector, [v, q, p, p, t, v])
    green = np.choose(sector, [t, v, v, q, p, p])
    blue = np.choose(sector, [p, p, t, v, v, q])
    return np.stack([red, green, blue], axis=-1).astype(rgb.dtype)


# --- 28.3 -----------------------------------------------------------------------------------------

luminance_transfer = exercise(
    "luminance_transfer",
    reference="nstkit.theory.arrays_color:luminance_transfer",
    level="easy",
    minutes=10,
    hints=[
        "Of three channels keep one from the stylised picture and two from the content.",
        "Y is (H, W); a whole conversion to YIQ and back is one 3 x 3 matrix and its inverse.",
        "The inverse of YIQ has a first column of ones: adding to Y adds the same number to R, G and B.",
    ],
)


@luminance_transfer.check(points=2)
def mild_pictures(answer, draw):
    """Nothing leaves the range."""
    return answer(_pixels(draw, 5, 7, low=0.4, high=0.6), _pixels(draw, 5, 7, low=0.4, high=0.6))


@luminance_transfer.check(points=1)
def strong_pictures_are_clipped(answer, draw):
    """Where the new brightness meets a strong colour, the result stays in [0, 1]."""
    return answer(_pixels(draw, 6, 4), _pixels(draw, 6, 4))


@luminance_transfer.check(points=1)
def other_shapes_and_single_precision(answer, draw):
    """Any (…, 3), views, float32."""
    a, b = _pixels(draw, 2, 3, 4), _pixels(draw, 2, 3, 4)
    singles = [draw.watch(x.astype(np.float32), "single") for x in (a, b)]
    return {"deeper": answer(a, b), "views": answer(a[0, ::-1], b[1, :, :]), "float32": answer(*singles)}


@luminance_transfer.check(points=1)
def shapes_that_differ_are_refused(answer, draw):
    """ValueError for other shapes, also where NumPy would broadcast, and for another last axis."""
    a, b = _pixels(draw, 4, 5), _pixels(draw, 1, 5)
    return [outcome(answer, a, b), outcome(answer, a, a[:3]), outcome(answer, a[..., :2], a[..., :2])]


_LUMA = np.array([0.299, 0.587, 0.114])


def _shifted(stylized, content, weights=_LUMA, clip=True):
    _refuse_last_axis(content)
    if stylized.shape != content.shape:
        raise ValueError("shapes")
    result = content + ((stylized - content) @ weights)[..., None]
    return (np.clip(result, 0, 1) if clip else result).astype(content.dtype)


@luminance_transfer.misconception(
    "You exchanged the roles; brightness comes from the stylised picture, colour from the content."
)
def exchanges_the_roles(stylized, content):
    return _shifted(content, stylized)


@luminance_transfer.misconception("You took the mean of the channels for luminance; use the luma weights.")
def averages_the_channels(stylized, content):
    return _shifted(stylized, content, np.full(3, 1 / 3))


@luminance_transfer.misconception(
    "You scaled the content by the ratio of the lumas; add their difference: a ratio changes I and Q."
)
def scales_by_the_ratio(stylized, content):
    _shifted(stylized, content)
    ratio = (stylized @ _LUMA) / np.maximum(content @ _LUMA, 1e-12)
    return np.clip(content * ratio[..., None], 0, 1).astype(content.dtype)


@luminance_transfer.misconception("You used the weights of Rec. 709; YIQ has 0.299, 0.587 and 0.114.")
def uses_rec_709(stylized, content):
    return _shifted(stylized, content, np.array([0.2126, 0.7152, 0.0722]))


@luminance_transfer.misconception("You let values leave [0, 1]; clip after going back to RGB.")
def leaves_the_range(stylized, content):
    return _shifted(stylized, content, clip=False)


@luminance_transfer.misconception(
    "You returned the luma alone, without the content's colour; put I and Q of the content back."
)
def returns_gray(stylized, content):
    _shifted(stylized, content)
    return np.repeat((stylized @ _LUMA)[..., None], 3, -1).astype(content.dtype)


@luminance_transfer.accepts
def through_yuv(stylized, content):
    _refuse_last_axis(content)
    if stylized.shape != content.shape:
        raise ValueError("shapes")
    y = stylized @ _LUMA
    u, v = content[..., 2] - content @ _LUMA, content[..., 0] - content @ _LUMA
    red, blue = y + v, y + u
    green = (y - 0.299 * red - 0.114 * blue) / 0.587
    return np.clip(np.stack([red, green, blue], -1), 0, 1).astype(content.dtype)


@luminance_transfer.accepts
def through_a_matrix(stylized, content):
    _refuse_last_axis(content)
    if stylized.shape != content.shape:
        raise ValueError("shapes")
    matrix = np.array([_LUMA, [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
    matrix[1:] -= matrix[1:].mean(1, keepdims=True)  # rows of chroma sum to 0: gray has none
    yiq = content @ matrix.T
    yiq[..., 0] = stylized @ matrix[0]
    return np.clip(yiq @ np.linalg.inv(matrix).T, 0, 1).astype(content.dtype)


# --- 28.4 -----------------------------------------------------------------------------------------

linear_color_transfer = exercise(
    "linear_color_transfer",
    reference="nstkit.theory.arrays_color:linear_color_transfer",
    level="hard",
    minutes=30,
    hints=[
        "Every method is x' = A (x − μ_s) + μ_r; only A differs, and A C_s Aᵀ = C_r is asked of three of them.",
        "Pixels as rows (N, 3), covariances (3, 3); a root of a symmetric matrix comes from its eigenvectors.",
        "np.linalg.eigh gives w, V; C^p = (V · w**p) @ V.T. Rows of pixels are multiplied by A.T.",
    ],
)

_METHODS = ("mean_std", "cholesky", "symmetric", "mk")


def _cloud(draw, height, width):
    """Colours whose channels are correlated, in [0, 1]."""
    base = draw.rng.uniform(size=(height, width, 3))
    mix = np.eye(3) + draw.rng.uniform(0.2, 0.9, size=(3, 3))
    return draw.watch(base @ (mix / mix.sum(0)), "picture")


@linear_color_transfer.check(points=2)
def the_default_is_mk(answer, draw):
    """Two pictures of different size."""
    return answer(_cloud(draw, 6, 9), _cloud(draw, 5, 4) ** 1.5)


@linear_color_transfer.check(points=1, atol=1e-6)
def mean_and_deviation_only(answer, draw):
    """method="mean_std"."""
    return answer(_cloud(draw, 5, 8), _cloud(draw, 7, 4) * 0.5, "mean_std")


@linear_color_transfer.check(points=1)
def two_other_roots(answer, draw):
    """method="cholesky" and method="symmetric"."""
    source, reference = _cloud(draw, 5, 7), 1 - _cloud(draw, 6, 4) ** 2
    return {name: answer(source, reference, method=name) for name in ("cholesky", "symmetric")}


@linear_color_transfer.check(points=1, atol=1e-6)
def nothing_is_clipped(answer, draw):
    """A reference of strong contrast, which carries colours out of [0, 1]."""
    reference = np.clip(4 * (_cloud(draw, 6, 5) - 0.5) + 0.5, 0, 1)
    return {name: answer(_cloud(draw, 4, 7), draw.watch(reference, "reference"), name) for name in _METHODS}


@linear_color_transfer.check(points=1, rtol=1e-3)
def single_precision_and_views(answer, draw):
    """float32 stays float32; views are as good as any."""
    source, reference = _cloud(draw, 8, 7), _cloud(draw, 9, 6) ** 2
    single = (
        draw.watch(source.astype(np.float32), "source"),
        draw.watch(reference.astype(np.float32), "reference"),
    )
    return {"float32": answer(*single), "views": answer(source[::-1, ::2], reference.transpose(1, 0, 2))}


@linear_color_transfer.check(points=1)
def what_is_no_picture_or_method_is_refused(answer, draw):
    """ValueError for another method and for another last axis."""
    source, reference = _cloud(draw, 4, 6), _cloud(draw, 5, 3)
    return {
        'method="MK"': outcome(answer, source, reference, "MK"),
        "a source with channels first": outcome(answer, source.transpose(2, 0, 1), reference),
        "a reference of two channels": outcome(answer, source, reference[..., :2]),
    }


def _power(matrix, exponent):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def _maps(method, cov_s, cov_r):
    """A by method; the covariances have their ridge."""
    if method == "mean_std":
        return np.diag((np.sqrt(np.diag(cov_r) - 1e-8) + 1e-8) / (np.sqrt(np.diag(cov_s) - 1e-8) + 1e-8))
    if method == "cholesky":
        return np.linalg.cholesky(cov_r) @ np.linalg.inv(np.linalg.cholesky(cov_s))
    if method == "symmetric":
        return _power(cov_r, 0.5) @ _power(cov_s, -0.5)
    root, inverse = _power(cov_s, 0.5), _power(cov_s, -0.5)
    return inverse @ _power(root @ cov_r @ root, 0.5) @ inverse


def _moved(source, reference, method, maps=_maps, divisor=0, transpose=True, add_mean=True):
    """The skeleton of 28.4."""
    for image in (source, reference):
        if image.ndim != 3 or image.shape[-1] != 3:
            raise ValueError("shape")
    if method not in _METHODS:
        raise ValueError("method")
    x, r = source.reshape(-1, 3).astype(np.float64), reference.reshape(-1, 3).astype(np.float64)
    cov_s, cov_r = (np.cov(p.T, ddof=divisor) + 1e-8 * np.eye(3) for p in (x, r))
    with np.errstate(all="ignore"):
        matrix = maps(method, cov_s, cov_r)
        moved = (x - x.mean(0)) @ (matrix.T if transpose else matrix)
    moved = moved + (r.mean(0) if add_mean else x.mean(0))
    return moved.reshape(source.shape).astype(source.dtype)


@linear_color_transfer.misconception(
    "You matched means and deviations for mk; the covariances between channels are still those of the source."
)
def matches_deviations_only(source, reference, method="mk"):
    return _moved(source, reference, method, lambda m, s, r: _maps("mean_std" if m == "mk" else m, s, r))


@linear_color_transfer.misconception(
    "You took C_r^½ C_s^-½ for mk; it matches the covariance, but the map of least displacement is "
    "C_s^-½ (C_s^½ C_r C_s^½)^½ C_s^-½."
)
def takes_symmetric_for_mk(source, reference, method="mk"):
    return _moved(source, reference, method, lambda m, s, r: _maps("symmetric" if m == "mk" else m, s, r))


@linear_color_transfer.misconception("You multiplied rows of pixels by A; rows need A.T.")
def multiplies_rows_by_a(source, reference, method="mk"):
    return _moved(source, reference, method, transpose=False)


@linear_color_transfer.misconception(
    "You mapped the reference onto the source; the source gets the statistics of the reference."
)
def reverses_the_direction(source, reference, method="mk"):
    return _moved(source, reference, method, lambda m, s, r: _maps(m, r, s))


@linear_color_transfer.misconception(
    "You took roots entry by entry; a matrix root needs eigenvalues, or sqrtm."
)
def takes_roots_of_the_entries(source, reference, method="mk"):
    def maps(m, s, r):
        if m in ("mean_std", "cholesky"):
            return _maps(m, s, r)
        root = np.sqrt(s)
        inverse = np.linalg.inv(np.nan_to_num(root))
        return np.sqrt(r) @ inverse if m == "symmetric" else inverse @ np.sqrt(root @ r @ root) @ inverse

    return _moved(source, reference, method, maps)


@linear_color_transfer.misconception("You kept the source's mean; subtract it and add the reference's.")
def keeps_the_mean(source, reference, method="mk"):
    return _moved(source, reference, method, add_mean=False)


@linear_color_transfer.misconception("You divided the covariance by N − 1; divide by N.")
def divides_by_one_less(source, reference, method="mk"):
    return _moved(source, reference, method, divisor=1)


@linear_color_transfer.misconception(
    "You clipped the result; leave it unclipped, or its mean and covariance are no longer the reference's."
)
def clips_the_colours(source, reference, method="mk"):
    return np.clip(_moved(source, reference, method), 0, 1)


@linear_color_transfer.accepts
def by_the_other_closed_form(source, reference, method="mk"):
    def maps(m, s, r):
        if m != "mk":
            return _maps(m, s, r)
        root, inverse = _power(r, 0.5), _power(r, -0.5)
        return root @ np.linalg.inv(_power(root @ s @ root, 0.5)) @ root if inverse.size else None

    return _moved(source, reference, method, maps)


@linear_color_transfer.accepts
def written_out_with_svd(source, reference, method="mk"):
    if source.shape[2:] != (3,) or reference.shape[2:] != (3,) or method not in _METHODS:
        raise ValueError("source, reference, method")
    x, r = source.astype(float).reshape(-1, 3).T, reference.astype(float).reshape(-1, 3).T
    mean_s, mean_r = x.mean(1, keepdims=True), r.mean(1, keepdims=True)
    cs = (x - mean_s) @ (x - mean_s).T / x.shape[1] + 1e-8 * np.eye(3)
    cr = (r - mean_r) @ (r - mean_r).T / r.shape[1] + 1e-8 * np.eye(3)

    def root(m):
        u, s, _ = np.linalg.svd(m)
        return u @ np.diag(np.sqrt(s)) @ u.T

    if method == "mean_std":
        a = np.diag(r.std(1) / x.std(1))
    elif method == "cholesky":
        a = np.linalg.solve(np.linalg.cholesky(cs).T, np.linalg.cholesky(cr).T).T
    elif method == "symmetric":
        a = root(cr) @ np.linalg.inv(root(cs))
    else:
        half = root(cs)
        a = np.linalg.inv(half) @ root(half @ cr @ half) @ np.linalg.inv(half)
    return (a @ (x - mean_s) + mean_r).T.reshape(source.shape).astype(source.dtype)
