# %% [markdown]
# # 28 Colour adjustment / 色彩调整
#
# **After this lesson** you can keep a photograph's colours through a style transfer, or give it a painting's, say which
# space each step belongs in, and write all four functions without looking.
#
# About 40 minutes, and 85 for the exercises. Read 01 and 03 first; 09 has the covariance map for features.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt
from matplotlib.patches import Ellipse

from nstkit.color import linear_color_transfer as library_transfer
from nstkit.color import luminance_transfer as library_luminance
from nstkit.color import match_histograms, rgb_to_hsv, rgb_to_yiq, srgb_to_lab as library_lab
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.paintings import paint
from nstkit.transfer import stylize

torch.set_num_threads(2)
cat = photograph("chelsea", size=160)
glass = paint("stained_glass", height=128, width=160)


def transfer(style):
    """Twenty steps at two sizes: enough to see what becomes of the colours."""
    return stylize(
        cat, style, encoder="tiny", size=160, coarsest=80, steps=20, style_loss="centered_gram"
    ).image


def show(axis, image, title):
    axis.imshow(image[0].clamp(0, 1).permute(1, 2, 0))
    axis.set_title(title)
    axis.axis("off")


# %% [markdown]
# ## Two complaints about one picture
#
# A cat, a stained-glass window, and what a transfer makes of them.

# %%
stained = transfer(glass)
figure, axes = plt.subplots(1, 3, figsize=(11, 2.9))
for axis, image, title in zip(axes, (cat, glass, stained), ("The cat", "The window", "The cat, stained")):
    show(axis, image, title)
plt.show()

# %% [markdown]
# *A brown cat; a window of red, blue and violet panes between black leads; the cat in panes of the window's colours.*
#
# You ship it, and two tickets come in. The first: *"My cat is brown. Give it back its colours and keep the panes."* The
# second: *"I have three hundred photographs without panes. I only want the window's colours on them."*
#
# The usual advice, "convert to HSV or Lab and adjust until it looks right", answers neither. The first ticket wants
# colour **kept**, the second wants colour **imposed**. Both are about statistics, not about sliders, and they go in
# opposite directions. Say which one you are solving, and half of the interview question is answered.

# %% [markdown]
# ## Keeping: brightness from one, colour from the other
#
# Television met this problem in 1953: one signal for black-and-white sets, and two more for colour. In **YIQ**,
#
# $$Y = 0.299\,R + 0.587\,G + 0.114\,B ,$$
#
# and $I$ and $Q$ are two differences of colour that are zero for every gray. A transfer draws its strokes mostly in
# light and dark, so take $Y$ from the stylised picture and $I, Q$ from the photograph (Gatys et al., 2016).
#
# **Before you write it:** the way back from YIQ to RGB is a 3 × 3 matrix. What does its first column say, the one that
# multiplies $Y$? Think of a gray pixel: $I = Q = 0$, and $R = G = B = Y$.
#
# So the column is $(1, 1, 1)$. Changing $Y$ by some amount adds *that amount to all three channels*, and the whole
# round trip shrinks to one line: content $+\,(Y_s - Y_c)$, clipped.
#
# ### Exercise 28.3: luminance transfer


# %% answer="luminance_transfer"
def luminance_transfer(stylized: np.ndarray, content: np.ndarray) -> np.ndarray:
    """Y of `stylized`, I and Q of `content`, back to RGB, clipped to [0, 1].

    Args:
        stylized: (…, 3) RGB in [0, 1], gamma-encoded as stored; gives Y = 0.299 R + 0.587 G + 0.114 B.
        content: the same shape; gives the colour.
    Returns:
        (…, 3), the same dtype.
    Raises:
        ValueError: the shapes differ in any way, or the last axis is not 3.
    """
    ### BEGIN SOLUTION
    if stylized.shape != content.shape or content.shape[-1] != 3:
        raise ValueError(f"content: expected (…, 3) as stylized, {stylized.shape}, got {content.shape}")
    weights = np.array([0.299, 0.587, 0.114], dtype=content.dtype)
    change = (stylized - content) @ weights  # (…)
    return np.clip(content + change[..., None], 0, 1)
    ### END SOLUTION


# %% check="luminance_transfer"

# %% [markdown]
# There is a second way: recolour the *window* first, so that its colours have the photograph's mean and covariance, and
# then transfer as usual. (How to recolour is the next section; for now let the library do it.)

