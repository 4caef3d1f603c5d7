# %% [markdown]
# # 29 Denoising / 图像噪声去除
#
# **After this lesson** you can read a noisy picture, name its noise, choose the filter by the reason and not by the
# list, write four of them, and say why a stylised picture mostly needs none.
#
# About 40 minutes, and 80 for the exercises. Read 21 first, for the Gaussian and the bilateral filter.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.filters import bilateral_filter as library_bilateral
from nstkit.filters import gaussian_blur as library_gaussian
from nstkit.filters import median_filter as library_median
from nstkit.filters import nl_means as library_nl_means
from nstkit.filters import switching_median as library_switching
from nstkit.filters import tv_denoise as library_tv
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import nst_objective, total_variation
from nstkit.paintings import paint
from nstkit.transfer import precompute_targets, run_transfer

torch.set_num_threads(2)
generator = torch.Generator().manual_seed(0)
clean = photograph("camera", size=224)[:, :1, 20:132, 30:190]  # (1, 1, 112, 160)
grain = 0.08 * torch.randn(clean.shape, generator=generator)
hits = torch.rand(clean.shape, generator=generator)


def salted(image):
    """5 % black and 5 % white pixels."""
    return torch.where(hits < 0.05, 0.0, torch.where(hits > 0.95, 1.0, image))


def decibels(image):
    """Peak signal-to-noise ratio against the clean picture."""
    return float(-10 * (image.clamp(0, 1) - clean).square().mean().log10())


noises = {
    "Gaussian": (clean + grain).clamp(0, 1),
    "impulses": salted(clean),
    "both": salted((clean + grain).clamp(0, 1)),
}
filters = {
    "nothing": lambda x: x,
    "Gaussian": lambda x: library_gaussian(x, 0.9),
    "bilateral": lambda x: library_bilateral(x, 1.5, 0.2, 4),
    "median": lambda x: library_median(x, 1),
    "NL-means": lambda x: library_nl_means(x, 1, 5, 0.06, 0.08),
    "TV": lambda x: library_tv(x, 0.07, 150),
}

# %% [markdown]
# ## Three noises, five filters, and two that look away
#
# A list of interview answers says: *median for salt-and-pepper, Gaussian filter for Gaussian noise, bilateral filter
# for both.* Here are all pairs, and two more filters. **Before you run it:** in the row of impulses, two filters
# leave the noise practically as it is. Which two?

# %%
figure, axes = plt.subplots(3, 6, figsize=(14, 5.6))
table = {}
for line, (noise, noisy) in zip(axes, noises.items()):
    for axis, (name, apply) in zip(line, filters.items()):
        result = apply(noisy)
        table[noise, name] = decibels(result)
        axis.imshow(result[0, 0], cmap="gray", vmin=0, vmax=1)
        axis.set_title(f"{noise}: {name}, {table[noise, name]:.1f} dB", fontsize=8)
        axis.axis("off")
figure.suptitle("Impulses pass through the bilateral filter and NL-means as if these were not there")
figure.tight_layout()
plt.show()
for noise in noises:
    print(f"{noise:>9}: " + ", ".join(f"{name} {table[noise, name]:.1f}" for name in filters))

# %% [markdown]
# *Three rows of a photographer at his camera: with Gaussian noise, with impulses, with both; six columns, from the
# noisy picture to total variation. In the second row only the median gives the photograph back; bilateral and
# NL-means still show all the black and white dots, and the Gaussian has made blots of them.*
#
# The bilateral filter gains less than half a decibel on impulses. So does NL-means, the best of all in the first row.
# The list is wrong in its third part, and "the best denoiser" is no name of a filter. The question to ask is never
# *how noisy?* but *wrong in which way?*
#
# - **Gaussian noise:** every pixel is a little wrong, and the errors have mean zero. Average, and they cancel. The
#   filters of the first row differ in *whom* they average with.
# - **Impulses:** few pixels are wrong, and these are wrong completely. Averaging spreads their error. Vote.

