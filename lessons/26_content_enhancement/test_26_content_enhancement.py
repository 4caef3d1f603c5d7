"""Lesson 26, content enhancement: Laplacian loss, guided filter, screened Poisson, weighted content loss."""

import numpy as np
import torch
import torch.nn.functional as F

from nstkit.grading import exercise, gradient, outcome

# --- 26.1 -----------------------------------------------------------------------------------------

laplacian_loss = exercise(
    "laplacian_loss",
    reference="nstkit.losses:laplacian_loss",
    level="medium",
    minutes=15,
    hints=[
        "Compare where the two pictures bend, at a size at which strokes have already been averaged away.",
        "Pool to (N, 3, h, w), sum to (N, 1, h, w), filter to (N, 1, h − 2, w − 2); squares are summed per image.",
        "F.avg_pool2d(x, pool), x.sum(1, keepdim=True), F.conv2d with the 4-neighbour kernel; detach the content.",
    ],
)


@laplacian_loss.check(points=2)
def pooled_by_four(answer, draw):
    """Two pictures whose sizes are no multiples of the pool."""
    return answer(draw.image(2, 23, 30), draw.image(2, 23, 30))


@laplacian_loss.check(points=1)
def another_pool(answer, draw):
    """pool=3, and pool=1, which does not pool."""
    pair = draw.image(3, 13, 16), draw.image(3, 13, 16)
    return {"3": answer(*pair, 3), "1": answer(*pair, pool=1)}


@laplacian_loss.check(points=1)
def ramps_and_signs(answer, draw):
    """A dark spot and a bright one are not the same; a ramp is no edge."""
    content = draw.image(2, 20, 24)
    ramp = torch.linspace(0, 0.3, 24, dtype=torch.float64)
    spot = draw.watch(content - (content - 0.5) * 2, "generated")
    return [
        answer(draw.watch(content + ramp + 1e-3 * draw.image(2, 20, 24), "generated"), content),
        answer(spot, content),
    ]


@laplacian_loss.check(points=1)
def the_gradient_reaches_the_generated_picture_alone(answer, draw):
    """The gradient by generated; the content stays without one."""
    content = draw.image(2, 12, 15).requires_grad_()
    result = gradient(lambda x: answer(x, content, 2), draw.image(2, 12, 15))
    loss = answer(draw.image(2, 12, 15), content, 2)
    return {"by generated": result, "content takes part": loss.requires_grad}


@laplacian_loss.check(points=1)
def float32_and_strides(answer, draw):
    """float32 stays float32; a picture that is not contiguous is as good as any."""
    single = draw.image(2, 16, 21, dtype=torch.float32), draw.image(2, 16, 21, dtype=torch.float32)
    return {
        "float32": answer(*single),
        "strides": answer(draw.image(2, 16, 21, strided=True), draw.image(2, 16, 21)),
    }


@laplacian_loss.check(points=1)
def what_cannot_be_compared_is_refused(answer, draw):
    """ValueError for shapes that differ, also where they would broadcast, and for less than 3 cells."""
    image = draw.image(2, 20, 24)
    return {
        "another size": outcome(answer, image, image[..., :20]),
        "one content for two": outcome(answer, image, image[:1]),
        "two cells high": outcome(answer, image[..., :11, :], image[..., :11, :]),
        "three cells high": outcome(answer, image[..., :12, :], image[..., :12, :].flip(3)),
    }


_FOUR = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]])
_EIGHT = torch.tensor([[-1.0, -1, -1], [-1, 8, -1], [-1, -1, -1]])


def _edges(image, pool, kernel=_FOUR, shrink=F.avg_pool2d, padding=0, sum_channels=True):
    small = shrink(image, pool)
    if sum_channels:
        small = small.sum(1, keepdim=True)
    weight = kernel.to(image).expand(small.shape[1], 1, 3, 3)
    return F.conv2d(small, weight, padding=padding, groups=small.shape[1])


def _laplacian(generated, content, pool, reduce=None, detach=True, **options):
    """The skeleton of 26.1."""
    if generated.shape != content.shape or generated.ndim != 4:
        raise ValueError("shapes")
    if min(generated.shape[2:]) // pool < 3:
        raise ValueError("pool")
    target = content.detach() if detach else content
    a, b = _edges(generated, pool, **options), _edges(target, pool, **options)
    reduce = reduce or (lambda x, y: (x - y).square().sum((1, 2, 3)).mean())
    return reduce(a, b)


