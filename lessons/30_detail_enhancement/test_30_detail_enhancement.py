"""Lesson 30, detail: Laplacian pyramids, gains with coring, pyramid blending, sharpening without halos."""

import numpy as np

from nstkit.grading import exercise, outcome


def _picture(draw, *shape, dtype=np.float64, strided=False, low=0.0, high=1.0):
    """A picture in [low, high] with edges, slopes and grain."""
    height, width = shape[0], shape[1] * (2 if strided else 1)
    y, x = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    tilt, phase = draw.rng.uniform(2, 5), draw.rng.uniform(0, 6)
    waves = 0.5 + 0.3 * np.sign(np.sin(tilt * (3 * x + y) + phase)) * np.cos(4 * y - 2 * x)
    grain = draw.rng.uniform(-0.2, 0.2, size=(height, width, *shape[2:]))
    values = np.clip(waves.reshape(height, width, *[1] * len(shape[2:])) + grain, 0, 1)
    values = (low + (high - low) * values).astype(dtype)
    return draw.watch(values[:, ::-2] if strided else values, "img")


# --- pyramids that variants and misconceptions share ----------------------------------------------

KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


def _smooth(a, mode="reflect"):
    for axis in (0, 1):
        sides = [(2, 2) if k == axis else (0, 0) for k in range(a.ndim)]
        padded, n = np.pad(a, sides, mode), a.shape[axis]
        a = sum(w * np.take(padded, range(k, k + n), axis) for k, w in enumerate(KERNEL))
    return a


def _reduce(a, mode="reflect"):
    return _smooth(a, mode)[::2, ::2]


def _expand(a, shape, mode="reflect", factor=4.0):
    spread = np.zeros((*shape[:2], *a.shape[2:]))
    spread[::2, ::2] = a
    return factor * _smooth(spread, mode)


def _refuse_levels(img, levels):
    if img.ndim not in (2, 3) or levels < 1:
        raise ValueError("img, levels")
    sides = np.array(img.shape[:2])
    for _ in range(levels - 1):
        if sides.min() < 3:
            raise ValueError("levels")
        sides = (sides + 1) // 2


def _pyramid(img, levels, reduce=_reduce, expand=_expand, band=None):
    """Bands and residual, with the parts that a misconception replaces."""
    _refuse_levels(img, levels)
    out, level = [], img.astype(np.float64)
    for _ in range(levels - 1):
        smaller = reduce(level)
        out.append(band(level, smaller) if band else level - expand(smaller, level.shape))
        level = smaller
    return [b.astype(img.dtype) for b in [*out, level]]


