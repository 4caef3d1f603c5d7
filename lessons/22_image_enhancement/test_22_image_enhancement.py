"""Lesson 22, enhancement: equalisation, CLAHE, contrast stretching, unsharp masking."""

import numpy as np

from nstkit.grading import exercise, outcome

# --- 22.1 -----------------------------------------------------------------------------------------

equalize_hist = exercise(
    "equalize_hist",
    reference="nstkit.theory.arrays_enhance:equalize_hist",
    level="easy",
    minutes=12,
    hints=[
        "The map is the picture's own cumulative histogram, stretched so that it starts at 0 and ends at 255.",
        "np.bincount(img.ravel(), minlength=256) and np.cumsum give the cdf, (256,); a table lut, (256,), is applied "
        "as lut[img].",
        "cdf_min is the cdf at the lowest level that occurs; (cdf − cdf_min)/(N − cdf_min)·255, then np.rint.",
    ],
)


def _levels(draw, height, width, count, lowest=12):
    """uint8 picture of `count` levels, the low ones more often; N − cdf_min is odd, so that no value is a tie."""
    values = lowest + np.sort(draw.rng.choice(np.arange(1, 235), size=count - 1, replace=False))
    values = np.concatenate([[lowest], values])
    image = values[(count * draw.rng.random((height, width)) ** 1.5).astype(int)].astype(np.uint8)
    image.flat[:3] = values[0], values[0], values[-1]
    if (image.size - (image == image.min()).sum()) % 2 == 0:
        image.flat[0] = values[-1]
    return draw.watch(image, "img")


@equalize_hist.check(points=2)
def four_levels(answer, draw):
    """Four levels, far from 0: errors are tens of levels."""
    return answer(_levels(draw, 7, 9, 4))


@equalize_hist.check(points=1)
def many_levels_from_zero_on(answer, draw):
    """Ninety levels, level 0 among them."""
    return answer(_levels(draw, 33, 21, 90, lowest=0))


@equalize_hist.check(points=1)
def a_constant_picture(answer, draw):
    """A picture of one level comes back unchanged, as a copy."""
    image = draw.watch(np.full((5, 7), int(draw.rng.integers(3, 250)), np.uint8), "img")
    result = answer(image)
    return {"result": result, "a copy": not np.shares_memory(result, image)}


@equalize_hist.check(points=1)
def views_are_pictures_too(answer, draw):
    """A flipped and thinned view."""
    return answer(_levels(draw, 25, 19, 30)[::-1, ::2])


@equalize_hist.check(points=1)
def what_is_no_gray_picture_is_refused(answer, draw):
    """ValueError for other dtypes, other ndim, and nothing at all."""
    image = _levels(draw, 6, 8, 5)
    return {
        "floats": outcome(answer, image / 255),
        "int64": outcome(answer, image.astype(np.int64)),
        "colour": outcome(answer, np.stack([image] * 3, -1)),
        "a row": outcome(answer, image[0]),
        "empty": outcome(answer, image[:0]),
    }


def _refuse_gray(img):
    if img.dtype != np.uint8 or img.ndim != 2 or img.size == 0:
        raise ValueError("img: uint8 (H, W)")


def _mapped(img, make_lut):
    """The skeleton of 22.1: only the table differs."""
    _refuse_gray(img)
    if img.min() == img.max():
        return img.copy()
    counts = np.bincount(img.ravel(), minlength=256)
    with np.errstate(all="ignore"):
        lut = make_lut(counts, np.cumsum(counts), img.size)
    return lut[img]


def _to_bytes(values):
    return np.clip(values, 0, 255).astype(np.uint8)


@equalize_hist.misconception(
    "You did not subtract cdf_min; subtract it, so that the darkest level becomes 0."
)
def forgets_cdf_min(img):
    return _mapped(img, lambda h, cdf, n: _to_bytes(np.rint(255 * cdf / n)))


@equalize_hist.misconception(
    "You took cdf[0] for cdf_min; it is the first value of the cdf that is not zero."
)
def takes_the_first_bin(img):
    return _mapped(img, lambda h, cdf, n: _to_bytes(np.rint((cdf - cdf[0]) / (n - cdf[0]) * 255)))


