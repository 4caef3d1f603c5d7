# %% [markdown]
# # 21 Image blurring / 图像模糊处理
#
# **After this lesson** you can write a Gaussian, a box, a bilateral filter and a scale space from their formulas, say
# what each costs and what it sees beyond the border, and tell what a blur can do for a stylised picture.
#
# About 40 minutes, and 70 for the exercises. Read 01 first. Lesson 10 blurs inside a loss; here we blur pictures.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.filters import bilateral_filter as library_bilateral
from nstkit.filters import box_mean as library_box
from nstkit.filters import gaussian_blur as library_gaussian
from nstkit.filters import gaussian_scale_space as library_scales
from nstkit.filters import gaussian_taps, pad_border
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import nst_objective
from nstkit.paintings import paint
from nstkit.transfer import precompute_targets, run_transfer

torch.set_num_threads(2)
content = photograph("chelsea", size=144)  # (1, 3, 96, 144)
painting = paint("mosaic", *content.shape[2:])
content_layers, style_layers = ["relu2_1"], ["texture1", "relu1_1", "relu2_1"]
encoder = load_encoder("tiny").cut(content_layers + style_layers)
targets = precompute_targets(encoder, content, painting, content_layers, style_layers)
stylized, _ = run_transfer(
    lambda image: nst_objective(image, encoder, targets, 1.0, 30.0)[0], content, steps=40
)


def show(axis, image, title):
    axis.imshow(image[0].permute(1, 2, 0).clamp(0, 1))
    axis.set_title(title, fontsize=10)
    axis.axis("off")


# %% [markdown]
# ## A number that says: blur it
#
# A list of interview answers claims that blurring "brings the result visually closer to the content image". Do not
# argue. Measure. Below, a stylised cat is blurred more and more, and two questions are asked of every version:
#
# - how large is its mean squared error against the photograph?
# - how much of the photograph's fine detail does it hold? We take what a blur with sigma 2 removes from the photograph,
#   $d$, and from the picture, $e$, and print $\langle e, d\rangle / \langle d, d\rangle$: 1 means all of it, 0 none.
#
# **Before you run it:** which way does each number go?

# %%
sigmas = [0.0, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0]
detail = content - library_gaussian(content, 2.0)
errors, shares = [], []
for sigma in sigmas:
    blurred = library_gaussian(stylized, sigma) if sigma else stylized
    kept = blurred - library_gaussian(blurred, 2.0)
    errors.append(float((blurred - content).square().mean()))
    shares.append(float((kept * detail).sum() / detail.square().sum()))
    print(f"sigma {sigma:3.1f}: error {errors[-1]:.4f}, share of the photograph's detail {shares[-1]:.2f}")

figure, axes = plt.subplots(1, 4, figsize=(13, 2.6), width_ratios=(1, 1, 1, 1.25))
show(axes[0], content, "The photograph")
show(axes[1], stylized, "Stylised")
show(axes[2], library_gaussian(stylized, 2.0), "Stylised, then blurred (sigma 2)")
axes[3].plot(sigmas, np.array(errors) / errors[0], "o-", color="#0072B2", label="error (1 = not blurred)")
axes[3].plot(sigmas, np.array(shares) / shares[0], "s--", color="#D55E00", label="detail (1 = not blurred)")
axes[3].set_xlabel("sigma of the blur in pixels")
axes[3].set_title("The error falls, the detail goes", fontsize=10)
axes[3].set_ylim(0, 1.2)
axes[3].legend(fontsize=8)
figure.tight_layout()
plt.show()

# %% [markdown]
# *A cat, the same cat in specks and outlines of strong colour, and that blurred: soft, without specks, without fur.
# Beside them two curves over the sigma of the blur; the error falls to 0.4 and hardly rises again, the detail falls to
# 0.*
#
# The error says that the blur helps, and the eye disagrees. Both are right about what they measure. The strokes of the
# style have little to do with the fur under them, so they count as error, and a blur removes them. The least squared
# error belongs to a picture that commits itself to nothing: a smear. The second number shows what was paid. At sigma 3
# the error is as low as it gets and nine tenths of the detail are gone. The photograph is sharp, and a weighted mean of
# neighbours cannot make a sharp thing out of anything.
#
# So say it the other way round: **a blur takes detail away**, strokes and fur alike. There are places where that is
# what you want, before down-sampling, in a base layer, at the coarse end of a schedule, and they come up below.
#
# <details><summary>Ask yourself: at sigma 0 the share of detail is above 1. How can a stylised picture hold more of the
# photograph's detail than the photograph?</summary>
#
# It holds the photograph's edges with more contrast than the photograph: the style draws them as strong outlines. A
# share above 1 is exaggeration, as in a sharpened picture.
#
# </details>

