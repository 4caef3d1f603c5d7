# %% [markdown]
# # 14 What the CNN contributes / 卷积神经网络的作用
#
# **After this lesson** you can say what the network does and does not do, compute how far a unit sees, take features
# out of any network without two classic bugs, write a convolution as one matrix product, rescale a network without
# changing it, and write AdaIN.
#
# About 40 minutes, and 105 for the exercises. Read 03 and 04 for the two losses.

# %% [markdown] interview="question"

# %% tags=["setup"]
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import extract_features as library_extract
from nstkit.encoders import layer_windows, load_encoder
from nstkit.encoders import normalize_activations as library_normalize
from nstkit.encoders import receptive_field as library_field
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import content_loss, gram_matrix
from nstkit.paintings import paint
from nstkit.theory import conv2d_im2col as library_im2col
from nstkit.transfer import adain as library_adain
from nstkit.transfer import run_transfer

torch.set_num_threads(2)
encoder = load_encoder("tiny")
cat = photograph("chelsea", size=144)[..., :96, :144]  # (1, 3, 96, 144)
stones = paint("mosaic", 256, 384)[..., 120:216, 120:264]  # (1, 3, 96, 144)


def show(axis, image, title):
    axis.imshow(image[0].permute(1, 2, 0).clamp(0, 1))
    axis.set_title(title)
    axis.axis("off")


# %% [markdown]
# ## Take the network out
#
# To see what a part of a machine does, remove it and start the machine. Below is one and the same optimisation,
# content loss plus Gram losses on three layers, run three times: once where the "features" are the pixels themselves,
# once with the network's architecture and random weights, once with the trained network.
#
# **Guess first:** which of the three finds the cat again, which finds the colours, which finds the stones?

# %%
layers = ["relu1_1", "relu2_1", "relu3_1"]


def transfer(network, steps=60):
    """Cat in stones, by whatever `network` calls features."""
    with torch.no_grad():
        start, style = network(cat, layers), network(stones, layers)
        target = start["relu3_1"]
        grams = {layer: gram_matrix(style[layer]) for layer in layers}
        gaps = {layer: (gram_matrix(start[layer]) - grams[layer]).square().sum() for layer in layers}

    def objective(image):
        features = network(image, layers)
        style_terms = [(gram_matrix(features[k]) - grams[k]).square().sum() / gaps[k] for k in layers]
        return content_loss(features["relu3_1"], target, "mean") / target.square().mean() + 5 * sum(
            style_terms
        )

    return run_transfer(objective, cat, steps, lr=0.03)[0]


networks = {
    "Features: the pixels": lambda image, layers: dict.fromkeys(layers, image),
    "Features: random weights": load_encoder("tiny", weights="random", seed=1),
    "Features: trained weights": encoder,
}
figure, axes = plt.subplots(1, 5, figsize=(15, 2.5))
show(axes[0], cat, "Content")
show(axes[1], stones, "Style")
for axis, (title, network) in zip(axes[2:], networks.items()):
    show(axis, transfer(network), title)
figure.tight_layout()
plt.show()

# %% [markdown]
# *A cat; a mosaic of square stones; the cat in the mosaic's colours with its own fur; the cat in harsher colours and
# coarse contours; the cat laid out in coloured stones.*
#
# The cat survives everywhere, so that is not what the network adds: we started from it, and even pixels hold a layout.
# With pixels as features the style is a palette and nothing more, because the Gram matrix of three colour channels
# knows nothing about neighbours. The random network looks at neighbourhoods, but not at any in particular: some
# contrast and grain comes over. Only the trained one has channels that answer to edges of stones, and so only there
# are stones what the loss asks for.
#
# So the network's contribution is a **distance**. It decides which differences count. It draws nothing: what moves is
# the image, and the weights stay frozen. All that the optimiser needs from it is a gradient with respect to its
# *input*.

