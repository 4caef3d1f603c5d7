# %% [markdown]
# # 26 Content enhancement / 内容增强
#
# **After this lesson** you can make a stylised face or a line of text readable again without turning the style off, and
# say for each of four tools where in the pipeline it acts and what it costs.
#
# About 40 minutes, and 80 for the exercises. Read 04 and 11 first; 21 has the box mean.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch
import torch.nn.functional as F


def box_mean(img: np.ndarray, radius: int) -> np.ndarray:
    """Lesson 21's mean over a (2r + 1)² window that ends at the border, float64, at a cost without the radius."""
    out = img.astype(np.float64)
    for axis in (0, 1):
        n = out.shape[axis]
        sums = np.concatenate([np.zeros_like(out.take([0], axis)), out.cumsum(axis)], axis)
        stop, start = np.minimum(np.arange(n) + radius + 1, n), np.maximum(np.arange(n) - radius, 0)
        counts = (stop - start).reshape((-1, 1) if axis == 0 else (1, -1))
        out = (sums.take(stop, axis) - sums.take(start, axis)) / counts
    return out


# %%
import matplotlib.pyplot as plt
from PIL import Image, ImageDraw, ImageFont

from nstkit.color import luma
from nstkit.encoders import load_encoder
from nstkit.enhance import screened_poisson as library_poisson
from nstkit.enhance import unsharp_mask
from nstkit.filters import gaussian_blur, guided_filter as library_guided
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import gatys_style_loss
from nstkit.losses import laplacian_loss as library_laplacian
from nstkit.losses import weighted_content_loss as library_weighted
from nstkit.paintings import paint
from nstkit.transfer import run_transfer

torch.set_num_threads(2)
encoder = load_encoder("tiny")


def show(axis, image, title):
    axis.imshow(image[0].clamp(0, 1).permute(1, 2, 0).squeeze(), cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, fontsize=10)
    axis.axis("off")


# %% [markdown]
# ## A name that nobody can read
#
# A poster for a lecture: the speaker's photograph, her first name below. The designer wants it as a mosaic. Grace
# Hopper is the speaker, so the letters had better be right.

