# %% [markdown]
# # 16 Fully connected networks / 全连接网络的作用
#
# **After this lesson** you can say what a dense layer would cost as a painter and show how it fails, run one as a
# convolution, give it the one job it does have in style transfer, and take its gradient by hand.
#
# About 30 minutes, and 70 for the exercises. Read 14 for features and AdaIN.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch
from torch.nn import functional as F

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import dense_as_conv as library_dense
from nstkit.encoders import layer_cost, load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.paintings import paint
from nstkit.transfer import adain
from nstkit.transfer import style_modulation as library_modulation
from nstkit.transfer.adain import mean_and_deviation

torch.set_num_threads(2)
encoder = load_encoder("tiny")


def features(image, layer):
    with torch.no_grad():
        return encoder(image, [layer])[layer]


# %% [markdown]
# ## Let the dense layer paint
#
# A list of interview answers says of the "FCNN": *it maps the fused features back to pixels.* Fine. Let us hire one.
#
# The task: given the features of a 24 × 24 patch at relu2_1, (64, 12, 12), draw the patch. One applicant is a dense
# layer, every feature connected to every pixel. The other is a convolution: each block of 2 × 2 pixels is drawn from
# the 3 × 3 features around it, everywhere by the same rule. Both are linear, both are fitted to the same 400 patches of
# three photographs by ridge regression, so nobody can blame the optimiser. Then both draw a cat they have never seen.
#
# **Bet:** which one, and what will the other one get wrong?


# %%
def patches(image, size=24, step=24):
    """All patches on a grid: (P, 3, size, size)."""
    tiles = image[0].unfold(1, size, step).unfold(2, size, step)  # (3, rows, columns, size, size)
    return tiles.flatten(1, 2).transpose(0, 1)


def ridge(inputs, outputs, strength):
    """The linear map with bias that fits best, as a function; by whichever normal equations are smaller."""
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], 1).double()
    rows, columns = inputs.shape
    if columns < rows:
        matrix = inputs.T @ inputs + strength * torch.eye(columns)
        weight = torch.linalg.solve(matrix, inputs.T @ outputs.double())
    else:
        weight = inputs.T @ torch.linalg.solve(
            inputs @ inputs.T + strength * torch.eye(rows), outputs.double()
        )
    return lambda new: (torch.cat([new, torch.ones(len(new), 1)], 1).double() @ weight).float()


def windows(maps):
    """3 x 3 windows as rows: (P·12·12, 64·9)."""
    return F.unfold(maps, 3, padding=1).transpose(1, 2).flatten(0, 1)


photos = [photograph(name, size=288) for name in ("coffee", "astronaut", "motorcycle")]
train = torch.cat([patches(photo, step=16) for photo in photos])
train = train[torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:400]]
maps = features(train, "relu2_1")  # (400, 64, 12, 12)
blocks = F.unfold(train, 2, stride=2).transpose(1, 2).flatten(0, 1)  # (400·144, 12)
dense = ridge(maps.flatten(1), train.flatten(1), 100.0)
convolution = ridge(windows(maps), blocks, 100.0)


def paint_dense(patch):
    return dense(features(patch, "relu2_1").flatten(1)).view(-1, 3, 24, 24)


def paint_convolution(patch):
    rows = convolution(windows(features(patch, "relu2_1"))).view(len(patch), -1, 12).transpose(1, 2)
    return F.fold(rows, patch.shape[2:], 2, stride=2)


def assembled(tiles, columns):
    """Patches back on their grid."""
    rows = [torch.cat(list(tiles[k : k + columns]), 2) for k in range(0, len(tiles), columns)]
    return torch.cat(rows, 1)


cat = photograph("chelsea", size=192)[..., :120, :192]
cat_patches = patches(cat)
figure, axes = plt.subplots(1, 3, figsize=(12, 3))
pictures = {
    "The patches": cat_patches,
    "Drawn by the dense layer": paint_dense(cat_patches),
    "Drawn by the convolution": paint_convolution(cat_patches),
}
for axis, (title, tiles) in zip(axes, pictures.items()):
    axis.imshow(assembled(tiles.clamp(0, 1), 8).permute(1, 2, 0))
    axis.set_title(title)
    axis.axis("off")
figure.tight_layout()
plt.show()
for name, painter in {"dense": paint_dense, "convolution": paint_convolution}.items():
    seen = (painter(train) - train).square().mean().sqrt()
    new = (painter(cat_patches) - cat_patches).square().mean().sqrt()
    print(f"{name:>11}: error on the patches it was fitted to {float(seen):.3f}, on the cat {float(new):.3f}")
