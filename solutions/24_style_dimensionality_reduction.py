# %% [markdown]
# # 24 Style dimensionality reduction / 风格降维
#
# **After this lesson** you can say what is reduced when a style is "reduced" (it is not height and width), write four
# reductions as code, and show what dropping components does to a picture.
#
# About 40 minutes, and 85 for the exercises. Read 03 (Gram matrices) and 09 (whitening and colouring) first.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from nstkit import domain
from nstkit import transfer as library
from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import gram_matrix
from nstkit.paintings import paint, painting_names

torch.set_num_threads(1)  # small maps: a second thread would mostly wait
encoder = load_encoder("tiny")

# %% [markdown]
# ## The summary is longer than the book
#
# A painting of 256 × 256 pixels is 196 608 numbers. Gatys describes its style by the Gram matrices of five layers of
# VGG-19. How many numbers is that?

# %%
channels = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}  # of VGG-19
print(f"the painting itself:              {256 * 256 * 3:>8,}")
print(f"its five Gram matrices:           {sum(c * c for c in channels.values()):>8,}")
print(f"without saying anything twice:    {sum(c * (c + 1) // 2 for c in channels.values()):>8,}")
print(f"mean and deviation of each channel: {sum(2 * c for c in channels.values()):>6,}")

# %% [markdown]
# Three times the painting. A description that long can be stored, but it cannot be turned by hand, averaged over two
# artists with much sense, or learned from sixty examples. That is why one reduces it: **to get a compact, steerable,
# cheaper description of the style.** A widespread list of interview answers gives another reason, that the result
# should "look closer to the content image", and another object, "the spatial dimension". Both are wrong, and we shall
# see both fail.
#
# ## Half of it is said twice
#
# $G_{ij} = G_{ji}$, so $C(C+1)/2$ numbers are enough. But which vector? Take $G = \begin{pmatrix}1 & 2\\ 2 & 5
# \end{pmatrix}$ and keep (1, 2, 5). The matrix has $\lVert G\rVert_F^2 = 1 + 4 + 4 + 25 = 34$, the vector has $1 + 4 +
# 25 = 30$: the off-diagonal entry stands for two and counts once. Distances between styles would come out wrong, and
# with them every mean, PCA or nearest neighbour that you compute on such vectors. The cure is a weight on that entry
# whose *square* is two: $(1,\; 2\sqrt2,\; 5)$, and $1 + 8 + 25 = 34$.
#
# ### Exercise 24.1: a Gram matrix as a vector, and back


# %% answer="gram_to_vector"
def gram_to_vector(gram: np.ndarray) -> np.ndarray:
    """The upper triangle row by row (i ≤ j), off-diagonal entries times √2.

    Args:
        gram: (C, C), float64, symmetric to 1e-8 of its largest entry.
    Returns:
        (C (C + 1) / 2,), with ‖vec(A) - vec(B)‖ = ‖A - B‖_F.
    Raises:
        ValueError: not square, or not symmetric.
    """
    ### BEGIN SOLUTION
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1]:
        raise ValueError(f"gram: expected (C, C), got {gram.shape}")
    if np.abs(gram - gram.T).max() > 1e-8 * np.abs(gram).max():
        raise ValueError("gram: expected a symmetric matrix")
    weights = np.sqrt(2) - (np.sqrt(2) - 1) * np.eye(len(gram))  # 1 on the diagonal, √2 elsewhere
    return (gram * weights)[np.triu_indices(len(gram))]
    ### END SOLUTION


# %% check="gram_to_vector"


# %% answer="vector_to_gram"
def vector_to_gram(v: np.ndarray) -> np.ndarray:
    """The symmetric matrix whose `gram_to_vector` is v.

    Args:
        v: (L,), float64, L = C (C + 1) / 2.
    Returns:
        (C, C).
    Raises:
        ValueError: L is not 1, 3, 6, 10, …
    """
    ### BEGIN SOLUTION
    size = int((np.sqrt(8 * len(v) + 1) - 1) / 2 + 0.5)
    if size * (size + 1) // 2 != len(v):
        raise ValueError(f"v: expected a length of C(C + 1)/2, got {len(v)}")
    gram = np.zeros((size, size))
    gram[np.triu_indices(size)] = v
    return (gram + gram.T) / np.where(np.eye(size), 2, np.sqrt(2))  # the sum doubles the diagonal
    ### END SOLUTION


