# %% [markdown]
# # 20 The domain gap / 跨域问题：成因与度量
#
# **After this lesson** you can put a number on the gap between two domains in four ways, say what each of them cannot
# see, test whether the number means anything, and state what a small gap does and does not promise.
#
# About 40 minutes, and 80 for the exercises. Read 03 (the Gram loss is one of the rulers) and 09 (what to do about a
# gap); this lesson only measures.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
from itertools import combinations

import matplotlib.pyplot as plt

from nstkit import domain
from nstkit.domain import arrays
from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.paintings import paint, painting_names

torch.set_num_threads(1)  # small arrays: a second thread would only wait
encoder = load_encoder("tiny")

# %% [markdown]
# ## The distance is zero. Look at the picture.
#
# Two sets of 300 feature vectors. On the left they are as they came. On the right the blue set has been whitened and
# coloured (lesson 09) until the *Fréchet distance*, the number that papers report as FID, says that nothing is left.

# %%
rng = np.random.default_rng(0)
side = rng.integers(0, 2, 300) * 2 - 1
blobs = np.stack([1.5 * side, np.zeros(300)], 1) + 0.35 * rng.normal(size=(300, 2)) + [0.5, 2.5]
single = rng.normal(size=(300, 2)) @ np.array([[1.1, 0.4], [0.0, 0.8]])
aligned = domain.whiten_color_map(torch.from_numpy(blobs), torch.from_numpy(single), 1e-9).numpy()
BANDWIDTHS = (0.5, 1.0, 2.0)


def rulers(x, y):
    """Squared MMD, Fréchet distance and proxy A-distance; the last is fitted on one half, tested on the other."""
    return (
        arrays.mmd2(x, y, BANDWIDTHS, unbiased=True),
        arrays.frechet_distance(x, y),
        arrays.proxy_a_distance(x[::2], y[::2], x[1::2], y[1::2]),
    )


figure, axes = plt.subplots(1, 2, figsize=(9, 3.9), sharex=True, sharey=True)
for axis, cloud, title in ((axes[0], blobs, "before alignment"), (axes[1], aligned, "after alignment")):
    axis.scatter(*single.T, s=12, marker="x", linewidths=0.8, color="#D55E00", label="target")
    axis.scatter(*cloud.T, s=9, color="#0072B2", label="source")
    mmd, frechet, proxy = rulers(cloud, single)
    axis.set_title(
        f"{title}\nMMD² {mmd:.3f},  Fréchet {abs(frechet):.3f},  A-distance {proxy:.2f}", fontsize=10
    )
    axis.set_xlabel("feature 1")
    axis.set_aspect("equal")
axes[0].set_ylabel("feature 2")
axes[0].legend(loc="lower right", fontsize=8)
figure.suptitle("Right: equal mean, equal covariance, and nobody would call them equal")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Left, two blue blobs above an orange cloud. Right, the blobs have moved onto the cloud with a hole between them
# where the cloud is densest; Fréchet reads 0.000 while MMD does not.*
#
# One of the three rulers still protests. This lesson builds them one by one, and the question to ask of each is not
# "is it good?" but "what can it not see?".
#
# Where do gaps come from? From features that are distributed differently: an encoder that learned from photographs
# meets paint, or a style's features lie elsewhere than the content's. *Scarcity* is a different matter: with few
# samples every estimate below trembles, and a classifier learns the noise, but the gap itself is as large as before.
# Style transfer with a single painting works because its thousands of positions serve as samples.

