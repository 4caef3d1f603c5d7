# %% [markdown]
# # 25 Style enhancement / 风格增强
#
# **After this lesson** you can answer "make the style stronger" with the right control, define each control exactly,
# and write style transfer for regions, for several styles, and for whole distributions.
#
# About 40 minutes, and 70 for the exercises. Read 03 and 11 first; AdaIN is exercise 14.5.

# %% [markdown] interview="question"

# %% tags=["setup"]
import torch


def adain(content: torch.Tensor, style: torch.Tensor, alpha: float = 1.0, eps: float = 1e-5) -> torch.Tensor:
    """Exercise 14.5: (N, C, H, W) with the style's mean and deviation in each channel of each sample."""
    c_var, c_mean = torch.var_mean(content, (2, 3), correction=0, keepdim=True)
    s_var, s_mean = torch.var_mean(style, (2, 3), correction=0, keepdim=True)
    t = (s_var + eps).sqrt() * (content - c_mean) / (c_var + eps).sqrt() + s_mean
    return alpha * t + (1 - alpha) * content


# %%
import matplotlib.pyplot as plt

from nstkit.color import rgb_to_hsv
from nstkit.encoders import load_encoder
from nstkit.filters import gaussian_blur
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.paintings import paint
from nstkit.transfer import adain as library_adain
from nstkit.transfer import efdm as library_efdm
from nstkit.transfer import run_transfer, stylize

torch.set_num_threads(2)
encoder = load_encoder("tiny")
coffee = photograph("coffee", size=144)  # (1, 3, 96, 144)
window = paint("stained_glass", height=224, width=288)
quick = {"encoder": "tiny", "size": 144, "coarsest": 72, "steps": 12, "style_loss": "centered_gram"}


def show(axis, image, title):
    axis.imshow(image[0].clamp(0, 1).permute(1, 2, 0))
    axis.set_title(title, fontsize=10)
    axis.axis("off")


# %% [markdown]
# ## One slider, three pictures
#
# You build the app, and the designer draws one slider: *style strength*. Below, each picture was made with a "stronger"
# style than the first. All three moved a different control.
#
# **Decide before you read on:** which of the three did the user want?

# %%
base = stylize(coffee, window, **quick)
heavier = stylize(coffee, window, **quick, style_weight=300.0)
larger = stylize(coffee, window, **quick, style_scale=2.0)
with torch.no_grad():
    layers = ("relu1_1", "relu2_1")
    of_coffee, of_window = encoder(coffee, list(layers)), encoder(window, list(layers))


def invert(targets, steps=30):
    """A picture with these features, found by optimising pixels: a decoder that needs no training."""
    energy = {k: float(t.square().mean()) for k, t in targets.items()}

    def objective(x):
        features = encoder(x, list(targets))
        gap = sum((features[k] - t).square().mean() / energy[k] for k, t in targets.items())
        return gap + 0.02 * (x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean())

    return run_transfer(objective, coffee, steps=steps)[0]


exaggerated = invert({k: library_adain(of_coffee[k], of_window[k], 2.0) for k in layers})
figure, axes = plt.subplots(1, 5, figsize=(15, 2.6))
titles = ("The photograph", "A transfer", "Stronger, I", "Stronger, II", "Stronger, III")
for axis, image, title in zip(axes, (coffee, base.image, heavier.image, larger.image, exaggerated), titles):
    show(axis, image, title)
figure.tight_layout()
plt.show()
for label, run in (("a transfer", base), ("stronger, I", heavier)):
    weight = run.options.style_weight
    print(
        f"{label:>11}: content term {run.losses['content']:.2f}, style term {run.losses['style'] / weight:.4f}"
    )

