"""Lesson 24, fewer numbers for a style: Gram vectors, PCA of channels and of styles, whitening and colouring."""

import math
import tracemalloc

import numpy as np
import torch

from nstkit.grading import exercise, outcome

# --- 24.1 -----------------------------------------------------------------------------------------

gram_to_vector = exercise(
    "gram_to_vector",
    reference="nstkit.transfer.style_arrays:gram_to_vector",
    level="easy",
    minutes=7,
    hints=[
        "A symmetric matrix says everything off its diagonal twice; a vector that says it once must weigh it more.",
        "The upper triangle, row by row, has C(C + 1)/2 entries: np.triu_indices gives their places.",
        "The squared distance counts an off-diagonal entry twice, so multiply it by √2; the diagonal by 1.",
    ],
)


def _symmetric(draw, size):
    half = draw.rng.normal(size=(size, size))
    return draw.watch(half + half.T, "gram")


@gram_to_vector.check(points=2)
def upper_triangle_row_by_row(answer, draw):
    """Matrices of several sizes, also 1 x 1."""
    return {f"C = {size}": answer(_symmetric(draw, size)) for size in (5, 2, 1, 7)}


@gram_to_vector.check(points=1)
def distances_are_kept(answer, draw):
    """The Euclidean distance of the vectors is the Frobenius distance of the matrices."""
    a, b = _symmetric(draw, 6), _symmetric(draw, 6)
    return {
        "squared distance": float(np.sum((answer(a) - answer(b)) ** 2)),
        "inner product": float(answer(a) @ answer(b)),
    }


@gram_to_vector.check(points=1)
def what_is_no_gram_matrix_is_refused(answer, draw):
    """ValueError for a matrix that is not square or not symmetric; rounding is forgiven."""
    gram = _symmetric(draw, 4)
    skewed, rounded = gram.copy(), gram.copy()
    skewed[2, 0] += 1e-5 * np.abs(gram).max()
    rounded[2, 0] += 1e-11 * np.abs(gram).max()
    return {
        "not square": outcome(answer, draw.array(4, 5)),
        "not symmetric": outcome(answer, draw.watch(skewed, "gram")),
        "symmetric up to rounding": outcome(answer, draw.watch(rounded, "gram")),
        "a large one": outcome(answer, draw.watch(1e6 * rounded, "gram")),
        "a small one that is not symmetric": outcome(answer, draw.watch(1e-9 * skewed, "gram")),
    }


def _refuse_gram(gram):
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1]:
        raise ValueError("gram")
    if np.abs(gram - gram.T).max() > 1e-8 * np.abs(gram).max():
        raise ValueError("gram")


def _upper(gram, diagonal=1.0, off=2**0.5):
    _refuse_gram(gram)
    rows, columns = np.triu_indices(len(gram))
    return gram[rows, columns] * np.where(rows == columns, diagonal, off)


@gram_to_vector.misconception(
    "You took each entry once; off-diagonal entries stand for two, so weight them by √2."
)
def forgets_the_weight(gram):
    return _upper(gram, off=1.0)


@gram_to_vector.misconception("You weighted by 2; the norm squares the weight, so it is √2.")
def weights_by_two(gram):
    return _upper(gram, off=2.0)


@gram_to_vector.misconception("You weighted the diagonal too; its entries occur once, their weight is 1.")
def weights_the_diagonal(gram):
    return _upper(gram, diagonal=math.sqrt(2))


@gram_to_vector.misconception(
    "You left the diagonal out; the channels' energies are part of the style, keep them."
)
def drops_the_diagonal_of_the_gram(gram):
    _refuse_gram(gram)
    return gram[np.triu_indices(len(gram), 1)] * math.sqrt(2)


@gram_to_vector.misconception(
    "You went through the lower triangle; the order is the upper triangle, row by row."
)
def takes_the_lower_triangle(gram):
    _refuse_gram(gram)
    rows, columns = np.tril_indices(len(gram))
    return gram[rows, columns] * np.where(rows == columns, 1.0, math.sqrt(2))


@gram_to_vector.misconception("You flattened all C² entries; half of them repeat, C(C + 1)/2 are enough.")
def flattens_everything(gram):
    _refuse_gram(gram)
    return gram.reshape(-1).copy()