print(f"weights: dense {64 * 144 * 3 * 576:,}, convolution {64 * 9 * 12:,}")

# %% [markdown]
# *A cat, and two drawings of it in tiles: the dense layer's is grainy, with colours that jump at the tiles' borders and
# one eye gone dull; the convolution's is a little soft, and its tiles hardly show.*
#
# On the patches that it was fitted to, the dense layer is nearly perfect: with sixteen million weights and 400 patches
# it has learned them by heart. On the cat its error is eight times that. The convolution is no better on its training
# patches than on new ones, because it *cannot* learn a patch by heart; it has one rule with 6,912 weights, and every
# patch teaches it 144 times.
#
# There is a second failure, which the picture hints at. Cut the patch two pixels further to the right. Where the two
# cuts overlap they show the same fur, so they should be drawn alike:

# %%
for name, painter in {"dense": paint_dense, "convolution": paint_convolution}.items():
    here, there = painter(cat[:, :, 48:72, 74:98]), painter(cat[:, :, 48:72, 76:100])
    gap = (here[..., 4:-4, 8:-6] - there[..., 4:-4, 6:-8]).abs().mean()
    print(f"{name:>11}: mean difference where both drawings show the same pixels {float(gap):.4f}")

# %% [markdown]
# The convolution draws the fur as it is, wherever it lies: **translation equivariance**, exact here because two pixels
# are one step of relu2_1. The dense layer has other weights for every place, and draws it anew. In a picture with brush
# strokes this means another stroke for every position of the frame. And it could not draw the whole cat at all: it
# knows one size.
#
# ## The bill
#
# And that was 24 × 24 pixels. For a map of the same size in and out, $(C_\text{in}, H, W) \to (C_\text{out}, H, W)$:
#
# | | parameters | multiplications |
# |---|---|---|
# | dense | $(C_\text{in} H W + 1) \cdot C_\text{out} H W$ | $C_\text{in} H W \cdot C_\text{out} H W$ |
# | $k \times k$ convolution | $(k^2 C_\text{in} + 1) \cdot C_\text{out}$ | $k^2 C_\text{in} C_\text{out} \cdot H W$ |
#
# By hand, $H = W = 2$, one channel to one channel, $k = 3$: dense $(4 + 1) \cdot 4 = 20$ parameters and 16
# multiplications; the convolution 10 parameters and 36 multiplications, most of them with the padding's zeros. At 2 × 2
# a convolution is no bargain. **When does it become one?**
#
# ### Exercise 16.4: count


# %% answer="dense_vs_conv_cost"
def dense_vs_conv_cost(h: int, w: int, c_in: int, c_out: int, k: int) -> dict[str, int]:
    """Parameters and multiplications of a dense layer and a k x k convolution, (c_in, h, w) -> (c_out, h, w).

    Returns:
        "dense_params", "dense_macs", "conv_params", "conv_macs": Python ints. Parameters include biases;
        multiplications with the padding count, additions of biases do not.
    Raises:
        ValueError: an argument below 1.
    """
    ### BEGIN SOLUTION
    if min(h, w, c_in, c_out, k) < 1:
        raise ValueError(f"expected sizes of at least 1, got {(h, w, c_in, c_out, k)}")
    inputs, outputs = c_in * h * w, c_out * h * w
    return {
        "dense_params": inputs * outputs + outputs,
        "dense_macs": inputs * outputs,
        "conv_params": k * k * c_in * c_out + c_out,
        "conv_macs": k * k * c_in * c_out * h * w,
    }
    ### END SOLUTION


# %% check="dense_vs_conv_cost"

# %%
sizes = [2**n for n in range(1, 11)]
costs = [layer_cost(n, n, 64, 64, 3) for n in sizes]
figure, axis = plt.subplots(figsize=(7, 3.6))
axis.loglog(sizes, [c["dense_params"] for c in costs], "o-", color="#D55E00", label="dense")
axis.loglog(sizes, [c["conv_params"] for c in costs], "s-", color="#0072B2", label="3 x 3 convolution")
axis.axhline(143_667_240, color="#555555", ls=":", label="all of VGG-19")
axis.set_xlabel("height and width of the map (pixels)")
axis.set_ylabel("parameters, 64 to 64 channels")
axis.set_title("Dense grows with the square of the pixels, convolution not at all")
axis.legend()
figure.tight_layout()
plt.show()
first = next(n for n, c in zip(sizes, costs) if c["dense_params"] > 143_667_240)
print(f"one dense layer has more parameters than all of VGG-19 from {first} x {first} pixels on")
weights = (512 * 32 * 32) * (3 * 256 * 256)
print(f"512 x 32 x 32 features to a 3 x 256 x 256 image: {weights:.2e} weights; by 3 x 3: {9 * 512 * 3:,}")