# %% [markdown]
# *A cup of coffee; the cup in panes of glass; the same with panes and leads also across the table's edge and
# fainter forms; the cup in fewer and larger panes; the photograph itself in violet and yellow tints, without panes.*
#
# *I* is the **weight**: ten times $\beta$. The style term falls, and the content term pays. *II* is the **scale**: the
# painting is read at twice the size, so every pane is twice as large; the weights are those of the first picture. *III*
# is the **statistic**: AdaIN with $\alpha = 2$, twice the way from the photograph's channel statistics to the window's.
# Three meanings of one word. A good answer names the kinds first:
#
# | kind | control | what it changes |
# |---|---|---|
# | objective | $\beta/\alpha$, layer weights | how much a mismatch costs, and at which stroke size |
# | input | size of the style image | how large its strokes are in pixels |
# | statistic | AdaIN's $\alpha$; AdaIN, WCT, EFDM | what is matched, and how far beyond |
# | space | masks | where |
#
# And two that are *no* control: a larger learning rate gets to the same objective's minimum sooner, or not at all; and
# the encoder's filters are frozen: "adjusting" them changes the ruler, not the picture.
#
# ## The advice that does the opposite
#
# The list of answers that everybody copies says: *filter the style image, bilateral or Gaussian, to enhance it.* One
# cell:

# %%
soft = gaussian_blur(window, 6.0)
blurred = stylize(coffee, soft, **quick)
figure, axes = plt.subplots(1, 4, figsize=(13, 2.9))
for axis, image, title in zip(
    axes,
    (window, base.image, soft, blurred.image),
    ("The window", "and what it gives", "The window, blurred", "and what that gives"),
):
    show(axis, image, title)
figure.tight_layout()
plt.show()

# %% [markdown]
# *A window of panes and its transfer with leads and panes; a blurred window without leads, and its transfer: a soft
# cup in hazy colours, without any panes.*
#
# The strokes *are* the high frequencies of the style image. Smooth it and there is nothing left to transfer but the
# palette. A style image should be as sharp and as large as you can get it.

# %% [markdown]
# ## The statistic, and how far to go
#
# AdaIN (Huang and Belongie, 2017) takes each channel of each sample by itself, over its positions:
#
# $$t = \sigma_s\,\frac{c - \mu_c}{\sigma_c} + \mu_s , \qquad \sigma = \sqrt{\operatorname{mean}(x-\mu)^2 + \varepsilon}
# .$$
#
# Nothing is learned: $\mu_s$ and $\sigma_s$ are computed from the style. (Popular ports divide by $N-1$; the paper's
# text does not.) The strength is $\alpha\,t + (1-\alpha)\,c$. At 1 the statistics are the style's. Beyond, they are
# *past* it:

# %%
alphas = (0.0, 0.5, 1.0, 2.0, 3.0)
figure, axes = plt.subplots(1, 5, figsize=(15, 2.6))
for axis, alpha in zip(axes, alphas):
    mixed = {k: library_adain(of_coffee[k], of_window[k], alpha) for k in layers}
    image = exaggerated if alpha == 2.0 else invert(mixed)
    negative = float((mixed["relu1_1"] < 0).float().mean())
    show(axis, image, f"alpha = {alpha:g}")
    saturation = rgb_to_hsv(image.clamp(0, 1))[:, 1].mean()
    spread = mixed["relu1_1"].std((2, 3)).mean()
    print(
        f"alpha = {alpha:g}: saturation {saturation:.2f}, deviation of features {spread:.3f}, below 0: {negative:.0%}"
    )
figure.tight_layout()
plt.show()

