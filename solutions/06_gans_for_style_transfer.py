# %% [markdown]
# # 06 GANs and style transfer / 生成对抗网络与风格迁移
#
# **After this lesson** you can derive the best discriminator and the value of the game, write both generator losses so
# that they survive a certain discriminator, and say what a GAN needs beside its adversarial loss before it can
# stylise a photograph.
#
# About 35 minutes, and 55 for the exercises. Read 04 for the content term.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.gan import build_patch_discriminator
from nstkit.gan import gan_losses as library_losses
from nstkit.gan import stylization_generator_loss as library_stylization
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.theory import gan_value_at_optimum as library_value

torch.set_num_threads(2)
torch.manual_seed(0)

# %% [markdown]
# ## Two generators with the same loss
#
# Our style domain is the screen print: four inks, flat areas. Two generators turn photographs into prints. The first
# row is what goes in. The other two are what comes out of each.


# %%
INKS = torch.tensor([[0.09, 0.13, 0.30], [0.16, 0.45, 0.52], [0.90, 0.62, 0.36], [0.98, 0.93, 0.80]])


def screen_print(images):
    """(B, 3, H, W) to four inks by the rank of the blurred brightness: a quarter of the paper for each."""
    gray = torch.nn.functional.avg_pool2d(images.mean(1, keepdim=True), 5, 1, 2, count_include_pad=False)
    order = gray.flatten(1).argsort(1).argsort(1)  # (B, HW), each pixel's rank
    ink = (order * 4 // order.shape[1]).view(len(images), *gray.shape[2:])
    return INKS[ink].movedim(-1, 1)  # (B, 3, H, W)


names = ("chelsea", "coffee", "astronaut", "rocket")
photos = torch.cat([photograph(name, size=144)[..., :96, :96] for name in names])  # (4, 3, 96, 96)
first = screen_print(photos)
second = screen_print(photos).roll(1, 0)

figure, axes = plt.subplots(3, 4, figsize=(7.6, 5.8))
rows = {"photographs": photos, "generator 1": first, "generator 2": second}
for row, (title, images) in zip(axes, rows.items()):
    row[0].set_ylabel(title)
    for axis, image in zip(row, images):
        axis.imshow(image.permute(1, 2, 0))
        axis.set_xticks([])
        axis.set_yticks([])
figure.suptitle("Both rows of prints are the same four pictures")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three rows of four: a cat, a cup, an astronaut and a rocket as photographs; their screen prints, each below its own
# photograph; and the same prints moved on by one place, so that the rocket stands below the cat.*
#
# **Before you run the next cell:** an adversarial loss judges the prints by a discriminator that has seen many screen
# prints. Which generator has the lower loss?

# %%
discriminator = build_patch_discriminator(3, 8)  # untrained: what follows is true of every discriminator
with torch.no_grad():
    for title, made in (("generator 1", first), ("generator 2", second)):
        scores = discriminator(made * 2 - 1)  # (4, 1, 10, 10)
        print(f"{title}: adversarial loss {library_losses(scores, scores)[1]:.6f}")

# %% [markdown]
# Neither. The discriminator never sees what went in. It is asked whether a print looks like a print, and the two
# generators make the same set of prints. An adversarial loss compares *distributions of pictures*; which picture
# belongs to which photograph is outside of what it can express. Hold on to this until the last section: it is the
# reason why every GAN for style transfer has a second term.
#
# First, the game itself.

# %% [markdown]
# ## The best discriminator, one point at a time
#
# Goodfellow et al. (2014) let two networks play for one number:
#
# $$V(D, G) = \mathbb E_{x \sim p} \log D(x) + \mathbb E_{x \sim q} \log (1 - D(x)) .$$
#
# $p$ is the distribution of real data, $q$ that of what $G$ makes, and $D(x)$ is the discriminator's estimate that $x$
# is real. $D$ wants $V$ large. $G$ can change only $q$, and wants $V$ small.
#
# Fix $q$. $D$ may choose its value at every $x$ freely, so the best one is found point by point. Suppose that
# somewhere $p = 0.6$ and $q = 0.2$. There $D$ maximises
#
# $$0.6 \log D + 0.2 \log (1 - D), \qquad \frac{0.6}{D} = \frac{0.2}{1 - D} \;\Rightarrow\; D = \frac{0.6}{0.6 + 0.2} =
# 0.75 .$$
#
# In general $D^\ast(x) = \dfrac{p(x)}{p(x) + q(x)}$: of everything that lands here, the share that is real.

# %%
grid = np.linspace(-5, 6, 500)


def bump(center, width=1.0):
    """A normal density on the grid, as probabilities that sum to 1."""
    density = np.exp(-((grid - center) ** 2) / (2 * width**2))
    return density / density.sum()


step = grid[1] - grid[0]
real, made = 0.5 * bump(-1.5, 0.7) + 0.5 * bump(2.5, 0.9), bump(0.8, 1.5)
best, value = library_value(real, made)
share = np.linspace(0.005, 0.995, 300)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6), gridspec_kw={"width_ratios": (1, 1.7)})
left.plot(share, 0.6 * np.log(share) + 0.2 * np.log(1 - share), color="black")
left.plot(0.75, 0.6 * np.log(0.75) + 0.2 * np.log(0.25), "o", color="#D55E00")
left.annotate(
    "p/(p+q) = 0.75", (0.75, -0.45), xytext=(0.3, -0.95), arrowprops={"arrowstyle": "->"}, fontsize=9
)
left.set_xlabel("D at this point")
left.set_ylabel("0.6 log D + 0.2 log(1 - D)")
left.set_ylim(-2.2, 0)
left.set_title("One point has one best answer")
right.fill_between(grid, real / step, color="#0072B2", alpha=0.35, label="real, p")
right.fill_between(
    grid, made / step, facecolor="none", edgecolor="#D55E00", hatch="///", label="generated, q"
)
right.set_xlabel("x")
right.set_ylabel("density")
twin = right.twinx()
twin.plot(grid, best, color="black", label="D*")
twin.axhline(0.5, color="gray", linewidth=0.8, linestyle=":")
twin.set_ylim(0, 1.02)
twin.set_ylabel("D*")
right.set_title("D* is ½ exactly where the densities cross")
right.legend(loc="upper left", fontsize=8)
twin.legend(loc="upper right", fontsize=8)
figure.tight_layout()
plt.show()
print(f"V(D*) = {value:.3f}, and -log 4 = {-np.log(4):.3f}")

