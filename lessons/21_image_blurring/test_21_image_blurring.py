"""Lesson 21, blurring: a Gaussian, a mean at constant cost, a bilateral filter, a scale space."""

import math
import time
from itertools import pairwise

import numpy as np

from nstkit.grading import exercise, outcome


def _picture(draw, *shape, dtype=np.float64, strided=False):
    """A picture in [0, 1] with edges, slopes and grain, so that no border and no axis looks like another."""
    height, width = shape[0], shape[1] * (2 if strided else 1)
    y, x = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    tilt, phase = draw.rng.uniform(2, 5), draw.rng.uniform(0, 6)
    waves = 0.5 + 0.3 * np.sign(np.sin(tilt * (3 * x + y) + phase)) * np.cos(4 * y - 2 * x)
    values = waves.reshape(height, width, *[1] * len(shape[2:]))
    values = values + draw.rng.uniform(-0.2, 0.2, size=(height, width, *shape[2:]))
    values = np.clip(values, 0, 1).astype(dtype)
    return draw.watch(values[:, ::-2] if strided else values, "img")


def _refuse_picture(img):
    if img.ndim not in (2, 3):
        raise ValueError("img")


def _seconds(function, *arguments, runs):
    """The least time of a few runs."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        function(*arguments)
        times.append(time.process_time() - start)
    return min(times)


# --- 21.1 -----------------------------------------------------------------------------------------

gaussian_blur = exercise(
    "gaussian_blur",
    reference="nstkit.theory.arrays_filters:gaussian_blur",
    level="medium",
    minutes=15,
    hints=[
        "A Gaussian in two dimensions is a product of two in one: a pass down the columns and one along the rows.",
        "The taps are (2r + 1,) and sum to 1; pad r pixels by np.pad with mode 'symmetric' on one axis, then add up "
        "2r + 1 shifted slices, each of the picture's own size.",
        "t = np.arange(-r, r + 1); exp(-t² / (2σ²)) divided by its sum; for each axis: pad, then sum taps[k] times "
        "the slice that starts at k.",
    ],
)


@gaussian_blur.check(points=2)
def a_gray_picture(answer, draw):
    """A gray picture, wider than high, sigma 1.6."""
    return answer(_picture(draw, 19, 26), 1.6)


@gaussian_blur.check(points=1)
def three_channels(answer, draw):
    """Colour: every channel by itself, also for a small sigma."""
    picture = _picture(draw, 14, 21, 3)
    return {"sigma 0.5": answer(picture, 0.5), "sigma 2.3": answer(picture, 2.3)}


@gaussian_blur.check(points=1)
def where_the_taps_end(answer, draw):
    """The radius is int(truncate · sigma + 0.5), also beyond the picture's own height."""
    picture = _picture(draw, 11, 23)
    return {
        "truncate 2": answer(picture, 1.9, 2.0),
        "by keyword": answer(picture, 1.3, truncate=3.0),
        "sigma 1.3": answer(picture, 1.3),
        "wider than the picture": answer(picture, 4.0),
    }


@gaussian_blur.check(points=1)
def single_precision_and_views(answer, draw):
    """float32 stays float32; a view with gaps is a picture too."""
    return {
        "float32": answer(_picture(draw, 12, 17, dtype=np.float32), 1.2),
        "a view": answer(_picture(draw, 12, 17, 3, strided=True), 1.2),
    }


@gaussian_blur.check(points=1)
def fast_enough(answer, draw):
    """A picture of 256 × 256, sigma 5, takes well under a second."""
    picture = _picture(draw, 256, 256)
    return {"blurred": answer(picture, 5.0), "in time": _seconds(answer, picture, 5.0, runs=2) < 1.0}


