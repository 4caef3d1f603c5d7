"""Lesson 20, measuring a domain gap: MMD, Fréchet distance, a permutation test, the proxy A-distance."""

import numpy as np
import torch

from nstkit.grading import exercise, outcome

# --- 20.1 -----------------------------------------------------------------------------------------

frechet_distance = exercise(
    "frechet_distance",
    reference="nstkit.domain.arrays:frechet_distance",
    level="medium",
    minutes=20,
    hints=[
        "Take each set for a Gaussian: how far apart are the centres, and how different are the shapes?",
        "Everything is a number in the end: a squared length of (d,), two traces, and the trace of a (d, d) root.",
        "tr (CxCy)^½ is the sum of the roots of the eigenvalues of Cx^½ Cy Cx^½, with rounding below 0 set to 0.",
    ],
)


@frechet_distance.check(points=2)
def two_gaussian_clouds(answer, draw):
    """Thirty and twenty samples of four features."""
    return answer(_cloud(draw, 30, 4), _cloud(draw, 20, 4))


@frechet_distance.check(points=1, rtol=1e-5)
def singular_covariances(answer, draw):
    """Fewer samples than features; a feature that never changes."""
    x, y = _cloud(draw, 12, 3), _cloud(draw, 15, 3)
    constant = [draw.watch(np.column_stack([a, np.full(len(a), 2.0)]), "samples") for a in (x, y)]
    return {
        "n < d": answer(_cloud(draw, 4, 6), _cloud(draw, 5, 6)),
        "one set small": answer(_cloud(draw, 3, 5), _cloud(draw, 20, 5)),
        "a constant feature": answer(*constant),
    }


@frechet_distance.check(points=1)
def laws_of_a_distance(answer, draw):
    """One feature; the sets exchanged; zero for the same samples in another order."""
    x, y = _cloud(draw, 9, 3), _cloud(draw, 14, 3)
    return {
        "one feature": answer(_cloud(draw, 8, 1), _cloud(draw, 11, 1, shift=1.0)),
        "exchanged": answer(y, x),
        "far from the origin": answer(draw.watch(x + 100.0, "samples"), draw.watch(y + 100.0, "samples")),
        "zero for the same samples": bool(abs(answer(x, x[::-1])) < 1e-8),
    }


@frechet_distance.check(points=1)
def sets_without_a_covariance_are_refused(answer, draw):
    """ValueError for different d and for fewer than two samples."""
    x = draw.array(5, 3)
    return {
        "different d": outcome(answer, x, draw.array(5, 4)),
        "one x": outcome(answer, x[:1], draw.array(5, 3)),
        "one y": outcome(answer, x, draw.array(1, 3)),
    }


def _moments(x, y, ddof=1):
    _refuse_sets(x, y, least=2)
    covariances = [np.atleast_2d(np.cov(a.T, ddof=ddof)) for a in (x, y)]
    return np.sum((x.mean(0) - y.mean(0)) ** 2), *covariances


def _root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T


def _cross(a, b):
    root = _root(a)
    return np.sqrt(np.clip(np.linalg.eigvalsh(root @ b @ root), 0, None)).sum()


@frechet_distance.misconception(
    "You took the root of every entry; take the matrix root: the sum of the roots of its eigenvalues."
)
def takes_roots_of_the_entries(x, y):
    means, a, b = _moments(x, y)
    return float(means + np.trace(a + b) - 2 * np.sqrt(np.abs(np.diag(a @ b))).sum())


@frechet_distance.misconception(
    "You multiplied the two roots, which is right only if the matrices commute; take the root of the product."
)
def multiplies_the_roots(x, y):
    means, a, b = _moments(x, y)
    return float(means + np.trace(a + b) - 2 * np.trace(_root(a) @ _root(b)))


@frechet_distance.misconception(
    "You subtracted the mixed trace once, so a set is far from itself; it counts twice."
)
def subtracts_the_cross_trace_once(x, y):
    means, a, b = _moments(x, y)
    return float(means + np.trace(a + b) - _cross(a, b))


@frechet_distance.misconception("You added the distance of the means; add its square.")
def forgets_to_square_the_means(x, y):
    means, a, b = _moments(x, y)
    return float(np.sqrt(means) + np.trace(a + b) - 2 * _cross(a, b))