def _collapse(pyr, expand=_expand):
    if not len(pyr):
        raise ValueError("pyr")
    image = pyr[-1].astype(np.float64)
    for band in pyr[-2::-1]:
        if tuple((n + 1) // 2 for n in band.shape[:2]) != image.shape[:2]:
            raise ValueError("pyr")
        image = band + expand(image, band.shape)
    return image.astype(pyr[0].dtype)


def _bilinear(a, shape):
    """Resize with linear interpolation between pixel centres, edges repeated."""
    for axis in (0, 1):
        n, m = a.shape[axis], shape[axis]
        place = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
        left = np.floor(place).astype(int)
        part = (place - left).reshape([-1 if k == axis else 1 for k in range(a.ndim)])
        a = np.take(a, left, axis) * (1 - part) + np.take(a, np.minimum(left + 1, n - 1), axis) * part
    return a


# --- 30.1 -----------------------------------------------------------------------------------------

laplacian_pyramid = exercise(
    "laplacian_pyramid",
    reference="nstkit.theory.arrays_filters:laplacian_pyramid",
    level="medium",
    minutes=20,
    hints=[
        "Each band stores what the next coarser level cannot say about this one.",
        "reduce takes (H, W) to (⌈H/2⌉, ⌈W/2⌉); expand takes it back to exactly (H, W), also if H or W is odd.",
        "expand: np.zeros of the finer shape, out[::2, ::2] = a, filter both axes, times 4. Pad by 2 with np.pad's "
        "'reflect' before each pass.",
    ],
)


@laplacian_pyramid.check(points=2)
def three_levels(answer, draw):
    """A gray picture with even sides, three levels."""
    return answer(_picture(draw, 16, 24), 3)


@laplacian_pyramid.check(points=2)
def odd_sides_and_colour(answer, draw):
    """Odd sides at every level, and three channels."""
    return {"odd": answer(_picture(draw, 19, 27), 4), "colour": answer(_picture(draw, 13, 18, 3), 3)}


@laplacian_pyramid.check(points=1)
def one_level_views_and_float32(answer, draw):
    """One level is the picture; float32 stays float32; a view is a picture too."""
    return {
        "one level": answer(_picture(draw, 9, 12), 1),
        "float32": answer(_picture(draw, 10, 15, dtype=np.float32), 2),
        "a view": answer(_picture(draw, 11, 14, strided=True), 3),
    }


@laplacian_pyramid.check(points=1)
def a_constant_has_no_detail(answer, draw):
    """All bands of a constant picture are 0, and what is left is the constant."""
    pyramid = answer(draw.watch(np.full((12, 17), draw.number()), "img"), 3)
    return {
        "largest band value": bool(max(np.abs(band).max() for band in pyramid[:-1]) < 1e-12),
        "residual": pyramid[-1],
    }


@laplacian_pyramid.check(points=1)
def too_many_levels(answer, draw):
    """ValueError for no levels, for a level below 3 pixels that would be reduced, and for what is no picture."""
    picture = _picture(draw, 8, 11)
    return {
        "levels 0": outcome(answer, picture, 0),
        "levels 4 for 8 rows": outcome(answer, picture, 4),
        "one axis": outcome(answer, picture[0], 2),
        "four axes": outcome(answer, picture[None, :, :, None], 2),
    }


@laplacian_pyramid.misconception(
    "You dropped pixels without a blur before, which aliases; filter with k first, then keep every second."
)
def drops_without_a_blur(img, levels):
    return _pyramid(img, levels, reduce=lambda a: a[::2, ::2])


@laplacian_pyramid.misconception(
    "You left the factor 4 out of expand, so the bands keep the brightness; three of four pixels are zeros, and the "
    "mean must be made up for."
)
def forgets_the_factor_four(img, levels):
    return _pyramid(img, levels, expand=lambda a, shape: _expand(a, shape, factor=1.0))


@laplacian_pyramid.misconception(
    "Your bands are a level minus its own blur; subtract the expanded next level, which is what collapse will add."
)
def subtracts_the_blur(img, levels):
    return _pyramid(img, levels, band=lambda level, smaller: level - _smooth(level))


@laplacian_pyramid.misconception(
    "You expanded by bilinear interpolation, which reconstructs with other bands; put zeros between and filter with k."
)
def expands_bilinearly(img, levels):
    return _pyramid(img, levels, expand=_bilinear)


@laplacian_pyramid.misconception(
    "You expanded to twice the size; expand to the exact shape of the finer level: odd sides are one less."
)
def expands_to_twice_the_size(img, levels):
    return _pyramid(img, levels, expand=lambda a, shape: _expand(a, (2 * a.shape[0], 2 * a.shape[1])))


@laplacian_pyramid.misconception("You kept rows and columns 1, 3, 5, …; keep 0, 2, 4, …")
def keeps_the_odd_pixels(img, levels):
    def expand(a, shape):
        spread = np.zeros((*shape[:2], *a.shape[2:]))
        spread[1::2, 1::2] = a[: shape[0] // 2, : shape[1] // 2]
        return 4 * _smooth(spread)

    return _pyramid(img, levels, reduce=lambda a: _smooth(a)[1::2, 1::2], expand=expand)


@laplacian_pyramid.misconception(
    "You repeated the border pixel (dcba|abcd) as in lesson 21; here the border is reflect-101: dcb|abcd, np.pad's "
    "'reflect'."
)
def repeats_the_border_pixel(img, levels):
    return _pyramid(
        img,
        levels,
        reduce=lambda a: _reduce(a, "symmetric"),
        expand=lambda a, shape: _expand(a, shape, "symmetric"),
    )


@laplacian_pyramid.misconception(
    "You put the coarsest level first; the finest band comes first, the residual last."
)
def puts_the_coarsest_first(img, levels):
    return _pyramid(img, levels)[::-1]


@laplacian_pyramid.misconception(
    "Your last entry is a band again; the last entry is the coarsest level itself, G of levels - 1."
)
def makes_a_band_of_the_rest(img, levels):
    if img.ndim in (2, 3) and levels >= 1 and min(img.shape[:2]) < 3:
        raise ValueError("levels")
    *bands, rest = _pyramid(img, levels)
    return [*bands, (rest - _smooth(rest.astype(np.float64))).astype(img.dtype)]


@laplacian_pyramid.accepts
def as_it_is_told(img, levels):
    return _pyramid(img, levels)


@laplacian_pyramid.accepts
def without_touching_zeros(img, levels):
    """Expand in two phases: even places see (1, 6, 1)/8, odd ones (4, 4)/8."""

    def expand(a, shape):
        for axis in (0, 1):
            a, n = np.moveaxis(a, axis, 0), shape[axis]
            before, after = a[1:2], a[-2:-1] if n % 2 else a[-1:]
            padded = np.concatenate([before, a, after])
            out = np.empty((2 * len(a), *a.shape[1:]))
            out[::2] = (padded[:-2] + 6 * padded[1:-1] + padded[2:]) / 8
            out[1::2] = (padded[1:-1] + padded[2:]) / 2
            a = np.moveaxis(out[:n], 0, axis)
        return a

    return _pyramid(img, levels, expand=expand)


@laplacian_pyramid.accepts
def by_matrices(img, levels):
    def lines(n):
        rows, padded = np.zeros((n, n)), np.pad(np.arange(n), 2, "reflect")
        for k, w in enumerate(KERNEL):
            np.add.at(rows, (np.arange(n), padded[k : k + n]), w)
        return rows

    def reduce(a):
        left, right = lines(a.shape[0])[::2], lines(a.shape[1])[::2]
        return np.einsum("yh,xw,hw...->yx...", left, right, a)

    def expand(a, shape):
        left, right = 2 * lines(shape[0])[:, ::2], 2 * lines(shape[1])[:, ::2]
        return np.einsum("yh,xw,hw...->yx...", left, right, a)

    return _pyramid(img, levels, reduce=reduce, expand=expand)


collapse_pyramid = exercise(
    "collapse_pyramid",
    reference="nstkit.theory.arrays_filters:collapse_pyramid",
    level="easy",
    minutes=8,
    hints=[
        "Undo the last step first: the coarsest level is whole, so start there.",
        "Expand the picture so far to the shape of the next finer band and add that band.",
        "Walk through pyr[:-1] from its end; each step expands to band.shape, and at the end the dtype is pyr[0]'s.",
    ],
)


def _bands(draw, *sizes, channels=(), dtype=np.float64):
    """Arrays of the given sizes that need not be a picture's bands: collapsing is defined for all."""
    return draw.watch([draw.rng.normal(size=(*size, *channels)).astype(dtype) for size in sizes], "pyr")


@collapse_pyramid.check(points=2)
def even_and_odd_sides(answer, draw):
    """Three levels with even sides, four with odd ones."""
    return {
        "even": answer(_bands(draw, (16, 24), (8, 12), (4, 6))),
        "odd": answer(_bands(draw, (19, 27), (10, 14), (5, 7), (3, 4))),
    }


@collapse_pyramid.check(points=1)
def colour_float32_one_level(answer, draw):
    """Three channels; float32; a pyramid of one level; a tuple of levels."""
    return {
        "colour": answer(_bands(draw, (9, 14), (5, 7), channels=(3,))),
        "float32": answer(_bands(draw, (8, 11), (4, 6), dtype=np.float32)),
        "one level": answer(_bands(draw, (5, 6))),
        "a tuple": answer(tuple(_bands(draw, (7, 8), (4, 4)))),
    }


@collapse_pyramid.check(points=1)
def sizes_that_do_not_halve(answer, draw):
    """ValueError for no levels and for levels that do not fit each other."""
    return {
        "no levels": outcome(answer, []),
        "a missing level": outcome(answer, _bands(draw, (16, 24), (4, 6))),
        "a level too large": outcome(answer, _bands(draw, (16, 24), (9, 12))),
    }


@collapse_pyramid.misconception(
    "You left the factor 4 out of expand; three of four pixels are zeros, and the mean must be made up for."
)
def expands_without_the_factor(pyr):
    return _collapse(pyr, lambda a, shape: _expand(a, shape, factor=1.0))


@collapse_pyramid.misconception(
    "You repeated pixels to expand; put zeros between them, filter with k, and multiply by 4."
)
def repeats_pixels(pyr):
    return _collapse(pyr, lambda a, shape: a.repeat(2, 0).repeat(2, 1)[: shape[0], : shape[1]])


@collapse_pyramid.misconception(
    "You expanded by bilinear interpolation; put zeros between and filter with k."
)
def collapses_bilinearly(pyr):
    return _collapse(pyr, _bilinear)


@collapse_pyramid.misconception(
    "You expanded every band straight to full size by resampling; expand level by level and add a band each time."
)
def adds_all_bands_at_once(pyr):
    _collapse(pyr)
    shape = pyr[0].shape
    return sum(_bilinear(band.astype(np.float64), shape) for band in pyr).astype(pyr[0].dtype)


@collapse_pyramid.misconception(
    "You used the symmetric border of lesson 21; here it is reflect-101, np.pad's 'reflect'."
)
def collapses_with_the_symmetric_border(pyr):
    return _collapse(pyr, lambda a, shape: _expand(a, shape, "symmetric"))


@collapse_pyramid.accepts
def from_the_coarsest_up(pyr):
    return _collapse(pyr)


@collapse_pyramid.accepts
def by_recursion(pyr):
    if not len(pyr):
        raise ValueError("pyr")
    if len(pyr) == 1:
        return pyr[0].copy()
    rest = by_recursion(pyr[1:])
    if ((pyr[0].shape[0] + 1) // 2, (pyr[0].shape[1] + 1) // 2) != rest.shape[:2]:
        raise ValueError("pyr")
    return (pyr[0] + _expand(rest, pyr[0].shape)).astype(pyr[0].dtype)


# --- 30.2 -----------------------------------------------------------------------------------------

boost_detail = exercise(
    "boost_detail",
    reference="nstkit.theory.arrays_filters:boost_detail",
    level="medium",
    minutes=20,
    hints=[
        "Change the bands, keep the residual, put the picture together again; a weight keeps small values as they are.",
        "n gains mean n bands and n + 1 levels; the weight d² / (d² + threshold²) has the shape of its band.",
        "d * (1 + (g - 1) * d² / (d² + threshold²)); at threshold 0 the weight is 1, also where d = 0.",
    ],
)


@boost_detail.check(points=2)
def gains_by_band(answer, draw):
    """Two gains, no coring, nothing to clip."""
    return answer(_picture(draw, 16, 23, low=0.35, high=0.65), [1.8, 0.4])


@boost_detail.check(points=2)
def with_coring(answer, draw):
    """Three gains and a threshold within the range of the detail; three channels."""
    return {
        "gray": answer(_picture(draw, 24, 19, low=0.3, high=0.7), (2.0, 1.5, 0.5), 0.05),
        "colour": answer(_picture(draw, 13, 18, 3, low=0.4, high=0.6), [2.5], threshold=0.03),
    }


@boost_detail.check(points=1)
def clipped_at_the_end(answer, draw):
    """Strong gains: the result is clipped to [0, 1], once, at the end."""
    return answer(_picture(draw, 15, 22), [4.0, 3.0], 0.02)


@boost_detail.check(points=1)
def flat_areas(answer, draw):
    """A picture with flat areas at threshold 0: a band value of 0 stays 0."""
    picture = np.full((17, 22), 0.25)
    picture[:, 14:] = 0.75
    boosted = answer(draw.watch(picture, "img"), [1.5, 2.0], 0.0)
    return {"not a number": int(np.isnan(boosted).sum()), "elsewhere": np.nan_to_num(boosted)}


@boost_detail.check(points=1)
def one_is_no_change(answer, draw):
    """Gains of 1, no gains at all, float32."""
    return {
        "ones": answer(_picture(draw, 14, 17), [1.0, 1.0], 0.1),
        "no gains": answer(_picture(draw, 9, 13), []),
        "float32": answer(_picture(draw, 12, 15, dtype=np.float32), [1.4], 0.02),
    }


@boost_detail.check(points=1)
def negative_options(answer, draw):
    """ValueError for a negative gain, a negative threshold, and more gains than bands."""
    picture = _picture(draw, 9, 13)
    return {
        "a negative gain": outcome(answer, picture, [1.0, -0.5]),
        "a negative threshold": outcome(answer, picture, [1.5], -0.1),
        "too many gains": outcome(answer, picture, [1.0] * 8),
        "one axis": outcome(answer, picture[0], [1.5]),
    }


def _weight(d, threshold):
    power = d**2
    return np.divide(power, power + threshold**2, out=np.ones_like(d), where=power + threshold**2 > 0)


def _boosted(img, gains, threshold, change, *, residual=lambda r, gains: r, clip=True):
    gains = list(gains)
    if min([0.0, threshold, *gains]) < 0:
        raise ValueError("gains, threshold")
    *bands, rest = _pyramid(img.astype(np.float64), len(gains) + 1)
    bands = [change(d, g, threshold) for d, g in zip(bands, gains, strict=True)]
    out = _collapse([*bands, residual(rest, gains)])
    return (np.clip(out, 0, 1) if clip else out).astype(img.dtype)


def _cored(d, g, threshold):
    return d * (1 + (g - 1) * _weight(d, threshold))


@boost_detail.misconception("You took the gains from coarse to fine; gains[0] belongs to the finest band.")
def reverses_the_gains(img, gains, threshold=0.0):
    return _boosted(img, list(gains)[::-1], threshold, _cored)


@boost_detail.misconception(
    "You multiplied the residual too, which changes the brightness; it is tone and not detail: leave it."
)
def boosts_the_residual(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, _cored, residual=lambda r, gains: r * (gains[-1] if gains else 1))


@boost_detail.misconception("You ignored the threshold; small values are noise, and their gain falls to 1.")
def cores_nothing(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, lambda d, g, t: g * d)


@boost_detail.misconception(
    "You set small values to 0; coring leaves small detail as it is, it does not delete it."
)
def deletes_small_detail(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, lambda d, g, t: g * d * _weight(d, t))


@boost_detail.misconception(
    "You switched the gain on at the threshold; use the smooth weight d² / (d² + threshold²)."
)
def switches_at_the_threshold(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, lambda d, g, t: np.where(np.abs(d) > t, g * d, d))


@boost_detail.misconception("You took 1 + g·w, so a gain of 1 doubles; take 1 + (g - 1)·w.")
def adds_the_whole_gain(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, lambda d, g, t: d * (1 + g * _weight(d, t)))


@boost_detail.misconception("You did not clip; clip to [0, 1] at the end.")
def does_not_clip(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, _cored, clip=False)


@boost_detail.misconception("You divided 0 by 0 where a band is flat; at d = 0 the band value stays 0.")
def divides_zero_by_zero(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, lambda d, g, t: d * (1 + (g - 1) * d**2 / (d**2 + t**2)))


@boost_detail.accepts
def by_the_weight(img, gains, threshold=0.0):
    return _boosted(img, gains, threshold, _cored)


@boost_detail.accepts
def by_the_other_form(img, gains, threshold=0.0):
    def change(d, g, t):
        return g * d if t == 0 else d * (g * d**2 + t**2) / (d**2 + t**2)

    return _boosted(img, gains, threshold, change)


# --- 30.3 -----------------------------------------------------------------------------------------

pyramid_blend = exercise(
    "pyramid_blend",
    reference="nstkit.theory.arrays_filters:pyramid_blend",
    level="hard",
    minutes=25,
    hints=[
        "Fine detail may change sides within a pixel, coarse tone needs a wide transition: each band its own mask.",
        "Three pyramids with the same sizes: Laplacian of a, Laplacian of b, and the mask reduced again and again, all "
        "(h, w); for colour the mask needs a last axis.",
        "Per level m * L_a + (1 - m) * L_b, the residual too; then collapse, without clipping.",
    ],
)


def _two(draw, *shape, dtype=np.float64):
    a, b = _picture(draw, *shape, dtype=dtype), _picture(draw, *shape, dtype=dtype)
    mask = np.zeros(shape[:2])
    mask[:, : shape[1] // 2 - 1] = 1.0
    mask[shape[0] // 2 :, : shape[1] // 3] = draw.rng.uniform(size=(shape[0] - shape[0] // 2, shape[1] // 3))
    return a, b, draw.watch(mask.astype(dtype), "mask")


@pyramid_blend.check(points=2)
def two_gray_pictures(answer, draw):
    """Two gray pictures with odd sides, three levels."""
    return answer(*_two(draw, 17, 25), 3)


@pyramid_blend.check(points=2)
def two_colour_pictures(answer, draw):
    """Two colour pictures, two and four levels."""
    return {levels: answer(*_two(draw, 18, 22, 3), levels) for levels in (2, 4)}


@pyramid_blend.check(points=1)
def the_plain_cases(answer, draw):
    """One level is the plain composite; a mask of ones selects a; values beyond [0, 1] are not clipped."""
    a, b, mask = _two(draw, 12, 19)
    return {
        "one level": answer(a, b, mask, 1),
        "ones": answer(a, b, draw.watch(np.ones(a.shape), "mask"), 3),
        "beyond the range": answer(draw.watch(3 * a - 1, "a"), b, mask, 3),
        "float32": answer(*_two(draw, 10, 13, dtype=np.float32), 2),
    }


@pyramid_blend.check(points=1)
def pictures_that_do_not_fit(answer, draw):
    """ValueError for shapes that differ, a mask of another size or out of [0, 1], and too many levels."""
    a, b, mask = _two(draw, 9, 14)
    return {
        "another width": outcome(answer, a, b[:, :13], mask, 2),
        "gray and colour": outcome(answer, a, _picture(draw, 9, 14, 3), mask, 2),
        "a smaller mask": outcome(answer, a, b, mask[:8], 2),
        "a mask above 1": outcome(answer, a, b, 2 * mask, 2),
        "a mask below 0": outcome(answer, a, b, mask - 0.5, 2),
        "too many levels": outcome(answer, a, b, mask, 6),
    }


def _masks(mask, levels, reduce=_reduce):
    out = [mask.astype(np.float64)]
    for _ in range(levels - 1):
        out.append(reduce(out[-1]))
    return out


def _refuse_pair(a, b, mask):
    if a.shape != b.shape or mask.shape != a.shape[:2] or mask.min() < 0 or mask.max() > 1:
        raise ValueError("a, b, mask")


def _blended(a, b, mask, levels, masks=_masks, pyramid=_pyramid):
    _refuse_pair(a, b, mask)
    _refuse_levels(a, levels)
    one, two = (pyramid(image.astype(np.float64), levels) for image in (a, b))
    weights = [m if a.ndim == 2 else m[..., None] for m in masks(mask, levels)]
    mixed = [m * p + (1 - m) * q for m, p, q in zip(weights, one, two, strict=True)]
    return _collapse(mixed).astype(a.dtype)


@pyramid_blend.misconception(
    "You took the Laplacian pyramid of the mask; the mask is smoothed, not differentiated: reduce it again and again."
)
def differentiates_the_mask(a, b, mask, levels):
    return _blended(a, b, mask, levels, masks=lambda m, n: _pyramid(m.astype(np.float64), n))


@pyramid_blend.misconception(
    "You dropped pixels of the mask without a blur, which leaves seams; reduce it with the same filter."
)
def drops_pixels_of_the_mask(a, b, mask, levels):
    return _blended(a, b, mask, levels, masks=lambda m, n: _masks(m, n, lambda level: level[::2, ::2]))


@pyramid_blend.misconception(
    "You blended Gaussian pyramids of the pictures, so collapsing adds the same content again and again; blend their "
    "Laplacian bands."
)
def blends_gaussian_levels(a, b, mask, levels):
    return _blended(a, b, mask, levels, pyramid=lambda image, n: _masks(image, n))


@pyramid_blend.misconception(
    "You mixed the pictures themselves, which leaves a hard seam; mix them band by band."
)
def mixes_the_pictures(a, b, mask, levels):
    _blended(a, b, mask, levels)
    m = mask if a.ndim == 2 else mask[..., None]
    return (m * a + (1 - m) * b).astype(a.dtype)


@pyramid_blend.misconception(
    "You used one feathered mask for all detail; the width of the transition must grow with the scale of the band."
)
def feathers_once(a, b, mask, levels):
    _blended(a, b, mask, levels)
    soft = mask.astype(np.float64)
    for _ in range(levels - 1):
        soft = _smooth(soft)
    m = soft if a.ndim == 2 else soft[..., None]
    return (m * a + (1 - m) * b).astype(a.dtype)


@pyramid_blend.misconception("You exchanged the pictures; a mask of 1 selects a.")
def exchanges_the_pictures(a, b, mask, levels):
    return _blended(b, a, mask, levels)


@pyramid_blend.misconception("You clipped the result; this blend leaves the values as they are.")
def clips_the_blend(a, b, mask, levels):
    return np.clip(_blended(a, b, mask, levels), 0, 1)


@pyramid_blend.accepts
def band_by_band(a, b, mask, levels):
    return _blended(a, b, mask, levels)


@pyramid_blend.accepts
def recursively(a, b, mask, levels):
    _refuse_pair(a, b, mask)
    _refuse_levels(a, levels)

    def blend(p, q, m, n):
        w = m if p.ndim == 2 else m[..., None]
        if n == 1:
            return w * p + (1 - w) * q
        coarse_p, coarse_q = _reduce(p), _reduce(q)
        band_p, band_q = p - _expand(coarse_p, p.shape), q - _expand(coarse_q, q.shape)
        rest = blend(coarse_p, coarse_q, _reduce(m), n - 1)
        return w * band_p + (1 - w) * band_q + _expand(rest, p.shape)

    return blend(*(x.astype(np.float64) for x in (a, b, mask)), levels).astype(a.dtype)


# --- 30.4 -----------------------------------------------------------------------------------------

halo_free_sharpen = exercise(
    "halo_free_sharpen",
    reference="nstkit.theory.arrays_filters:halo_free_sharpen",
    level="medium",
    minutes=15,
    hints=[
        "A halo is a pixel that got brighter or darker than anything around it was before.",
        "Least and greatest value of the original's (2r + 1)² window, (H, W) or (H, W, 3), each channel by itself.",
        "s = img + amount * (img - blur); np.clip(s, low - overshoot, high + overshoot) with low and high from "
        "sliding_window_view of the padded original.",
    ],
)


@halo_free_sharpen.check(points=2)
def within_the_local_range(answer, draw):
    """A gray picture, radius 1 and 2."""
    picture = _picture(draw, 15, 22)
    return {"radius 1": answer(picture, 1.2, 1.5), "radius 2": answer(picture, 1.2, 1.5, 2)}


@halo_free_sharpen.check(points=1)
def with_some_overshoot(answer, draw):
    """A small overshoot is allowed; a huge one gives the plain unsharp mask."""
    picture = _picture(draw, 13, 19)
    return {"small": answer(picture, 1.5, 2.0, 1, 0.03), "huge": answer(picture, 1.5, 2.0, overshoot=10.0)}


@halo_free_sharpen.check(points=1)
def each_channel_has_its_range(answer, draw):
    """Three channels; float32; a view; a window larger than the picture."""
    return {
        "colour": answer(_picture(draw, 12, 16, 3), 1.0, 1.5),
        "float32": answer(_picture(draw, 11, 14, dtype=np.float32), 1.0, 1.0),
        "a view": answer(_picture(draw, 9, 12, strided=True), 1.0, 2.0, 2, 0.01),
        "a large window": answer(_picture(draw, 5, 9), 0.8, 3.0, 6),
    }


@halo_free_sharpen.check(points=1)
def a_step_keeps_its_levels(answer, draw):
    """A step has no halo, and values beyond [0, 1] are nothing special."""
    step = np.full((9, 14), -0.5)
    step[:, 6:] = 1.8
    return answer(draw.watch(step, "img"), 1.5, 2.0)


@halo_free_sharpen.check(points=1)
def options_out_of_range(answer, draw):
    """ValueError for sigma not above 0, a negative amount or overshoot, a radius below 1."""
    picture = _picture(draw, 9, 13)
    return {
        "sigma 0": outcome(answer, picture, 0.0, 1.0),
        "a negative amount": outcome(answer, picture, 1.0, -0.5),
        "radius 0": outcome(answer, picture, 1.0, 1.0, 0),
        "a negative overshoot": outcome(answer, picture, 1.0, 1.0, 1, -0.1),
        "one axis": outcome(answer, picture[0], 1.0, 1.0),
    }


def _gaussian(img, sigma):
    radius = int(4 * sigma + 0.5)
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps, out = taps / taps.sum(), img.astype(np.float64)
    for axis in (0, 1):
        sides = [(radius, radius) if k == axis else (0, 0) for k in range(img.ndim)]
        padded, n = np.pad(out, sides, "symmetric"), img.shape[axis]
        out = sum(w * np.take(padded, range(k, k + n), axis) for k, w in enumerate(taps))
    return out


def _range(img, radius):
    sides = [(radius, radius), (radius, radius)] + [(0, 0)] * (img.ndim - 2)
    side = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(img, sides, "symmetric"), (side, side), (0, 1))
    return windows.min((-2, -1)), windows.max((-2, -1))


def _sharpened(img, sigma, amount, radius, overshoot, limits):
    if img.ndim not in (2, 3) or sigma <= 0 or amount < 0 or radius < 1 or overshoot < 0:
        raise ValueError("img, sigma, amount, radius, overshoot")
    values = img.astype(np.float64)
    blurred = _gaussian(values, sigma)
    sharp = values + amount * (values - blurred)
    low, high = limits(values, sharp, blurred)
    return np.clip(sharp, low - overshoot, high + overshoot).astype(img.dtype)


@halo_free_sharpen.misconception(
    "You took the range of the sharpened picture, which limits nothing; take the range of the original's window."
)
def limits_by_the_sharpened(img, sigma, amount, radius=1, overshoot=0.0):
    return _sharpened(img, sigma, amount, radius, overshoot, lambda i, s, b: _range(s, radius))


@halo_free_sharpen.misconception(
    "You took the range of the blurred picture, which flattens edges; take the range of the original's window."
)
def limits_by_the_blurred(img, sigma, amount, radius=1, overshoot=0.0):
    return _sharpened(img, sigma, amount, radius, overshoot, lambda i, s, b: _range(b, radius))


@halo_free_sharpen.misconception(
    "You took the range of the whole picture, and the halos stay; they are local: use the window around each pixel."
)
def limits_by_the_whole(img, sigma, amount, radius=1, overshoot=0.0):
    return _sharpened(img, sigma, amount, radius, overshoot, lambda i, s, b: (i.min((0, 1)), i.max((0, 1))))


@halo_free_sharpen.misconception(
    "You clipped to [0, 1], and the halos stay; they are local: clip to the range of the window."
)
def limits_by_zero_and_one(img, sigma, amount, radius=1, overshoot=0.0):
    return _sharpened(img, sigma, amount, radius, overshoot, lambda i, s, b: (0.0, 1.0))


@halo_free_sharpen.misconception("Your window is one pixel too wide on each side; its side is 2r + 1.")
def widens_the_window(img, sigma, amount, radius=1, overshoot=0.0):
    return _sharpened(img, sigma, amount, radius, overshoot, lambda i, s, b: _range(i, radius + 1))


@halo_free_sharpen.misconception("You ignored the overshoot; widen the range by it on both sides.")
def ignores_the_overshoot(img, sigma, amount, radius=1, overshoot=0.0):
    if overshoot < 0:
        raise ValueError("overshoot")
    return _sharpened(img, sigma, amount, radius, 0.0, lambda i, s, b: _range(i, radius))


@halo_free_sharpen.misconception(
    "You took one range for all channels; each channel has its own least and greatest value."
)
def joins_the_channels(img, sigma, amount, radius=1, overshoot=0.0):
    def limits(i, s, b):
        low, high = _range(i, radius)
        if i.ndim == 2:
            return low, high
        return low.min(2, keepdims=True), high.max(2, keepdims=True)

    return _sharpened(img, sigma, amount, radius, overshoot, limits)


@halo_free_sharpen.accepts
def by_windows(img, sigma, amount, radius=1, overshoot=0.0):
    return _sharpened(img, sigma, amount, radius, overshoot, lambda i, s, b: _range(i, radius))


@halo_free_sharpen.accepts
def axis_by_axis_without_a_border(img, sigma, amount, radius=1, overshoot=0.0):
    """A clipped window has the same least and greatest value as a mirrored one."""

    def limits(i, s, b):
        low = high = i
        for axis in (0, 1):
            n = i.shape[axis]
            spans = [range(max(0, k - radius), min(n, k + radius + 1)) for k in range(n)]
            low = np.stack([np.take(low, span, axis).min(axis) for span in spans], axis)
            high = np.stack([np.take(high, span, axis).max(axis) for span in spans], axis)
        return low, high

    return _sharpened(img, sigma, amount, radius, overshoot, limits)