@gram_to_vector.accepts
def by_a_mask(gram):
    _refuse_gram(gram)
    weights = np.sqrt(2) * np.ones_like(gram)
    np.fill_diagonal(weights, 1.0)
    return (weights * gram)[np.triu(np.ones(gram.shape, dtype=bool))]


@gram_to_vector.accepts
def by_two_loops(gram):
    _refuse_gram(gram)
    size = gram.shape[0]
    return np.array([gram[i, j] * (1.0 if i == j else 2.0**0.5) for i in range(size) for j in range(i, size)])


vector_to_gram = exercise(
    "vector_to_gram",
    reference="nstkit.transfer.style_arrays:vector_to_gram",
    level="easy",
    minutes=5,
    hints=[
        "Undo the two things that were done: the weight, and leaving the lower half out.",
        "C from the length L = C(C + 1)/2: C = (√(8L + 1) − 1)/2, and it must come out whole.",
        "Fill the upper triangle with v / weights, then copy it across the diagonal: G + Gᵀ counts the diagonal twice.",
    ],
)


@vector_to_gram.check(points=2)
def there_and_back(answer, draw):
    """The matrix that such a vector came from, for several sizes."""
    return {f"length {length}": answer(draw.array(length)) for length in (10, 1, 3, 28)}


@vector_to_gram.check(points=1)
def both_halves(answer, draw):
    """The result is symmetric, its Frobenius norm is the vector's length; a strided vector is as good."""
    v = draw.array(15)
    gram = answer(v)
    return {
        "symmetric": bool(np.array_equal(gram, gram.T)),
        "norm": float(np.linalg.norm(gram)),
        "strided": answer(draw.array(6, strided=True)),
    }


@vector_to_gram.check(points=1)
def other_lengths_are_refused(answer, draw):
    """ValueError for a length that is not 1, 3, 6, 10, …"""
    return [outcome(answer, draw.array(length)) for length in (2, 4, 5, 7, 9, 11, 14)]


def _fill(v, off=2**0.5, diagonal=1.0, mirror=True):
    size = (math.isqrt(8 * len(v) + 1) - 1) // 2
    if size * (size + 1) // 2 != len(v):
        raise ValueError("v")
    gram = np.zeros((size, size))
    rows, columns = np.triu_indices(size)
    gram[rows, columns] = v / np.where(rows == columns, diagonal, off)
    if mirror:
        gram[columns, rows] = gram[rows, columns]
    return gram


@vector_to_gram.misconception("You filled one half only; mirror the off-diagonal entries.")
def fills_one_half(v):
    return _fill(v, mirror=False)


@vector_to_gram.misconception("You left the weight on; divide the off-diagonal entries by √2.")
def leaves_the_weight_on(v):
    return _fill(v, off=1.0)


@vector_to_gram.misconception("You divided by 2; the weight was √2.")
def divides_by_two(v):
    return _fill(v, off=2.0)


@vector_to_gram.misconception(
    "You added the transpose, which doubles the diagonal; mirror the off-diagonal entries only."
)
def doubles_the_diagonal(v):
    half = _fill(v, mirror=False)
    return half + half.T


@vector_to_gram.misconception("You divided the diagonal by √2 too; its entries were stored as they are.")
def divides_the_diagonal(v):
    return _fill(v, diagonal=math.sqrt(2))


@vector_to_gram.misconception(
    "You filled the lower triangle row by row; the vector holds the upper one, row by row."
)
def fills_the_lower_triangle(v):
    gram = _fill(v)
    size = len(gram)
    rows, columns = np.tril_indices(size)
    gram[rows, columns] = v / np.where(rows == columns, 1.0, math.sqrt(2))
    gram[columns, rows] = gram[rows, columns]
    return gram


@vector_to_gram.accepts
def by_triu_and_transpose(v):
    half = _fill(v, mirror=False)
    return half + np.triu(half, 1).T


@vector_to_gram.accepts
def entry_by_entry(v):
    size = round((math.sqrt(8 * len(v) + 1) - 1) / 2)
    if size * (size + 1) != 2 * len(v):
        raise ValueError("v")
    gram, values = np.empty((size, size)), iter(v)
    for i in range(size):
        gram[i, i] = next(values)
        for j in range(i + 1, size):
            gram[i, j] = gram[j, i] = next(values) / math.sqrt(2)
    return gram


# --- 24.2 -----------------------------------------------------------------------------------------