@equalize_hist.misconception("You cut the decimals off; round to the nearest level with np.rint.")
def truncates(img):
    return _mapped(img, lambda h, cdf, n: _to_bytes((cdf - cdf[cdf > 0][0]) / (n - cdf[cdf > 0][0]) * 255))


@equalize_hist.misconception(
    "You stretched linearly from minimum to maximum; the map is the cdf, not a straight line."
)
def stretches_linearly(img):
    def lut(h, cdf, n):
        low, high = np.flatnonzero(h)[[0, -1]]
        return _to_bytes(np.rint((np.arange(256) - low) / (high - low) * 255))

    return _mapped(img, lut)


@equalize_hist.misconception("You used the histogram itself for the map; accumulate it first.")
def forgets_to_accumulate(img):
    return _mapped(img, lambda h, cdf, n: _to_bytes(np.rint(h / h.max() * 255)))


@equalize_hist.misconception("You multiplied by 256, which wraps around to 0; the top level is 255.")
def multiplies_by_256(img):
    def lut(h, cdf, n):
        first = cdf[cdf > 0][0]
        return (np.rint(np.clip((cdf - first) / (n - first), 0, 1) * 256).astype(np.int64) % 256).astype(
            np.uint8
        )

    return _mapped(img, lut)


@equalize_hist.accepts
def by_interpolation(img):
    _refuse_gray(img)
    values, counts = np.unique(img, return_counts=True)
    if len(values) == 1:
        return img.copy()
    cdf = counts.cumsum()
    share = 255 * (cdf - cdf[0]) / (cdf[-1] - cdf[0])
    return np.rint(np.interp(img.ravel(), values, share)).astype(np.uint8).reshape(img.shape)


@equalize_hist.accepts
def by_sorting(img):
    _refuse_gray(img)
    ordered = np.sort(img, axis=None)
    at_or_below = np.searchsorted(ordered, img, side="right")
    darkest = np.searchsorted(ordered, ordered[0], side="right")
    if darkest == img.size:
        return np.array(img)
    return np.round((at_or_below - darkest) * 255.0 / (img.size - darkest)).astype("uint8")


@equalize_hist.accepts
def by_a_loop_over_levels(img):
    _refuse_gray(img)
    total, seen, darkest, lut = img.size, 0, None, [0] * 256
    for level in range(256):
        seen += int((img == level).sum())
        if seen and darkest is None:
            darkest = seen
        if darkest is not None and total > darkest:
            lut[level] = round((seen - darkest) / (total - darkest) * 255)
    if darkest == total:
        return img.copy()
    return np.array(lut, np.uint8)[img]


# --- 22.2 -----------------------------------------------------------------------------------------

clahe = exercise(
    "clahe",
    reference="nstkit.theory.arrays_enhance:clahe",
    level="hard",
    minutes=45,
    hints=[
        "One table per tile, each from a histogram whose counts are clipped and handed back; then every pixel asks the "
        "four nearest tiles and blends.",
        "luts is (rows, cols, 256). Tile coordinates are y/th − 0.5 and x/tw − 0.5: floor gives the tile before, the "
        "rest the weight; clamp the indices.",
        "luts[ty[:, None], tx, img] looks one of the four up for all pixels at once; blend along x, then along y, then "
        "np.rint.",
    ],
)