# %%
kept = library_luminance(stained, cat)
brown_glass = library_transfer(glass, cat).clamp(0, 1)
recoloured = transfer(brown_glass)
figure, axes = plt.subplots(1, 4, figsize=(12.5, 2.6))
titles = (
    "Transfer alone",
    "Y from it, colour from the cat",
    "The window, recoloured",
    "Transfer from that window",
)
for axis, image, title in zip(axes, (stained, kept, brown_glass, recoloured), titles):
    show(axis, image, title)
figure.tight_layout()
plt.show()
for name, image in (("transfer alone", stained), ("luminance only", kept), ("recoloured style", recoloured)):
    yiq = rgb_to_yiq(image.clamp(0, 1))
    chroma = (yiq - rgb_to_yiq(cat))[:, 1:].square().mean().sqrt()
    print(f"{name:>17}: I and Q are off by {chroma:.3f} from the cat's; luma spread {yiq[:, 0].std():.3f}")

# %% [markdown]
# *Four pictures: the cat in red and blue panes; a brown cat with dark leads; the window in pale browns and grays; the
# cat in such pale panes.*
#
# The second picture keeps the cat's colour at every pixel, but for clipping (the 0.009 in the second line), and the
# leads are all there, since they are dark. What it loses: a border between a red and a blue pane of the *same
# brightness* is gone. The fourth keeps such borders, in browns. What it loses: the window had to squeeze its strong
# colours into the narrow spread of a cat's fur, so light and dark are squeezed with them and the leads turn pale.
# Neither is "better". Luminance-only for a portrait, recolouring where the strokes are in the colour.
#
# <details><summary>Ask yourself: a pointillist painting has dots of equal brightness and different colour. Which way
# keeps the dots?</summary>
#
# Only recolouring. To the luminance such a painting is a plain sheet.
#
# </details>

# %% [markdown]
# ## Imposing: move one cloud onto another
#
# For the second ticket forget the positions: a picture is a cloud of points in RGB. Give the source cloud the mean and
# the spread of the reference:
#
# $$x' = A\,(x - \mu_s) + \mu_r .$$
#
# Start in one dimension, with numbers: source values $1, 3$ (mean 2, deviation 1), reference values of mean 10 and
# deviation 4. Then $A = 4/1$, and $1 \to 10 + 4\cdot(1-2) = 6$, $3 \to 14$. That is Reinhard et al. (2001), channel by
# channel. They did it in Ruderman's $l\alpha\beta$ space, where the channels of natural pictures hardly correlate. In
# RGB they do:

# %%
rows = cat[0].flatten(1).numpy()  # (3, N)
print("correlations of R, G and B in the cat:\n", np.corrcoef(rows).round(2))
print("and in the window:\n", np.corrcoef(glass[0].flatten(1).numpy()).round(2))

# %% [markdown]
# In the cat the three channels nearly move as one. Three separate scalings keep that correlation, so the cat stays a
# thin needle of a cloud where the window's is a fat one. To match the whole **covariance** we need
#
# $$A\,C_s A^\top = C_r .$$
#
# **How many $A$ solve this?** Whiten the source cloud with $C_s^{-1/2}$: now it is round. Turn a round cloud by any
# rotation $Q$: still round. Then stretch with $C_r^{1/2}$. So $C_r^{1/2} Q\, C_s^{-1/2}$ works *for every* $Q$:
# infinitely many. They all have the right covariance, and they send red to quite different places.
#
# One of them moves the colours least, on average over the squared distance: the **Monge-Kantorovich** map (Pitié and
# Kokaram, 2007), the only one that is symmetric and positive definite:
#
# $$A = C_s^{-1/2}\,\bigl(C_s^{1/2}\, C_r\, C_s^{1/2}\bigr)^{1/2}\, C_s^{-1/2} .$$
#
# ### Exercise 28.4: four affine transfers
#
# The roots are *matrix* roots: $C^{1/2}$ is the symmetric matrix whose square is $C$. From `np.linalg.eigh`:
# $C^p = V\,\mathrm{diag}(w^p)\,V^\top$.