# %% [markdown]
# *Left: a curve over D with its maximum marked at 0.75. Right: a density of real data with two humps, a broad one of
# generated data, and D\* above them, passing through one half at each crossing.*
#
# Put $D^\ast$ back. With the mixture $m = (p + q)/2$ both terms become Kullback–Leibler divergences from $m$, and
# what is left over is $2 \log \tfrac12$:
#
# $$V(D^\ast, G) = \mathrm{KL}(p \Vert m) + \mathrm{KL}(q \Vert m) - \log 4 = 2\,\mathrm{JSD}(p \Vert q) - \log 4 .$$
#
# So against a perfect opponent $G$ minimises a distance between distributions, and the bottom is $-\log 4 \approx
# -1.386$, where $q = p$ and $D$ can only say ½.
#
# <details><summary>Ask yourself: the discriminator's loss −V goes to 0 during training. Has the game
# converged?</summary>
#
# No: it is lost. $-V = 0$ means that D is right with certainty everywhere, which is the case when p and q share no
# point. At the equilibrium its loss is log 4 ≈ 1.386, and that is good news.
#
# </details>
#
# ### Exercise 6.1: the value of the game
#
# On a finite set both expectations are sums, so the theorem can be checked to the last digit. The traps are where one
# of the two probabilities is 0.


