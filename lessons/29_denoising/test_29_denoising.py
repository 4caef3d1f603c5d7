"""Lesson 29, denoising: median, switching median, non-local means, total variation."""

import time

import numpy as np

from nstkit.grading import exercise, outcome

# --- 29.1 -----------------------------------------------------------------------------------------

median_filter = exercise(
    "median_filter",
    reference="nstkit.theory.arrays_filters:median_filter",
    level="easy",
    minutes=12,
    hints=[
        "Sort a pixel's neighbourhood and take the one in the middle; an outlier ends up at one end of the row.",
        "A window of (2r + 1)² pixels for each place: (H, W, (2r+1)²), from the picture padded by r on both axes.",
        "np.pad 'symmetric', np.lib.stride_tricks.sliding_window_view over axes (0, 1), np.median over the last two.",
    ],
)


def _grain(draw, *shape, dtype=np.float64, strided=False):
    """A picture of independent values in [0, 1], with some black and white pixels."""
    wide = (shape[0], 2 * shape[1], *shape[2:]) if strided else shape
    values = draw.rng.uniform(0.1, 0.9, size=wide)
    hit = draw.rng.uniform(size=wide)
    values = np.where(hit < 0.06, 0.0, np.where(hit > 0.94, 1.0, values)).astype(dtype)
    return draw.watch(values[:, ::-2] if strided else values, "img")


def _scene(draw, height, width, noise=0.06):
    """A gray picture with an edge, a stripe and a slope, and Gaussian noise."""
    y, x = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    angle = draw.rng.uniform(0.5, 2)
    clean = 0.3 + 0.35 * (x + 0.3 * y * angle > 0.6) + 0.15 * (np.abs(y - 0.3) < 0.1) + 0.1 * x * y
    return draw.watch(np.clip(clean + noise * draw.rng.normal(size=clean.shape), 0, 1), "img")


@median_filter.check(points=2)
def radius_one_and_two(answer, draw):
    """A picture wider than high, radius 1 and 2, up to the border."""
    picture = _grain(draw, 13, 18)
    return {"radius 1": answer(picture, 1), "radius 2": answer(picture, 2)}


@median_filter.check(points=1)
def each_channel(answer, draw):
    """Three channels, each by itself."""
    return answer(_grain(draw, 11, 15, 3), 1)


@median_filter.check(points=1)
def precision_views_and_large_windows(answer, draw):
    """float32 stays float32; a view; a window larger than the picture."""
    return {
        "float32": answer(_grain(draw, 10, 14, dtype=np.float32), 2),
        "a view": answer(_grain(draw, 9, 12, strided=True), 2),
        "a large window": answer(_grain(draw, 5, 8), 7),
    }


@median_filter.check(points=1)
def without_a_loop(answer, draw):
    """A picture of 128 × 128, radius 2, takes well under a second."""
    picture = _grain(draw, 128, 128)
    start = time.process_time()
    medians = answer(picture, 2)
    return {"medians": medians, "in time": time.process_time() - start < 1.5}


@median_filter.check(points=1)
def no_radius_no_picture(answer, draw):
    """ValueError for a radius below 1 and for what is no picture."""
    picture = _grain(draw, 9, 12)
    return {
        "radius 0": outcome(answer, picture, 0),
        "a negative radius": outcome(answer, picture, -1),
        "one axis": outcome(answer, picture[0], 1),
        "four axes": outcome(answer, picture[None, :, :, None], 1),
    }


def _refuse(img, radius):
    if img.ndim not in (2, 3) or radius < 1:
        raise ValueError("img, radius")


def _windows(img, radius, mode="symmetric"):
    """(H, W[, 3], (2r + 1)²)."""
    _refuse(img, radius)
    sides = [(radius, radius), (radius, radius)] + [(0, 0)] * (img.ndim - 2)
    side = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(img, sides, mode), (side, side), axis=(0, 1))
    return windows.reshape(*img.shape, side * side)


@median_filter.misconception("You took the mean; take the median, the value in the middle.")
def takes_the_mean(img, radius):
    return _windows(img, radius).mean(-1).astype(img.dtype)


@median_filter.misconception(
    "You took medians of rows and then of columns; a median in two dimensions is not separable: sort the whole window."
)
def goes_axis_by_axis(img, radius):
    _refuse(img, radius)
    out = img
    for axis in (1, 0):
        sides = [(radius, radius) if k == axis else (0, 0) for k in range(img.ndim)]
        padded = np.pad(out, sides, "symmetric")
        lines = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=axis)
        out = np.median(lines, -1)
    return out.astype(img.dtype)