# %% answer="linear_color_transfer"
def linear_color_transfer(source: np.ndarray, reference: np.ndarray, method: str = "mk") -> np.ndarray:
    """x' = A (x - μ_s) + μ_r for every pixel; not clipped.

    Covariances have divisor N, plus 1e-8 I. "mean_std": A = diag(σ_r/σ_s), 1e-8 added to each deviation;
    "cholesky": L_r L_s⁻¹; "symmetric": C_r^½ C_s^-½; "mk": C_s^-½ (C_s^½ C_r C_s^½)^½ C_s^-½.

    Args:
        source: (H, W, 3) in [0, 1].
        reference: (H', W', 3), of any size.
        method: one of the four names.
    Returns:
        (H, W, 3), the dtype of the source.
    Raises:
        ValueError: another shape or another method.
    """
    ### BEGIN SOLUTION
    if source.ndim != 3 or reference.ndim != 3 or source.shape[2] != 3 or reference.shape[2] != 3:
        raise ValueError(f"source, reference: expected (H, W, 3), got {source.shape} and {reference.shape}")
    x, r = source.reshape(-1, 3).astype(np.float64), reference.reshape(-1, 3).astype(np.float64)
    c_s, c_r = (np.cov(pixels.T, bias=True) + 1e-8 * np.eye(3) for pixels in (x, r))

    def power(matrix, exponent):
        values, vectors = np.linalg.eigh(matrix)
        return vectors * values**exponent @ vectors.T

    root, inverse = power(c_s, 0.5), power(c_s, -0.5)
    maps = {
        "mean_std": lambda: np.diag((r.std(0) + 1e-8) / (x.std(0) + 1e-8)),
        "cholesky": lambda: np.linalg.cholesky(c_r) @ np.linalg.inv(np.linalg.cholesky(c_s)),
        "symmetric": lambda: power(c_r, 0.5) @ inverse,
        "mk": lambda: inverse @ power(root @ c_r @ root, 0.5) @ inverse,
    }
    if method not in maps:
        raise ValueError(f"method: expected one of {', '.join(maps)}, got {method!r}")
    moved = (x - x.mean(0)) @ maps[method]().T + r.mean(0)  # rows, so A from the right, transposed
    return moved.reshape(source.shape).astype(source.dtype)
    ### END SOLUTION


# %% check="linear_color_transfer"

# %% [markdown]
# Now the clouds themselves, seen along the green axis. The ellipse is the covariance, two deviations wide. **Predict:**
# which of the four results have the window's ellipse?


# %%
def cloud(axis, image, title):
    """Red against blue, every pixel in its own colour, with the 2σ ellipse of these two channels."""
    points = image[0].flatten(1).T.numpy()[::9]
    axis.scatter(points[:, 0], points[:, 2], s=3, c=points.clip(0, 1), linewidths=0)
    red_blue = image[0].flatten(1)[[0, 2]].numpy()
    values, vectors = np.linalg.eigh(np.cov(red_blue))
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    width, height = 4 * np.sqrt(values[::-1].clip(0))
    axis.add_patch(Ellipse(red_blue.mean(1), width, height, angle=angle, fill=False, lw=1.6))
    axis.set(xlim=(-0.4, 1.4), ylim=(-0.4, 1.4), title=title, xlabel="red", aspect="equal")
    axis.set_facecolor("0.85")


methods = ("mean_std", "cholesky", "symmetric", "mk")
results = {name: library_transfer(cat, glass, name) for name in methods}
figure, axes = plt.subplots(2, 6, figsize=(15, 5.2), gridspec_kw={"height_ratios": (3, 2)})
for column, (name, image) in enumerate({"the cat": cat, "the window": glass, **results}.items()):
    cloud(axes[0, column], image, name)
    show(axes[1, column], image, "")
axes[0, 0].set_ylabel("blue")
figure.suptitle(
    "Three of four maps reach the window's ellipse; they send the cat's colours to different places in it"
)
figure.tight_layout()
plt.show()
for name, image in results.items():
    off = np.cov(image[0].flatten(1).numpy()) - np.cov(glass[0].flatten(1).numpy())
    outside = ((image < 0) | (image > 1)).any(1).float().mean()
    print(
        f"{name:>10}: covariance off by {np.abs(off).max():.4f}, colours moved by "
        f"{float((image - cat).square().sum(1).mean().sqrt()):.3f}, out of gamut {outside:.0%}"
    )