# %% [markdown]
# ## Ruler 1: two moments
#
# Take each set for a Gaussian and ask how far mass must be carried to turn one into the other:
#
# $$d^2 = \lVert \mu_x - \mu_y \rVert^2 + \operatorname{tr} C_x + \operatorname{tr} C_y - 2 \operatorname{tr}
# \,(C_x C_y)^{1/2} .$$
#
# In one dimension it is plain: variances $s_x^2, s_y^2$ give $s_x^2 + s_y^2 - 2 s_x s_y = (s_x - s_y)^2$. Means 0 and
# 3, deviations 1 and 2: $9 + 1 = 10$. In more dimensions the last trace is a *matrix* root of a matrix that is not
# even symmetric. Its eigenvalues are those of $C_x^{1/2} C_y C_x^{1/2}$, which is symmetric, and the trace of a root
# is the sum of the roots of the eigenvalues.
#
# **Before you write it:** two wrong shortcuts tempt here, the root of each entry, and
# $\operatorname{tr}(C_x^{1/2} C_y^{1/2})$. When would the second be right? (When the two matrices share their
# eigenvectors. All diagonal ones do, so a test on uncorrelated features does not catch the mistake.)
#
# ### Exercise 20.1: the Fréchet distance


# %% answer="frechet_distance"
def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """‖μ_x - μ_y‖² + tr C_x + tr C_y - 2 tr (C_x C_y)^(1/2), the squared distance; covariances with divisor n - 1.

    The last trace: the sum of the roots of the eigenvalues of C_x^(1/2) C_y C_x^(1/2), rounding below 0 set to 0.

    Args:
        x, y: (m, d) and (n, d), float64, samples in rows; m < d must work.
    Returns:
        A Python float.
    Raises:
        ValueError: d differs, or a set has fewer than 2 samples.
    """
    ### BEGIN SOLUTION
    if x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"expected (m, d) and (n, d), m and n at least 2, got {x.shape} and {y.shape}")
    c_x, c_y = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))  # (d, d)
    values, vectors = np.linalg.eigh(c_x)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ c_y @ root).clip(0)).sum()
    means = np.sum((x.mean(0) - y.mean(0)) ** 2)
    return float(means + np.trace(c_x) + np.trace(c_y) - 2 * cross)
    ### END SOLUTION


# %% check="frechet_distance"

# %% [markdown]
# What it cannot see is now obvious: it is a function of means and covariances alone. CORAL (lesson 09) sees less, the
# covariances only. And any two sets of equal mean and covariance are at distance zero, be they blobs, rings or a cat.

# %% [markdown]
# ## Ruler 2: compare everything with everything
#
# A kernel $k(a, b)$ says how alike two samples are: 1 when equal, towards 0 when far. If two sets have one
# distribution, a sample of $x$ is on average as much like a sample of $y$ as like another of $x$. The *maximum mean
# discrepancy* (Gretton et al. 2012) takes that at its word:
#
# $$\text{MMD}^2 = \overline{k(x, x')} + \overline{k(y, y')} - 2\, \overline{k(x, y)}, \qquad
# k(a,b) = \exp\!\Bigl(-\frac{\lVert a - b\rVert^2}{2 s^2}\Bigr) .$$
#
# Three means over arrays of shape (m, m), (n, n), (m, n). With one sample each, $1 + 1 - 2k$: zero if they coincide,
# nearly 2 if they are far apart.
#
# With the Gaussian kernel it is zero *only* for equal distributions. With $k = (a^\top b)^2$ it is zero already for
# equal raw second moments, and then it is the Gram loss (lesson 03): matching Gram matrices *is* shrinking an MMD,
# Gatys' $E_l = \text{MMD}^2 / (4 C^2)$. So the kernel decides what counts as a difference; "MMD is zero" means
# nothing until you say which.
#
# ### Exercise 20.2: MMD, biased and unbiased
#
# The mean over (m, m) contains m pairs of a sample with itself, each with $k = 1$. Keeping them makes the estimate too
# large (*biased*, never negative); leaving them out, with divisor $m(m-1)$, makes it right on average and therefore
# sometimes negative. Neither may be clipped. Several bandwidths are averaged, because no single one suits all scales.