@frechet_distance.misconception(
    "You returned the root of the result; the squared distance is asked for, as in FID."
)
def returns_the_root_of_frechet(x, y):
    means, a, b = _moments(x, y)
    return float(np.sqrt(max(means + np.trace(a + b) - 2 * _cross(a, b), 0)))


@frechet_distance.misconception("You used the variances only; use the full covariances.")
def uses_the_diagonals(x, y):
    means, a, b = _moments(x, y)
    return float(means + np.sum((np.sqrt(np.diag(a)) - np.sqrt(np.diag(b))) ** 2))


@frechet_distance.misconception("You divided by n; the covariances have the divisor n − 1.")
def divides_covariances_by_n(x, y):
    means, a, b = _moments(x, y, ddof=0)
    return float(means + np.trace(a + b) - 2 * _cross(a, b))


@frechet_distance.misconception("You left the means out; add their squared distance.")
def forgets_the_means(x, y):
    _, a, b = _moments(x, y)
    return float(np.trace(a + b) - 2 * _cross(a, b))


@frechet_distance.accepts
def by_roots_of_the_covariance(x, y):
    means, a, b = _moments(x, y)
    return float(means + np.trace(a) + np.trace(b) - 2 * _cross(a, b))


@frechet_distance.accepts
def by_eigenvalues_of_the_product(x, y):
    means, a, b = _moments(x, y)
    values = np.linalg.eigvals(a @ b).real
    return float(means + np.trace(a + b) - 2 * np.sqrt(np.clip(values, 0, None)).sum())


@frechet_distance.accepts
def by_the_nuclear_norm(x, y):
    means, _, _ = _moments(x, y)
    a, b = ((s - s.mean(0)) / np.sqrt(len(s) - 1) for s in (x, y))
    return float(means + (a**2).sum() + (b**2).sum() - 2 * np.linalg.norm(a @ b.T, "nuc"))


# --- 20.2 -----------------------------------------------------------------------------------------

mmd2 = exercise(
    "mmd2",
    reference="nstkit.domain.arrays:mmd2",
    level="medium",
    minutes=20,
    hints=[
        "A kernel says how alike two samples are; compare the likeness within the sets with that between them.",
        "Squared distances of all pairs are an (m, n) array; the kernel acts on each entry, averaged over bandwidths.",
        "mean(Kxx) + mean(Kyy) − 2·mean(Kxy); unbiased: (K.sum() − K.trace()) / (m·(m − 1)) for the first two.",
    ],
)

BANDWIDTHS = (0.8, 2.0, 5.0)


def _cloud(draw, n, d, shift=0.0):
    """(n, d) correlated samples around a mean of their own."""
    mix = draw.rng.normal(size=(d, d)) / np.sqrt(d)
    return draw.watch(draw.rng.normal(size=(n, d)) @ mix + draw.rng.normal(size=d) + shift, "samples")


@mmd2.check(points=2)
def biased_with_three_bandwidths(answer, draw):
    """Six and nine samples of four features; the kernel is a mean over bandwidths."""
    return answer(_cloud(draw, 6, 4), _cloud(draw, 9, 4), BANDWIDTHS)


@mmd2.check(points=1)
def unbiased(answer, draw):
    """Without the pairs of a sample with itself; may be negative."""
    x, y = _cloud(draw, 7, 3), _cloud(draw, 5, 3)
    same = draw.array(12, 2)
    return {
        "by position": answer(x, y, [1.5], True),
        "by keyword": answer(x, y, BANDWIDTHS, unbiased=True),
        "as many in both": answer(draw.array(6, 3), draw.array(6, 3), [1.0], unbiased=True),
        "two halves of one set": answer(same[:6], same[6:], [0.5], unbiased=True),
    }


@mmd2.check(points=1)
def laws(answer, draw):
    """Zero for a set and itself; single samples; a list of one bandwidth; a strided set."""
    x, y = _cloud(draw, 6, 3), _cloud(draw, 8, 3)
    return {
        "zero for the same set": bool(abs(answer(x, x[::-1], BANDWIDTHS)) < 1e-12),
        "two single samples": answer(x[:1], y[:1], [1.0, 3.0]),
        "a wide kernel": answer(x, y, [50.0]),
        "not contiguous": answer(draw.array(5, 4, strided=True), draw.array(6, 4, strided=True), [2.0]),
        "a Python float": type(answer(x, y, [1.0])).__mro__[-2].__name__,
    }