# %% [markdown]
# *Five cups: the photograph; at 0.5 and 1 nearly the same with deeper reds; at 2 the saucer turns violet and the coffee
# yellow; at 3 the table has blotches of blue and green, and the grain of the wood is broken.*
#
# In *features* the contrast grows as the formula says: the second column rises evenly with $\alpha$. (In the pixels it
# need not show: here the saturation falls, since the window's statistics at these layers are not those of more
# saturated wood. With another style it may rise until it clips.) The last column says why it must break: features come
# from a ReLU and cannot be negative, and more and more of what is asked for is. No picture has such features. An
# optimiser then finds the nearest that exists, here with blotches; a trained decoder, which has never seen such input,
# is under no obligation to do even that.
#
# ## Where: AdaIN by regions
#
# The saucer in one style, the table in another. Cut the features along a mask, and a soft mask has no cut. So weigh:
# with masks that sum to one at every position, region $k$ has the **weighted** statistics
#
# $$\mu_k = \frac{\sum m_k\, c}{\sum m_k} , \qquad \sigma_k^2 = \frac{\sum m_k\,(c-\mu_k)^2}{\sum m_k} .$$
#
# By hand: values $1, 3, 9$ with weights $1, 1, 0$: mean $(1+3)/2 = 2$, variance $1$. The 9 lies outside and does not
# count. Had you taken the statistics of mask times content, $1, 3, 0$, the zero would: mean $4/3$.
#
# ### Exercise 25.1


# %% answer="regional_adain"
def regional_adain(content, styles, masks, alpha: float = 1.0, eps: float = 1e-5):
    """Σ_k m_k · (σ_sk (c - μ_k)/√(var_k + eps) + μ_sk), blended: alpha · t + (1 - alpha) · content.

    Args:
        content: (C, H, W).
        styles: K tensors (C, H_k, W_k) of any size; population variance, σ_sk = √(var + eps).
        masks: (K, H, W) >= 0; divided here by their sum at each position, which gives m_k. μ_k and var_k are the
            content's mean and variance weighted by m_k.
        alpha: at least 0; 1 is full style, beyond it extrapolates.
    Returns:
        (C, H, W); differentiable.
    Raises:
        ValueError: K or C differ, a negative mask, or a position or a mask whose total is 0.
    """
    ### BEGIN SOLUTION
    if len(styles) != len(masks) or any(style.shape[0] != content.shape[0] for style in styles):
        raise ValueError("styles: expected one for each mask, with the channels of content")
    if (masks < 0).any() or (masks.sum(0) == 0).any() or (masks.sum((1, 2)) == 0).any():
        raise ValueError("masks: expected numbers of at least 0, no position and no mask empty")
    t = torch.zeros_like(content)
    for style, m in zip(styles, masks / masks.sum(0)):
        mean = (m * content).sum((1, 2), keepdim=True) / m.sum()  # (C, 1, 1)
        variance = (m * (content - mean).square()).sum((1, 2), keepdim=True) / m.sum()
        s_var, s_mean = torch.var_mean(style, (1, 2), correction=0, keepdim=True)
        t = t + m * ((s_var + eps).sqrt() * (content - mean) / (variance + eps).sqrt() + s_mean)
    return alpha * t + (1 - alpha) * content
    ### END SOLUTION


# %% check="regional_adain"

# %% [markdown]
# ## Where: Gram matrices by regions
#
# For a loss on Gram matrices the mask multiplies the features, $F' = T \circ F$, and then $F'F'^\top$ is formed (Gatys
# et al., 2017). **The mask enters twice.** So which normalisation makes a large region and a small one equally strong?
#
# Try $T = m/\sum m$ on a mask of $n$ ones: each entry is $1/n$, squared $1/n^2$, summed over $n$ positions $1/n$: it
# shrinks with the region. The *squares* must sum to one: $T = m/\sqrt{\sum m^2}$. Then the Gram matrix of a constant
# feature is the same for every region, and all ones give $FF^\top/(HW)$.
#
# ### Exercise 25.3