# %% answer="mmd2"
def mmd2(x: np.ndarray, y: np.ndarray, bandwidths, unbiased: bool = False) -> float:
    """Squared MMD with k(a, b) = the mean over s in bandwidths of exp(-‖a - b‖² / (2 s²)).

    Biased: mean(Kxx) + mean(Kyy) - 2 mean(Kxy). Unbiased: the first two without their diagonals, divided by
    m (m - 1) and n (n - 1); the mixed term is unchanged. Not clipped.

    Args:
        x, y: (m, d) and (n, d), float64; m and n may differ.
        bandwidths: one or more positive numbers.
        unbiased: see above.
    Returns:
        A Python float.
    Raises:
        ValueError: d differs; no bandwidth or one that is not positive; an empty set; one sample where unbiased.
    """
    ### BEGIN SOLUTION
    if x.shape[1] != y.shape[1] or min(len(x), len(y)) < 1 + bool(unbiased):
        raise ValueError(f"x, y: too few samples or different d, got {x.shape} and {y.shape}")
    if len(bandwidths) == 0 or min(bandwidths) <= 0:
        raise ValueError(f"bandwidths: expected positive numbers, got {list(bandwidths)}")

    def kernel(a, b):
        squares = np.square(a[:, None] - b[None]).sum(-1)  # (m, d) and (n, d) to (m, n)
        return np.mean([np.exp(-squares / (2 * s**2)) for s in bandwidths], axis=0)

    def within(a):
        k, n = kernel(a, a), len(a)
        return (k.sum() - np.trace(k)) / (n * (n - 1)) if unbiased else k.mean()

    return float(within(x) + within(y) - 2 * kernel(x, y).mean())
    ### END SOLUTION


# %% check="mmd2"

# %% [markdown]
# Two samples from **one** distribution: the true MMD is zero at every size. **Predict** what the two estimates do as
# the samples grow.

# %%
sizes, repeats = [4, 8, 16, 32, 64, 128], 60
found = {True: [], False: []}
for size in sizes:
    pairs = rng.normal(size=(repeats, 2, size, 2))
    for unbiased, rows in found.items():
        rows.append([arrays.mmd2(x, y, [1.0], unbiased) for x, y in pairs])
figure, axis = plt.subplots(figsize=(7, 3.7))
for unbiased, name, color, marker in ((False, "biased", "#D55E00", "s"), (True, "unbiased", "#0072B2", "o")):
    values = np.array(found[unbiased])  # (sizes, repeats)
    low, high = np.quantile(values, (0.1, 0.9), axis=1)
    axis.plot(sizes, values.mean(1), marker + "-", color=color, label=f"{name}, mean")
    axis.fill_between(sizes, low, high, color=color, alpha=0.2, label=f"{name}, middle 80 %")
reference = np.array(found[False]).mean(1)[0] * sizes[0] / np.array(sizes)
axis.plot(sizes, reference, ":", color="black", label="∝ 1/n")
axis.axhline(0, color="black", linewidth=0.8)
axis.set_xscale("log", base=2)
axis.set_xticks(sizes, [str(size) for size in sizes])
axis.set_xlabel("samples of each domain")
axis.set_ylabel("MMD²")
axis.set_title("One distribution: the biased estimate sees a gap that is not there")
axis.legend(fontsize=8)
figure.tight_layout()
plt.show()
for size, biased, other in zip(sizes, np.array(found[False]).mean(1), np.array(found[True]).mean(1)):
    print(f"n = {size:3d}: biased {biased:.4f} (times n: {biased * size:.2f}), unbiased {other:+.4f}")

# %% [markdown]
# *The orange curve falls along a dotted 1/n line; the blue one stays at zero with a band that narrows.*
#
# This is scarcity made visible. Four samples give a "gap" for equal domains, and a paper that compares a biased MMD on
# 50 paintings with one on 5000 photographs has measured its sample sizes. More style images do not close a gap, they
# narrow the band.

