# %% [markdown]
# # 30 Detail enhancement / 图像细节增强
#
# **After this lesson** you can take a picture apart into bands and put it together again without losing a bit, turn
# each band up without turning up the noise, fuse two pictures so that nobody finds the seam, and say whose detail you
# enhance.
#
# About 40 minutes, and 90 for the exercises. Read 21 for the Gaussian, 22 for the unsharp mask, 29 for noise.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.enhance import boost_detail as library_boost
from nstkit.enhance import collapse_pyramid as library_collapse
from nstkit.enhance import gaussian_pyramid
from nstkit.enhance import halo_free_sharpen as library_halo_free
from nstkit.enhance import laplacian_pyramid as library_pyramid
from nstkit.enhance import pyramid_blend as library_blend
from nstkit.filters import gaussian_blur, guided_filter
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import nst_objective
from nstkit.paintings import paint
from nstkit.transfer import precompute_targets, run_transfer

torch.set_num_threads(2)
content = photograph("astronaut", size=144)[..., :112, :]  # (1, 3, 112, 144)
layers = ["relu2_1"], ["texture1", "relu1_1", "relu2_1"]
encoder = load_encoder("tiny").cut([*layers[0], *layers[1]])
targets = precompute_targets(encoder, content, paint("stained_glass", *content.shape[2:]), *layers)
stylized, _ = run_transfer(lambda x: nst_objective(x, encoder, targets, 1.0, 30.0)[0], content, steps=40)


def show(axis, image, title):
    axis.imshow(image[0].permute(1, 2, 0).clamp(0, 1), interpolation="nearest")
    axis.set_title(title, fontsize=9)
    axis.axis("off")


# %% [markdown]
# ## Down to 63 pixels, and back without a loss
#
# Blur a picture and keep every second pixel. Do it four times. Of 112 × 144 pixels, 7 × 9 are left, and everybody knows
# that nobody gets the picture back from those. Now watch the error printed below. And to make it worse, the second line
# does the same with a kernel of five *random* numbers in place of a blur.
#
# **Before you run it:** how large will the two errors be?


# %%
def any_pyramid(image, kernel, levels):
    """Bands and rest, for any five numbers as a kernel: filter, drop, spread, filter, subtract."""
    weight = (kernel[:, None] * kernel).expand(3, 1, 5, 5)
    bands = []
    for _ in range(levels - 1):
        padded = torch.nn.functional.pad(image, (2, 2, 2, 2), mode="reflect")
        smaller = torch.nn.functional.conv2d(padded, weight, groups=3)[..., ::2, ::2]
        bands.append(image - spread(smaller, image.shape, weight))
        image = smaller
    return [*bands, image]


def spread(smaller, shape, weight):
    zeros = torch.zeros(shape, dtype=smaller.dtype)
    zeros[..., ::2, ::2] = smaller
    padded = torch.nn.functional.pad(zeros, (2, 2, 2, 2), mode="reflect")
    return 4 * torch.nn.functional.conv2d(padded, weight, groups=3)


exact = stylized.double()
for name, kernel in {
    "the blur (1, 4, 6, 4, 1)/16": torch.tensor([1.0, 4, 6, 4, 1]).double() / 16,
    "five random numbers": torch.rand(5, generator=torch.Generator().manual_seed(0)).double(),
}.items():
    pyramid = any_pyramid(exact, kernel, 5)
    image = pyramid[-1]
    for band in reversed(pyramid[:-1]):
        image = band + spread(image, band.shape, (kernel[:, None] * kernel).expand(3, 1, 5, 5))
    print(
        f"{name}: {tuple(pyramid[-1].shape[2:])} pixels left, "
        f"back with an error of {float((image - exact).abs().max()):.0e}"
    )

bands = library_pyramid(stylized, 5)
figure, axes = plt.subplots(1, 6, figsize=(14.5, 2.3))
show(axes[0], stylized, "The picture")
for number, (axis, band) in enumerate(zip(axes[1:], bands)):
    title = "what is left" if number == 4 else f"band {number}, 2 × amplified"
    show(axis, band if number == 4 else 0.5 + 2 * band, f"{title}\n{band.shape[2]} × {band.shape[3]}")