# %% check="vector_to_gram"

# %% [markdown]
# ## Not height and width
#
# "Reduce the spatial dimension of the style features." **Before you run it:** average every 2 × 2 positions of a
# feature map. The map has a quarter of its numbers. How many numbers has its Gram matrix, and by how much does it
# change? And what happens to the map itself, which is what the *content* loss reads?

# %%
mosaic = paint("mosaic", 128, 160)
with torch.no_grad():
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    maps = {name: f.double() for name, f in encoder(mosaic, layers).items()}
features = maps["relu3_1"]  # (1, 96, 32, 40)
pooled = torch.nn.functional.avg_pool2d(features, 2)  # (1, 96, 16, 20)
before, after = gram_matrix(features, "hw"), gram_matrix(pooled, "hw")
repeated = torch.nn.functional.interpolate(pooled, scale_factor=2)
print(f"feature map: {features.numel():,} numbers, pooled {pooled.numel():,}")
print(f"Gram matrix: {before.numel():,} numbers, of the pooled map {after.numel():,}")
print(f"change of the Gram matrix: {(after - before).norm() / before.norm():.0%}")
print(f"change of the map:         {(repeated - features).norm() / features.norm():.0%}")

# %% [markdown]
# Not one number fewer. Space was averaged out when the statistic was formed; pooling before that only blurs it, and
# what it takes away is mostly the content's. What *can* be reduced is the **channels** (96 here) or the **statistic**
# (4656 numbers of a symmetric 96 × 96 matrix).

# %% [markdown]
# ## Fewer channels: PCA
#
# Channels overlap in what they respond to. Positions are the samples, channels the variables:
#
# $$F - m \;(C, N), \qquad \Sigma = \frac{1}{N-1}(F-m)(F-m)^\top \;(C, C), \qquad \Sigma = E\,D\,E^\top ,$$
#
# and the first $k$ columns of $E$ are the mixtures of channels along which the features vary most. The variance they
# keep, as a share of the whole, is their *ratio*.
#
# Two traps. "PCA of the Gram matrix's rows" treats channels as samples and means nothing. And PCA of the *uncentred*
# Gram matrix is PCA around zero: its first axis runs to the mean and hardly says how the features vary. How near to the
# mean?

# %%
flat = features[0].flatten(1)  # (96, 1280)
mean = flat.mean(1)
raw_axis = torch.linalg.eigh(flat @ flat.T / flat.shape[1]).eigenvectors[:, -1]
centred_axis = library.channel_pca(flat, 1)["components"][0]
for name, first in (("raw Gram matrix", raw_axis), ("covariance", centred_axis)):
    print(f"first axis of the {name}: cosine with the mean {(first @ mean / mean.norm()).abs():.3f}")

# %% [markdown]
# ### Exercise 24.2: PCA of the channels


# %% answer="channel_pca"
def channel_pca(feat: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """The k directions in channel space along which positions vary most.

    Args:
        feat: (C, N), float64, columns are positions; N at least 2.
        k: 1 … C.
    Returns:
        "mean" (C,), over positions; "components" (k, C), orthonormal rows by falling eigenvalue of the covariance with
        divisor N - 1, any sign; "scores" (k, N), coordinates of the centred features; "ratio" (k,), eigenvalue / total
        variance, all 0 for constant features; "reconstruction" (C, N), mean + componentsᵀ scores.
    Raises:
        ValueError: k out of range, or fewer than 2 positions.
    """
    ### BEGIN SOLUTION
    if not 1 <= k <= feat.shape[0] or feat.shape[1] < 2:
        raise ValueError(f"feat, k: expected (C, N) with N ≥ 2 and 1 ≤ k ≤ C, got {feat.shape} and {k}")
    mean = feat.mean(1, keepdims=True)
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(feat)))  # ascending
    components = vectors[:, ::-1][:, :k].T  # (k, C)
    scores = components @ (feat - mean)  # (k, N)
    variance = values.clip(0)
    constant = variance.sum() <= 1e-24 * np.square(feat).max()
    return {
        "mean": mean[:, 0],
        "components": components,
        "scores": scores,
        "ratio": np.zeros(k) if constant else variance[::-1][:k] / variance.sum(),
        "reconstruction": mean + components.T @ scores,
    }
    ### END SOLUTION