def _scene(draw, height, width, spread=12.0):
    """A ramp with noise: every tile's histogram has a peak, each elsewhere."""
    ramp = np.linspace(40, 120, width) + np.linspace(0, 70, height)[:, None]
    image = np.clip(ramp + spread * draw.rng.normal(size=(height, width)), 0, 255).astype(np.uint8)
    image[: height // 3, : width // 4] = np.clip(
        draw.rng.normal(90, 2, size=(height // 3, width // 4)), 0, 255
    )
    return draw.watch(image, "img")


@clahe.check(points=2)
def a_grid_that_is_not_square(answer, draw):
    """Three rows and six columns of 16 x 16 tiles, counts clipped at 3."""
    return answer(_scene(draw, 48, 96), 3.0, (3, 6))


@clahe.check(points=1)
def by_default(answer, draw):
    """Limit 2.0, a grid of 8 x 8 tiles."""
    return answer(_scene(draw, 64, 128))


@clahe.check(points=1)
def counts_left_over(answer, draw):
    """Strong clipping: the excess goes round, and its remainder to bins 0, s, 2s, …"""
    image = _scene(draw, 64, 96, spread=3.0)
    limits = {"tight": 1.0, "loose": 12.5, "less than one count": 0.2}
    return {name: answer(image, limit, (2, 3)) for name, limit in limits.items()}


@clahe.check(points=1)
def one_tile_and_no_limit(answer, draw):
    """clip_limit 0 or below: no clipping; a single tile is the plain cumulative histogram."""
    image = _scene(draw, 32, 64)
    return {"one tile": answer(image, 0.0, (1, 1)), "no limit": answer(image, -1.0, (2, 4))}


@clahe.check(points=1, rtol=0, atol=1.01)
def tiles_of_any_size(answer, draw):
    """Tiles of 10 x 21 pixels, where rounding may differ by one level here and there."""
    result = answer(_scene(draw, 30, 42), 2.5, (3, 2)).astype(np.float64)
    return {"levels": result, "twenty times their mean": 20 * result.mean()}


@clahe.check(points=1)
def grids_that_do_not_divide_are_refused(answer, draw):
    """ValueError where tiles do not divide the picture, and for what is no uint8 (H, W)."""
    image = _scene(draw, 32, 48)
    return {
        "rows": outcome(answer, image, 2.0, (5, 4)),
        "columns": outcome(answer, image, 2.0, (4, 5)),
        "floats": outcome(answer, image / 255, 2.0, (4, 4)),
        "colour": outcome(answer, np.stack([image] * 3, -1), 2.0, (4, 4)),
        "the type": str(answer(image, 2.0, (4, 4)).dtype),
    }


def _counts(tile, clip_limit, limit, hand_back):
    counts = np.bincount(tile.ravel(), minlength=256)
    bound = limit(clip_limit, tile.size)
    if clip_limit <= 0 or bound is None:
        return counts
    excess = int(np.maximum(counts - bound, 0).sum())
    return hand_back(np.minimum(counts, bound), excess, bound)


def _relative(clip_limit, area):
    return max(int(clip_limit * area / 256), 1)


def _evenly(counts, excess, bound):
    counts = counts + excess // 256
    rest = excess % 256
    if rest:
        step = max(256 // rest, 1)
        counts[np.arange(rest) * step] += 1
    return counts


def _adaptive(
    img, clip_limit, tiles, limit=_relative, hand_back=_evenly, place=None, nearest=False, divisor=None
):
    """The skeleton of 22.2: each mistake changes one part."""
    _refuse_gray(img)
    rows, cols = tiles
    height, width = img.shape
    if height % rows or width % cols:
        raise ValueError("tiles")
    th, tw = height // rows, width // cols
    luts = np.empty((rows, cols, 256))
    for r in range(rows):
        for c in range(cols):
            counts = _counts(img[r * th : (r + 1) * th, c * tw : (c + 1) * tw], clip_limit, limit, hand_back)
            luts[r, c] = np.clip(np.rint(np.cumsum(counts) * 255 / (th * tw)), 0, 255)
    place = place or (lambda p, size: p / size - 0.5)
    fy, fx = place(np.arange(height), th), place(np.arange(width), tw)
    if nearest:
        return luts[(np.arange(height) // th)[:, None], np.arange(width) // tw, img].astype(np.uint8)
    y0, x0 = np.floor(fy).astype(int), np.floor(fx).astype(int)
    wy, wx = (fy - y0)[:, None], fx - x0
    ya, yb = (np.clip(y, 0, rows - 1)[:, None] for y in (y0, y0 + 1))
    xa, xb = (np.clip(x, 0, cols - 1) for x in (x0, x0 + 1))
    top = (1 - wx) * luts[ya, xa, img] + wx * luts[ya, xb, img]
    bottom = (1 - wx) * luts[yb, xa, img] + wx * luts[yb, xb, img]
    return np.clip(np.rint((1 - wy) * top + wy * bottom), 0, 255).astype(np.uint8)


@clahe.misconception(
    "You used one tile's map for the whole tile, which shows blocks; blend the four neighbouring maps."
)
def takes_the_nearest_map(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tiles, nearest=True)


@clahe.misconception(
    "You did not clip; clip the histogram counts at the limit, or flat parts turn into noise."
)
def never_clips(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tiles, limit=lambda limit, area: None)


@clahe.misconception(
    "You threw the clipped counts away; hand them back to all bins, so that the map still reaches 255."
)
def throws_the_excess_away(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tiles, hand_back=lambda counts, excess, bound: counts)


@clahe.misconception(
    "You took clip_limit for a count; it is relative: multiply it by the tile's area over 256."
)
def takes_the_limit_for_a_count(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tiles, limit=lambda limit, area: max(int(limit), 1))


@clahe.misconception(
    "You anchored the maps at the corners of the tiles; they belong to the centres: subtract 0.5."
)
def anchors_at_corners(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tiles, place=lambda p, size: p / size)


@clahe.misconception("You read tiles as (columns, rows); it is (rows, columns).")
def swaps_rows_and_columns(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tuple(tiles)[::-1])


@clahe.misconception("You added half a pixel; the definition takes the pixel's index, y/th − 0.5.")
def adds_half_a_pixel(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tiles, place=lambda p, size: (p + 0.5) / size - 0.5)


@clahe.misconception("You dropped the remainder of the excess; hand it out one each to bins 0, s, 2s, …")
def drops_the_remainder(img, clip_limit=2.0, tiles=(8, 8)):
    return _adaptive(img, clip_limit, tiles, hand_back=lambda counts, excess, bound: counts + excess // 256)


@clahe.misconception(
    "You clipped again after handing the counts back; one pass only, also where a bin then exceeds the limit."
)
def clips_twice(img, clip_limit=2.0, tiles=(8, 8)):
    def hand_back(counts, excess, bound):
        counts = _evenly(counts, excess, bound)
        again = int(np.maximum(counts - bound, 0).sum())
        return _evenly(np.minimum(counts, bound), again, bound)

    return _adaptive(img, clip_limit, tiles, hand_back=hand_back)


@clahe.accepts
def pixel_by_pixel_weights(img, clip_limit=2.0, tiles=(8, 8)):
    if img.dtype != np.uint8 or img.ndim != 2 or any(n % t for n, t in zip(img.shape, tiles, strict=True)):
        raise ValueError("img, tiles")
    th, tw = img.shape[0] // tiles[0], img.shape[1] // tiles[1]
    blocks = img.reshape(tiles[0], th, tiles[1], tw).transpose(0, 2, 1, 3).reshape(*tiles, th * tw)
    counts = (blocks[..., None] == np.arange(256)).sum(2)
    if clip_limit > 0:
        bound = max(int(clip_limit * th * tw / 256), 1)
        excess = (counts - counts.clip(max=bound)).sum(-1)
        counts = counts.clip(max=bound) + (excess // 256)[..., None]
        for index in np.ndindex(*tiles):
            rest = excess[index] % 256
            for k in range(rest):
                counts[index][k * max(256 // rest, 1)] += 1
    luts = np.rint(counts.cumsum(-1) * 255 / (th * tw))
    out = np.zeros(img.shape)
    for r in range(tiles[0]):
        for c in range(tiles[1]):
            weight_y = 1 - np.abs(np.clip(np.arange(img.shape[0]) / th - 0.5, 0, tiles[0] - 1) - r)
            weight_x = 1 - np.abs(np.clip(np.arange(img.shape[1]) / tw - 0.5, 0, tiles[1] - 1) - c)
            out += np.outer(weight_y.clip(min=0), weight_x.clip(min=0)) * luts[r, c][img]
    return np.rint(out).clip(0, 255).astype(np.uint8)


# --- 22.3 -----------------------------------------------------------------------------------------

contrast_stretch = exercise(
    "contrast_stretch",
    reference="nstkit.theory.arrays_enhance:contrast_stretch",
    level="easy",
    minutes=8,
    hints=[
        "One straight line through two points, and flat beyond them.",
        "np.percentile(img, [low, high]) over all values gives two numbers, also for a colour picture.",
        "np.clip((img − p_lo)/(p_hi − p_lo), 0, 1), unless the two are equal.",
    ],
)


def _dull(draw, *shape):
    """A picture of low contrast with one hot and one dead pixel."""
    image = 0.45 + 0.06 * draw.rng.normal(size=shape)
    image.flat[3], image.flat[8] = 0.999, 0.0
    return draw.watch(np.clip(image, 0, 1), "img")


@contrast_stretch.check(points=2)
def a_dull_gray_picture(answer, draw):
    """Default percentiles, on a picture with a hot pixel."""
    return answer(_dull(draw, 9, 13))


@contrast_stretch.check(points=1)
def colour_by_one_line(answer, draw):
    """One pair of percentiles for all three channels; other percentages."""
    image = _dull(draw, 7, 8, 3) * np.array([1.0, 0.8, 0.5])
    return [answer(draw.watch(image, "img"), 5.0, 90.5), answer(image, low=0.0, high=100.0)]


@contrast_stretch.check(points=1)
def a_flat_picture(answer, draw):
    """Where the percentiles agree, a copy comes back."""
    image = draw.watch(np.full((6, 7), draw.number(0.2, 0.8)), "img")
    result = answer(image)
    return {"result": result, "a copy": not np.shares_memory(result, image)}


@contrast_stretch.check(points=1)
def single_precision_and_views(answer, draw):
    """float32 stays float32; a flipped view is as good as any."""
    image = _dull(draw, 12, 11)
    return {
        "float32": answer(draw.watch(image.astype(np.float32), "img")),
        "a view": answer(image[::-1, ::2]),
    }


@contrast_stretch.check(points=1)
def percentages_out_of_order_are_refused(answer, draw):
    """ValueError unless 0 <= low < high <= 100, and for what is no float picture."""
    image = _dull(draw, 6, 7)
    return {
        "equal": outcome(answer, image, 50.0, 50.0),
        "reversed": outcome(answer, image, 98.0, 2.0),
        "below 0": outcome(answer, image, -1.0, 98.0),
        "above 100": outcome(answer, image, 2.0, 100.5),
        "uint8": outcome(answer, (255 * image).astype(np.uint8)),
        "one row": outcome(answer, image[0]),
    }


def _refuse_floats(img):
    if img.dtype.kind != "f" or img.ndim not in (2, 3):
        raise ValueError("img: float (H, W) or (H, W, 3)")


def _stretched(img, low, high, ends=None, finish=None):
    _refuse_floats(img)
    if not 0 <= low < high <= 100:
        raise ValueError("low, high")
    p_lo, p_hi = (ends or (lambda i, p: np.percentile(i, p)))(img, [low, high])
    if np.max(p_hi - p_lo) < 1e-12:
        return img.copy()
    line = finish or (lambda i, a, b: np.clip((i - a) / (b - a), 0, 1))
    return line(img, p_lo, p_hi).astype(img.dtype)


@contrast_stretch.misconception(
    "You took minimum and maximum; use percentiles: one hot pixel must not set the scale."
)
def takes_the_extremes(img, low=2.0, high=98.0):
    return _stretched(img, low, high, lambda i, p: (i.min(), i.max()))


@contrast_stretch.misconception("You did not clip; what lies beyond the percentiles must end at 0 and 1.")
def leaves_the_range(img, low=2.0, high=98.0):
    return _stretched(img, low, high, finish=lambda i, a, b: (i - a) / (b - a))


@contrast_stretch.misconception("You only clipped; map p_lo to 0 and p_hi to 1 as well.")
def clips_without_mapping(img, low=2.0, high=98.0):
    return _stretched(img, low, high, finish=lambda i, a, b: np.clip(i, a, b))


@contrast_stretch.misconception(
    "You stretched each channel by itself, which tints the picture; one pair of percentiles for all."
)
def stretches_each_channel(img, low=2.0, high=98.0):
    return _stretched(img, low, high, lambda i, p: np.percentile(i, p, axis=(0, 1)))


@contrast_stretch.misconception(
    "You subtracted the mean and divided by the deviation, which is standardisation; stretch between two percentiles."
)
def standardises(img, low=2.0, high=98.0):
    return _stretched(img, low, high, finish=lambda i, a, b: (i - i.mean()) / i.std())


@contrast_stretch.accepts
def by_interp(img, low=2.0, high=98.0):
    _refuse_floats(img)
    if low < 0 or high > 100 or low >= high:
        raise ValueError("low, high")
    ends = np.quantile(img, [low / 100, high / 100])
    if ends[1] - ends[0] < 1e-12:
        return np.array(img)
    return np.interp(img, ends, [0.0, 1.0]).astype(img.dtype)


@contrast_stretch.accepts
def by_sorting_all_values(img, low=2.0, high=98.0):
    _refuse_floats(img)
    if not (0 <= low < high <= 100):
        raise ValueError("low, high")
    ordered = np.sort(img.ravel().astype(np.float64))

    def at(percent):
        place = percent / 100 * (len(ordered) - 1)
        k = min(int(place), len(ordered) - 2)
        return ordered[k] + (place - k) * (ordered[k + 1] - ordered[k])

    a, b = at(low), at(high)
    return img + 0 if b - a < 1e-12 else np.minimum(np.maximum((img - a) / (b - a), 0), 1).astype(img.dtype)


# --- 22.4 -----------------------------------------------------------------------------------------

unsharp_mask = exercise(
    "unsharp_mask",
    reference="nstkit.theory.arrays_enhance:unsharp_mask",
    level="medium",
    minutes=12,
    hints=[
        "What the blur takes away is the detail; add more of it.",
        "The mask has the picture's shape and both signs: positive on the bright side of an edge, negative beside it.",
        "m = img − gaussian_blur(img, sigma); np.where(np.abs(m) < threshold, 0, m); then img + amount·m, clipped.",
    ],
)


def _picture(draw, *shape, low=0.3, high=0.7):
    return draw.watch(draw.rng.uniform(low, high, size=shape), "img")


@unsharp_mask.check(points=2)
def a_gray_picture(answer, draw):
    """No threshold, nothing clipped."""
    return answer(_picture(draw, 13, 10), draw.number(0.8, 1.6), draw.number(0.3, 0.6))


@unsharp_mask.check(points=1)
def small_differences_are_left_alone(answer, draw):
    """A hard threshold on the absolute value of the mask."""
    return answer(_picture(draw, 11, 14), 1.2, 0.5, threshold=0.06)


@unsharp_mask.check(points=1)
def colour(answer, draw):
    """Channels are sharpened one by one and do not mix."""
    return answer(_picture(draw, 9, 12, 3), 1.0, 0.5, 0.02)


@unsharp_mask.check(points=1)
def the_result_stays_in_range(answer, draw):
    """A large amount overshoots and is clipped; amount 0 changes nothing."""
    image = _picture(draw, 12, 9, low=0.0, high=1.0)
    return [answer(image, 1.5, draw.number(2.0, 4.0)), answer(image, 1.5, 0.0)]


@unsharp_mask.check(points=1)
def single_precision(answer, draw):
    """float32 stays float32."""
    image = draw.watch(_picture(draw, 12, 9).astype(np.float32), "img")
    return answer(image, 1.3, 0.7)


@unsharp_mask.check(points=1)
def negative_settings_are_refused(answer, draw):
    """ValueError for a negative amount or threshold, and for what is no float picture."""
    image = _picture(draw, 8, 10)
    return {
        "a negative amount": outcome(answer, image, 1.0, -0.5),
        "a negative threshold": outcome(answer, image, 1.0, 0.5, -0.01),
        "uint8": outcome(answer, (255 * image).astype(np.uint8), 1.0, 0.5),
        "one row": outcome(answer, image[0], 1.0, 0.5),
    }


def _blur(img, sigma):
    radius = int(4 * sigma + 0.5)
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps = taps / taps.sum()
    out = img.astype(np.float64)
    for axis in (0, 1):
        widths = [(radius, radius) if a == axis else (0, 0) for a in range(img.ndim)]
        padded = np.pad(out, widths, mode="symmetric")
        out = sum(t * np.take(padded, np.arange(k, k + img.shape[axis]), axis) for k, t in enumerate(taps))
    return out


def _sharpened(img, sigma, amount, threshold, keep=None, combine=None):
    """The skeleton of 22.4: how the mask is thinned, and how it is put together."""
    _refuse_floats(img)
    if amount < 0 or threshold < 0:
        raise ValueError("amount, threshold")
    blurred = _blur(img, sigma)
    mask = img - blurred
    mask = (keep or (lambda m, t: np.where(np.abs(m) < t, 0, m)))(mask, threshold)
    combine = combine or (lambda i, b, m, k: np.clip(i + k * m, 0, 1))
    return combine(img, blurred, mask, amount).astype(img.dtype)


@unsharp_mask.misconception("You subtracted the mask, which blurs; add it.")
def subtracts_the_mask(img, sigma, amount, threshold=0.0):
    return _sharpened(img, sigma, amount, threshold, combine=lambda i, b, m, k: np.clip(i - k * m, 0, 1))


@unsharp_mask.misconception("You added the mask to the blurred picture; add it to the original.")
def adds_to_the_blur(img, sigma, amount, threshold=0.0):
    return _sharpened(img, sigma, amount, threshold, combine=lambda i, b, m, k: np.clip(b + k * m, 0, 1))


@unsharp_mask.misconception("You returned the mask; it is only the correction: add it to the picture.")
def returns_the_mask(img, sigma, amount, threshold=0.0):
    return _sharpened(img, sigma, amount, threshold, combine=lambda i, b, m, k: k * m)


@unsharp_mask.misconception(
    "You shrank the large values too; set small ones to zero and keep the large ones unchanged."
)
def thresholds_softly(img, sigma, amount, threshold=0.0):
    return _sharpened(img, sigma, amount, threshold, lambda m, t: np.sign(m) * np.maximum(np.abs(m) - t, 0))


@unsharp_mask.misconception(
    "You compared the signed mask, which loses the dark side of edges; compare its absolute value."
)
def compares_the_signed_mask(img, sigma, amount, threshold=0.0):
    return _sharpened(img, sigma, amount, threshold, lambda m, t: np.where(m < t, 0, m) if t else m)


@unsharp_mask.misconception("You let values leave [0, 1]; clip the result.")
def overshoots(img, sigma, amount, threshold=0.0):
    return _sharpened(img, sigma, amount, threshold, combine=lambda i, b, m, k: i + k * m)


@unsharp_mask.misconception(
    "You faded from the picture to the mask; amount multiplies the mask only, the picture stays whole."
)
def fades_to_the_mask(img, sigma, amount, threshold=0.0):
    return _sharpened(
        img, sigma, amount, threshold, combine=lambda i, b, m, k: np.clip((1 - k) * i + k * m, 0, 1)
    )


@unsharp_mask.misconception(
    "You ignored the threshold; set the mask to zero where its absolute value is below it."
)
def ignores_the_threshold(img, sigma, amount, threshold=0.0):
    return _sharpened(img, sigma, amount, threshold, lambda m, t: m)


@unsharp_mask.accepts
def as_a_weighted_difference(img, sigma, amount, threshold=0.0):
    _refuse_floats(img)
    if amount < 0 or threshold < 0:
        raise ValueError("amount, threshold")
    blurred = _blur(img, sigma)
    sharp = (1 + amount) * img - amount * blurred
    small = np.abs(img - blurred) < threshold
    return np.where(small, img, sharp).clip(0.0, 1.0).astype(img.dtype)