figure.tight_layout()
plt.show()
print(f"number of values: {stylized.numel()} in the picture, {sum(b.numel() for b in bands)} in its bands")

# %% [markdown]
# *A woman in a space suit as stained glass; four pictures of outlines, from hair-thin lines to patches as coarse as her
# head; and a mosaic of 7 × 9 dull squares.*
#
# Back without a loss, from the blur and from the nonsense alike. There is no trick, only book-keeping. Write $G_0$ for
# the picture, and for each level
#
# $$G_{i+1} = \operatorname{reduce}(G_i), \qquad L_i = G_i - \operatorname{expand}(G_{i+1}) .$$
#
# The **band** $L_i$ is whatever expand cannot say about $G_i$. Whoever keeps the bands $L_0, L_1, \dots$ and the last
# $G$ adds back exactly what was taken off. So the kernel has no say in *whether* the picture comes back, only in *what
# is in which band*: with a blur, one octave of detail in each; with random numbers, a mess. The price is a third more
# numbers than pixels. This is the Laplacian pyramid of Burt and Adelson (1983). It is not the Laplace operator at every
# size, although a band looks like it.
#
# One dimension by hand, $k = (1, 4, 6, 4, 1)/16$, the row $(0, 0, 16, 0, 0)$, mirrored about its end pixels. Blurred:
# $(2, 4, 6, 4, 2)$. Every second: $(2, 6, 2)$. With zeros between, $(2, 0, 6, 0, 2)$, blurred and doubled:
# $(3, 4, 5, 4, 3)$. The band is the rest: $(-3, -4, 11, -4, -3)$.
#
# <details><summary>Ask yourself: doubled, in one dimension. Why 4 in two?</summary>
#
# In a row every second pixel is a zero that was put in, so the blur returns half of the brightness. In a picture three
# of four are zeros, and it returns a quarter.
#
# </details>
#
# ### Exercise 30.1: apart, and together
#
# Two traps: the border is mirrored about the pixel here (dcb|abcd), as in OpenCV's `pyrDown` and unlike lesson 21;
# and a side of 7 gives 4, which must come back as 7 and not as 8.


# %% answer="laplacian_pyramid"
def laplacian_pyramid(img: np.ndarray, levels: int) -> list[np.ndarray]:
    """Bands L_i = G_i - expand(G_{i+1}), the finest first, and the last level G itself.

    reduce: filter both axes with (1, 4, 6, 4, 1)/16, border reflect-101 (np.pad's "reflect"); keep rows and columns
    0, 2, 4, … expand to a shape: put the values at even places among zeros, filter in the same way, times 4.

    Args:
        img: (H, W) or (H, W, 3), float32 or float64; not modified.
        levels: at least 1; each level that is reduced needs 3 pixels on each side.
    Returns:
        `levels` arrays of the dtype of `img`; sides ⌈n/2⌉ from level to level.
    Raises:
        ValueError: levels < 1, a level too small to be reduced, or another number of axes.
    """
    ### BEGIN SOLUTION
    if levels < 1 or img.ndim not in (2, 3):
        raise ValueError(f"expected levels >= 1 and (H, W) or (H, W, 3), got {levels} and {img.shape}")

    def smooth(a):
        for axis in (0, 1):
            padded = np.pad(a, [(2, 2) if k == axis else (0, 0) for k in range(a.ndim)], mode="reflect")
            part = [np.take(padded, range(k, k + a.shape[axis]), axis) for k in range(5)]
            a = (part[0] + 4 * part[1] + 6 * part[2] + 4 * part[3] + part[4]) / 16
        return a

    bands, level = [], img.astype(np.float64)
    for _ in range(levels - 1):
        if min(level.shape[:2]) < 3:
            raise ValueError(f"levels: {levels} are too many for {img.shape[:2]}")
        smaller = smooth(level)[::2, ::2]
        between = np.zeros_like(level)
        between[::2, ::2] = smaller
        bands.append((level - 4 * smooth(between)).astype(img.dtype))
        level = smaller
    return [*bands, level.astype(img.dtype)]
    ### END SOLUTION