# %% answer="guided_gram"
def guided_gram(feat: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """F' F'ᵀ with F' = T ∘ F and T = mask/√Σ mask²; no further division.

    Args:
        feat: (C, H, W) or (N, C, H, W).
        mask: (H, W) >= 0, not all zero.
    Returns:
        (C, C) or (N, C, C); differentiable in feat.
    Raises:
        ValueError: a mask of another shape, with negative values, or zero everywhere.
    """
    ### BEGIN SOLUTION
    if mask.shape != feat.shape[-2:] or (mask < 0).any() or not (mask > 0).any():
        raise ValueError(f"mask: expected {tuple(feat.shape[-2:])}, at least 0 and not all 0")
    guided = (feat * mask / mask.square().sum().sqrt()).flatten(-2)  # (…, C, HW)
    return guided @ guided.mT
    ### END SOLUTION


# %% check="guided_gram"

# %% [markdown]
# The engine takes such masks, one per style, and averages them down to every layer:

# %%
y, x = torch.meshgrid(torch.arange(96.0), torch.arange(144.0), indexing="ij")
distance = ((y - 52) / 42) ** 2 + ((x - 68) / 52) ** 2
saucer = torch.sigmoid((1 - distance) * 8)  # soft at its rim
masks = torch.stack([saucer, 1 - saucer])
wash = paint("swirls", height=224, width=288)
both = stylize(coffee, [window, wash], **quick, masks=masks).image
figure, axes = plt.subplots(1, 4, figsize=(13, 2.7))
show(axes[0], coffee, "The photograph")
show(axes[1], masks[0].expand(1, 3, -1, -1), "Mask of the window")
show(axes[2], masks[1].expand(1, 3, -1, -1), "Mask of the swirls")
show(axes[3], both, "Each style in its region")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The cup; a white ellipse with a soft rim on black; its inverse; the cup and saucer in panes of glass on a table of
# blue swirls.*
#
# ## Two styles in one place
#
# Mix the paintings? Two overlaid pictures have the texture of neither. Mix what is *matched*. With weights that sum to
# one,
#
# $$\sum_k w_k\,\text{AdaIN}(c, s_k) = \Bigl(\sum_k w_k \sigma_k\Bigr)\frac{c-\mu_c}{\sigma_c} + \sum_k w_k \mu_k ,$$
#
# one AdaIN towards the mean of the means and of the *deviations*. **Not of the variances:** styles with deviations 1
# and 3 mix to 2; the root of the mean variance would be $\sqrt{5} \approx 2.24$. And not of the pooled pixels, where
# the distance between the two means would count as spread.
#
# ### Exercise 25.2
#
# `adain` of 14.5 is given in the set-up cell.


# %% answer="mix_styles"
def mix_styles(content, styles, weights, eps: float = 1e-5):
    """Σ_k w_k · adain(content, style_k, 1.0, eps) with w = weights / sum(weights).

    Args:
        content: (N, C, H, W).
        styles: tensors (N, C, H_k, W_k) of any size.
        weights: one number of at least 0 for each; their sum is above 0.
    Returns:
        (N, C, H, W); differentiable.
    Raises:
        ValueError: another number of weights, a negative one, a sum of 0, or N or C that differ.
    """
    ### BEGIN SOLUTION
    if len(weights) != len(styles) or min(weights) < 0 or sum(weights) <= 0:
        raise ValueError("weights: expected one of at least 0 for each style, not all 0")
    if any(style.shape[:2] != content.shape[:2] for style in styles):
        raise ValueError("styles: expected the batch and channels of content")
    total = sum(weights)
    return sum(w / total * adain(content, style, 1.0, eps) for w, style in zip(weights, styles))
    ### END SOLUTION


# %% check="mix_styles"

# %% [markdown]
# ## More than two moments
#
# What does AdaIN leave unmatched? The *shape* of each channel's distribution, and what goes together between channels.
# WCT (lesson 24) matches all covariances. **Exact feature distribution matching** (EFDM; Zhang et al., 2022) matches
# every quantile of every channel: the largest value of the content becomes the style's largest, the next the next.
#
# The bug that everybody writes is in one word. For content $30, 10, 20$, `argsort` says $1, 2, 0$: *where* the
# smallest, the middle, the largest are. You need the **ranks**, $2, 0, 1$: *what* each place is. One is the inverse
# permutation of the other. With style $5, 6, 7$ the right answer is $7, 5, 6$.
#
# Ranking has no useful gradient; it is zero almost everywhere. So the gradient is passed **straight through** to the
# content, as if the output were the content plus a constant.
#
# ### Exercise 25.4


# %% answer="efdm"
def efdm(content: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
    """The k-th smallest content value of each sample and channel is replaced by the style's k-th smallest.

    Args:
        content: (N, C, H, W); equal values keep their order (stable).
        style: the same shape; a constant.
    Returns:
        (N, C, H, W); its gradient with respect to content is the identity.
    Raises:
        ValueError: the shapes differ.
    """
    ### BEGIN SOLUTION
    if content.shape != style.shape:
        raise ValueError(f"style: expected {tuple(content.shape)}, got {tuple(style.shape)}")
    flat = content.detach().flatten(2)
    order = flat.argsort(dim=-1, stable=True)  # (N, C, HW), where each rank is
    target = torch.empty_like(flat).scatter_(-1, order, style.detach().flatten(2).sort(-1).values)
    return content + (target.view_as(content) - content).detach()
    ### END SOLUTION


# %% check="efdm"

# %%
same_size = paint("stained_glass", height=96, width=144)
with torch.no_grad():
    c, s = encoder(coffee, ["relu2_1"])["relu2_1"], encoder(same_size, ["relu2_1"])["relu2_1"]
moved = {"content": c, "style": s, "AdaIN": library_adain(c, s), "EFDM": library_efdm(c, s)}
gap = (library_adain(c, s).flatten(2).sort(-1).values - s.flatten(2).sort(-1).values).square().mean((0, 2))
channel = int(gap.argmax())  # where two moments say the least
edges = torch.linspace(float(s[:, channel].min()) - 1, float(s[:, channel].max()), 40)
figure, axes = plt.subplots(1, 4, figsize=(13, 2.7), sharex=True, sharey=True)
for axis, (name, features) in zip(axes, moved.items()):
    axis.hist(features[0, channel].flatten(), bins=edges, color="0.35", log=True)
    axis.set(title=name, xlabel=f"relu2_1, channel {channel}")
    values = features[0, channel]
    negative = (values < 0).float().mean()
    print(f"{name:>7}: mean {values.mean():5.2f}, deviation {values.std():5.2f}, below 0: {negative:.0%}")
axes[0].set_ylabel("positions (log)")
figure.suptitle("AdaIN matches mean and deviation; EFDM the whole histogram")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Four histograms of one channel: the content's; the style's; AdaIN's, whose shape is the content's, moved and
# stretched; EFDM's, which is the style's bar by bar.*
#
# AdaIN's two printed moments agree with the style's; its histogram does not, and part of it lies below zero, where no
# ReLU ever is. EFDM's values *are* the style's values. What it still leaves: which values of different channels go
# together. Every statistic leaves something; say what.
#
# <details><summary>Ask yourself: efdm(x, 3x + 1)?</summary>
#
# 3x + 1 itself: the order is the same, so every value meets its own image.
#
# </details>
#
# <details><summary>Ask yourself: the user wants larger strokes, and you may not touch the weights. What do you change?
# </summary>
#
# The size at which the style image is read, or the size of the output: the same strokes on a smaller canvas are
# relatively larger.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, ICCV 2017,
#   arXiv:1703.06868, Eq. 8, 14 and 15.
# - L. A. Gatys, A. S. Ecker, M. Bethge, A. Hertzmann, E. Shechtman, *Controlling Perceptual Factors in Neural Style
#   Transfer*, CVPR 2017, arXiv:1611.07865: guided Gram matrices, scale.
# - Y. Zhang, M. Li, R. Li, K. Jia, L. Zhang, *Exact Feature Distribution Matching for Arbitrary Style Transfer and
#   Domain Generalization*, CVPR 2022, arXiv:2203.07740.
# - Y. Jing et al., *Stroke Controllable Fast Style Transfer with Adaptive Receptive Fields*, ECCV 2018.
#
# **Next:** the opposite wish is lesson 26, more content. Distributions return as colour histograms in 28.