# %% [markdown]
# ## Is 0.02 large?
#
# A distance without a scale is no measurement. The cleanest scale comes from the data: if the two domains were one,
# the labels would mean nothing. So shuffle them, compute the distance again, many times, and see where the observed
# one stands. The share of shuffles that reach it, with the observed split counted as one of them, is the p-value:
#
# $$p = \frac{1 + \#\{b : T_b \ge T_\text{observed}\}}{B + 1} .$$
#
# Why the ones? Because the observed labelling is one of the possible shuffles; without it p could be 0, a certainty
# that B shuffles cannot give.
#
# You need the kernel once, of all samples pooled, (N, N). A shuffle moves a sample's row *and* its column.
#
# ### Exercise 20.3: the permutation test


# %% answer="mmd_permutation_pvalue"
def mmd_permutation_pvalue(kernel: np.ndarray, m: int, perms: np.ndarray) -> float:
    """The p-value of the biased MMD² among the splits that `perms` gives.

    T(split) = mean(Kxx) + mean(Kyy) - 2 mean(Kxy), X the first m rows; split b is that of
    kernel[np.ix_(perms[b], perms[b])].
    p = (1 + number of b with T_b ≥ T_observed - 1e-12) / (B + 1).

    Args:
        kernel: (N, N), symmetric, of the pooled samples, domain X first.
        m: 1 … N - 1.
        perms: (B, N), integers, a permutation in each row.
    Returns:
        A Python float in (0, 1]. N = 60 and B = 500 take less than a second.
    Raises:
        ValueError: kernel is not square, m is out of range, or perms has another width.
    """
    ### BEGIN SOLUTION
    size = len(kernel)
    if kernel.shape != (size, size) or perms.shape[1:] != (size,):
        raise ValueError(f"expected (N, N) and (B, N), got {kernel.shape} and {perms.shape}")
    if not 1 <= m <= size - 1:
        raise ValueError(f"m: expected 1 to {size - 1}, got {m}")

    def statistic(k):
        return k[:m, :m].mean() + k[m:, m:].mean() - 2 * k[:m, m:].mean()

    observed = statistic(kernel)
    extreme = sum(statistic(kernel[np.ix_(perm, perm)]) >= observed - 1e-12 for perm in perms)
    return float((1 + extreme) / (len(perms) + 1))
    ### END SOLUTION


# %% check="mmd_permutation_pvalue"


# %%
def p_value(x, y, count=199):
    """The permutation test with fresh shuffles, on 120 samples of each."""
    x, y = x[:120], y[:120]
    pooled = torch.from_numpy(np.concatenate([x, y]))
    perms = np.stack([rng.permutation(len(pooled)) for _ in range(count)])
    kernel = domain.gaussian_kernel(pooled, pooled, BANDWIDTHS).numpy()
    return arrays.mmd_permutation_pvalue(kernel, len(x), perms)


gauss = rng.normal(size=(4, 300, 2))
cases = {
    "the same": (gauss[0], gauss[1]),
    "another mean": (gauss[0], gauss[1] + [0.7, 0.0]),
    "another covariance": (gauss[0], gauss[1] @ np.array([[1.0, 0.9], [0.0, 0.44]])),
    "another shape": (aligned, single),
}
print(f"{'the second set has':>20}:   CORAL  Fréchet    MMD²      p  A-distance")
for name, (x, y) in cases.items():
    coral = domain.coral_loss(torch.from_numpy(x), torch.from_numpy(y)).item()
    mmd, frechet, proxy = rulers(x, y)
    print(f"{name:>20}: {coral:7.3f} {abs(frechet):8.3f} {mmd:+7.3f}  {p_value(x, y):.3f} {proxy:8.2f}")

# %% [markdown]
# Read it by columns: each ruler has a row in which it is blind. CORAL does not see the mean, Fréchet does not see the
# shape, the classifier in the last column, which you build next, sees a shifted mean and hardly anything else. Only
# the Gaussian MMD moves in all three rows, and p tells you which of its small numbers to believe.
#
# <details><summary>Ask yourself: MMD² is zero. Are the images identical?</summary>
#
# No. The *distributions* of their features are, in the limit of many samples, and only because the Gaussian kernel is
# characteristic. With the linear kernel equal means would do, with the quadratic one equal second moments.
#
# </details>