channel_pca = exercise(
    "channel_pca",
    reference="nstkit.transfer.style_arrays:channel_pca",
    level="medium",
    minutes=20,
    hints=[
        "Positions are samples, channels are variables: along which mixtures of channels do positions differ most?",
        "Centre over positions, (C, N) minus (C, 1); the covariance is (C, C); its best eigenvectors are (k, C) rows.",
        "np.linalg.eigh sorts upwards: values[::-1], vectors[:, ::-1].T[:k]; ratio divides by the sum of all values.",
    ],
)


def _map(draw, channels, positions):
    """(C, N) with channel means far from 0, deviations far apart and some correlation."""
    mix = np.diag(2.0 ** -np.arange(channels)) @ np.linalg.qr(draw.rng.normal(size=(channels, channels)))[0]
    noise = draw.rng.normal(size=(positions, channels))
    return draw.watch((noise @ mix + 2 + draw.rng.normal(size=channels)).T.copy(), "feat")


def _described(found):
    """What of a PCA does not depend on the signs of its components."""
    components, scores = found["components"], found["scores"]
    return {
        "mean": found["mean"],
        "components, as a projector": components.T @ components,
        "orthonormal rows": components @ components.T,
        "first component, up to its sign": np.abs(components[0]),
        "scores, up to their signs": np.abs(scores),
        "components and scores together": components.T @ scores,
        "ratio": found["ratio"],
        "reconstruction": found["reconstruction"],
    }


@channel_pca.check(points=3)
def two_of_five_channels(answer, draw):
    """Five channels, 24 positions, two components: all five results."""
    return _described(answer(_map(draw, 5, 24), 2))


@channel_pca.check(points=1)
def one_and_all(answer, draw):
    """k = 1, and k = C, which loses nothing."""
    feat = _map(draw, 4, 15)
    return {"k = 1": _described(answer(feat, 1)), "k = C": answer(feat, 4)["reconstruction"]}


@channel_pca.check(points=1)
def shapes_and_keys(answer, draw):
    """The keys, and the shapes (C,), (k, C), (k, N), (k,), (C, N)."""
    found = answer(draw.array(6, 9, strided=True), 3)
    return {name: list(found[name].shape) for name in sorted(found)}


@channel_pca.check(points=1)
def constant_features(answer, draw):
    """Features that never change have no variance to share out: ratio 0."""
    flat = draw.watch(np.repeat(np.array([[0.5], [2.0], [-1.25]]), 8, axis=1), "feat")
    found = answer(flat, 2)
    return {"ratio": found["ratio"], "reconstruction": found["reconstruction"]}


@channel_pca.check(points=1)
def k_out_of_range_is_refused(answer, draw):
    """ValueError for k = 0, k > C, and a single position."""
    feat = _map(draw, 4, 9)
    return {
        "k = 0": outcome(answer, feat, 0),
        "k = 5 of 4": outcome(answer, feat, 5),
        "one position": outcome(answer, draw.array(4, 1), 1),
    }


def _pca(feat, k, center=None, scale=None, ascending=False, ratio="variance", add_mean=True):
    """The skeleton of 24.2, with one thing changed."""
    if not 1 <= k <= len(feat) or feat.shape[1] < 2:
        raise ValueError("feat, k")
    mean = feat.mean(1, keepdims=True) if center is None else center(feat)
    centred = feat - mean
    if scale is not None:
        centred = centred / scale(centred)
    values, vectors = np.linalg.eigh(centred @ centred.T / (feat.shape[1] - 1))
    order = np.arange(len(feat)) if ascending else np.arange(len(feat))[::-1]
    values, components = values[order].clip(0), vectors[:, order[:k]].T
    weights = np.sqrt(values) if ratio == "deviation" else values
    total = weights[:k].sum() if ratio == "kept" else weights.sum()
    scores = components @ centred
    back = components.T @ scores
    return {
        "mean": feat.mean(1),
        "components": components,
        "scores": scores,
        "ratio": weights[:k] / total if values.sum() > 1e-20 * (feat**2).sum() else np.zeros(k),
        "reconstruction": back + feat.mean(1, keepdims=True) if add_mean else back,
    }


@channel_pca.misconception(
    "You did not centre, so the first component is little more than the mean; subtract each channel's mean."
)
def does_not_centre_the_channels(feat, k):
    found = _pca(feat, k, center=lambda f: np.zeros((len(f), 1)))
    return found | {"reconstruction": found["reconstruction"] - feat.mean(1, keepdims=True)}