# %% [markdown]
# ## Voting: the median
#
# Five neighbours say $0.20, 0.21, 0.19, 0.20$ and $1.00$. Which one value stands for all? That depends on what a
# deviation costs:
#
# $$\operatorname*{argmin}_m \sum_q (I_q - m)^2 = \text{mean} = 0.36, \qquad
#   \operatorname*{argmin}_m \sum_q |I_q - m| = \text{median} = 0.20 .$$
#
# The derivative of the first sum is $-2\sum (I_q - m)$, and the liar pulls with a force that grows with his lie. The
# derivative of the second is a sum of signs: each value pulls with force 1, in its direction. As long as the liars are
# fewer than half, they cannot carry it out of the range of the others (a **breakdown point** of 50 %). Squares are also
# what maximum likelihood makes of Gaussian errors, which is why the mean is right *there*.
#
# **Guess:** is the median a bad choice for Gaussian noise, or only not the best? Take 25 values and compare.

# %%
draws = torch.randn(20_000, 25, generator=torch.Generator().manual_seed(1))
print(f"variance of the mean of 25:   {float(draws.mean(1).var()):.4f} (theory 1/25 = 0.0400)")
print(f"variance of the median of 25: {float(draws.median(1).values.var()):.4f}")
draws[:, :10] = 20.0  # 10 of 25 lie
print(f"with ten liars: mean {float(draws.mean()):.2f}, median {float(draws.median(1).values.mean()):.2f}")

# %% [markdown]
# The median's variance is about 1.56 times the mean's here; theory says $\pi/2 = 1.57$ for large windows. For Gaussian
# noise it wastes a third of the pixels. That is the price of its insurance. The last line shows what is insured: with
# ten liars at 20 the mean is at 8, and the median is still among honest values.
#
# ### Exercise 29.1: the median


# %% answer="median_filter"
def median_filter(img: np.ndarray, radius: int) -> np.ndarray:
    """Median of the (2r + 1)² window around each pixel, centre included.

    Args:
        img: (H, W) or (H, W, 3), float32 or float64, without NaN; channels are taken one by one; not modified.
        radius: r, at least 1; may be larger than the picture.
    Returns:
        The shape and dtype of `img`; symmetric border (dcba|abcd|dcba). No Python loop over pixels.
    Raises:
        ValueError: radius < 1, or another number of axes.
    """
    ### BEGIN SOLUTION
    if radius < 1 or img.ndim not in (2, 3):
        raise ValueError(f"expected radius >= 1 and (H, W) or (H, W, 3), got {radius} and {img.shape}")
    side = 2 * radius + 1
    sides = [(radius, radius), (radius, radius)] + [(0, 0)] * (img.ndim - 2)
    padded = np.pad(img, sides, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))  # (…, side, side)
    return np.median(windows, axis=(-2, -1)).astype(img.dtype)
    ### END SOLUTION


# %% check="median_filter"

# %% [markdown]
# ## Why the bilateral filter looks away
#
# Put one white pixel on a flat gray wall and write down the weights with which the bilateral filter averages *at that
# pixel*: near in space, times alike in value.

# %%
wall = torch.full((1, 1, 9, 11), 0.3)
wall[0, 0, 4, 5] = 1.0
offsets_y, offsets_x = torch.meshgrid(torch.arange(9) - 4.0, torch.arange(11) - 5.0, indexing="ij")
space = torch.exp(-(offsets_y**2 + offsets_x**2) / (2 * 1.5**2))
alike = torch.exp(-((wall[0, 0] - 1.0) ** 2) / (2 * 0.2**2))
figure, axes = plt.subplots(1, 3, figsize=(10, 2.7))
for axis, image, title in (
    (axes[0], space, "Weight of space"),
    (axes[1], alike, "Weight of likeness"),
    (axes[2], space * alike, "Their product: one pixel is left"),
):
    picture = axis.imshow(image, cmap="viridis", vmin=0, vmax=1)
    axis.set_title(title, fontsize=10)
    axis.set_xlabel("column")
axes[0].set_ylabel("row")
figure.colorbar(picture, ax=axes, label="weight")
plt.show()
print(f"weight of a direct neighbour: {float((space * alike)[4, 6]):.4f}; of the pixel itself: 1")
print(f"the white pixel afterwards: {float(library_bilateral(wall, 1.5, 0.2, 4)[0, 0, 4, 5]):.3f}")

# %% [markdown]
# *Three maps of weights around one pixel: a smooth bell; a single bright cell; and their product, the same single
# cell.*
#
# An impulse resembles nobody, so nobody's vote counts, and it keeps its value. To this filter it is an edge on all
# four sides, and edges are what it protects. NL-means has the same blind spot for the same reason: a patch with an
# impulse in it has no second copy. (There are bilateral filters with a switch for impulses; they were invented
# because of this.)
#
# The median has the opposite fault: it votes at *every* pixel, also where nothing is wrong, and thin lines lose every
# vote. Hence the **switching median**: ask the median first, and replace a pixel only if it is far from it.
#
# ### Exercise 29.2: only where it is wrong
#
# Medians are given, so that a mistake in 29.1 does not cost you here.


