# %% [markdown]
# # 11 Balancing content and style loss / 内容损失与风格损失的平衡
#
# **After this lesson** you can say what a style weight means and what it does not, measure whether two losses are
# balanced, derive what learned weights really minimise, and move a weight during a run.
#
# About 30 minutes, and 50 for the exercises. Read 05 for the objective and its trade-off curve.

# %% [markdown] interview="question"

# %% tags=["setup"]
import math

import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import content_loss, gram_matrix
from nstkit.losses import uncertainty_weighted_loss as library_uncertainty
from nstkit.paintings import paint
from nstkit.training import gradient_balanced_weight as library_weight
from nstkit.training import weight_schedule as library_schedule

torch.set_num_threads(2)
encoder = load_encoder("tiny")

# %% [markdown]
# ## A thousand times more style
#
# The result has too little style, somebody says, so they raise the style weight β from 100 to 100,000 and run the
# transfer again. Everything else stays: α = 1, the photograph, the painting, forty steps of Adam.
#
# **Before you run it:** how different will the two pictures be?

# %%
layers = ["relu1_1", "relu2_1", "relu3_1"]
content = photograph("astronaut", size=120)[..., :72, 12:108]  # (1, 3, 72, 96)
with torch.no_grad():
    photo_features = encoder(content, layers)
    style_grams = {k: gram_matrix(f) for k, f in encoder(paint("stained_glass", 72, 96), layers).items()}