# %% check="laplacian_pyramid"

# %% [markdown]
# For the way back you get shrinking and growing as matrices, here and in the next two exercises, so that a mistake
# above costs you nothing here. They are slow, and they say the same: a filter is a matrix, dropping rows of it is
# reduce.


# %% tags=["setup"]
def lines(n: int) -> np.ndarray:
    """(n, n): the filter (1, 4, 6, 4, 1)/16 with its mirrored border, as a matrix."""
    matrix, places = np.zeros((n, n)), np.pad(np.arange(n), 2, "reflect")
    for k, weight in enumerate((1, 4, 6, 4, 1)):
        np.add.at(matrix, (np.arange(n), places[k : k + n]), weight / 16)
    return matrix


def shrink(a: np.ndarray) -> np.ndarray:
    """reduce: (H, W[, 3]) to (⌈H/2⌉, ⌈W/2⌉[, 3]), float64."""
    return np.einsum("yh,xw,hw...->yx...", lines(a.shape[0])[::2], lines(a.shape[1])[::2], a)


def grow(a: np.ndarray, shape) -> np.ndarray:
    """expand to `shape`, whose first two entries count; float64. ValueError where the shapes do not fit."""
    if ((shape[0] + 1) // 2, (shape[1] + 1) // 2) != a.shape[:2]:
        raise ValueError(f"shape: {tuple(shape[:2])} does not halve to {a.shape[:2]}")
    return np.einsum("yh,xw,hw...->yx...", 2 * lines(shape[0])[:, ::2], 2 * lines(shape[1])[:, ::2], a)


# %% answer="collapse_pyramid"
def collapse_pyramid(pyr) -> np.ndarray:
    """The picture of a Laplacian pyramid: expand the coarsest level, add the next finer band, and so on.

    Args:
        pyr: arrays (h, w) or (h, w, 3), the finest first; not modified. You may use `grow(a, shape)`.
    Returns:
        The shape and dtype of the first level.
    Raises:
        ValueError: no levels, or sides that do not halve (rounding up) from level to level.
    """
    ### BEGIN SOLUTION
    if len(pyr) == 0:
        raise ValueError("pyr: expected at least one level")
    image = pyr[-1]
    for band in reversed(pyr[:-1]):
        image = band + grow(image, band.shape)
    return image.astype(pyr[0].dtype)
    ### END SOLUTION


# %% check="collapse_pyramid"

# %% [markdown]
# ## A knob for each band
#
# Now the bands can be turned up one by one: $d \mapsto g_i\, d$. The **residual**, what is left at the end, is tone,
# and nobody wants it multiplied. An unsharp mask (lesson 22) has a single knob: all that its blur took away, at one
# gain.
#
# What goes wrong is always the same. To a linear filter noise *is* detail, and the finest bands hold most of it. But it
# differs in size: edges make large band values, noise small ones. So let the gain depend on the value,
#
# $$d \mapsto d \left(1 + (g - 1)\, \frac{d^2}{d^2 + t^2}\right),$$
#
# which is $g\,d$ for $|d| \gg t$ and $d$ itself for $|d| \ll t$. This is **coring**. Small detail is left alone and not
# deleted. A hard switch at $t$ would do for a plot; in a picture it tears a texture whose values lie about $t$.
#
# **Guess:** gain 3 on the two finest bands of a slightly noisy photograph. By how much does the noise grow, without
# coring and with it? (We boost the clean photograph as well; the difference of the two results is what the noise
# makes.)

# %%
photo = photograph("coffee", size=144)[..., :96, :]
noise = 0.02 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(0))
recipes = {
    "no change": ([1.0, 1.0], 0.0),
    "gain 3": ([3.0, 3.0], 0.0),
    "gain 3, coring 0.1": ([3.0, 3.0], 0.1),
    "gain 9, coring 0.1": ([9.0, 9.0], 0.1),
}
figure, axes = plt.subplots(1, 5, figsize=(15, 2.5), width_ratios=(1, 1, 1, 1, 1.1))
for axis, (name, recipe) in zip(axes, recipes.items()):
    calm, rough = library_boost(photo, *recipe), library_boost((photo + noise).clamp(0, 1), *recipe)
    show(axis, rough, name)
    detail = calm - gaussian_blur(calm, 2.0)
    print(
        f"{name:>18}: what the noise makes of it {float((rough - calm).std()):.3f}, detail {float(detail.std()):.3f}"
    )
