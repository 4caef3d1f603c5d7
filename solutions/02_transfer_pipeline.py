# %% [markdown]
# # 02 How is style transfer implemented? / 如何实现神经风格迁移？
#
# **After this lesson** you can write the whole program from two files to a third, name every tensor on the way that
# needs a gradient, and find the bug that stops it without an error message.
#
# About 35 minutes, and 50 for the exercises. Read 01 first: what a feature, a content gap and a Gram matrix are.

# %% [markdown] interview="question"

# %% tags=["setup"]
from collections.abc import Callable, Sequence

import numpy as np
import torch

# %%
import copy

import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import deprocess as library_deprocess
from nstkit.images import photograph
from nstkit.images import preprocess as library_preprocess
from nstkit.losses import gram_matrix, nst_objective
from nstkit.paintings import paint
from nstkit.transfer import precompute_targets as library_targets
from nstkit.transfer import run_transfer as library_run

torch.set_num_threads(2)
content = photograph("coffee", size=176)  # (1, 3, 117, 176)
style = paint("stained_glass", 117, 176)  # (1, 3, 117, 176)
content_layers = ["relu2_1"]
style_layers = ["texture1", "texture2", "relu1_1", "relu2_1", "relu3_1"]
encoder = load_encoder("tiny").cut(content_layers + style_layers)
targets = library_targets(encoder, content, style, content_layers, style_layers)


def objective(image):
    """Content gap to the cup plus 30 times the style gap to the window; lesson 05 asks where 30 comes from."""
    return nst_objective(image, encoder, targets, 1.0, 30.0)[0]


# %% [markdown]
# ## Eighty steps, no error, no picture
#
# A colleague hands you this loop. It should turn a cup of coffee into stained glass. It runs to the end, without an
# error and without a warning. **Before you run it, read it:** one line is the cause of what you are about to see.

# %%
x = content.clone().requires_grad_()
optimizer = torch.optim.Adam([x], lr=0.03)
stuck, stuck_frames = [], []
for _ in range(80):
    stuck_frames.append(x.detach().clone())
    optimizer.zero_grad()
    loss = objective(x)
    loss.backward()
    optimizer.step()
    x = x.detach().clamp(0, 1).requires_grad_()  # pixels must stay in [0, 1]
    stuck.append(loss.item())
stuck_frames.append(x.detach())


def film(frames, curves, title):
    """Four frames beside the loss curves, on the same axes in every figure that is made with it."""
    _, axes = plt.subplot_mosaic(
        [[0, 5, "loss"], [20, 80, "loss"]], figsize=(11, 4.1), width_ratios=(1, 1, 1.3), layout="constrained"
    )
    for step in (0, 5, 20, 80):
        axes[step].imshow(frames[step][0].permute(1, 2, 0))
        axes[step].set_title(f"step {step}", fontsize=10)
        axes[step].axis("off")
    for name, values, line in curves:
        axes["loss"].plot(values, line, label=name)
    axes["loss"].set(yscale="log", ylim=(0.7, 20), xlabel="step", ylabel="loss", title=title)
    axes["loss"].legend()
    plt.show()


film(stuck_frames, [("the loop above", stuck, "k--")], "Falls once, then flat")
print("loss at steps 0, 1, 2, 79:", [round(stuck[t], 3) for t in (0, 1, 2, 79)])

# %% [markdown]
# *Four frames of a coffee cup, after the first all alike: the photograph with a faint speckle. On the right the loss,
# on a logarithmic axis: one drop at the first step, then a horizontal line.*
#
# Who would you suspect? Most people say the learning rate, then the style weight, then the frozen network. Each is a
# fair guess, and each costs an afternoon. Keep your guess; the clues come in the order in which the program runs. One
# is on the table already: the loss *did* fall, exactly once. A learning rate that is too small falls slowly, every
# step.
#
# The program has five stations:
#
# | | what goes in | what comes out |
# |---|---|---|
# | 1 read | two files | uint8, (H, W, 3), 0 … 255 |
# | 2 into the network | uint8 | float32, (1, 3, H, W) |
# | 3 targets | two images, one encoder | a feature per content layer, a Gram matrix per style layer |
# | 4 loop | a starting image, an objective | an image |
# | 5 write | float32, (1, 3, H, W) | uint8, (H, W, 3), a file |
#
# At station 1 the two pictures are also brought to one scale. Gatys et al. (2016) resize the style image to the size
# of the content image, because the same network sees other strokes in the same painting at another size.

