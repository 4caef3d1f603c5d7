# %% [markdown]
# # 27 Texture preservation / 图像纹理保持
#
# **After this lesson** you can say whose texture is to be preserved, name what a Gram matrix lets go, add back what is
# missing, period by period or match by match, and measure the result with no network at all.
#
# About 40 minutes, and 85 for the exercises. Read 03 for the Gram matrix; 15 has sliced Wasserstein, 19 has patches.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt
from matplotlib.patches import ConnectionPatch

from nstkit.encoders import load_encoder
from nstkit.filters import spectrum_projection as library_projection
from nstkit.grading import check
from nstkit.images import glcm_features as library_glcm
from nstkit.images import photograph
from nstkit.losses import contextual_loss as library_contextual
from nstkit.losses import gram_matrix
from nstkit.losses import shifted_gram as library_shifted
from nstkit.transfer import run_transfer

torch.set_num_threads(1)  # for tensors this small a second thread only waits
encoder = load_encoder("tiny")

# %% [markdown]
# ## Build a wall from statistics
#
# Here is a brick wall, drawn by code: rows of 16 pixels, bricks of 24, each row displaced by half a brick. We take its
# Gram matrices at three layers, start from noise, and change pixels until the Gram matrices agree: texture synthesis
# as Gatys, Ecker and Bethge (NeurIPS 2015) invented it, three months before they made it style transfer.
#
# **Before you run it:** suppose the loss falls by 99 %. Will the rows be straight?