@gaussian_blur.check(points=1)
def no_width_no_picture(answer, draw):
    """ValueError for a sigma that is not above 0 and for what is no picture."""
    picture = _picture(draw, 9, 13)
    return {
        "sigma 0": outcome(answer, picture, 0.0),
        "a negative sigma": outcome(answer, picture, -1.0),
        "one axis": outcome(answer, picture[0], 1.0),
        "four axes": outcome(answer, picture[None, :, :, None], 1.0),
    }


def _taps(sigma, truncate, steepness=0.5):
    radius = int(truncate * sigma + 0.5)
    t = np.arange(-radius, radius + 1)
    taps = np.exp(-steepness * t**2 / sigma**2)
    return taps / taps.sum()


def _along(img, taps, axis, mode="symmetric"):
    radius = len(taps) // 2
    sides = [(0, 0)] * img.ndim
    sides[axis] = (radius, radius)
    padded, length = np.pad(img.astype(np.float64), sides, mode), img.shape[axis]
    return sum(w * np.take(padded, range(k, k + length), axis) for k, w in enumerate(taps))


def _both(img, taps, mode="symmetric", axes=(0, 1)):
    out = img
    for axis in axes:
        out = _along(out, taps, axis, mode)
    return out.astype(img.dtype)


def _refuse_sigma(img, sigma):
    _refuse_picture(img)
    if sigma <= 0:
        raise ValueError("sigma")


@gaussian_blur.misconception("You left the 2 out of the exponent; it is exp(-t² / (2σ²)).")
def forgets_the_two(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, truncate, steepness=1.0))


@gaussian_blur.misconception("You put σ where the variance stands; square σ in the exponent.")
def takes_sigma_for_the_variance(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, truncate, steepness=0.5 * sigma))


@gaussian_blur.misconception(
    "You divided the taps by √(2π)·σ, the integral; divide by their own sum, so that they add to 1."
)
def divides_by_the_integral(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    taps = _taps(sigma, truncate)
    return _both(img, taps / taps.max() / (np.sqrt(2 * np.pi) * sigma))


@gaussian_blur.misconception("You padded with zeros, which darkens the rim; mirror the picture instead.")
def pads_with_zeros(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, truncate), "constant")


@gaussian_blur.misconception(
    "You mirrored about the border pixel (dcb|abcd); repeat the border pixel: dcba|abcd, np.pad's 'symmetric'."
)
def mirrors_about_the_pixel(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, truncate), "reflect")


@gaussian_blur.misconception(
    "You repeated the border pixel for ever (aaaa|abcd); mirror the picture: dcba|abcd."
)
def repeats_the_edge(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, truncate), "edge")


@gaussian_blur.misconception("You filtered one axis only; go down the columns and along the rows.")
def filters_one_axis(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, truncate), axes=(0,))


@gaussian_blur.misconception(
    "You blurred over the colour axis as well; filter the first two axes and leave the channels apart."
)
def mixes_the_channels(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, truncate), axes=range(img.ndim))


@gaussian_blur.misconception("You ignored `truncate`; the taps end at int(truncate · sigma + 0.5).")
def ignores_truncate(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, 4.0))


@gaussian_blur.misconception(
    "You rounded the radius up; it is int(truncate · sigma + 0.5), the nearest whole number."
)
def rounds_the_radius_up(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img, _taps(sigma, (math.ceil(truncate * sigma) + 0.1) / sigma))


