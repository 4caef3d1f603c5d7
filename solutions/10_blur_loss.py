# %% [markdown]
# # 10 Blur loss / 模糊损失
#
# **After this lesson** you can take a proposed loss apart before you use it: write down what it compares, find the
# image that minimises it, and decide whether that is what its author wanted. The case at hand is the "blur loss".
#
# About 35 minutes, and 70 for the exercises. Read 02 for the loop; convolutions and spectra are all the rest you
# need.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch
from torch import nn

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.filters import gaussian_blur, gaussian_taps
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import blur_losses as library_losses
from nstkit.losses import gram_matrix, laplacian_variance
from nstkit.losses import sharpness_gap as library_gap
from nstkit.paintings import paint
from nstkit.theory import prose_blur_minimizer as library_minimizer
from nstkit.transfer import run_transfer

torch.set_num_threads(2)

# %% [markdown]
# ## Three witnesses
#
# A widespread list of interview answers has a "blur loss" for style transfer, and gives it three times over. Call the
# generated image $g$, the content image $c$, and a Gaussian blur $B$.
#
# - The **formula** says: mean of $\lVert g - B(g) \rVert^2$, where the second image is "the blurred image".
# - The **sentence** above it says: blur the generated image, and take the difference from the *original content*.
#   That is $\lVert B(g) - c \rVert^2$.
# - The **purpose** below it says: the result shall be as blurred, or as sharp, as the content.
#
# Three witnesses, three stories. There is a fourth, which the list does not know and which exists in the literature:
# blur *both*, $\lVert B(g) - B(c) \rVert^2$.
#
# The way to question a loss is to give it everything it asks for. Below, each is minimised from the same noisy
# start, with a little of $\lVert g - c\rVert^2$ added, so that the answer is unique. **Predict each picture before
# you run the cell:** one of the three is soft, one is harsh, one is the photograph.