@channel_pca.misconception(
    "You subtracted the mean over channels at each position; centre each channel over the positions."
)
def centres_over_channels(feat, k):
    return _pca(feat, k, center=lambda f: f.mean(0, keepdims=True))


@channel_pca.misconception("You kept the smallest eigenvalues; eigh sorts upwards, so take the last ones.")
def takes_the_smallest(feat, k):
    return _pca(feat, k, ascending=True)


@channel_pca.misconception(
    "You divided each channel by its deviation, which is PCA of correlations; leave the channels as strong as they are."
)
def standardises_the_channels(feat, k):
    return _pca(
        feat, k, scale=lambda c: np.where(c.std(1, keepdims=True) > 1e-12, c.std(1, keepdims=True), 1)
    )


@channel_pca.misconception("You computed ratio from singular values; a variance is the square of one.")
def takes_ratios_of_deviations(feat, k):
    return _pca(feat, k, ratio="deviation")


@channel_pca.misconception(
    "You divided by the variance of the kept components, so that ratio always adds up to 1; divide by the total."
)
def divides_by_the_kept_variance(feat, k):
    return _pca(feat, k, ratio="kept")


@channel_pca.misconception("You left the mean out of the reconstruction; add it back.")
def reconstructs_without_the_mean(feat, k):
    return _pca(feat, k, add_mean=False)


@channel_pca.accepts
def by_eigh_of_the_covariance(feat, k):
    return _pca(feat, k)


@channel_pca.accepts
def by_svd_of_the_centred_map(feat, k):
    if k < 1 or k > feat.shape[0] or feat.shape[1] < 2:
        raise ValueError("feat, k")
    mean = feat.mean(axis=1)
    u, s, _ = np.linalg.svd(feat - mean[:, None], full_matrices=True)
    values = np.zeros(feat.shape[0])
    values[: len(s)] = s**2
    components = -u[:, :k].T
    scores = components @ (feat - mean[:, None])
    ratio = values[:k] / values.sum() if values.sum() > 0 else np.zeros(k)
    back = mean[:, None] + components.T @ scores
    return {"mean": mean, "components": components, "scores": scores, "ratio": ratio, "reconstruction": back}


# --- 24.3 -----------------------------------------------------------------------------------------

style_pca = exercise(
    "style_pca",
    reference="nstkit.transfer.style_arrays:style_pca",
    level="medium",
    minutes=20,
    hints=[
        "N styles span at most N − 1 directions once they are centred, however long the vectors are.",
        "X Xᵀ is (N, N) and has the same non-zero eigenvalues as XᵀX, (D, D); u of the first gives Xᵀu of the second.",
        "axes = (Xᵀ u / √λ)ᵀ for the largest λ, so that rows have length 1; coords = X axesᵀ.",
    ],
)


def _styles(draw, count, length):
    """(N, D) styles whose directions differ in strength, with a mean far from zero."""
    strength = 2.0 ** -np.arange(count)
    inner = np.linalg.qr(draw.rng.normal(size=(count, count)))[0] * strength
    values = inner @ draw.rng.normal(size=(count, length)) + 3 + draw.rng.normal(size=length)
    return draw.watch(values, "vectors")


def _plane(found):
    """What of axes and coordinates does not depend on signs."""
    axes, coords = found
    return {
        "axes' shape": list(axes.shape),
        "orthonormal rows": axes @ axes.T,
        "coordinates, up to signs": np.abs(coords),
        "the part that the axes keep": coords @ axes,
    }


@style_pca.check(points=2)
def seven_styles(answer, draw):
    """Seven styles of 30 numbers: two axes."""
    return _plane(answer(_styles(draw, 7, 30), 2))


@style_pca.check(points=1)
def all_axes_keep_all_distances(answer, draw):
    """With N − 1 axes, coordinates have the distances of the vectors."""
    vectors = _styles(draw, 5, 12)
    _, coords = answer(vectors, 4)
    return {
        "distances": np.linalg.norm(coords[:, None] - coords[None], axis=2),
        "strided": np.abs(answer(draw.array(4, 9, strided=True), 2)[1]),
    }


def _peak(answer, vectors, k):
    """The axes and coordinates, and the most memory that NumPy held meanwhile, in bytes."""
    tracemalloc.start()
    try:
        found = answer(vectors, k)
        return found, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@style_pca.check(points=1)