@gaussian_blur.misconception("You returned float64 for float32; the result keeps the dtype of the picture.")
def loses_the_dtype(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    return _both(img.astype(np.float64), _taps(sigma, truncate))


@gaussian_blur.accepts
def by_convolving_lines(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    taps = _taps(sigma, truncate)
    radius = len(taps) // 2

    def line(values):
        return np.convolve(np.pad(values, radius, "symmetric"), taps, "valid")

    rows = np.apply_along_axis(line, 1, img)
    return np.apply_along_axis(line, 0, rows).astype(img.dtype)


@gaussian_blur.accepts
def by_an_outer_product_and_fourier(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    taps = _taps(sigma, truncate)
    radius = len(taps) // 2
    sides = [(radius, radius), (radius, radius)] + [(0, 0)] * (img.ndim - 2)
    padded = np.pad(img, sides, "symmetric")
    kernel = np.zeros(padded.shape[:2])
    kernel[: len(taps), : len(taps)] = np.outer(taps, taps)
    gain = np.fft.fft2(kernel).reshape(*kernel.shape, *[1] * (img.ndim - 2))
    spread = np.fft.ifft2(np.fft.fft2(padded, axes=(0, 1)) * gain, axes=(0, 1)).real
    return spread[2 * radius :, 2 * radius :].astype(img.dtype)


@gaussian_blur.accepts
def by_matrices(img, sigma, truncate=4.0):
    _refuse_sigma(img, sigma)
    taps = _taps(sigma, truncate)

    def matrix(n):
        places = np.pad(np.arange(n), len(taps) // 2, "symmetric")
        rows = np.zeros((n, n))
        for k, w in enumerate(taps):
            rows[np.arange(n), places[k : k + n]] += w
        return rows

    out = np.einsum("yh,hw...->yw...", matrix(img.shape[0]), img.astype(np.float64))
    return np.einsum("xw,yw...->yx...", matrix(img.shape[1]), out).astype(img.dtype)


# --- 21.2 -----------------------------------------------------------------------------------------

box_mean = exercise(
    "box_mean",
    reference="nstkit.theory.arrays_filters:box_mean",
    level="medium",
    minutes=15,
    hints=[
        "Add up once from the corner; the sum over any window is then a few additions and subtractions of sums.",
        "A table of (H + 1, W + 1) float64 with a first row and column of zeros; rows of the window are "
        "[max(i - r, 0), min(i + r + 1, H)).",
        "Index the table by four combinations of start and stop with np.ix_: D - B - C + A, then divide by the true "
        "count of pixels.",
    ],
)


@box_mean.check(points=2)
def clipped_at_the_border(answer, draw):
    """The window ends where the picture ends, and the mean is over what is left."""
    return answer(_picture(draw, 13, 18), 2)


@box_mean.check(points=1)
def other_radii_and_colour(answer, draw):
    """Radius 1, 3 and one beyond the picture's height; three channels."""
    picture = _picture(draw, 9, 14, 3)
    return [answer(picture, 1), answer(picture, 3), answer(picture, 20)]


@box_mean.check(points=1)
def far_from_zero(answer, draw):
    """Values near 1000 lose no precision, in float32 neither."""
    picture = _picture(draw, 60, 70)
    far = draw.watch(1000 + picture, "img")
    return {"float64": answer(far, 2), "float32": answer(draw.watch(far.astype(np.float32), "img"), 2)}


@box_mean.check(points=1)
def views(answer, draw):
    """A view with gaps and a negative stride."""
    return answer(_picture(draw, 11, 16, strided=True), 2)


@box_mean.check(points=1)
def a_large_window_costs_no_more(answer, draw):
    """Radius 50 takes about as long as radius 2."""
    picture = _picture(draw, 160, 180)
    large, small = _seconds(answer, picture, 50, runs=7), _seconds(answer, picture, 2, runs=7)
    return {"means": answer(picture, 50), "in time": large < 4 * small + 1e-3}


@box_mean.check(points=1)
def no_window_no_picture(answer, draw):
    """ValueError for a radius below 1 and for what is no picture."""
    picture = _picture(draw, 9, 13)
    return {
        "radius 0": outcome(answer, picture, 0),
        "a negative radius": outcome(answer, picture, -2),
        "one axis": outcome(answer, picture[0], 1),
        "four axes": outcome(answer, picture[None, :, :, None], 1),
    }


def _refuse_radius(img, radius):
    _refuse_picture(img)
    if radius < 1:
        raise ValueError("radius")


def _edges(n, radius):
    place = np.arange(n)
    return np.maximum(place - radius, 0), np.minimum(place + radius + 1, n)


def _sums(img, radius, dtype=np.float64, corner=1.0):
    """Window sums by a table with zeros in front, and the count of pixels."""
    height, width = img.shape[:2]
    table = np.zeros((height + 1, width + 1, *img.shape[2:]), dtype)
    table[1:, 1:] = img.astype(dtype).cumsum(0, dtype=dtype).cumsum(1, dtype=dtype)
    (y0, y1), (x0, x1) = _edges(height, radius), _edges(width, radius)
    total = table[np.ix_(y1, x1)] - table[np.ix_(y0, x1)] - table[np.ix_(y1, x0)]
    count = ((y1 - y0)[:, None] * (x1 - x0)).reshape(height, width, *[1] * (img.ndim - 2))
    return total + corner * table[np.ix_(y0, x0)], count


@box_mean.misconception(
    "You divided by (2r + 1)² everywhere, which darkens the border; divide by the number of pixels inside the picture."
)
def divides_by_the_full_window(img, radius):
    _refuse_radius(img, radius)
    return (_sums(img, radius)[0] / (2 * radius + 1) ** 2).astype(img.dtype)


@box_mean.misconception(
    "Your windows lack their first row and column; give the table a row and a column of zeros, so that the window is "
    "[i - r, i + r + 1)."
)
def builds_the_table_without_zeros(img, radius):
    _refuse_radius(img, radius)
    table = img.astype(np.float64).cumsum(0).cumsum(1)
    (y0, y1), (x0, x1) = _edges(img.shape[0], radius), _edges(img.shape[1], radius)
    y1, x1 = y1 - 1, x1 - 1
    total = table[np.ix_(y1, x1)] - table[np.ix_(y0, x1)] - table[np.ix_(y1, x0)] + table[np.ix_(y0, x0)]
    return (total / _sums(img, radius)[1]).astype(img.dtype)


@box_mean.misconception(
    "You did not add the corner back that was subtracted twice; four corners count: D - B - C + A."
)
def forgets_the_corner(img, radius):
    _refuse_radius(img, radius)
    total, count = _sums(img, radius, corner=0.0)
    return (total / count).astype(img.dtype)


@box_mean.misconception("You mirrored the picture at its border; the window is clipped there, not mirrored.")
def mirrors_at_the_border(img, radius):
    _refuse_radius(img, radius)
    sides = [(radius, radius), (radius, radius)] + [(0, 0)] * (img.ndim - 2)
    inner = (slice(radius, -radius), slice(radius, -radius))
    return (_sums(np.pad(img, sides, "symmetric"), radius)[0][inner] / (2 * radius + 1) ** 2).astype(
        img.dtype
    )


@box_mean.misconception(
    "You took radius for the whole width; it is the half width: the window has 2r + 1 pixels on a side."
)
def takes_the_radius_for_the_width(img, radius):
    _refuse_radius(img, radius)
    total, count = _sums(img, radius // 2)
    return (total / count).astype(img.dtype)


@box_mean.misconception(
    "You added up in float32 and lost digits; accumulate in float64, and convert at the end."
)
def accumulates_in_single_precision(img, radius):
    _refuse_radius(img, radius)
    total, count = _sums(img, radius, np.float32)
    return (total / count).astype(img.dtype)


@box_mean.accepts
def by_two_running_sums(img, radius):
    _refuse_radius(img, radius)
    out = img.astype(np.float64)
    for axis in (0, 1):
        start, stop = _edges(img.shape[axis], radius)
        first = np.zeros_like(out.take([0], axis))
        sums = np.concatenate([first, out.cumsum(axis)], axis)
        count = (stop - start).reshape([-1 if k == axis else 1 for k in range(img.ndim)])
        out = (sums.take(stop, axis) - sums.take(start, axis)) / count
    return out.astype(img.dtype)


@box_mean.accepts
def by_padding_and_counting_ones(img, radius):
    _refuse_radius(img, radius)
    side = 2 * radius + 1

    def sums(values):
        padded = np.pad(values.astype(np.float64), [(radius + 1, radius)] * 2 + [(0, 0)] * (values.ndim - 2))
        table = padded.cumsum(0).cumsum(1)
        return table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]

    return (sums(img) / sums(np.ones_like(img))).astype(img.dtype)


# --- 21.3 -----------------------------------------------------------------------------------------

bilateral_filter = exercise(
    "bilateral_filter",
    reference="nstkit.theory.arrays_filters:bilateral_filter",
    level="hard",
    minutes=30,
    hints=[
        "A Gaussian blur asks how far a neighbour is; this filter also asks how different it looks.",
        "Loop over the offsets of the disc, not over pixels: each gives a shifted picture of (H, W) or (H, W, 3) and "
        "one weight (H, W) for all channels.",
        "Keep two running sums, weight times neighbour and weight, and divide at the end; the squared colour distance "
        "is summed over the channels before exp.",
    ],
)


@bilateral_filter.check(points=2)
def a_gray_picture_with_edges(answer, draw):
    """A gray picture with edges and grain."""
    return answer(_picture(draw, 15, 20), 1.7, 0.2, 3)


@bilateral_filter.check(points=2)
def one_weight_for_three_channels(answer, draw):
    """Colour: one weight from the Euclidean distance over the three channels."""
    return answer(_picture(draw, 12, 17, 3), 2.0, 0.3, 2)


@bilateral_filter.check(points=1)
def both_limits(answer, draw):
    """A huge range sigma leaves the Gaussian over the disc, a tiny one leaves the picture."""
    picture = _picture(draw, 11, 16)
    return {"huge": answer(picture, 1.2, 1e3, 3), "tiny": answer(picture, 1.2, 1e-3, 3)}


@bilateral_filter.check(points=1)
def a_disc_larger_than_the_picture(answer, draw):
    """Single precision, a view, and a radius beyond the picture's height."""
    return {
        "float32": answer(_picture(draw, 8, 12, 3, dtype=np.float32), 1.5, 0.25, 2),
        "a view": answer(_picture(draw, 9, 11, strided=True), 1.5, 0.25, 2),
        "a large radius": answer(_picture(draw, 5, 9), 3.0, 0.4, 7),
    }


@bilateral_filter.check(points=1)
def without_a_loop_over_pixels(answer, draw):
    """A colour picture of 128 × 128, radius 4, takes no longer than a loop over offsets needs."""
    picture = _picture(draw, 128, 128, 3)
    return {
        "filtered": answer(picture, 2.0, 0.2, 4),
        "in time": _seconds(answer, picture, 2.0, 0.2, 4, runs=1) < 1.5,
    }


@bilateral_filter.check(points=1)
def sizes_that_make_no_sense(answer, draw):
    """ValueError for a sigma not above 0, a radius below 1, and what is no picture."""
    picture = _picture(draw, 9, 13)
    return {
        "sigma_range 0": outcome(answer, picture, 1.0, 0.0, 2),
        "sigma_space 0": outcome(answer, picture, 0.0, 1.0, 2),
        "a negative sigma_range": outcome(answer, picture, 1.0, -0.1, 2),
        "radius 0": outcome(answer, picture, 1.0, 1.0, 0),
        "one axis": outcome(answer, picture[0], 1.0, 1.0, 2),
    }


def _bilateral(
    img, sigma_space, sigma_range, radius, *, disc=True, spatial=None, ranged=None, distance=None,
    combine=np.multiply, divide_by=None, centre=None, mode="symmetric",
):  # fmt: skip
    """The skeleton that variants and misconceptions share; each replaces one part."""
    _refuse_picture(img)
    if sigma_space <= 0 or sigma_range <= 0 or radius < 1:
        raise ValueError("sigma_space, sigma_range, radius")
    values = img.astype(np.float64).reshape(*img.shape[:2], -1)
    spatial = spatial or (lambda square: math.exp(-square / (2 * sigma_space**2)))
    ranged = ranged or (lambda square: np.exp(-square / (2 * sigma_range**2)))
    distance = distance or (lambda gap: (gap**2).sum(2, keepdims=True))
    here = values if centre is None else centre(img).reshape(values.shape)
    padded = np.pad(values, [(radius, radius), (radius, radius), (0, 0)], mode)
    height, width = img.shape[:2]
    total, weights = 0.0, 0.0
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if disc and dy**2 + dx**2 > radius**2:
                continue
            near = padded[radius + dy :][:height, radius + dx :][:, :width]
            space = spatial(dy**2 + dx**2)
            w = combine(space, ranged(distance(near - here)))
            total = total + w * near
            weights = weights + (w if divide_by is None else divide_by(space, w))
    return (total / weights).reshape(img.shape).astype(img.dtype)


@bilateral_filter.misconception(
    "You used the whole square; leave out the offsets whose dy² + dx² is above radius²: the window is a disc."
)
def uses_the_square(img, sigma_space, sigma_range, radius):
    return _bilateral(img, sigma_space, sigma_range, radius, disc=False)


@bilateral_filter.misconception(
    "You left the range weight out, which makes it a Gaussian; multiply by the weight of the difference in value too."
)
def has_no_range_weight(img, sigma_space, sigma_range, radius):
    return _bilateral(img, sigma_space, sigma_range, radius, ranged=lambda square: np.ones_like(square))


@bilateral_filter.misconception(
    "You divided by the sum of the spatial weights, so edges darken; divide by the sum of the weights at each pixel."
)
def divides_by_the_spatial_sum(img, sigma_space, sigma_range, radius):
    return _bilateral(img, sigma_space, sigma_range, radius, divide_by=lambda space, w: space)


@bilateral_filter.misconception(
    "You added the two weights; multiply them: a neighbour must be near and alike."
)
def adds_the_weights(img, sigma_space, sigma_range, radius):
    return _bilateral(img, sigma_space, sigma_range, radius, combine=np.add)


@bilateral_filter.misconception("You left the 2 out of the exponents; both weights are exp(-d² / (2σ²)).")
def forgets_the_two_in_both(img, sigma_space, sigma_range, radius):
    return _bilateral(
        img,
        sigma_space,
        sigma_range,
        radius,
        spatial=lambda square: math.exp(-square / sigma_space**2),
        ranged=lambda square: np.exp(-square / sigma_range**2),
    )


@bilateral_filter.misconception(
    "You did not square the difference in value; the range weight is exp(-d² / (2σ²))."
)
def forgets_the_square(img, sigma_space, sigma_range, radius):
    return _bilateral(
        img,
        sigma_space,
        sigma_range,
        radius,
        ranged=lambda square: np.exp(-np.sqrt(square) / (2 * sigma_range**2)),
    )


@bilateral_filter.misconception(
    "You weighed every channel by itself, which gives colour fringes; use one weight from the full colour distance."
)
def weighs_each_channel(img, sigma_space, sigma_range, radius):
    return _bilateral(img, sigma_space, sigma_range, radius, distance=lambda gap: gap**2)


@bilateral_filter.misconception(
    "You added the absolute differences of the channels, as OpenCV does; the distance here is Euclidean."
)
def adds_absolute_differences(img, sigma_space, sigma_range, radius):
    return _bilateral(
        img, sigma_space, sigma_range, radius, distance=lambda gap: np.abs(gap).sum(2, keepdims=True) ** 2
    )


@bilateral_filter.misconception(
    "You averaged the squared differences over the channels; the Euclidean distance sums them."
)
def averages_over_the_channels(img, sigma_space, sigma_range, radius):
    return _bilateral(
        img, sigma_space, sigma_range, radius, distance=lambda gap: (gap**2).mean(2, keepdims=True)
    )


@bilateral_filter.misconception(
    "You compared the neighbours with a blurred centre; compare them with the pixel itself."
)
def compares_with_a_blurred_centre(img, sigma_space, sigma_range, radius):
    def centre(picture):
        return _bilateral(picture.astype(np.float64), sigma_space, 1e6, radius)

    return _bilateral(img, sigma_space, sigma_range, radius, centre=centre)


@bilateral_filter.misconception(
    "You mirrored about the border pixel (dcb|abcd); repeat it: dcba|abcd, np.pad's 'symmetric'."
)
def mirrors_about_the_pixel_here_too(img, sigma_space, sigma_range, radius):
    return _bilateral(img, sigma_space, sigma_range, radius, mode="reflect")


@bilateral_filter.accepts
def by_shifted_pictures(img, sigma_space, sigma_range, radius):
    return _bilateral(img, sigma_space, sigma_range, radius)


@bilateral_filter.accepts
def by_windows(img, sigma_space, sigma_range, radius):
    _refuse_picture(img)
    if min(sigma_space, sigma_range) <= 0 or radius < 1:
        raise ValueError("sigma_space, sigma_range, radius")
    values = img.astype(np.float64).reshape(*img.shape[:2], -1)
    offsets = np.arange(-radius, radius + 1)
    square = offsets[:, None] ** 2 + offsets**2
    space = np.where(square <= radius**2, np.exp(-square / (2 * sigma_space**2)), 0.0)
    out = np.empty_like(values)
    padded = np.pad(values, [(radius, radius), (radius, radius), (0, 0)], "symmetric")
    for top in range(
        0, img.shape[0], 16
    ):  # windows of a few rows at a time: all at once would need gigabytes
        part = padded[top : top + 16 + 2 * radius]
        windows = np.lib.stride_tricks.sliding_window_view(part, (2 * radius + 1,) * 2, axis=(0, 1))
        here = values[top : top + 16, :, :, None, None]
        w = space * np.exp(-((windows - here) ** 2).sum(2) / (2 * sigma_range**2))
        out[top : top + 16] = np.einsum("hwij,hwcij->hwc", w, windows) / w.sum((2, 3))[..., None]
    return out.reshape(img.shape).astype(img.dtype)


# --- 21.4 -----------------------------------------------------------------------------------------

gaussian_scale_space = exercise(
    "gaussian_scale_space",
    reference="nstkit.theory.arrays_filters:gaussian_scale_space",
    level="medium",
    minutes=12,
    hints=[
        "Two Gaussian blurs in a row are one; what adds up are the variances, so the missing blur is easy to name.",
        "K sigmas give (K, H, W) or (K, H, W, 3): all levels keep the size of the picture.",
        "Blur the previous level by √(s_k² - s_{k-1}²), starting with s_0 = 0 and the picture; np.stack at the end.",
    ],
)


@gaussian_scale_space.check(points=2, atol=2e-3)
def total_sigmas(answer, draw):
    """Four levels of a gray picture."""
    return answer(_picture(draw, 24, 31), [1.0, 1.7, 2.6, 4.5])


@gaussian_scale_space.check(points=1, atol=2e-3)
def colour_and_arrays(answer, draw):
    """Three channels, the sigmas in an array, in a tuple, and a single one."""
    picture = _picture(draw, 15, 22, 3)
    return [answer(picture, np.array([1.2, 3.0])), answer(picture, (1.0, 2.2, 2.6)), answer(picture, [2.0])]


@gaussian_scale_space.check(points=1, atol=2e-3)
def single_precision_views(answer, draw):
    """float32 stays float32, and a view is as good as a picture."""
    return [
        answer(_picture(draw, 12, 17, dtype=np.float32), [1.0, 2.0]),
        answer(_picture(draw, 12, 17, strided=True), [1.0, 2.0]),
    ]


@gaussian_scale_space.check(points=1)
def sigmas_that_do_not_rise(answer, draw):
    """ValueError for sigmas that are empty, not positive, or do not rise."""
    picture = _picture(draw, 9, 13)
    return {
        "falling": outcome(answer, picture, [2.0, 1.0]),
        "one twice": outcome(answer, picture, [1.0, 2.0, 2.0]),
        "a zero": outcome(answer, picture, [0.0, 1.0]),
        "none": outcome(answer, picture, []),
    }


def _levels(img, sigmas, step):
    """Each level from the one before it by `step(sigma before, sigma)`."""
    sigmas = [float(s) for s in sigmas]
    if not sigmas or min(sigmas) <= 0 or any(b <= a for a, b in pairwise(sigmas)):
        raise ValueError("sigmas")
    levels, before, level = [], 0.0, img
    for sigma in sigmas:
        level = _both(level, _taps(step(before, sigma), 4.0))
        levels.append(level)
        before = sigma
    return np.stack(levels)


@gaussian_scale_space.misconception(
    "You blurred by the difference of the sigmas; the variances add, so the missing one is √(s_k² - s_{k-1}²)."
)
def subtracts_the_sigmas(img, sigmas):
    return _levels(img, sigmas, lambda before, sigma: sigma - before)


@gaussian_scale_space.misconception(
    "You blurred the previous level by the whole sigma; add only the variance that is missing."
)
def adds_the_whole_sigma(img, sigmas):
    return _levels(img, sigmas, lambda before, sigma: sigma)


@gaussian_scale_space.misconception(
    "You made the levels smaller; a scale space keeps the size, a pyramid does not."
)
def makes_a_pyramid(img, sigmas):
    levels = _levels(img, sigmas, lambda before, sigma: math.sqrt(sigma**2 - before**2))
    kept = [level[:: 2**k, :: 2**k] for k, level in enumerate(levels)]
    return kept[0][None] if len(kept) == 1 else kept


@gaussian_scale_space.misconception(
    "You stretched each level back to the full range; leave it: a blur must lower the contrast."
)
def stretches_each_level(img, sigmas):
    levels = _levels(img, sigmas, lambda before, sigma: math.sqrt(sigma**2 - before**2))
    return np.stack([(level - level.min()) / (level.max() - level.min()) for level in levels])


@gaussian_scale_space.misconception(
    "You put the picture itself in front; the first level has the first sigma."
)
def puts_the_picture_in_front(img, sigmas):
    levels = _levels(img, sigmas, lambda before, sigma: math.sqrt(sigma**2 - before**2))
    return np.concatenate([img[None], levels])


@gaussian_scale_space.accepts
def step_by_step(img, sigmas):
    return _levels(img, sigmas, lambda before, sigma: math.sqrt(sigma**2 - before**2))


@gaussian_scale_space.accepts
def each_from_the_picture(img, sigmas):
    _levels(img[:3, :3], sigmas, lambda before, sigma: sigma)  # for its refusals
    return np.stack([_both(img, _taps(float(sigma), 4.0)) for sigma in sigmas])


@gaussian_scale_space.accepts
def by_the_fourier_transform(img, sigmas):
    sigmas = np.asarray(sigmas, dtype=np.float64)
    if not sigmas.size or sigmas[0] <= 0 or (np.diff(sigmas) <= 0).any():
        raise ValueError("sigmas")
    doubled = np.concatenate([img, img[::-1]])
    doubled = np.concatenate([doubled, doubled[:, ::-1]], 1)
    squares = [(2 * np.pi * np.fft.fftfreq(n)) ** 2 for n in doubled.shape[:2]]
    power = (squares[0][:, None] + squares[1]).reshape(*doubled.shape[:2], *[1] * (img.ndim - 2))
    spectrum = np.fft.fft2(doubled, axes=(0, 1))
    levels = [np.fft.ifft2(spectrum * np.exp(-power * s**2 / 2), axes=(0, 1)).real for s in sigmas]
    return np.stack(levels)[:, : img.shape[0], : img.shape[1]].astype(img.dtype)