# %% tags=["setup"]
def local_medians(img: np.ndarray, radius: int) -> np.ndarray:
    """The medians of 29.1 for a gray picture (H, W)."""
    padded = torch.from_numpy(np.pad(img.astype(np.float64), radius, mode="symmetric"))[None, None]
    columns = torch.nn.functional.unfold(padded, 2 * radius + 1)  # (1, (2r + 1)², HW)
    return columns.median(1).values.reshape(img.shape).numpy().astype(img.dtype)


# %% answer="switching_median"
def switching_median(img: np.ndarray, radius: int, threshold: float) -> np.ndarray:
    """The median m where |img - m| > threshold; all other pixels stay bit by bit.

    Args:
        img: (H, W), float32 or float64; not modified.
        radius: of the median's window, at least 1. You may use `local_medians(img, radius)`.
        threshold: at least 0.
    Returns:
        The shape and dtype of `img`.
    Raises:
        ValueError: threshold < 0, radius < 1, or not (H, W).
    """
    ### BEGIN SOLUTION
    if threshold < 0 or radius < 1 or img.ndim != 2:
        raise ValueError(
            f"expected threshold >= 0, radius >= 1 and (H, W), got {threshold}, {radius}, {img.shape}"
        )
    median = local_medians(img, radius)
    return np.where(np.abs(img - median) > threshold, median, img)
    ### END SOLUTION


# %% check="switching_median"

# %% [markdown]
# **Predict:** the third row of the table has both noises. Smooth first, or remove impulses first?


# %%
def repair(x):
    return library_switching(x, 1, 0.2)


def smooth(x):
    return library_nl_means(x, 1, 5, 0.06, 0.08)


both = noises["both"]
chains = {
    "impulses first": smooth(repair(both)),
    "smoothing first": repair(smooth(both)),
    "Gaussian blur first": repair(library_gaussian(both, 0.9)),
}
figure, axes = plt.subplots(1, 4, figsize=(13, 2.6))
for axis, (name, image) in zip(axes, {"both noises": both, **chains}.items()):
    axis.imshow(image[0, 0], cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"{name}, {decibels(image):.1f} dB", fontsize=9)
    axis.axis("off")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The picture with both noises and three repairs: clean after "impulses first"; specked after "smoothing first";
# covered with soft blots after "Gaussian blur first".*
#
# Impulses first. After a Gaussian blur the switching median finds nothing to do: 21.9 dB is what the blur had reached
# alone, because a blot is no outlier. NL-means first does less harm, for a curious reason: it is blind to impulses and
# leaves them whole, so they can still be found. But the patches that they sit in were never smoothed.

# %% [markdown]
# ## Averaging with whom? Non-local means
#
# Back to the first row. A Gaussian averages with neighbours, near or not alike. The bilateral filter with neighbours
# that look alike, but it judges by one pixel, and that one is noisy. Buades, Coll and Morel (CVPR 2005) judge by the
# whole patch around it, and they look further than next door:
#
# $$w(x, t) = e^{-\max(d^2 - 2\sigma^2,\ 0)/h^2}, \qquad
#   d^2 = \underset{\text{patch}}{\operatorname{mean}} \bigl(I(x + t + \cdot) - I(x + \cdot)\bigr)^2 .$$
#
# A repeated pattern is its own second photograph. $h$ says how unlike a patch may be and still count. And the odd
# $2\sigma^2$? **Ask the noise.** Take one patch twice, with independent noise on each. How far apart are the two?

# %%
sigma = 0.08
pairs = sigma * torch.randn(2, 10_000, 9, generator=torch.Generator().manual_seed(2))
d2 = (pairs[0] - pairs[1]).square().mean(1)  # (10000,): the patch underneath cancels
print(f"mean of d² over 10,000 pairs: {float(d2.mean()):.4f}; 2 sigma² = {2 * sigma**2:.4f}")