# %% [markdown]
# ## How far does a unit see?
#
# A Gram matrix knows nothing about places (lesson 03). So how can it hold a *stone*, which is many pixels wide?
# Because the unit has looked at a neighbourhood before the places were thrown away. How wide that neighbourhood is can
# be computed without running anything.
#
# Take three layers: a 3 × 3 convolution, a 2 × 2 pooling with stride 2, a 3 × 3 convolution. Write down $r$, how many
# pixels one output has seen, and $j$, how many pixels lie between two neighbouring outputs:
#
# | layer | kernel, stride | $r$ | $j$ |
# |---|---|---|---|
# | image | | 1 | 1 |
# | convolution | 3, 1 | 1 + 2·1 = 3 | 1 |
# | pooling | 2, 2 | 3 + 1·1 = 4 | 2 |
# | convolution | 3, 1 | 4 + 2·**2** = 8 | 2 |
#
# The last line is where most people go wrong. They say "plus two" again. But behind the pooling a step of one unit is
# a step of two pixels, so the same kernel reaches twice as far. In general, with kernel $k$, stride $s$, dilation $d$:
#
# $$ r \leftarrow r + (k-1)\, d\, j , \qquad\text{then}\qquad j \leftarrow j\, s . $$
#
# ### Exercise 14.1: receptive field
#
# You will want this number whenever strokes come out too small, or a discriminator judges patches (lesson 08).


# %% answer="receptive_field"
def receptive_field(layers) -> tuple[int, int]:
    """How many pixels one output sees, and how many lie between neighbouring outputs, along one axis.

    Args:
        layers: a sequence of (kernel, stride, dilation), from the image on.
    Returns:
        (r, j); both start at 1, so no layers give (1, 1).
    Raises:
        ValueError: a value below 1.
    """
    ### BEGIN SOLUTION
    r, j = 1, 1
    for kernel, stride, dilation in layers:
        if min(kernel, stride, dilation) < 1:
            raise ValueError(f"layers: expected values of at least 1, got {(kernel, stride, dilation)}")
        r += (kernel - 1) * dilation * j
        j *= stride
    return r, j
    ### END SOLUTION


# %% check="receptive_field"

# %%
vgg = load_encoder("vgg19", weights="random")  # its windows do not depend on its weights
figure, axis = plt.subplots(figsize=(6.6, 4.2))
show(axis, photograph("chelsea", size=256), "What one unit of VGG-19 sees in a picture 256 pixels wide")
frames = (
    ("relu1_1", "#F0E442", "-"),
    ("relu2_1", "#56B4E9", "-"),
    ("relu3_1", "#E69F00", "-"),
    ("relu4_2", "#FFFFFF", "--"),
    ("relu5_1", "#FFFFFF", "-"),
)
for layer, color, line in frames:
    r, j = library_field(layer_windows(vgg, layer))
    label = f"{layer}: {r} pixels"
    axis.add_patch(
        plt.Rectangle((101 - r / 2, 82 - r / 2), r, r, fill=False, ec=color, ls=line, lw=2, label=label)
    )
    print(f"{layer}: sees {r:3d} x {r:<3d} pixels, neighbours are {j:2d} apart")
axis.legend(loc="upper left", bbox_to_anchor=(1, 1), facecolor="#555555", labelcolor="white")
plt.show()

# %% [markdown]
# *A cat's head with five squares around the lower rim of one eye: two of them tiny, one smaller than the iris, one
# around the eye and the bridge of the nose, the deepest over most of the face.*
#
# This is the real meaning of "shallow layers hold fine texture". It is also why strokes do not grow with the picture:
# at 1024 pixels the dashed square is still 84 pixels wide, and the iris no longer fits into it.
#
# <details><summary>Ask yourself: does a unit use its whole square equally?</summary>
#
# No. The centre can be reached by many more paths through the layers than the rim, so its weight is larger. The number
# is the outer bound of what can matter.
#
# </details>

# %% [markdown]
# ## The convolution that is never negative
#
# Somebody saves the features of a convolution, the layer *before* the ReLU, and looks at them:

# %%
generator = torch.Generator().manual_seed(0)
small = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))
with torch.no_grad():
    for parameter in small.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    saved = small[0](cat)
    before = float(saved.min())
    small[1](saved)
print(f"smallest value when it was saved: {before:.2f}; smallest value now: {float(saved.min()):.2f}")

# %% [markdown]
# Nobody touched `saved` in between; the next module did. `nn.ReLU(inplace=True)`, which is what torchvision's VGG is
# made of, writes its result over its input. What was stored was a name for that memory, not a copy. A forward hook
# would have been handed the same name. The transfer still runs, and matches the wrong thing.
#
# The second classic is the pooling. Gatys replaces maximum by average; the reason usually given is "smoother
# gradients". Watch the gradient of a feature distance at relu4_1 on its way down, when it leaves the first pooling
# layer, under both:

# %%
names = [name for name in encoder.layers if not name.startswith("texture")]
names = names[: names.index("relu4_1") + 1]
figure, axes = plt.subplots(1, 2, figsize=(9, 3.3))
for axis, (title, kind) in zip(axes, {"Maximum": nn.MaxPool2d, "Average": nn.AvgPool2d}.items()):
    chain = nn.Sequential(*(kind(2) if name.startswith("pool") else encoder.steps[name] for name in names))
    pixels = ((cat - encoder.mean) / encoder.deviation).requires_grad_()
    shallow = chain[:2](pixels)
    shallow.retain_grad()
    with torch.no_grad():
        target = chain((stones - encoder.mean) / encoder.deviation)
    (chain[2:](shallow) - target).square().sum().backward()
    grad = shallow.grad[0].abs().mean(0)[32:64, 48:96]
    axis.imshow(grad / grad.max(), cmap="viridis")
    axis.set_title(f"{title} pooling")
    axis.set_xlabel("x (pixels)")
    axis.set_ylabel("y (pixels)")
    share = float((shallow.grad != 0).float().mean())
    g = pixels.grad[0].sum(0) - pixels.grad[0].sum(0).mean()
    alike = float((g[:, 1:] * g[:, :-1]).mean() / g.square().mean())
    print(f"{title}: {share:.0%} of the units below the pooling get a gradient; ", end="")
    print(f"correlation of neighbouring pixels' gradients: {alike:.2f}")
figure.suptitle("Size of the gradient below the first pooling (mean over channels)")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Two gradient maps: under maximum pooling single bright cells between dark ones, under average pooling soft areas
# made of blocks of two by two.*
#
# A maximum hands its whole gradient to the winner of each window and nothing to the other three. An average gives each
# a quarter, which is why the right map consists of blocks. The convolution below the pooling smears either, so at the
# pixels themselves nothing is empty any more, but neighbours still agree much less under the maximum. "Sparse against
# smooth" is true at the pooling layer; at the image say "rougher".
#
# ### Exercise 14.2: features, as they were
#
# Write the function that has neither bug and leaves the caller's model alone.


# %% answer="extract_features"
def extract_features(
    model: nn.Sequential, x: torch.Tensor, layers, avg_pool: bool = False
) -> dict[int, torch.Tensor]:
    """The outputs of some modules of a chain, as they are at that point.

    Args:
        model: a chain; afterwards as before: its modules, mode and weights, and no hooks.
        x: its input; not changed, even if the first module works in place.
        layers: indices from 0. Modules after the last of them are not run.
        avg_pool: an average with the same kernel_size, stride, padding and ceil_mode for every MaxPool2d.
    Returns:
        Outputs by index; gradients flow to x.
    Raises:
        IndexError: an index outside of the chain, negative ones included.
        ValueError: no layers.
    """
    ### BEGIN SOLUTION
    if len(layers) == 0:
        raise ValueError("layers: expected at least one index")
    if min(layers) < 0 or max(layers) >= len(model):
        raise IndexError(f"layers: expected indices from 0 to {len(model) - 1}, got {list(layers)}")
    features = {}
    for index in range(max(layers) + 1):
        module = model[index]
        if isinstance(module, nn.ReLU):
            x = F.relu(x)  # never in place, whatever the module says
        elif avg_pool and isinstance(module, nn.MaxPool2d):
            x = F.avg_pool2d(x, module.kernel_size, module.stride, module.padding, module.ceil_mode)
        else:
            x = module(x)
        if index in layers:
            features[index] = x
    return features
    ### END SOLUTION


# %% check="extract_features"

# %% [markdown]
# ## A convolution is one matrix product
#
# "Write a convolution without calling one" is asked often, and the answer explains why the layer is fast. Cut out
# every patch that the kernel will see, lay each flat as a row, and multiply all of them with all kernels at once. By
# hand, one channel, a 2 × 3 image and a 2 × 2 kernel:
#
# $$x = \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix},\quad
# w = \begin{pmatrix} 1 & 0 \\ 0 & -1 \end{pmatrix}
# \qquad
# \underbrace{\begin{pmatrix} 1 & 2 & 4 & 5 \\ 2 & 3 & 5 & 6 \end{pmatrix}}_{\text{two patches}}
# \begin{pmatrix} 1 \\ 0 \\ 0 \\ -1 \end{pmatrix} = \begin{pmatrix} -4 \\ -4 \end{pmatrix} .$$
#
# The kernel lies on the patch as it is. A signal-processing convolution would turn it by 180° first; CNN layers do
# not, they cross-correlate. Since the weights are learned, nothing is lost by that, except for the one who copies
# weights between two libraries.
#
# For a batch: patches $(N H' W',\; C k_h k_w)$ times kernels $(C k_h k_w,\; O)$ gives $(N H' W',\; O)$. What is left
# is bookkeeping, and each of its two steps has its own bug: patch and kernel must be flattened in the same order, and
# $O$ must be *moved* in front of the positions, not reshaped there.
#
# ### Exercise 14.3: im2col