@laplacian_loss.misconception("You did not pool; pool first, since only coarse edges should be protected.")
def does_not_pool(generated, content, pool=4):
    return _laplacian(generated, content, pool, shrink=lambda x, p: x)


@laplacian_loss.misconception("You took the maximum of each cell; average it.")
def pools_by_maximum(generated, content, pool=4):
    return _laplacian(generated, content, pool, shrink=F.max_pool2d)


@laplacian_loss.misconception("You pooled with stride 1; the stride is the size of the pool.")
def pools_with_stride_one(generated, content, pool=4):
    return _laplacian(generated, content, pool, shrink=lambda x, p: F.avg_pool2d(x, p, stride=1))


@laplacian_loss.misconception("You used eight neighbours; the Laplacian here has four, and 4 in the middle.")
def uses_eight_neighbours(generated, content, pool=4):
    return _laplacian(generated, content, pool, kernel=_EIGHT)


@laplacian_loss.misconception("You padded with zeros, which makes a frame of false edges; do not pad.")
def pads_with_zeros(generated, content, pool=4):
    return _laplacian(generated, content, pool, padding=1)


@laplacian_loss.misconception("You squared each channel by itself; sum the channels before squaring.")
def squares_each_channel(generated, content, pool=4):
    return _laplacian(generated, content, pool, sum_channels=False)


@laplacian_loss.misconception("You compared absolute values; keep the sign: a bright spot is not a dark one.")
def drops_the_sign(generated, content, pool=4):
    return _laplacian(
        generated, content, pool, lambda x, y: (x.abs() - y.abs()).square().sum((1, 2, 3)).mean()
    )


@laplacian_loss.misconception(
    "You averaged over the positions; sum over them, and average over the pictures only."
)
def averages_the_positions(generated, content, pool=4):
    return _laplacian(generated, content, pool, lambda x, y: (x - y).square().mean())


@laplacian_loss.misconception("You summed over the pictures of the batch; average over them.")
def sums_the_batch(generated, content, pool=4):
    return _laplacian(generated, content, pool, lambda x, y: (x - y).square().sum())


@laplacian_loss.misconception("You let the gradient into the content; detach it: it is a constant.")
def teaches_the_content(generated, content, pool=4):
    return _laplacian(generated, content, pool, detach=False)


@laplacian_loss.accepts
def by_slices_of_the_difference(generated, content, pool=4):
    if generated.shape != content.shape:
        raise ValueError("shapes")
    if min(generated.shape[-2:]) < 3 * pool:
        raise ValueError("pool")
    d = F.avg_pool2d((generated - content.detach()).sum(1, keepdim=True), pool)
    bend = (
        4 * d[..., 1:-1, 1:-1] - d[..., 2:, 1:-1] - d[..., :-2, 1:-1] - d[..., 1:-1, 2:] - d[..., 1:-1, :-2]
    )
    return (bend**2).sum() / len(generated)


@laplacian_loss.accepts
def by_grouped_convolution(generated, content, pool=4):
    if generated.shape != content.shape or min(generated.shape[2:]) // pool < 3:
        raise ValueError("generated, content, pool")
    kernel = _FOUR.to(generated).repeat(3, 1, 1, 1)
    a, b = (
        F.conv2d(F.avg_pool2d(x, pool, pool), kernel, groups=3).sum(1) for x in (generated, content.detach())
    )
    return torch.stack([(u - v).pow(2).sum() for u, v in zip(a, b, strict=True)]).mean()


# --- 26.2 -----------------------------------------------------------------------------------------

guided_filter = exercise(
    "guided_filter",
    reference="nstkit.theory.arrays_enhance:guided_filter",
    level="hard",
    minutes=25,
    hints=[
        "In every window fit a straight line from guide to source; a pixel then asks all windows that cover it.",
        "Four box means give a and b, both (H, W); two more average them.",
        "a = (m(Ip) − m(I)·m(p))/(m(I²) − m(I)² + eps), b = m(p) − a·m(I), output m(a)·I + m(b).",
    ],
)


def _unit(draw, *shape):
    return draw.watch(draw.rng.uniform(size=shape), "picture")


@guided_filter.check(points=2)
def a_guide_and_a_source(answer, draw):
    """Another picture guides."""
    return answer(_unit(draw, 13, 18), _unit(draw, 13, 18), 2, 0.03)


