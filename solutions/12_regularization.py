# %% [markdown]
# # 12 Regularisation / 正则化
#
# **After this lesson** you can say for any regulariser *what* it regularises, write total variation in three kinds
# with a gradient that survives flat regions, and tell an L2 penalty from weight decay, and dropout from noise.
#
# About 35 minutes, and 40 for the exercises. Read 05 for the objective that we add a term to.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch
from torch import nn

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import nst_objective
from nstkit.losses import total_variation as library_variation
from nstkit.paintings import paint
from nstkit.training import inverted_dropout as library_dropout
from nstkit.training import l2_penalty as library_penalty
from nstkit.transfer import precompute_targets, run_transfer

torch.set_num_threads(2)
encoder = load_encoder("tiny")

# %% [markdown]
# ## One argument too many
#
# Somebody has read that one should regularise, and adds `weight_decay=0.1` to the optimiser of a style transfer.
# Nothing else changes: content, painting, network, 60 steps of Adam. As in much published code, the pixels are
# optimised in the network's own space, that is, after subtracting the mean colour of ImageNet and dividing by its
# spread.
#
# **Before you run it:** what will be different in the second picture?

# %%
content = photograph("coffee", size=160)[..., 8:80, 34:130]  # (1, 3, 72, 96)
targets = precompute_targets(
    encoder, content, paint("mosaic", 72, 96), ["relu3_1"], ["relu1_1", "relu2_1", "relu3_1"]
)
mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
spread = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def objective(image, network=encoder):
    return nst_objective(image, network, targets, 1.0, 3e3)[0]


def with_weight_decay(decay, center, scale, steps=60):
    """A transfer whose variable is z, with image = center + scale · z, by Adam with weight decay on z."""
    z = ((content - center) / scale).requires_grad_()
    optimizer = torch.optim.Adam([z], lr=0.08 if scale is spread else 0.02, weight_decay=decay)
    for _ in range(steps):
        optimizer.zero_grad()
        objective(center + scale * z).backward()
        optimizer.step()
    return (center + scale * z).detach().clamp(0, 1)


plain = with_weight_decay(0.0, mean, spread)
decayed = with_weight_decay(0.1, mean, spread)
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.3))
for axis, picture, title in zip(axes, (plain, decayed), ("weight_decay = 0", "weight_decay = 0.1")):
    axis.imshow(picture[0].permute(1, 2, 0))
    axis.set_title(title)
    axis.axis("off")
plt.show()
for name, picture in {"without": plain, "with": decayed}.items():
    chroma = float((picture.amax(1) - picture.amin(1)).mean())
    print(f"{name:>8}: spread of pixel values {float(picture.std()):.3f}, mean colourfulness {chroma:.3f}")

# %% [markdown]
# *Two stylised cups. With weight decay, the areas have lost contrast and colour: lines on gray.*
#
# Weight decay shrinks *the parameters of the optimiser*, and the only parameter of this optimiser is the picture. In
# this space zero is the mean colour of a data set, a grayish brown, so the picture fades towards it: spread and
# colourfulness are about half of what they were. In plain [0, 1] pixels zero is black:

# %%
dark = with_weight_decay(0.1, torch.zeros_like(mean), torch.ones_like(mean))
print(
    f"mean brightness: photograph {content.mean():.3f}, with weight_decay = 0.1 in [0, 1] {dark.mean():.3f}"
)

# %% [markdown]
# So the first question about any regulariser is: **what is being optimised?** A widespread answer to this lesson's
# question goes "one adds λ Σ‖W‖² over the model's weights, or dropout, against over-fitting". Let us try both on the
# frozen network of an optimisation-based transfer.

# %%
penalty = sum(weight.square().sum() for weight in encoder.parameters())
pixels = content.clone().requires_grad_()
(without,) = torch.autograd.grad(objective(pixels), pixels)
(with_penalty,) = torch.autograd.grad(objective(pixels) + 1e-3 * penalty, pixels)
print(f"the penalty is {float(penalty):.1f}")
print(f"largest change of the image's gradient: {float((without - with_penalty).abs().max())}")


