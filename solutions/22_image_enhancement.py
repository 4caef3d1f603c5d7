# %% [markdown]
# # 22 Image enhancement / 图像增强
#
# **After this lesson** you can say what a stretch, an equalisation, CLAHE and an unsharp mask each do to a picture,
# predict where each does harm, and write all four.
#
# About 40 minutes, and 80 for the exercises. Read 21 first, for the Gaussian blur.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch


def gaussian_blur(img: np.ndarray, sigma: float) -> np.ndarray:
    """Lesson 21's blur of (H, W) or (H, W, 3), symmetric border, taps up to 4 sigma; keeps the dtype."""
    radius = int(4 * sigma + 0.5)
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps, out = taps / taps.sum(), img.astype(np.float64)
    for axis in (0, 1):
        padded = np.pad(
            out, [(radius, radius) if a == axis else (0, 0) for a in range(img.ndim)], mode="symmetric"
        )
        out = sum(t * np.take(padded, np.arange(k, k + img.shape[axis]), axis) for k, t in enumerate(taps))
    return out.astype(img.dtype)


# %%
import matplotlib.pyplot as plt

from nstkit.color import luma, rgb_to_hsv
from nstkit.encoders import load_encoder
from nstkit.enhance import clahe as library_clahe
from nstkit.enhance import contrast_stretch as library_stretch
from nstkit.enhance import equalize_hist as library_equalize
from nstkit.enhance import on_brightness
from nstkit.enhance import unsharp_mask as library_unsharp
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import gram_matrix
from nstkit.paintings import paint
from nstkit.transfer import stylize

torch.set_num_threads(2)


def show(axis, image, title):
    axis.imshow(image[0].permute(1, 2, 0).squeeze(), cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, fontsize=10)
    axis.axis("off")


# %% [markdown]
# ## A promise, tested first
#
# A list of interview answers that is passed around says: *enhancement raises clarity and contrast, and brings the
# result closer to the content image.* That can be measured. Take a transfer, enhance it in four ways, and compare each
# with the content by PSNR, where more decibels mean closer.
#
# **Before you run it:** how many of the four bring the result closer?

# %%
rider = photograph("astronaut", size=160)
mosaic, wash = (paint(name, height=128, width=160) for name in ("mosaic", "ink_wash"))
ways = {
    "stretched": lambda x: on_brightness(x, library_stretch),
    "equalised": lambda x: on_brightness(x, library_equalize),
    "CLAHE": lambda x: on_brightness(x, lambda y: library_clahe(y, 3.0, (4, 4))),
    "sharpened": lambda x: library_unsharp(x, 1.5, 1.0),
}


def psnr(image):
    """Decibels against the content."""
    return float(-10 * (image - rider).square().mean().log10())


results = {}
for name, style in (("mosaic", mosaic), ("ink wash", wash)):
    result = stylize(
        rider, style, encoder="tiny", size=160, coarsest=80, steps=20, style_loss="centered_gram"
    ).image
    results[name] = {"as it came": result} | {way: function(result) for way, function in ways.items()}
    print(f"{name:>9}: " + ", ".join(f"{way} {psnr(image):.1f} dB" for way, image in results[name].items()))

spread = {
    "the content": rider,
    **{f"{k}, {w}": results[k][w] for k in results for w in ("as it came", "equalised")},
}
print(
    "deviation of the brightness:", ", ".join(f"{k} {luma(image).std():.2f}" for k, image in spread.items())
)

figure, axes = plt.subplots(1, 6, figsize=(15, 2.9))
show(axes[0], rider, "The content")
for axis, (way, image) in zip(axes[1:], results["mosaic"].items()):
    show(axis, image, f"{way}: {psnr(image):.1f} dB")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The astronaut; her portrait as a mosaic; and that result enhanced in four ways, each titled with its PSNR.*
#
# There is no promise to keep. Sharpening, the one that is sold as clarity, moves both results *away* from the content.
# Stretching hardly moves the mosaic and hurts the ink wash, CLAHE the other way round. Equalisation
# brings both nearer, and you can see why: this photograph uses the whole range from black to white, the results do not,
# and equalising spreads them. It hit the tone by luck. None of these four functions is ever *shown* the content; they
# cannot aim at it.
#
# What they do change is tone and local contrast, for the eye. Each in its own way, and each with its own way to do
# harm. (In Chinese texts 图像增强 can also stand for data augmentation, 数据增强; that is another subject.)