# %% answer="gan_value_at_optimum"
def gan_value_at_optimum(p_data: np.ndarray, p_gen: np.ndarray) -> tuple[np.ndarray, float]:
    """The best discriminator of two discrete distributions and the value of the game there.

    D* = p/(p+q), and 0.5 where p = q = 0; V = Σ p ln D* + Σ q ln(1 - D*), natural logarithms, 0·ln 0 = 0.

    Args:
        p_data: p, (K,) float64, not negative, sums to 1.
        p_gen: q, the same.
    Returns:
        D*, (K,), and V, a float.
    Raises:
        ValueError: different shapes, a negative entry, or a sum that is not 1 (tolerance 1e-8).
    """
    ### BEGIN SOLUTION
    if p_data.shape != p_gen.shape:
        raise ValueError(f"p_gen: expected the shape {p_data.shape}, got {p_gen.shape}")
    for name, values in (("p_data", p_data), ("p_gen", p_gen)):
        if (values < 0).any() or abs(values.sum() - 1) > 1e-8:
            raise ValueError(f"{name}: expected probabilities that sum to 1")
    total = p_data + p_gen
    best = np.full(total.shape, 0.5)
    np.divide(p_data, total, out=best, where=total > 0)
    only_real, only_made = p_data > 0, p_gen > 0  # elsewhere the term is 0 · ln 0 = 0
    value = (p_data[only_real] * np.log(best[only_real])).sum()
    value += (p_gen[only_made] * np.log(1 - best[only_made])).sum()
    return best, float(value)
    ### END SOLUTION


# %% check="gan_value_at_optimum"

# %% [markdown]
# ## The slope that is not there
#
# Slide the generator towards the data and watch the value. **Guess first:** far away, how steep is it?

# %%
wide = np.linspace(-30, 30, 6001)


def on_wide(center):
    density = np.exp(-((wide - center) ** 2) / 2)
    return density / density.sum()


shifts = np.linspace(0, 12, 49)
values = np.array([library_value(on_wide(0.0), on_wide(shift))[1] for shift in shifts])
figure, axis = plt.subplots(figsize=(6.6, 3.2))
axis.plot(shifts, values, color="black")
axis.axhline(-np.log(4), color="gray", linestyle=":", label="-log 4")
axis.set_xlabel("distance between the two normal distributions, in standard deviations")
axis.set_ylabel("V(D*)")
axis.set_title("Against a perfect discriminator a distant generator stands on a plateau")
axis.legend()
figure.tight_layout()
plt.show()
for shift in (2, 4, 8):
    slope = np.interp(shift, shifts, np.gradient(values, shifts))
    print(f"distance {shift}: V = {np.interp(shift, shifts, values):8.5f}, slope {slope:.1e}")

# %% [markdown]
# *A curve that rises from −log 4 at distance 0 and is flat at 0 beyond a distance of about six.*
#
# Eight standard deviations away the slope is so small that no step would be seen. The game's own objective stops
# teaching just when the generator is worst. The remedy in the same paper changes $G$'s loss and leaves the fixed point
# where it is. Let $f$ be the raw score (the logit) of a fake, $D = \sigma(f)$:
#
# | | $G$ minimises | derivative by $f$ | at $f = -6$ |
# |---|---|---|---|
# | minimax | $\mathbb E \log(1 - \sigma(f))$ | $-\sigma(f)$ | −0.002 |
# | non-saturating | $-\mathbb E \log \sigma(f)$ | $\sigma(f) - 1$ | −0.998 |

# %%
logits = torch.linspace(-8, 8, 321, requires_grad=True)
figure, axes = plt.subplots(1, 2, figsize=(10, 3.4))
for kind, style, color in (("minimax", "--", "#D55E00"), ("non_saturating", "-", "#0072B2")):
    losses = torch.stack([library_losses(f, f, kind)[1] for f in logits])
    (slopes,) = torch.autograd.grad(losses.sum(), logits)
    axes[0].plot(logits.detach(), losses.detach(), style, color=color, label=kind)
    axes[1].plot(logits.detach(), slopes, style, color=color, label=kind)
for axis, title, label in zip(
    axes, ("The losses", "Their slopes: who is heard at the left?"), ("loss", "slope")
):
    axis.set_xlabel("logit of a fake (left: D is sure that it is fake)")
    axis.set_ylabel(label)
    axis.set_title(title)
axes[0].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *Two panels over the logit. At the left the minimax loss is flat with slope 0, while the other falls with slope −1;
# at the right it is the other way round.*
#
# Let them race. The data are $N(0, 1)$, the generator is $N(\theta, 1)$ with one parameter, and it plays against the
# exact $D^\ast$, whose logit is $\log p(x) - \log q(x)$.