# %%
cat = photograph("chelsea", size=180)[..., 10:90, 30:150]  # (1, 3, 80, 120)
taps = gaussian_taps(2.0, 2.5).float()  # 11 weights
kernel = torch.outer(taps, taps)
noisy = (cat + 0.15 * torch.randn(cat.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
titles = {
    "self_blur": "formula: g against B(g)",
    "blurred_vs_content": "sentence: B(g) against c",
    "low_frequency": "fourth: B(g) against B(c)",
}


def minimise(name, weight):
    """The image that minimises one of the losses plus weight · ‖g - c‖², from the noisy start."""
    return run_transfer(
        lambda g: library_losses(g, cat, kernel)[name] + weight * (g - cat).square().sum(),
        noisy,
        steps=90,
        lr=0.03,
    )[0]


def show(pictures, height=2.6):
    figure, axes = plt.subplots(1, len(pictures), figsize=(3.7 * len(pictures), height))
    for axis, (title, picture) in zip(axes, pictures.items()):
        axis.imshow(picture[0].permute(1, 2, 0).clamp(0, 1))
        axis.set_title(title)
        axis.axis("off")
    figure.tight_layout()
    plt.show()


found = {name: minimise(name, 0.1) for name in titles}
show({"content c": cat} | {titles[name]: picture for name, picture in found.items()})
for name, picture in found.items():
    values = {key: float(value) for key, value in library_losses(picture, cat, kernel).items()}
    print(f"minimiser of {name:>18}: " + ", ".join(f"{key} {value:6.1f}" for key, value in values.items()))

# %% [markdown]
# *The content, a blurred cat, a harsh cat with bright and dark lines along its edges, and the content again.*
#
# **The formula blurs.** Look at it once more: the content does not occur. $g - B(g)$ is what a blur would take away
# from $g$, so the loss is the energy of fine detail, and it is zero for a gray wall. Whoever adds it against blur
# gets blur.
#
# **The sentence over-sharpens.** It wants an image that *becomes* $c$ when it is blurred. Such an image must have
# more detail than $c$, and the optimiser invents it: a deconvolution, with the halos that deconvolutions have.
#
# **The fourth is at peace with the content**, since $g = c$ makes it zero. But is it the only image that does? Run it
# without the added term:

# %%
free = minimise("low_frequency", 0.0)
show({"the start": noisy, "low_frequency alone": free, "the same, blurred": gaussian_blur(free, 2.0)})
print(f"low_frequency {float(library_losses(free, cat, kernel)['low_frequency']):.4f}")
print(f"distance from the content per value: {float((free - cat).abs().mean()):.3f}")

# %% [markdown]
# *A noisy cat, a cat just as noisy, and a smooth cat without noise.*
#
# The grain of the start has stayed. The blur cannot see it, so nothing asks for its removal: agreement at low
# frequencies, *freedom at high ones*. In a style transfer that is a useful thing to say, and we shall use it at the
# end.
#
# Small numbers. One row, $g = (0, 0, 3, 0, 0)$, kernel $(\tfrac14, \tfrac12, \tfrac14)$: $B(g) = (0, 0.75, 1.5,
# 0.75, 0)$, the difference is $(0, -0.75, 1.5, -0.75, 0)$, and self_blur is $0.5625 + 2.25 + 0.5625 = 3.375$. For
# $(3, 3, 3, 3, 3)$ it is zero, *if* the border is right. With zeros beyond it, $B$ would give $2.25$ at both ends,
# and a constant image would be charged for its rim. Hence mirrored borders, and hence: the padding is part of the
# definition.
#
# ### Exercise 10.1: all three
#
# Each channel is blurred by itself. The kernel is given; how to make one is lesson 21.


# %% answer="blur_losses"
def blur_losses(
    generated: torch.Tensor, content: torch.Tensor, kernel: torch.Tensor
) -> dict[str, torch.Tensor]:
    """With S(d) = the sum of d² over C, H and W, averaged over the batch, and B the blur by `kernel`:

    "self_blur" S(g - B(g)); "blurred_vs_content" S(B(g) - c); "low_frequency" S(B(g) - B(c)).

    Args:
        generated: g, (B, C, H, W); the gradient reaches it.
        content: c, the same shape.
        kernel: (kh, kw) with odd sides, not always square and not always separable; it is its own turn by 180°, so
            convolution and correlation agree. Each channel alone, "reflect" padding of kh//2 and kw//2.
    Returns:
        The three losses, 0-d each.
    Raises:
        ValueError: an even side, a sum that is more than 1e-5 from 1, different shapes, or half a side (k//2) not
            smaller than the image's.
    """
    ### BEGIN SOLUTION
    rows, columns = kernel.shape
    if rows % 2 == 0 or columns % 2 == 0 or abs(float(kernel.sum()) - 1) > 1e-5:
        raise ValueError(
            f"kernel: expected odd sides and sum 1, got {tuple(kernel.shape)}, {float(kernel.sum())}"
        )
    if generated.shape != content.shape:
        raise ValueError(f"content: expected {tuple(generated.shape)}, got {tuple(content.shape)}")
    channels, height, width = generated.shape[1:]
    if rows // 2 >= height or columns // 2 >= width:
        raise ValueError(f"kernel: too large for an image of {height} x {width}")

    def blur(image):
        padding = (columns // 2, columns // 2, rows // 2, rows // 2)  # the last axis first
        padded = nn.functional.pad(image, padding, mode="reflect")
        return nn.functional.conv2d(padded, kernel.expand(channels, 1, rows, columns), groups=channels)

    def energy(difference):
        return difference.square().sum((1, 2, 3)).mean()

    blurred = blur(generated)
    return {
        "self_blur": energy(generated - blurred),
        "blurred_vs_content": energy(blurred - content),
        "low_frequency": energy(blurred - blur(content)),
    }
    ### END SOLUTION


# %% check="blur_losses"

# %% [markdown]
# ## The purpose: as sharp as the content
#
# "The same blur level" compares *two numbers*, one for each image, and neither formula nor sentence has such a
# number. The usual one, from autofocus, is the variance of the Laplacian (Pech-Pacheco et al. 2000). The Laplacian
# is the sum of the four neighbours minus four times the pixel: zero on slopes, large at fine edges. Where an image
# is blurred, its Laplacian is near zero everywhere, and so is the variance.
#
# **Guess** where the three minimisers stand, relative to the content.

# %%
own = float(laplacian_variance(cat))
for title, picture in {
    "content": cat,
    **{titles[k]: v for k, v in found.items()},
    "content, blurred": gaussian_blur(cat, 2.0),
}.items():
    print(f"{title:>26}: {float(laplacian_variance(picture)) / own:7.3f} × the content's")

# %% [markdown]
# The formula's image has lost nearly all of it, the sentence's has more than the content has. As a loss, compare
# logarithms: half as sharp and twice as sharp are then equally far away, and a picture of low contrast is not
# favoured.
#
# $$\bigl(\ln(v_g + \varepsilon) - \ln(v_c + \varepsilon)\bigr)^2$$
#
# Three times the contrast is nine times the variance, so it costs $(2 \ln 3)^2 = 4.83$ whatever the picture is.
#
# ### Exercise 10.2: a gap in sharpness


# %% answer="sharpness_gap"
def sharpness_gap(generated: torch.Tensor, content: torch.Tensor, eps: float = 1e-8) -> torch.Tensor:
    """(ln(v_g + eps) - ln(v_c + eps))², averaged over the batch.

    v is the population variance over H and W of the Laplacian [[0, 1, 0], [1, -4, 1], [0, 1, 0]], with "reflect"
    padding, of the gray image, which is the mean over the channels.

    Args:
        generated: (B, C, H, W); the gradient reaches it.
        content: (B, C', H', W'), any size.
    Returns:
        A 0-d tensor.
    Raises:
        ValueError: H or W below 2 in either, or different batches.
    """
    ### BEGIN SOLUTION
    if len(generated) != len(content):
        raise ValueError(f"content: expected a batch of {len(generated)}, got {len(content)}")

    def log_sharpness(image):
        if min(image.shape[2:]) < 2:
            raise ValueError(f"expected H and W of at least 2, got {tuple(image.shape)}")
        gray = image.mean(1, keepdim=True)
        x = nn.functional.pad(gray, (1, 1, 1, 1), mode="reflect")
        around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
        return torch.log((around - 4 * gray).var((1, 2, 3), correction=0) + eps)  # (B,)

    return (log_sharpness(generated) - log_sharpness(content)).square().mean()
    ### END SOLUTION


# %% check="sharpness_gap"

# %% [markdown]
# Does that serve the purpose, then? Question this witness too: start at the *blurred* cat, and minimise the gap.

# %%
soft = gaussian_blur(cat, 2.0)
sharpened, history = run_transfer(lambda g: library_gap(g, cat), soft, steps=60, lr=0.01)
show({"blurred start": soft, "as sharp as the content, by this number": sharpened, "the content": cat})
print(f"gap: {history[0]:.2f} at the start, {float(library_gap(sharpened, cat)):.4f} at the end")
print(f"distance from the content: {float((soft - cat).abs().mean()):.4f} at the start, "
      f"{float((sharpened - cat).abs().mean()):.4f} at the end")  # fmt: skip

# %% [markdown]
# *A blurred cat; the same with the eye's rim sharpened and a network of fine ridges all over the fur; the content.*
#
# The number is matched, and the picture is not the one you wanted. To strengthen the edges that are left is one way
# to raise the number, and it brought the picture a little nearer to the content. The other way is to grow fine
# structure of *any* kind, and the fur has ridges now that no cat has. The variance of the Laplacian rises with noise
# as readily as with whiskers. It is a measure for comparing pictures of one subject, as in autofocus; as a loss it
# is soon gamed. So even the purpose, taken at its word, is not a good loss.
#
# ## Why the sentence sharpens
#
# Back to $\lVert k * g - c \rVert^2 + \lambda \lVert g - c \rVert^2$, whose minimiser can be written down. If the
# image continues circularly, the Fourier transform turns the convolution by $k$ into a product with a number $b$ for
# each frequency, and the sum of squares into a sum of squares (Parseval). Each frequency is a problem of its own,
# with one unknown complex number:
#
# $$\min_{\hat g}\; |b\,\hat g - \hat c|^2 + \lambda\,|\hat g - \hat c|^2
# \quad\Rightarrow\quad (|b|^2 + \lambda)\, \hat g = (\bar b + \lambda)\, \hat c .$$
#
# The bar is a complex conjugate. It is easy to forget, since for a symmetric kernel $b$ is real; it stands there
# because the adjoint of a convolution is a correlation.
#
# For a Gaussian, $0 < b \le 1$, hence $b^2 \le b$, and the gain is
#
# $$\frac{b + \lambda}{b^2 + \lambda} \;\ge\; 1 .$$
#
# *No frequency is lowered.* Both ends are left alone: the lowest, where $b = 1$, because a blur does nothing there,
# and the highest, where $b \approx 0$, because nothing can be won there and λ holds on to $c$. In between, the image
# is sharpened.

# %%
frequency = np.linspace(0, 0.5, 200)  # cycles per pixel
full = gaussian_taps(2.0, 5.0).numpy()  # further out than `taps`, whose cut ends make b dip below 0
wave = np.arange(len(full)) - len(full) // 2
b = (full * np.cos(2 * np.pi * frequency[:, None] * wave)).sum(1)
figure, axis = plt.subplots(figsize=(6.8, 3.5))
for lam, style, color in ((0.5, "-", "#009E73"), (0.1, "--", "#0072B2"), (0.01, "-.", "#D55E00")):
    gain = (b + lam) / (b**2 + lam)
    axis.plot(frequency, gain, style, color=color, label=f"λ = {lam:g}")
    print(f"λ = {lam:g}: largest gain {gain.max():.2f} at {frequency[gain.argmax()]:.3f} cycles per pixel")
axis.axhline(1, color="0.6", linewidth=1)
axis.plot(frequency, b, ":", color="black", label="b, the blur itself")
axis.set_xlabel("frequency (cycles per pixel)")
axis.set_ylabel("gain")
axis.set_title("Asked to match a sharp image through a blur, g over-sharpens")
axis.legend()
plt.show()

# %% [markdown]
# *A dotted curve, the blur, falling from 1 to 0; three curves that start at 1, rise to a hump in the middle
# frequencies, higher for smaller λ, and come back to 1.*
#
# <details><summary>Ask yourself: what does λ → 0 lead to?</summary>
#
# The gain tends to $1/b$, the plain inverse of the blur. At $b = 0.001$ it multiplies by a thousand whatever noise or
# rounding $c$ has there. The λ term is what keeps the problem sane.
#
# </details>
#
# ### Exercise 10.3: the sentence's image, in closed form
#
# In NumPy, for a gray image, and for kernels *without* symmetry, where a forgotten conjugate shows. The kernel's
# centre must lie at [0, 0] of the field before its transform, or everything comes out shifted.


# %% answer="prose_blur_minimizer"
def prose_blur_minimizer(content: np.ndarray, kernel: np.ndarray, lam: float) -> np.ndarray:
    """The g that minimises ‖k∗g - c‖² + lam ‖g - c‖², k∗g the circular convolution.

    (k∗g)[y, x] = Σ k[i, j] g[y - i + kh//2, x - j + kw//2], indices modulo the image's size.

    Args:
        content: c, (H, W), any real dtype; not modified.
        kernel: k, (kh, kw), odd sides, its centre at [kh//2, kw//2], not necessarily symmetric.
        lam: above 0.
    Returns:
        g, (H, W), real, float64.
    Raises:
        ValueError: lam is not above 0, a side of the kernel is even or larger than the image's.
    """
    ### BEGIN SOLUTION
    (height, width), (rows, columns) = content.shape, kernel.shape
    if lam <= 0:
        raise ValueError(f"lam: expected a number above 0, got {lam}")
    if rows % 2 == 0 or columns % 2 == 0 or rows > height or columns > width:
        raise ValueError(f"kernel: expected odd sides up to {height} x {width}, got {kernel.shape}")
    field = np.zeros((height, width))
    field[:rows, :columns] = kernel
    field = np.roll(field, (-(rows // 2), -(columns // 2)), axis=(0, 1))
    b = np.fft.fft2(field)
    c = np.fft.fft2(content.astype(np.float64))
    return np.fft.ifft2((b.conj() + lam) * c / (np.abs(b) ** 2 + lam)).real
    ### END SOLUTION


# %% check="prose_blur_minimizer"

# %%
gray = cat[0].mean(0).double().numpy()  # (80, 120)
exact = library_minimizer(gray, kernel.double().numpy(), 0.1)
by_steps = found["blurred_vs_content"][0].mean(0).double().numpy()
inner = np.s_[12:-12, 12:-12]  # away from the border, which is circular in one and mirrored in the other
print(f"closed form against 90 steps of Adam, inside: {np.abs(exact - by_steps)[inner].mean():.4f}")
print(f"closed form against the content, inside:      {np.abs(exact - gray)[inner].mean():.4f}")

# %% [markdown]
# Not the same to the last digit: Adam has clamped to [0, 1], and stopped after ninety steps. But it is the same
# picture.
#
# ## What is left of the idea
#
# Low-pass and high-pass losses have their uses, under better names:
#
# - **Colour loss** of DPED (Ignatov et al. 2017) is $\lVert B(g) - B(c)\rVert^2$: colours and light of regions must
#   agree, detail is nobody's business.
# - **Laplacian loss** of Lapstyle (Li et al. 2017) is the other end: the Laplacians of the two pooled images agree,
#   so edges stay and colour is free.
# - **CartoonGAN** (Chen et al. 2018) shows edge-blurred cartoons to the discriminator as *negative* examples, so
#   that the generator learns crisp lines. There the blur is in the data and not in the loss.
#
# Here is the first of them at work, in a transfer whose painting has other colours than the photograph. **Which of
# the two results keeps the cat's colours, and does it pay with its texture?**

# %%
encoder, layers = load_encoder("tiny"), ["relu1_1", "relu2_1", "relu3_1"]
small = cat[..., 4:76, 12:108]  # (1, 3, 72, 96)
with torch.no_grad():
    goal = {k: gram_matrix(f) for k, f in encoder(paint("stained_glass", 72, 96), layers).items()}


def style_term(image):
    return sum((gram_matrix(f) - goal[k]).square().sum() for k, f in encoder(image, layers).items())


results = {"the content": small}
for weight in (0.0, 0.01):
    picture, _ = run_transfer(
        lambda g, weight=weight: style_term(g) + weight * library_losses(g, small, kernel)["low_frequency"],
        small,
        steps=45,
        lr=0.03,
    )
    results[f"low_frequency × {weight:g}"] = picture
    low = float(library_losses(picture, small, kernel)["low_frequency"])
    print(f"weight {weight:g}: style {float(style_term(picture)):.4f}, low_frequency {low:7.2f}")
show(results)

# %% [markdown]
# *The cat; a cat in the colours of stained glass; a cat with the same dark seams in its own colours.*
#
# A small weight, an auxiliary term, and it does one thing that one can say in a sentence. That is the standard by
# which to judge a loss, whatever its name: *which images does it compare, and which image does it like best?*

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - A. Ignatov, N. Kobyshev, R. Timofte, K. Vanhoey, L. Van Gool, *DSLR-Quality Photos on Mobile Devices with Deep
#   Convolutional Networks*, ICCV 2017, arXiv:1704.02470.
# - S. Li, X. Xu, L. Nie, T.-S. Chua, *Laplacian-Steered Neural Style Transfer*, ACM MM 2017, arXiv:1707.01253.
# - Y. Chen, Y.-K. Lai, Y.-J. Liu, *CartoonGAN: Generative Adversarial Networks for Photo Cartoonization*, CVPR 2018.
# - J. L. Pech-Pacheco, G. Cristóbal, J. Chamorro-Martínez, J. Fernández-Valdivia, *Diatom autofocusing in brightfield
#   microscopy: a comparative study*, ICPR 2000.
#
# **Next:** 15 puts this loss in its catalogue, 21 builds the filters, 22 and 30 sharpen on purpose.