residual = noises["Gaussian"] - library_median(noises["Gaussian"], 2)
mad = residual.abs().median() / 0.6745  # of a Gaussian, half lies within 0.6745 sigma
print(f"noise level by the median absolute deviation: {float(mad):.3f} (true: {sigma})")
salt = noises["both"] - library_median(noises["both"], 2)
print(
    f"the same with 10 % impulses: {float(salt.abs().median() / 0.6745):.3f}; "
    f"by the standard deviation: {float(salt.std()):.3f}"
)

# %% [markdown]
# Each of the two noises brings one $\sigma^2$. A distance of $2\sigma^2$ means "the same patch", so it is taken off
# before anything is weighed, and $h$ can be small.
#
# Every parameter in the table at the top hangs on $\sigma$, and nobody tells you $\sigma$. The last two lines measure
# it from the picture: take off what is smooth, and look at the *median* of what is left. The standard deviation would
# count impulses at full weight, and it does.
#
# ### Exercise 29.3: non-local means
#
# The loop runs over offsets, never over pixels: one shifted picture, one map of squared differences, one map of weights
# at a time.


# %% answer="nl_means"
def nl_means(
    img: np.ndarray, patch_radius: int, search_radius: int, h: float, sigma: float = 0.0
) -> np.ndarray:
    """Σ_t w I(x + t) / Σ_t w with w = exp(-max(d² - 2σ², 0) / h²).

    d² is the mean over the (2p + 1)² patch of (I(x + t + ·) - I(x + ·))², all its pixels alike.

    Args:
        img: (H, W), float32 or float64; not modified; padded symmetrically by p + s.
        patch_radius, search_radius: p and s, at least 1; t runs over (2s + 1)² offsets, 0 included.
        h: above 0.
        sigma: standard deviation of the noise, at least 0.
    Returns:
        The shape and dtype of `img`. No Python loop over pixels.
    Raises:
        ValueError: h ≤ 0, sigma < 0, a radius < 1, or not (H, W).
    """
    ### BEGIN SOLUTION
    p, s = patch_radius, search_radius
    if h <= 0 or sigma < 0 or min(p, s) < 1 or img.ndim != 2:
        raise ValueError("expected h > 0, sigma >= 0, radii >= 1, and (H, W)")
    height, width = img.shape
    padded = np.pad(img.astype(np.float64), p + s, mode="symmetric")
    here = padded[s : s + height + 2 * p, s : s + width + 2 * p]  # the picture and p pixels around it
    total, weights = np.zeros(img.shape), np.zeros(img.shape)
    for y in range(2 * s + 1):
        for x in range(2 * s + 1):
            there = padded[y : y + height + 2 * p, x : x + width + 2 * p]
            squares = (there - here) ** 2
            for axis in (0, 1):  # the mean over a square, one axis after the other
                lines = np.lib.stride_tricks.sliding_window_view(squares, 2 * p + 1, axis=axis)
                squares = lines.mean(-1)
            w = np.exp(-np.maximum(squares - 2 * sigma**2, 0) / h**2)
            total += w * there[p : p + height, p : p + width]
            weights += w
    return (total / weights).astype(img.dtype)
    ### END SOLUTION


# %% check="nl_means"

# %% [markdown]
# ## A price on every jump: total variation
#
# The last filter has no window. Rudin, Osher and Fatemi (1992) state what they want and minimise:
#
# $$\min_u\ \tfrac12 \sum (u - f)^2 + \lambda \sum |\nabla u| .$$
#
# Stay near the data $f$, and pay for each difference of neighbours, by its *length* (isotropic; lesson 12's loss adds
# $|dx| + |dy|$). One jump of height 1 costs as much as ten of 0.1, so nothing asks to turn an edge into a ramp. But
# there is a reason to make it lower. A picture of width $W$, left half 0, right half 1: raise the left half by $a$, and
# lower the right half by $a$. For each row the data term is $\tfrac12 W a^2$ and the variation $\lambda (1 - 2a)$.
# Derivative zero: $W a = 2\lambda$, so
#
# $$a = 2\lambda / W .$$
#
# The **loss of contrast** is known before you run anything: $\lambda$ times the length of the edge, over the pixels
# that have to move. Large things lose little, and small things vanish.

# %%
half = torch.zeros(1, 1, 32, 16, dtype=torch.float64)
half[..., 8:] = 1.0
for lam in (0.05, 0.4, 1.0):
    u = library_tv(half, lam, 2000)
    print(f"lambda {lam}: left half rises to {float(u[0, 0, 16, 0]):.4f}, predicted {2 * lam / 16:.4f}")