# %% [markdown]
# ## One straight line: the stretch
#
# In the moon's file, 96 percent of the pixels lie between the two levels that are printed first below. The cheapest
# cure is a line: $p_\text{lo} \to 0$, $p_\text{hi} \to 1$, and what lies beyond is clipped. Why two *percentiles* and
# not minimum and maximum? Because one hot pixel would be the maximum, and the line would be set by a defect. And a
# stretch is not a change of brightness: that is an offset, one number added everywhere.

# %%
moon = luma(photograph("moon", size=256))
print("2nd and 98th percentile, in levels:", np.percentile(255 * moon.numpy(), [2, 98]).round().astype(int))
print("minimum and maximum:              ", np.percentile(255 * moon.numpy(), [0, 100]).round().astype(int))

# %% [markdown]
# ### Exercise 22.3


# %% answer="contrast_stretch"
def contrast_stretch(img: np.ndarray, low: float = 2.0, high: float = 98.0) -> np.ndarray:
    """clip((img - p_lo)/(p_hi - p_lo), 0, 1) with the percentiles of all values jointly.

    Args:
        img: float, (H, W) or (H, W, 3).
        low, high: percentages, 0 <= low < high <= 100; interpolated linearly, as np.percentile does.
    Returns:
        The same shape and dtype; a copy of `img` where p_hi - p_lo < 1e-12.
    Raises:
        ValueError: percentages out of order, not floating, or another ndim.
    """
    ### BEGIN SOLUTION
    if not 0 <= low < high <= 100:
        raise ValueError(f"low, high: expected 0 <= low < high <= 100, got {low} and {high}")
    if img.dtype.kind != "f" or img.ndim not in (2, 3):
        raise ValueError(f"img: expected floats (H, W) or (H, W, 3), got {img.dtype} {img.shape}")
    bottom, top = np.percentile(img, [low, high])
    if top - bottom < 1e-12:
        return img.copy()
    return np.clip((img - bottom) / (top - bottom), 0, 1).astype(img.dtype)
    ### END SOLUTION


# %% check="contrast_stretch"

# %% [markdown]
# ## The picture as its own map: equalisation
#
# Let $x$ be a gray value drawn at random from the picture, $F$ its cumulative distribution. Then $F(x)$ is uniform:
# $P(F(x) \le u) = P(x \le F^{-1}(u)) = u$. So use $F$ as the map, and the histogram should come out flat.
#
# By hand, eight pixels: $2, 2, 2, 5, 5, 7, 7, 9$. The cdf is $3, 5, 7, 8$ at the levels $2, 5, 7, 9$. Subtract the
# first, so that the darkest becomes 0, and divide by what is left of $N = 8$: $(0, 2, 4, 5)/5 \cdot 255 = 0, 102, 204,
# 255$. Look at what happened to the counts: there were 3, 2, 2, 1 of a kind, and there still are. **Levels are moved
# apart or merged; a level is never split.** That is why a real histogram does not come out flat.
#
# ### Exercise 22.1


# %% answer="equalize_hist"
def equalize_hist(img: np.ndarray) -> np.ndarray:
    """Map by lut[v] = rint((cdf[v] - cdf_min)/(N - cdf_min) · 255), clipped to 0 … 255.

    Args:
        img: uint8, (H, W). cdf[v] counts the pixels up to level v; cdf_min is the cdf at the lowest level that occurs.
    Returns:
        uint8, (H, W); a constant picture unchanged, as a copy.
    Raises:
        ValueError: not uint8, not 2-D, or empty.
    """
    ### BEGIN SOLUTION
    if img.dtype != np.uint8 or img.ndim != 2 or img.size == 0:
        raise ValueError(f"img: expected uint8 (H, W), got {img.dtype} {img.shape}")
    cdf = np.bincount(img.ravel(), minlength=256).cumsum()
    darkest = cdf[img.min()]
    if darkest == img.size:
        return img.copy()
    lut = np.rint((cdf - darkest) / (img.size - darkest) * 255).clip(0, 255).astype(np.uint8)
    return lut[img]
    ### END SOLUTION


# %% check="equalize_hist"

# %% [markdown]
# Now all three on the moon, with their histograms and maps. **Look for the place where the equalisation curve is
# steepest**, and think of what lies there in the picture.

