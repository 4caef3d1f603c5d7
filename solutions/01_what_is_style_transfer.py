# %% [markdown]
# # 01 What is neural style transfer? / 什么是神经风格迁移？
#
# **After this lesson** you can define style transfer in ninety seconds, say what is optimised and what is only read,
# and code the two measurements it rests on: a content gap, a style gap, and the gradient that carries both down to
# the pixels.
#
# About 35 minutes, and 45 for the exercises. Nothing to read before; lesson 02 runs the whole loop.

# %% [markdown] interview="question"

# %% tags=["setup"]
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import patch_shuffle as library_shuffle
from nstkit.images import photograph
from nstkit.losses import gram_matrix
from nstkit.transfer import image_gradient as library_gradient
from nstkit.transfer import stylize

torch.set_num_threads(2)
encoder = load_encoder("tiny")

# %% [markdown]
# ## One picture, cut into 24 squares
#
# Take a photograph of a cat, cut it into squares, and lay the squares out again in a random order. Nothing was
# painted over: every pixel is still there. What is lost?

# %%
cat = photograph("chelsea", size=384)[..., :240, :360]  # (1, 3, 240, 360)
order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
shuffled = library_shuffle(cat[0], 60, order)[None]

figure, axes = plt.subplots(1, 2, figsize=(9, 3.2))
for axis, picture, title in zip(
    axes, (cat, shuffled), ("The cat", "The same pixels: no cat, but the same fur")
):
    axis.imshow(picture[0].permute(1, 2, 0))
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% [markdown]
# *Left: a tabby cat's face. Right: its 24 square pieces in random order.*
#
# You lost *what is where*. You did not lose *what it is made of*: fur, whiskers, soft browns, blurred background. A
# person who has only seen the right picture can still tell you that it comes from an animal and not from a brick wall.
#
# That is the whole idea of this field in one experiment. **Content** is what the shuffle destroys. **Style** is what
# survives it. Style transfer makes a picture that has the content of one image and the style of another.
#
# What is missing is a way to *measure* the two, so that a computer can move one and hold the other.

# %% [markdown]
# ## Measure with somebody else's network
#
# Pixels are a poor ruler. Shift a photograph by one pixel and nearly every value changes; nothing that you care about
# has. So we measure on **features**: the activations of a convolutional network that was trained, once, for another
# task. Gatys, Ecker and Bethge (2015) took VGG-19, trained to name the objects in photographs. Here it is `tiny`, a
# small network that ships with nstkit, so that this notebook needs no download.
#
# The network is **frozen**. It is a thermometer: we put an image in and read numbers off. At layer $l$ it gives a
# block of numbers $F$ of shape $(C, H, W)$: $C$ channels, each a map of how strongly one pattern is present at each
# of the $H \times W$ places.

# %%
for layer, features in encoder(cat, ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]).items():
    print(f"{layer}: {tuple(features.shape)}")

# %% [markdown]
# From those numbers we take two different statistics.
#
# **Content gap.** Compare place by place:
#
# $$\mathrm{content}(a, b) = \frac{1}{CHW} \sum_{c,y,x} \bigl(a_{cyx} - b_{cyx}\bigr)^2 .$$
#
# **Style gap.** First throw the places away. Write $F$ as a matrix $X$ with one row per channel, $(C, HW)$, and
# multiply it with its own transpose: $(C, HW)\,(HW, C) \to (C, C)$. The entry $(i, j)$ of
# $G = X X^\top / HW$ says how often channels $i$ and $j$ are active *together*, averaged over all places. This is the
# **Gram matrix**. Then compare two of those:
#
# $$\mathrm{style}(a, b) = \frac{1}{C^2} \sum_{i,j} \bigl(G(a)_{ij} - G(b)_{ij}\bigr)^2 .$$
#
# A number by hand: two channels, three places, $X = \begin{pmatrix} 1 & 0 & 2 \\ 3 & 1 & 0 \end{pmatrix}$. Then
# $X X^\top = \begin{pmatrix} 5 & 3 \\ 3 & 10 \end{pmatrix}$. Swap the first and the last column, as if two places had
# been exchanged: $5 = 1 + 0 + 4$ becomes $4 + 0 + 1$. A sum does not care about the order of its terms.