def little_memory(answer, draw):
    """20 styles of 900 numbers in less than 3 MB, half of what a D x D matrix takes."""
    found, peak = _peak(answer, _styles(draw, 20, 900), 3)
    return {**_plane(found), "below 3 MB": peak < 3e6}


@style_pca.check(points=1)
def long_vectors(answer, draw):
    """20 styles of 20 000 numbers in less than 50 MB; a D x D matrix would take 3 200."""
    (axes, coords), peak = _peak(answer, _styles(draw, 20, 20_000), 3)
    return {"coordinates": np.abs(coords), "orthonormal rows": axes @ axes.T, "below 50 MB": peak < 50e6}


@style_pca.check(points=1)
def too_many_axes_are_refused(answer, draw):
    """ValueError for k = N, which centring does not leave, and for k = 0."""
    vectors = _styles(draw, 5, 12)
    return {
        "k = N": outcome(answer, vectors, 5),
        "k = 0": outcome(answer, vectors, 0),
        "k = N - 1": len(answer(vectors, 4)),
    }


def _snapshots(vectors, k, most=1, normalise=True, axis=0, coordinates="scaled"):
    """The snapshot method of 24.3, with one thing changed."""
    if not 1 <= k <= len(vectors) - most:
        raise ValueError("k")
    x = vectors - vectors.mean(axis, keepdims=True)
    values, u = np.linalg.eigh(x @ x.T)
    values, u = values[::-1][:k].clip(1e-300), u[:, ::-1][:, :k]
    axes = (x.T @ u).T
    if normalise:
        axes = axes / np.sqrt(values)[:, None]
    return axes, u if coordinates == "bare" else x @ axes.T


@style_pca.misconception("You built the D x D matrix; X Xᵀ is N x N and has the same non-zero eigenvalues.")
def builds_the_large_matrix(vectors, k):
    if not 1 <= k <= len(vectors) - 1:
        raise ValueError("k")
    x = vectors - vectors.mean(0)
    if x.shape[1] > 5000:
        raise MemoryError("a matrix of D x D numbers")
    _, axes = np.linalg.eigh(x.T @ x)
    axes = axes[:, ::-1][:, :k].T
    return axes, x @ axes.T


@style_pca.misconception("You left the axes as long as √λ; divide the back-projected axes by √λ.")
def leaves_the_axes_long(vectors, k):
    return _snapshots(vectors, k, normalise=False)


@style_pca.misconception(
    "You accepted k = N; centring leaves N − 1 directions, and the last axis would be rounding noise."
)
def accepts_n_axes(vectors, k):
    return _snapshots(vectors, k, most=0)


@style_pca.misconception("You centred each style over its own numbers; subtract the mean over the styles.")
def centres_each_style(vectors, k):
    return _snapshots(vectors, k, axis=1)


@style_pca.misconception("You returned u as coordinates, which all have length 1; coordinates are u · √λ.")
def returns_bare_coordinates(vectors, k):
    return _snapshots(vectors, k, coordinates="bare")


@style_pca.misconception(
    "You did not centre, so the first axis is the average style; subtract the mean style."
)
def does_not_centre_the_styles(vectors, k):
    if not 1 <= k <= len(vectors) - 1:
        raise ValueError("k")
    values, u = np.linalg.eigh(vectors @ vectors.T)
    axes = (vectors.T @ u[:, ::-1][:, :k]).T / np.sqrt(values[::-1][:k])[:, None]
    return axes, vectors @ axes.T


@style_pca.accepts
def by_snapshots(vectors, k):
    return _snapshots(vectors, k)


@style_pca.accepts
def by_thin_svd(vectors, k):
    if k < 1 or k >= len(vectors):
        raise ValueError("k")
    x = vectors - vectors.mean(0)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return vt[:k], (u * s)[:, :k]


@style_pca.accepts
def by_qr_first(vectors, k):
    if k < 1 or k >= len(vectors):
        raise ValueError("k")
    x = vectors - vectors.mean(0)
    q, r = np.linalg.qr(x.T)  # (D, N), (N, N)
    u, _, _ = np.linalg.svd(r)
    axes = (q @ u[:, :k]).T
    return axes, x @ axes.T


# --- 24.4 -----------------------------------------------------------------------------------------