d = np.linspace(-0.4, 0.4, 200)
axes[4].plot(d, 3 * d, "--", color="#D55E00", label="gain 3")
axes[4].plot(d, d * (1 + 2 * d**2 / (d**2 + 0.1**2)), color="#0072B2", label="gain 3, coring 0.1")
axes[4].plot(d, d, ":", color="black", label="no change")
axes[4].set_xlabel("band value before")
axes[4].set_ylabel("after")
axes[4].legend(fontsize=7)
axes[4].set_title("Small values keep their size", fontsize=9)
figure.tight_layout()
plt.show()

# %% [markdown]
# *A cup of coffee four times: as it is; harsh, with specks; less harsh; and in hard blotches. Beside them the curve of
# coring, which hugs the line of no change near 0 and joins the line of gain 3 far out.*
#
# Plain gain 3 doubles the detail, and the noise with it, more than twice. With coring the noise grows by half and the
# detail by six tenths. Coring does not save everything: noise that sits on an edge is boosted with the edge. And gain 9
# shows where this ends. "More gain, more sharpness" is wrong from about 2 on: there is no more detail to find, and what
# grows are blotches and rims.
#
# Set $t$ a little above the noise of the band; it is the finest band that has most of it.
#
# ### Exercise 30.2: gains with coring


# %% tags=["setup"]
def bands_of(img: np.ndarray, levels: int) -> list[np.ndarray]:
    """The Laplacian pyramid of 30.1, in float64. ValueError for too many levels."""
    level, bands = img.astype(np.float64), []
    for _ in range(levels - 1):
        if min(level.shape[:2]) < 3:
            raise ValueError(f"levels: {levels} are too many for {img.shape[:2]}")
        smaller = shrink(level)
        bands.append(level - grow(smaller, level.shape))
        level = smaller
    return [*bands, level]


def picture_of(bands) -> np.ndarray:
    """The picture of such a pyramid, in float64."""
    image = bands[-1]
    for band in bands[-2::-1]:
        image = band + grow(image, band.shape)
    return image


# %% answer="boost_detail"
def boost_detail(img: np.ndarray, gains, threshold: float = 0.0) -> np.ndarray:
    """Each band value d becomes d (1 + (g - 1) d² / (d² + threshold²)); collapse; clip to [0, 1].

    Args:
        img: (H, W) or (H, W, 3), float32 or float64, in [0, 1]; not modified.
        gains: g ≥ 0 for each band, the finest first; the pyramid has len(gains) + 1 levels, and the last stays. You may
            use `bands_of(img, levels)` and `picture_of(bands)`.
        threshold: at least 0; 0 is the plain gain g · d, and d = 0 stays 0.
    Returns:
        The shape and dtype of `img`.
    Raises:
        ValueError: a negative gain or threshold, too many gains, or another number of axes.
    """
    ### BEGIN SOLUTION
    gains = list(gains)
    if threshold < 0 or any(gain < 0 for gain in gains) or img.ndim not in (2, 3):
        raise ValueError(
            f"expected gains and threshold >= 0 and (H, W) or (H, W, 3), got {gains}, {threshold}"
        )
    *bands, rest = bands_of(img, len(gains) + 1)
    for number, (d, gain) in enumerate(zip(bands, gains)):
        weight = d**2 / (d**2 + threshold**2) if threshold > 0 else 1.0
        bands[number] = d * (1 + (gain - 1) * weight)
    return np.clip(picture_of([*bands, rest]), 0, 1).astype(img.dtype)
    ### END SOLUTION


# %% check="boost_detail"