# %% [markdown]
# ### Exercise 1.1: the two gaps
#
# You will need both numbers in every lesson that follows, and in an interview this is the ten-line function that
# shows you know what is kept and what is thrown away. Write it for one pair of feature maps.


# %% answer="content_style_gap"
def content_style_gap(feat_a: torch.Tensor, feat_b: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How far apart two feature maps are in content and in style.

    content = mean (a - b)² over C·H·W;  style = mean (G(a) - G(b))² over C·C, with G(x) = X Xᵀ / (H·W).

    Args:
        feat_a, feat_b: (C, H, W), same shape, float32 or float64.
    Returns:
        (content, style): two 0-d tensors, differentiable in both arguments.
    Raises:
        ValueError: unless both are 3-D with equal shapes.
    """
    ### BEGIN SOLUTION
    if feat_a.ndim != 3 or feat_a.shape != feat_b.shape:
        raise ValueError(
            f"expected two (C, H, W) of one shape, got {tuple(feat_a.shape)}, {tuple(feat_b.shape)}"
        )

    def gram(features):
        rows = features.flatten(1)  # (C, HW)
        return rows @ rows.T / rows.shape[1]  # (C, C)

    content = (feat_a - feat_b).square().mean()
    style = (gram(feat_a) - gram(feat_b)).square().mean()
    return content, style
    ### END SOLUTION


# %% check="content_style_gap"

# %% [markdown]
# ### Exercise 1.2: the shuffle itself
#
# The figure at the top needs a function that moves whole squares and leaves their inside alone. It is an exercise in
# moving axes, which is where most shape bugs of this field live.


# %% answer="patch_shuffle"
def patch_shuffle(image: torch.Tensor, patch: int, perm: torch.Tensor) -> torch.Tensor:
    """Lay the square patches of an image out in another order.

    Patches of `patch` x `patch` pixels are numbered row by row, P = (H / patch)(W / patch) of them; patch k of the
    result is patch perm[k] of the image.

    Args:
        image: (C, H, W), any dtype; not modified.
        patch: side of a patch in pixels.
        perm: (P,) int64, a permutation of 0 … P-1.
    Returns:
        (C, H, W), a new tensor.
    Raises:
        ValueError: H or W is not divisible by `patch`, or `perm` is no permutation of 0 … P-1.
    """
    ### BEGIN SOLUTION
    channels, height, width = image.shape
    if height % patch or width % patch:
        raise ValueError(f"expected H and W divisible by {patch}, got {height} x {width}")
    rows, columns = height // patch, width // patch
    if perm.shape != (rows * columns,) or not torch.equal(perm.sort().values, torch.arange(rows * columns)):
        raise ValueError(f"expected a permutation of 0 … {rows * columns - 1}, got {perm.tolist()}")
    blocks = image.reshape(channels, rows, patch, columns, patch)
    patches = blocks.permute(1, 3, 0, 2, 4).reshape(-1, channels, patch, patch)  # (P, C, p, p)
    moved = patches[perm].reshape(rows, columns, channels, patch, patch)
    return moved.permute(2, 0, 3, 1, 4).reshape(channels, height, width)
    ### END SOLUTION


# %% check="patch_shuffle"

# %% [markdown]
# ## Does the style gap survive the shuffle?
#
# **Before you run the next cell:** the Gram matrix ignores the order of *feature* positions. But we shuffled *pixels*,
# before the network. Will the style gap between the cat and its shuffled copy be exactly zero, small, or as large as
# the content gap?

# %%
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
with torch.no_grad():
    plain, mixed = encoder(cat, layers), encoder(shuffled, layers)
    content = [float((plain[k] - mixed[k]).square().sum() / plain[k].square().sum()) for k in layers]
    grams = [(gram_matrix(plain[k]), gram_matrix(mixed[k])) for k in layers]
    style = [float((g - h).square().sum() / g.square().sum()) for g, h in grams]

figure, axis = plt.subplots(figsize=(7.5, 3.4))
places = torch.arange(len(layers))
axis.bar(places - 0.2, content, 0.4, label="content gap", color="#0072B2", hatch="//")
axis.bar(places + 0.2, style, 0.4, label="style gap", color="#E69F00")
axis.set_yscale("log")
axis.set_xticks(places, layers)
axis.set_ylabel("squared gap / squared size")
axis.set_title("Shuffling costs the content far more than the style")
axis.legend()
plt.show()
for name, c, s in zip(layers, content, style):
    print(f"{name}: content {c:.3f}, style {s:.4f}, ratio {c / s:.0f}")

# %% [markdown]
# *Bars on a logarithmic axis: at every layer the relative content gap stands well above the relative style gap.*
#
# Small, but not zero. A feature looks at a neighbourhood, its **receptive field**. Inside a square the neighbourhood
# is what it was; along the cuts it is new. The deeper the layer, the larger the neighbourhood, the more features
# straddle a cut: from relu3_1 to relu5_1 the style gap grows from 0.0054 to 0.0531. (relu1_1, with 0.0321, breaks the
# rule. It answers to sharp edges, of which the soft photograph has few, and every cut is one.) So the famous separation
# of content and style is not clean: a Gram matrix still holds whatever fits into a receptive field.
#
# <details><summary>Ask yourself: if the features were the raw RGB pixels, what would style be?</summary>
#
# A pixel has a neighbourhood of one. The Gram matrix is 3 × 3: second moments of colour. Nothing about texture is
# left, and the style gap of the shuffle is exactly zero.
#
# </details>

# %% [markdown]
# ## What moves?
#
# Now the question that separates candidates. We have two numbers that we want to be small: the content gap to one
# picture, the style gap to another. *What do we change to make them small?*
#
# The usual half-truth is "we train the network on the two images". There is nothing to train: one example of each
# kind, and a network that must stay a fixed ruler, or the measurements would mean something else after each step.
#
# Gatys' answer: change the **pixels** of the result. The features are a differentiable function of the pixels, so
# the chain rule carries the error of any layer down through the frozen network to a picture-shaped gradient:
#
# $$\frac{\partial L}{\partial\, \mathrm{image}} = \Bigl(\frac{\partial F}{\partial\, \mathrm{image}}\Bigr)^{\!\top}
# \frac{\partial L}{\partial F}, \qquad L = \tfrac12 \lVert F(\mathrm{image}) - P \rVert^2 .$$
#
# ### Exercise 1.3: down to the pixels
#
# Write the step that everything rests on. It must leave no trace: not in the caller's image, not in the network's
# parameters, whose `.grad` an innocent `loss.backward()` would fill.


# %% answer="image_gradient"
def image_gradient(
    encoder: torch.nn.Module, image: torch.Tensor, target: torch.Tensor, layer: str
) -> torch.Tensor:
    """Gradient of ½ Σ (encoder(image)[layer] - target)² with respect to the pixels.

    Args:
        encoder: a module from an image to a dict of features by layer; its parameters may require gradients.
        image: (1, 3, H, W); neither modified nor marked.
        target: the shape of the layer's feature; a constant.
        layer: a key of the encoder's result.
    Returns:
        (1, 3, H, W), detached.
    Raises:
        KeyError: no such layer.
        ValueError: `target` has another shape than the feature.
    """
    ### BEGIN SOLUTION
    pixels = image.detach().clone().requires_grad_()
    feature = encoder(pixels)[layer]
    if feature.shape != target.shape:
        raise ValueError(f"expected a target of shape {tuple(feature.shape)}, got {tuple(target.shape)}")
    loss = 0.5 * (feature - target.detach()).square().sum()
    (gradient,) = torch.autograd.grad(loss, pixels)
    return gradient
    ### END SOLUTION


# %% check="image_gradient"

# %% [markdown]
# What does such a gradient look like? Ask two layers, a shallow and a deep one, how the cat would have to change to
# look to them like its blurred self.

# %%
small = photograph("chelsea", size=192)
blurred = torch.nn.functional.avg_pool2d(small, 9, stride=1, padding=4, count_include_pad=False)
figure, axes = plt.subplots(1, 3, figsize=(11, 2.9))
axes[0].imshow(small[0].permute(1, 2, 0))
axes[0].set_title("The image")
for axis, layer in zip(axes[1:], ("relu1_1", "relu4_1")):
    with torch.no_grad():
        goal = encoder(blurred, [layer])[layer]
    strength = library_gradient(encoder, small, goal, layer)[0].abs().sum(0)
    axis.imshow(strength / strength.quantile(0.99), cmap="magma", vmin=0, vmax=1)
    axis.set_title(
        {"relu1_1": "relu1_1 pulls at single edges", "relu4_1": "relu4_1 pulls at whole patches"}[layer]
    )
for axis in axes:
    axis.axis("off")
plt.show()

# %% [markdown]
# *A photograph and two maps of gradient strength. The shallow layer's map is made of thin bright lines, strongest at
# the rims of the eyes; the deep layer's of bright blotches, the largest on cheek and forehead.*
#
# The shallow layer complains where a sharp edge got lost, pixel by pixel. The deep one complains in patches: each of
# its features has seen 60 × 60 pixels, and the whole neighbourhood must answer for it. In such a patch many changes of
# single pixels serve equally well. That freedom is why content is read deep: small things may change as long as the
# parts stay where they are.

# %% [markdown]
# ## The whole thing, once
#
# Start from the cat, follow the gradient of *content gap to the cat* plus *style gap to a painting*, a few dozen steps
# at each of two sizes. `stylize` does what lesson 02 will take apart.

# %%
from nstkit.paintings import paint  # noqa: E402

painting = paint("stained_glass", height=256, width=320)
result = stylize(small, painting, encoder="tiny", size=256, steps=40).image

figure, axes = plt.subplots(1, 3, figsize=(11, 2.9))
titles = ("Content", "Style", "Only pixels moved")
for axis, picture, title in zip(axes, (small, painting, result), titles):
    axis.imshow(picture[0].permute(1, 2, 0).clamp(0, 1))
    axis.set_title(title)
    axis.axis("off")
plt.show()

# %% [markdown]
# *Three pictures: the photograph of the cat, a stained-glass painting, and the cat rendered in leaded cells.*
#
# No weight of the network changed. There was no **decoder** either, although many descriptions promise one
# ("encode, recombine, decode"). That describes a later family. Keep the map in mind:
#
# | method | one picture takes | styles per model | trained on |
# |---|---|---|---|
# | Gatys 2016 | many steps of optimisation | any | nothing |
# | Johnson 2016 | one forward pass | one | content photographs, one painting |
# | AdaIN 2017 | one pass: encode, match channel means and deviations, decode | any | content and style images |
# | WCT 2017 | one pass: encode, match covariances, decode | any | images, to reconstruct them only |
# | CycleGAN 2017 | one pass | one pair of domains | two unpaired collections |
#
# <details><summary>Ask yourself: "style is the shallow layers, content the deep ones". What is wrong?</summary>
#
# Style is read at shallow *and* deep layers. The difference is the statistic: with places (content) or with the
# places summed away (style).
#
# </details>
#
# One more reading, for the end of a good interview: the squared distance of two Gram matrices is a distance of two
# *distributions* of feature vectors, a maximum mean discrepancy with the kernel $(x^\top y)^2$ (Li et al. 2017).
# Lesson 03 proves it in an exercise; lessons 09 and 15 build on it.

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *A Neural Algorithm of Artistic Style*, 2015, arXiv:1508.06576; *Image Style
#   Transfer Using Convolutional Neural Networks*, CVPR 2016.
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016,
#   arXiv:1603.08155.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, ICCV 2017.
# - Y. Li, C. Fang, J. Yang, Z. Wang, X. Lu, M.-H. Yang, *Universal Style Transfer via Feature Transforms*, 2017,
#   arXiv:1705.08086.
# - Y. Li, N. Wang, J. Liu, X. Hou, *Demystifying Neural Style Transfer*, 2017, arXiv:1701.01036.
#
# **Next:** lesson 02 writes the loop; 03 and 04 take the two losses apart; 14 asks what the network itself has learned.