# %%
photo = photograph("grace_hopper", size=168)[..., :144, :]
canvas = Image.fromarray((photo[0].permute(1, 2, 0) * 255).round().byte().numpy())
pen, (width, height) = ImageDraw.Draw(canvas), canvas.size
pen.rectangle([0, height - 30, width, height], fill=(240, 235, 220))
pen.text((width // 2, height - 15), "GRACE", font=ImageFont.load_default(26), fill=(30, 30, 40), anchor="mm")
content = torch.from_numpy(np.asarray(canvas) / np.float32(255)).permute(2, 0, 1)[None]  # (1, 3, 144, 143)
mosaic = paint("mosaic", height=112, width=144)

CONTENT, STYLE = "relu3_1", ("relu1_1", "relu2_1", "relu3_1")
everywhere = torch.ones(height, width)
with torch.no_grad():
    of_mosaic, of_content = encoder(mosaic, list(STYLE)), encoder(content, [CONTENT, *STYLE])
    share = {
        k: 1 / float(gatys_style_loss(of_content, of_mosaic, {k: 1.0})) for k in STYLE
    }  # each starts at 1


def stylised(picture=content, *, alpha=0.3, weight=everywhere, edges=0.0):
    """Forty steps of content + style, with a map for the content term and a Laplacian term."""
    with torch.no_grad():
        target = encoder(picture, [CONTENT])[CONTENT]
    energy = target.square().mean()

    def objective(x):
        features = encoder(x, [CONTENT, *STYLE])
        loss = alpha * library_weighted(features[CONTENT], target, weight) / energy
        loss = loss + gatys_style_loss(features, of_mosaic, share)
        return loss + edges * library_laplacian(x, picture) if edges else loss

    return run_transfer(objective, content, steps=40)[0]


name = (..., slice(height - 28, height - 3), slice(20, width - 20))


def measure(image):
    """How readable the name is (correlation of the brightness with the original's), and how far the style is off."""
    image = image.clamp(0, 1)
    a, b = gaussian_blur(luma(image), 1.0)[name].flatten(), luma(content)[name].flatten()
    with torch.no_grad():
        style = gatys_style_loss(encoder(image, list(STYLE)), of_mosaic, share)
    return float(torch.corrcoef(torch.stack([a, b]))[0, 1]), float(style)


runs = {"plain": stylised()}
figure, axes = plt.subplots(1, 3, figsize=(10, 3.4))
for axis, image, title in zip(
    axes, (content, mosaic, runs["plain"]), ("The poster", "The style", "The poster as a mosaic")
):
    show(axis, image, title)
figure.tight_layout()
plt.show()
print("reads {:.2f}, style term {:.2f}".format(*measure(runs["plain"])))

# %% [markdown]
# *A portrait with GRACE below in dark letters; a mosaic; the portrait in coloured grains, the letters eaten away.*
#
# The same list of answers that advises on style (lesson 25) has advice for content, word for word the same: *filter the
# content image, bilateral or Gaussian; adjust the filters of the CNN; use the enhanced features.* The encoder is a
# frozen instrument; adjusting it changes the measurement and not the picture. The filters can be tried. So can the
# other two ideas that everybody has first: sharpen the content, and blend the result with the photograph.
#
# **Rank them before you look:** which makes the name most readable, and what does it cost?

# %%
runs["content blurred first"] = stylised(gaussian_blur(content, 2.0))
runs["content sharpened first"] = stylised(unsharp_mask(content, 1.5, 1.5))
runs["half photograph"] = 0.5 * runs["plain"] + 0.5 * content
figure, axes = plt.subplots(1, 4, figsize=(13, 3.5))
for axis, (label, image) in zip(axes, runs.items()):
    show(axis, image, label)
    print(f"{label:>24}: reads {measure(image)[0]:.2f}, style term {measure(image)[1]:.2f}")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Four posters: plain; from a blurred content, with softer letters; from a sharpened content; and half transparent over
# the photograph.*
#
# Blurring did the most harm: it removed the very edges that were wanted. Sharpening did not help either; what it adds
# beside an edge is a halo, and from now on the halo is content. Half a photograph reads well, and the last column
# presents the bill: the style term is nearly thirty times that of the plain run. Look at the cheeks: two pictures lie
# on top of each other, everywhere, and the style is washed out where it did no harm.
#
# Content and style pull against each other. No tool changes that; a good one lets you say **where** to give in: at
# which scale, in which place, in which frequencies. That is the order of this lesson.

# %% [markdown]
# ## At which scale: protect where the picture bends
#
# A deep content layer knows that there is a face, and has let go of the exact outline. The **Laplacian** of the pixels
# says where brightness bends, with a sign: positive on a bright ridge, negative in a dark groove, zero on any ramp.
#
# $$(Dx)_{ij} = 4x_{ij} - x_{i-1,j} - x_{i+1,j} - x_{i,j-1} - x_{i,j+1}$$
#
# Small numbers first: the row $1, 2, 3, 9$ has the second differences $0$ and $-5$ at its two inner places. The ramp is
# invisible, the bend is not.
#
# On raw pixels this loss would forbid every stroke, for a stroke is a bend. So Li et al. (2017) **pool first**:
# averages of 4 × 4 pixels wash the strokes out, and the outline of a letter stays.
#
# ### Exercise 26.1


# %% answer="laplacian_loss"
def laplacian_loss(generated: torch.Tensor, content: torch.Tensor, pool: int = 4) -> torch.Tensor:
    """Squared difference of the Laplacians of the pooled pictures: summed over positions, averaged over N.

    Average-pool pool x pool with stride pool (the rest is dropped), sum the channels, convolve with
    [[0, -1, 0], [-1, 4, -1], [0, -1, 0]] without padding.

    Args:
        generated: (N, 3, H, W); the gradient reaches it.
        content: the same shape; a constant.
        pool: size and stride of the cells.
    Returns:
        A 0-d tensor.
    Raises:
        ValueError: shapes that differ, or fewer than 3 cells in height or width.
    """
    ### BEGIN SOLUTION
    if generated.shape != content.shape:
        raise ValueError(f"content: expected {tuple(generated.shape)}, got {tuple(content.shape)}")
    if min(generated.shape[2:]) // pool < 3:
        raise ValueError(f"pool: expected at least 3 x 3 cells, got fewer with pool={pool}")
    kernel = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]]).to(generated)[None, None]
    gap = F.avg_pool2d(generated - content.detach(), pool).sum(1, keepdim=True)  # all steps are linear
    return F.conv2d(gap, kernel).square().sum((1, 2, 3)).mean()
    ### END SOLUTION


# %% check="laplacian_loss"