# %% [markdown]
# ## Whose detail?
#
# A list of interview answers files all this under "bringing the result closer to the content image". Test it. Boost the
# stylised picture's own bands. Or take the two finest bands **from the photograph** and the rest from the stylised
# picture. **Which one comes closer to the photograph, in detail? And what does the style say?**


# %%
def likeness(image):
    """Correlation of fine detail with the photograph's."""
    mine, its = (x - gaussian_blur(x, 2.0) for x in (image, content))
    return float((mine * its).sum() / (mine.norm() * its.norm()))


def style_gap(image):
    with torch.no_grad():
        return float(nst_objective(image, encoder, targets, 0.0, 1.0)[0])


own, photo_bands = library_pyramid(stylized, 4), library_pyramid(content, 4)
versions = {
    "stylised": stylized,
    "own detail × 1.8": library_boost(stylized, [1.8, 1.8]),
    "the photograph's two finest bands": library_collapse([*photo_bands[:2], *own[2:]]).clamp(0, 1),
    "half of each": library_collapse([(p + q) / 2 for p, q in zip(photo_bands[:2], own[:2])] + own[2:]).clamp(
        0, 1
    ),
}
figure, axes = plt.subplots(1, 5, figsize=(14.5, 2.6))
show(axes[0], content, "the photograph")
for axis, (name, image) in zip(axes[1:], versions.items()):
    show(axis, image, name)
    print(f"{name:>33}: likeness of detail {likeness(image):.2f}, style gap {style_gap(image):.4f}")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The photograph; the stylised picture; the same with harsh black outlines; the stylised colours with a sharp
# photographic face; and a mixture.*
#
# Boosting its own detail makes the picture *less* like the photograph, and ruins the style as well: lines that the
# style term had tuned are now too strong. With the photograph's bands the likeness is nearly perfect by construction,
# and the style gap grows thirtyfold, because the strokes were in those bands. Half of each is a bargain between the
# two.
#
# So "closer to the content" is true of detail **from the content** and false of detail in general. Nothing is free
# here: the finest bands can hold one picture's detail or the other's.

# %% [markdown]
# ## The seam that nobody finds
#
# Here is the other use of bands. Put the photographed face into the stylised picture. Cut it out with a hard mask, and
# you see the cut. Soften the mask, and you see a ghost: both pictures at once, in a wide ring. How wide should the
# transition be?
#
# As wide as the thing that crosses it. Hair changes sides within a pixel; skin tone needs the width of a cheek. In one
# picture you cannot have both. In bands you can (Burt and Adelson, ACM TOG 1983):
#
# $$L_i = m_i\, L_i^a + (1 - m_i)\, L_i^b, \qquad m_{i+1} = \operatorname{reduce}(m_i),$$
#
# and collapse. The mask is *reduced*, not differentiated: its Gaussian pyramid gives every band a transition of that
# band's own width.

# %%
y, x = torch.meshgrid(torch.arange(112.0), torch.arange(144.0), indexing="ij")
mask = (((x - 63) / 22) ** 2 + ((y - 32) / 27) ** 2 < 1).float()[None, None]
blends = {
    "hard cut": library_blend(content, stylized, mask, 1),
    "one soft mask": (m := gaussian_blur(mask, 6.0)) * content + (1 - m) * stylized,
    "band by band": library_blend(content, stylized, mask, 5),
}
figure, axes = plt.subplots(1, 4, figsize=(14, 2.9), width_ratios=(1, 1, 1, 1.2))
for axis, (name, image) in zip(axes, blends.items()):
    show(axis, image, name)
for number, (level, color) in enumerate(
    zip(gaussian_pyramid(mask, 5), ("black", "#0072B2", "#009E73", "#D55E00", "#CC79A7"))
):
    row = level[0, 0, round(32 / 2**number)]
    axes[3].plot(
        torch.arange(len(row)) * 2**number, row, "o-", markersize=3, color=color, label=f"band {number}"
    )
axes[3].set_xlim(60, 120)
axes[3].set_xlabel("column of the picture")
axes[3].set_ylabel("share of the photograph")
axes[3].set_title("Each band crosses in a few of its own pixels", fontsize=9)
axes[3].legend(fontsize=7)
figure.tight_layout()
plt.show()