@guided_filter.check(points=1)
def windows_larger_than_the_picture(answer, draw):
    """Small and large radius; windows end at the border."""
    guide, src = _unit(draw, 9, 12), _unit(draw, 9, 12)
    return {"1": answer(guide, src, 1, 0.2), "20": answer(guide, src, 20, 0.002)}


@guided_filter.check(points=1, atol=1e-7)
def lines_and_constants(answer, draw):
    """A source that is a line of the guide; a flat guide; a picture that guides itself."""
    guide, src = _unit(draw, 10, 14), _unit(draw, 10, 14)
    return {
        "a line": answer(guide, draw.watch(0.5 * guide + 0.2, "src"), 2, 1e-4),
        "a flat guide": answer(draw.watch(np.full((10, 14), 0.4), "guide"), src, 2, 0.01),
        "itself": answer(src, src, 3, 0.02),
    }


@guided_filter.check(points=1)
def single_precision_and_views(answer, draw):
    """float32 stays float32; a flipped view is as good as any."""
    guide, src = _unit(draw, 12, 15), _unit(draw, 12, 15)
    single = draw.watch(guide.astype(np.float32), "guide"), draw.watch(src.astype(np.float32), "src")
    return {"float32": answer(*single, 2, 0.05), "views": answer(guide[::-1], src[:, ::-1], 2, 0.05)}


@guided_filter.check(points=1)
def nonsense_is_refused(answer, draw):
    """ValueError for shapes that differ, eps of 0 or below, a radius below 1."""
    guide, src = _unit(draw, 9, 12), _unit(draw, 9, 12)
    return {
        "another shape": outcome(answer, guide, src[:1], 2, 0.1),
        "eps 0": outcome(answer, guide, src, 2, 0.0),
        "eps below 0": outcome(answer, guide, src, 2, -0.1),
        "radius 0": outcome(answer, guide, src, 0, 0.1),
    }


def _box(img, radius):
    """Mean over clipped windows, by two running sums."""
    out = img.astype(np.float64)
    for axis in (0, 1):
        n = out.shape[axis]
        sums = np.concatenate([np.zeros_like(out.take([0], axis)), out.cumsum(axis)], axis)
        stop, start = np.minimum(np.arange(n) + radius + 1, n), np.maximum(np.arange(n) - radius, 0)
        counts = (stop - start).reshape((-1, 1) if axis == 0 else (1, -1))
        out = (sums.take(stop, axis) - sums.take(start, axis)) / counts
    return out


def _mirrored_box(img, radius):
    padded = np.pad(img.astype(np.float64), radius, mode="symmetric")
    return _box(padded, radius)[radius:-radius, radius:-radius]


def _guided(guide, src, radius, eps, fit=None, finish=None, mean=_box):
    """The skeleton of 26.2."""
    if guide.shape != src.shape or guide.ndim != 2 or eps <= 0 or radius < 1:
        raise ValueError("guide, src, radius, eps")
    i, p = guide.astype(np.float64), src.astype(np.float64)

    def m(x):
        return mean(x, radius)

    def line(i, p, m):
        return (m(i * p) - m(i) * m(p)) / (m(i * i) - m(i) ** 2 + eps)

    a = (fit or line)(i, p, m)
    b = m(p) - a * m(i)
    out = finish(i, p, a, b, m) if finish else m(a) * i + m(b)
    return out.astype(src.dtype)


@guided_filter.misconception(
    "You did not average a and b, which looks blocky; each pixel lies in many windows."
)
def does_not_average(guide, src, radius, eps):
    return _guided(guide, src, radius, eps, finish=lambda i, p, a, b, m: a * i + b)


@guided_filter.misconception(
    "You used raw moments; subtract the product of the means for covariance and variance."
)
def uses_raw_moments(guide, src, radius, eps):
    return _guided(guide, src, radius, eps, lambda i, p, m: m(i * p) / (m(i * i) + eps))


@guided_filter.misconception("You squared eps; it is used as it is given.")
def squares_eps(guide, src, radius, eps):
    return _guided(
        guide, src, radius, eps, lambda i, p, m: (m(i * p) - m(i) * m(p)) / (m(i * i) - m(i) ** 2 + eps**2)
    )


@guided_filter.misconception(
    "You divided by the variance of the source; the denominator is the guide's variance."
)
def divides_by_the_sources_variance(guide, src, radius, eps):
    return _guided(
        guide, src, radius, eps, lambda i, p, m: (m(i * p) - m(i) * m(p)) / (m(p * p) - m(p) ** 2 + eps)
    )