def noisy(generator):
    """The same network with dropout on its features."""
    return lambda x: {k: library_dropout(f, 0.5, True, generator) for k, f in encoder(x).items()}


def by_lbfgs(network, steps=10):
    """The clean objective after each step of L-BFGS with a line search, which sees `network`."""
    image, values = content.clone().requires_grad_(), []
    optimizer = torch.optim.LBFGS([image], max_iter=4, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = objective(image, network)
        loss.backward()
        return loss

    for _ in range(steps):
        optimizer.step(closure)
        with torch.no_grad():
            values.append(float(objective(image)))
    return values


clean, dropped = by_lbfgs(encoder), by_lbfgs(noisy(torch.Generator().manual_seed(0)))
figure, axis = plt.subplots(figsize=(6.4, 3.2))
axis.semilogy(range(1, 11), clean, "-o", markersize=3, color="#0072B2", label="frozen network as it is")
axis.semilogy(
    range(1, 11), dropped, "--s", markersize=3, color="#D55E00", label="dropout 0.5 on its features"
)
axis.set_xlabel("step of L-BFGS")
axis.set_ylabel("objective, measured clean")
axis.set_title("With dropout in the loss, L-BFGS stops far too early")
axis.legend()
plt.show()

# %% [markdown]
# *Two curves on a logarithmic axis. The clean one falls by orders of magnitude; the one with dropout hesitates, falls
# a while, and stays level far above.*
#
# The penalty is a constant: its gradient for the pixels is not small, it is 0.0. And dropout makes the same picture
# cost something else at every call. L-BFGS learns the curvature from *differences of successive gradients*, and its
# line search compares successive losses; under dropout it measures its own dice. (VGG has dropout, by the way, in the
# classifier that style transfer throws away. The convolutional part has none.)
#
# What is left when there are no weights and no data set? A prior on the thing that *is* optimised: the image.

# %% [markdown]
# ## What a picture is like
#
# The feature losses do not notice everything. Some patterns of single pixels leave the statistics nearly as they
# were, and the optimiser is free to produce them. But you know something about pictures that the losses do not:
# neighbouring pixels are mostly alike. **Total variation** puts that into a number (Rudin, Osher and Fatemi 1992, for
# denoising; for images made by networks, Mahendran and Vedaldi 2015):
#
# $$\text{anisotropic: } \sum |d_x| + |d_y| \qquad \text{squared: } \sum d_x^2 + d_y^2 \qquad
# \text{isotropic: } \sum \sqrt{d_x^2 + d_y^2 + \varepsilon}$$
#
# with $d_x$ the difference of a pixel and its right neighbour, $d_y$ to the one below. Small numbers first: the
# picture below has two rows, and $d_x$ is 0, 3, 0 in each of them. Its total variation is 3 + 3 = 6: an edge costs
# its *height, once for every row that it crosses*.
#
# | | | | |
# |-|-|-|-|
# | 1 | 1 | 4 | 4 |
# | 1 | 1 | 4 | 4 |
#
# <details><summary>Ask yourself: the same edge, but as a ramp 1, 2, 3, 4. What do the three kinds say?</summary>
#
# Anisotropic: 1 + 1 + 1 = 3 per row, the same as before. Squared: 1 + 1 + 1 = 3 in place of 9. So the squared kind
# pays you for smearing the edge, and the absolute one does not care.
#
# </details>
#
# The isotropic kind does not mind in which direction an edge runs; the anisotropic one charges a diagonal more, and
# the reason for ε shows on a flat picture:

# %%
y, x = torch.meshgrid(torch.arange(200.0) - 99.5, torch.arange(200.0) - 99.5, indexing="ij")
square = ((x.abs() < 50) & (y.abs() < 50)).double()[None, None]
diamond = (((x + y).abs() < 50 * 2**0.5) & ((x - y).abs() < 50 * 2**0.5)).double()[None, None]
soft = nn.AvgPool2d(7, 1)  # edges a few pixels wide, as in photographs
for kind in ("anisotropic", "isotropic"):
    a, b = (float(library_variation(soft(shape), kind, eps=1e-12)) for shape in (square, diamond))
    print(f"{kind:>11}: square {a:.0f}, the same square turned by 45° {b:.0f}")

flat = torch.full((1, 1, 3, 4), 0.5, requires_grad=True)
for eps in (0.0, 1e-8):
    (slope,) = torch.autograd.grad(library_variation(flat, "isotropic", eps).sum(), flat)
    print(f"isotropic, eps = {eps:g}: gradient on a flat picture {slope[0, 0, 0].tolist()}")

# %% [markdown]
# The root has infinite slope at zero, and zero times infinity is NaN. It strikes exactly where the regulariser has
# done its work. With ε under the root the gradient is zero there; the price is that a flat cell costs √ε and not
# nothing.
#
# ### Exercise 12.1: total variation
#
# The term is in nearly every transfer code, in one of these three kinds and with a sum or a mean, seldom saying
# which. Here it is a sum for each image.


# %% answer="total_variation"
def total_variation(image: torch.Tensor, kind: str = "anisotropic", eps: float = 1e-8) -> torch.Tensor:
    """Differences of neighbouring pixels, summed over channels and positions, for each image.

    With dx = x[..., :, 1:] - x[..., :, :-1], and dy likewise along H:
    "anisotropic": Σ|dx| + Σ|dy|. "squared": Σ dx² + Σ dy².
    "isotropic": Σ √(dx² + dy² + eps) over the (H-1) × (W-1) cells that have both, dx without its last row and dy
    without its last column; each channel under a root of its own.

    Args:
        image: (B, C, H, W); the gradient reaches it and is finite, also on flat images.
    Returns:
        (B,), one sum per image.
    Raises:
        ValueError: not 4-D, H or W below 2, or another kind.
    """
    ### BEGIN SOLUTION
    if image.ndim != 4 or image.shape[2] < 2 or image.shape[3] < 2:
        raise ValueError(f"image: expected (B, C, H, W), H and W at least 2, got {tuple(image.shape)}")
    dx = image[..., :, 1:] - image[..., :, :-1]  # (B, C, H, W-1)
    dy = image[..., 1:, :] - image[..., :-1, :]  # (B, C, H-1, W)
    if kind == "anisotropic":
        return dx.abs().sum((1, 2, 3)) + dy.abs().sum((1, 2, 3))
    if kind == "squared":
        return dx.square().sum((1, 2, 3)) + dy.square().sum((1, 2, 3))
    if kind == "isotropic":
        cells = dx[..., :-1, :].square() + dy[..., :, :-1].square() + eps  # (B, C, H-1, W-1)
        return cells.sqrt().sum((1, 2, 3))
    raise ValueError(f"kind: expected anisotropic, squared or isotropic, got {kind!r}")
    ### END SOLUTION


# %% check="total_variation"

# %% [markdown]
# ## "Total variation is a blur"
#
# You will hear this sentence. Take one row of a picture, an edge with noise on it, and treat it in three ways, each
# tuned to leave the same amount of noise: a Gaussian blur, the squared kind, the absolute kind. The last two minimise
# $\tfrac12\lVert x - y\rVert^2 + \lambda \cdot \mathrm{TV}(x)$.

# %%
rng = np.random.default_rng(0)
truth = np.where(np.arange(80) < 40, 0.2, 0.8)
row = truth + 0.05 * rng.normal(size=80)
D = np.diff(np.eye(80), axis=0)  # (79, 80): differences of neighbours


def squared_kind(strength):
    return np.linalg.solve(np.eye(80) + 2 * strength * D.T @ D, row)


def absolute_kind(strength):
    """By reweighted least squares: |d| is d² / |d| with the |d| of the round before."""
    x = row
    for _ in range(60):
        x = np.linalg.solve(np.eye(80) + strength * D.T @ (D / np.sqrt((D @ x) ** 2 + 1e-8)[:, None]), row)
    return x


def blur(width):
    window = np.exp(-0.5 * (np.arange(-20, 21) / width) ** 2)
    return np.convolve(np.pad(row, 20, mode="edge"), window / window.sum(), mode="valid")


def noise_left(x):
    return np.concatenate([x[:25] - x[:25].mean(), x[55:] - x[55:].mean()]).std()


def tuned(method, low, high, goal=0.016):
    """The result of the strength, found by bisection, that leaves the wanted noise far from the edge."""
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if noise_left(method(middle)) > goal else (low, middle)
    return method(low)


results = {
    "Gaussian blur": tuned(blur, 0.3, 10),
    "squared": tuned(squared_kind, 0.1, 1000),
    "absolute": tuned(absolute_kind, 1e-3, 1),
}
figure, axes = plt.subplots(1, 3, figsize=(11.5, 3), sharey=True)
for axis, (name, result), color in zip(axes, results.items(), ("#CC79A7", "#D55E00", "#0072B2")):
    axis.plot(row, ".", color="0.7", markersize=4, label="given")
    axis.plot(result, color=color, linewidth=2, label="result")
    jump = np.abs(np.diff(result)).max()
    axis.set_title(f"{name}: steepest step {jump:.2f}")
    axis.set_xlabel("pixel")
    axis.legend(loc="upper left", fontsize=8)
    print(f"{name:>13}: noise left {noise_left(result):.3f}, steepest step {jump:.2f}")
axes[0].set_ylabel("value")
plt.show()

# %% [markdown]
# *Three panels with the same noisy edge. Blur and squared penalty turn it into a slope; the absolute penalty keeps a
# step and flattens both sides into plateaus.*
#
# All three removed the same noise. Two of them smeared the edge over many pixels; the absolute kind kept most of it
# in one step. It charges the *height* of a jump and not its steepness, so it has no reason to smear; what it takes is
# a little of the height. And it makes plateaus. On a face that is a pity, on a poster it is the style.
#
# ## In a transfer
#
# **Guess first:** three weights, the middle one a fifteenth of the last. What does each do to the texture?

# %%
count = content[0].numel()
strengths, runs = (0.0, 2e3, 3e4), []
print(f"content and style at the start: {float(objective(content)):.0f}")
for strength in strengths:
    result, _ = run_transfer(
        lambda image, strength=strength: (
            objective(image) + strength * library_variation(image).mean() / count
        ),
        content,
        steps=60,
        lr=0.02,
    )
    runs.append(result)

figure, axes = plt.subplots(2, 3, figsize=(10.5, 5.4))
for column, (strength, result) in enumerate(zip(strengths, runs)):
    picture = result[0].permute(1, 2, 0)
    axes[0, column].imshow(picture)
    axes[0, column].set_title(f"weight {strength:g}")
    axes[1, column].imshow(picture[28:53, 20:53])
    axes[1, column].set_title("a piece of it")
    variation, loss = float(library_variation(result)) / count, float(objective(result))
    print(f"weight {strength:>6g}: total variation per value {variation:.3f}, content and style {loss:8.1f}")
for axis in axes.flat:
    axis.axis("off")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three stylised cups and a magnified piece of each: speckled without the term, cleaner with a small weight, flat
# patches without texture with a large one.*
#
# The small weight takes most of the speckle, and content and style together rise by little, measured by where they
# started: those pixels were not doing much for them. The large weight takes the texture too. Total variation cannot
# know whether a difference between neighbours is an artefact or a brush stroke. Hence *small*: Johnson, Alahi and
# Fei-Fei (2016) use 1e-6 to 1e-4 with their constants, and, as always, the number means nothing without them.
#
# <details><summary>Ask yourself: tuned at 256 pixels, rendered at 1024, and the code sums. What happens?</summary>
#
# The number of differences grows sixteenfold, each gets smaller (a finer picture changes less from pixel to pixel),
# so the sum grows about fourfold for the same picture. A content term that is a mean stays. The regulariser is now
# about four times as strong.
#
# </details>

# %% [markdown]
# ## Where there are weights after all
#
# In feed-forward transfer (lesson 17) the variable is a network, and weights may be penalised:
#
# $$L_\text{total} = L + \lambda \sum_{W} \lVert W \rVert^2, \qquad \frac{\partial}{\partial W} = \dots + 2\lambda W .$$
#
# Usually not all of them. A bias shifts, it does not multiply; a norm scale is undone by the next layer. Leave both
# out, which in code means: parameters with fewer than two dimensions. Leave frozen ones out too, they would add a
# constant.
#
# ### Exercise 12.2: the penalty


# %% answer="l2_penalty"
def l2_penalty(model: nn.Module, lam: float) -> torch.Tensor:
    """λ Σ ‖W‖² over the parameters that require a gradient and have at least 2 dimensions. There is no ½.

    Args:
        model: any module; its parameters are not changed, nor is their .grad.
        lam: λ, at least 0.
    Returns:
        0-d, differentiable; a zero in the model's dtype and on its device if no parameter qualifies.
    Raises:
        ValueError: lam is negative.
    """
    ### BEGIN SOLUTION
    if lam < 0:
        raise ValueError(f"lam: expected at least 0, got {lam}")
    total = next(model.parameters()).new_zeros(())
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.ndim >= 2:
            total = total + parameter.pow(2).sum()
    return lam * total
    ### END SOLUTION


# %% check="l2_penalty"

# %% [markdown]
# ## A penalty is not a decay
#
# With plain gradient descent, adding this penalty is the same as multiplying each weight by $1 - 2\lambda\eta$ in
# every step: *weight decay*. Hence the habit of using the two words for one thing. Adam breaks the habit. It divides
# the whole gradient, the penalty's part included, by the running size of that weight's gradient.
#
# Give Adam a thousand weights that all start at 1. The loss pulls none of them anywhere: their gradients are noise
# around zero, small for some weights and large for others. Only regularisation should move them. **Which of them
# shrink?**

# %%
scales = torch.logspace(-3, 1, 9)  # size of the gradient noise, nine groups of weights
draws = torch.Generator().manual_seed(0)
groups = {name: torch.ones(9, 120).requires_grad_() for name in ("penalty (Adam)", "decay (AdamW)")}
optimizers = {
    "penalty (Adam)": torch.optim.Adam([groups["penalty (Adam)"]], lr=0.01, weight_decay=0.1),
    "decay (AdamW)": torch.optim.AdamW([groups["decay (AdamW)"]], lr=0.01, weight_decay=0.1),
}
for _ in range(300):
    gradient = scales[:, None] * torch.randn(9, 120, generator=draws)
    for name, optimizer in optimizers.items():
        groups[name].grad = gradient.clone()
        optimizer.step()

figure, axis = plt.subplots(figsize=(6.4, 3.4))
for (name, weights), style, color in zip(groups.items(), ("-o", "--s"), ("#D55E00", "#0072B2")):
    axis.semilogx(scales, weights.detach().mean(1), style, color=color, label=name)
    print(f"{name}: " + ", ".join(f"{value:.2f}" for value in weights.detach().mean(1)))
axis.axhline(0.999**300, color="0.5", linewidth=1, label="0.999³⁰⁰")
axis.set_xlabel("size of the weight's gradient")
axis.set_ylabel("weight after 300 steps (mean)")
axis.set_title("Under Adam, the penalty spares the weights with large gradients")
axis.legend()
plt.show()

# %% [markdown]
# *Two curves over the size of the gradient. AdamW's is level at 0.74. Adam's is near zero on the left and near one on
# the right.*
#
# AdamW (Loshchilov and Hutter 2019) takes the decay out of the gradient and shrinks every weight by the same factor,
# here $1 - 0.01 \cdot 0.1$ per step. With the penalty inside the gradient, the weights with small gradients are wiped
# out and those with large ones hardly notice. That is a regulariser too, but it is not the one that the formula says.
# Lesson 13 builds both.

# %% [markdown]
# ## Coins in the network
#
# Dropout (Srivastava et al. 2014) is no added penalty at all. In training, each entry of a layer vanishes with
# probability $p$, so that no unit can rely on another one. An entry survives with probability $1 - p$, hence the
# layer after it would see a mean that is $1 - p$ times too small, and at inference, without dropout, one that it
# never trained for. The **inverted** form divides the survivors by $1 - p$.
#
# By hand: $x = (2, 4, 6, 8)$, $p = \tfrac14$, and the second entry is dropped. The result is $(2, 0, 6, 8)/0.75 =
# (2.67, 0, 8, 10.67)$. Its sum is 21.3, the sum of $x$ is 20; on average over all masks it is 20 exactly.
#
# ### Exercise 12.3: inverted dropout


# %% answer="inverted_dropout"
def inverted_dropout(
    x: torch.Tensor, p: float, training: bool, generator: torch.Generator | None = None
) -> torch.Tensor:
    """Drop each entry independently with probability p; multiply the others by 1/(1 - p).

    Args:
        x: any shape, floating; not modified. The gradient is 1/(1 - p) on survivors, 0 on the dropped.
        p: the probability of being dropped. p = 1 gives zeros, p = 0 gives x.
        training: False gives x.
        generator: draws the mask (one seed, one mask); without it, torch's global generator does.
    Returns:
        The shape and dtype of x.
    Raises:
        ValueError: p outside [0, 1], in training or not.
    """
    ### BEGIN SOLUTION
    if p < 0 or p > 1:
        raise ValueError(f"p: expected a probability, got {p}")
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0
    coins = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    return x * (coins >= p) / (1 - p)
    ### END SOLUTION


# %% check="inverted_dropout"

# %%
layer = torch.rand(400, 250, generator=torch.Generator().manual_seed(1))
half = library_dropout(layer, 0.3, True, torch.Generator().manual_seed(2))
print(f"mean at inference                {layer.mean():.3f}")
print(f"in training, survivors / 0.7     {half.mean():.3f}")
print(f"in training, not rescaled        {(half * 0.7).mean():.3f}")
print(f"in training, survivors / 0.3     {(half * 0.7 / 0.3).mean():.3f}")

# %% [markdown]
# With $p = \tfrac12$ the last line would have looked right: $p$ and $1 - p$ are the same number there, and a test
# that uses it proves nothing about which of them the code divides by.
#
# <details><summary>Ask yourself: is dropout or weight decay worth it in a feed-forward style network?</summary>
#
# Johnson et al. say that they used neither, because nothing over-fitted in two epochs over 80,000 photographs; they
# regularised the *output*, with total variation. With a few hundred photographs or a much larger network, look at the
# loss on photographs held out, and decide then. And dropout in a network that paints will show in the training
# pictures as noise, so it belongs in the middle of it if anywhere.
#
# </details>
#
# Put together: a regulariser is a preference, and a preference has an object. Weights, if weights are trained. The
# picture, always, since somebody will look at it.

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. I. Rudin, S. Osher, E. Fatemi, *Nonlinear total variation based noise removal algorithms*, Physica D 60, 1992.
# - A. Mahendran, A. Vedaldi, *Understanding Deep Image Representations by Inverting Them*, CVPR 2015,
#   arXiv:1412.0035.
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV
#   2016, arXiv:1603.08155, Section 4.1.
# - I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019, arXiv:1711.05101.
# - N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, *Dropout: A Simple Way to Prevent Neural
#   Networks from Overfitting*, JMLR 15, 2014.
#
# **Next:** lesson 13 writes Adam and AdamW by hand, 17 trains a feed-forward network, 18 regularises discriminators,
# and 29 takes total variation as what it was made for, denoising.