# %% [markdown]
# *A photographed face in a stained-glass picture: cut out with a rim of gray wall; in a soft ring where both pictures
# show; and grown in, hair sharp and tones running over. Beside them the share of the photograph along a row: one step
# for the finest band, and a wider slope for each coarser one.*
#
# No single width could do what the five curves do together. The last band crosses over a third of the picture, and that
# is why the skin takes on the light of its new surroundings. It is not always wanted: the colour of a *large* region is
# in the coarse bands, and it leaks. Fewer levels leak less.
#
# ### Exercise 30.3: pyramid blending


# %% answer="pyramid_blend"
def pyramid_blend(a: np.ndarray, b: np.ndarray, mask: np.ndarray, levels: int) -> np.ndarray:
    """Blend the Laplacian bands of a and b, and the residual, by the Gaussian pyramid of the mask; no clipping.

    Args:
        a, b: (H, W) or (H, W, 3), one shape; not modified.
        mask: (H, W) in [0, 1]; 1 selects a.
        levels: at least 1, which is the plain composite. You may use `bands_of`, `picture_of` and `shrink`.
    Returns:
        The shape and dtype of `a`.
    Raises:
        ValueError: shapes that do not fit, a mask out of [0, 1], or too many levels.
    """
    ### BEGIN SOLUTION
    if a.shape != b.shape or mask.shape != a.shape[:2] or mask.min() < 0 or mask.max() > 1:
        raise ValueError("expected pictures of one shape and a mask (H, W) in [0, 1]")
    weight, blended = mask.astype(np.float64), []
    for one, other in zip(bands_of(a, levels), bands_of(b, levels)):
        share = weight if a.ndim == 2 else weight[..., None]
        blended.append(share * one + (1 - share) * other)
        weight = shrink(weight) if len(blended) < levels else weight
    return picture_of(blended).astype(a.dtype)
    ### END SOLUTION


# %% check="pyramid_blend"

# %% [markdown]
# ## Bright rims, dark rims
#
# One fault of all linear boosting is left. Beside a strong edge the base runs smoothly from one side to the other, so
# the "detail" on the two sides contains a piece of the edge: positive here, negative there. Turned up, it is a bright
# and a dark rim, a **halo**. Two cures, beside the disease:
#
# - a base that follows edges, here the guided filter of lesson 26: what it leaves as detail has no edge in it;
# - or a limit: no pixel may leave the range that its neighbourhood had *in the original*.
#
# **Predict the third panel:** at a step, what is the local range, and what can sharpening still do there?

# %%
row = torch.linspace(-5, 6, 60).clamp(0.2, 0.8) + 0.015 * torch.sin(torch.arange(60) * 1.9)
edge = row.expand(1, 1, 24, 60).double()
base = guided_filter(edge, edge, 4, 0.002)
curves = {
    "original": edge,
    "unsharp mask": edge + 1.5 * (edge - gaussian_blur(edge, 3.0)),
    "guided base + 2.5 × detail": base + 2.5 * (edge - base),
    "limited to the local range": library_halo_free(edge, 3.0, 1.5),
}
figure, axes = plt.subplots(1, 3, figsize=(12.5, 3), sharey=True)
for axis, (name, image) in zip([None, *axes], curves.items()):
    print(
        f"{name:>26}: from {float(image.min()):.2f} to {float(image.max()):.2f}, "
        f"steepest {float(image.diff(dim=3).max()):.2f} a pixel, ripples {float(image[..., :12].std()):.3f}"
    )
    if axis is not None:
        axis.plot(row, ":", color="black", label="original")
        axis.plot(image[0, 0, 12], color="#0072B2", label=name)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("column")
        axis.legend(fontsize=7, loc="upper left")