# %% [markdown]
# ## Stations 2 and 5: the way in and the way out
#
# A pretrained network knows pictures in one form only: the form of its training. For torchvision's VGG that is RGB in
# [0, 1], minus a mean per channel, over a standard deviation per channel: (0.485, 0.456, 0.406) and
# (0.229, 0.224, 0.225), measured on ImageNet. Take one red value, 200, in and out again:
#
# $$\frac{200}{255} = 0.7843, \qquad \frac{0.7843 - 0.485}{0.229} = 1.3070, \qquad
# 255\,(1.3070 \cdot 0.229 + 0.485) = 199.999 \ldots \text{ or } 200.000 \ldots$$
#
# Which of the two depends on rounding in the last bit. `astype(uint8)` cuts off the fraction: 199.999 becomes 199.
#
# **Predict:** of the 256 codes, how many come back one level darker when you forget to round? None, a handful, or
# dozens? And what does the missing rounding cost a *generated* image, whose pixels lie between the codes?

# %%
mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
codes = np.repeat(
    np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2
)  # (256, 1, 3): each code, three times
normalised = library_preprocess(codes, mean, std)  # (1, 3, 256, 1)
unit = normalised * torch.tensor(std).view(1, 3, 1, 1) + torch.tensor(mean).view(1, 3, 1, 1)
cut_off = (unit * 255)[0].permute(1, 2, 0).numpy().astype(np.uint8)
rounded = library_deprocess(normalised, mean, std)
trip = {
    "truncated": cut_off.astype(int) - codes.astype(int),
    "rounded": rounded.astype(int) - codes.astype(int),
}

generated, history = library_run(objective, content, 20, lr=0.03)
inside = generated[(generated > 0) & (generated < 1)].numpy() * 255
errors = {"truncated": np.floor(inside) - inside, "rounded": np.rint(inside) - inside}

figure, axes = plt.subplots(1, 2, figsize=(11, 3.4))
for shift, (name, hatch, colour) in enumerate([("truncated", "//", "#E69F00"), ("rounded", "", "#0072B2")]):
    counts = [int((trip[name] == error).sum()) for error in (-1, 0, 1)]
    bars = axes[0].bar(
        np.array([-1, 0, 1]) + 0.36 * shift - 0.18, counts, 0.34, color=colour, hatch=hatch, label=name
    )
    axes[0].bar_label(bars, fontsize=9)
    axes[1].hist(
        errors[name],
        np.linspace(-1, 0.6, 33),
        color=colour,
        hatch=hatch,
        alpha=0.7,
        edgecolor="k",
        label=name,
    )
    print(
        f"{name}: {counts[0]} of 768 come back darker; "
        f"mean error of a generated pixel {errors[name].mean():+.3f} levels"
    )
axes[0].set(
    xticks=[-1, 0, 1],
    xlabel="error in levels",
    ylabel="number of codes",
    ylim=(0, 860),
    title="In and out: rounding loses nothing",
)
axes[1].set(
    xlabel="error in levels",
    ylabel="number of pixel values",
    title="Between the codes: truncation darkens",
    ylim=(0, 1.3 * axes[1].get_ylim()[1]),
)
for axis in axes:
    axis.legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *Left, bars for the round trip of all codes: rounded, every one has error 0; truncated, a part has error −1. Right,