# %% [markdown]
# *Upper row: six clouds of points in the red-blue plane with ellipses; the cat's is a thin needle, the window's wide,
# mean_std a long needle, and the last three as wide as the window's. Lower row: the pictures.*
#
# Read the three columns of numbers. `mean_std` leaves the covariance wrong. The other three get it right to four digits
# and still differ: look where the wall behind the cat went with `cholesky`. The distance that colours had to travel is
# least for `mk`, as promised, here by a hair before `symmetric`. And all of them push a part of the picture **out of
# the gamut**: back in [0, 1] these pixels are clipped, and the statistics that you matched hold only nearly.
#
# ### The wrong telling: "match the three histograms, and the colours match"
#
# Histogram matching is stronger than mean and deviation; each channel gets the reference's values exactly. Run it and
# look at what goes *together*:

# %%
matched = match_histograms(cat, glass)
share = {}
for name, image in (("the window", glass), ("three histograms", matched), ("mk", results["mk"].clamp(0, 1))):
    saturation = rgb_to_hsv(image)[:, 1]
    strong = saturation > 0.6
    share[name] = float(strong.float().mean())
    correlation = np.corrcoef(image[0].flatten(1).numpy())
    print(
        f"{name:>17}: R-G {correlation[0, 1]:5.2f}, R-B {correlation[0, 2]:5.2f}, strong colours {share[name]:.0%}"
    )

# %% [markdown]
# Every histogram is right, yet red and blue still rise together as they do in the cat, and of the window's strong
# colours few have arrived: strong red needs much red *and little blue at the same pixel*, and that a histogram of one
# channel cannot ask for. What matches the whole joint distribution, also where it is no ellipse, is the **iterative
# distribution transfer** (Pitié, Kokaram and Dahyot, 2007): rotate, match three histograms, rotate again, and so on.

# %% [markdown]
# ## Which space? First: what is stored is not light
#
# The number in the file is a *code*. sRGB spends its 256 codes where the eye is picky, in the darks. So before you ask
# how bright something is, decode. Watch what happens to a middle gray if you do not:


# %%
def lightness_of(t):
    return 116 * (np.cbrt(t) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116) - 16


code = 0.5
light = ((code + 0.055) / 1.055) ** 2.4
print(f"code {code}: light {light:.4f}, lightness L* {lightness_of(light):.1f}")
print(f"code taken for light: L* {lightness_of(code):.1f}, which would be a light gray")

# %% [markdown]
# A code of one half is about a fifth of the light, and it *looks* about half as light as white: $L^* = 53.4$. "Divide
# by 255 and convert to Lab" gets 76. (YIQ above is defined on the codes, on purpose; Lab is defined on light.)
#
# The whole road, with the step that people forget in bold: sRGB code → **decode** → $M$ → XYZ → **divide by the white**
# → $f$ → differences. Here $f$ is a cube root, and near black, where a cube root's slope would be infinite, a straight
# line. With $f_x, f_y, f_z$ of the three:
#
# $$L^* = 116 f_y - 16 , \qquad a^* = 500\,(f_x - f_y) , \qquad b^* = 200\,(f_y - f_z) .$$
#
# For a gray all three $f$ are equal, so $a^* = b^* = 0$: that is what dividing by the white buys.
#
# ### Exercise 28.1: there and back
#
# The constants are those of IEC 61966-2-1 and of the CIE; nobody should know them by heart.
#
# $$M = \begin{pmatrix} 0.4124564 & 0.3575761 & 0.1804375 \\ 0.2126729 & 0.7151522 & 0.0721750 \\
# 0.0193339 & 0.1191920 & 0.9503041 \end{pmatrix}, \quad \text{white } (0.95047,\, 1,\, 1.08883).$$