# %%
tones = {
    "as it is": moon,
    "stretch": library_stretch(moon),
    "equalisation": library_equalize(moon),
    "CLAHE": library_clahe(moon, 3.0, (4, 4)),
}
figure, axes = plt.subplots(3, 4, figsize=(12, 8.2), gridspec_kw={"height_ratios": (3, 1.2, 1.6)})
for column, (name, image) in enumerate(tones.items()):
    show(axes[0, column], image, name)
    axes[1, column].hist(image.flatten(), bins=64, range=(0, 1), color="0.35")
    axes[1, column].set(yticks=[], xlabel="level")
    axes[2, column].scatter(moon.flatten()[::23], image.flatten()[::23], s=1, color="black")
    axes[2, column].set(xlim=(0, 1), ylim=(0, 1), xlabel="level before", aspect="equal")
axes[1, 0].set_ylabel("pixels")
axes[2, 0].set_ylabel("level after")
figure.suptitle("The equalisation curve is steepest where the pixels are; CLAHE has no single curve")
figure.tight_layout()
plt.show()
corners = [(y, x) for y in range(0, 225, 16) for x in range(0, 225, 16)]
y, x = min(corners, key=lambda c: float(moon[..., c[0] : c[0] + 32, c[1] : c[1] + 32].std()))
print(f"in the flattest patch of 32 x 32 pixels, at ({y}, {x}), the deviation in levels is")
for name, image in tones.items():
    print(f"{name:>13}: {255 * float(image[..., y : y + 32, x : x + 32].std()):5.1f}")

# %% [markdown]
# *Four moons with their histograms and the level after over the level before: the diagonal; a steeper straight line;
# a curve that climbs steeply over the crowded levels; and for CLAHE a wide band of points.*
#
# The slope of the map at a level *is* the number of pixels at that level. A sky fills a few levels with half of the
# pixels; there the map is steep, and what was a difference of one level, which is noise, becomes a visible grain. The
# numbers below the figure say by how much in a patch where nothing is.

# %% [markdown]
# ## Clip the slope: CLAHE
#
# If the slope is the count, then **clipping the counts bounds the slope**. That is the CL in *contrast-limited adaptive
# histogram equalisation* (Zuiderveld, 1994; after Pizer et al., 1987). It clips counts, never pixel values. The clipped
# excess is handed back to all bins evenly, so that the map still reaches 255.
#
# The A is for *adaptive*: one map per tile, so that a shadow gets its own contrast. But a map per tile means a seam per
# border:

# %%
limit, grid = 4.0, 4
height, width = moon.shape[2] // grid, moon.shape[3] // grid
blocks = moon.clone()
for row in range(grid):
    for column in range(grid):
        place = (..., slice(row * height, (row + 1) * height), slice(column * width, (column + 1) * width))
        blocks[place] = library_clahe(moon[place], limit, (1, 1))  # its own map, and nobody else's
figure, axes = plt.subplots(1, 3, figsize=(11, 4))
show(axes[0], moon, "The moon")
show(axes[1], blocks, "Each tile by its own map: seams")
show(axes[2], library_clahe(moon, limit, (grid, grid)), "The four nearest maps, blended")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The moon; a moon in four by four blocks of different tone with hard borders; a moon of even tone without borders.*
#
# A tile's map is right at the tile's **centre**. Anywhere else, look the pixel's level up in the four nearest maps and
# blend the four answers. The centre of tile $k$ is at $(k + \tfrac12)\,t_h$, so pixel $y$ has the tile coordinate
# $y/t_h - \tfrac12$; its floor is the tile before, its fraction the weight. Outside the outermost centres the indices
# are clamped.
#
# ### Exercise 22.2
#
# The longest function of this lesson, and the one that is asked for on a whiteboard in parts. Work in the order of the
# docstring.