# %%
noise = torch.randn(4000, generator=torch.Generator().manual_seed(1))
for kind in ("minimax", "non_saturating"):
    theta, path = torch.tensor(6.0, requires_grad=True), []
    for _ in range(60):
        fake = theta + noise
        logit = ((fake - theta.detach()) ** 2 - fake**2) / 2  # of D*, which does not move while G steps
        (slope,) = torch.autograd.grad(library_losses(logit, logit, kind)[1], theta)
        theta = (theta - 0.05 * slope).detach().requires_grad_()
        path.append(theta.item())
    print(f"{kind:>14}: after 1 step {path[0]:.3f}, after 20 {path[19]:.3f}, after 60 {path[59]:.3f}")

# %% [markdown]
# From 6 to 0 is the way to go. The minimax generator has hardly left; the other one has covered nine tenths of it.
#
# ### Exercise 6.2: both losses, from logits
#
# `torch.log(1 - torch.sigmoid(f))` is the formula and not the program. In float32:

# %%
for f in (10.0, 16.0, 18.0):
    f = torch.tensor(f)
    print(f"f = {f:.0f}: log(1 - sigmoid(f)) = {torch.log(1 - torch.sigmoid(f)):.4f}, ", end="")
    print(f"-softplus(f) = {-torch.nn.functional.softplus(f):.4f}")

# %% [markdown]
# The sigmoid of 18 *is* 1 in float32, and the logarithm of what is left is −∞. The identities $-\log \sigma(x) =
# \mathrm{softplus}(-x)$ and $-\log(1 - \sigma(x)) = \mathrm{softplus}(x)$ never form that difference. It follows that
# the network must end in a plain number: a sigmoid at its end would be applied twice.


# %% answer="gan_losses"
def gan_losses(
    real_logits: torch.Tensor, fake_logits: torch.Tensor, kind: str = "non_saturating"
) -> tuple[torch.Tensor, torch.Tensor]:
    """The discriminator's and the generator's log loss, both to be minimised.

    d = mean softplus(-r) + mean softplus(f). g is mean softplus(-f) for "non_saturating" and mean(-softplus(f)), which
    is mean log(1 - σ(f)), for "minimax". Finite for logits of ±1000 in float32; nothing is detached.

    Args:
        real_logits: r, raw scores of real images, any shape.
        fake_logits: f, raw scores of generated images, any shape, also another.
        kind: "non_saturating" or "minimax".
    Returns:
        d and g, 0-d tensors; means over all elements.
    Raises:
        ValueError: another kind, or no elements.
    """
    ### BEGIN SOLUTION
    softplus = torch.nn.functional.softplus
    if real_logits.numel() == 0 or fake_logits.numel() == 0:
        raise ValueError("real_logits, fake_logits: expected at least one logit in each")
    d = softplus(-real_logits).mean() + softplus(fake_logits).mean()
    if kind == "non_saturating":
        return d, softplus(-fake_logits).mean()
    if kind == "minimax":
        return d, -softplus(fake_logits).mean()
    raise ValueError(f"kind: expected 'non_saturating' or 'minimax', got {kind!r}")
    ### END SOLUTION


# %% check="gan_losses"

# %% [markdown]
# ## From noise to photographs
#
# In the GAN of 2014, $G$ turns noise into data. To stylise, the input is the **content image**, and $G$ maps pictures
# to pictures. The real samples of $D$ are a *collection* in the style: it never sees a photograph, and it answers
# "does this come from the collection?", not "how good is the style?".
#
# | | what $D$ compares | what holds the content |
# |---|---|---|
# | pix2pix (Isola 2017) | pairs: input with output | L1 to the paired target |
# | CycleGAN (Zhu 2017) | single images of a domain; two generators for two *directions* | the way back (lesson 08) |
# | CartoonGAN (Chen 2018) | cartoons; and cartoons with blurred edges, as fakes | L1 of VGG features |
# | Markovian GAN (Li & Wand 2016) | patches of VGG features; one generator per style | VGG content term |
#
# A widespread list of answers proposes a "content generator" and a "style generator" that work on feature maps
# against one discriminator. None of these methods is built like that. The last row of the table is the nearest
# relative, and it has one generator. And "closer to the real feature maps" would not hold the content either, for the
# reason that you saw in the first figure.
#
# Most of these discriminators judge patches. Style is what is the same in every patch of a picture, so this costs
# little and keeps $D$ from learning the composition of a few training paintings.
#
# ### Exercise 6.3: the second term
#
# CartoonGAN's remedy needs no pairs and no way back: the features of the output should stay near those of the input.
# It is lesson 04's content loss with absolute values instead of squares, which lets a few features change a lot, as a
# flat cartoon surface needs.