@mmd2.check(points=1)
def what_cannot_be_measured_is_refused(answer, draw):
    """ValueError for different d, no or bad bandwidths, an empty set, one sample where unbiased."""
    x, y = draw.array(5, 3), draw.array(6, 3)
    return {
        "different d": outcome(answer, x, draw.array(6, 4), [1.0]),
        "no bandwidth": outcome(answer, x, y, []),
        "a zero bandwidth": outcome(answer, x, y, [1.0, 0.0]),
        "a negative bandwidth": outcome(answer, x, y, [-1.0]),
        "an empty x": outcome(answer, x[:0], y, [1.0]),
        "an empty y": outcome(answer, x, y[:0], [1.0]),
        "one x, unbiased": outcome(answer, x[:1], y, [1.0], unbiased=True),
        "one y, unbiased": outcome(answer, x, y[:1], [1.0], unbiased=True),
    }


def _refuse_sets(x, y, bandwidths=(1.0,), least=1):
    if x.shape[1] != y.shape[1] or min(len(x), len(y)) < least:
        raise ValueError("x, y")
    if len(bandwidths) == 0 or min(bandwidths) <= 0:
        raise ValueError("bandwidths")


def _squares(x, y):
    return ((x[:, None] - y[None]) ** 2).sum(2)


def _gaussian(bandwidths):
    return lambda x, y: np.mean([np.exp(-_squares(x, y) / (2 * s * s)) for s in bandwidths], axis=0)


def _mmd(x, y, kernel, unbiased, cross=2.0):
    """MMD² with any kernel; the skeleton of the variants and misconceptions of 20.2."""

    def within(a):
        k, n = kernel(a, a), len(a)
        return (k.sum() - np.trace(k)) / (n * (n - 1)) if unbiased else k.mean()

    return float(within(x) + within(y) - cross * kernel(x, y).mean())


