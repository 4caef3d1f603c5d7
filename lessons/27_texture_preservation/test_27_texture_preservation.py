"""Lesson 27, texture preservation: shifted correlations, spectra, contextual matches, co-occurrence."""

import numpy as np
import torch

from nstkit.grading import exercise, gradient, outcome

# --- 27.1 -----------------------------------------------------------------------------------------

shifted_gram = exercise(
    "shifted_gram",
    reference="nstkit.losses:shifted_gram",
    level="medium",
    minutes=15,
    hints=[
        "A Gram matrix multiplies channels at one place. What must be multiplied to see what comes three places later?",
        "Two crops of the map, both (B, C, H−dy, W−dx): the start of it, and the end of it.",
        "Flatten both crops to (B, C, N), multiply the first with the transpose of the second, divide by C·N.",
    ],
)


@shifted_gram.check(points=2)
def a_shift_in_both_directions(answer, draw):
    """Two images, one row down and three columns to the right."""
    return answer(draw.features(2, 5, 4, 7), 1, 3)


@shifted_gram.check(points=1)
def rows_and_columns(answer, draw):
    """A shift of rows alone, of columns alone, and as far as the map goes."""
    features = draw.tensor(3, 4, 6, 5)
    return {
        "rows": answer(features, 2, 0),
        "columns": answer(features, 0, 2),
        "corner": answer(features, 5, 4),
    }


@shifted_gram.check(points=1)
def without_a_shift(answer, draw):
    """At (0, 0) it is the Gram matrix, divided by C·H·W."""
    return answer(draw.features(2, 3, 5, 4), 0, 0)