# %% answer="stylization_generator_loss"
def stylization_generator_loss(
    fake_logits: torch.Tensor,
    fake_features: torch.Tensor,
    content_features: torch.Tensor,
    content_weight: float,
) -> tuple[torch.Tensor, dict[str, float]]:
    """mean softplus(-fake_logits) + content_weight · mean |fake_features - content_features|, and a report.

    Args:
        fake_logits: raw scores of the generated images, any shape, also a map of patches (B, 1, h, w).
        fake_features: (B, C, H, W), features of the generated images.
        content_features: (B, C, H, W), features of the inputs; constants, no gradient reaches them.
        content_weight: at least 0.
    Returns:
        The loss, 0-d; floats "adversarial", "content" (without its weight) and "total".
    Raises:
        ValueError: the features differ in shape, or the weight is negative.
    """
    ### BEGIN SOLUTION
    if fake_features.shape != content_features.shape:
        raise ValueError(
            f"content_features: expected {tuple(fake_features.shape)}, got {tuple(content_features.shape)}"
        )
    if content_weight < 0:
        raise ValueError(f"content_weight: expected at least 0, got {content_weight}")
    adversarial = torch.nn.functional.softplus(-fake_logits).mean()
    content = (fake_features - content_features.detach()).abs().mean()
    total = adversarial + content_weight * content
    return total, {"adversarial": float(adversarial), "content": float(content), "total": float(total)}
    ### END SOLUTION


# %% check="stylization_generator_loss"

# %% [markdown]
# Now back to the two generators. **Guess:** by how much do they differ now?

# %%
encoder = load_encoder("tiny")
with torch.no_grad():
    photo_features = encoder(photos, ["relu4_1"])["relu4_1"]
    for title, made in (("generator 1", first), ("generator 2", second)):
        features = encoder(made, ["relu4_1"])["relu4_1"]
        _, report = library_stylization(discriminator(made * 2 - 1), features, photo_features, 1.0)
        print(f"{title}: adversarial {report['adversarial']:.4f}, content {report['content']:.4f}")

# %% [markdown]
# The adversarial terms still agree, and the content term tells the right prints from the displaced ones. It is not
# zero for the right ones: they have lost texture and colour, which is what the style asked for. The weight decides
# how much of that is allowed, as in lesson 05.
#
# Against Gatys' method, then:
#
# | | Gatys 2016 | GAN |
# |---|---|---|
# | the style is given by | one painting | a collection |
# | what is optimised | the pixels of each result | a network, once |
# | a new photograph costs | an optimisation | one forward pass |
# | a new style costs | nothing | a collection and a training |
#
# <details><summary>Ask yourself: does the generator need noise as a second input, for variety?</summary>
#
# It can be given, and pix2pix's authors report that the generator learned to ignore it: no term of the objective asks
# two results for one photograph to differ.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, NeurIPS 2014, arXiv:1406.2661, Eq. 1, Theorem 1;
#   the non-saturating loss is in Section 3.
# - P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, *Image-to-Image Translation with Conditional Adversarial Networks*,
#   CVPR 2017, arXiv:1611.07004.
# - J.-Y. Zhu, T. Park, P. Isola, A. A. Efros, *Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
#   Networks*, ICCV 2017, arXiv:1703.10593.
# - Y. Chen, Y.-K. Lai, Y.-J. Liu, *CartoonGAN: Generative Adversarial Networks for Photo Cartoonization*, CVPR 2018.
# - C. Li, M. Wand, *Precomputed Real-Time Texture Synthesis with Markovian Generative Adversarial Networks*, ECCV
#   2016, arXiv:1604.04382.
#
# **Next:** lesson 07 builds the two networks and takes the steps; 08 closes the cycle; 18 keeps the game stable.