@guided_filter.misconception("You multiplied the source by mean(a); the output is a line of the guide.")
def multiplies_the_source(guide, src, radius, eps):
    return _guided(guide, src, radius, eps, finish=lambda i, p, a, b, m: m(a) * p + m(b))


@guided_filter.misconception("You averaged a and left b as it is; average b as well.")
def averages_a_only(guide, src, radius, eps):
    return _guided(guide, src, radius, eps, finish=lambda i, p, a, b, m: m(a) * i + b)


@guided_filter.misconception("You reflected the picture at its border; the window is clipped there.")
def reflects_the_border(guide, src, radius, eps):
    return _guided(guide, src, radius, eps, mean=_mirrored_box)


@guided_filter.misconception(
    "You exchanged guide and source; the guide comes first, and the output takes its edges."
)
def exchanges_guide_and_source(guide, src, radius, eps):
    return _guided(src, guide, radius, eps)


@guided_filter.accepts
def by_centred_moments(guide, src, radius, eps):
    if guide.shape != src.shape or not eps > 0 or radius < 1:
        raise ValueError("guide, src, radius, eps")
    i, p = guide - guide.mean(), src.astype(np.float64)
    mean_i, mean_p = _box(i, radius), _box(p, radius)
    a = (_box(i * p, radius) - mean_i * mean_p) / (_box(i**2, radius) - mean_i**2 + eps)
    return (_box(a, radius) * i + _box(mean_p - a * mean_i, radius)).astype(src.dtype)


@guided_filter.accepts
def by_windows(guide, src, radius, eps):
    if guide.shape != src.shape or eps <= 0 or radius < 1:
        raise ValueError("guide, src, radius, eps")
    height, width = guide.shape

    def mean(x):
        rows = [x[max(y - radius, 0) : y + radius + 1] for y in range(height)]
        return np.array(
            [[r[:, max(c - radius, 0) : c + radius + 1].mean() for c in range(width)] for r in rows]
        )

    i, p = guide.astype(np.float64), src.astype(np.float64)
    a = (mean(i * p) - mean(i) * mean(p)) / (mean(i * i) - mean(i) ** 2 + eps)
    return (mean(a) * i + mean(mean(p) - a * mean(i))).astype(src.dtype)


# --- 26.3 -----------------------------------------------------------------------------------------

screened_poisson = exercise(
    "screened_poisson",
    reference="nstkit.theory.arrays_enhance:screened_poisson",
    level="hard",
    minutes=30,
    hints=[
        "Set the derivative of the energy to zero: one linear equation, (lam + L) O = lam S + L C.",
        "With differences that stay inside, cosines make L diagonal: w[u, v] = 4 − 2cos(πu/H) − 2cos(πv/W).",
        "The DCT of a picture is the FFT of its mirror image [x, flipped x]: solve on (2H, 2W) and crop, or build an "
        "orthonormal DCT matrix for each axis.",
    ],
)


@screened_poisson.check(points=2)
def a_gray_pair(answer, draw):
    """The minimiser, to 1e-6."""
    return answer(_unit(draw, 9, 14), _unit(draw, 9, 14), draw.number(0.2, 0.6))


@screened_poisson.check(points=1)
def weak_and_strong(answer, draw):
    """lam from 0.01 to 20: from the content's gradients to the stylised values."""
    stylized, content = _unit(draw, 8, 11), _unit(draw, 8, 11)
    return [answer(stylized, content, lam) for lam in (0.01, 1.0, 20.0)]


@screened_poisson.check(points=1)
def a_bright_border(answer, draw):
    """Different values at opposite borders, where a periodic solver fails; nothing is clipped."""
    ramp = np.linspace(-0.5, 1.5, 13) * np.ones((10, 1))
    return answer(_unit(draw, 10, 13), draw.watch(ramp + 0.1 * draw.array(10, 13), "content"), 0.3)


@screened_poisson.check(points=1)
def colour(answer, draw):
    """(H, W, 3), channel by channel."""
    return answer(_unit(draw, 7, 10, 3), _unit(draw, 7, 10, 3), 0.4)


@screened_poisson.check(points=1)
def single_precision_and_flipped_views(answer, draw):
    """float32 stays float32; a flipped view is as good as any."""
    a, b = _unit(draw, 12, 9), _unit(draw, 12, 9)
    single = draw.watch(a.astype(np.float32), "stylized"), draw.watch(b.astype(np.float32), "content")
    return {"float32": answer(*single, 0.5), "views": answer(a[::-1], b[:, ::-1], 0.5)}


