# %% [markdown]
# # 04 Content loss / 内容损失
#
# **After this lesson** you can write Gatys' and Johnson's content loss with their constants, push its gradient through
# a ReLU by hand, and measure, layer by layer, what a network ignores.
#
# About 35 minutes, and 45 for the exercises. Read 01 first, for what a feature is; 02 has the loop that we borrow once.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.encoders import content_sensitivity as library_sensitivity
from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import patch_shuffle, photograph
from nstkit.losses import content_loss as library_loss
from nstkit.transfer import run_transfer

torch.set_num_threads(2)
encoder = load_encoder("tiny")
coffee = photograph("coffee", size=192)[..., :128, :192]  # (1, 3, 128, 192)

# %% [markdown]
# ## A loss that cannot tell a cup from its ruins
#
# A widespread list of interview answers says: *take the feature maps of both images and compute the difference between
# their L2 norms.* Let us do exactly that. Below is a cup, what a real network sees of it at one layer, and the same
# features put at random places. **Guess first:** how large is the difference of the two norms?

# %%
with torch.no_grad():
    cup = encoder(coffee, ["relu3_1"])["relu3_1"]
    places = torch.randperm(cup[0, 0].numel(), generator=torch.Generator().manual_seed(4))
    scattered = cup.flatten(2)[..., places].view_as(cup)  # the cup's own features, at other places

difference_of_norms = float((cup.norm() - scattered.norm()).abs())
loss = float(library_loss(scattered, cup, "mean"))
figure, axes = plt.subplots(1, 3, figsize=(11, 2.7))
axes[0].imshow(coffee[0].permute(1, 2, 0))
axes[0].set_title("A cup")
axes[1].imshow(cup[0].norm(dim=0), cmap="viridis")
axes[1].set_title("Its features at relu3_1 (strength)")
axes[2].imshow(scattered[0].norm(dim=0), cmap="viridis")
axes[2].set_title("The same features, other places")
for axis in axes:
    axis.axis("off")
plt.show()
print(f"difference of the two norms: {difference_of_norms:.6f}")
print(f"mean squared difference:     {loss:.3f}")

# %% [markdown]
# *A coffee cup; the strength of its features, with rim and saucer; the same values in random order: noise.*
#
# The first number is zero up to rounding. As far as that loss is concerned, the noise on the right *is* the cup. A norm
# adds up all the energy and forgets where it was. What was meant is the **norm of the difference**, not the difference
# of the norms:
#
# $$L_\text{content} = \tfrac12 \sum_{c,y,x} \bigl(F_{cyx} - P_{cyx}\bigr)^2 ,$$
#
# with $F$ the activations of the generated image and $P$ those of the content image, both at one chosen layer. It
# compares place by place, which is all that "content" means here.

# %% [markdown]
# ## The constant is part of the definition
#
# Gatys, Ecker and Bethge (CVPR 2016, Eq. 1) take one half of the *sum*. Johnson, Alahi and Fei-Fei (ECCV 2016, Eq. 2)
# take the *mean*, $1/(CHW)$. Both are called "the content loss".
#
# Two numbers and two targets: $F = (3, 1)$, $P = (1, 0)$. The squared differences are $4$ and $1$. Gatys gets
# $\tfrac12 \cdot 5 = 2.5$, Johnson $5/2 = 2.5$: the same, because for two numbers $CHW/2 = 1$. At relu3_1 of our
# cup:

# %%
_, channels, height, width = cup.shape
gatys, johnson = library_loss(scattered, cup, "gatys"), library_loss(scattered, cup, "mean")
print(f"layer (C, H, W) = ({channels}, {height}, {width})")
print(
    f"Gatys {gatys:.1f}, Johnson {johnson:.4f}, ratio {gatys / johnson:.0f} = CHW/2 = {channels * height * width // 2}"
)

# %% [markdown]
# So a recipe's "content weight 5" tells you nothing until you know whose five it is, at which layer, at which
# resolution.
#
# <details><summary>Ask yourself: you double height and width of the image. What happens to each loss?</summary>
#
# The sum grows about fourfold, because there are four times as many places. The mean stays about where it was. A weight
# tuned for the sum at 256 pixels is four times too heavy at 512.
#
# </details>
#
# ### Exercise 4.1: both versions
#
# In practice this function is three lines, and the bugs hide in what is around them: a target that still carries a
# graph, and shapes that broadcast without a word.


# %% answer="content_loss"
def content_loss(generated: torch.Tensor, target: torch.Tensor, reduction: str = "gatys") -> torch.Tensor:
    """Squared distance of activations, place by place, averaged over the images of a batch.

    Args:
        generated: (B, C, H, W); the gradient reaches it.
        target: (B, C, H, W), a constant even if it requires a gradient.
        reduction: "gatys", ½ Σ over C, H, W; or "mean", the mean over C, H, W.
    Returns:
        A 0-d tensor.
    Raises:
        ValueError: shapes that differ in any way, or another reduction.
    """
    ### BEGIN SOLUTION
    if generated.shape != target.shape:
        raise ValueError(f"target: expected {tuple(generated.shape)}, got {tuple(target.shape)}")
    squares = (generated - target.detach()).square().flatten(1)  # (B, CHW)
    if reduction == "gatys":
        return 0.5 * squares.sum(1).mean()
    if reduction == "mean":
        return squares.mean(1).mean()
    raise ValueError(f"reduction: expected 'gatys' or 'mean', got {reduction!r}")
    ### END SOLUTION