# histograms of the error of generated pixels: rounded, it lies evenly between −½ and ½; truncated, between −1 and 0.*
#
# Dozens: 137 of the 768, more than one in six, come back one level darker, from a program that changed nothing. A pixel
# of a generated image lies anywhere between two codes. Rounded, it is off by up to half a level, up as often as down;
# truncated, it is half a level too dark *on average*. Nobody sees half a level. But a picture that comes
# back from a round trip should be the picture, and two programs of which only one rounds will not agree on a test.
#
# The other trap on the way out is a value that left the range. By hand: 1.02 · 255 = 260.1, and 260 − 256 = 4. A pixel
# slightly brighter than white is stored as nearly black. So: clip, *then* scale, round, cast.
#
# ### Exercise 2.1a: `preprocess`
#
# You write this once for each network that you take from somewhere, and a wrong channel order or range raises no error
# at all: the network returns features, only not of your picture.


# %% answer="preprocess"
def preprocess(image: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """An 8-bit picture as a pretrained network expects it: (value / 255 - mean_c) / std_c.

    Args:
        image: (H, W, 3), uint8, RGB; not modified. May be a view with any strides.
        mean: three numbers, of red, green and blue in [0, 1].
        std: three numbers, likewise.
    Returns:
        (1, 3, H, W), float32.
    Raises:
        TypeError: `image` is not uint8, whatever its rank.
        ValueError: `image` is not (H, W, 3).
    """
    ### BEGIN SOLUTION
    if image.dtype != np.uint8:
        raise TypeError(f"image: expected uint8, got {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image: expected (H, W, 3), got {image.shape}")
    planes = np.array(image.transpose(2, 0, 1), order="C")  # (3, H, W), a copy
    unit = torch.from_numpy(planes)[None].float() / 255  # (1, 3, H, W)
    shape = (1, 3, 1, 1)
    return (unit - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape)
    ### END SOLUTION


# %% check="preprocess"

# %% [markdown]
# ### Exercise 2.1b: `deprocess`
#
# The way back is the last thing that the program does, so its mistakes are the ones that everybody sees. It must take
# an image as it comes from the optimiser: with a gradient, and not quite in range.


# %% answer="deprocess"
def deprocess(x: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """The inverse of `preprocess`: x·std + mean, clipped to [0, 1], times 255, rounded half to even.

    Every one of the 256 codes comes back exactly, in float32 and in float64.

    Args:
        x: (1, 3, H, W), float32 or float64; may require a gradient; not modified.
        mean, std: as in `preprocess`.
    Returns:
        (H, W, 3), uint8, RGB.
    Raises:
        ValueError: `x` is not (1, 3, H, W); a batch of two is refused.
    """
    ### BEGIN SOLUTION
    if x.ndim != 4 or x.shape[:2] != (1, 3):
        raise ValueError(f"x: expected (1, 3, H, W), got {tuple(x.shape)}")
    shape = (1, 3, 1, 1)
    unit = x.detach() * x.new_tensor(std).view(shape) + x.new_tensor(mean).view(shape)
    levels = (unit.clamp(0, 1) * 255).round().to(torch.uint8)  # (1, 3, H, W)
    return levels[0].permute(1, 2, 0).numpy()
    ### END SOLUTION


# %% check="deprocess"

# %% [markdown]
# ### In the data, or in the model?
#
# Both work, and only one is safe. If the normalisation is a step of data loading, the image that you optimise lives in
# normalised units: its range is no longer [0, 1], and `clamp(0, 1)` cuts away most of it. If it is the first layer of
# the encoder, an image is a picture everywhere else. The encoders of nstkit do the second.
#
# The usual accident is to do it in both places. **Predict:** a program that normalises twice. Does it crash, does it
# return nonsense, or does it return something plausible?

# %%
own_mean, own_std = encoder.mean.flatten().tolist(), encoder.deviation.flatten().tolist()
once = encoder(content)
twice = encoder((content - encoder.mean) / encoder.deviation)  # and the encoder normalises again
print(f"the encoder's own mean {own_mean} and std {own_std}")
for layer in ("relu1_1", "relu2_1", "relu3_1"):
    a, b = once[layer].flatten(), twice[layer].flatten()
    cosine = float(torch.nn.functional.cosine_similarity(a, b, dim=0))
    print(
        f"{layer}: {tuple(once[layer].shape)}, size {float(a.norm()):7.1f} once, "
        f"{float(b.norm()):7.1f} twice; cosine {cosine:.2f}"
    )

# %% [markdown]
# The third, which is the worst. Nothing crashes and every shape is right. The features even point in a similar
# direction: a cosine of 0.94 at relu1_1. But they are 4.5 times too large there, 1.9 times at relu3_1, and with depth
# they drift off, to a cosine of 0.76. Such a program makes pictures. They are only worse than those of your colleague,
# and no message says why.

# %% [markdown]
# ## Station 3: what is measured once
#
# A common description reads: *feed the images into the network and fuse their features.* Nothing is fused. The features
# of the content image and the Gram matrices of the style image are **constants**. They are computed before the loop,
# each from one forward pass, and from then on the program compares against them. Neither loss compares content with
# style: each compares the *generated* image with one of the two.
#
# Count passes through the encoder, for 80 steps. Targets once: 1 + 1 + 80 = 82. Targets anew in each step:
# 3 · 80 = 240, for the same numbers.
#
# Speed is the smaller reason. **Predict:** below, the encoder's weights were not frozen and the target was not
# detached. The first step works. What does the second one do?

# %%
thawed = copy.deepcopy(encoder).requires_grad_(True)  # somebody forgot to freeze it
target = gram_matrix(thawed(style, ["relu2_1"])["relu2_1"])  # (1, C, C)
print("the target: shape", tuple(target.shape), "requires_grad", target.requires_grad)

x = content.clone().requires_grad_()
for step in range(2):
    gap = (gram_matrix(thawed(x, ["relu2_1"])["relu2_1"]) - target).square().sum()
    try:
        gap.backward()
        print(f"step {step}: fine")
    except RuntimeError as error:
        print(f"step {step}: {str(error)[:56]} …")

# %% [markdown]
# The target had carried the whole graph of the style image with it: every activation, kept in memory. The first
# `backward` walked through that graph too and freed it; the second found it gone. The error message recommends
# `retain_graph=True`. Do not: it keeps the graph alive and computes, in every step, a gradient that nobody uses.
# Detach.
#
# <details><summary>Ask yourself: the encoder is frozen and both pictures are plain tensors. Is there a graph to detach
# from?</summary>
#
# No: autograd records only what depends on something that requires a gradient. `no_grad` then changes nothing, and
# costs nothing. It protects you on the day when someone passes an encoder that is not frozen, or an image that is a
# leaf.
#
# </details>
#
# ### Exercise 2.2: `precompute_targets`
#
# With this function the loop needs neither picture any more. The contract counts your passes and looks for graphs; note
# that an encoder may hand its input through as a "feature", so that `no_grad` alone does not make everything constant.


# %% answer="precompute_targets"
def precompute_targets(
    encoder: Callable[[torch.Tensor], dict[str, torch.Tensor]],
    content: torch.Tensor,
    style: torch.Tensor,
    content_layers: Sequence[str],
    style_layers: Sequence[str],
) -> dict[str, dict[str, torch.Tensor]]:
    """The constants of a transfer: {"content": {layer: F}, "style": {layer: F Fᵀ / (C·H·W)}}.

    Args:
        encoder: from an image (B, 3, H, W) to its features (B, C, h, w) by layer; called exactly once per image,
            also when one list of layers is empty. Its parameters may require gradients.
        content: (B, 3, H, W); may require a gradient.
        style: (B, 3, H', W'); its size is its own.
        content_layers: layers of `content` whose features are kept.
        style_layers: layers of `style` whose Gram matrices (B, C, C) are kept.
    Returns:
        The targets; none requires a gradient or has a grad_fn, and each may be used in a later backward pass.
    Raises:
        KeyError: a layer that the encoder does not have.
        ValueError: both lists are empty.
    """
    ### BEGIN SOLUTION
    if not content_layers and not style_layers:
        raise ValueError("content_layers, style_layers: expected at least one layer")
    with torch.no_grad():
        of_content, of_style = encoder(content), encoder(style)
    features = {layer: of_content[layer].detach() for layer in content_layers}
    grams = {}
    for layer in style_layers:
        rows = of_style[layer].detach().flatten(2)  # (B, C, HW)
        grams[layer] = rows @ rows.mT / rows[0].numel()  # (B, C, C)
    return {"content": features, "style": grams}
    ### END SOLUTION


# %% check="precompute_targets"

# %% [markdown]
# ## Who needs a gradient?
#
# The interview question asks you to name *every* tensor. Name them now, aloud, before the table: content, style,
# weights, targets, generated image, its features, the loss. Which have `requires_grad`? Which of those end up with
# something in `.grad`?

# %%
x = content.clone().requires_grad_()
features = encoder(x)
loss = nst_objective(x, encoder, targets, 1.0, 30.0)[0]
loss.backward()
cast = {
    "content image": content,
    "style image": style,
    "a weight of the encoder": next(encoder.parameters()),
    "content target": targets["content"]["relu2_1"],
    "style target": targets["style"]["relu2_1"],
    "generated image": x,
    "its feature at relu2_1": features["relu2_1"],
    "loss": loss,
}
print(f"{'':24}{'shape':>20}  requires_grad   leaf    .grad")
for name, tensor in cast.items():
    filled = tensor.is_leaf and tensor.grad is not None
    print(
        f"{name:24}{tuple(tensor.shape)!s:>20}  {tensor.requires_grad!s:13}   {tensor.is_leaf!s:5}   {filled}"
    )

# %% [markdown]
# One row has three times `True`. A **leaf** is a tensor that was not computed from another one that requires a
# gradient; an optimiser can change only leaves. Features and loss require a gradient as well, but as links of the
# chain: the gradient passes through them and is not kept.
#
# That settles one suspect. The network is frozen, and it should be: *frozen* means that the weights get no update. It
# does not mean that nothing flows through. The half-truth runs like this:

# %%
x = content.clone().requires_grad_()
with torch.no_grad():  # "because the network is frozen"
    loss = objective(x)
try:
    loss.backward()
except RuntimeError as error:
    print(error)

# %% [markdown]
# Loud, and so harmless. `no_grad` belongs around the *targets* and around the *clamp*, never around the forward pass of
# the generated image.
#
# <details><summary>Ask yourself: you forget to freeze the weights, but give only the image to the optimiser. What goes
# wrong?</summary>
#
# Not the picture: the optimiser changes what it was given, and nothing else. But each `backward` computes a gradient
# for every weight as well and adds it to `.grad`, which nobody reads or zeroes: time and memory for nothing.
#
# </details>

# %% [markdown]
# ## Station 4: the loop, and the verdict
#
# Here is the loop that is right: zero the gradient, forward, loss, backward, step, project. Same start, same optimiser,
# same learning rate as in the loop of your colleague.

# %%
frames = []


def watched(image):
    """The objective; keeps a copy of every image that it is asked about."""
    frames.append(image.detach().clone())
    return objective(image)


result, history = library_run(watched, content, 80, lr=0.03)
frames.append(result)
film(
    frames,
    [("clamped in place", history, "C0-"), ("the loop above", stuck, "k--")],
    "First the leads, then the colours",
)
print("loss at steps 0, 1, 2, 5, 20, 79:", [round(history[t], 3) for t in (0, 1, 2, 5, 20, 79)])

# %% [markdown]
# *Four frames of the cup: the photograph; dark outlines over a brown table; coloured panes; the same, more saturated.
# On the right two curves on a logarithmic axis: a solid one that falls steeply and then slowly, a dashed one that
# leaves it at step 1 and stays flat.*
#
# The first two losses, 13.446 and 9.647, are those of the loop above to the last digit: up to the first step the two
# programs are one. Then the right one goes on, to 7.083, 3.64, 1.756 and at last 1.164, and the broken one stays at
# 9.647. The frames show the order in which a style arrives: dark outlines first, by step 5, on wood that is still
# brown; the colours of the glass later, by step 20; after that little moves.
#
# Learning rate, style weight and network are the same in both loops, so all three suspects are cleared. What is left is
# the line with the clamp.
#
# Shrink the case until you can do it by hand. One pixel, $x = 0.5$; its objective $(x - 0.9)^2$; Adam with learning
# rate 0.1. The first step of Adam has the size of the learning rate, whatever the gradient (lesson 13 says why):
# $0.5 + 0.1 = 0.6$. Four ways to write the clamp. **Predict for each:** does it learn, stand still, or raise?


# %%
def rebind(x):
    return x.clamp(0, 1)


def rebind_without_graph(x):
    with torch.no_grad():
        return x.clamp(0, 1)


def rebind_to_new_leaf(x):
    return x.detach().clamp(0, 1).requires_grad_()


def in_place(x):
    with torch.no_grad():
        return x.clamp_(0, 1)


for project in (rebind, rebind_without_graph, rebind_to_new_leaf, in_place):
    x = torch.tensor(0.5, requires_grad=True)
    optimizer = torch.optim.Adam([x], lr=0.1)
    held = optimizer.param_groups[0]["params"][0]  # what the optimiser changes
    path, verdict = [], ""
    try:
        for _ in range(4):
            optimizer.zero_grad()
            (x - 0.9).square().backward()
            optimizer.step()
            x = project(x)
            path.append(f"{x.item():.3f}")
    except RuntimeError as error:
        verdict = f"raises: {str(error)[:43]} …"
    print(f"{project.__name__:20} same tensor: {x is held!s:5}  x: {', '.join(path)}  {verdict}")

# %% [markdown]
# The first two rebind the *name* `x` and are found out: by the missing graph in step 2, or by the freed one in step 3.
# The third is what people write to make the error go away. Now `x` is a leaf with a gradient, freshly made in each
# step. `backward` fills its `.grad`; the optimiser never hears of it. The optimiser still holds the *first* tensor,
# whose gradient is `None` after `zero_grad`, so it skips it. No error, no motion.
#
# So the one line that proves it, in any program, is
#
# `assert image is optimizer.param_groups[0]["params"][0]`
#
# and the repair is to change the *contents* of the leaf instead of the name: `image.clamp_(0, 1)` under `no_grad`.
#
# ### Exercise 2.3: `run_transfer`
#
# The loop that you will be asked to write at a whiteboard. It takes any objective, so you will meet it again in
# lessons 04 and 05.


# %% answer="run_transfer"
def run_transfer(
    objective: Callable[[torch.Tensor], torch.Tensor],
    init: torch.Tensor,
    steps: int,
    lr: float = 0.05,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[torch.Tensor, list[float]]:
    """Minimise `objective` over the pixels by Adam, clamped in place to `bounds` after each step.

    Args:
        objective: from an image to a 0-d loss.
        init: where to start, float32 or float64; a copy is optimised, `init` is not modified.
        steps: number of updates, 0 or more.
        lr: Adam's learning rate; all else as in `torch.optim.Adam`.
        bounds: lowest and highest pixel value, increasing.
    Returns:
        (image, history): the image after the last clamp, detached; history[t] is the objective before update t, as a
        float, len(history) == steps. With steps=0 a copy of `init` and an empty list.
    Raises:
        ValueError: `steps` < 0, `bounds` do not increase, or the objective is not 0-d; shape (1,) is refused.
    """
    ### BEGIN SOLUTION
    if steps < 0 or not bounds[0] < bounds[1]:
        raise ValueError(f"expected steps >= 0 and increasing bounds, got {steps}, {bounds}")
    image = init.detach().clone().requires_grad_()  # the one leaf
    optimizer, history = torch.optim.Adam([image], lr=lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = objective(image)
        if loss.ndim:
            raise ValueError(f"objective: expected a 0-d loss, got shape {tuple(loss.shape)}")
        history.append(loss.item())
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(*bounds)
    return image.detach(), history
    ### END SOLUTION


# %% check="run_transfer"

# %% [markdown]
# ## Where to start
#
# The objective is not convex in the pixels, so the start decides which valley you end in. **Predict:** after the same
# 60 steps from the photograph, from noise and from the painting, which has the lowest loss? In which will you
# recognise the cup?

# %%
noise = torch.rand(content.shape, generator=torch.Generator().manual_seed(0))
starts = {"the photograph": content, "noise": noise, "the painting": style}
figure, axes = plt.subplots(1, 3, figsize=(11, 2.9))
for axis, (name, start) in zip(axes, starts.items()):
    end, losses = library_run(objective, start, 60, lr=0.03)
    axis.imshow(end[0].permute(1, 2, 0))
    axis.set_title(f"From {name}: loss {float(objective(end)):.2f}", fontsize=11)
    axis.axis("off")
    print(f"from {name}: loss {losses[0]:.2f} at the start, {float(objective(end)):.2f} after 60 steps")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three pictures: the cup in coloured glass; fine coloured grains without any cup; the cup again, its panes and their
# arrangement taken from the painting.*
#
# From the photograph the content is there before the first step, and 60 steps pay for the style only. From the painting
# it is the other way round: the loss is 2.41 at the start, because the style is there, and the cup comes up through the
# painting's own panes, at 1.29 nearly as low as from the photograph. Two nearly equal losses, two different pictures:
# that is what "not convex" looks like. Noise begins at 326.93 and after 60 steps is still at 4.41, without a cup. It
# needs many more steps; what it buys is variety, since each seed ends elsewhere. (Gatys et al., who run longer, find
# that the start biases the result only somewhat.)

# %% [markdown]
# ## The same loop with L-BFGS
#
# Gatys et al. (2016) use L-BFGS, and so do many programs that you will be shown. It asks for the loss and the gradient
# *several times per step*, at points of its own choice, so it needs them as a function: the **closure**. The projection
# goes between two calls of `step`. Inside the closure it would move the point that the line search is measuring.

# %%
x = content.clone().requires_grad_()
optimizer = torch.optim.LBFGS([x], max_iter=10, line_search_fn="strong_wolfe")
asked = []


def closure():
    optimizer.zero_grad()
    loss = objective(x)
    loss.backward()
    asked.append(loss.item())
    return loss


for _ in range(4):
    optimizer.step(closure)
    with torch.no_grad():
        x.clamp_(0, 1)  # between steps
end = objective(x).item()
print(f"4 steps asked {len(asked)} times; loss {asked[0]:.2f} at first, {end:.2f} at the end")
print(f"Adam had {history[len(asked)]:.2f} after as many, and {float(objective(result)):.2f} after 80")

# %% [markdown]
# Four steps, 47 evaluations: counting steps says nothing about cost, counting evaluations does. From 13.45 the loss
# fell to 1.54; Adam had 1.27 after as many, and needs no closure. Do not make a law of that: it is one picture with a
# short run, and each clamp throws L-BFGS's picture of the curvature a little off. Lesson 13 holds the race properly.
#
# <details><summary>Ask yourself: you write `image = content.requires_grad_()`, without a clone, and compute the content
# target from `content` in each step. What is the content loss?</summary>
#
# Zero, always. `image` and `content` are one tensor, so the image is compared with itself. The style term alone drives,
# and the cup dissolves. Clone the start, and compute targets once.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016: Sec. 2
#   for the constants and the one image that changes, Sec. 2.3 for resizing the style image, Sec. 3.3 for the start.
# - K. Simonyan, A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, ICLR 2015,
#   arXiv:1409.1556.
# - D. P. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015, arXiv:1412.6980, Algorithm 1.
# - D. C. Liu, J. Nocedal, *On the Limited Memory BFGS Method for Large Scale Optimization*, Mathematical Programming
#   45, 1989.
#
# **Next:** 03 and 04 take the two losses apart, 05 the weight between them, 13 races Adam against L-BFGS; resizing and
# data belong to 17.