# %% [markdown]
# ## Ruler 3: ask a classifier
#
# Ben-David and colleagues turn the question round: domains differ as far as a classifier can tell them apart. Train
# one on samples labelled "source" and "target"; with error $\epsilon$ on **unseen** samples,
#
# $$\hat d_A = 2\,(1 - 2\epsilon): \qquad \epsilon = \tfrac12 \text{ (guessing)} \to 0, \qquad \epsilon = 0 \to 2 .$$
#
# A failing classifier is the good news here. And unseen is not a formality: with as many dimensions as samples, a
# linear classifier separates pure noise without error.
#
# ### Exercise 20.4: the proxy A-distance
#
# A linear classifier in closed form: ridge regression on the labels −1 and +1, with a free intercept. Shrinking the
# intercept would tie the boundary to the origin, and the distance would change when both domains are moved together.


# %% answer="proxy_a_distance"
def proxy_a_distance(
    src_train: np.ndarray,
    tgt_train: np.ndarray,
    src_test: np.ndarray,
    tgt_test: np.ndarray,
    ridge: float = 1e-3,
) -> float:
    """max(0, 2 (1 - 2 err)) of a linear domain classifier, err measured on the test sets.

    Rows A = [x, 1] of both training sets, y = -1 for source and +1 for target,
    w = (AᵀA + ridge · diag(1, …, 1, 0))⁻¹ Aᵀ y; a score of at least 0 means target.
    err = ½ (error rate on src_test + error rate on tgt_test).

    Args:
        src_train, tgt_train, src_test, tgt_test: (n_i, d), float64, each with its own n_i at least 1.
        ridge: at least 0; the intercept is not penalised.
    Returns:
        A Python float, 0 to 2.
    Raises:
        ValueError: an empty set, different d, or a negative ridge.
    """
    ### BEGIN SOLUTION
    sets = (src_train, tgt_train, src_test, tgt_test)
    if any(len(s) == 0 or s.shape[1] != src_train.shape[1] for s in sets):
        raise ValueError(f"expected sets (n, d) with samples and one d, got {[s.shape for s in sets]}")
    if ridge < 0:
        raise ValueError(f"ridge: expected at least 0, got {ridge}")
    rows, y = np.vstack(sets[:2]), np.repeat([-1.0, 1.0], [len(src_train), len(tgt_train)])
    center = rows.mean(0)  # centring is a free intercept, and exact far from the origin
    centred = rows - center
    normal = centred.T @ centred + ridge * np.eye(rows.shape[1])
    w = np.linalg.pinv(normal, hermitian=True) @ centred.T @ (y - y.mean())
    source_score, target_score = ((s - center) @ w + y.mean() for s in sets[2:])
    error = (np.mean(source_score >= 0) + np.mean(target_score < 0)) / 2
    return float(max(0.0, 2 * (1 - 2 * error)))
    ### END SOLUTION


# %% check="proxy_a_distance"

# %% [markdown]
# ## Photographs against paintings, layer by layer
#
# Six photographs, six paintings drawn by code, 24 patches of each; features averaged over the patch. At which depth
# does the encoder tell the two worlds apart best? First a trap. "Unseen" can mean unseen *patches* of the same
# pictures, or unseen *pictures*. **Which of the two gives the larger distance, and which answers the question?**

# %%
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
names = ("coffee", "chelsea", "astronaut", "rocket", "grace_hopper", "motorcycle")
cut = torch.Generator().manual_seed(1)


def features_of(image, count=24):
    """Features of random 48 x 48 patches by layer, each (count, C): first half seen, second half held out."""
    tops = torch.randint(0, image.shape[2] - 47, (count,), generator=cut).tolist()
    lefts = torch.randint(0, image.shape[3] - 47, (count,), generator=cut).tolist()
    patches = torch.cat([image[..., y : y + 48, x : x + 48] for y, x in zip(tops, lefts)])
    with torch.no_grad():
        return {layer: f.mean((2, 3)).double().numpy() for layer, f in encoder(patches, layers).items()}