start = (content + 0.05 * torch.randn(content.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


def terms(image):
    """Content loss (a mean) and style loss (Gram matrices over C·H·W, summed squares), both unweighted."""
    features = encoder(image, layers)
    style = sum((gram_matrix(features[k]) - g).square().sum() for k, g in style_grams.items()) / len(layers)
    return content_loss(features["relu3_1"], photo_features["relu3_1"], "mean"), style


def run(beta, steps=40):
    """A transfer; `beta` is a number or a function (step, content, style, image) that returns one."""
    image, log = start.clone().requires_grad_(), []
    optimizer = torch.optim.Adam([image], lr=0.02)
    for step in range(steps):
        c, s = terms(image)
        weight = beta(step, c, s, image) if callable(beta) else beta
        (by_content,) = torch.autograd.grad(c, image, retain_graph=True)
        (by_style,) = torch.autograd.grad(s, image)
        log.append((c.item(), s.item(), by_content.norm().item(), weight * by_style.norm().item(), weight))
        image.grad = by_content + weight * by_style
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach(), np.array(log)  # columns: content, style, the two weighted gradient norms, weight


def row_of(pictures, titles, height=2.4):
    figure, axes = plt.subplots(1, len(pictures), figsize=(3.1 * len(pictures), height))
    for axis, picture, title in zip(axes, pictures, titles):
        axis.imshow(picture[0].permute(1, 2, 0))
        axis.set_title(title)
        axis.axis("off")
    figure.tight_layout()
    plt.show()


hundred, log_hundred = run(1e2)
many, log_many = run(1e5)
row_of([content, hundred, many], ["photograph", "β = 100", "β = 100,000"])
print(f"mean difference of the two results: {float((hundred - many).abs().mean()):.4f}")
print(f"mean difference from the photograph: {float((hundred - content).abs().mean()):.4f}")

# %% [markdown]
# *A photograph and two stylised versions of it. The two can hardly be told apart.*
#
# The answer is not in the losses, it is in what moves the pixels. Here are the lengths of the two gradients, weights
# included, halfway through:

# %%
for name, log in {"β = 100": log_hundred, "β = 100,000": log_many}.items():
    c, s = log[20, 2:4]
    print(
        f"{name:>12}: ‖α∇L_content‖ = {c:.3f}, ‖β∇L_style‖ = {s:8.2f}, style pulls {s / c:8.0f} times as hard"
    )

# %% [markdown]
# Already at 100 content is outvoted, and Adam, which divides by the size of the gradient, does not care whether by
# ten to one or by ten thousand to one: only the *direction* is left, and it is that of style. You have seen in lesson
# 05 that only the ratio β/α decides which image is best. Here is the other half of the story: **outside of a few
# decades, even the ratio stops mattering.** So tune one number, on a logarithmic scale, and know where those decades
# are.

# %% [markdown]
# ## The tempting way out: let it learn
#
# "The network can learn α and β." Try it with two losses that stay at 0.5 and 2, and descend on the weights:

# %%
weights = torch.ones(2, requires_grad=True)
for step in range(31):
    if step % 10 == 0:
        print(f"step {step:>2}: weights {weights[0]:+.2f} {weights[1]:+.2f}")
    (slope,) = torch.autograd.grad((weights * torch.tensor([0.5, 2.0])).sum(), weights)
    with torch.no_grad():
        weights -= 0.1 * slope

# %% [markdown]
# The derivative of $\alpha L$ by $\alpha$ is $L$, and that is positive. The cheapest way to lower the total is to
# stop caring, and then to *pay for errors with negative weights*. A small weight must cost something.
#
# Kendall, Gal and Cipolla (2018) found a price with a reason. Read each loss as the squared error of a prediction
# with Gaussian noise of variance $\sigma_i^2$. Its negative log-likelihood is $L_i / 2\sigma_i^2 + \ln \sigma_i$: a
# noisy task may have large errors, but claiming noise costs $\ln\sigma$. With $s_i = \ln \sigma_i^2$, which may be
# any number,
#
# $$\sum_i \tfrac12\, e^{-s_i} L_i + \tfrac12\, s_i .$$
#
# By hand, for one loss $L = 4$: at $s = 0$ it is $2 + 0 = 2$; at $s = \ln 4 \approx 1.39$ it is $0.5 + 0.69 = 1.19$;
# at $s = 4$ it is $0.04 + 2 = 2.04$. The derivative $\tfrac12(1 - e^{-s}L)$ vanishes at $s = \ln L$.
#
# ### Exercise 11.1: uncertainty weighting


# %% answer="uncertainty_weighted_loss"
def uncertainty_weighted_loss(losses, log_vars: torch.Tensor) -> torch.Tensor:
    """Σ_i ½ exp(-s_i) L_i + ½ s_i.

    Args:
        losses: a list or tuple of K tensors, 0-d each.
        log_vars: s, (K,), the logarithms of the variances.
    Returns:
        0-d, differentiable in the losses and in log_vars.
    Raises:
        ValueError: no losses, a loss that is not 0-d, or another number of log_vars.
    """
    ### BEGIN SOLUTION
    if len(losses) == 0 or log_vars.shape != (len(losses),):
        raise ValueError(f"log_vars: expected ({len(losses)},) and some losses, got {tuple(log_vars.shape)}")
    if any(loss.ndim != 0 for loss in losses):
        raise ValueError(f"losses: expected 0-d tensors, got {[tuple(loss.shape) for loss in losses]}")
    stacked = torch.stack(list(losses))  # (K,)
    return (0.5 * torch.exp(-log_vars) * stacked + 0.5 * log_vars).sum()
    ### END SOLUTION


# %% check="uncertainty_weighted_loss"

# %%
s = torch.linspace(-4, 6, 201)
figure, axis = plt.subplots(figsize=(6.6, 3.6))
for loss, style, color in ((0.1, "-", "#0072B2"), (1.0, "--", "#009E73"), (20.0, "-.", "#D55E00")):
    price = torch.stack([library_uncertainty([torch.tensor(loss)], value[None]) for value in s])
    axis.plot(s, price, style, color=color, label=f"L = {loss:g}")
    axis.plot(math.log(loss), 0.5 * (1 + math.log(loss)), "o", color=color)
axis.plot(s, 0.5 * torch.exp(-s), ":", color="0.4", label="L = 1 without ½s")
axis.set_ylim(-2.2, 6)
axis.set_xlabel("log-variance s")
axis.set_ylabel("½ e⁻ˢ L + ½ s")
axis.set_title("Each minimum lies at s = ln L; without ½s there is none")
axis.legend()
plt.show()

# %% [markdown]
# *Three curves with one minimum each, marked at the logarithm of the loss; a dotted one that only falls.*
#
# Now put the best $s_i = \ln L_i$ back in. What is left is $\tfrac12\sum_i (1 + \ln L_i)$: the *product* of the
# losses is what gets minimised. **Predict:** you multiply the style loss by 1000, because you want more style. What
# happens to the picture?


# %%
def learned(factor, steps=20):
    """A transfer whose weights are learned; the style loss is multiplied by `factor`."""
    image, s = start.clone().requires_grad_(), None
    for _ in range(steps):
        c, style = terms(image)
        losses = [c, factor * style]
        if s is None:  # start a little above the best log-variances
            s = (torch.stack(losses).detach().log() + 0.5).requires_grad_()
            optimizer = torch.optim.Adam([{"params": [image], "lr": 0.02}, {"params": [s], "lr": 0.05}])
        optimizer.zero_grad()
        library_uncertainty(losses, s).backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach(), s.detach()


(one, s_one), (thousand, s_thousand) = learned(1.0), learned(1000.0)
print(f"difference of the pictures: {float((one - thousand).abs().mean()):.6f}")
print(
    f"log-variances of style: {s_one[1]:.3f} and {s_thousand[1]:.3f}; difference {s_thousand[1] - s_one[1]:.3f}"
)
print(f"ln 1000 = {math.log(1000):.3f}")

# %% [markdown]
# Nothing happens. The log-variance swallowed the factor. For depth and segmentation, where no human has an opinion on
# the ratio of the two losses, that is a virtue. Here the ratio *is* the opinion. Learned weights cannot replace it,
# because nothing in the data knows your taste; "adapt the weights to performance until the balance is best" fails on
# the word *best*.
#
# <details><summary>Ask yourself: could a loss become so small that its weight explodes?</summary>
#
# Yes: $e^{-s} = 1/L$ grows without bound as $L \to 0$, and the objective $\tfrac12 \ln L$ goes to $-\infty$. A term
# that can be solved exactly takes over. In practice one bounds $s$ from below.
#
# </details>

# %% [markdown]
# ## Measure first, then choose
#
# What moves pixels are gradients, so compare gradients, with respect to the pixels. The usual advice, "make both
# weighted losses equal", compares the wrong things; a constant added to a loss changes the comparison and not one
# pixel.
#
# $$\beta = r \cdot \frac{\lVert \nabla_x L_\text{content} \rVert_2}{\lVert \nabla_x L_\text{style} \rVert_2}$$
#
# says: style shall pull $r$ times as hard as content. Here $r$ is the taste, and it means the same in everybody's
# code.
#
# ### Exercise 11.2: the weight that balances the gradients
#
# The formula is one line. What goes wrong in practice is around it: the caller has an optimiser that reads
# `image.grad`, and still needs both graphs.


# %% answer="gradient_balanced_weight"
def gradient_balanced_weight(
    content_loss: torch.Tensor,
    style_loss: torch.Tensor,
    image: torch.Tensor,
    ratio: float = 1.0,
    eps: float = 1e-12,
) -> float:
    """β = ratio · ‖∇L_content‖₂ / (‖∇L_style‖₂ + eps), gradients with respect to all pixels of the image.

    Args:
        content_loss, style_loss: 0-d, computed from `image`. Both graphs can be used afterwards.
        image: requires a gradient; its .grad is left alone.
    Returns:
        A Python float.
    Raises:
        ValueError: ratio is not above 0, or the image does not require a gradient.
    """
    ### BEGIN SOLUTION
    if ratio <= 0:
        raise ValueError(f"ratio: expected a number above 0, got {ratio}")
    if not image.requires_grad:
        raise ValueError("image: expected a tensor that requires a gradient")
    norms = []
    for loss in (content_loss, style_loss):
        (slope,) = torch.autograd.grad(loss, image, retain_graph=True)
        norms.append(slope.norm().item())
    return ratio * norms[0] / (norms[1] + eps)
    ### END SOLUTION


# %% check="gradient_balanced_weight"

# %% [markdown]
# Whose β? Below is one style loss in six spellings that are all in use: the Gram matrix divided by $CHW$, by $HW$ or
# by nothing, and its squared differences summed or averaged. For each, the β at which style pulls exactly as hard as
# content.

# %%
image = start.clone().requires_grad_()
features = encoder(image, layers)
c = content_loss(features["relu3_1"], photo_features["relu3_1"], "mean")
paint_features = encoder(paint("stained_glass", 72, 96), layers)
for name in ("chw", "hw", "none"):
    gaps = [gram_matrix(features[k], name) - gram_matrix(paint_features[k], name).detach() for k in layers]
    for reduce in (torch.sum, torch.mean):
        loss = sum(reduce(gap.square()) for gap in gaps) / len(layers)
        beta = library_weight(c, loss, image)
        print(
            f"Gram / {name:>4}, {reduce.__name__:>4} of squares: loss {loss.item():9.2e}, balancing β {beta:.1e}"
        )

# %% [markdown]
# One and the same balance, and weights many orders of magnitude apart. A recipe's "β = 1e6" is a statement about its
# author's constants.
#
# The weights $w_l$ of the style's layers belong to the balance, too. Gatys et al. (2016) give each of five layers 1/5,
# in a network whose channels they have rescaled first (exercise 14.4). Without that, equal weights are not equal pulls;
# the same quotient, taken for one layer at a time, makes them equal.
#
# Now walk through the decades around the balance. **Guess first** how many of these five pictures you would call a
# transfer.

# %%
balance = library_weight(*terms(image), image)
factors = (0.01, 0.1, 1.0, 10.0, 100.0)
strip = [run(balance * factor, steps=30) for factor in factors]
row_of([picture for picture, _ in strip], [f"style pulls {factor:g} ×" for factor in factors])
for factor, (_, log) in zip(factors, strip):
    print(f"β = {balance * factor:8.4f}: content {log[-1, 0]:.4f}, style {log[-1, 1]:.4f}")

# %% [markdown]
# *Five pictures, from the photograph, with a little noise, to a face in stained glass.*
#
# Everything that matters happens within two or three decades, and from one end to the other it is a matter of taste.
# Note what is printed: the *raw* terms. Weighted ones would not be comparable from row to row.
#
# <details><summary>Ask yourself: what β do you get at the photograph itself, and why?</summary>
#
# Zero. The content loss is at its minimum, its gradient is zero, and so is the quotient. Measure a few steps later,
# or start, as we did, from a slightly noisy photograph.
#
# </details>

# %% [markdown]
# ## During the run
#
# The balance at the start is not the balance later: content's gradient soon settles, and style's shrinks as the
# statistics come near, here by more than a factor of ten. One can measure again every few steps.

# %%
constant = run(1e3)[1]
current = [0.0]


def rebalanced(step, c, s, image):
    if step % 5 == 0:
        current[0] = library_weight(c, s, image, ratio=2.0)
    return current[0]


adapted = run(rebalanced)[1]
figure, axes = plt.subplots(1, 2, figsize=(9.6, 3.4), sharey=True)
for axis, log, title in zip(
    axes, (constant, adapted), ("Constant β = 1000: decades apart", "Re-balanced every 5 steps to 2 : 1")
):
    axis.semilogy(log[:, 2], "-", color="#0072B2", label="α ∇ content")
    axis.semilogy(log[:, 3], "--", color="#D55E00", label="β ∇ style")
    axis.set_xlabel("step")
    axis.set_title(title)
axes[0].set_ylabel("gradient norm at the pixels")
axes[0].legend()
figure.tight_layout()
plt.show()
print(f"weight at steps 0, 10, 20, 30: {', '.join(f'{adapted[step, 4]:.2f}' for step in (0, 10, 20, 30))}")

# %% [markdown]
# *Two panels of gradient norms over forty steps. Left: style lies far above content. Right: the two curves run close
# together.*
#
# The weight is a plain number each time. If it carried a graph, the optimiser would find that it can lower the total
# by making content's gradient small, which nobody asked for.
#
# **GradNorm** (Chen et al. 2018) is this idea grown up, for networks with several tasks: the norms are taken at the
# last shared layer, the weights are learned by a loss of their own that pulls each norm to a common level, and a task
# that has improved less than the others gets a higher target.
#
# A simpler instrument is a schedule: much content first, to settle what goes where, and more style later. A weight
# that spans decades must go in equal *factors*. From 1 to 10,000, halfway is 100; in equal differences it is 5000,
# and the first three decades are over after a tenth of the way.
#
# ### Exercise 11.3: a schedule for a weight


# %% answer="weight_schedule"
def weight_schedule(step: int, total: int, start: float, end: float, mode: str = "geometric") -> float:
    """The weight at a step; with t = step / (total - 1), and t = 1 from the last step on.

    "geometric": start · (end/start)^t. "linear": start + t (end - start).
    "cosine": end + ½ (start - end) (1 + cos πt).

    Args:
        step: 0 … total - 1, or later, where the end is held.
        total: the number of steps; if it is 1, the weight is `start`.
    Returns:
        A Python float.
    Raises:
        ValueError: total below 1, a negative step, another mode; in geometric mode a weight that is not above 0.
    """
    ### BEGIN SOLUTION
    if total < 1 or step < 0:
        raise ValueError(f"total, step: expected at least 1 and at least 0, got {total} and {step}")
    t = min(1.0, step / (total - 1)) if total > 1 else 0.0
    if mode == "geometric":
        if start <= 0 or end <= 0:
            raise ValueError(f"start, end: expected weights above 0, got {start} and {end}")
        return float(start * (end / start) ** t)
    if mode == "linear":
        return float(start + t * (end - start))
    if mode == "cosine":
        return float(end + 0.5 * (start - end) * (1 + math.cos(math.pi * t)))
    raise ValueError(f"mode: expected geometric, linear or cosine, got {mode!r}")
    ### END SOLUTION


# %% check="weight_schedule"

# %%
figure, axis = plt.subplots(figsize=(6.6, 3.4))
for mode, style, color in (
    ("geometric", "-", "#0072B2"),
    ("linear", "--", "#D55E00"),
    ("cosine", "-.", "#009E73"),
):
    path = [library_schedule(step, 41, 1.0, 1e4, mode) for step in range(50)]
    axis.semilogy(path, style, color=color, label=mode)
    print(f"{mode:>9}: {sum(value < 1000 for value in path[:41])} of 41 steps below 1000")
axis.set_xlabel("step")
axis.set_ylabel("weight")
axis.set_title("Only the geometric path spends equal time in each decade")
axis.legend()
plt.show()

# %% [markdown]
# *Three rising curves on a logarithmic axis: a straight line, and two that leap through the lower decades.*
#
# So: α = 1; β from a measured balance times a ratio that you like; search in factors; watch raw terms, gradient norms
# and the picture. Balancing repairs the optimisation. The taste stays with you. (If it should stay with the *user*,
# after training: lesson 14's AdaIN mixes content and style statistics by one factor at run time.)

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - A. Kendall, Y. Gal, R. Cipolla, *Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
#   Semantics*, CVPR 2018, arXiv:1705.07115.
# - Z. Chen, V. Badrinarayanan, C.-Y. Lee, A. Rabinovich, *GradNorm: Gradient Normalization for Adaptive Loss
#   Balancing in Deep Multitask Networks*, ICML 2018, arXiv:1711.02257.
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016.
#
# **Next:** lesson 12 adds a third term, 09 weighs many at once with 11.1, and 17 trains with a fixed balance.