# %% answer="srgb_to_lab"
def srgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (white D65) of sRGB values.

    Decode: c/12.92 up to 0.04045, else ((c + 0.055)/1.055)^2.4. XYZ = M · light, divided by the white.
    f(t) = cbrt(t) above 216/24389, else ((24389/27) t + 16)/116.
    L = 116 f_y - 16, a = 500 (f_x - f_y), b = 200 (f_y - f_z).

    Args:
        rgb: (…, 3) in [0, 1].
    Returns:
        (…, 3), the same dtype: L in [0, 100], a and b signed.
    Raises:
        ValueError: the last axis is not 3, or values lie outside [0, 1] by more than 1e-6.
    """
    ### BEGIN SOLUTION
    if rgb.shape[-1:] != (3,) or rgb.min() < -1e-6 or rgb.max() > 1 + 1e-6:
        raise ValueError("rgb: expected (…, 3) in [0, 1]")
    mix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    code = rgb.astype(np.float64)
    light = np.where(code <= 0.04045, code / 12.92, ((code.clip(0) + 0.055) / 1.055) ** 2.4)
    t = light @ mix.T / [0.95047, 1, 1.08883]
    f = np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(rgb.dtype)
    ### END SOLUTION


# %% check="srgb_to_lab"

# %% [markdown]
# Each step has an exact inverse. One thing is new on the way back: most of Lab is no colour that a screen can show.


# %% answer="lab_to_srgb"
def lab_to_srgb(lab: np.ndarray) -> np.ndarray:
    """The inverse of srgb_to_lab, clipped to [0, 1].

    f_y = (L + 16)/116, f_x = f_y + a/500, f_z = f_y - b/200; t = f³ where that is above 216/24389, else
    (116 f - 16) · 27/24389; light = inv(M) · (t · white); encode: 12.92 l up to 0.0031308, else
    1.055 l^(1/2.4) - 0.055.

    Args:
        lab: (…, 3).
    Returns:
        (…, 3) in [0, 1], the same dtype.
    Raises:
        ValueError: the last axis is not 3.
    """
    ### BEGIN SOLUTION
    if lab.shape[-1:] != (3,):
        raise ValueError(f"lab: expected (…, 3), got {lab.shape}")
    mix = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    lightness, a, b = np.moveaxis(lab.astype(np.float64), -1, 0)
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], -1)
    t = np.where(f**3 > 216 / 24389, f**3, (116 * f - 16) * 27 / 24389)
    light = (t * [0.95047, 1, 1.08883]) @ np.linalg.inv(mix).T
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light.clip(0) ** (1 / 2.4) - 0.055)
    return code.clip(0, 1).astype(lab.dtype)
    ### END SOLUTION


# %% check="lab_to_srgb"

# %% [markdown]
# ## HSV: good knobs, bad ruler
#
# HSV unrolls the RGB cube around its gray axis: **hue** is an angle, **saturation** the distance from gray, **value**
# the largest channel. It is quick, it has an exact inverse, and for a slider in an editor it is what people expect. As
# a measure of what we see it fails. Every colour in the upper strip has the same V:

# %%
hues = torch.linspace(0, 359, 240)
pure = torch.stack([((n + hues / 60) % 6) for n in (5.0, 3.0, 1.0)])
pure = 1 - torch.minimum(pure, 4 - pure).clamp(0, 1)  # (3, 240): S = V = 1
strip = pure[None, :, None, :].expand(1, 3, 30, 240)
lightness = library_lab(strip)[:, :1] / 100
value = rgb_to_hsv(strip)[:, 2:]
figure, axes = plt.subplots(4, 1, figsize=(9, 4.4), height_ratios=(1, 1, 1, 2.6), sharex=True)
for axis, image, title in zip(
    axes, (strip, value.expand_as(strip), lightness.expand_as(strip)),
    ("One circle of hues, S = V = 1", "What HSV calls its value: all the same", "What Lab calls its lightness"),
):  # fmt: skip
    axis.imshow(image[0].permute(1, 2, 0), aspect="auto", extent=(0, 360, 0, 1), vmin=0, vmax=1)
    axis.set_title(title, fontsize=9)
    axis.set_yticks([])
axes[3].plot(hues, 100 * lightness[0, 0, 0], color="black")
axes[3].set(xlabel="hue in degrees", ylabel="L*", ylim=(0, 105))
figure.tight_layout()
plt.show()
for name, degree in (("yellow", 60), ("blue", 240)):
    print(f"{name}: V = 1.00, L* = {float(100 * lightness[0, 0, 0, round(degree / 359 * 239)]):.1f}")

# %% [markdown]
# *A strip of rainbow colours; below it a strip of plain white; below that a gray strip with a bright band at yellow and
# a dark one at blue; the curve of L\* over the hue, with its peak at 60 and its pit at 240 degrees.*
#
# And hue is an **angle**. The wrong way to average 350° and 10°, both red, is to add and halve; the right way is to
# average their directions:

# %%
angles = np.radians([350.0, 10.0])
print(f"added and halved: {np.degrees(angles.mean()):.0f} degrees, which is cyan")
direction = np.exp(1j * angles).mean()
print(f"as directions:    {np.degrees(np.angle(direction)).round() % 360:.0f} degrees, which is red")
dark = np.array([[0.101, 0.100, 0.100], [0.100, 0.101, 0.100], [0.100, 0.100, 0.101]])
print(
    "three dark grays that nobody can tell apart, hues:",
    rgb_to_hsv(torch.tensor(dark.T)[None, :, :, None])[0, 0, :, 0].round().tolist(),
)

# %% [markdown]
# The last line is the second failure: near gray the hue is noise. So "adjust hue, saturation and brightness in Lab" is
# a mixture of two spaces. Lab has a lightness and two opponent axes; their polar form, chroma and hue angle, is called
# LCh, and there the same care with angles is due.
#
# ### Exercise 28.2: three knobs
#
# Whole arrays, no loop over pixels. Clip S and V *before* you go back, and grays stay gray.


# %% answer="adjust_hsv"
def adjust_hsv(rgb: np.ndarray, hue_deg: float, sat_gain: float, val_gain: float) -> np.ndarray:
    """Turn the hue by hue_deg modulo 360, multiply S and V, clip both to [0, 1], and go back to RGB.

    V = max, S = (max - min)/max (0 where max is 0), hue in six sectors of 60 degrees; gray has S = 0.

    Args:
        rgb: (…, 3) in [0, 1].
        hue_deg: degrees, any number.
        sat_gain, val_gain: at least 0.
    Returns:
        (…, 3) in [0, 1], the same dtype.
    Raises:
        ValueError: a negative gain, values outside [0, 1] by more than 1e-6, or the last axis is not 3.
    """
    ### BEGIN SOLUTION
    if rgb.shape[-1:] != (3,) or rgb.min() < -1e-6 or rgb.max() > 1 + 1e-6:
        raise ValueError("rgb: expected (…, 3) in [0, 1]")
    if sat_gain < 0 or val_gain < 0:
        raise ValueError("sat_gain, val_gain: expected at least 0")
    r, g, b = np.moveaxis(rgb, -1, 0)
    value = rgb.max(-1)
    spread = value - rgb.min(-1)
    safe = np.where(spread > 0, spread, 1)
    sector = np.select([value == r, value == g], [(g - b) / safe, 2 + (b - r) / safe], 4 + (r - g) / safe)
    hue = sector + hue_deg / 60
    saturation = np.clip(sat_gain * spread / np.where(value > 0, value, 1), 0, 1)
    value = np.clip(val_gain * value, 0, 1)
    k = (np.array([5, 3, 1]) + hue[..., None]) % 6  # (…, 3)
    drop = saturation[..., None] * np.minimum(k, 4 - k).clip(0, 1)
    return (value[..., None] * (1 - drop)).astype(rgb.dtype)
    ### END SOLUTION


# %% check="adjust_hsv"

# %% [markdown]
# ## One table to take along
#
# | step | space | because |
# |---|---|---|
# | keep the photograph's colour | YIQ (or YUV, YCbCr) of the codes | Y is separate, and Y adds equally to R, G, B |
# | impose a palette, channel by channel | $l\alpha\beta$, or Lab | their axes hardly correlate |
# | impose a palette with the covariance | any; RGB will do | the covariance knows the correlation |
# | measure lightness, compare colours | Lab, from decoded light | equal steps look about equal |
# | a slider for a person | HSV | its knobs mean what people expect |

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, M. Bethge, A. Hertzmann, E. Shechtman, *Preserving Color in Neural Artistic Style Transfer*, 2016,
#   arXiv:1606.05897: luminance-only transfer, and recolouring the style first.
# - E. Reinhard, M. Ashikhmin, B. Gooch, P. Shirley, *Color Transfer between Images*, IEEE Computer Graphics and
#   Applications 21(5), 2001.
# - F. Pitié, A. Kokaram, *The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer*,
#   CVMP 2007.
# - F. Pitié, A. Kokaram, R. Dahyot, *Automated Colour Grading Using Colour Distribution Transfer*, CVIU 107, 2007.
# - IEC 61966-2-1 (sRGB); CIE 15:2004 (L\*a\*b\*).
#
# **Next:** lesson 29 removes colour noise, which is done in the chroma channels alone; 30 sharpens L\* and leaves the
# rest. The maps of covariance return on features in 24.