@mmd2.misconception(
    "You used the distance itself; a Gaussian kernel has the squared distance in the exponent."
)
def forgets_to_square_the_distance(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    return _mmd(
        x,
        y,
        lambda a, b: np.mean([np.exp(-np.sqrt(_squares(a, b)) / (2 * s * s)) for s in bandwidths], axis=0),
        unbiased,
    )


@mmd2.misconception("You divided by s²; the bandwidth enters as 2s².")
def forgets_the_two_of_the_bandwidth(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    return _mmd(x, y, _gaussian([s / np.sqrt(2) for s in bandwidths]), unbiased)


@mmd2.misconception("You added the kernels of the bandwidths up; average over them.")
def sums_over_bandwidths(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    return len(bandwidths) * _mmd(x, y, _gaussian(bandwidths), unbiased)


@mmd2.misconception("You subtracted the mixed term once; it counts twice.")
def subtracts_the_mixed_term_once(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    return _mmd(x, y, _gaussian(bandwidths), unbiased, cross=1.0)


@mmd2.misconception("You returned MMD, the root; MMD² is asked for.")
def returns_the_root_of_mmd2(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    return float(np.sqrt(max(_mmd(x, y, _gaussian(bandwidths), unbiased), 0.0)))


@mmd2.misconception(
    "You changed the divisor and kept the diagonal; take out k(x_i, x_i) = 1 before dividing by m(m − 1)."
)
def keeps_the_diagonal(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    kernel = _gaussian(bandwidths)

    def within(a):
        n = len(a)
        return kernel(a, a).sum() / (n * (n - 1) if unbiased else n * n)

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())


@mmd2.misconception(
    "You took the diagonal out of the mixed block too; x_i and y_i are no pairs, keep the whole block."
)
def drops_the_mixed_diagonal(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    if not unbiased or len(x) != len(y):
        return _mmd(x, y, _gaussian(bandwidths), unbiased)
    k, n = _gaussian(bandwidths)(x, y), len(x)
    mixed = (k.sum() - np.trace(k)) / (n * (n - 1))
    return _mmd(x, y, _gaussian(bandwidths), unbiased, cross=0.0) - float(2 * mixed)


@mmd2.misconception(
    "You removed the diagonal without being asked; unbiased=False keeps every pair, also of a sample with itself."
)
def is_always_unbiased(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    return _mmd(x, y, _gaussian(bandwidths), min(len(x), len(y)) > 1)


@mmd2.misconception("You clipped the result at zero; the unbiased estimate may be negative, and must be.")
def clips_at_zero(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)
    return max(_mmd(x, y, _gaussian(bandwidths), unbiased), 0.0)


@mmd2.accepts
def by_expanded_squares(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)

    def kernel(a, b):
        squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
        squares = np.maximum(squares, 0)
        return sum(np.exp(-squares / (2 * s**2)) for s in bandwidths) / len(bandwidths)

    return _mmd(x, y, kernel, unbiased)


@mmd2.accepts
def by_torch_cdist(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)

    def kernel(a, b):
        d = torch.cdist(
            torch.tensor(a.copy()), torch.tensor(b.copy()), compute_mode="donot_use_mm_for_euclid_dist"
        )
        return torch.stack([torch.exp(-(d**2) / (2 * s**2)) for s in bandwidths]).mean(0).numpy()

    return _mmd(x, y, kernel, unbiased)


@mmd2.accepts
def pair_after_pair(x, y, bandwidths, unbiased=False):
    _refuse_sets(x, y, bandwidths, 1 + unbiased)

    def kernel(a, b):
        one = lambda u, v: sum(np.exp(-((u - v) @ (u - v)) / 2 / s**2) for s in bandwidths) / len(bandwidths)  # noqa: E731
        return np.array([[one(u, v) for v in b] for u in a])

    return _mmd(x, y, kernel, unbiased)


# --- 20.3 -----------------------------------------------------------------------------------------

mmd_permutation_pvalue = exercise(
    "mmd_permutation_pvalue",
    reference="nstkit.domain.arrays:mmd_permutation_pvalue",
    level="medium",
    minutes=15,
    hints=[
        "If the domains are equal, the labels mean nothing: shuffle them and see how often the gap is as large.",
        "A relabelled sample takes its row and its column along: kernel[np.ix_(perm, perm)] is (N, N) again.",
        "p = (1 + number of T(perm) ≥ T_observed − 1e-12) / (B + 1); weights a of 1/m and −1/(N − m) give T = aᵀKa.",
    ],
)


def _pooled_kernel(draw, m, n, d=2, shift=0.0, bandwidth=1.0):
    rows = draw.rng.normal(size=(m + n, d))
    rows[m:] += shift
    return draw.watch(_gaussian([bandwidth])(rows, rows), "kernel")


def _perms(draw, count, size):
    return draw.watch(np.stack([draw.rng.permutation(size) for _ in range(count)]), "perms")


@mmd_permutation_pvalue.check(points=2)
def two_overlapping_domains(answer, draw):
    """Domains of different size that overlap: a p-value in the middle."""
    return [
        answer(_pooled_kernel(draw, 8, 13, shift=0.5), 8, _perms(draw, 99, 21)),
        answer(_pooled_kernel(draw, 14, 6, shift=0.4), 14, _perms(draw, 149, 20)),
        answer(_pooled_kernel(draw, 9, 12), 9, _perms(draw, 79, 21)),
    ]


@mmd_permutation_pvalue.check(points=1)
def far_apart(answer, draw):
    """Far apart, p is the smallest there is, 1/(B + 1), and not 0."""
    return answer(_pooled_kernel(draw, 10, 12, shift=9.0), 10, _perms(draw, 49, 22))


@mmd_permutation_pvalue.check(points=1)
def ties_count(answer, draw):
    """Splits that equal the observed one count as extreme; one sample against the rest."""
    kernel = _pooled_kernel(draw, 5, 7, shift=1.0)
    same = draw.watch(np.tile(np.arange(12), (9, 1)), "perms")
    swapped = same.copy()
    swapped[:, [0, 1]] = [1, 0]  # within X: the same split
    return {
        "the observed split again": answer(kernel, 5, same),
        "shuffled within X": answer(kernel, 5, draw.watch(swapped, "perms")),
        "one sample against eleven": answer(kernel, 1, _perms(draw, 39, 12)),
    }


@mmd_permutation_pvalue.check(points=1)
def five_hundred_permutations(answer, draw):
    """N = 60 and B = 500, in well under a second."""
    return answer(_pooled_kernel(draw, 25, 35, shift=0.35), 25, _perms(draw, 500, 60))


@mmd_permutation_pvalue.check(points=1)
def what_is_no_split_is_refused(answer, draw):
    """ValueError for a kernel that is not square, m out of range, and perms of the wrong width."""
    kernel, perms = _pooled_kernel(draw, 5, 6), _perms(draw, 9, 11)
    return {
        "not square": outcome(answer, kernel[:8], 5, perms),
        "m = 0": outcome(answer, kernel, 0, perms),
        "m = N": outcome(answer, kernel, 11, perms),
        "perms too narrow": outcome(answer, kernel, 5, _perms(draw, 9, 10)),
    }


def _refuse_split(kernel, m, perms):
    n = kernel.shape[0]
    if kernel.shape != (n, n) or not 1 <= m <= n - 1 or perms.shape[1:] != (n,):
        raise ValueError("kernel, m, perms")


def _statistic(k, m):
    return k[:m, :m].mean() + k[m:, m:].mean() - 2 * k[:m, m:].mean()


def _both(kernel, perm):
    return kernel[np.ix_(perm, perm)]


def _pvalue(kernel, m, perms, permute=_both, count=None, one=1):
    """The skeleton of 20.3; `count` decides from the permuted statistics and the observed one."""
    _refuse_split(kernel, m, perms)
    observed = _statistic(kernel, m)
    values = np.array([_statistic(permute(kernel, perm), m) for perm in perms])
    extreme = int((values >= observed - 1e-12).sum()) if count is None else count(values, observed)
    return (one + extreme) / (len(perms) + one)


@mmd_permutation_pvalue.misconception(
    "You left the +1 out, so that p can be 0; count the observed split as one of the permutations."
)
def forgets_the_observed_split(kernel, m, perms):
    return _pvalue(kernel, m, perms, one=0)


@mmd_permutation_pvalue.misconception(
    "You counted only strictly larger values; ties speak against a gap, so count ≥."
)
def ignores_ties(kernel, m, perms):
    return _pvalue(kernel, m, perms, count=lambda values, seen: int((values > seen + 1e-12).sum()))


@mmd_permutation_pvalue.misconception(
    "You permuted the rows alone; a relabelled sample takes its row and its column along."
)
def permutes_rows_alone(kernel, m, perms):
    return _pvalue(kernel, m, perms, permute=lambda k, perm: k[perm])


@mmd_permutation_pvalue.misconception(
    "You counted values that are at most the observed one; a large MMD is the extreme, so count at least as large."
)
def counts_the_small_ones(kernel, m, perms):
    return _pvalue(kernel, m, perms, count=lambda values, seen: int((values <= seen + 1e-12).sum()))


@mmd_permutation_pvalue.misconception(
    "You permuted within each domain, which leaves the split as it was; shuffle all labels together."
)
def permutes_within_domains(kernel, m, perms):
    def within(k, perm):
        return _both(k, np.concatenate([perm[perm < m], perm[perm >= m]]))

    return _pvalue(kernel, m, perms, permute=within)


@mmd_permutation_pvalue.misconception(
    "You used the inverse permutations; the split is kernel[np.ix_(perm, perm)], whose first m are perm[:m]."
)
def uses_the_inverse(kernel, m, perms):
    return _pvalue(kernel, m, perms, permute=lambda k, perm: _both(k, np.argsort(perm)))


@mmd_permutation_pvalue.misconception(
    "You compared with half of the domains' mixed term; it counts twice in MMD²."
)
def halves_the_mixed_term(kernel, m, perms):
    _refuse_split(kernel, m, perms)

    def statistic(k):
        return k[:m, :m].mean() + k[m:, m:].mean() - k[:m, m:].mean()

    values = np.array([statistic(_both(kernel, perm)) for perm in perms])
    return (1 + int((values >= statistic(kernel) - 1e-12).sum())) / (len(perms) + 1)


@mmd_permutation_pvalue.accepts
def by_a_loop(kernel, m, perms):
    return _pvalue(kernel, m, perms)


@mmd_permutation_pvalue.accepts
def by_weights(kernel, m, perms):
    _refuse_split(kernel, m, perms)
    size = len(kernel)
    weights = np.where(np.arange(size) < m, 1 / m, -1 / (size - m))
    labels = np.zeros(perms.shape)
    np.put_along_axis(labels, perms, np.broadcast_to(weights, perms.shape), axis=1)
    values = np.einsum("bi,ij,bj->b", labels, kernel, labels, optimize=True)
    return float((1 + np.sum(values >= weights @ kernel @ weights - 1e-12)) / (len(perms) + 1))


# --- 20.4 -----------------------------------------------------------------------------------------

proxy_a_distance = exercise(
    "proxy_a_distance",
    reference="nstkit.domain.arrays:proxy_a_distance",
    level="hard",
    minutes=25,
    hints=[
        "Train somebody to tell the domains apart, and ask how well that works on samples never seen.",
        "Rows [x, 1] of both training sets stacked, (n_s + n_t, d + 1), labels −1 and +1; the last weight is free.",
        "solve(AᵀA + ridge·diag(1, …, 1, 0), Aᵀy); err is the mean of the two test sets' error rates; 2(1 − 2 err).",
    ],
)


def _four(draw, d=3, gap=1.0, far=0.0, sizes=(25, 45, 70, 30)):
    """Training and test sets of both domains, all of different size."""
    direction = draw.rng.normal(size=d)
    direction *= gap / np.linalg.norm(direction)
    source, target, source_test, target_test = sizes
    shifts = ((source, 0), (target, 1), (source_test, 0), (target_test, 1))
    return [draw.watch(draw.rng.normal(size=(n, d)) + far + k * direction, "samples") for n, k in shifts]


@proxy_a_distance.check(points=2)
def overlapping_domains(answer, draw):
    """Four sets of different size; the two errors are averaged as rates."""
    return [answer(*_four(draw, d, gap)) for d, gap in ((3, 1.0), (5, 1.6), (2, 2.2))]


@proxy_a_distance.check(points=1)
def far_from_the_origin(answer, draw):
    """Means far from zero, and the domains unequally large: the intercept is free."""
    return [answer(*_four(draw, 3, gap, 200.0, (12, 60, 40, 50)), ridge=5.0) for gap in (1.5, 2.5, 3.5)]


@proxy_a_distance.check(points=1)
def unseen_samples_decide(answer, draw):
    """Nearly as many features as samples, and no difference between the domains."""
    return [answer(*_four(draw, 18, 0.0, 0.0, (12, 14, 60, 40))) for _ in range(3)]


@proxy_a_distance.check(points=1)
def the_ends_of_the_scale(answer, draw):
    """2 for domains far apart, 0 for one and the same set; no ridge at all."""
    x, y = draw.array(20, 3), draw.array(30, 3)
    return {
        "far apart": answer(*_four(draw, gap=40.0)),
        "the same sets": answer(x, x, y, y),
        "ridge=0": answer(*_four(draw, gap=1.8), 0.0),
        "a Python float": type(answer(*_four(draw))).__mro__[-2].__name__,
    }


@proxy_a_distance.check(points=1)
def sets_that_do_not_fit_are_refused(answer, draw):
    """ValueError for an empty set, different d, and a negative ridge."""
    sets = _four(draw)
    other = draw.array(9, 4)
    empty = [outcome(answer, *(s[:0] if k == hole else s for k, s in enumerate(sets))) for hole in range(4)]
    return {
        "an empty set": empty,
        "different d in training": outcome(answer, sets[0], other, *sets[2:]),
        "different d in the test": outcome(answer, *sets[:3], other),
        "a negative ridge": outcome(answer, *sets, ridge=-1.0),
    }


def _refuse_four(sets, ridge):
    if any(len(s) == 0 or s.shape[1] != sets[0].shape[1] for s in sets) or ridge < 0:
        raise ValueError("sets, ridge")


def _scores(source, target, ridge, bias=1.0, penalty=0.0):
    """The classifier of 20.4 as a function from rows to scores; bias 0 leaves the intercept out."""
    rows = np.vstack([source, target])
    a = np.c_[rows, np.full(len(rows), bias)]
    y = np.r_[-np.ones(len(source)), np.ones(len(target))]
    diagonal = np.r_[np.ones(rows.shape[1]), penalty]
    w = np.linalg.pinv(a.T @ a + ridge * np.diag(diagonal)) @ a.T @ y
    return lambda x: np.c_[x, np.full(len(x), bias)] @ w


def _free(source, target, ridge):
    """With a free intercept, by centring: exact far from the origin."""
    rows, y = np.vstack([source, target]), np.r_[-np.ones(len(source)), np.ones(len(target))]
    center, level = rows.mean(0), y.mean()
    centred = rows - center
    w = np.linalg.pinv(centred.T @ centred + ridge * np.eye(rows.shape[1])) @ centred.T @ (y - level)
    return lambda x: (x - center) @ w + level


def _rates(score, source, target):
    return np.mean(score(source) >= 0), np.mean(score(target) < 0)


def _distance(error):
    return float(max(0.0, 2 * (1 - 2 * error)))


@proxy_a_distance.misconception(
    "You measured the error on the training samples, where noise looks like a gap; use the test sets."
)
def uses_the_training_sets(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    return _distance(np.mean(_rates(_free(src_train, tgt_train, ridge), src_train, tgt_train)))


@proxy_a_distance.misconception(
    "You pooled the test samples, so the larger domain decides; average the two domains' error rates."
)
def pools_the_errors(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    rates = _rates(_free(src_train, tgt_train, ridge), src_test, tgt_test)
    return _distance(np.average(rates, weights=[len(src_test), len(tgt_test)]))


@proxy_a_distance.misconception("You put the accuracy where the error belongs; the distance is 2(1 − 2 err).")
def inserts_the_accuracy(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    return _distance(1 - np.mean(_rates(_free(src_train, tgt_train, ridge), src_test, tgt_test)))


@proxy_a_distance.misconception(
    "You computed 2(1 − err); chance, err = ½, must give 0, which takes 2(1 − 2 err)."
)
def subtracts_the_error_once(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    return _distance(np.mean(_rates(_free(src_train, tgt_train, ridge), src_test, tgt_test)) / 2)


@proxy_a_distance.misconception(
    "You left the intercept out, so the boundary must pass through the origin; add a column of ones."
)
def leaves_the_intercept_out(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    score = _scores(src_train, tgt_train, ridge, bias=0.0)
    return _distance(np.mean(_rates(score, src_test, tgt_test)))


@proxy_a_distance.misconception(
    "You penalised the intercept as well, which ties the boundary to the origin; its entry of the diagonal is 0."
)
def penalises_the_intercept(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    score = _scores(src_train, tgt_train, ridge, penalty=1.0)
    return _distance(np.mean(_rates(score, src_test, tgt_test)))


@proxy_a_distance.misconception("You ignored ridge; add ridge·diag(1, …, 1, 0) to AᵀA.")
def ignores_the_ridge(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    return _distance(np.mean(_rates(_free(src_train, tgt_train, 0.0), src_test, tgt_test)))


@proxy_a_distance.misconception(
    "You let the result fall below 0, where the classifier is worse than chance; clip it at 0."
)
def does_not_clip(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    error = np.mean(_rates(_free(src_train, tgt_train, ridge), src_test, tgt_test))
    return float(2 * (1 - 2 * error))


@proxy_a_distance.accepts
def by_centring(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    return _distance(np.mean(_rates(_free(src_train, tgt_train, ridge), src_test, tgt_test)))


@proxy_a_distance.accepts
def by_solving_the_normal_equations(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    a = np.c_[np.vstack([src_train, tgt_train]), np.ones(len(src_train) + len(tgt_train))]
    y = np.repeat([-1.0, 1.0], [len(src_train), len(tgt_train)])
    w = np.linalg.solve(a.T @ a + ridge * np.diag([1.0] * (a.shape[1] - 1) + [0.0]), a.T @ y)
    return _distance(np.mean(_rates(lambda x: x @ w[:-1] + w[-1], src_test, tgt_test)))


@proxy_a_distance.accepts
def by_an_augmented_system(src_train, tgt_train, src_test, tgt_test, ridge=1e-3):
    _refuse_four((src_train, tgt_train, src_test, tgt_test), ridge)
    d = src_train.shape[1]
    a = np.c_[np.vstack([src_train, tgt_train]), np.ones(len(src_train) + len(tgt_train))]
    y = np.r_[np.full(len(src_train), -1.0), np.ones(len(tgt_train)), np.zeros(d)]
    system = np.vstack([a, np.c_[np.sqrt(ridge) * np.eye(d), np.zeros(d)]])
    w = np.linalg.lstsq(system, y, rcond=None)[0]
    return _distance(np.mean(_rates(lambda x: np.c_[x, np.ones(len(x))] @ w, src_test, tgt_test)))