lams = (0.05, 0.15, 0.4)
figure, axes = plt.subplots(1, 4, figsize=(13.5, 2.9), width_ratios=(1, 1, 1, 1.3))
for axis, lam in zip(axes, lams):
    axis.imshow(library_tv(noises["Gaussian"], lam, 200)[0, 0], cmap="gray", vmin=0, vmax=1)
    axis.set_title(f"lambda {lam}", fontsize=10)
    axis.axis("off")
ramp = torch.cat([torch.zeros(20), torch.linspace(0, 0.6, 30), torch.full((20,), 1.0)])
signal = (ramp + 0.05 * torch.randn(70, generator=torch.Generator().manual_seed(3)))[
    None, None, None
].double()
axes[3].plot(signal.flatten(), color="#999999", linewidth=1, label="noisy")
for lam, color, style in ((0.1, "#0072B2", "-"), (0.6, "#D55E00", "--")):
    axes[3].plot(library_tv(signal, lam, 2000).flatten(), style, color=color, label=f"lambda {lam}")
axes[3].set_xlabel("pixel of one row")
axes[3].set_title("Ramps become stairs, steps stay steep", fontsize=10)
axes[3].legend(fontsize=8)
figure.tight_layout()
plt.show()

# %% [markdown]
# *The photographer at three λ: smooth, flat, and cut from paper. Beside them a row with a ramp and a step: the ramp
# turns into stairs; the step stays within one pixel and gets lower.*
#
# Now solve it. $|\nabla u|$ has no derivative at 0, exactly where the solution likes to be. Chambolle (2004) moves the
# trouble: $|g| = \max_{|p| \le 1} p \cdot g$, one arrow $p$ for each pixel, and for given arrows the best picture is
# $u = f - \lambda \operatorname{div} p$. What is left is to turn the arrows:
#
# $$p \leftarrow \frac{p + \tau g}{1 + \tau |g|}, \qquad g = \nabla(\operatorname{div} p - f/\lambda), \qquad
# \tau = \tfrac18 .$$
#
# The denominator keeps $|p| \le 1$. For $\tau \le 1/8$ convergence is proved, and ¼ is seen to work. One trap is in
# $\operatorname{div}$: it must be *minus the transpose* of $\nabla$, at the border too, or the mean drifts.
#
# ### Exercise 29.4: total variation


# %% answer="tv_denoise"
def tv_denoise(img: np.ndarray, lam: float, n_iter: int = 300) -> np.ndarray:
    """The u that minimises ½ Σ (u - f)² + λ Σ |grad u|₂; graded on its energy, within 0.2 % of the least.

    grad takes forward differences down and to the right, 0 in the last row and column; div = -gradᵀ.

    Args:
        img: f, (H, W), float32 or float64; not modified.
        lam: λ, above 0.
        n_iter: iterations, at least 1.
    Returns:
        u, the shape, dtype and mean of `img`.
    Raises:
        ValueError: lam ≤ 0, n_iter < 1, or not (H, W).
    """
    ### BEGIN SOLUTION
    if lam <= 0 or n_iter < 1 or img.ndim != 2:
        raise ValueError(f"expected lam > 0, n_iter >= 1 and (H, W), got {lam}, {n_iter} and {img.shape}")
    f = img.astype(np.float64)
    down, right = np.zeros_like(f), np.zeros_like(f)  # p

    def div():
        out = down + right  # the last row of `down` and the last column of `right` are always 0
        out[1:] -= down[:-1]
        out[:, 1:] -= right[:, :-1]
        return out

    for _ in range(n_iter):
        v = div() - f / lam
        g_down, g_right = np.zeros_like(f), np.zeros_like(f)
        g_down[:-1], g_right[:, :-1] = np.diff(v, axis=0), np.diff(v, axis=1)
        shrink = 1 + np.sqrt(g_down**2 + g_right**2) / 8
        down, right = (down + g_down / 8) / shrink, (right + g_right / 8) / shrink
    return (f - lam * div()).astype(img.dtype)
    ### END SOLUTION


# %% check="tv_denoise"

# %% [markdown]
# The library's version takes the same arrows by steps with momentum (Beck and Teboulle, 2009) and needs a fraction of
# the iterations. The picture is the same: the energy has one minimum.
#
# ## The noise that is none
#
# None of these noises comes from a sensor when you stylise a picture. Two things look like noise there. The first is
# made by the network. A transposed convolution with stride 2 and a 3 × 3 kernel writes some pixels from one place, some
# from two, some from four:

# %%
flat = torch.ones(1, 1, 6, 8)
kernel = torch.ones(1, 1, 3, 3) / 2.25  # so that the mean stays 1
strided = torch.nn.functional.conv_transpose2d(flat, kernel, stride=2)[0, 0, 2:10, 2:12]
resized = torch.nn.functional.interpolate(flat, scale_factor=2, mode="nearest")
resized = torch.nn.functional.conv2d(resized, kernel / 4)[0, 0, :8, :10]
print("transposed convolution of a constant:", sorted({round(v, 2) for v in strided.flatten().tolist()}))
print("resize, then convolve:               ", sorted({round(v, 2) for v in resized.flatten().tolist()}))

# %% [markdown]
# A constant comes out as a checkerboard (Odena, Dumoulin and Olah, Distill 2016). Resizing first and convolving then
# keeps it constant, whatever the weights. A filter could hide the pattern only together with all true detail of that
# period, in every picture again.
#
# The second is residue of the optimisation: pixels that the losses do not care about. Compare two cures on the same
# stylised cup. *In the loss*: a total-variation term while optimising. *Afterwards*: `tv_denoise` on the finished
# picture, with λ chosen so that both end at the same total variation. **Which has the lower objective, content plus
# style?**

# %%
photo = photograph("coffee", size=96)  # (1, 3, 64, 96)
layers = ["relu2_1"], ["texture1", "relu1_1", "relu2_1"]
encoder = load_encoder("tiny").cut([*layers[0], *layers[1]])
targets = precompute_targets(encoder, photo, paint("ink_wash", *photo.shape[2:]), *layers)


def objective(image):
    return nst_objective(image, encoder, targets, 1.0, 30.0)[0]


def variation(image):
    return float(total_variation(image).sum()) / image.numel()


plain, _ = run_transfer(objective, photo, steps=40)
in_loss, _ = run_transfer(
    lambda x: objective(x) + 4.0 * total_variation(x).sum() / x.numel(), photo, steps=40
)
low, high = 1e-4, 1.0
for _ in range(12):  # bisection for the λ that gives the same total variation
    lam = (low * high) ** 0.5
    afterwards = library_tv(plain, lam, 60)
    low, high = (lam, high) if variation(afterwards) > variation(in_loss) else (low, lam)
figure, axes = plt.subplots(1, 3, figsize=(10.5, 2.7))
for axis, (name, image) in zip(
    axes, {"no cure": plain, "in the loss": in_loss, "filtered afterwards": afterwards}.items()
):
    axis.imshow(image[0].permute(1, 2, 0).clamp(0, 1))
    axis.set_title(name, fontsize=10)
    axis.axis("off")
    with torch.no_grad():
        print(
            f"{name:>19}: total variation {variation(image):.4f} a value, objective {float(objective(image)):.3f}"
        )
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three cups in ink wash: with specks and ragged lines; smoother; and smoothed afterwards, nearly alike to look at.*
#
# Both cures took the same quarter off the variation. In the loss that cost less than one percent of the objective;
# afterwards it raised the objective by more than half. While optimising, the pixels can choose *which* variation to
# give up, and they give up what content and style do not need. A filter afterwards knows of neither. So: **cure it
# where it is made**, in the loss or the network. Filters are for pictures whose maker you cannot ask.

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - C. Tomasi, R. Manduchi, *Bilateral Filtering for Gray and Color Images*, ICCV 1998.
# - A. Buades, B. Coll, J.-M. Morel, *A Non-Local Algorithm for Image Denoising*, CVPR 2005; *Non-Local Means
#   Denoising*, Image Processing On Line 1, 2011, where $2\sigma^2$ is taken off.
# - L. I. Rudin, S. Osher, E. Fatemi, *Nonlinear Total Variation Based Noise Removal Algorithms*, Physica D 60, 1992.
# - A. Chambolle, *An Algorithm for Total Variation Minimization and Applications*, JMIV 20, 2004.
# - A. Beck, M. Teboulle, *Fast Gradient-Based Algorithms for Constrained Total Variation Image Denoising and Deblurring
#   Problems*, IEEE Transactions on Image Processing 18, 2009.
# - A. Odena, V. Dumoulin, C. Olah, *Deconvolution and Checkerboard Artifacts*, Distill 2016.
#
# **Next:** lesson 30 boosts detail, and to a linear filter noise is detail: denoise before you boost.