wct = exercise(
    "wct",
    reference="nstkit.transfer:wct",
    level="hard",
    minutes=30,
    hints=[
        "First take all correlation out of the content's channels, then put the style's in.",
        "Flatten to (C, N) and (C, M); each has its own mean (C, 1) and covariance (C, C); both multiply on the left.",
        "E_s D_s^½ E_sᵀ E_c D_c^(−½) E_cᵀ (F_c − m_c) + m_s, with only the columns of E whose eigenvalue is > tol.",
    ],
)


def _pair(draw, channels=4, size=(5, 7), style_size=(6, 9), dtype=torch.float64):
    """A content and a style map of different size, correlated, with means far from zero."""
    maps = []
    for h, w in (size, style_size):
        mix = draw.rng.normal(size=(channels, channels))
        values = mix @ draw.rng.normal(size=(channels, h * w)) + 2 * draw.rng.normal(size=(channels, 1))
        maps.append(draw.watch(torch.from_numpy(values.reshape(channels, h, w)).to(dtype), "features"))
    return maps


@wct.check(points=3)
def full_rank(answer, draw):
    """Four channels, maps of different size: the whole transform."""
    return answer(*_pair(draw))


@wct.check(points=1)
def blending(answer, draw):
    """alpha between 0, the content itself, and 1."""
    content, style = _pair(draw, 3, (4, 6), (5, 3))
    return {
        "alpha = 0.4": answer(content, style, 0.4),
        "alpha = 0": answer(content, style, alpha=0.0),
        "onto itself": answer(content, content),
    }


@wct.check(points=1)
def dead_and_doubled_channels(answer, draw):
    """A channel that is zero and one that repeats another: finite, and no new directions."""
    content, style = _pair(draw, 5)
    singular, poor = content.clone(), style.clone()
    singular[1], singular[3] = 0.0, singular[0]
    poor[2] = 1.0
    result = answer(draw.watch(singular, "content"), style)
    return {
        "finite": bool(result.isfinite().all()),
        "content of rank 3": result,
        "style with a constant channel": answer(content, draw.watch(poor, "style")),
        "fewer positions than channels": answer(*_pair(draw, 6, (2, 2), (3, 5))),
    }


@wct.check(points=1)
def tol_is_absolute(answer, draw):
    """Directions whose variance is not above tol are dropped from both maps, whatever the largest is."""
    content, style = _pair(draw, 3)
    values = [torch.linalg.eigvalsh(torch.cov(f.flatten(1))) for f in (content, style)]
    between = float((max(v[0] for v in values) + min(v[1] for v in values)) / 2)
    return {"tol": answer(content, style, tol=between), "weak features": answer(content * 1e-3, style * 1e-3)}


@wct.check(points=1, rtol=1e-3)
def single_precision_and_strides(answer, draw):
    """float32 stays float32; a strided map is as good as any."""
    content, style = _pair(draw, 3, dtype=torch.float32)
    return {
        "float32": answer(content, style),
        "not contiguous": answer(draw.tensor(3, 5, 6, strided=True), draw.tensor(3, 4, 7, strided=True)),
    }


@wct.check(points=1)
def maps_that_do_not_fit_are_refused(answer, draw):
    """ValueError for different C, a single position, and alpha outside 0 … 1."""
    content, style = _pair(draw)
    return {
        "different C": outcome(answer, content, style[:3]),
        "one content position": outcome(answer, content[:, :1, :1], style),
        "one style position": outcome(answer, content, style[:, :1, :1]),
        "alpha > 1": outcome(answer, content, style, 1.2),
        "alpha < 0": outcome(answer, content, style, -0.1),
    }


def _refuse_maps(content, style, alpha):
    if len(content) != len(style) or min(content[0].numel(), style[0].numel()) < 2 or not 0 <= alpha <= 1:
        raise ValueError("content, style, alpha")