photos = [features_of(photograph(name, size=160)) for name in names]
paintings = [features_of(paint(name, 120, 160)) for name in painting_names()]


def gather(pictures, layer, chosen, part):
    return np.concatenate([pictures[k][layer][part] for k in chosen])


def distance(layer, train, test, train_part, test_part):
    """A-distance between photographs and paintings; `train` and `test` number the pictures of either kind."""
    sets = [gather(kind, layer, train, train_part) for kind in (photos, paintings)]
    sets += [gather(kind, layer, test, test_part) for kind in (photos, paintings)]
    scale = np.concatenate(sets[:2]).std(0) + 1e-6
    return arrays.proxy_a_distance(*(s / scale for s in sets), ridge=10.0)


everyone, whole = range(6), slice(None)
same_pictures = [distance(layer, everyone, everyone, slice(0, 12), slice(12, 24)) for layer in layers]
splits = [(train, [k for k in everyone if k not in train]) for train in combinations(everyone, 3)]
new_pictures = np.array([[distance(layer, *split, whole, whole) for split in splits] for layer in layers])

figure, axis = plt.subplots(figsize=(7, 3.8))
axis.plot(layers, same_pictures, "s--", color="#D55E00", label="unseen patches of the same pictures")
axis.plot(layers, new_pictures.mean(1), "o-", color="#0072B2", label="unseen pictures, mean of 20 splits")
low, high = np.quantile(new_pictures, (0.25, 0.75), axis=1)
axis.fill_between(layers, low, high, color="#0072B2", alpha=0.2, label="middle half of the splits")
axis.set_ylim(-0.05, 2.1)
axis.set_xlabel("layer of the encoder")
axis.set_ylabel("proxy A-distance")
axis.set_title("A classifier that knows the pictures does not know the domain")
axis.legend(fontsize=8, loc="lower left")
figure.tight_layout()
plt.show()
for layer, same, new in zip(layers, same_pictures, new_pictures):
    print(
        f"{layer}: same pictures {same:.2f}, new pictures {new.mean():.2f} ({new.min():.2f} … {new.max():.2f})"
    )

# %% [markdown]
# *Two lines over five layers: the dashed one lies at 2 throughout, the solid one near 0.9, in a wide band.*
#
# With patches of known pictures the classifier is perfect at every layer, and has learned twelve pictures, not two
# domains. With new pictures it is right about three times in four, and that is the gap.
#
# Textbook sketches of this plot let the gap rise with depth and fall again. We looked for it and do not find it: the
# layers differ by a tenth, the splits by nearly 2. With six pictures of a kind, *which* pictures you hold out matters
# more than which layer you read. That, too, is what scarcity means.

# %% [markdown]
# ## What a small gap promises
#
# Ben-David et al. (2010) bound the error on the target by three terms:
#
# $$\epsilon_T(h) \;\le\; \epsilon_S(h) \;+\; \tfrac12\, d_{\mathcal H \Delta \mathcal H} \;+\; \lambda,
# \qquad \lambda = \min_{h}\, \bigl[\epsilon_S(h) + \epsilon_T(h)\bigr] .$$
#
# The error on the source, which training lowers. The gap, which the remedies of lesson 09 lower. And λ, the error of
# the best *joint* classifier, which nobody lowers, nobody can measure without target labels, and which alignment can
# **raise**. In one dimension:

# %%
left, right = rng.normal(-2, 0.5, 400), rng.normal(2, 0.5, 400)
source_x, source_y = np.r_[left[:320], right[:80]], np.repeat([0, 1], [320, 80])  # four fifths are class 0
target_x, target_y = (
    np.r_[left[320:], right[80:]] + 1.0,
    np.repeat([0, 1], [80, 320]),
)  # four fifths are class 1
order = np.argsort(np.argsort(target_x))
matched_x = np.sort(source_x)[order]  # every quantile matched: the best alignment there is, in one dimension