# %% answer="conv2d_im2col"
def conv2d_im2col(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Cross-correlation with zero padding, as one matrix product.

    Args:
        x: (N, C, H, W).
        weight: (O, C, kh, kw).
        bias: (O,) or None.
        stride, padding: at least 1 and at least 0, the same along both axes.
    Returns:
        (N, O, H', W'), H' = ⌊(H + 2·padding - kh)/stride⌋ + 1 and W' alike, in the dtype of x.
    Raises:
        ValueError: channels or bias do not fit, stride < 1, padding < 0, a kernel larger than the padded image.
    """
    ### BEGIN SOLUTION
    n, channels, height, width = x.shape
    outputs, kernel_channels, kh, kw = weight.shape
    if kernel_channels != channels or (bias is not None and bias.shape != (outputs,)):
        raise ValueError(f"weight, bias: they do not fit {channels} channels: {weight.shape}")
    if stride < 1 or padding < 0 or kh > height + 2 * padding or kw > width + 2 * padding:
        raise ValueError(f"stride {stride}, padding {padding}, kernel {kh} x {kw} for {height} x {width}")
    x_padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    rows, columns = (height + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1
    patches = np.empty((n, rows, columns, channels, kh, kw), x.dtype)
    for i in range(kh):
        for j in range(kw):
            part = x_padded[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
            patches[..., i, j] = part.transpose(0, 2, 3, 1)  # (N, H', W', C)
    product = patches.reshape(n * rows * columns, -1) @ weight.reshape(outputs, -1).T  # (N·H'·W', O)
    product = product + (0 if bias is None else bias)
    return product.reshape(n, rows, columns, outputs).transpose(0, 3, 1, 2).astype(x.dtype)
    ### END SOLUTION


# %% check="conv2d_im2col"

# %%
first = encoder.steps["conv1_1"]
pixels = ((cat - encoder.mean) / encoder.deviation).numpy()
by_product = library_im2col(pixels, first.weight.numpy(), first.bias.numpy(), padding=1)
gap = np.abs(by_product - first(torch.from_numpy(pixels)).detach().numpy()).max()
print(f"conv1_1 of a real network as one product of {96 * 144} x 27 with 27 x {len(first.weight)}")
print(f"largest difference from torch: {gap:.1e}")
print(f"numbers in the patches: {96 * 144 * 27}, in the image: {96 * 144 * 3}")

# %% [markdown]
# The last line is the price: every pixel is stored nine times. Libraries therefore build the patches in small tiles,
# or only in thought. The product is the same.

# %% [markdown]
# ## Loud channels
#
# The channels of a trained network do not speak equally loudly: at one layer, the figure below the exercise shows the
# mean activation of each of 96 channels. A squared loss hears the loudest first.
#
# Gatys rescales: each filter is divided by its mean activation $m$, so that the mean becomes 1. Does that not break
# the network? Not if the next layer takes the factor back on its input side:
#
# $$W'_l[o, i] = W_l[o, i]\,\frac{m_{l-1}[i]}{m_l[o]}, \qquad b'_l[o] = \frac{b_l[o]}{m_l[o]} .$$
#
# It works because a ReLU and a pooling commute with a *positive* factor: $\max(cz, 0) = c\,\max(z, 0)$ for $c > 0$.
# **Before you go on:** which of these would break it: a sigmoid, a bias that is left as it was, a channel that never
# fires?
#
# All three. The sigmoid does not commute. The bias is part of $z$ and must shrink with it. And a dead channel has $m =
# 0$: dividing by it gives NaN everywhere behind, so such channels keep the factor 1.
#
# ### Exercise 14.4: rescale without changing


# %% answer="normalize_activations"
def normalize_activations(model: nn.Sequential, images: torch.Tensor, eps: float = 1e-8) -> nn.Sequential:
    """A copy whose channels have mean activation 1 after each ReLU, over images and positions.

    W'_l[o, i] = W_l[o, i] m_{l-1}[i] / m_l[o], b'_l = b_l / m_l, with m_l the original means and m_0 = 1.

    Args:
        model: Conv2d (with or without bias), each with a ReLU straight behind it, and pooling; not changed.
        images: (B, C, H, W).
        eps: channels with a mean of at most eps are dead: their factor is 1.
    Raises:
        ValueError: a convolution without a ReLU straight behind it, or with groups != 1.
    """
    ### BEGIN SOLUTION
    scaled, features = copy.deepcopy(model), images.clone()
    m_before = torch.ones(images.shape[1], dtype=images.dtype)
    with torch.no_grad():
        for index, module in enumerate(model):
            features = module(features)
            if not isinstance(module, nn.Conv2d):
                continue
            if index + 1 == len(model) or not isinstance(model[index + 1], nn.ReLU) or module.groups != 1:
                raise ValueError(f"model[{index}]: expected groups=1 and a ReLU straight behind it")
            m = F.relu(features).mean((0, 2, 3))  # (O,)
            m = torch.where(m > eps, m, torch.ones_like(m))
            twin = scaled[index]
            twin.weight *= m_before[None, :, None, None] / m[:, None, None, None]
            if twin.bias is not None:
                twin.bias /= m
            m_before = m
    return scaled
    ### END SOLUTION


# %% check="normalize_activations"

# %%
photos = torch.cat([photograph(name, size=192)[..., :128, :128] for name in ("chelsea", "coffee", "rocket")])
photos = (photos - encoder.mean) / encoder.deviation
chain = nn.Sequential(*(encoder.steps[name] for name in names))
at = names.index("relu3_1")
old = library_extract(chain, photos, [at])[at]
new = library_extract(library_normalize(chain, photos), photos, [at])[at]

figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)
for axis, features, title in zip(axes, (old, new), ("Before: some channels shout", "After: every mean is 1")):
    means = features.mean((0, 2, 3))
    axis.bar(range(len(means)), means, color="#0072B2", width=1.0)
    axis.set_title(title)
    axis.set_xlabel("channel at relu3_1")
    energy = gram_matrix(features).mean(0).square().sum(1).sort(descending=True).values
    needed = int((energy.cumsum(0) < 0.9 * energy.sum()).sum()) + 1
    print(f"{title}: mean activations {float(means.min()):.2f} to {float(means.max()):.2f}; ", end="")
    print(f"90 % of the Gram matrix's energy lies in {needed} of {len(means)} channels")
axes[0].set_ylabel("mean activation")
figure.tight_layout()
plt.show()
ratio = new / old.where(old > 0, torch.ones(()))
spread = torch.stack(
    [r[o > 0].std() / r[o > 0].mean() for r, o in zip(ratio.transpose(0, 1), old.transpose(0, 1))]
)
print(f"new over old varies within a channel by {float(spread.max()):.0e} of itself: only the units changed")

# %% [markdown]
# *Two bar charts of 96 channels on one scale: bars between nearly nothing and almost two on the left; all at one on
# the right.*
#
# The sum over the Gram matrix is now shared by far more channels, and the network still computes what it did, in other
# units.
#
# ## When features really are fused
#
# The list of answers that many candidates learn says that the CNN "fuses content and style features". In everything so
# far, nothing was fused: two losses pulled on one image. But there is a method that does fuse (Huang and Belongie,
# 2017), and it is four lines: take out of each channel of the content's features its own mean and spread, and put the
# style's in.
#
# $$ t = \sigma_s\,\frac{c - \mu_c}{\sigma_c} + \mu_s , \qquad \text{result} = \alpha\, t + (1-\alpha)\, c $$
#
# $\mu$ and $\sigma = \sqrt{\operatorname{var} + \varepsilon}$ belong to *one* image and *one* channel, over its
# positions. By hand, one channel with two positions: content $(1, 3)$ has $\mu_c = 2$, $\sigma_c = 1$; style $(10,
# 30)$ has
# $\mu_s = 20$, $\sigma_s = 10$; so $t = (10, 30)$. (The variance is the population's: divided by 2 here, not by 1.)
#
# ### Exercise 14.5: AdaIN


# %% answer="adain"
def adain(content: torch.Tensor, style: torch.Tensor, alpha: float = 1.0, eps: float = 1e-5) -> torch.Tensor:
    """Content features with the style's mean and deviation in each channel of each sample.

    t = σ_s (c - μ_c)/σ_c + μ_s, σ = sqrt(population variance + eps); the result is alpha t + (1 - alpha) c.

    Args:
        content: (B, C, H, W).
        style: (B, C, H', W'), any spatial size.
        alpha: any finite number; 0 is the content, 1 the full style.
    Returns:
        (B, C, H, W); gradients flow to both inputs.
    Raises:
        ValueError: B or C differ, an input is not 4-D, or alpha is not finite.
    """
    ### BEGIN SOLUTION
    if content.ndim != 4 or style.ndim != 4 or content.shape[:2] != style.shape[:2]:
        raise ValueError(f"content, style: expected the same (B, C), got {content.shape}, {style.shape}")
    if not np.isfinite(alpha):
        raise ValueError(f"alpha: expected a finite number, got {alpha}")

    def statistics(x):
        mean = x.mean(dim=(2, 3), keepdim=True)  # (B, C, 1, 1)
        return mean, torch.sqrt((x - mean).square().mean(dim=(2, 3), keepdim=True) + eps)

    (content_mean, content_sigma), (style_mean, style_sigma) = statistics(content), statistics(style)
    t = style_sigma * (content - content_mean) / content_sigma + style_mean
    return alpha * t + (1 - alpha) * content
    ### END SOLUTION


# %% check="adain"

# %% [markdown]
# Fused features are no picture yet. A decoder has to draw them; it must be trained first, and lesson 17 does that.
# Here we can ask the optimiser for an image whose features are $t$, which is what the decoder will learn to do in one
# pass.

# %%
layer = "relu3_1"
with torch.no_grad():
    cat_features, stone_features = encoder(cat, [layer])[layer], encoder(stones, [layer])[layer]
figure, axes = plt.subplots(1, 3, figsize=(11, 2.7))
show(axes[0], cat, "alpha = 0: the content")
for axis, alpha in zip(axes[1:], (1.0, 2.0)):
    fused = library_adain(cat_features, stone_features, alpha)
    found, history = run_transfer(
        lambda image, fused=fused: content_loss(encoder(image, [layer])[layer], fused, "mean"), cat, 40
    )
    show(axis, found, f"alpha = {alpha:.0f}" + (": the style" if alpha == 1 else ": beyond the style"))
    print(f"alpha {alpha:.0f}: distance to the fused features {history[0]:.2f} -> {history[-1]:.2f}")
figure.tight_layout()
plt.show()

# %% [markdown]
# *The cat; the cat in paler colours with a skin of dark joints; the same exaggerated, joints everywhere.*
#
# Channel means and spreads of one layer carry the joints between the stones, and little of the palette. A Gram matrix
# also holds which channels fire *together*, and the picture at the top of the lesson used three layers of them. That
# is the price of AdaIN's speed, and the reason why 9.2 and WCT go on to the full covariance. And the distance does not
# reach 0: not every list of features belongs to an image.

# %% [markdown]
# ## What to take along
#
# - In Gatys' method the network is a **ruler**: frozen, differentiable with respect to its input, with a hierarchy of
#   scales. It draws nothing, and it "computes the loss" only in the sense that the loss is a function of its features.
# - Johnson's *loss network* is that ruler. The *transformation network* beside it is another network, and the only one
#   that is trained.
# - A better classifier is not a better ruler. VGG, old as it is, works better than ResNet when used as it comes; Wang
#   et al. (2021) trace it to the peaky activations of residual networks, and repair it by smoothing them.

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016, Section
#   2: the network, average pooling, rescaled weights.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, ICCV 2017,
#   arXiv:1703.06868, Eq. 8 and 14.
# - A. Araujo, W. Norris, J. Sim, *Computing Receptive Fields of Convolutional Neural Networks*, Distill 2019.
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016,
#   arXiv:1603.08155.
# - P. Wang, Y. Li, N. Vasconcelos, *Rethinking and Improving the Robustness of Image Style Transfer*, CVPR 2021,
#   arXiv:2104.05623.
#
# **Next:** lesson 15 lists what else can be measured in these features; 16 turns VGG's dense head into a convolution;
# 17 trains AdaIN's decoder; 9 replaces mean and deviation by the full covariance.