@screened_poisson.check(points=1)
def a_large_picture(answer, draw):
    """128 x 128 pixels within the time limit."""
    return answer(_unit(draw, 128, 128), _unit(draw, 128, 128), 0.5)[::17, ::19]


@screened_poisson.check(points=1)
def nonsense_is_refused_here_too(answer, draw):
    """ValueError for shapes that differ and for lam of 0 or below."""
    a, b = _unit(draw, 8, 11), _unit(draw, 8, 11)
    return [outcome(answer, a, b[:, :10], 0.5), outcome(answer, a, b[:1], 0.5), outcome(answer, a, b, 0.0),
            outcome(answer, a, b, -1.0)]  # fmt: skip


def _cosines(n):
    """The orthonormal DCT-II matrix, (n, n)."""
    k, x = np.arange(n)[:, None], np.arange(n)
    matrix = np.cos(np.pi * k * (x + 0.5) / n) * np.sqrt(2 / n)
    matrix[0] /= np.sqrt(2)
    return matrix


def _waves(height, width):
    wy, wx = (
        2 - 2 * np.cos(np.pi * np.arange(height) / height),
        2 - 2 * np.cos(np.pi * np.arange(width) / width),
    )
    return wy[:, None] + wx


def _solved(stylized, content, lam, mix=lambda s, c, w, lam: (lam * s + w * c) / (lam + w)):
    """The skeleton of 26.3: how the two spectra are mixed."""
    if stylized.shape != content.shape or lam <= 0:
        raise ValueError("stylized, content, lam")
    if stylized.ndim == 3:
        return np.stack([_solved(stylized[..., k], content[..., k], lam, mix) for k in range(3)], -1)
    rows, columns = _cosines(stylized.shape[0]), _cosines(stylized.shape[1])
    s, c = (rows @ x.astype(np.float64) @ columns.T for x in (stylized, content))
    with np.errstate(all="ignore"):
        mixed = mix(s, c, _waves(*stylized.shape), lam)
    return (rows.T @ mixed @ columns).astype(stylized.dtype)


@screened_poisson.misconception(
    "You exchanged the pictures; values come from the stylised one, gradients from the content."
)
def exchanges_the_pictures(stylized, content, lam):
    return _solved(content, stylized, lam)


@screened_poisson.misconception(
    "You solved with the plain FFT, which joins opposite borders; mirror the picture, or use the DCT."
)
def solves_periodically(stylized, content, lam):
    if stylized.shape != content.shape or lam <= 0:
        raise ValueError("stylized, content, lam")
    height, width = stylized.shape[:2]
    wy, wx = (2 - 2 * np.cos(2 * np.pi * np.arange(n) / n) for n in (height, width))
    w = (wy[:, None] + wx).reshape(height, width, *[1] * (stylized.ndim - 2))
    s, c = (np.fft.fft2(x, axes=(0, 1)) for x in (stylized, content))
    return np.fft.ifft2((lam * s + w * c) / (lam + w), axes=(0, 1)).real.astype(stylized.dtype)


@screened_poisson.misconception(
    "You left the content's gradients out, which only smooths; put L C on the right side."
)
def forgets_the_gradients(stylized, content, lam):
    return _solved(stylized, content, lam, lambda s, c, w, lam: lam * s / (lam + w))


@screened_poisson.misconception(
    "You took the Laplacian with the wrong sign; the eigenvalues w are not negative."
)
def flips_the_sign(stylized, content, lam):
    return _solved(stylized, content, lam, lambda s, c, w, lam: (lam * s - w * c) / (lam - w))


@screened_poisson.misconception(
    "You weighted the gradients with lam; lam weighs how close the result stays to the stylised picture."
)
def weights_the_gradients(stylized, content, lam):
    return _solved(stylized, content, lam, lambda s, c, w, lam: (s + lam * w * c) / (1 + lam * w))


@screened_poisson.misconception("You blended the pictures; the mixture depends on the frequency.")
def blends(stylized, content, lam):
    return _solved(stylized, content, lam, lambda s, c, w, lam: (lam * s + c) / (lam + 1))


@screened_poisson.misconception("You clipped the result; leave it as it is, so that it is the minimiser.")
def clips_the_result(stylized, content, lam):
    return np.clip(_solved(stylized, content, lam), 0, 1)