# %%
H, W = 80, 96
LAYERS = ("relu1_1", "relu2_1", "relu3_1")
generator = torch.Generator().manual_seed(1)
y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij")
along = x + 12 * (y // 16 % 2)
tone = torch.rand(5, 5, generator=generator)[y // 16, along // 24]
grain = 0.05 * torch.randn(H, W, generator=generator)
brick = torch.stack([0.55 + 0.25 * tone, 0.28 + 0.12 * tone, 0.2 + 0.06 * tone]) + grain
mortar = torch.tensor([0.8, 0.77, 0.72]).view(3, 1, 1) + 0.5 * grain
wall = torch.where((y % 16 < 3) | (along % 24 < 3), mortar, brick).clamp(0, 1)[None]  # (1, 3, 80, 96)

with torch.no_grad():
    of_the_wall = encoder(wall, LAYERS)
    grams = {layer: gram_matrix(of_the_wall[layer], "hw") for layer in LAYERS}
noise = 0.5 + 0.15 * torch.randn(wall.shape, generator=torch.Generator().manual_seed(0))


def relative(found, wanted):
    return (found - wanted).square().sum() / wanted.square().sum()


def build(extra=lambda image, features: 0.0):
    """A wall from noise, by Gram matrices and whatever `extra` adds."""

    def objective(image):
        features = encoder(image, LAYERS)
        gram_loss = sum(relative(gram_matrix(features[layer], "hw"), grams[layer]) for layer in LAYERS)
        return gram_loss + extra(image, features)

    return run_transfer(objective, noise, steps=80, lr=0.04)


def show(pictures, width=3.3):
    _, axes = plt.subplots(1, len(pictures), figsize=(width * len(pictures), 0.9 * width))
    for axis, (title, picture) in zip(axes, pictures.items()):
        axis.imshow(picture[0].permute(1, 2, 0).clamp(0, 1))
        axis.set_title(title)
        axis.axis("off")
    plt.show()


walls = {"The wall": wall}
walls["Same Gram matrices"], history = build()
print(f"Gram loss: {history[0]:.2f} -> {history[-1]:.3f}")
show(walls)

# %% [markdown]
# *Left, a brick wall in straight rows. Right, bricks and mortar of the right colours and widths, in no order at all.*
#
# The mortar has the right colour and about the right width, and it runs nowhere. A Gram
# matrix sums over places, so nothing tells one joint that another one should lie 16 pixels below it: the features that
# could say so have not looked that far. **Equal Gram matrices do not make equal textures.** What they hold is second
# moments of features at one and the same place; what they let go is every arrangement that is wider than a feature's
# view.

# %% [markdown]
# ## First, whose?
#
# "Keep the texture" is two different orders.
#
# - The **style's** texture: strokes, weave, bricks. In this method that *is* the style, local statistics averaged over
#   the picture. To keep it better one needs better statistics. Most of this lesson is about that.
# - The **content's** texture: skin, fabric, lawn. Exactly what the style replaces. To keep some of it one takes the
#   fine detail of the photograph and adds it back, or constrains its Laplacian, and accepts less style there (lessons
#   26 and 30).
#
# A widespread list of answers says: extract texture features with a CNN, fuse them with the content's and the style's,
# and optimise towards the content image. The first half counts the same statistics twice, since Gram features are both
# texture and style. The second half pulls the style out again: a term that asks for $G = 1$ and another that asks for
# $G = 3$ have their common minimum at $G = 2$, a texture that nobody wanted.
#
# And a **pixel loss** cannot help with either. Shift a texture by a few pixels: the same texture. What does the pixel
# loss say?

# %%
gravel = photograph("gravel", size=224)[..., :96, :128]
shifted = photograph("gravel", size=224)[..., 8:104, 12:140]
gray = gravel.mean((2, 3), keepdim=True).expand_as(gravel)
for name, candidate in {"the same gravel, shifted": shifted, "one flat gray": gray}.items():
    print(f"{name:>25}: pixel loss {float((candidate - gravel).square().mean()):.4f}")

# %% [markdown]
# Gray wins, by a factor of two: two unrelated samples differ by twice the variance, a sample and the mean by once.

# %% [markdown]
# ## What comes three places later?
#
# Berger and Memisevic (ICLR 2017) change one thing. Multiply channel $i$ at $p$ with channel $j$ *somewhere else*, at
# $p + (\delta_y, \delta_x)$:
#
# $$G_{ij} = \frac{1}{C (H - \delta_y)(W - \delta_x)} \sum_{p} F_i(p)\, F_j\bigl(p + (\delta_y, \delta_x)\bigr) ,$$
#
# over the places where both exist. By hand, one channel, a row $(1, 0, 0, 1, 0, 0)$: without a shift the products are
# $1, 0, 0, 1, 0, 0$, mean $1/3$. At shift 3 they are $1, 0, 0$, mean $1/3$ too: it repeats there. At shift 1 or 2: $0$.
# Any reordering of the row has the first number; only the rhythm of three has all of them.
#
# Note the direction. $i$ comes first and $j$ later; "light, then dark" is another thing than "dark, then light", so $G$
# is not symmetric.
#
# ### Exercise 27.1: a Gram matrix with a shift


# %% answer="shifted_gram"
def shifted_gram(features: torch.Tensor, dy: int, dx: int) -> torch.Tensor:
    """Products of channel i at p and channel j at p + (dy, dx), averaged over the overlap and divided by C.

    Args:
        features: (B, C, H, W).
        dy, dx: shift in rows and columns, 0 ≤ dy < H and 0 ≤ dx < W.
    Returns:
        (B, C, C), the dtype of `features`, differentiable; [b, i, j] has i unshifted and j shifted.
    Raises:
        ValueError: a shift that is negative or leaves no overlap.
    """
    ### BEGIN SOLUTION
    _, channels, height, width = features.shape
    if not (0 <= dy < height and 0 <= dx < width):
        raise ValueError(f"dy, dx: expected a shift inside {height} x {width}, got ({dy}, {dx})")
    first = features[:, :, : height - dy, : width - dx].flatten(2)  # (B, C, N)
    later = features[:, :, dy:, dx:].flatten(2)  # (B, C, N)
    return first @ later.mT / (channels * first.shape[2])  # (B, C, N) @ (B, N, C) -> (B, C, C)
    ### END SOLUTION


# %% check="shifted_gram"

# %% [markdown]
# Back to the wall. One place at relu2_1 is two pixels, so a row of bricks is 8 places high and a brick 12 wide. Seven
# shifts around those numbers go into the loss.

# %%
SHIFTS = [(4, 0), (8, 0), (16, 0), (24, 0), (0, 12), (0, 24), (8, 6)]
targets = {shift: library_shifted(of_the_wall["relu2_1"], *shift) for shift in SHIFTS}


def rhythm(image, features):
    return sum(relative(library_shifted(features["relu2_1"], *shift), targets[shift]) for shift in SHIFTS)


walls["With seven shifts"], history = build(rhythm)
show(walls)

# %% [markdown]
# *Three walls: the original, the disordered one, and one whose joints mostly lie in level rows at even distances.*
#
# The rows are back, not everywhere and not perfectly, by seven more matrices. The price is that you have to know where
# to look: the shifts must lie near the period. Is there a statistic that looks at *every* distance at once?

# %% [markdown]
# ## The spectrum: every distance at once
#
# The power spectrum of an image is the Fourier transform of its autocorrelation, the products of pixels at every
# distance. Liu, Gousseau and Xia (2016) therefore ask for the exemplar's spectrum as well. For colour images that means
# power *and* the cross spectra between the channels, and then only one thing is left free at each frequency: a phase
# $e^{i\varphi}$, the *same* for red, green and blue.
#
# Given an image with transforms $X_c$, which of all those phases comes nearest to it? The distance is
#
# $$\sum_c \bigl| X_c - e^{i\varphi} U_c \bigr|^2 = \text{const} - 2\, \operatorname{Re}\Bigl( e^{-i\varphi}
# \underbrace{\textstyle\sum_c X_c\, \overline{U_c}}_{z} \Bigr) ,$$
#
# smallest if $e^{i\varphi}$ points where $z$ points: $e^{i\varphi} = z/|z|$. The result, $F^{-1}(z/|z| \cdot U_c)$, is
# the projection, and half its squared distance to the image is a texture loss whose gradient is the difference itself.
#
# ### Exercise 27.2: the nearest image with that spectrum


# %% answer="spectrum_projection"
def spectrum_projection(img: np.ndarray, exemplar: np.ndarray) -> np.ndarray:
    """The image nearest to `img` among those with the exemplar's power and cross-channel spectra.

    X, U: 2-D Fourier transforms of each channel. z = Σ_c X_c conj(U_c); phase z/|z|, and 1 where |z| < 1e-12; result
    the real part of the inverse transform of phase · U_c.

    Args:
        img, exemplar: (H, W, 3) float64, any range.
    Returns:
        (H, W, 3) float64, not clipped.
    Raises:
        ValueError: the shapes differ.
    """
    ### BEGIN SOLUTION
    if img.shape != exemplar.shape:
        raise ValueError(f"exemplar: expected {img.shape}, got {exemplar.shape}")
    X, U = (np.fft.fft2(picture, axes=(0, 1)) for picture in (img, exemplar))  # (H, W, 3)
    z = (X * U.conj()).sum(axis=2, keepdims=True)  # (H, W, 1): one phase for the three channels
    silent = np.abs(z) < 1e-12
    phase = np.where(silent, 1, z / np.where(silent, 1, np.abs(z)))
    return np.fft.ifft2(phase * U, axes=(0, 1)).real
    ### END SOLUTION


# %% check="spectrum_projection"

# %% [markdown]
# Project plain noise. Beside the right version, the tempting one, a phase for each channel. **Before you run it:** both
# keep the power spectrum of red, of green, of blue. What will be wrong with the second?

# %%
X, U = torch.fft.fft2(noise), torch.fft.fft2(wall)
own = X * U.conj()
per_channel = torch.fft.ifft2(own / own.abs() * U).real
show(
    {
        "The wall": wall,
        "Noise": noise,
        "One phase for all": library_projection(noise, wall),
        "A phase each": per_channel,
    }
)


def spread(image):
    """The share of the colours' variance along their main direction."""
    eigenvalues = torch.linalg.eigvalsh(torch.cov(image[0].flatten(1)))
    return float(eigenvalues[-1] / eigenvalues.sum())


for name, picture in {
    "wall": wall,
    "one phase": library_projection(noise, wall),
    "a phase each": per_channel,
}.items():
    print(f"{name:>12}: {spread(picture):.0%} of the colour variance lies along one line")

# %% [markdown]
# *Four pictures: the wall; gray noise; a woven pattern of brick red and mortar with the wall's periods; the same weave
# in false greens, purples and blues.*
#
# Both weaves have the wall's periods, rows and columns; only the first has its colours. In the wall, red, green and
# blue rise and fall together, and that "together" is what the phase *between* channels stores. And neither is a wall: a
# spectrum fixes second moments of pixels, at every distance, and nothing beyond. Corners and straight edges need the
# network's statistics. So one takes both.

# %%
walls["With the spectrum"], history = build(
    lambda image, features: 20 * (image - library_projection(image.detach(), wall)).square().mean()
)
show(walls, width=2.9)

# %% [markdown]
# *Four walls. The last one has level rows over the whole width; its upright joints are less certain than its rows.*
#
# <details><summary>Ask yourself: would sliced Wasserstein straighten the rows?</summary>
#
# No. It matches the whole distribution of feature vectors, all moments where a Gram matrix holds the second, and still
# at one place: shuffle the places and nothing changes (lesson 15). More moments and more distances are two different
# directions in which to add.
#
# </details>

# %% [markdown]
# ## Matches without places
#
# The contextual loss (Mechrez, Talmi and Zelnik-Manor, ECCV 2018) goes a third way: sets of features, and *who
# resembles whom*. For every feature $x_i$ of the result and $y_j$ of the target:
#
# 1. $d_{ij} = 1 - \cos(x_i - m, y_j - m)$, with $m$ the mean of the **target**: centred by it, directions spread out.
# 2. $\tilde d_{ij} = d_{ij} / (\min_k d_{ik} + \epsilon)$: how much worse than $x_i$'s best choice?
# 3. $w_{ij} = \exp\bigl((1 - \tilde d_{ij})/h\bigr)$, and $CX_{ij} = w_{ij} / \sum_k w_{ik}$: one vote for each $x_i$.
# 4. $-\log\bigl(\frac1M \sum_j \max_i CX_{ij}\bigr)$: each target wants one convinced voter, wherever it is.
#
# By hand: $x_1$ has distances $(0.1, 0.4)$, $x_2$ has $(0.6, 0.9)$. Relative: $(1, 4)$ and $(1, 1.5)$. Both prefer the
# first target, $x_1$ clearly, $x_2$ barely. Absolute distances would have said that $x_2$ is bad at everything;
# relative ones say that it is *undecided*, and that is what the vote expresses.
#
# ### Exercise 27.3: the contextual loss


# %% answer="contextual_loss"
def contextual_loss(x: torch.Tensor, y: torch.Tensor, h: float = 0.5, eps: float = 1e-5) -> torch.Tensor:
    """−log of the mean over j of the maximum over i of CX_ij.

    Subtract y's mean over its columns from both; unit columns (norm at least 1e-12); d_ij = 1 − cos(x_i, y_j);
    divide by (min over j of d_ij) + eps; w = exp((1 − that)/h); CX_ij = w_ij / Σ_k w_ik. Must be finite for x = y
    with a tiny h.

    Args:
        x: (C, N), features as columns; the gradient reaches it.
        y: (C, M), the target, a constant; M may differ from N.
        h: bandwidth.
        eps: added to the row minimum.
    Returns:
        A 0-d tensor.
    Raises:
        ValueError: C differs, or h is not positive.
    """
    ### BEGIN SOLUTION
    if x.shape[0] != y.shape[0]:
        raise ValueError(f"y: expected {x.shape[0]} rows, got {y.shape[0]}")
    if h <= 0:
        raise ValueError(f"h: expected a positive number, got {h}")
    y = y.detach()
    center = y.mean(1, keepdim=True)
    a, b = (torch.nn.functional.normalize(side - center, dim=0, eps=1e-12) for side in (x, y))
    d = 1 - a.T @ b  # (N, M)
    worse = d / (d.amin(1, keepdim=True) + eps)
    votes = torch.softmax((1 - worse) / h, dim=1)  # subtracts the row's maximum itself; rows sum to 1
    return -votes.amax(0).mean().log()
    ### END SOLUTION


# %% check="contextual_loss"

# %% [markdown]
# Take the shifted gravel once more, which the pixel loss liked less than flat gray. Eight features of the target each
# look for their convinced voter in the shifted picture.

# %%
with torch.no_grad():
    source, target, flat = (
        encoder(picture, ["relu3_1"])["relu3_1"][0] for picture in (shifted, gravel, gray)
    )
    xs, ys = source.flatten(1), target.flatten(1)  # (96, 768): 24 x 32 places
    center = ys.mean(1, keepdim=True)
    a, b = (torch.nn.functional.normalize(side - center, dim=0) for side in (xs, ys))
    d = 1 - a.T @ b
    voters = torch.softmax(-d / (d.amin(1, keepdim=True) + 1e-5) / 0.5, 1).argmax(
        0
    )  # (768,), for each target

figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for axis, picture, title in zip(
    axes, (gravel, shifted), ("Target", "The same gravel, 8 rows and 12 columns on")
):
    axis.imshow(picture[0].permute(1, 2, 0))
    axis.set_title(title)
    axis.axis("off")
for row, column in ((5, 6), (5, 18), (8, 28), (12, 11), (12, 22), (18, 7), (20, 16), (20, 27)):
    v, u = divmod(int(voters[row * 32 + column]), 32)
    arrow = ConnectionPatch(
        (4 * column + 2, 4 * row + 2), (4 * u + 2, 4 * v + 2), "data", "data", axesA=axes[0], axesB=axes[1],
        color="#E69F00", linewidth=1.5, arrowstyle="-|>",
    )  # fmt: skip
    figure.add_artist(arrow)
plt.show()
row, column = torch.arange(768) // 32, torch.arange(768) % 32
right = (row - voters // 32 == 2) & (column - voters % 32 == 3)  # 8 and 12 pixels, of 4 each
inside = (row >= 2) & (column >= 3)  # what both pictures show
print(f"targets whose voter is at the true place: {float(right[inside].double().mean()):.0%}")
for name, features in {"shifted": source, "flat gray": flat}.items():
    print(f"contextual loss, {name}: {float(library_contextual(features.flatten(1), ys)):.2f}")

# %% [markdown]
# *Two pictures of gravel with eight nearly parallel arrows from left to right.*
#
# Of the features that both pictures show, more than four in five find their voter at exactly the right place, and
# nobody told the loss that there was a shift. The preference is turned around: the shifted gravel costs little, the
# gray a great deal, since one gray feature cannot be the clear favourite of hundreds of targets.
#
# So contextual loss does **not** compare position by position; it has no positions. That makes it useful for pairs that
# show the same things at other places, and it is also its limit: like a Gram matrix, it would accept the gravel in
# disorder.
#
# The bandwidth decides how clear a favourite must be:

# %%
for h in (0.05, 0.5, 5.0):
    votes = torch.softmax(-d / (d.amin(1, keepdim=True) + 1e-5) / h, 1)
    print(f"h = {h:>4}: the best target gets {float(votes.amax(1).mean()):.0%} of a vote on average")

# %% [markdown]
# A small h lets each feature vote for its favourite alone, and the gradient of everything else vanishes. With a large
# one all targets get nearly the same share, except where the match is perfect: a distance of zero is infinitely better
# than any other, whatever h is. Hence the 59 %, from the features that lie in both pictures.

# %% [markdown]
# ## Judge without the network
#
# The walls were built by the network's own features, so its features must not judge them. Long before there were any,
# Haralick, Shanmugam and Dinstein (1973) counted how often gray level $i$ meets gray level $j$ at a given offset: the
# **co-occurrence matrix** $P$. By hand, the row $0, 0, 1, 0$, offset one to the right: the pairs $(0,0), (0,1), (1,0)$.
# Both directions count, so add the transpose: $\begin{pmatrix} 2 & 2 \\ 2 & 0 \end{pmatrix} / 6$. Four numbers describe
# it:
#
# contrast $\sum P (i-j)^2$, homogeneity $\sum P / (1 + (i-j)^2)$, energy $\sqrt{\sum P^2}$, and the correlation of $i$
# and $j$.
#
# ### Exercise 27.4: co-occurrence


# %% answer="glcm_features"
def glcm_features(q: np.ndarray, dy: int, dx: int, levels: int) -> dict:
    """Co-occurrence of gray levels at p and p + (dy, dx), and four numbers about it.

    Count the pairs inside the picture, add the transpose, divide by the total: P. contrast Σ P (i−j)²; homogeneity
    Σ P / (1 + (i−j)²); energy √Σ P²; correlation Σ P (i−μ_i)(j−μ_j) / (σ_i σ_j), 1.0 where σ_i σ_j = 0.

    Args:
        q: (H, W), integers of any width, in 0 … levels − 1.
        dy, dx: row and column offset; may be negative.
        levels: number of gray levels.
    Returns:
        {"matrix": (levels, levels) float64, "contrast", "homogeneity", "energy", "correlation": floats}.
    Raises:
        ValueError: a value out of range, or an offset that leaves no pair.
    """
    ### BEGIN SOLUTION
    height, width = q.shape
    if q.min() < 0 or q.max() >= levels:
        raise ValueError(f"q: expected values in 0 … {levels - 1}, got {q.min()} … {q.max()}")
    if abs(dy) >= height or abs(dx) >= width:
        raise ValueError(f"dy, dx: expected an offset inside {height} x {width}, got ({dy}, {dx})")
    here = q[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    there = q[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]
    P = np.zeros((levels, levels))
    np.add.at(P, (here.ravel(), there.ravel()), 1)
    P = (P + P.T) / (2 * here.size)
    i, j = np.indices(P.shape)
    mean = (P * i).sum()  # P is symmetric: one mean and one variance for both
    variance = (P * (i - mean) ** 2).sum()
    covariance = (P * (i - mean) * (j - mean)).sum()
    return {
        "matrix": P,
        "contrast": float((P * (i - j) ** 2).sum()),
        "homogeneity": float((P / (1 + (i - j) ** 2)).sum()),
        "energy": float(np.sqrt((P**2).sum())),
        "correlation": float(covariance / variance) if variance > 0 else 1.0,
    }
    ### END SOLUTION


# %% check="glcm_features"

# %% [markdown]
# The four walls, at offsets straight down from 1 to 40 pixels. A wall with rows of 16 pixels must agree with itself at
# 16 and 32, and disagree in between.

# %%
figure, axis = plt.subplots(figsize=(9.5, 3.8))
downwards, scores = range(1, 41), {}
for (name, picture), style, color in zip(
    walls.items(), ("-", ":", "--", "-."), ("#000000", "#CC79A7", "#0072B2", "#E69F00")
):
    levels_map = (picture.mean(1) * 16).long().clamp(max=15)  # (1, H, W)
    scores[name] = [float(library_glcm(levels_map, dy, 0, 16)["correlation"]) for dy in downwards]
    axis.plot(downwards, scores[name], style, color=color, linewidth=2, label=name)
axis.axhline(0, color="gray", linewidth=0.8)
axis.set_xlabel("offset downwards (pixels)")
axis.set_ylabel("co-occurrence correlation")
axis.set_title("Only three of the four walls come back after 16 pixels")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.tight_layout()
plt.show()
for name, values in scores.items():
    print(f"{name:>18}: correlation {values[15]:+.2f} at 16 pixels, {values[31]:+.2f} at 32")

# %% [markdown]
# *Four curves over the offset. Three have peaks at 16 and 32 pixels, of different height; the one with Gram matrices
# alone stays near zero after the first few pixels.*
#
# The number that nobody optimised sees what the eye sees. The Gram wall has the right neighbours and forgets them after
# five pixels. The others come back at 16, where the bricks are displaced by half, and stronger at 32, where they are
# not. One reservation: for the spectrum wall this is nearly what was optimised, since a correlation of gray levels at
# every offset *is* the power spectrum. To judge that one fairly, take a number that it was not made from, such as how
# well the upright joints stand.
#
# <details><summary>Ask yourself: the result has the exemplar's GLCM at one offset. Are the textures the same?</summary>
#
# No more than with equal Gram matrices. Each of these measures has textures that it confuses; use several offsets, and
# say beforehand which difference counts.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Texture Synthesis Using Convolutional Neural Networks*, NeurIPS 2015,
#   arXiv:1505.07376.
# - G. Berger, R. Memisevic, *Incorporating Long-Range Consistency in CNN-Based Texture Generation*, ICLR 2017,
#   arXiv:1606.01286.
# - G. Liu, Y. Gousseau, G.-S. Xia, *Texture Synthesis Through Convolutional Neural Networks and Spectrum Constraints*,
#   ICPR 2016, arXiv:1605.01141.
# - R. Mechrez, I. Talmi, L. Zelnik-Manor, *The Contextual Loss for Image Transformation with Non-Aligned Data*, ECCV
#   2018, arXiv:1803.02077.
# - R. M. Haralick, K. Shanmugam, I. Dinstein, *Textural Features for Image Classification*, IEEE Transactions on
#   Systems, Man, and Cybernetics SMC-3, 1973.
# - V. Kwatra, I. Essa, A. Bobick, N. Kwatra, *Texture Optimization for Example-Based Synthesis*, SIGGRAPH 2005, for
#   "texture optimisation" as a method of its own.
#
# **Next:** lesson 28 keeps the colours by the same logic of statistics; lesson 30 brings back the content's own detail.