@median_filter.misconception("You left the centre out; the pixel itself belongs to the window.")
def leaves_the_centre_out(img, radius):
    windows = _windows(img, radius)
    return np.median(np.delete(windows, windows.shape[-1] // 2, -1), -1).astype(img.dtype)


@median_filter.misconception("You padded with zeros, and the rim goes black; mirror the picture: dcba|abcd.")
def pads_the_median_with_zeros(img, radius):
    return np.median(_windows(img, radius, "constant"), -1).astype(img.dtype)


@median_filter.misconception(
    "You repeated the edge (aaaa|abcd), which radius 1 does not show; mirror the picture: dcba|abcd."
)
def pads_the_median_with_the_edge(img, radius):
    return np.median(_windows(img, radius, "edge"), -1).astype(img.dtype)


@median_filter.misconception("You mirrored about the border pixel (dcb|abcd); repeat it: dcba|abcd.")
def pads_the_median_by_reflect(img, radius):
    _refuse(img, radius)
    return np.median(_windows(img, radius, "reflect"), -1).astype(img.dtype)


@median_filter.misconception(
    "You took the middle between the least and the greatest; the median is the middle of the sorted values."
)
def takes_the_mid_range(img, radius):
    windows = _windows(img, radius)
    return ((windows.min(-1) + windows.max(-1)) / 2).astype(img.dtype)


@median_filter.misconception("You sorted the channels together; take the median of each channel by itself.")
def sorts_the_channels_together(img, radius):
    windows = _windows(img, radius)
    if img.ndim == 2:
        return np.median(windows, -1).astype(img.dtype)
    joint = np.median(windows.reshape(*img.shape[:2], -1), -1)
    return np.repeat(joint[..., None], 3, 2).astype(img.dtype)


@median_filter.accepts
def by_windows(img, radius):
    return np.median(_windows(img, radius), -1).astype(img.dtype)


@median_filter.accepts
def by_shifts_and_partition(img, radius):
    _refuse(img, radius)
    sides = [(radius, radius), (radius, radius)] + [(0, 0)] * (img.ndim - 2)
    padded, (height, width) = np.pad(img, sides, "symmetric"), img.shape[:2]
    side = 2 * radius + 1
    stack = np.stack([padded[y : y + height, x : x + width] for y in range(side) for x in range(side)])
    middle = side * side // 2
    return np.partition(stack, middle, axis=0)[middle]


# --- 29.2 -----------------------------------------------------------------------------------------

switching_median = exercise(
    "switching_median",
    reference="nstkit.theory.arrays_filters:switching_median",
    level="easy",
    minutes=10,
    hints=[
        "A pixel that is far from the median of its neighbourhood is suspect; only suspects are replaced.",
        "The median m, the distance |img - m| and the decision all have the shape (H, W).",
        "np.where chooses between two pictures; the condition is the distance from the median, without its sign.",
    ],
)


def _salted(draw, height, width):
    """A smooth picture with a truly black corner, and impulses of several values, not only 0 and 1."""
    y, x = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    clean = (
        0.45
        + 0.25 * np.sin(4 * x + draw.rng.uniform(0, 6)) * np.cos(3 * y)
        + 0.03 * draw.rng.normal(size=(height, width))
    )
    clean[: height // 3, : width // 3] = 0.0
    hit, value = draw.rng.uniform(size=clean.shape), draw.rng.choice([0.0, 0.05, 0.93, 1.0], size=clean.shape)
    return draw.watch(np.where(hit < 0.12, value, np.clip(clean, 0, 1)), "img")


@switching_median.check(points=2)
def impulses_go(answer, draw):
    """Impulses of several values in a picture with a black corner."""
    return answer(_salted(draw, 17, 22), 1, 0.15)


@switching_median.check(points=1)
def nothing_else_changes(answer, draw):
    """Pixels that are not replaced stay bit by bit; radius 2, another threshold."""
    picture = _salted(draw, 15, 21)
    cleaned = answer(picture, 2, 0.25)
    return {"changed": int((cleaned != picture).sum()), "result": cleaned}


@switching_median.check(points=1)
def from_all_to_none(answer, draw):
    """Threshold 0 is the median, threshold 1 changes nothing."""
    picture = _grain(draw, 11, 16)
    return {"0": answer(picture, 1, 0.0), "1": answer(picture, 1, 1.0), "0.4": answer(picture, 1, 0.4)}


@switching_median.check(points=1)
def a_threshold_below_zero(answer, draw):
    """ValueError for a negative threshold, a radius below 1, and colour."""
    picture = _grain(draw, 9, 12)
    return {
        "a negative threshold": outcome(answer, picture, 1, -0.1),
        "radius 0": outcome(answer, picture, 0, 0.1),
        "three axes": outcome(answer, _grain(draw, 9, 12, 3), 1, 0.1),
    }


def _switch(img, radius, threshold, choose):
    if img.ndim != 2 or threshold < 0:
        raise ValueError("img, threshold")
    return choose(img, np.median(_windows(img, radius), -1))


@switching_median.misconception(
    "You replaced every pixel; replace only those that are further than the threshold from the median."
)
def replaces_everywhere(img, radius, threshold):
    return _switch(img, radius, threshold, lambda img, m: m)


@switching_median.misconception(
    "You replaced the pixels that agree with their neighbours; a large distance is what marks an impulse."
)
def turns_the_condition_round(img, radius, threshold):
    return _switch(img, radius, threshold, lambda img, m: np.where(np.abs(img - m) > threshold, img, m))


@switching_median.misconception(
    "You compared the signed difference, so pepper stays; compare its absolute value."
)
def finds_only_salt(img, radius, threshold):
    return _switch(img, radius, threshold, lambda img, m: np.where(img - m > threshold, m, img))


@switching_median.misconception(
    "You replaced the pixels that are exactly 0 or 1; decide by the distance from the median: impulses have any value, "
    "and black may be true."
)
def looks_for_zero_and_one(img, radius, threshold):
    return _switch(img, radius, threshold, lambda img, m: np.where((img == 0) | (img == 1), m, img))


@switching_median.misconception(
    "You put the mean of the window in, which contains the impulse; put the median in."
)
def replaces_by_the_mean(img, radius, threshold):
    mean = _windows(img, radius).mean(-1) if img.ndim == 2 else None
    return _switch(img, radius, threshold, lambda img, m: np.where(np.abs(img - m) > threshold, mean, img))


@switching_median.misconception(
    "You detected impulses by their distance from the mean; measure from the median, which an impulse does not move."
)
def detects_by_the_mean(img, radius, threshold):
    mean = _windows(img, radius).mean(-1) if img.ndim == 2 else None
    return _switch(img, radius, threshold, lambda img, m: np.where(np.abs(img - mean) > threshold, m, img))


@switching_median.accepts
def by_where(img, radius, threshold):
    return _switch(img, radius, threshold, lambda img, m: np.where(np.abs(img - m) > threshold, m, img))


@switching_median.accepts
def by_a_mask_on_a_copy(img, radius, threshold):
    def choose(img, m):
        out = img.copy()
        suspect = abs(out - m) > threshold
        out[suspect] = m[suspect]
        return out

    return _switch(img, radius, threshold, choose)


# --- 29.3 -----------------------------------------------------------------------------------------

nl_means = exercise(
    "nl_means",
    reference="nstkit.theory.arrays_filters:nl_means",
    level="hard",
    minutes=30,
    hints=[
        "Two pixels may be averaged if their whole surroundings look alike, wherever in the search window they are.",
        "Pad by p + s once. For one offset t, squared differences of two views of (H + 2p, W + 2p) give, averaged over "
        "(2p + 1)² patches, one distance (H, W) and one weight.",
        "For each t: d2 = box mean of (shifted - unshifted)²; w = exp(-max(d2 - 2σ², 0)/h²); add w times the shifted "
        "centre and w to two running sums, and divide.",
    ],
)


@nl_means.check(points=2)
def a_noisy_scene(answer, draw):
    """Patches of 3 × 3, a search window of 7 × 7."""
    return answer(_scene(draw, 15, 20), 1, 3, 0.1)


@nl_means.check(points=2)
def the_noise_is_known(answer, draw):
    """Sigma is subtracted: 2σ² from the distance, nothing below 0."""
    picture = _scene(draw, 14, 18)
    return {
        "sigma 0.06": answer(picture, 1, 2, 0.05, 0.06),
        "larger patches": answer(picture, 2, 3, 0.07, sigma=0.05),
    }


@nl_means.check(points=1)
def both_ends_of_h(answer, draw):
    """A huge h is the mean over the search window, a tiny h changes nothing."""
    picture = _scene(draw, 9, 13)
    return {"huge": answer(picture, 1, 2, 1e4), "tiny": answer(picture, 1, 2, 1e-4)}


@nl_means.check(points=1)
def small_pictures_and_single_precision(answer, draw):
    """A window larger than the picture; float32 stays float32; a view."""
    return {
        "a small picture": answer(_scene(draw, 5, 7), 2, 6, 0.2),
        "float32": answer(draw.watch(_scene(draw, 9, 12).astype(np.float32), "img"), 1, 2, 0.1),
        "a view": answer(draw.watch(_scene(draw, 10, 24)[:, ::-2], "img"), 1, 2, 0.1),
    }


@nl_means.check(points=1)
def loops_over_offsets_only(answer, draw):
    """A picture of 64 × 64, p = 1, s = 5, takes well under a second."""
    picture = _scene(draw, 64, 64)
    start = time.process_time()
    cleaned = answer(picture, 1, 5, 0.1)
    return {"cleaned": cleaned, "in time": time.process_time() - start < 1.5}


@nl_means.check(points=1)
def widths_that_make_no_sense(answer, draw):
    """ValueError for h not above 0, sigma below 0, a radius below 1, and colour."""
    picture = _scene(draw, 9, 12)
    return {
        "h = 0": outcome(answer, picture, 1, 2, 0.0),
        "a negative sigma": outcome(answer, picture, 1, 2, 0.1, -0.1),
        "patch radius 0": outcome(answer, picture, 0, 2, 0.1),
        "search radius 0": outcome(answer, picture, 1, 0, 0.1),
        "three axes": outcome(answer, _grain(draw, 9, 12, 3), 1, 2, 0.1),
    }


def _nonlocal(
    img, p, s, h, sigma, *, patch=None, gap=np.square, total=np.mean, exponent=None, twice=2.0, spatial=0.0, centre=True
):  # fmt: skip
    """The skeleton that variants and misconceptions of 29.3 share."""
    if img.ndim != 2 or min(p, s) < 1 or h <= 0 or sigma < 0:
        raise ValueError("img, patch_radius, search_radius, h, sigma")
    exponent = exponent or (lambda excess: excess / h**2)
    reach = p if patch is None else patch
    padded, (height, width) = np.pad(img.astype(np.float64), p + s, "symmetric"), img.shape
    side = 2 * reach + 1

    def view(y, x):
        top, left = p + s - reach + y, p + s - reach + x
        return padded[top : top + height + 2 * reach, left : left + width + 2 * reach]

    values, weights = np.zeros(img.shape), np.zeros(img.shape)
    for y in range(-s, s + 1):
        for x in range(-s, s + 1):
            if not centre and (y, x) == (0, 0):
                continue
            patches = np.lib.stride_tricks.sliding_window_view(gap(view(y, x) - view(0, 0)), (side, side))
            excess = np.maximum(total(patches, axis=(2, 3)) - twice * sigma**2, 0)
            w = np.exp(-exponent(excess) - spatial * (y**2 + x**2))
            values += w * view(y, x)[reach : reach + height, reach : reach + width]
            weights += w
    return (values / np.maximum(weights, 1e-300)).astype(img.dtype)


@nl_means.misconception("You compared single pixels, which is a bilateral filter; compare whole patches.")
def compares_pixels(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, patch=0)


@nl_means.misconception("You summed over the patch; divide by its number of pixels: d² is a mean.")
def sums_over_the_patch(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, total=np.sum)


@nl_means.misconception("You divided by 2h²; here the exponent is d²/h², without the 2.")
def divides_by_two_h_squared(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, exponent=lambda excess: excess / (2 * h**2))


@nl_means.misconception("You divided by h; square it: the exponent is d²/h².")
def divides_by_h(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, exponent=lambda excess: excess / h)


@nl_means.misconception(
    "You ignored sigma; subtract 2σ² from the distance: two noisy copies of one patch differ by that on average."
)
def ignores_sigma(img, patch_radius, search_radius, h, sigma=0.0):
    _nonlocal(img[:2, :2], patch_radius, search_radius, h, sigma)  # for its refusals
    return _nonlocal(img, patch_radius, search_radius, h, 0.0)


@nl_means.misconception("You subtracted σ²; both patches are noisy, so it is 2σ².")
def subtracts_one_variance(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, twice=1.0)


@nl_means.misconception(
    "You weighed by the distance in the picture as well; the weights depend on the likeness of patches alone."
)
def weighs_by_distance(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, spatial=0.5 / search_radius**2)


@nl_means.misconception("You left t = 0 out; the pixel itself counts, with weight 1.")
def leaves_itself_out(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, centre=False)


@nl_means.misconception("You took absolute differences; square them.")
def takes_absolute_differences(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma, gap=np.abs)


@nl_means.accepts
def by_windows_of_differences(img, patch_radius, search_radius, h, sigma=0.0):
    return _nonlocal(img, patch_radius, search_radius, h, sigma)


@nl_means.accepts
def by_running_sums(img, patch_radius, search_radius, h, sigma=0.0):
    p, s = patch_radius, search_radius
    if img.ndim != 2 or min(p, s) < 1 or h <= 0 or sigma < 0:
        raise ValueError("img, patch_radius, search_radius, h, sigma")
    padded, (height, width), side = np.pad(img.astype(float), p + s, mode="symmetric"), img.shape, 2 * p + 1
    here = padded[s : s + height + 2 * p, s : s + width + 2 * p]
    values = weights = 0.0
    for y in range(2 * s + 1):
        for x in range(2 * s + 1):
            there = padded[y : y + height + 2 * p, x : x + width + 2 * p]
            table = np.pad(((there - here) ** 2).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
            d2 = (
                table[side:, side:] - table[:-side, side:] - table[side:, :-side] + table[:-side, :-side]
            ) / side**2
            w = np.exp(-np.clip(d2 - 2 * sigma**2, 0, None) / h**2)
            values, weights = values + w * there[p : p + height, p : p + width], weights + w
    return (values / weights).astype(img.dtype)


# --- 29.4 -----------------------------------------------------------------------------------------

tv_denoise = exercise(
    "tv_denoise",
    reference="nstkit.theory.arrays_filters:tv_denoise",
    level="hard",
    minutes=30,
    hints=[
        "Move the difficulty to a field of arrows p, none of them longer than 1; the picture follows from p.",
        "p and grad are two arrays of (H, W); div takes the two back to one, and must be minus the transpose of grad.",
        "300 times: g = grad(div p - f/λ), p = (p + g/8)/(1 + |g|/8) with |g| = √(g_y² + g_x²); at the end "
        "u = f - λ div p.",
    ],
)


def _energy(u, f, lam):
    """½ Σ (u - f)² + λ Σ |grad u|, as a number; a text for what is no picture."""
    if not isinstance(u, np.ndarray) or u.shape != f.shape:
        return "not of the picture's shape"
    down, right = np.zeros(f.shape), np.zeros(f.shape)
    down[:-1], right[:, :-1] = np.diff(u, axis=0), np.diff(u, axis=1)
    return float(0.5 * ((u - f) ** 2).sum() + lam * np.sqrt(down**2 + right**2).sum())


@tv_denoise.check(points=3, rtol=2e-3)
def the_least_energy(answer, draw):
    """The energy is within 0.2 % of the least one, for two λ."""
    picture = _scene(draw, 24, 31, noise=0.1)
    return {lam: _energy(answer(picture, lam), picture, lam) for lam in (0.03, 0.06)}


@tv_denoise.check(points=1, atol=5e-4)
def a_step_loses_contrast(answer, draw):
    """Two plateaus move towards each other by λ over their width."""
    step = np.zeros((13, 10))
    step[:, 5:] = 1.0
    return [answer(draw.watch(step, "img"), lam) for lam in (0.04, 0.06)]


@tv_denoise.check(points=1)
def the_mean_stays(answer, draw):
    """What one pixel loses another gains: the mean is kept to 1e-9; so is the dtype."""
    picture = _scene(draw, 19, 26, noise=0.1)
    cleaned = answer(picture, 0.05)
    single = answer(draw.watch(picture.astype(np.float32), "img"), 0.05, 50)
    return {
        "the mean moved": bool(abs(cleaned.mean() - picture.mean()) > 1e-9),
        "something changed": bool(np.abs(cleaned - picture).max() > 0.01),
        "dtypes": [str(cleaned.dtype), str(single.dtype)],
    }


@tv_denoise.check(points=1)
def no_weight_no_iterations(answer, draw):
    """ValueError for λ not above 0, no iterations, and colour."""
    picture = _scene(draw, 9, 12)
    return {
        "lam 0": outcome(answer, picture, 0.0),
        "a negative lam": outcome(answer, picture, -0.1),
        "no iterations": outcome(answer, picture, 0.1, 0),
        "three axes": outcome(answer, _grain(draw, 9, 12, 3), 0.1),
    }


def _grad(u):
    down, right = np.zeros_like(u), np.zeros_like(u)
    down[:-1], right[:, :-1] = u[1:] - u[:-1], u[:, 1:] - u[:, :-1]
    return down, right


def _div(down, right):
    out = down + right
    out[1:] -= down[:-1]
    out[:, 1:] -= right[:, :-1]
    return out


def _div_from_the_inside(down, right):
    """Backward differences that leave the first row and column out: not minus the transpose of `_grad`."""
    out = np.zeros_like(down)
    out[1:] += down[1:] - down[:-1]
    out[:, 1:] += right[:, 1:] - right[:, :-1]
    return out


def _chambolle(
    f, lam, n_iter, *, tau=0.125, norm=np.hypot, denominator=True, sign=-1.0, div=_div, weight=1.0
):
    """The skeleton that variants and misconceptions of 29.4 share."""
    if f.ndim != 2 or lam <= 0 or n_iter < 1:
        raise ValueError("img, lam, n_iter")
    dtype, f, lam = f.dtype, f.astype(np.float64), weight * lam
    down, right = np.zeros_like(f), np.zeros_like(f)
    for _ in range(n_iter):
        g_down, g_right = _grad(div(down, right) - f / lam)
        if denominator:
            length = norm(g_down, g_right)
            lengths = length if isinstance(length, tuple) else (length, length)
        else:
            lengths = (0.0, 0.0)
        down = (down + tau * g_down) / (1 + tau * lengths[0])
        right = (right + tau * g_right) / (1 + tau * lengths[1])
    return (f + sign * lam * div(down, right)).astype(dtype)


@tv_denoise.misconception(
    "You limited the two directions one by one, which is the anisotropic norm; divide both by the Euclidean length."
)
def limits_each_direction(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter, norm=lambda a, b: (np.abs(a), np.abs(b)))


@tv_denoise.misconception("You left the denominator out, so p outgrows 1; divide by 1 + τ|g|.")
def forgets_the_denominator(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter, denominator=False)


@tv_denoise.misconception("You added λ div p at the end; subtract it: u = f - λ div p.")
def adds_the_divergence(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter, sign=1.0)


@tv_denoise.misconception(
    "You minimised with twice the λ; the data term has a factor ½, so λ enters as it is."
)
def doubles_lambda(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter, weight=2.0)


@tv_denoise.misconception(
    "You minimised with half of λ; the data term has a factor ½ already, so λ enters as it is."
)
def halves_lambda(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter, weight=0.5)


@tv_denoise.misconception(
    "Your div is not minus the transpose of grad at the first row and column, so the mean drifts; there it is p itself."
)
def has_another_border_in_div(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter, div=_div_from_the_inside)


@tv_denoise.misconception("You took τ = 1, and the iteration oscillates; take τ = 1/8.")
def steps_too_far(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter, tau=1.0)


@tv_denoise.accepts
def as_chambolle_wrote_it(img, lam, n_iter=300):
    return _chambolle(img, lam, n_iter)


@tv_denoise.accepts
def with_the_other_sign_of_p(img, lam, n_iter=300):
    if img.ndim != 2 or lam <= 0 or n_iter < 1:
        raise ValueError("img, lam, n_iter")
    f = img.astype(np.float64)
    down, right = np.zeros_like(f), np.zeros_like(f)
    for _ in range(n_iter):
        u = f + lam * _div(down, right)
        a, b = _grad(u)
        a, b = down + a / (8 * lam), right + b / (8 * lam)
        length = np.maximum(1, np.sqrt(a * a + b * b))
        down, right = a / length, b / length
    return (f + lam * _div(down, right)).astype(img.dtype)


@tv_denoise.accepts
def by_a_primal_dual_method(img, lam, n_iter=300):
    if img.ndim != 2 or lam <= 0 or n_iter < 1:
        raise ValueError("img, lam, n_iter")
    f = img.astype(np.float64)
    u = ahead = f.copy()
    down, right = np.zeros_like(f), np.zeros_like(f)
    tau, sigma = 0.25, 0.5
    for _ in range(n_iter):
        a, b = _grad(ahead)
        a, b = down + sigma * a, right + sigma * b
        length = np.maximum(1, np.hypot(a, b) / lam)
        down, right = a / length, b / length
        before, u = u, (u + tau * _div(down, right) + tau * f) / (1 + tau)
        theta = 1 / np.sqrt(1 + 2 * tau)
        tau, sigma = tau * theta, sigma / theta
        ahead = u + theta * (u - before)
    return (u - u.mean() + f.mean()).astype(img.dtype)