# %% [markdown]
# ## In which place: a map for the content term
#
# The face and the name matter, the flag in the corner does not. Multiply the squared feature differences by a map. Two
# details decide whether it works:
#
# - **Shrink the map by averaging cells.** The layer is four times smaller than the picture; picking every fourth pixel
#   of the map would miss a thin letter altogether.
# - **Divide by its mean.** Otherwise a small mask makes the whole content term weaker, and you would have to tune
#   $\alpha$ again for every mask. With mean one, weight is moved and none is lost.
#
# ### Exercise 26.4


# %% answer="weighted_content_loss"
def weighted_content_loss(feat: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean over all elements of m · (feat - target)², m the map averaged down to the layer, divided by its mean.

    Args:
        feat: (N, C, h, w); the gradient reaches it.
        target: the same shape; a constant.
        weight: (H, W) >= 0 at image size, a constant; shrunk by F.adaptive_avg_pool2d, then divided by its mean.
    Returns:
        A 0-d tensor; a constant map gives the plain mean square.
    Raises:
        ValueError: shapes that differ, a negative weight, or one that is zero everywhere.
    """
    ### BEGIN SOLUTION
    if feat.shape != target.shape:
        raise ValueError(f"target: expected {tuple(feat.shape)}, got {tuple(target.shape)}")
    if (weight < 0).any() or not (weight > 0).any():
        raise ValueError("weight: expected numbers of at least 0, not all 0")
    m = F.adaptive_avg_pool2d(weight.detach()[None, None], tuple(feat.shape[2:]))  # (1, 1, h, w)
    return (m / m.mean() * (feat - target.detach()).square()).mean()
    ### END SOLUTION


# %% check="weighted_content_loss"

# %%
y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
matters = torch.full((height, width), 0.15)
matters[((y - 52) / 38) ** 2 + ((x - 66) / 28) ** 2 < 1] = 1.0  # the face
matters[height - 30 :] = 1.0  # the name
runs["ten times the content"] = stylised(alpha=3.0)
runs["Laplacian"] = stylised(edges=0.02)
runs["Laplacian and map"] = stylised(edges=0.02, weight=matters)
chosen = ("plain", "ten times the content", "Laplacian", "Laplacian and map")
figure, axes = plt.subplots(1, 5, figsize=(15, 3.3))
for axis, label in zip(axes, chosen):
    show(axis, runs[label], label)
    print(f"{label:>24}: reads {measure(runs[label])[0]:.2f}, style term {measure(runs[label])[1]:.2f}")
show(axes[4], matters[None, None], "The map")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Four posters: in the plain one the name is eaten away; with ten times the content it is clear on a smooth ground;
# with the Laplacian term the letters have their shape; with the map as well. Beside them the map: face and name white.*
#
# Ten times the content weight does make the name readable, and takes the grain out of the sky, where nobody asked for
# it: the style term is 0.48. The Laplacian term gets nearly as far for a quarter of that price, for it lets the grain
# be and holds the outlines. The map adds a little at no cost to speak of. On this poster face and name fill much of the
# picture, so there is not much weight to move; the map is the tool for a small face in a large scene.
#
# Every point below is one run. Up and to the left is where you want to be, and the fair comparison is between points of
# the *same style term*:

# %%
figure, axis = plt.subplots(figsize=(6.5, 3.8))
markers = dict(zip(runs, "o^vsDP*X"))
for label, image in runs.items():
    reads, style = measure(image)
    axis.scatter(style, reads, marker=markers[label], s=60, label=label)
axis.set(xlabel="style term (smaller is closer to the mosaic)", ylabel="how readable the name is")
axis.set_title("What each tool buys, and what it costs")
axis.legend(fontsize=8, bbox_to_anchor=(1, 1), loc="upper left")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Points over the style term: the two with the Laplacian lie high and near the left edge; ten times the content and
# half photograph a little higher and far to the right; blurred and sharpened below the plain one.*
#
# ## Afterwards, I: let the strokes follow the content's edges
#
# Sometimes the transfer is done and cannot be run again. The **guided filter** (He, Sun and Tang, 2013) smooths a
# picture $p$ so that its edges are those of a *guide* $I$. Its one assumption: in a small window the output is a
# straight line of the guide, $aI + b$. Fit it,
#
# $$\min_{a,b}\; \sum_\text{window} (a I + b - p)^2 + \varepsilon\, a^2 ,$$
#
# set the derivative by $b$ to zero: $b = \bar p - a \bar I$. Put that in, and the derivative by $a$ gives
#
# $$a = \frac{\overline{Ip} - \bar I\,\bar p}{\overline{I^2} - \bar I^2 + \varepsilon} ,$$
#
# covariance over variance: ridge regression. Where the guide is flat, its variance is far below $\varepsilon$, so
# $a \approx 0$ and the output is a mean. Where it has an edge, $a$ carries the edge over. A pixel lies in many windows,
# so $a$ and $b$ are averaged over them. Six box means in all, at the same cost for every radius.
#
# It is *not* "a faster bilateral filter": there is no weight per neighbour, and it does not reverse gradients.
#
# ### Exercise 26.2
#
# `box_mean(img, radius)` from lesson 21 is given in the set-up cell.


# %% answer="guided_filter"
def guided_filter(guide: np.ndarray, src: np.ndarray, radius: int, eps: float) -> np.ndarray:
    """mean(a) · I + mean(b) with a = (m(Ip) - m(I) m(p))/(m(I²) - m(I)² + eps), b = m(p) - a m(I).

    Args:
        guide: I, float, (H, W).
        src: p, the same shape.
        radius: at least 1; m is the mean over a (2r + 1)² window that ends at the border.
        eps: above 0.
    Returns:
        (H, W), the dtype of src.
    Raises:
        ValueError: shapes that differ, eps not above 0, or a radius below 1.
    """
    ### BEGIN SOLUTION
    if guide.shape != src.shape or eps <= 0 or radius < 1:
        raise ValueError("guide, src: expected one shape; eps: above 0; radius: at least 1")
    i, p = guide.astype(np.float64), src.astype(np.float64)
    mean_i, mean_p = box_mean(i, radius), box_mean(p, radius)
    covariance = box_mean(i * p, radius) - mean_i * mean_p
    variance = box_mean(i * i, radius) - mean_i**2
    a = covariance / (variance + eps)
    b = mean_p - a * mean_i
    return (box_mean(a, radius) * i + box_mean(b, radius)).astype(src.dtype)
    ### END SOLUTION


# %% check="guided_filter"

# %% [markdown]
# **Which picture is the guide, if the mosaic's texture should respect the edges of the photograph?**

# %%
rough = runs["plain"]
guide = luma(content)
panels = {
    "the mosaic poster": rough,
    "guided by itself": library_guided(luma(rough), rough, 4, 0.02),
    "guided by the photograph": library_guided(guide, rough, 4, 0.001),
}
figure, axes = plt.subplots(2, 3, figsize=(10, 5.2), gridspec_kw={"height_ratios": (3.4, 1)})
for column, (label, image) in enumerate(panels.items()):
    show(axes[0, column], image, label)
    show(axes[1, column], image[..., height - 30 :, :], "")
    reads, style = measure(image)
    print(f"{label:>24}: reads {reads:.2f}, style term {style:.2f}")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three posters, the name once more below each: the rough one; a smoothed one in which the letters stay eaten; one
# whose letters have their edges again, on smooth ground.*
#
# The content guides. Guided by itself, the picture keeps its own strong edges, which are the grains. The second column
# of numbers shows the price: 3.42, more than the untouched poster has (each of three layers starts at 1). Fine grain is
# what this style is made of, and a smoothing filter takes it. So use it where the strokes are *larger* than the window,
# or only inside a mask.

# %% [markdown]
# ## Afterwards, II: values from one picture, gradients from the other
#
# Ask for a picture $O$ whose *values* are near the stylised $S$ and whose *gradients* are those of the content $C$:
#
# $$E(O) = \lambda\,\lVert O - S \rVert^2 + \lVert \nabla O - \nabla C \rVert^2 .$$
#
# Set the derivative to zero, with $L$ for minus the Laplacian (the same kernel as above):
#
# $$(\lambda + L)\, O = \lambda\, S + L\, C .$$
#
# A million unknowns, and yet no solver is needed: cosines are the eigenvectors of $L$. In the cosine basis
# each frequency stands alone,
#
# $$\hat O = \frac{\lambda\,\hat S + w\,\hat C}{\lambda + w} ,
# \qquad w_{uv} = 4 - 2\cos\frac{\pi u}{H} - 2\cos\frac{\pi v}{W} .$$
#
# **Read it before you code it:** for slow waves $w \approx 0$ and $O$ is the stylised picture; for fast ones $w$ is up
# to 8 and $O$ is the content. $\lambda$ sets where one takes over from the other. A blend has the same mixture at every
# frequency, which is why it ghosts.
#
# Why cosines and not the plain FFT? The FFT joins the left border to the right one. Cosines mirror the picture at its
# border, so no gradient crosses it. To get them from an FFT, mirror the picture yourself: $[x, \text{flip}(x)]$ in both
# directions, solve on $2H \times 2W$, and crop. This is what Mechrez et al. (2017) do to bring photographs back to life
# after a transfer.
#
# ### Exercise 26.3


# %% answer="screened_poisson"
def screened_poisson(stylized: np.ndarray, content: np.ndarray, lam: float) -> np.ndarray:
    """The minimiser of lam Σ (O - S)² + Σ (Dx O - Dx C)² + Σ (Dy O - Dy C)².

    Forward differences that stay inside the picture. By orthonormal DCT-II, or the FFT of the mirrored picture:
    (lam Ŝ + w Ĉ)/(lam + w), w[u, v] = 4 - 2 cos(πu/H) - 2 cos(πv/W). Not clipped.

    Args:
        stylized: S, float, (H, W) or (H, W, 3), channel by channel.
        content: C, the same shape.
        lam: above 0.
    Returns:
        The same shape and dtype.
    Raises:
        ValueError: shapes that differ, or lam not above 0.
    """
    ### BEGIN SOLUTION
    if stylized.shape != content.shape or lam <= 0:
        raise ValueError("content: expected the shape of stylized; lam: above 0")
    height, width = stylized.shape[:2]

    def spectrum(image):
        wide = np.concatenate([image, image[:, ::-1]], axis=1)
        return np.fft.fft2(np.concatenate([wide, wide[::-1]], axis=0), axes=(0, 1))

    def waves(n):
        return 2 - 2 * np.cos(np.pi * np.arange(2 * n) / n)

    w = waves(height)[:, None] + waves(width)  # (2H, 2W)
    w = w.reshape(w.shape + (1,) * (stylized.ndim - 2))
    mixed = (lam * spectrum(stylized) + w * spectrum(content)) / (lam + w)
    return np.fft.ifft2(mixed, axes=(0, 1)).real[:height, :width].astype(stylized.dtype)
    ### END SOLUTION


# %% check="screened_poisson"

# %%
figure, axes = plt.subplots(1, 5, figsize=(15, 3.3))
for axis, lam in zip(axes, (0.01, 0.1, 1.0, 10.0)):
    fused = library_poisson(rough, content, lam)
    show(axis, fused, f"lam = {lam:g}")
    print(f"lam = {lam:5g}: reads {measure(fused)[0]:.2f}, style term {measure(fused)[1]:.2f}")
show(axes[4], rough, "stylised")
figure.suptitle("From the content's detail with the style's tones to the stylised picture")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Five posters: nearly the photograph in slightly other tones; then more and more of the grain, to the stylised one.*
#
# This tool keeps *detail* of the photograph and *tones* of the style. For a mosaic, whose style is fine grain, that is
# the wrong trade; for a change of light or palette it is the right one, and then it is exact and costs one transform.
#
# <details><summary>Ask yourself: lam goes to zero. What does O become?</summary>
#
# The content plus a constant: its gradients are all that counts, and only the mean of S is left of the style.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - S. Li, X. Xu, L. Nie, T.-S. Chua, *Laplacian-Steered Neural Style Transfer*, ACM MM 2017, arXiv:1707.01253.
# - K. He, J. Sun, X. Tang, *Guided Image Filtering*, TPAMI 35(6), 2013, Eq. 5, 6 and 8.
# - P. Bhat, B. Curless, M. Cohen, C. L. Zitnick, *Fourier Analysis of the 2D Screened Poisson Equation for Gradient
#   Domain Problems*, ECCV 2008.
# - R. Mechrez, E. Shechtman, L. Zelnik-Manor, *Photorealistic Style Transfer with Screened Poisson Equation*, BMVC
#   2017.
# - F. Luan, S. Paris, E. Shechtman, K. Bala, *Deep Photo Style Transfer*, CVPR 2017: a matting Laplacian inside the
#   loss.
#
# **Next:** lesson 27 keeps a texture's arrangement; 30 takes up bases and details. The opposite wish, more style, was
# lesson 25.