# %% [markdown]
# *A log-log plot: a steep straight line for the dense layer, a flat one for the convolution, and a dotted line at the
# size of VGG-19 that the dense layer crosses early.*
#
# ## VGG's head, set free
#
# "VGG wants 224 × 224." The convolutions do not; they take what comes. It is the head: its first dense layer was
# trained on flattened (512, 7, 7) maps and has 25,088 columns, no more and no fewer. Style transfer cuts it off.
#
# One need not. Take one row of a dense layer's weights and fold it back to $(C, k_h, k_w)$, the channel slowest, as
# `flatten` had it. Its inner product with a window of the map is what a **convolution** computes at that window. On a
# map of the trained size there is one window, and the convolution *is* the dense layer. On a larger map there are many,
# and one gets the layer's answer at each (Long, Shelhamer and Darrell, 2015).
#
# The words, then. An **MLP** is a stack of dense layers. An **FCN** is a fully *convolutional* network. **FCNN** is
# used for both; ask which is meant, for they are nearly opposites, and what you are doing here is turning one into the
# other.
#
# ### Exercise 16.1: the dense layer as a convolution


# %% answer="dense_as_conv"
def dense_as_conv(
    feat: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, kernel_hw: tuple[int, int]
) -> torch.Tensor:
    """A dense layer trained on (C, kh, kw) maps, at every valid place of a larger map.

    Args:
        feat: (N, C, H, W).
        weight: (O, C·kh·kw), trained on flatten(1): channel slowest, column fastest.
        bias: (O,).
        kernel_hw: (kh, kw).
    Returns:
        (N, O, H - kh + 1, W - kw + 1); gradients flow to feat, weight and bias.
    Raises:
        ValueError: weight has other than C·kh·kw columns, or the map is smaller than the kernel.
    """
    ### BEGIN SOLUTION
    (kh, kw), channels = kernel_hw, feat.shape[1]
    if weight.shape[1] != channels * kh * kw:
        raise ValueError(f"weight: expected {channels * kh * kw} columns, got {weight.shape[1]}")
    if feat.shape[2] < kh or feat.shape[3] < kw:
        raise ValueError(f"feat: expected at least {kh} x {kw}, got {tuple(feat.shape[2:])}")
    kernels = weight.reshape(len(weight), channels, kh, kw)
    return F.conv2d(feat, kernels, bias)
    ### END SOLUTION


# %% check="dense_as_conv"

# %%
names = ("grass", "brick", "gravel")
textures = [photograph(name, size=256)[..., :160, :160] for name in names]
grids = [features(texture, "relu3_1")[..., 2:-2, 2:-2] for texture in textures]  # (1, 96, 36, 36) each
crops = [patches(grid, 6, 3) for grid in grids]  # (P, 96, 6, 6): what the head was "trained" on
inputs = torch.cat(crops).flatten(1)
labels = torch.cat([F.one_hot(torch.full((len(c),), k), 3).float() for k, c in enumerate(crops)])
head = ridge(inputs, labels, 1000.0)
bias = head(torch.zeros(1, inputs.shape[1]))[0]
weight = (head(torch.eye(inputs.shape[1])) - bias).T  # (3, 96·6·6)

fresh = [photograph(name, size=256)[..., :128, 160:224] for name in names]
wide = torch.cat(fresh, 3)  # (1, 3, 128, 192): grass, brick, gravel, parts the head has not seen
field = features(wide, "relu3_1")
scores = library_dense(field, weight, bias, (6, 6))  # (1, 3, 27, 43)
figure, axes = plt.subplots(1, 4, figsize=(14, 2.6))
axes[0].imshow(wide[0].permute(1, 2, 0))
axes[0].set_title("New parts of three textures")
for axis, name, score in zip(axes[1:], names, scores[0]):
    image = axis.imshow(score, cmap="viridis", vmin=0, vmax=1)
    axis.set_title(f"{name}?")
for axis in axes:
    axis.axis("off")
figure.colorbar(image, ax=axes, shrink=0.8, label="score")
plt.show()
corner = F.linear(field[:, :, :6, :6].flatten(1), weight, bias)
print(f"top left of the map {scores[0, :, 0, 0].tolist()}")
print(f"the dense layer     {corner[0].tolist()}")