def joint_error(x):
    """λ for thresholds: the least sum of both errors, over all thresholds and both directions."""
    errors = [
        [np.mean((source_x > t) != source_y) + np.mean((x > t) != target_y) for t in np.linspace(-4, 5, 181)]
    ]
    errors += [
        [
            np.mean((source_x <= t) != source_y) + np.mean((x <= t) != target_y)
            for t in np.linspace(-4, 5, 181)
        ]
    ]
    return float(np.min(errors))


def column(values):
    return values[:, None]


for name, x in (("before", target_x), ("aligned", matched_x)):
    gap = arrays.mmd2(column(source_x), column(x), [0.5, 1.0, 2.0])
    error = np.mean((x > 0) != target_y)
    print(
        f"{name:>8}: MMD² {abs(gap):.4f}, source error {np.mean((source_x > 0) != source_y):.2f}, "
        f"target error {error:.2f}, λ {joint_error(x):.2f}"
    )
bins = np.linspace(-4, 5, 46)
figure, axes = plt.subplots(3, 1, figsize=(7.5, 4.6), sharex=True, sharey=True)
for axis, x, y, title in (
    (axes[0], source_x, source_y, "source"),
    (axes[1], target_x, target_y, "target, before"),
    (axes[2], matched_x, target_y, "target, aligned"),
):
    parts = [x[y == 0], x[y == 1]]
    _, _, bars = axis.hist(
        parts, bins, stacked=True, color=["#0072B2", "#E69F00"], label=["class 0", "class 1"]
    )
    for bar in bars[1]:
        bar.set_hatch("////")
    axis.axvline(0, color="black", linewidth=0.9)
    axis.set_ylabel("samples")
    axis.text(0.99, 0.8, title, transform=axis.transAxes, ha="right")
axes[0].legend(fontsize=8, loc="upper center")
axes[2].set_xlabel("feature (the source's classifier says 1 to the right of the line)")
axes[0].set_title("Perfectly aligned, and wrong")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three histograms: source with a tall left and a low right peak; target with a low left and a tall right one; the
# aligned target with the source's outline, where most of the left peak is hatched, class 1.*
#
# The gap is exactly zero, the error is far larger than before, and the bound is not violated: λ has grown. The domains
# had different class proportions, and forcing the marginals together pushed one class into the other. So a small gap
# helps *while λ stays small*, and that is all that theory promises.
#
# Style transfer lives on the other side of this. There the "source" is content, the "target" is style, and nobody
# wants the gap closed in everything: Gram matching closes it in second moments of the features and leaves positions
# alone.
#
# <details><summary>Ask yourself: a photo-trained encoder meets paintings. Covariate shift, label shift or concept
# shift?</summary>
#
# Mostly covariate shift: p(x) changes, a painted dog is still a dog. Label shift as well if the subjects differ (more
# saints, fewer cars). Concept shift only where the meaning changes, such as a "sky" class that includes gold ground.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf, A. Smola, *A Kernel Two-Sample Test*, JMLR 13, 2012.
# - M. Heusel et al., *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*, NeurIPS 2017,
#   arXiv:1706.08500, Eq. 6.
# - S. Ben-David et al., *A Theory of Learning from Different Domains*, Machine Learning 79, 2010.
# - Y. Ganin et al., *Domain-Adversarial Training of Neural Networks*, JMLR 17, 2016, arXiv:1505.07818.
# - B. Phipson, G. K. Smyth, *Permutation P-values Should Never Be Zero*, 2010, arXiv:1603.05766.
# - Y. Li et al., *Demystifying Neural Style Transfer*, IJCAI 2017, arXiv:1701.01036.
#
# **Next:** lesson 24 carries whitening and colouring over to style; 25 and 27 read every style statistic as a
# distance of distributions.