axes[0].set_ylabel("value")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three step edges with ripples on both sides. The unsharp mask shoots out below and above the step; the other two stay
# within it but for their ripples.*
#
# The unsharp mask leaves [0, 1] at both ends. The guided base gives no halo, because the edge is in the base; it makes
# the ripples about two and a half times as high and the edge no steeper. The limit does the opposite: the edge gets
# twice as steep, since a pixel *on* the slope may move as far as its neighbours, and the ripples stay as they are,
# since the top of a ripple is its own local maximum. So the two are not rivals. **Edges by the limit, texture by the
# guided base**, and each alone is half an enhancement.
#
# ### Exercise 30.4: sharpening without halos
#
# Lesson 21's Gaussian is given.


# %% tags=["setup"]
def blurred(img: np.ndarray, sigma: float) -> np.ndarray:
    """Lesson 21's Gaussian blur, truncate 4, symmetric border; float64."""
    radius = int(4 * sigma + 0.5)
    taps = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    out = img.astype(np.float64)
    for axis in (0, 1):
        padded = np.pad(
            out, [(radius, radius) if k == axis else (0, 0) for k in range(img.ndim)], "symmetric"
        )
        places = range(img.shape[axis])
        out = sum(w * np.take(padded, [k + p for p in places], axis) for k, w in enumerate(taps / taps.sum()))
    return out


# %% answer="halo_free_sharpen"
def halo_free_sharpen(
    img: np.ndarray, sigma: float, amount: float, radius: int = 1, overshoot: float = 0.0
) -> np.ndarray:
    """img + amount (img - blur), clipped to [min - overshoot, max + overshoot] of the original's window.

    Args:
        img: (H, W) or (H, W, 3), float32 or float64, any range; not modified.
        sigma: of the blur, above 0. You may use `blurred(img, sigma)`.
        amount: at least 0.
        radius: min and max are over the (2r + 1)² window around the pixel, symmetric border, each channel by itself.
        overshoot: at least 0.
    Returns:
        The shape and dtype of `img`.
    Raises:
        ValueError: sigma ≤ 0, a negative amount or overshoot, radius < 1, or another number of axes.
    """
    ### BEGIN SOLUTION
    if sigma <= 0 or amount < 0 or overshoot < 0 or radius < 1 or img.ndim not in (2, 3):
        raise ValueError(
            "expected sigma > 0, amount and overshoot >= 0, radius >= 1, and (H, W) or (H, W, 3)"
        )
    sharp = img + amount * (img - blurred(img, sigma))
    sides = [(radius, radius), (radius, radius)] + [(0, 0)] * (img.ndim - 2)
    side = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(img, sides, "symmetric"), (side, side), (0, 1))
    low, high = windows.min((-2, -1)) - overshoot, windows.max((-2, -1)) + overshoot
    return np.clip(sharp, low, high).astype(img.dtype)
    ### END SOLUTION


# %% check="halo_free_sharpen"

# %% [markdown]
# ## The whole chain
#
# This is the end of the pipeline of lesson 02, and of the course. After the optimisation: *impulses out* (29),
# *denoise lightly or not at all, and rather in the loss* (29, 12), *luminance apart* (28), *gains per band with
# coring* (here), *limits against halos* (here), *the photograph back where it must be recognisable, blended band by
# band* (here). In this order: a boost before the denoising boosts noise, and a limit before the boost limits nothing.
#
# <details><summary>Ask yourself: why boost the luminance only?</summary>
#
# Boosted separately, the three channels overshoot by different amounts at the same edge, and the difference is a
# colour: a fringe. The eye sees detail in luminance nearly alone.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - P. J. Burt, E. H. Adelson, *The Laplacian Pyramid as a Compact Image Code*, IEEE Trans. Communications 31, 1983.
# - P. J. Burt, E. H. Adelson, *A Multiresolution Spline with Application to Image Mosaics*, ACM TOG 2, 1983.
# - K. He, J. Sun, X. Tang, *Guided Image Filtering*, IEEE TPAMI 35, 2013.
# - S. Paris, S. W. Hasinoff, J. Kautz, *Local Laplacian Filters: Edge-Aware Image Processing with a Laplacian Pyramid*,
#   SIGGRAPH 2011.
#
# **Back:** lesson 02 has the pipeline of which this is the last stage; 22 and 26 have the single-scale tools.