@screened_poisson.accepts
def by_the_fft_of_the_mirror_image(stylized, content, lam):
    if stylized.shape != content.shape or not lam > 0:
        raise ValueError("stylized, content, lam")
    height, width = stylized.shape[:2]

    def spectrum(x):
        wide = np.concatenate([x, x[:, ::-1]], 1)
        return np.fft.rfft2(np.concatenate([wide, wide[::-1]], 0), axes=(0, 1))

    wy, wx = (
        2 - 2 * np.cos(np.pi * np.arange(2 * height) / height),
        2 - 2 * np.cos(np.pi * np.arange(width + 1) / width),
    )
    w = (wy[:, None] + wx).reshape(2 * height, width + 1, *[1] * (stylized.ndim - 2))
    mixed = (lam * spectrum(stylized) + w * spectrum(content)) / (lam + w)
    whole = np.fft.irfft2(mixed, s=(2 * height, 2 * width), axes=(0, 1))
    return whole[:height, :width].astype(stylized.dtype)


@screened_poisson.accepts
def by_conjugate_gradients(stylized, content, lam):
    if stylized.shape != content.shape or lam <= 0:
        raise ValueError("stylized, content, lam")
    s, c = stylized.astype(np.float64), content.astype(np.float64)

    def laplace(x):
        out = np.zeros_like(x)
        dy, dx = np.diff(x, axis=0), np.diff(x, axis=1)
        out[:-1] -= dy
        out[1:] += dy
        out[:, :-1] -= dx
        out[:, 1:] += dx
        return out

    x = c + (s - c).mean((0, 1))
    residual = lam * s + laplace(c) - lam * x - laplace(x)
    direction, energy = residual.copy(), (residual**2).sum()
    for _ in range(300):
        moved = lam * direction + laplace(direction)
        step = energy / (direction * moved).sum()
        x, residual = x + step * direction, residual - step * moved
        previous, energy = energy, (residual**2).sum()
        if energy < 1e-26:
            break
        direction = residual + energy / previous * direction
    return x.astype(stylized.dtype)


# --- 26.4 -----------------------------------------------------------------------------------------

weighted_content_loss = exercise(
    "weighted_content_loss",
    reference="nstkit.losses:weighted_content_loss",
    level="easy",
    minutes=10,
    hints=[
        "A mean of squares in which some places count more, and in which a constant map changes nothing.",
        "The map shrinks from (H, W) to (h, w) by averaging cells and then broadcasts over (N, C, h, w).",
        "F.adaptive_avg_pool2d(weight[None], (h, w)), divided by its own mean, times the squared difference, .mean().",
    ],
)


def _map(draw, height, width, dtype=torch.float64):
    return draw.watch(torch.from_numpy(draw.rng.uniform(size=(height, width)) ** 3).to(dtype), "weight")


@weighted_content_loss.check(points=2)
def a_map_at_image_size(answer, draw):
    """Cells of 4 x 3 pixels."""
    return answer(draw.features(2, 5, 6, 7), draw.features(2, 5, 6, 7), _map(draw, 24, 21))


@weighted_content_loss.check(points=1)
def sizes_that_do_not_divide(answer, draw):
    """A map whose size is no multiple of the layer's, of another scale, and a constant one."""
    pair = draw.features(3, 4, 5, 8), draw.features(3, 4, 5, 8)
    heavy = draw.watch(1000 * _map(draw, 23, 31), "weight")
    flat = draw.watch(torch.full((20, 32), 0.3, dtype=torch.float64), "weight")
    return {
        "odd": answer(*pair, _map(draw, 23, 31)),
        "heavy": answer(*pair, heavy),
        "flat": answer(*pair, flat),
    }


@weighted_content_loss.check(points=1)
def a_thin_mask(answer, draw):
    """A mask of a few pixels, which sampling would miss."""
    thin = torch.zeros(24, 40, dtype=torch.float64)
    thin[int(draw.rng.integers(0, 24)), 3:30] = 1.0
    return answer(draw.features(2, 3, 6, 8), draw.features(2, 3, 6, 8), draw.watch(thin, "weight"))