# %% check="channel_pca"

# %%
figure, axis = plt.subplots(figsize=(7.4, 3.9))
for (name, feature), color, style in zip(
    maps.items(), ("#000000", "#0072B2", "#009E73", "#D55E00"), ("-", "--", "-.", ":")
):
    size = feature.shape[1]
    kept = library.channel_pca(feature[0].flatten(1), size)["ratio"].cumsum(0)
    needed = int((kept < 0.9).sum()) + 1
    axis.plot(range(1, size + 1), kept, style, color=color, label=f"{name}: {needed} of {size}")
    axis.plot(needed, kept[needed - 1], "o", color=color)
axis.axhline(0.9, color="gray", linewidth=0.8)
axis.set_xscale("log", base=2)
axis.set_xticks([1, 2, 4, 8, 16, 32, 64, 128], ["1", "2", "4", "8", "16", "32", "64", "128"])
axis.set_xlabel("components kept")
axis.set_ylabel("share of the variance")
axis.set_title("Ninety per cent takes about twenty components, however many channels there are")
axis.legend(title="components for 90 %", fontsize=9)
figure.tight_layout()
plt.show()

# %% [markdown]
# *Four rising curves that nearly coincide; each reaches 0.9 between sixteen and thirty-two components, though the
# layers have 32 to 160 channels.*
#
# The wider the layer, the more of it is redundant *for this painting*. That is why methods that learn to compress the
# channels get away with few: Li et al. (2019) predict their linear transform in 32 of VGG's 512.

# %% [markdown]
# ## Fewer numbers for a collection
#
# Another question, another PCA. You have sixty paintings, each a style vector of 32 896 numbers. Which few directions
# separate them? The covariance of the numbers would be 32 896 × 32 896, eight gigabytes. But sixty points, centred,
# span at most 59 directions. So work with the small matrix: if $X$ (N, D) holds the centred styles and $X X^\top u =
# \lambda u$, multiply by $X^\top$:
#
# $$X^\top X\,(X^\top u) = \lambda\,(X^\top u) .$$
#
# $X^\top u$ is an eigenvector of the large matrix with the same eigenvalue. Its length is $\sqrt\lambda$, so divide
# by that. This is Sirovich's method of snapshots (1987). Wynen, Schmid and Mairal (2018) reduce the statistics of many
# artworks to few numbers before they look for *archetypes* among them.
#
# ### Exercise 24.3: PCA of styles