# %% [markdown]
# *Grass, bricks and gravel side by side, and three score maps: each is bright over one third.*
#
# A head that was fitted to 6 × 6 crops now labels every place of a larger map, in one call, and the top left number is
# the dense layer's own answer, up to float32. Segmentation networks came about in this way, and a PatchGAN
# discriminator gives its score at every place for the same reason: it has no dense layer at its end.

# %% [markdown]
# ## What a dense layer is for
#
# Johnson's network knows one style. A hundred styles, a hundred networks? Dumoulin, Shlens and Kudlur (2017) found that
# nearly everything can be shared. What has to differ are two numbers per channel in the normalisation layers, a scale
# and a shift:
#
# $$ \hat x = \frac{x - \mu}{\sqrt{\operatorname{var} + \varepsilon}} \ \text{(per image and channel)}, \qquad
# \text{out} = \gamma\, \hat x + \beta, \qquad (\gamma, \beta) = W\,\text{code} + b .$$
#
# The last equation is a **dense layer**, and this is its place: it reads a style *code* and writes a few thousand
# numbers that steer convolutions. With a one-hot code it just picks a row. With a code predicted from the style image
# (Ghiasi et al., 2017) it also serves styles that were never trained. Some of the network's parameters are the output
# of another network: a hypernetwork, in small.
#
# ### Exercise 16.2: style modulation


# %% answer="style_modulation"
def style_modulation(
    x: torch.Tensor, code: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float = 1e-5
) -> torch.Tensor:
    """Conditional instance normalisation: gamma · x̂ + beta, with gamma and beta from a style code.

    p = code @ weight.T + bias; gamma is p[:, :C], beta is p[:, C:]. x̂ = (x - μ)/sqrt(var + eps) per sample and
    channel, var divided by H·W. gamma multiplies directly, without 1 +.

    Args:
        x: (N, C, H, W); with H = W = 1 the result is beta.
        code: (N, S).
        weight, bias: (2C, S) and (2C,).
    Returns:
        (N, C, H, W); gradients flow to all four tensors.
    Raises:
        ValueError: weight has other than 2C rows, the batches differ, or eps <= 0.
    """
    ### BEGIN SOLUTION
    n, channels = x.shape[:2]
    if len(weight) != 2 * channels or len(code) != n or eps <= 0:
        raise ValueError(f"weight: {len(weight)} rows for {channels} channels; code: {len(code)}; eps: {eps}")
    p = code @ weight.T + bias  # (N, 2C)
    gamma, beta = p[:, :channels, None, None], p[:, channels:, None, None]
    centred = x - x.mean((2, 3), keepdim=True)
    x_hat = centred / (centred.square().mean((2, 3), keepdim=True) + eps).sqrt()
    return gamma * x_hat + beta
    ### END SOLUTION


# %% check="style_modulation"

# %% [markdown]
# A dense layer for three styles, without training: put each painting's channel deviations and means into a column, and
# the one-hot code picks AdaIN's statistics.

# %%
styles = ("swirls", "mosaic", "ink_wash")
statistics = [mean_and_deviation(features(paint(name, 128, 192), "relu2_1")) for name in styles]
table = torch.stack([torch.cat([s.ravel(), m.ravel()]) for m, s in statistics], 1)  # (2·64, 3)
content = features(cat, "relu2_1")
means = torch.stack([m.ravel() for m, _ in statistics]).sort(0).values  # (3, 64)
lively = content.std((0, 2, 3))
telling = int((means.diff(dim=0).amin(0) * lively).argmax())  # a lively channel with three means far apart
three = library_modulation(content.expand(3, -1, -1, -1), torch.eye(3), table, torch.zeros(len(table)))

figure, axes = plt.subplots(1, 4, figsize=(14, 2.5))
top = float(torch.cat([content[:, telling], three[:, telling]]).quantile(0.995))
for axis, title, channel in zip(axes, ("as encoded", *styles), [content[0], *three]):
    image = axis.imshow(channel[telling], cmap="viridis", vmin=-0.5 * top, vmax=top)
    axis.set_title(f"{title} ({float(channel[telling].mean()):.2f} ± {float(channel[telling].std()):.2f})")
    axis.axis("off")
figure.colorbar(image, ax=axes, shrink=0.8, label="activation")
plt.show()
direct = adain(content, features(paint("mosaic", 128, 192), "relu2_1"))
print(f"difference from AdaIN with the mosaic: {float((three[1] - direct[0]).abs().max()):.1e}")
half = library_modulation(content, torch.tensor([[0.5, 0.5, 0.0]]), table, torch.zeros(len(table)))
print(f"half swirls, half mosaic: this channel's mean is {float(half[0, telling].mean()):.2f}")