def _wct(content, style, alpha, tol, *, center=True, whiten=-0.5, color=0.5, turn_back=True, color_back=True,
         mean="style", divisor=None, drop=True, relative=False, cholesky=False):  # fmt: skip
    """The transform, with one thing changed by its misconceptions."""
    _refuse_maps(content, style, alpha)
    c, s = content.flatten(1), style.flatten(1)
    zero = torch.zeros(len(c), 1, dtype=c.dtype)
    m_c, m_s = (f.mean(1, keepdim=True) if center else zero for f in (c, s))
    divisor = divisor or (lambda n, _: n - 1)

    def eigen(f, mean, other):
        covariance = (f - mean) @ (f - mean).T / divisor(f.shape[1], other.shape[1])
        values, vectors = torch.linalg.eigh(covariance)
        signs = torch.where(vectors.sum(0) < 0, -1.0, 1.0).to(f.dtype)
        if not drop:
            return values.clamp(min=1e-30), vectors * signs
        kept = values > (tol * values.max() if relative else tol)
        return values[kept], (vectors * signs)[:, kept]

    (d_c, e_c), (d_s, e_s) = eigen(c, m_c, s), eigen(s, m_s, c)
    white = torch.diag(d_c**whiten) @ e_c.T @ (c - m_c)
    white = e_c @ white if turn_back else torch.cat([white, zero.expand(len(c) - len(white), c.shape[1])])
    if cholesky:
        covariance = e_s @ torch.diag(d_s) @ e_s.T + 1e-12 * torch.eye(len(c), dtype=c.dtype)
        colored = torch.linalg.cholesky(covariance) @ white
    elif color_back:
        colored = e_s @ torch.diag(d_s**color) @ e_s.T @ white
    else:
        colored = e_s @ torch.diag(d_s**color) @ white[: len(d_s)]
    t = colored + {"style": m_s, "content": m_c, "none": 0.0}[mean]
    return alpha * t.reshape(content.shape) + (1 - alpha) * content


@wct.misconception("You did not centre; subtract each map's channel means first.")
def does_not_centre_the_maps(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, center=False)


@wct.misconception(
    "You left E_sᵀ out of the colouring, so channels are mixed; the symmetric root is E_s D_s^½ E_sᵀ."
)
def colours_without_e_s_transposed(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, color_back=False)


@wct.misconception("You whitened by D_c^(−½) E_cᵀ and stayed in the eigenvectors' frame; turn back with E_c.")
def whitens_in_the_frame_of_eigenvectors(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, turn_back=False)


@wct.misconception("You whitened with the power −1; the power is −½.")
def whitens_with_minus_one(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, whiten=-1.0)


@wct.misconception("You coloured with the power 1; the power is ½.")
def colours_with_one(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, color=1.0)


@wct.misconception("You added the content's mean back; the result gets the style's mean.")
def adds_the_content_mean(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, mean="content")


@wct.misconception("You added no mean; add the style's.")
def adds_no_mean(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, mean="none")


@wct.misconception("You divided both covariances by the content's number of positions; each has its own.")
def divides_both_by_the_contents_positions(content, style, alpha=1.0, tol=1e-5):
    n = content[0].numel() - 1
    return _wct(content, style, alpha, tol, divisor=lambda own, other: n)


@wct.misconception("You left the covariances undivided; divide each by its own number of positions minus 1.")
def divides_by_nothing(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, divisor=lambda own, other: 1)


@wct.misconception(
    "You coloured with a Cholesky factor: the covariance is right, the features are turned; use the symmetric root."
)
def colours_by_cholesky(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, cholesky=True)


@wct.misconception(
    "You divided by the roots of vanishing eigenvalues; drop the directions whose eigenvalue is not above tol."
)
def keeps_vanishing_directions(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, drop=False)


@wct.misconception("You took tol relative to the largest eigenvalue; it is absolute.")
def takes_tol_as_relative(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol, relative=True)


@wct.misconception("You exchanged the ends of the blend; alpha = 1 is the full transform, 0 the content.")
def exchanges_the_ends(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, 1 - alpha, tol)


@wct.accepts
def by_eigh_in_columns(content, style, alpha=1.0, tol=1e-5):
    return _wct(content, style, alpha, tol)


@wct.accepts
def by_svd_in_numpy(content, style, alpha=1.0, tol=1e-5):
    _refuse_maps(content, style, alpha)
    c, s = content.flatten(1).numpy(), style.flatten(1).numpy()
    c_mean, s_mean = c.mean(1, keepdims=True), s.mean(1, keepdims=True)

    def power(f, p):
        u, d, _ = np.linalg.svd(f @ f.T / (f.shape[1] - 1))
        keep = d > tol
        return (u[:, keep] * d[keep] ** p) @ u[:, keep].T

    t = power(s - s_mean, 0.5) @ power(c - c_mean, -0.5) @ (c - c_mean) + s_mean
    t = alpha * t.reshape(content.shape) + (1 - alpha) * content.numpy()
    return torch.from_numpy(t.astype(c.dtype))