@shifted_gram.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and a tensor that is not contiguous is as good as any."""
    return {
        "float32": answer(draw.features(2, 3, 5, 4, dtype=torch.float32), 2, 1),
        "not contiguous": answer(draw.features(2, 6, 3, 4, strided=True), 1, 2),
    }


@shifted_gram.check(points=1)
def gradients_flow(answer, draw):
    """The gradient reaches the features."""
    return gradient(lambda f: answer(f, 1, 2), draw.tensor(2, 3, 4, 5))


@shifted_gram.check(points=1)
def shifts_out_of_the_map_are_refused(answer, draw):
    """ValueError for a negative shift and for one that leaves no overlap."""
    features = draw.features(2, 3, 4, 6)
    return {
        "dy = H": outcome(answer, features, 4, 0),
        "dx = W": outcome(answer, features, 0, 6),
        "dy negative": outcome(answer, features, -1, 0),
        "dx negative": outcome(answer, features, 0, -2),
    }


def _refuse_shift(features, dy, dx):
    if not (0 <= dy < features.shape[2] and 0 <= dx < features.shape[3]):
        raise ValueError("dy, dx")


def _crops(features, dy, dx):
    """What is unshifted and what is shifted, (B, C, N) both."""
    _refuse_shift(features, dy, dx)
    height, width = features.shape[2:]
    return features[:, :, : height - dy, : width - dx].flatten(2), features[:, :, dy:, dx:].flatten(2)


@shifted_gram.misconception(
    "You rolled the map around, so that the right border meets the left; use only positions where both exist."
)
def wraps_around(features, dy, dx):
    _refuse_shift(features, dy, dx)
    here, there = features.flatten(2), features.roll((-dy, -dx), (2, 3)).flatten(2)
    return here @ there.mT / (here.shape[1] * here.shape[2])


@shifted_gram.misconception("You exchanged the shifts; dy moves rows, dx moves columns.")
def exchanges_rows_and_columns(features, dy, dx):
    _refuse_shift(features, dy, dx)
    here, there = _crops(features, dx, dy)
    return here @ there.mT / (here.shape[1] * here.shape[2])


@shifted_gram.misconception("You divided by all H·W positions; divide by those of the overlap, (H−dy)(W−dx).")
def divides_by_the_whole_map(features, dy, dx):
    here, there = _crops(features, dy, dx)
    return here @ there.mT / (features.shape[1] * features.shape[2] * features.shape[3])


@shifted_gram.misconception(
    "You symmetrised the result; which channel comes first matters, so a shifted correlation is not symmetric."
)
def symmetrises(features, dy, dx):
    here, there = _crops(features, dy, dx)
    gram = here @ there.mT / (here.shape[1] * here.shape[2])
    return (gram + gram.mT) / 2


@shifted_gram.misconception("You shifted channel i and left j in place; i stays, j is shifted.")
def transposes(features, dy, dx):
    here, there = _crops(features, dy, dx)
    return there @ here.mT / (here.shape[1] * here.shape[2])


@shifted_gram.misconception(
    "You left C out of the divisor; divide by C·(H−dy)·(W−dx), as the Gram matrix of lesson 03."
)
def forgets_the_channels(features, dy, dx):
    here, there = _crops(features, dy, dx)
    return here @ there.mT / here.shape[2]


@shifted_gram.accepts
def by_einsum(features, dy, dx):
    _refuse_shift(features, dy, dx)
    _, channels, height, width = features.shape
    here, there = features[:, :, : height - dy, : width - dx], features[:, :, dy:, dx:]
    return torch.einsum("bchw,bdhw->bcd", here, there) / (channels * (height - dy) * (width - dx))


@shifted_gram.accepts
def by_convolution(features, dy, dx):
    _refuse_shift(features, dy, dx)
    height, width = features.shape[2:]
    rows = []
    for image in features:  # each channel, cut at the end, is a kernel that slides over the whole map
        kernels = image[:, None, : height - dy, : width - dx]
        rows.append(torch.nn.functional.conv2d(image[:, None], kernels)[:, :, dy, dx].T)
    return torch.stack(rows) / (features.shape[1] * (height - dy) * (width - dx))


# --- 27.2 -----------------------------------------------------------------------------------------

spectrum_projection = exercise(
    "spectrum_projection",
    reference="nstkit.theory.arrays_texture:spectrum_projection",
    level="hard",
    minutes=25,
    hints=[
        "Power and cross-channel spectra leave one thing free at each frequency: a phase, the same for all channels.",
        "z = Σ_c X_c conj(U_c) is (H, W); its angle is the turn that brings the exemplar nearest to the image.",
        "fft2 over axes (0, 1); z / |z| with 1 where |z| is tiny; times U; ifft2 over the same axes; the real part.",
    ],
)


def _signed(draw, height, width):
    """(H, W, 3) without a mean, so that signs are seen."""
    values = draw.array(height, width, 3)
    return draw.watch(values - values.mean((0, 1)), "picture")


@spectrum_projection.check(points=2)
def odd_and_even_sizes(answer, draw):
    """Pictures of 7 x 10 pixels and of 8 x 5."""
    return [
        answer(_signed(draw, 7, 10), _signed(draw, 7, 10)),
        answer(_signed(draw, 8, 5), _signed(draw, 8, 5)),
    ]


@spectrum_projection.check(points=1)
def real_colours(answer, draw):
    """A picture with a mean, and an exemplar whose channels are correlated; nothing is clipped."""
    exemplar = draw.array(6, 9, 3) @ np.array([[0.5, 0.4, 0.3], [0.0, 0.2, 0.3], [0.1, 0.0, 0.2]]) + 0.5
    return answer(draw.watch(0.5 + draw.array(6, 9, 3), "img"), draw.watch(exemplar, "exemplar"))


@spectrum_projection.check(points=1)
def what_is_there_already_stays(answer, draw):
    """A shifted exemplar comes back as it is, and so does a projection."""
    exemplar = _signed(draw, 6, 9)
    shifted = draw.watch(np.roll(exemplar, (2, 4), (0, 1)), "img")
    return {
        "shifted": answer(shifted, exemplar),
        "twice": answer(answer(_signed(draw, 6, 9), exemplar), exemplar),
    }


@spectrum_projection.check(points=1)
def a_black_picture(answer, draw):
    """Where the picture has no say, the exemplar keeps its own phase."""
    found = answer(draw.watch(np.zeros((5, 8, 3)), "img"), _signed(draw, 5, 8))
    return np.nan_to_num(found, nan=1e3)


@spectrum_projection.check(points=1)
def views_of_larger_arrays(answer, draw):
    """Arrays with negative strides."""
    return answer(draw.array(4, 7, 3, strided=True), draw.array(7, 4, 3).transpose(1, 0, 2))


@spectrum_projection.check(points=1)
def other_shapes_are_refused(answer, draw):
    """ValueError where the shapes differ, also where they would broadcast."""
    picture = _signed(draw, 5, 8)
    return {
        "transposed": outcome(answer, picture, _signed(draw, 8, 5)),
        "one row": outcome(answer, picture, picture[:1]),
        "one channel": outcome(answer, picture[:, :, :1], picture),
    }


def _spectra(img, exemplar):
    if img.shape != exemplar.shape:
        raise ValueError("exemplar")
    return np.fft.fft2(img, axes=(0, 1)), np.fft.fft2(exemplar, axes=(0, 1))


def _unit(z):
    return np.where(np.abs(z) < 1e-12, 1, z / np.maximum(np.abs(z), 1e-300))


def _back(spectrum):
    return np.fft.ifft2(spectrum, axes=(0, 1)).real


@spectrum_projection.misconception(
    "You took a phase for each channel, which destroys the colour relations; share one phase, of z = Σ_c X_c conj(U_c)."
)
def takes_a_phase_per_channel(img, exemplar):
    x, u = _spectra(img, exemplar)
    return _back(_unit(x * u.conj()) * u)


@spectrum_projection.misconception(
    "You conjugated the picture's spectrum, which mirrors the result; z = X conj(U)."
)
def conjugates_the_wrong_factor(img, exemplar):
    x, u = _spectra(img, exemplar)
    return _back(_unit((x.conj() * u).sum(2, keepdims=True)) * u)


@spectrum_projection.misconception(
    "You kept the picture's magnitudes; it is the exemplar whose spectrum is kept, the picture gives the phase shift."
)
def keeps_the_wrong_magnitude(img, exemplar):
    x, u = _spectra(img, exemplar)
    return _back(np.abs(x) * _unit(u))


@spectrum_projection.misconception(
    "You multiplied the common phase with |U|; multiply the complex U, whose phases between channels are the colours."
)
def forgets_the_phases_between_channels(img, exemplar):
    x, u = _spectra(img, exemplar)
    return _back(_unit((x * u.conj()).sum(2, keepdims=True)) * np.abs(u))


@spectrum_projection.misconception(
    "You took absolute values at the end, which flips negative pixels; take the real part."
)
def takes_absolute_values(img, exemplar):
    return np.abs(by_full_transforms(img, exemplar))


@spectrum_projection.misconception(
    "You left fft2 its own axes, the last two, which here are columns and channels; transform rows and columns: (0, 1)."
)
def transforms_the_last_axes(img, exemplar):
    if img.shape != exemplar.shape:
        raise ValueError("exemplar")
    x, u = np.fft.fft2(img), np.fft.fft2(exemplar)
    return np.fft.ifft2(_unit((x * u.conj()).sum(2, keepdims=True)) * u).real


@spectrum_projection.misconception("You divided by |z| where it is zero; the phase is 1 there.")
def divides_by_zero(img, exemplar):
    x, u = _spectra(img, exemplar)
    z = (x * u.conj()).sum(2, keepdims=True)
    return _back(z / np.abs(z) * u)


@spectrum_projection.misconception(
    "You clipped to [0, 1]; the projection may leave that range, so clip nothing."
)
def clips(img, exemplar):
    return np.clip(by_full_transforms(img, exemplar), 0, 1)


@spectrum_projection.accepts
def by_full_transforms(img, exemplar):
    x, u = _spectra(img, exemplar)
    return _back(_unit((x * u.conj()).sum(2, keepdims=True)) * u)


@spectrum_projection.accepts
def by_real_transforms(img, exemplar):
    if img.shape != exemplar.shape:
        raise ValueError("exemplar")
    x, u = np.fft.rfft2(img, axes=(0, 1)), np.fft.rfft2(exemplar, axes=(0, 1))
    phase = np.exp(1j * np.angle(np.einsum("hwc,hwc->hw", x, u.conj())))
    return np.fft.irfft2(phase[:, :, None] * u, s=img.shape[:2], axes=(0, 1))


@spectrum_projection.accepts
def transforms_the_channels_too(img, exemplar):
    """A third transform mixes the channels and is undone in the end: with one common phase it changes nothing."""
    if img.shape != exemplar.shape:
        raise ValueError("exemplar")
    x, u = np.fft.fftn(img), np.fft.fftn(exemplar)
    return np.fft.ifftn(_unit((x * u.conj()).sum(2, keepdims=True)) * u).real


@spectrum_projection.accepts
def in_torch(img, exemplar):
    if img.shape != exemplar.shape:
        raise ValueError("exemplar")
    x, u = (torch.fft.fft2(torch.from_numpy(a.copy()).permute(2, 0, 1)) for a in (img, exemplar))
    z = (x * u.conj()).sum(0)
    phase = torch.where(z.abs() < 1e-12, torch.ones_like(z), z / z.abs().clamp_min(1e-12))
    return torch.fft.ifft2(phase * u).real.permute(1, 2, 0).numpy()


# --- 27.3 -----------------------------------------------------------------------------------------

contextual_loss = exercise(
    "contextual_loss",
    reference="nstkit.losses:contextual_loss",
    level="hard",
    minutes=30,
    hints=[
        "Two features match if they are much nearer to each other than to anything else, wherever they are.",
        "d is (N, M). Rows belong to x_i: the minimum and the sum run along a row; the final maximum down a column.",
        "Centre by y's mean, unit columns, d = 1 − xᵀy, divide by the row minimum, softmax of −d/h by row, maximum "
        "over i, mean over j, −log.",
    ],
)


def _clouds(draw, n=6, m=9, dtype=torch.float64):
    """Two sets of features whose means differ from zero and from each other."""
    x, y = draw.tensor(5, n, dtype=dtype) + 0.4, 1.5 * draw.tensor(5, m, dtype=dtype) - 0.3
    return draw.watch(x, "x"), draw.watch(y, "y")


@contextual_loss.check(points=2)
def more_targets_than_features(answer, draw):
    """Six features against nine targets, with the default bandwidth."""
    return answer(*_clouds(draw))


@contextual_loss.check(points=1)
def other_bandwidths(answer, draw):
    """h by position and by name, eps too; also as many features as targets, and fewer targets."""
    return {
        "h = 0.2": answer(*_clouds(draw), 0.2),
        "h = 2": answer(*_clouds(draw, 7, 7), h=2.0),
        "eps": answer(*_clouds(draw, 9, 4), h=0.7, eps=0.3),
    }


@contextual_loss.check(points=1)
def a_perfect_match(answer, draw):
    """A set against itself in another order costs next to nothing, even with a tiny bandwidth."""
    y = draw.tensor(5, 8)
    x = draw.watch(y[:, draw.permutation(8)].clone(), "x")
    losses = answer(x, y), answer(x, y, h=1e-3)
    return [bool(torch.isfinite(loss)) and abs(float(loss)) < 1e-3 for loss in losses]


@contextual_loss.check(points=1)
def order_does_not_matter(answer, draw):
    """Columns in another order, on either side."""
    x, y = _clouds(draw)
    return [answer(draw.watch(x.flip(1), "x"), y), answer(x, draw.watch(y[:, draw.permutation(9)], "y"))]


@contextual_loss.check(points=1)
def clouds_in_single_precision(answer, draw):
    """float32 stays float32, and tensors that are not contiguous are as good as any."""
    return {
        "float32": answer(*_clouds(draw, dtype=torch.float32)),
        "not contiguous": answer(draw.tensor(4, 6, strided=True), draw.tensor(4, 5, strided=True)),
    }


@contextual_loss.check(points=1)
def only_x_learns(answer, draw):
    """The gradient reaches x and never y."""
    x, y = (side.clone().requires_grad_() for side in _clouds(draw))
    loss = answer(x, y)
    if not loss.requires_grad:
        return "no gradient"
    loss.backward()
    return {"x": x.grad, "y stays without": y.grad is None}


@contextual_loss.check(points=1)
def clouds_that_do_not_fit_are_refused(answer, draw):
    """ValueError where C differs and where h is not positive."""
    x, y = _clouds(draw)
    return {
        "other C": outcome(answer, x, draw.tensor(4, 9)),
        "one channel, which would broadcast": outcome(answer, x, draw.tensor(1, 6)),
        "h = 0": outcome(answer, x, y, 0.0),
        "h negative": outcome(answer, x, y, h=-0.5),
    }


def _refuse_clouds(x, y, h):
    if x.shape[0] != y.shape[0]:
        raise ValueError("y")
    if h <= 0:
        raise ValueError("h")


def _cosine(x, y):
    a, b = (torch.nn.functional.normalize(side, dim=0, eps=1e-12) for side in (x, y))
    return 1 - a.T @ b


def _by_target(x, y):
    mean = y.mean(1, keepdim=True)
    return x - mean, y - mean


def _relative(d, eps):
    return d / (d.min(1, keepdim=True).values + eps)


def _contextual(x, y, h, eps, center=_by_target, distance=_cosine, relative=_relative, axis=1, detach=True):
    """CX (N, M): the skeleton that the variants and misconceptions of 27.3 share."""
    _refuse_clouds(x, y, h)
    scores = -relative(distance(*center(x, y.detach() if detach else y)), eps) / h
    return torch.softmax(scores, axis)


def _loss(cx):
    return -cx.max(0).values.mean().log()


@contextual_loss.misconception("You centred each set by its own mean; both are centred by the target's mean.")
def centres_each_by_its_own(x, y, h=0.5, eps=1e-5):
    own = lambda x, y: (x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True))  # noqa: E731
    return _loss(_contextual(x, y, h, eps, center=own))


@contextual_loss.misconception("You did not centre; subtract the target's mean from both before the cosine.")
def centres_nothing(x, y, h=0.5, eps=1e-5):
    return _loss(_contextual(x, y, h, eps, center=lambda x, y: (x, y)))


@contextual_loss.misconception(
    "You took the minimum over the features i; distances are relative to the best match of x_i: minimise over j."
)
def minimises_over_the_features(x, y, h=0.5, eps=1e-5):
    return _loss(_contextual(x, y, h, eps, relative=lambda d, eps: d / (d.min(0, keepdim=True).values + eps)))


@contextual_loss.misconception(
    "You used the distances as they are; divide by the row's minimum, so that only being clearly nearer counts."
)
def skips_the_relative_distance(x, y, h=0.5, eps=1e-5):
    return _loss(_contextual(x, y, h, eps, relative=lambda d, eps: d))


@contextual_loss.misconception(
    "You normalised the weights over i; each x_i shares its weight among the targets: rows sum to 1."
)
def normalises_the_columns(x, y, h=0.5, eps=1e-5):
    return _loss(_contextual(x, y, h, eps, axis=0))


@contextual_loss.misconception(
    "You took the maximum over j; for every target y_j take its best source: the maximum over i."
)
def takes_the_maximum_over_targets(x, y, h=0.5, eps=1e-5):
    return -_contextual(x, y, h, eps).max(1).values.mean().log()


@contextual_loss.misconception("You averaged the logarithms; average first, then take the logarithm.")
def averages_the_logarithms(x, y, h=0.5, eps=1e-5):
    return -_contextual(x, y, h, eps).max(0).values.log().mean()


@contextual_loss.misconception(
    "You measured Euclidean distances, which see strength; the distance is one minus the cosine."
)
def measures_euclidean_distances(x, y, h=0.5, eps=1e-5):
    return _loss(_contextual(x, y, h, eps, distance=lambda x, y: torch.cdist(x.T, y.T)))


@contextual_loss.misconception("You let the gradient into the target; detach y.")
def teaches_the_target(x, y, h=0.5, eps=1e-5):
    return _loss(_contextual(x, y, h, eps, detach=False))


@contextual_loss.misconception(
    "You exponentiated large numbers, which overflow for a perfect match; subtract the row's maximum first."
)
def overflows(x, y, h=0.5, eps=1e-5):
    _refuse_clouds(x, y, h)
    weights = torch.exp((1 - _relative(_cosine(*_by_target(x, y.detach())), eps)) / h)
    return _loss(weights / weights.sum(1, keepdim=True))


@contextual_loss.accepts
def by_softmax(x, y, h=0.5, eps=1e-5):
    return _loss(_contextual(x, y, h, eps))


@contextual_loss.accepts
def written_out(x, y, h=0.5, eps=1e-5):
    _refuse_clouds(x, y, h)
    y = y.detach()
    mean = y.mean(dim=1)[:, None]
    a, b = x - mean, y - mean
    a = a / torch.linalg.vector_norm(a, dim=0).clamp(min=1e-12)
    b = b / torch.linalg.vector_norm(b, dim=0).clamp(min=1e-12)
    d = 1 - (a[:, :, None] * b[:, None, :]).sum(0)
    exponent = (1 - d / (torch.amin(d, dim=1, keepdim=True) + eps)) / h
    w = torch.exp(exponent - exponent.amax(1, keepdim=True).detach())
    return -torch.log(torch.amax(w / w.sum(dim=1, keepdim=True), dim=0).mean())


# --- 27.4 -----------------------------------------------------------------------------------------

glcm_features = exercise(
    "glcm_features",
    reference="nstkit.theory.arrays_texture:glcm_features",
    level="medium",
    minutes=15,
    hints=[
        "How often does level i meet level j at this offset? Count pairs, then describe the table by four numbers.",
        "Two crops of equal shape, one for p and one for p + (dy, dx); the pairs index a (levels, levels) table.",
        "np.add.at(P, (a, b), 1) or bincount of a·levels + b; P + P.T; divide by the sum; then the four formulas.",
    ],
)


@glcm_features.check(points=2, atol=1e-9)
def one_step_to_the_right(answer, draw):
    """Neighbours in a row, six levels."""
    return answer(draw.integers(0, 6, 7, 9), 0, 1, 6)


@glcm_features.check(points=1, atol=1e-9)
def offsets_in_every_direction(answer, draw):
    """Downwards, to the left, upwards and to the right, and far."""
    q = draw.watch((draw.integers(0, 5, 6, 8) + np.arange(8) // 2) % 5, "q")
    offsets = (2, 0), (1, -1), (-1, 3), (-2, -1), (5, 7)
    return {str(offset): answer(q, *offset, 5) for offset in offsets}


@glcm_features.check(points=1, atol=1e-9)
def a_flat_picture(answer, draw):
    """One level only: the correlation is 1 by definition; levels that never occur have empty rows."""
    level = int(draw.rng.integers(0, 4))
    return answer(draw.watch(np.full((4, 6), level), "q"), 1, 1, 7)


@glcm_features.check(points=1, atol=1e-9)
def eight_bit_pictures(answer, draw):
    """uint8 levels up to 63, seen through a view."""
    return answer(draw.watch(draw.pixels(6, 20)[::-1, ::2] // 4, "q"), 0, 2, 64)


@glcm_features.check(points=1)
def what_cannot_be_counted_is_refused(answer, draw):
    """ValueError for levels out of range and for an offset without overlap."""
    q = draw.integers(0, 4, 5, 7)
    high, low = q.copy(), q.copy()
    high[-1, -1], low[2, 3] = 4, -1
    return {
        "a level too high": outcome(answer, high, 0, 1, 4),
        "a negative level": outcome(answer, low, 0, 1, 4),
        "dy = H": outcome(answer, q, 5, 0, 4),
        "dx = -W": outcome(answer, q, 0, -7, 4),
    }


def _pairs(q, dy, dx, levels):
    """Levels at p and at p + (dy, dx), flat."""
    height, width = q.shape
    if q.min() < 0 or q.max() >= levels:
        raise ValueError("q")
    if abs(dy) >= height or abs(dx) >= width:
        raise ValueError("dy, dx")
    first = q[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    second = q[max(0, dy) : height - max(0, -dy), max(0, dx) : width - max(0, -dx)]
    return first.ravel(), second.ravel()


def _described(counts, symmetric=True, power=2, root=True):
    counts = counts + counts.T if symmetric else counts
    P = counts / counts.sum()
    i, j = np.indices(P.shape)
    mi, mj = (P * i).sum(), (P * j).sum()
    si, sj = np.sqrt((P * (i - mi) ** 2).sum()), np.sqrt((P * (j - mj) ** 2).sum())
    spread = si * sj
    energy = (P**2).sum()
    return {
        "matrix": P,
        "contrast": (P * np.abs(i - j) ** power).sum(),
        "homogeneity": (P / (1 + (i - j) ** 2)).sum(),
        "energy": np.sqrt(energy) if root else energy,
        "correlation": 1.0 if spread == 0 else (P * (i - mi) * (j - mj)).sum() / spread,
    }


def _counted(q, dy, dx, levels):
    counts = np.zeros((levels, levels))
    np.add.at(counts, _pairs(q, dy, dx, levels), 1)
    return counts


@glcm_features.misconception(
    "You wrote P[a, b] += 1, which counts a repeated pair once; use np.add.at or bincount."
)
def counts_each_pair_once(q, dy, dx, levels):
    counts = np.zeros((levels, levels))
    counts[_pairs(q, dy, dx, levels)] += 1
    return _described(counts)


@glcm_features.misconception("You wrapped around the border; count only pairs that lie inside the picture.")
def wraps_around_the_border(q, dy, dx, levels):
    _pairs(q, dy, dx, levels)
    counts = np.zeros((levels, levels))
    np.add.at(counts, (q.ravel(), np.roll(q, (-dy, -dx), (0, 1)).ravel()), 1)
    return _described(counts)


@glcm_features.misconception(
    "You exchanged the parts of the offset; dy is the row offset, dx the column offset."
)
def exchanges_the_offset(q, dy, dx, levels):
    _pairs(q, dy, dx, levels)
    return _described(
        _counted(q.T, dy, dx, levels) if max(abs(dy), abs(dx)) < min(q.shape) else np.ones((levels,) * 2)
    )


@glcm_features.misconception("You counted one direction only; add the transpose, so that P is symmetric.")
def counts_one_direction(q, dy, dx, levels):
    return _described(_counted(q, dy, dx, levels), symmetric=False)


@glcm_features.misconception("You used |i − j| in the contrast; it is weighted by the square.")
def weighs_by_the_distance(q, dy, dx, levels):
    return _described(_counted(q, dy, dx, levels), power=1)


@glcm_features.misconception("You left the root out; energy is the root of the angular second moment.")
def forgets_the_root(q, dy, dx, levels):
    return _described(_counted(q, dy, dx, levels), root=False)


@glcm_features.misconception(
    "You left counts in the table; divide by their sum, so that the matrix holds relative frequencies."
)
def keeps_the_counts(q, dy, dx, levels):
    counts = _counted(q, dy, dx, levels)
    return _described(counts) | {"matrix": counts + counts.T}


@glcm_features.misconception(
    "You combined the two levels in the picture's own 8-bit type, which overflows; convert to int first."
)
def overflows_in_eight_bits(q, dy, dx, levels):
    first, second = _pairs(q, dy, dx, levels)
    cells = first * first.dtype.type(levels) + second
    return _described(np.bincount(cells, minlength=levels**2)[: levels**2].reshape(levels, levels))


@glcm_features.accepts
def by_bincount(q, dy, dx, levels):
    first, second = _pairs(q, dy, dx, levels)
    cells = first.astype(np.int64) * levels + second
    return _described(np.bincount(cells, minlength=levels**2).reshape(levels, levels))


@glcm_features.accepts
def by_histogram2d(q, dy, dx, levels):
    edges = np.arange(levels + 1) - 0.5
    return _described(np.histogram2d(*_pairs(q, dy, dx, levels), bins=(edges, edges))[0])


@glcm_features.accepts
def by_loops(q, dy, dx, levels):
    _pairs(q, dy, dx, levels)
    height, width = q.shape
    counts = np.zeros((levels, levels))
    for y in range(max(0, -dy), min(height, height - dy)):
        for x in range(max(0, -dx), min(width, width - dx)):
            a, b = q[y, x], q[y + dy, x + dx]
            counts[a, b] += 1
            counts[b, a] += 1
    return _described(counts / 2)