# %% [markdown]
# *One channel of the cat's features four times: the same outlines, with other means and contrasts, which stand in the
# titles.*
#
# Where things are does not change; how strongly a channel speaks does. The code may also lie *between* two styles,
# which no list of networks can do.

# %% [markdown]
# ## The gradient, by hand
#
# The code often comes from a small MLP: $z = x W_1^\top + b_1$, $a = \max(z, 0)$, $y = a W_2^\top + b_2$. Its backward
# pass is a favourite at the whiteboard. Walk back; each arrow is one line:
#
# $$ dW_2 = dy^\top a, \quad db_2 = \textstyle\sum_n dy_n, \quad da = dy\, W_2, \quad dz = da \cdot [z > 0], \quad
# dW_1 = dz^\top x, \quad db_1 = \sum_n dz_n, \quad dx = dz\, W_1 $$
#
# Small numbers: one row, $x = (1, 2)$, $W_1 = \begin{pmatrix} 1 & 0 \\ 0 & -1 \end{pmatrix}$, no biases, so $z = (1,
# -2)$, $a = (1, 0)$; $W_2 = (3, 5)$, $y = 3$; let $dy = 1$. Then $dW_2 = (1, 0)$, $da = (3, 5)$, $dz = (3, 0)$, $dx =
# (3, 0)$.
#
# **Before you go on:** the second unit has $da = 5$, the larger of the two. Why does nothing of it arrive?
#
# It was off in the forward pass. The mask remembers $z$, not the sign of what comes back.
#
# ### Exercise 16.3: backward


# %% answer="mlp_backward"
def mlp_backward(
    x: np.ndarray, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray, dy: np.ndarray
) -> dict[str, np.ndarray]:
    """Gradients of L for y = relu(x @ w1.T + b1) @ w2.T + b2, given dy = dL/dy.

    Args:
        x, w1, b1, w2, b2: (N, D), (H, D), (H,), (O, H), (O,).
        dy: (N, O); any averaging over the batch is already inside.
    Returns:
        "x", "w1", "b1", "w2", "b2", each in its argument's shape; relu'(0) = 0.
    Raises:
        ValueError: the shapes are not consistent.
    """
    ### BEGIN SOLUTION
    (n, d), (hidden, _), outputs = x.shape, w1.shape, len(w2)
    shapes = [w1.shape, b1.shape, w2.shape, b2.shape, dy.shape]
    if shapes != [(hidden, d), (hidden,), (outputs, hidden), (outputs,), (n, outputs)]:
        raise ValueError(f"shapes do not fit x of {x.shape}: {shapes}")
    z = x @ w1.T + b1  # (N, H)
    dz = (dy @ w2) * (z > 0)
    return {
        "x": dz @ w1,
        "w1": dz.T @ x,
        "b1": dz.sum(axis=0),
        "w2": dy.T @ np.maximum(z, 0),
        "b2": dy.sum(axis=0),
    }
    ### END SOLUTION


# %% check="mlp_backward"

# %% [markdown]
# <details><summary>Ask yourself: dense layers see the whole image. Should they not compute the style loss?</summary>
#
# To see the whole image it is enough to *average* over it. A Gram matrix and AdaIN's means do, without a weight, at any
# size.
#
# </details>
#
# <details><summary>Ask yourself: where else would you meet a dense layer?</summary>
#
# At the end of a discriminator that judges whole images (lesson 7), and inside Li et al. (2019), where a dense layer
# turns a 32 × 32 covariance into the matrix that transforms the features.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - J. Long, E. Shelhamer, T. Darrell, *Fully Convolutional Networks for Semantic Segmentation*, CVPR 2015,
#   arXiv:1411.4038, Section 3.1.
# - V. Dumoulin, J. Shlens, M. Kudlur, *A Learned Representation for Artistic Style*, ICLR 2017, arXiv:1610.07629, Eq.
#   5.
# - G. Ghiasi, H. Lee, M. Kudlur, V. Dumoulin, J. Shlens, *Exploring the Structure of a Real-Time, Arbitrary Neural
#   Artistic Stylization Network*, BMVC 2017, arXiv:1705.06830.
# - X. Li, S. Liu, J. Kautz, M.-H. Yang, *Learning Linear Transformations for Fast Image and Video Style Transfer*, CVPR
#   2019, arXiv:1808.04537.
#
# **Next:** lesson 17 trains such networks. AdaIN's statistics as controls are 25; discriminators with and without a
# dense end are 18 and 19.