# %% answer="style_pca"
def style_pca(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k axes along which N styles differ most, without a D x D matrix.

    Args:
        vectors: (N, D), float64, a style in each row, N much smaller than D.
        k: 1 … N - 1.
    Returns:
        axes: (k, D), orthonormal rows by falling variance, any sign.
        coords: (N, k) = X axesᵀ, with X the styles minus their mean.
    Raises:
        ValueError: k out of range.
    """
    ### BEGIN SOLUTION
    if not 1 <= k <= len(vectors) - 1:
        raise ValueError(f"k: expected 1 to {len(vectors) - 1}, since centring removes a direction, got {k}")
    centred = vectors - vectors.mean(0)  # (N, D)
    values, u = np.linalg.eigh(centred @ centred.T)  # (N,), (N, N), ascending
    values, u = values[::-1][:k], u[:, ::-1][:, :k]
    axes = (centred.T @ u / np.sqrt(values)).T  # (k, D)
    return axes, centred @ axes.T
    ### END SOLUTION


# %% check="style_pca"

# %% [markdown]
# Six paintings drawn by code, each cut into a left and a right half. **Where should the two halves of one painting
# lie,** if Gram matrices capture anything like a manner?

# %%
halves, vectors = [], []
for name in painting_names():
    whole = paint(name, 96, 128)
    for half in (whole[..., :64], whole[..., 64:]):
        with torch.no_grad():
            grams = [gram_matrix(f.double(), "hw")[0] for f in encoder(half, layers[:3]).values()]
        halves.append(half[0])
        vectors.append(torch.cat([library.gram_to_vector(g / g.trace()) for g in grams]))
vectors = torch.stack(vectors)  # (12, 7264)
_, places = library.style_pca(vectors, 2)
figure, axis = plt.subplots(figsize=(8, 5.2))
axis.scatter(*places.T, s=1, color="white")
for half, place in zip(halves, places):
    picture = OffsetImage(half.permute(1, 2, 0).numpy(), zoom=0.45)
    axis.add_artist(AnnotationBbox(picture, place.tolist(), frameon=True, pad=0.1))
axis.margins(0.12)
axis.set_xlabel("first axis")
axis.set_ylabel("second axis")
axis.set_title("Twelve styles of 7264 numbers in a plane: the halves of a painting lie together")
figure.tight_layout()
plt.show()
distances = torch.cdist(vectors, vectors).fill_diagonal_(torch.inf)
partner = torch.arange(12) ^ 1
print(f"the nearest style is the painting's other half for {(distances.argmin(1) == partner).sum()} of 12")
_, all_axes = library.style_pca(vectors, 11)
share = (all_axes**2).sum(0) / (all_axes**2).sum()
print(f"the two axes hold {share[:2].sum():.0%} of the variance; all 11 hold every distance")

# %% [markdown]
# *Thumbnails of half paintings in a plane: pointillism above swirls on the left, mosaic above woodcut in the middle,
# ink wash and stained glass to the right; the two halves of each overlap or touch.*
#
# The halves show different motifs, and nothing told the method that they belong together. For eleven of twelve the
# other half is the nearest style of all. Two numbers in the place of 7264 hold two thirds of what separates these
# styles; for the distances between all twelve, eleven numbers do.

# %% [markdown]
# ## WCT: reduce, or take all of it
#
# How is a reduced style put *onto* content? "Fuse the features" is not an operation. These are: AdaIN (lesson 14) sets
# mean and deviation of every channel, 2C numbers. WCT (Li et al. 2017) sets mean and full covariance, $C + C(C+1)/2$:
#
# $$F_{cs} = E_s D_s^{1/2} E_s^\top \; E_c D_c^{-1/2} E_c^\top\,(F_c - m_c) + m_s ,\\[2pt]
# (C,C)\,(C,C)\,(C,N) \to (C,N).$$
#
# It is lesson 09's map with channels in rows, and with one difference. A feature map of a ReLU network can have dead
# channels and repeated ones: eigenvalues of zero, and $D_c^{-1/2}$ is infinite there. Lesson 09 added a little to all
# of them. WCT *drops* those directions: where content does not vary, there is nothing to amplify but noise.
#
# And why $E D^{-1/2} E^\top$, when $D^{-1/2} E^\top$ whitens just as well? **Guess**, then look at what becomes of
# each channel.

# %%
photo = photograph("chelsea", size=96)
with torch.no_grad():
    content = {name: f[0].double() for name, f in encoder(photo, layers[:3]).items()}
rows = content["relu2_1"].flatten(1)  # (64, N)
centred = rows - rows.mean(1, keepdim=True)
values, vectors_of = torch.linalg.eigh(torch.cov(rows))
alive = values > 1e-5
scaled = torch.diag(values[alive] ** -0.5) @ vectors_of[:, alive].T @ centred
turned_back = vectors_of[:, alive] @ scaled


def likeness(a, b):
    """Mean correlation of each channel with itself before."""
    return torch.stack([torch.corrcoef(torch.stack(pair))[0, 1].abs() for pair in zip(a, b)]).nanmean()


deep = encoder(photo, ["relu4_1"])["relu4_1"][0].double().flatten(1)
dead = int((torch.linalg.eigvalsh(torch.cov(deep)) <= 1e-5).sum())
print(f"to drop at relu2_1: {int((~alive).sum())} of {len(alive)} directions, {rows.shape[1]} positions")
print(f"to drop at relu4_1: {dead} of {len(deep)} directions, {deep.shape[1]} positions")
print(
    f"D^(-1/2) Eᵀ F:   channel k resembles the old channel k by {likeness(scaled, centred[-len(scaled) :]):.2f}"
)
print(f"E D^(-1/2) Eᵀ F: channel k resembles the old channel k by {likeness(turned_back, centred):.2f}")

# %% [markdown]
# A small deep map has fewer positions than channels, and a good part of its directions must be dropped.
#
# Without the last $E$ the rows are principal components, no longer channels; a decoder that expects an edge detector
# in row 12 finds something else there. Turning back keeps each channel as near to itself as whitening allows.
#
# ### Exercise 24.4: whitening and colouring of feature maps


# %% answer="wct"
def wct(content: torch.Tensor, style: torch.Tensor, alpha: float = 1.0, tol: float = 1e-5) -> torch.Tensor:
    """alpha · t + (1 - alpha) · content, with t = E_s D_s^(1/2) E_sᵀ E_c D_c^(-1/2) E_cᵀ (F_c - m_c) + m_s.

    Args:
        content: (C, H, W).
        style: (C, H', W'). Each covariance is centred and divided by its own number of positions minus 1.
        alpha: 0 … 1.
        tol: eigenvalues not above it are dropped, absolute; their directions contribute 0.
    Returns:
        The shape and dtype of content.
    Raises:
        ValueError: C differs, a map of fewer than 2 positions, or alpha outside 0 … 1.
    """
    ### BEGIN SOLUTION
    c, s = content.flatten(1), style.flatten(1)  # (C, N), (C, M)
    if len(c) != len(s) or min(c.shape[1], s.shape[1]) < 2:
        raise ValueError(
            f"expected maps of one C and at least 2 positions, got {content.shape}, {style.shape}"
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha: expected 0 to 1, got {alpha}")

    def power(rows, exponent):
        centred = rows - rows.mean(1, keepdim=True)
        values, vectors = torch.linalg.eigh(centred @ centred.T / (rows.shape[1] - 1))
        kept = values > tol
        return vectors[:, kept] @ torch.diag(values[kept] ** exponent) @ vectors[:, kept].T  # (C, C)

    t = power(s, 0.5) @ power(c, -0.5) @ (c - c.mean(1, keepdim=True)) + s.mean(1, keepdim=True)
    return alpha * t.reshape(content.shape) + (1 - alpha) * content
    ### END SOLUTION


# %% check="wct"

# %% [markdown]
# Now the question from the beginning: **what does discarding components do?** We keep k components of the mosaic's
# features at three layers, transform the photograph's features with them, and look for the picture that has these
# features (Adam on the pixels stands in for a decoder). The claim was that the result comes closer to the content.
# Predict the picture for k = 1.

# %%
with torch.no_grad():
    style = {name: f[0].double() for name, f in encoder(paint("mosaic", 72, 96), layers[:3]).items()}


def picture_of(targets):
    """The picture whose features are nearest to the targets, each layer in units of its variance."""

    def objective(image):
        found = encoder(image, layers[:3])
        return sum((found[name][0] - t).square().mean() / t.var() for name, t in targets.items())

    return library.run_transfer(objective, photo, steps=40, lr=0.03)[0]


gray = torch.tensor([0.3, 0.59, 0.11]).view(1, 3, 1, 1)
pictures = {}
for k in (1, 4, 16, 96):
    targets = {}
    for name, f in style.items():
        kept = library.channel_pca(f.flatten(1), min(k, len(f)))["reconstruction"].view_as(f)
        targets[name] = library.wct(content[name], kept).float()
    pictures[k] = picture_of(targets)
    like_content = torch.corrcoef(torch.stack([(p * gray).sum(1).flatten() for p in (pictures[k], photo)]))[
        0, 1
    ]
    with torch.no_grad():
        now = encoder(pictures[k], layers[:3])
    gap = sum(
        domain.frechet_distance(now[name][0].flatten(1).T.double(), f.flatten(1).T).item()
        / torch.cov(f.flatten(1)).trace()
        for name, f in style.items()
    )
    print(f"k = {k:2d}: distance to the style {gap / 3:.2f}, likeness to the photograph {like_content:.2f}")

figure, axes = plt.subplots(1, 6, figsize=(15, 2.3))
shown = [
    (photo, "content"),
    *((p, f"k = {k}") for k, p in pictures.items()),
    (paint("mosaic", 64, 96), "style"),
]
shown[4] = (shown[4][0], "all components")
for axis, (picture, title) in zip(axes, shown):
    axis.imshow(picture[0].permute(1, 2, 0))
    axis.set_title(title)
    axis.axis("off")
figure.suptitle("Fewer components: less style, and less cat", y=1.08)
plt.show()

# %% [markdown]
# *The cat; then with one component a rust-coloured relief in which the cat can be guessed; with four an orange cat,
# with sixteen and all of them one with green eyes and violet shadows; the mosaic.*
#
# With one component the picture is *less* like the photograph, not more: 0.62 against 0.90. Look at the formula to see
# why. The content passes *through* the style's covariance, and where the reduced style does not vary, the result may
# not vary either. Dropping components takes style away (the distance to it grows to three times) **and** content with
# it. If you want more of the photograph, that is what $\alpha$ is for.
#
# In which order do things go? Read from right to left. From all components to sixteen hardly anything is lost. Then
# the separate colours go, green eyes and violet shadows; then contrast; the mean colour stays to the end, for it
# needs no component at all. The mosaic's single stones appear at no k: mean and covariance at three shallow layers of
# so small a picture do not hold them.
#
# So the effect of discarding components, in one breath: **less storage and less noise, a weaker style, fine structure
# first and colour last.**

# %% [markdown]
# ## Who keeps how much
#
# | method | numbers that describe the style, one layer of C channels | C = 512 |
# |---|---|---|
# | Gram loss (Gatys 2016), WCT with mean (Li et al. 2017) | C(C+1)/2, plus C | 131 328, plus 512 |
# | linear transform in 32 channels (Li et al. 2019) | of the order of 32 · 32 | about 1000 |
# | AdaIN (Huang & Belongie 2017) | 2C | 1024 |
# | learned style code (Ghiasi et al. 2017) | 100, for the whole network | 100 |
#
# <details><summary>Ask yourself: is the style gone once the features are whitened?</summary>
#
# Only its second-order part. Means and covariances are standard then; whatever lies in the shape of the distribution
# beyond them is still there (lesson 20 has a ruler for it).
#
# </details>
#
# <details><summary>Ask yourself: pool the style's features before the Gram matrix. Cheaper?</summary>
#
# The statistic has as many numbers as before. You saved time in forming it, and blurred it.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - Y. Li, C. Fang, J. Yang, Z. Wang, X. Lu, M.-H. Yang, *Universal Style Transfer via Feature Transforms*, NeurIPS
#   2017, arXiv:1705.08086, Section 3.2.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-Time with Adaptive Instance Normalization*, ICCV 2017,
#   arXiv:1703.06868.
# - G. Ghiasi et al., *Exploring the Structure of a Real-Time, Arbitrary Neural Artistic Stylization Network*, BMVC
#   2017, arXiv:1705.06830.
# - X. Li, S. Liu, J. Kautz, M.-H. Yang, *Learning Linear Transformations for Fast Image and Video Style Transfer*, CVPR
#   2019, arXiv:1808.04537.
# - D. Wynen, C. Schmid, J. Mairal, *Unsupervised Learning of Artistic Styles with Archetypal Style Analysis*, NeurIPS
#   2018, arXiv:1805.11155.
# - L. Sirovich, *Turbulence and the Dynamics of Coherent Structures*, Quarterly of Applied Mathematics 45, 1987.
#
# **Next:** lesson 25 mixes and strengthens styles with AdaIN; 28 does whitening and colouring with three channels, the
# colours.