@weighted_content_loss.check(points=1)
def gradients_reach_the_features_alone(answer, draw):
    """The gradient by feat; target and weight are constants."""
    target, weight = draw.features(2, 3, 4, 5).requires_grad_(), _map(draw, 8, 15).requires_grad_()
    by_feat = gradient(lambda f: answer(f, target, weight), draw.features(2, 3, 4, 5))
    return {
        "by feat": by_feat,
        "others take part": answer(draw.features(2, 3, 4, 5), target, weight).requires_grad,
    }


@weighted_content_loss.check(points=1)
def single_precision(answer, draw):
    """float32 stays float32."""
    pair = (draw.features(2, 4, 5, 3, dtype=torch.float32) for _ in range(2))
    return answer(*pair, _map(draw, 10, 9, torch.float32))


@weighted_content_loss.check(points=1)
def maps_that_make_no_sense_are_refused(answer, draw):
    """ValueError for a negative or empty map, and for shapes that differ."""
    feat, target, weight = draw.features(2, 3, 4, 5), draw.features(2, 3, 4, 5), _map(draw, 8, 10)
    negative = weight.clone()
    negative[3, 4] = -0.01
    return {
        "a negative entry": outcome(answer, feat, target, negative),
        "all zero": outcome(answer, feat, target, torch.zeros(8, 10, dtype=torch.float64)),
        "another target": outcome(answer, feat, target[..., :4], weight),
        "one target for two": outcome(answer, feat, target[:1], weight),
    }


def _weighted(feat, target, weight, resize=None, share=None, term=None, detach=True):
    """The skeleton of 26.4."""
    if feat.shape != target.shape or (weight < 0).any() or not (weight > 0).any():
        raise ValueError("feat, target, weight")
    if detach:
        target, weight = target.detach(), weight.detach()
    size = tuple(feat.shape[2:])
    small = (resize or (lambda w, s: F.adaptive_avg_pool2d(w[None, None], s)))(weight, size)
    m = (share or (lambda w: w / w.mean()))(small)
    return (term or (lambda m, f, t: m * (f - t) ** 2))(m, feat, target).mean()


@weighted_content_loss.misconception("You sampled the map at single pixels; average it over each cell.")
def samples_the_map(feat, target, weight):
    return _weighted(feat, target, weight, lambda w, s: F.interpolate(w[None, None], s, mode="nearest"))


@weighted_content_loss.misconception(
    "You did not normalise the map; divide by its mean, so that the total weight stays the same."
)
def does_not_normalise(feat, target, weight):
    return _weighted(feat, target, weight, share=lambda w: w)


@weighted_content_loss.misconception(
    "You squared the weight with the difference; weight the squared error once."
)
def squares_the_weight(feat, target, weight):
    return _weighted(feat, target, weight, term=lambda m, f, t: (m * (f - t)) ** 2)


@weighted_content_loss.misconception("You multiplied the features alone; weight the difference.")
def weights_the_features(feat, target, weight):
    return _weighted(feat, target, weight, term=lambda m, f, t: (m * f - t) ** 2)


@weighted_content_loss.misconception("You made the map sum to 1 and averaged again; its mean is to be 1.")
def makes_it_sum_to_one(feat, target, weight):
    return _weighted(feat, target, weight, share=lambda w: w / w.sum())


@weighted_content_loss.misconception(
    "You divided by the mean before resizing; divide by the mean of the resized map."
)
def normalises_too_early(feat, target, weight):
    return _weighted(
        feat, target, weight, lambda w, s: F.adaptive_avg_pool2d((w / w.mean())[None, None], s), lambda w: w
    )


@weighted_content_loss.misconception("You let gradients into target or map; both are constants.")
def teaches_the_target(feat, target, weight):
    return _weighted(feat, target, weight, detach=False)


@weighted_content_loss.accepts
def by_area_interpolation(feat, target, weight):
    if feat.shape != target.shape or weight.min() < 0 or weight.sum() <= 0:
        raise ValueError("feat, target, weight")
    small = F.interpolate(weight.detach()[None, None], size=feat.shape[-2:], mode="area")
    return (small * (feat - target.detach()).pow(2)).mean() / small.mean()


@weighted_content_loss.accepts
def as_one_weighted_sum(feat, target, weight):
    if feat.shape != target.shape or (weight < 0).any() or weight.max() == 0:
        raise ValueError("feat, target, weight")
    with torch.no_grad():
        m = F.adaptive_avg_pool2d(weight[None], tuple(feat.shape[2:]))[0]
        fixed = target.clone()
    squares = (feat - fixed).square().mean((0, 1))  # (h, w)
    return (m * squares).sum() / m.sum()