# %% [markdown]
# ## One bell, used twice
#
# A blur replaces a pixel by a weighted mean of its neighbours. The Gaussian takes as weight of a neighbour at distance
# $(x, y)$
#
# $$g(x, y) = \frac{1}{Z}\, e^{-(x^2 + y^2)/2\sigma^2}
#           = \frac{1}{z}\, e^{-x^2/2\sigma^2} \cdot \frac{1}{z}\, e^{-y^2/2\sigma^2},$$
#
# where $Z$ and $z$ make the weights, the **taps**, add up to 1. The second form is why everybody uses it: the
# exponential of a sum is a product, so a pass down the columns and a pass along the rows do the work of the square. A
# radius $r$ costs $2(2r + 1)$ products for each pixel and not $(2r + 1)^2$.
#
# By hand, $\sigma = 1$ cut at one pixel: $e^{-1/2} = 0.607$, so the taps are $(0.607, 1, 0.607)/2.213 = (0.274, 0.452,
# 0.274)$. Divide by the sum of *these three*, not by $\sqrt{2\pi}\,\sigma = 2.507$: that is the area under the whole
# bell, and every pass with it would leave 0.88 of the brightness.

# %%
for sigma in (0.5, 1.0, 5.0):
    taps = gaussian_taps(sigma)
    by_integral = torch.exp(-((torch.arange(len(taps)) - len(taps) // 2) ** 2) / (2 * sigma**2)) / (
        2.5066 * sigma
    )
    print(
        f"sigma {sigma}: {len(taps)} taps out to 4 sigma, {2 * len(taps)} products a pixel against {len(taps) ** 2}; "
        f"divided by the area they would sum to {float(by_integral.sum()):.3f}"
    )

# %% [markdown]
# The taps are samples of the bell. At sigma 0.5 there are five, they miss the curve between them, and the area is a
# poor guess of their sum. From sigma 1 on you would not notice.
#
# ### What lies beyond the border
#
# The first pixel has no left neighbours. Somebody has to invent them, and every library does it in its own way, under
# names that contradict each other: `reflect` is one thing in NumPy and another in SciPy.

# %%
row = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 1, 4)
white = torch.ones(1, 1, 9, 12)
for border, others in {
    "symmetric": "NumPy symmetric, SciPy reflect, OpenCV BORDER_REFLECT",
    "reflect-101": "NumPy reflect, SciPy mirror, OpenCV BORDER_REFLECT_101",
    "edge": "NumPy edge, SciPy nearest, OpenCV BORDER_REPLICATE",
    "zero": "NumPy constant, SciPy constant, OpenCV BORDER_CONSTANT",
}.items():
    digits = "".join(f"{v:.0f}" for v in pad_border(row, 0, 3, border).flatten())
    corner = library_gaussian(white, 2.0, border=border)[0, 0, 0, 0]
    print(
        f"{border:>11}: {digits[:3]}|{digits[3:7]}|{digits[7:]}  a white corner becomes {corner:.2f}  ({others})"
    )

# %% [markdown]
# With zeros a white wall gets a dark frame. We take "symmetric": it repeats the border pixel once and keeps the mean of
# the picture exactly.
#
# ### Exercise 21.1: the Gaussian


# %% answer="gaussian_blur"
def gaussian_blur(img: np.ndarray, sigma: float, truncate: float = 4.0) -> np.ndarray:
    """Blur with taps exp(-t² / 2σ²), t = -r … r, divided by their sum, on both axes; r = int(truncate·σ + 0.5).

    Args:
        img: (H, W) or (H, W, 3), float32 or float64; not modified.
        sigma: standard deviation in pixels, above 0.
        truncate: how many sigmas the taps reach.
    Returns:
        The shape and dtype of `img`; channels stay apart; the border is symmetric (dcba|abcd|dcba), also for r > H.
    Raises:
        ValueError: sigma ≤ 0, or another number of axes.
    """
    ### BEGIN SOLUTION
    if sigma <= 0 or img.ndim not in (2, 3):
        raise ValueError(f"expected sigma > 0 and (H, W) or (H, W, 3), got {sigma} and {img.shape}")
    radius = int(truncate * sigma + 0.5)
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    taps /= taps.sum()
    out = img.astype(np.float64)
    for axis in (0, 1):
        sides = [(radius, radius) if k == axis else (0, 0) for k in range(img.ndim)]
        padded = np.moveaxis(np.pad(out, sides, mode="symmetric"), axis, 0)
        shifted = (w * padded[k : k + img.shape[axis]] for k, w in enumerate(taps))
        out = np.moveaxis(sum(shifted), 0, axis)
    return out.astype(img.dtype)
    ### END SOLUTION


# %% check="gaussian_blur"

# %% [markdown]
# ## A mean that does not care how wide
#
# Some filters, guided filtering for one (lesson 26), need means over windows of a hundred pixels, many times over. If
# the weights are all equal there is a trick: add up once, from the corner. Let
#
# $$S(i, j) = \sum_{y < i}\ \sum_{x < j} I(y, x) .$$
#
# For the picture $\begin{pmatrix}1&2&3\\4&5&6\end{pmatrix}$ the table, with its row and column of zeros, is
#
# $$S = \begin{pmatrix}0&0&0&0\\0&1&3&6\\0&5&12&21\end{pmatrix} .$$
#
# The sum over the right $2 \times 2$ block, $2 + 3 + 5 + 6 = 16$, is $S(2,3) - S(0,3) - S(2,1) + S(0,1) = 21 - 0 - 5 +
# 0$. Four look-ups, for any window (Crow, 1984). At the border the window is clipped here, and the divisor is the
# number of pixels that are left.
#
# **Before you run it:** the table's last entry is the sum of the whole picture. What happens to a 5 × 5 mean in float32
# if all values lie near 1000?

# %%
random = np.random.default_rng(0)
far = 1000 + random.uniform(size=(800, 800))


def mean_by_table(dtype):
    """5 × 5 means, inside only, by a table of the given dtype."""
    table = np.zeros((801, 801), dtype)
    table[1:, 1:] = far.astype(dtype).cumsum(0, dtype=dtype).cumsum(1, dtype=dtype)
    return (table[5:, 5:] - table[:-5, 5:] - table[5:, :-5] + table[:-5, :-5]) / dtype(25)


exact = library_box(torch.from_numpy(far)[None, None], 2)[0, 0, 2:-2, 2:-2].numpy()
for dtype in (np.float32, np.float64):
    print(f"{dtype.__name__}: largest error of a mean {np.abs(mean_by_table(dtype) - exact).max():.1e}")

# %% [markdown]
# The pixels differ by at most 1, and the means in float32 are off by more than that. A small window is the difference
# of two huge numbers. Add up in float64.
#
# ### Exercise 21.2: the box


# %% answer="box_mean"
def box_mean(img: np.ndarray, radius: int) -> np.ndarray:
    """Mean over the (2r + 1)² window around each pixel, clipped to the picture, at a cost independent of r.

    Args:
        img: (H, W) or (H, W, 3), float32 or float64; not modified.
        radius: r, at least 1; may be larger than the picture.
    Returns:
        The shape and dtype of `img`: the sum divided by the number of pixels inside; sums run in float64.
    Raises:
        ValueError: radius < 1, or another number of axes.
    """
    ### BEGIN SOLUTION
    if radius < 1 or img.ndim not in (2, 3):
        raise ValueError(f"expected radius >= 1 and (H, W) or (H, W, 3), got {radius} and {img.shape}")
    height, width = img.shape[:2]
    table = np.zeros((height + 1, width + 1, *img.shape[2:]))
    table[1:, 1:] = img.astype(np.float64).cumsum(0).cumsum(1)
    rows, columns = np.arange(height), np.arange(width)
    top, bottom = np.maximum(rows - radius, 0), np.minimum(rows + radius + 1, height)
    left, right = np.maximum(columns - radius, 0), np.minimum(columns + radius + 1, width)
    total = table[np.ix_(bottom, right)] - table[np.ix_(top, right)]
    total += table[np.ix_(top, left)] - table[np.ix_(bottom, left)]
    count = (bottom - top)[:, None] * (right - left)  # (H, W)
    return (total / (count if img.ndim == 2 else count[..., None])).astype(img.dtype)
    ### END SOLUTION


# %% check="box_mean"

# %% [markdown]
# ## A neighbour must also look alike
#
# Gaussian and box mix the two sides of every edge. Tomasi and Manduchi (ICCV 1998) ask a second question of each
# neighbour $q$ of a pixel $p$: not only *are you near?* but *do you look like me?*
#
# $$w(p, q) = e^{-\lVert q - p\rVert^2 / 2\sigma_s^2}\; e^{-\lVert I(q) - I(p)\rVert^2 / 2\sigma_r^2}, \qquad
# \text{out}(p) = \frac{\sum_q w(p, q)\, I(q)}{\sum_q w(p, q)} .$$
#
# The denominator is different at every pixel, and it has to be: beside an edge, half of the weights are nearly zero.
# Because the weights are made from the picture, the filter is not linear, and no two passes do its work.
#
# **Guess:** a step of height 0.5 with noise of 0.05. Range sigma 0.15, then 0.6. What is left of the step in each case?

# %%
step = torch.full((1, 1, 64, 60), 0.25)
step[..., 30:] = 0.75
noisy = step + 0.05 * torch.randn(step.shape, generator=torch.Generator().manual_seed(1))
filtered = {
    "noisy": noisy,
    "Gaussian, sigma 3": library_gaussian(noisy, 3.0),
    "bilateral, range 0.15": library_bilateral(noisy, 3.0, 0.15, 8),
    "bilateral, range 0.6": library_bilateral(noisy, 3.0, 0.6, 8),
}
figure, axis = plt.subplots(figsize=(8.5, 3.4))
for (name, image), color, style in zip(
    filtered.items(), ("#999999", "#D55E00", "#0072B2", "#009E73"), ("-", "--", "-", ":")
):
    axis.plot(image[0, 0, 32], style, color=color, label=name, linewidth=1 if name == "noisy" else 2)
    plateau = image[0, 0, 16:48, 5:20].std()
    rise = image[0, 0, :, 31].mean() - image[0, 0, :, 28].mean()
    print(f"{name:>21}: noise on the plateau {plateau:.3f}, rise within three pixels {rise:.2f}")
axis.set_xlabel("column of row 32")
axis.set_ylabel("value")
axis.set_title("The bilateral filter keeps a step that is high against its range sigma")
axis.legend(fontsize=8)
plt.show()

# %% [markdown]
# *Four profiles over one step. The Gaussian turns it into a ramp. The bilateral filter with range 0.15 keeps it upright
# and smooths both plateaus; with range 0.6 it rounds it almost as the Gaussian does.*
#
# "It keeps edges" is half an answer. It keeps edges that are *high against $\sigma_r$*. The range sigma belongs between
# the noise, which must go, and the steps, which must stay; where there is no room between the two, no choice helps. And
# there is no edge detector and no mask in it: each neighbour's weight falls smoothly with its difference.
#
# Look at the noise on the plateau as well: every filter gets it down, but the range-0.15 filter less than the Gaussian.
# It takes some of the noise for structure.

# %%
spaces, ranges = (0.5, 2.0, 5.0), (0.02, 0.1, 0.3, 5.0)
figure, axes = plt.subplots(3, 4, figsize=(11.5, 6.2))
for line, space in zip(axes, spaces):
    for axis, spread in zip(line, ranges):
        show(axis, library_bilateral(content, space, spread, 8), f"space {space}, range {spread}")
figure.suptitle("Right column: plain Gaussian blurs. Top row and left column: hardly touched")
figure.tight_layout()
plt.show()
gap = (library_bilateral(content, 2.0, 5.0, 8) - library_gaussian(content, 2.0)).abs().max()
print(f"space 2, range 5 against the Gaussian with sigma 2: largest difference {gap:.3f}")

# %% [markdown]
# *Twelve cats. Downwards the spatial sigma grows, to the right the range sigma. The last column gets blurrier
# downwards; in the columns between, fur melts into patches while the outlines of eyes and ears stay.*
#
# Read the limits off the grid. $\sigma_r \to \infty$: the second weight is 1, a Gaussian. $\sigma_r \to 0$ or
# $\sigma_s \to 0$: only the pixel itself is left. In the middle of the grid lies what people buy it for: fur gone, eyes
# there. It also looks a little painted, with flat patches and hard joints; this **staircase** effect is what one pays,
# and a reason for the guided filter in lesson 26.
#
# ### Exercise 21.3: the bilateral filter


# %% answer="bilateral_filter"
def bilateral_filter(img: np.ndarray, sigma_space: float, sigma_range: float, radius: int) -> np.ndarray:
    """Σ_q w I(q) / Σ_q w with w = exp(-|q - p|² / 2σ_s²) · exp(-‖I(q) - I(p)‖² / 2σ_r²).

    Args:
        img: (H, W) or (H, W, 3), float32 or float64; not modified. The norm is Euclidean over the channels, and all
            channels share one weight.
        sigma_space, sigma_range: above 0.
        radius: the window holds the offsets with dy² + dx² ≤ radius²; at least 1.
    Returns:
        The shape and dtype of `img`; symmetric border. No Python loop over pixels.
    Raises:
        ValueError: a sigma ≤ 0, radius < 1, or another number of axes.
    """
    ### BEGIN SOLUTION
    if sigma_space <= 0 or sigma_range <= 0 or radius < 1 or img.ndim not in (2, 3):
        raise ValueError("expected sigmas > 0, radius >= 1, and (H, W) or (H, W, 3)")
    here = img.astype(np.float64).reshape(*img.shape[:2], -1)  # (H, W, C)
    height, width = img.shape[:2]
    padded = np.pad(here, [(radius, radius), (radius, radius), (0, 0)], mode="symmetric")
    total, weights = np.zeros_like(here), np.zeros((height, width, 1))
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dy**2 + dx**2 <= radius**2:
                near = padded[radius + dy : radius + dy + height, radius + dx : radius + dx + width]
                apart = ((near - here) ** 2).sum(2, keepdims=True)  # (H, W, 1)
                w = np.exp(-(dy**2 + dx**2) / (2 * sigma_space**2) - apart / (2 * sigma_range**2))
                total += w * near
                weights += w
    return (total / weights).reshape(img.shape).astype(img.dtype)
    ### END SOLUTION


# %% check="bilateral_filter"

# %% [markdown]
# ## Three and four make five
#
# "Multi-scale blur" is no method before one says how the scales follow each other. Blur with sigma 3, and blur the
# result with sigma 4. **Which single sigma is that?**

# %%
twice = library_gaussian(library_gaussian(content, 3.0), 4.0)
for sigma in (4.0, 5.0, 6.0, 7.0):
    print(
        f"against one blur with sigma {sigma:.0f}: {float((twice - library_gaussian(content, sigma)).abs().max()):.4f}"
    )

# %% [markdown]
# Five. A kernel is the distribution of a random step, and blurring twice is taking two independent steps: what adds
# up is the **variance**, $3^2 + 4^2 = 5^2$. In general
#
# $$\sigma_{ab}^2 = \sigma_a^2 + \sigma_b^2 ,$$
#
# and two blurs with sigma 2 are one with 2.83. No other kernel has a family in which every member follows from every
# finer one and which invents no new structure on the way; that, and no likeness to the eye, is what singles out the
# Gaussian (Lindeberg 1994). So a stack of blurs, a **scale space**, is cheap: to reach $\sigma_k$ from the level
# before, only $\sqrt{\sigma_k^2 - \sigma_{k-1}^2}$ is missing.
#
# ### Exercise 21.4: the scale space
#
# A blur is given, so that a mistake in 21.1 does not cost you here. It is not the one you wrote: it mirrors the picture
# and multiplies its Fourier transform by the bell's.


# %% tags=["setup"]
def fourier_blur(img: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of (H, W) or (H, W, 3) with symmetric borders, by the Fourier transform; keeps the dtype."""
    doubled = np.concatenate([img, img[::-1]])
    doubled = np.concatenate([doubled, doubled[:, ::-1]], axis=1)
    down, right = (np.exp(-2 * (np.pi * sigma * np.fft.fftfreq(n)) ** 2) for n in doubled.shape[:2])
    gain = (down[:, None] * right).reshape(*doubled.shape[:2], *[1] * (img.ndim - 2))
    blurred = np.fft.ifft2(np.fft.fft2(doubled, axes=(0, 1)) * gain, axes=(0, 1)).real
    return blurred[: img.shape[0], : img.shape[1]].astype(img.dtype)


# %% answer="gaussian_scale_space"
def gaussian_scale_space(img: np.ndarray, sigmas) -> np.ndarray:
    """The picture at each total sigma, each level from the one before by the variance that is missing.

    Args:
        img: (H, W) or (H, W, 3), float32 or float64; not modified.
        sigmas: a sequence or array of positive numbers that strictly rise. You may use `fourier_blur(img, sigma)`.
    Returns:
        (K, H, W) or (K, H, W, 3), the dtype of `img`; checked within 0.002.
    Raises:
        ValueError: no sigmas, one that is not positive, or sigmas that do not rise.
    """
    ### BEGIN SOLUTION
    values = [float(sigma) for sigma in sigmas]
    if not values or any(after <= before for before, after in zip([0.0, *values], values)):
        raise ValueError(f"sigmas: expected positive numbers that rise, got {values}")
    levels, level, reached = [], img, 0.0
    for sigma in values:
        level = fourier_blur(level, (sigma**2 - reached**2) ** 0.5)
        levels.append(level)
        reached = sigma
    return np.stack(levels)
    ### END SOLUTION


# %% check="gaussian_scale_space"

# %%
sigmas = (0.6, 1.2, 2.4, 4.8, 9.6)
levels = library_scales(stylized, sigmas)  # (5, 1, 3, 96, 144)
figure, axes = plt.subplots(1, 6, figsize=(14, 2))
show(axes[0], stylized, "stylised")
for axis, sigma, level in zip(axes[1:], sigmas, levels):
    show(axis, level, f"sigma {sigma}")
    print(f"sigma {sigma}: contrast left {float(level.std() / stylized.std()):.2f}")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The stylised cat six times, from sharp to a blot. The specks of colour go first, then whiskers, then eyes; warm and
# cold masses go last.*
#
# Each level tells what lives at its scale. The strokes are gone at 1.2, the whiskers at 2.4, the eyes at 9.6, where
# the layout of warm and cold is still there. This is why a blurred loss lets the strokes move and holds the layout
# (lesson 10), and why optimisers work from coarse to fine.
#
# ## Blur first
#
# A **pyramid** also throws pixels away. In which order? Keep every fourth pixel of a pattern of fine rings and see.

# %%
y, x = torch.meshgrid(torch.linspace(-1, 1, 256), torch.linspace(-1, 1, 256), indexing="ij")
rings = (0.5 + 0.5 * torch.cos(160 * (x**2 + y**2)))[None, None]
figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.3))
for axis, image, title in (
    (axes[0], rings, "Rings, 256 pixels"),
    (axes[1], rings[..., ::4, ::4], "Every fourth pixel: rings that are not there"),
    (axes[2], library_gaussian(rings, 2.0)[..., ::4, ::4], "Blurred first: gray where rings are too fine"),
):
    axis.imshow(image[0, 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_title(title, fontsize=9)
    axis.axis("off")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Concentric rings that get finer outwards; the plain subsample shows nine sets of circles, eight of them invented; the
# blurred one fades to gray outwards.*
#
# The false circles are **aliases**: frequencies above half the new sampling rate, which come back as coarse ones. No
# later blur removes them, for they are coarse now. Burt and Adelson's pyramid (1983, lesson 30) blurs before each
# halving.
#
# <details><summary>Ask yourself: a colleague doubles the kernel size at the same sigma "to blur more". What happens?
# </summary>
#
# Nothing that you could see, if it reached three sigma before. The taps out there weigh next to nothing.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - C. Tomasi, R. Manduchi, *Bilateral Filtering for Gray and Color Images*, ICCV 1998.
# - T. Lindeberg, *Scale-Space Theory in Computer Vision*, Kluwer 1994.
# - F. C. Crow, *Summed-Area Tables for Texture Mapping*, SIGGRAPH 1984.
# - P. J. Burt, E. H. Adelson, *The Laplacian Pyramid as a Compact Image Code*, IEEE Trans. Communications 31, 1983.
# - K. He, J. Sun, X. Tang, *Guided Image Filtering*, IEEE TPAMI 35, 2013, on the bilateral filter's artefacts.
#
# **Next:** lesson 22 subtracts a blur to sharpen; 26 keeps edges with box means alone; 29 asks which of these filters
# removes which noise; 30 builds on pyramids.