# %% answer="clahe"
def clahe(img: np.ndarray, clip_limit: float = 2.0, tiles: tuple[int, int] = (8, 8)) -> np.ndarray:
    """Equalise tile by tile with clipped counts, and blend the maps of the four nearest tiles.

    Per tile of A pixels: L = max(int(clip_limit · A/256), 1); E = sum of max(h - L, 0); clip h at L; add E // 256 to
    each bin; the remaining R = E % 256 go one each to bins 0, s, 2s, … with s = max(256 // R, 1). No clipping where
    clip_limit <= 0. lut = rint(cumsum(h) · 255/A), clipped to 0 … 255.
    Pixel (y, x): tile coordinates y/th - 0.5 and x/tw - 0.5, bilinear blend of the four luts at the pixel's level,
    indices clamped; rint.

    Args:
        img: uint8, (H, W).
        tiles: (rows, columns), which divide H and W.
    Returns:
        uint8, (H, W).
    Raises:
        ValueError: tiles that do not divide the picture, or what is no uint8 (H, W).
    """
    ### BEGIN SOLUTION
    if img.dtype != np.uint8 or img.ndim != 2:
        raise ValueError(f"img: expected uint8 (H, W), got {img.dtype} {img.shape}")
    rows, columns = tiles
    if img.shape[0] % rows or img.shape[1] % columns:
        raise ValueError(f"tiles: expected a grid that divides {img.shape}, got {tiles}")
    th, tw = img.shape[0] // rows, img.shape[1] // columns
    luts = np.empty((rows, columns, 256))
    for r, c in np.ndindex(rows, columns):
        h = np.bincount(img[r * th : (r + 1) * th, c * tw : (c + 1) * tw].ravel(), minlength=256)
        if clip_limit > 0:
            bound = max(int(clip_limit * th * tw / 256), 1)
            excess = np.maximum(h - bound, 0).sum()
            rest = excess % 256
            h = np.minimum(h, bound) + excess // 256
            h[np.arange(rest) * max(256 // max(rest, 1), 1)] += 1
        luts[r, c] = np.rint(h.cumsum() * 255 / (th * tw)).clip(0, 255)

    def between(length, size, count):
        place = np.arange(length) / size - 0.5
        before = np.floor(place).astype(int)
        return before.clip(0, count - 1), (before + 1).clip(0, count - 1), place - before

    top, down, wy = between(img.shape[0], th, rows)
    left, right, wx = between(img.shape[1], tw, columns)
    upper = (1 - wx) * luts[top[:, None], left, img] + wx * luts[top[:, None], right, img]  # (H, W)
    lower = (1 - wx) * luts[down[:, None], left, img] + wx * luts[down[:, None], right, img]
    return np.rint((1 - wy[:, None]) * upper + wy[:, None] * lower).astype(np.uint8)
    ### END SOLUTION


# %% check="clahe"

# %% [markdown]
# <details><summary>Ask yourself: what does CLAHE become with one tile and a huge limit?</summary>
#
# The plain cumulative histogram: equalisation, except that the darkest level is not moved to 0.
#
# </details>
#
# ## On which channel?
#
# A colour picture has three histograms. The mistake that everybody makes once: equalise all three.

# %%
coffee = photograph("coffee", size=192)
separate = library_equalize(coffee)
together = on_brightness(coffee, library_equalize)
figure, axes = plt.subplots(1, 3, figsize=(11.5, 2.9))
for axis, image, title in zip(
    axes, (coffee, separate, together), ("A cup of coffee", "R, G and B one by one", "Brightness alone")
):
    show(axis, image, title)
figure.tight_layout()
plt.show()


def turned(image):
    """By how many degrees the hue of clearly coloured pixels moved, on average, as angles."""
    before, after = rgb_to_hsv(coffee), rgb_to_hsv(image)
    coloured = (before[:, 1] > 0.3) & (before[:, 2] > 0.2)
    gap = (after[:, 0] - before[:, 0] + 180) % 360 - 180
    return float(gap[coloured].abs().mean())


print(
    f"hue turned by {turned(separate):.0f} degrees one by one, by {turned(together):.0f} with the brightness alone"
)

# %% [markdown]
# *A cup on brown wood; the same with a cold blue-gray wood; the same brown with more contrast.*
#
# Three maps change the proportions of red, green and blue at every pixel, and that is the hue. So: go to a space that
# separates brightness ($Y$ or $L^*$, lesson 28), enhance that channel, and put the old chroma back.

# %% [markdown]
# ## Sharpening: add what the blur takes away
#
# The trick is older than computers: photographers sandwiched a negative with a *blurred* positive, the "unsharp mask".
# With $m = I - \text{blur}(I)$,
#
# $$I + k\,m , \qquad\text{in frequency}\qquad 1 + k\,\bigl(1 - e^{-\sigma^2\omega^2/2}\bigr) .$$
#
# Slow waves are left alone, the finest grow by $1 + k$. It does **not** bring back anything that is lost: a frequency
# that the lens removed is zero, and zero times $1 + k$ is zero. And it does not know noise from detail.
#
# ### Exercise 22.4
#
# `gaussian_blur(img, sigma)` from lesson 21 is given in the set-up cell.


# %% answer="unsharp_mask"
def unsharp_mask(img: np.ndarray, sigma: float, amount: float, threshold: float = 0.0) -> np.ndarray:
    """clip(img + amount · m, 0, 1) with m = img - gaussian_blur(img, sigma), set to 0 where |m| < threshold.

    Args:
        img: float in [0, 1], (H, W) or (H, W, 3).
        sigma: of the blur, in pixels.
        amount, threshold: at least 0.
    Returns:
        The same shape and dtype.
    Raises:
        ValueError: a negative amount or threshold, not floating, or another ndim.
    """
    ### BEGIN SOLUTION
    if amount < 0 or threshold < 0:
        raise ValueError(f"amount, threshold: expected at least 0, got {amount} and {threshold}")
    if img.dtype.kind != "f" or img.ndim not in (2, 3):
        raise ValueError(f"img: expected floats (H, W) or (H, W, 3), got {img.dtype} {img.shape}")
    mask = img - gaussian_blur(img, sigma)
    mask = np.where(np.abs(mask) < threshold, 0, mask)
    return np.clip(img + amount * mask, 0, 1).astype(img.dtype)
    ### END SOLUTION


# %% check="unsharp_mask"

# %% [markdown]
# An edge and a sheet of noise, sharpened with growing $k$. **Predict** the deviation of the noise for $k = 2$, if it is
# 0.02 before.

# %%
edge = torch.full((1, 1, 8, 64), 0.35, dtype=torch.float64)
edge[..., 32:] = 0.65
edge = library_unsharp(edge, 1.0, 0.0) * 0.5 + 0.5 * edge.roll(1, -1).clamp(0.35, 0.65)  # one half-way pixel
noise = 0.5 + 0.02 * torch.randn(
    1, 1, 200, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)
w = 2 * np.pi * np.fft.fftfreq(200)
power = w[:, None] ** 2 + w**2
figure, axis = plt.subplots(figsize=(7.5, 3.4))
for k, style, color in (
    (0.0, ":", "black"),
    (0.5, "-", "#0072B2"),
    (1.0, "--", "#D55E00"),
    (2.0, "-.", "#009E73"),
):
    axis.plot(
        range(20, 45), library_unsharp(edge, 2.0, k)[0, 0, 4, 20:45], style, color=color, label=f"k = {k:g}"
    )
    grown = float(library_unsharp(noise, 2.0, k).std())
    predicted = 0.02 * np.sqrt(np.mean((1 + k * (1 - np.exp(-(2.0**2) * power / 2))) ** 2))
    print(f"k = {k:g}: noise {grown:.4f}, by the transfer function {predicted:.4f}")
axis.set(xlabel="pixel", ylabel="value", title="Halos: the overshoot beside an edge grows with the amount")
axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *Four profiles across an edge: the step, and three that dip below it on the dark side and rise above it on the bright
# side, the more the larger k is.*
#
# The noise grows as its root-mean-square of the transfer function says, nearly $1 + k$ times. Optimisation leaves such
# fine noise in every stylised picture, so a sharpened transfer shows its grain first. The `threshold` is for that: what
# differs from its blur by less than the noise is not touched.

# %% [markdown]
# ## Before or after the transfer?
#
# After it, no loss sees what you do; it is a change for the viewer. *Before* it, you change what the losses measure.
# By how much? Here are the Gram matrices of the ink painting, before and after each of the four:

# %%
encoder = load_encoder("tiny")
layers = ["relu1_1", "relu2_1", "relu3_1"]
with torch.no_grad():
    plain = {name: gram_matrix(f) for name, f in encoder(wash, layers).items()}
    for way, function in ways.items():
        grams = {name: gram_matrix(f) for name, f in encoder(function(wash), layers).items()}
        change = {name: float((grams[name] - plain[name]).norm() / plain[name].norm()) for name in layers}
        print(f"{way:>10}: " + "  ".join(f"{name} {value:5.2f}" for name, value in change.items()))

# %% [markdown]
# A value of 1 would mean that as much has changed as there was. An "enhanced" style image is another style. Enhance the
# *content* before the transfer, and its halos and its grain are content from then on: the content loss will defend
# them. So the usual place is after, and the usual order there: denoise (29), then contrast, then sharpen, because each
# later step amplifies what an earlier one left.

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - K. Zuiderveld, *Contrast Limited Adaptive Histogram Equalization*, Graphics Gems IV, 1994, pages 474-485.
# - S. M. Pizer et al., *Adaptive Histogram Equalization and Its Variations*, CVGIP 39, 1987.
# - R. C. Gonzalez, R. E. Woods, *Digital Image Processing*, chapter on intensity transformations, for the derivation of
#   equalisation.
#
# **Next:** lesson 26 strengthens content inside the transfer; 30 splits a picture into bands and sharpens without
# halos.