# %% check="content_loss"

# %% [markdown]
# ## Through the gate
#
# The features come out of a ReLU: $F = \max(z, 0)$. An interviewer who wants to see you differentiate asks for the
# gradient with respect to $z$. The chain rule has two factors:
#
# $$\frac{\partial L}{\partial F} = F - P , \qquad
# \frac{\partial F}{\partial z} = \begin{cases} 1 & z > 0 \\ 0 & z < 0 \end{cases}
# \quad\Rightarrow\quad
# \frac{\partial L}{\partial z} = \begin{cases} F - P & z > 0 \\ 0 & z < 0 . \end{cases}$$
#
# **Before you go on:** a unit is off in the generated image ($z = -0.1$), and the content image has $P = 5$ there. The
# loss is badly wrong at this place. Which way does the gradient push?
#
# It does not push at all. A unit that is switched off hears nothing, however wrong it is. It can only come back because
# other units of the layer share its input and move the pixels under it. This is one reason why starting from the
# content image is easier than starting from noise.
#
# ### Exercise 4.2: by hand, in NumPy


# %% answer="content_loss_grad"
def content_loss_grad(pre_activation: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Gradient with respect to z of ½ Σ (relu(z) - P)².

    Args:
        pre_activation: z, (N, M), float32 or float64; not modified.
        target: P, (N, M), the output of a ReLU, so nowhere negative.
    Returns:
        (N, M), the dtype of z.
    Raises:
        ValueError: the shapes differ, or P has a negative entry.
    """
    ### BEGIN SOLUTION
    if pre_activation.shape != target.shape:
        raise ValueError(f"target: expected {pre_activation.shape}, got {target.shape}")
    if (target < 0).any():
        raise ValueError("target: expected the output of a ReLU, got negative entries")
    active = pre_activation > 0
    return np.where(active, pre_activation - target, 0).astype(pre_activation.dtype)
    ### END SOLUTION


# %% check="content_loss_grad"

# %% [markdown]
# ## Why deep? Measure it
#
# "A deep layer holds the content, a shallow one the details" is easily said. How would you show it to somebody who
# doubts it? Do something to the picture, and see which layers notice:
#
# $$s_l(v) = \frac{\lVert F_l(v) - F_l(x) \rVert^2}{\lVert F_l(x) \rVert^2} .$$
#
# The denominator matters: without it a layer looks sensitive only because its numbers are large. $s = 0$ means that the
# layer did not notice, $s = 1$ that as much has changed as there was.
#
# ### Exercise 4.3: a table of what each layer notices


# %% answer="content_sensitivity"
def content_sensitivity(encoder, image, variants, layers) -> dict[str, dict[str, float]]:
    """How much of each layer's energy a distortion changes: ‖F(v) - F(x)‖² / ‖F(x)‖².

    Args:
        encoder: a callable from an image to a dict of features by layer; called once for the image and once
            for each variant.
        image: (B, 3, H, W), the reference x.
        variants: distorted images v by name, each of the image's shape.
        layers: the layers to report.
    Returns:
        result[variant][layer], Python floats without a graph.
    Raises:
        KeyError: a layer that the encoder does not have.
        ValueError: a variant of another shape, or a layer with ‖F(x)‖ = 0.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        reference = encoder(image)
        energy = {layer: reference[layer].square().sum() for layer in layers}
        if any(value == 0 for value in energy.values()):
            raise ValueError("layers: one of them is silent on this image")
        table = {}
        for name, variant in variants.items():
            if variant.shape != image.shape:
                raise ValueError(
                    f"variants: {name} is {tuple(variant.shape)}, the image {tuple(image.shape)}"
                )
            features = encoder(variant)
            change = {layer: (features[layer] - reference[layer]).square().sum() for layer in layers}
            table[name] = {layer: float(change[layer] / energy[layer]) for layer in layers}
    return table
    ### END SOLUTION


# %% check="content_sensitivity"

# %% [markdown]
# Five distortions. **Guess the order first:** gray, a shift by two pixels, a blur, noise, shuffled patches. Which will
# the network mind most, which least, and how will that change with depth?

# %%
generator = torch.Generator().manual_seed(0)
kernel = torch.ones(3, 1, 3, 3) / 9
order = torch.randperm(24, generator=torch.Generator().manual_seed(3))
variants = {
    "shuffled patches": patch_shuffle(coffee[0], 32, order)[None],
    "gray": coffee.mean(1, keepdim=True).expand_as(coffee),
    "shifted by 2": coffee.roll(2, 3),
    "noise": (coffee + 0.03 * torch.randn(coffee.shape, generator=generator)).clamp(0, 1),
    "blur": torch.nn.functional.conv2d(
        torch.nn.functional.pad(coffee, (1,) * 4, mode="reflect"), kernel, groups=3
    ),
}
layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
table = library_sensitivity(encoder, coffee, variants, layers)

figure, axis = plt.subplots(figsize=(7.8, 3.8))
for (name, row), marker, color in zip(
    table.items(), "osD^v", ("#000000", "#0072B2", "#009E73", "#D55E00", "#CC79A7")
):
    axis.plot(layers, [row[layer] for layer in layers], marker=marker, color=color, label=name)
axis.set_yscale("log")
axis.set_ylabel("share of the layer's energy that changed")
axis.set_title("Depth forgives a small shift; it never forgives a lost arrangement")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.tight_layout()
plt.show()
for name, row in table.items():
    print(f"{name:>17}: " + "  ".join(f"{row[layer]:6.3f}" for layer in layers))

# %% [markdown]
# *Five curves over depth on a logarithmic axis. Shuffled patches stay on top at every depth; the shift falls the most.*
#
# Two lines carry the argument. The **shift** moves every edge by two pixels, and changes more than half of the energy
# of relu1_1 (0.591); at the deepest layer it has all but vanished (0.007). The **shuffle** costs most at every depth,
# to the end. So a deep layer lets things move a little and insists on what is next to what. That is the case for
# conv4_2, in one plot, and it is a better answer than "deep layers are semantic".
#
# The other lines are a warning against quoting such a plot from memory. Many people expect noise and blur to fade with
# depth as the shift does. In this network they do not: from relu2_1 on both rise, the blur from 0.063 to 0.204. A
# likely reason is its training: `tiny` learned to tell textures apart, and grain and sharpness are what tells them
# apart. A network trained on objects may draw other curves. What a layer ignores is a property of the layer *and* of
# what it was trained for; measure yours.

# %% [markdown]
# ## The same question, asked backwards
#
# Give somebody only the features of one layer and let them draw the picture. Mahendran and Vedaldi (2015) call it
# **inversion**: start from noise, and optimise pixels until the features match. What comes out wrong is what the layer
# does not know.

# %%
small = torch.nn.functional.avg_pool2d(
    coffee, 2
)  # (1, 3, 64, 96): inversion is the slow cell of this notebook
noise = torch.rand(small.shape, generator=torch.Generator().manual_seed(1))
figure, axes = plt.subplots(1, 4, figsize=(12, 2.3))
axes[0].imshow(small[0].permute(1, 2, 0))
axes[0].set_title("The image")
for axis, layer in zip(axes[1:], ("relu1_1", "relu3_1", "relu5_1")):
    with torch.no_grad():
        target = encoder(small, [layer])[layer]
    scale = target.square().mean()
    found, history = run_transfer(
        lambda x, layer=layer, target=target, scale=scale: (
            library_loss(encoder(x, [layer])[layer], target, "mean") / scale
            + 0.02 * (x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean())
        ),
        noise,
        steps=150,
    )
    axis.imshow(found[0].permute(1, 2, 0))
    axis.set_title(f"From {layer} alone")
    print(f"{layer}: loss {history[0]:.3f} -> {history[-1]:.3f}")
for axis in axes:
    axis.axis("off")
plt.show()

# %% [markdown]
# *Four pictures: the cup, and what can be drawn from a shallow layer, nearly the photograph; from a middle one, the cup
# in loose patches of colour; from the deepest, coloured blobs in which the cup is hard to find.*
#
# From the shallow layer you get the photograph back. Take the content loss there, and every brush stroke is an error:
# the best possible image is the photograph itself, and no style can enter. On raw pixels it would be worse still. From
# the middle layer you get the arrangement with a free surface, and the style term fills that surface. The deepest layer
# of this small network has let go of too much. Which layer is deep enough and not too deep is found like this, by
# looking.
#
# <details><summary>Ask yourself: why not take the class scores, the deepest thing there is?</summary>
#
# They carry next to no layout. A thousand different cups have the same score, so the loss would be content with any of
# them, anywhere in the picture.
#
# </details>
#
# <details><summary>Ask yourself: content loss with Gram matrices at a deep layer, would that do?</summary>
#
# No. A Gram matrix has no places. That is style at a coarse scale (lesson 03), and the scattered features at the
# top would pass.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016, Eq. 1.
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016,
#   arXiv:1603.08155, Eq. 2. The text takes relu2_2 of VGG-16, the published training code relu3_3.
# - A. Mahendran, A. Vedaldi, *Understanding Deep Image Representations by Inverting Them*, CVPR 2015.
#
# **Next:** lesson 05 puts this term and lesson 03's into one objective. Enhancing content is 26; matching several
# features at once is 19.
