# %% [markdown]
# # 03 Style loss / 风格损失
#
# **After this lesson** you can write the Gram matrix and Gatys' loss with every constant, derive the gradient on a
# whiteboard, say what the loss cannot see, and name the distance between distributions that it secretly is.
#
# About 40 minutes, and 75 for the exercises. Read 01 first, for what a feature and a receptive field are.

# %% [markdown] interview="question"

# %% tags=["setup"]
from collections.abc import Mapping

import numpy as np
import torch

# %%
import matplotlib.pyplot as plt

from nstkit.domain import gram_mmd2 as library_mmd2
from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import patch_shuffle, photograph
from nstkit.losses import gatys_style_loss as library_loss
from nstkit.losses import gram_matrix as library_gram
from nstkit.paintings import paint
from nstkit.theory import gram_loss_grad as library_grad
from nstkit.transfer import run_transfer

torch.set_num_threads(2)
layers = ["relu1_1", "relu2_1", "relu3_1"]
sees = {"relu1_1": 3, "relu2_1": 10, "relu3_1": 24}  # the side of a feature's receptive field, in pixels
encoder = load_encoder("tiny").cut(layers)
window = paint("stained_glass", 160, 160)  # (1, 3, 160, 160)

# %% [markdown]
# ## A window without a plan
#
# On the left is a painted window. In the middle are the very same pixels in another order. No pixel of the picture
# on the right was copied. It was grown out of noise around the window's mean colour, by a program that otherwise knew
# three square tables of numbers about the window, and **no number in those tables belongs to a place**.
#
# **Before you run the cell:** which of the two will look more like the window?


# %%
def grow(names, size=96, steps=80):
    """A picture of size x size whose Gram matrices at the layers `names` are those of the window, grown from noise."""
    with torch.no_grad():
        goal = encoder(window, names)
        start = (
            window.mean((2, 3), keepdim=True)
            - 0.1
            + 0.2 * torch.rand((1, 3, size, size), generator=torch.Generator().manual_seed(0))
        )
        seen = encoder(start, names)
        # each layer starts at 1, whatever its size: lesson 11 is about better weights
        weights = {name: 1 / library_loss(seen, goal, {name: 1.0}).item() for name in names}
    picture = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([picture], max_iter=steps, history_size=20, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        outside = (picture - picture.clamp(0, 1)).square().mean()
        loss = library_loss(encoder(picture, names), goal, weights) + 10 * outside
        loss.backward()
        return loss

    optimizer.step(closure)
    return picture.detach().clamp(0, 1)


def show(pictures, titles, width=11):
    """Pictures side by side, one pixel of the same size in all of them."""
    widths = [picture.shape[3] for picture in pictures]
    size = (width, 0.97 * width * max(widths) / sum(widths) + 0.5)
    _, axes = plt.subplots(1, len(pictures), figsize=size, width_ratios=widths, layout="constrained")
    for axis, picture, title in zip(axes, pictures, titles):
        axis.imshow(picture[0].permute(1, 2, 0))
        axis.set_title(title, fontsize=11)
        axis.axis("off")
    plt.show()


def gap(picture, name):
    """How far the Gram matrix of a picture is from the window's: ‖G - A‖² / ‖A‖²."""
    with torch.no_grad():
        gram, target = (library_gram(encoder(x, [name])[name], "hw") for x in (picture, window))
    return float((gram - target).square().sum() / target.square().sum())


order = torch.randperm(160 * 160, generator=torch.Generator().manual_seed(1))
dust = patch_shuffle(window[0], 1, order)[None]
grown = {"relu1_1": grow(layers[:1]), "relu2_1": grow(layers[:2]), "relu3_1": grow(layers)}
show(
    [window, dust, grown["relu3_1"]],
    ["The window", "All of its pixels", "Grown from three tables"],
)
for name in layers:
    channels = encoder(window, [name])[name].shape[1]
    print(
        f"table of {name}, {channels} x {channels}: all its pixels {gap(dust, name):8.3f} away, "
        f"grown {gap(grown['relu3_1'], name):.4f} away"
    )

# %% [markdown]
# *Left, a rose window of coloured panes between dark leads. Middle, coloured dust. Right, a smaller picture: bright
# panes of the same colours between dark leads, without the rings.*
#
# The dust has every colour of the window in the right amount. Yet a table of zeros would be 1 away, and the dust is
# farther off than that at every layer. The grown picture has panes, leads and colours; what it lacks is the plan of the
# window. The tables are **Gram matrices**, and the distance between two of them is the **style loss**.
#
# Two things should itch now. How can a table without places describe something as spatial as a pane of glass? And if
# the loss of the right picture is close to zero, why is it not the window?

# %% [markdown]
# ## One product
#
# At one layer the network gives $C$ maps of $H \times W$ numbers. Write them as a matrix $F$ with one row per channel,
# $M = HW$ columns, one per place. The Gram matrix is
#
# $$G = F F^\top, \qquad G_{ij} = \sum_{m=1}^{M} F_{im} F_{jm}, \qquad (C, M)\,(M, C) \to (C, C).$$
#
# In words: $G_{ij}$ adds up, over *all* places, how strongly channels $i$ and $j$ answer *at the same* place. Take two
# channels, "dark lead" and "bright colour", and four places:
#
# $$F_\text{window} = \begin{pmatrix} 1&1&0&0 \\ 0&0&1&1 \end{pmatrix},\;
# G = \begin{pmatrix} 2&0 \\ 0&2 \end{pmatrix} \qquad
# F_\text{fog} = \begin{pmatrix} 1&1&0&0 \\ 1&1&0&0 \end{pmatrix},\;
# G = \begin{pmatrix} 2&2 \\ 2&2 \end{pmatrix}.$$
#
# Both contain as much lead and as much colour: the diagonals agree, and so do the means. What tells window from fog is
# *together or apart*, and that is off the diagonal. Shuffle the columns of either $F$ as you like: a sum does not mind.
#
# Two words in circulation are wrong. "**Local** correlation": nothing is local here, the sum runs over the whole image.
# "**Correlation**": no mean is subtracted and nothing is divided by a deviation. $G$ is an uncentred second moment.
#
# The table is $C \times C$ whatever the size of the image, so a painting of another size than the photograph is no
# problem. It costs $C^2 HW$ multiplications. But $G$ *grows* with $HW$, so somebody has to divide, and two habits
# exist: by $HW$, or by $CHW$ (Johnson et al. 2016).
#
# <details><summary>Ask yourself: one channel answers 3 everywhere, another one 2 everywhere. Their correlation? Their
# entry in G / M?</summary>
#
# The correlation does not exist: neither of them varies. The Gram entry is 6. Channels that are merely *both bright*
# have a large entry, too.
#
# </details>
#
# ### Exercise 3.1: the Gram matrix
#
# You will write this function more often than any other in this field, usually while somebody watches. The product is
# one line; getting the axes of a batch there unharmed is the exercise.


# %% answer="gram_matrix"
def gram_matrix(features: torch.Tensor, normalize: str = "chw") -> torch.Tensor:
    """Second moments of the channels, summed over all places: F Fᵀ / Z for each image.

    Args:
        features: (B, C, H, W), float32 or float64, contiguous or not.
        normalize: "chw", Z = C·H·W; "hw", Z = H·W; "none", Z = 1.
    Returns:
        (B, C, C), the dtype of `features`; differentiable.
    Raises:
        ValueError: `features` is not 4-D, or another `normalize`.
    """
    ### BEGIN SOLUTION
    if features.ndim != 4:
        raise ValueError(f"features: expected (B, C, H, W), got {tuple(features.shape)}")
    _, channels, height, width = features.shape
    divisors = {"chw": channels * height * width, "hw": height * width, "none": 1}
    if normalize not in divisors:
        raise ValueError(f"normalize: expected one of {list(divisors)}, got {normalize!r}")
    rows = features.flatten(2)  # (B, C, HW)
    return rows @ rows.mT / divisors[normalize]  # (B, C, C)
    ### END SOLUTION


# %% check="gram_matrix"

# %% [markdown]
# ### Three that look right
#
# Below, three versions meet the tests that one would think of: the right shape for one image, symmetric, no negative
# eigenvalue. Two of them are wrong. **Which test finds them?**


# %%
def product(features):
    rows = features.flatten(2)  # (B, C, HW)
    return rows @ rows.mT


def reshaped(features):  # "I need (HW, C), so I reshape to it"
    batch, channels, height, width = features.shape
    rows = features.reshape(batch, height * width, channels)
    return rows.mT @ rows


def folded(features):  # seen in many tutorials
    batch, channels, height, width = features.shape
    rows = features.reshape(batch * channels, height * width)
    return rows @ rows.T


pair = torch.cat([photograph("gravel", size=128), photograph("brick", size=128)])  # (2, 3, 128, 128)
features = encoder(pair, ["relu1_1"])["relu1_1"].double()  # (2, 32, 128, 128)
places = torch.randperm(128 * 128, generator=torch.Generator().manual_seed(2))
moved = features.flatten(2)[..., places].view_as(features)  # each feature vector whole, at another place
print(f"{'':10}{'one image':>16}{'symmetric':>11}{'no negative':>13}{'ignores places':>16}{'two images':>16}")
for version in (product, reshaped, folded):
    one, shuffled = version(features[:1]), version(moved[:1])
    lowest = torch.linalg.eigvalsh(one).min() > -1e-9 * one.abs().max()
    print(
        f"{version.__name__:10}{tuple(one.shape)!s:>16}{torch.allclose(one, one.mT)!s:>11}{bool(lowest)!s:>13}"
        f"{torch.allclose(one, shuffled)!s:>16}{tuple(version(features).shape)!s:>16}"
    )

# %% [markdown]
# `reshape` never moves an axis: it cuts the same row of memory at other points, so a "row" of `reshaped` mixes 32
# neighbouring places of *one* channel. The result is symmetric and positive because any $X^\top X$ is. Only the
# property that makes a Gram matrix a Gram matrix gives it away: it must not care about places.
#
# `folded` is right for a single image up to a missing axis, which is why it survives in single-image tutorials. With
# two images it multiplies gravel by brick: half of its entries correlate different pictures.

# %% [markdown]
# ## Where do the panes come from?
#
# Now the first itch. Do four things to the window, and order them by how much the window's Gram matrix at relu2_1
# changes: shuffle the *features* of relu2_1; shuffle the image in pieces of 20 × 20 pixels; shuffle its single pixels;
# take another painting altogether. **Write your order down.**

# %%
pieces = patch_shuffle(window[0], 20, torch.randperm(64, generator=torch.Generator().manual_seed(3)))[None]
woodcut = paint("woodcut", 160, 160)
at = "relu2_1"
with torch.no_grad():
    own = encoder(window, [at])[at]  # (1, 64, 80, 80)
    places = torch.randperm(own[0, 0].numel(), generator=torch.Generator().manual_seed(4))
    scattered = own.flatten(2)[..., places].view_as(own)
    target, after = library_gram(own, "hw"), library_gram(scattered, "hw")
print(f"features of {at} shuffled:  {float((after - target).square().sum() / target.square().sum()):.0e}")
print(f"pieces of 20 x 20 shuffled:   {gap(pieces, at):.3f}")
print(f"another painting:             {gap(woodcut, at):.3f}")
print(f"single pixels shuffled:       {gap(dust, at):.3f}")

figure, axes = plt.subplots(2, 3, figsize=(9.2, 5.8), layout="constrained")
for column, (picture, title) in enumerate(
    [
        (window, "The window"),
        (pieces, "In 64 pieces: nearly the same table"),
        (woodcut, "A woodcut: another table"),
    ]
):
    with torch.no_grad():
        gram = library_gram(encoder(picture, [at])[at], "hw")[0]
    axes[0, column].imshow(picture[0].permute(1, 2, 0))
    axes[0, column].set_title(title, fontsize=11)
    axes[0, column].axis("off")
    heat = axes[1, column].imshow(gram.sqrt(), cmap="viridis", vmin=0, vmax=float(target.sqrt().max()))
    axes[1, column].set_xlabel(f"channel of {at}")
axes[1, 0].set_ylabel(f"channel of {at}")
figure.colorbar(heat, ax=axes[1], label="√(G / HW)", shrink=0.95)
plt.show()

# %% [markdown]
# *Above, the window, the window cut in squares and rearranged, and a woodcut landscape. Below, their Gram matrices as
# heat maps on one scale: the first two look alike, the third is lighter and darker in other places.*
#
# Shuffling the features changes nothing but the last bits. Shuffling the *image* in pieces changes little; shuffling it
# pixel by pixel does more damage than exchanging the painting.
#
# So the looking happens **before** the sum. A feature of relu2_1 has already seen 10 × 10 pixels and says "a lead,
# with red on its left". The Gram matrix then counts such sentences and forgets where each was said. Inside a piece the
# sentences stay true; along a cut they change. The wider a layer sees, the larger the pieces must be. Measured on
# gravel:

# %%
gravel = photograph("gravel", size=320)[..., :160, :160]
sides = [1, 2, 4, 8, 16, 32, 80]
figure, axis = plt.subplots(figsize=(7.4, 3.9))
with torch.no_grad():
    whole = {name: library_gram(f, "hw") for name, f in encoder(gravel, layers).items()}
    table = {name: [] for name in layers}
    for side in sides:
        order = torch.randperm((160 // side) ** 2, generator=torch.Generator().manual_seed(0))
        for name, f in encoder(patch_shuffle(gravel[0], side, order)[None], layers).items():
            change = (library_gram(f, "hw") - whole[name]).square().sum() / whole[name].square().sum()
            table[name].append(float(change))
for name, marker, colour in zip(layers, "osD", ("#0072B2", "#E69F00", "#009E73")):
    axis.loglog(sides, table[name], marker=marker, color=colour, label=f"{name}, sees {sees[name]} pixels")
    print(f"{name}: " + "  ".join(f"{side}: {value:.4f}" for side, value in zip(sides, table[name])))
axis.axhline(1, color="gray", linestyle=":")
axis.set_xticks(sides, sides)
axis.minorticks_off()
axis.set(
    xlabel="side of the shuffled pieces, in pixels",
    ylabel="‖ΔG‖² / ‖G‖²",
    title="Gravel stays gravel if the pieces are large enough",
)
axis.legend()
plt.show()

# %% [markdown]
# *Three falling curves on logarithmic axes. The layer that sees 24 pixels lies on top: it needs larger pieces than the
# others before its table comes back.*
#
# This answers both itches. Style is spatial up to the size of a receptive field, because the features are. It is blind
# beyond, because of the sum. A pane fits into 24 pixels; the plan of the window does not.

# %% [markdown]
# ## The constants, or: whose million?
#
# One layer, generated features against style features. Four tellings in circulation:
#
# | who | loss of one layer, with $\Delta = F_g F_g^\top - F_s F_s^\top$ |
# |---|---|
# | Gatys et al. 2016, Eq. 4 | $\frac{1}{4 C^2 M^2} \lVert \Delta \rVert_F^2$ |
# | Johnson et al. 2016, Eq. 4 | $\lVert \Delta / (CM) \rVert_F^2$ |
# | PyTorch's tutorial | the *mean* of the squares of $\Delta / (CM)$ over its $C^2$ entries |
# | a widespread list of interview answers | $\frac{1}{C M} \sum_{j=1}^{C} \lVert \Delta \rVert_F^2$ |
#
# The last one has a sum over $j$ with no $j$ inside, so it multiplies by $C$, and its constant belongs to nobody.
# Window against fog from above, $C = 2$, $M = 4$: $\lVert\Delta\rVert^2 = 2^2 + 2^2 = 8$. Gatys: $8 / 256 = 1/32$.
# Johnson: $8/64 = 1/8$, four times as much. The tutorial: a quarter of that, $1/32$. The list: $2 \cdot 8 / 8 = 2$.
#
# **Predict:** gravel against brick at relu2_1, on crops of 64, 128 and 256 pixels. Which columns stay about where they
# are, and what does the list's formula do?

# %%
print(f"{'crop':>5}{'C':>4}{'M':>7}{'Gatys':>10}{'Johnson':>10}{'tutorial':>11}{'the list':>12}")
for size in (64, 128, 256):
    with torch.no_grad():
        one, other = (
            library_gram(
                encoder(photograph(name, size=512)[..., :size, :size], ["relu2_1"])["relu2_1"], "none"
            )
            for name in ("gravel", "brick")
        )
    c, m = one.shape[1], (size // 2) ** 2
    norm = float((one - other).square().sum())
    gatys, johnson = norm / (4 * c**2 * m**2), norm / (c * m) ** 2
    print(f"{size:5}{c:4}{m:7}{gatys:10.4f}{johnson:10.4f}{johnson / c**2:11.6f}{c * norm / (c * m):12.0f}")

# %% [markdown]
# The list's formula grows with the number of places, about fourfold for each doubling of the side: tuned at 256
# pixels, it is four times too strong at 512. Gatys', Johnson's and the tutorial's stay. But they are not the same
# number either: Johnson's is exactly 4 times Gatys', and the tutorial's is Johnson's over $C^2 = 4096$. That is why
# the tutorial needs a style weight of 1,000,000, and why a million means nothing without its formula.
#
# And the second half of the loss, which short answers leave out, is the sum over **layers**:
#
# $$L_\text{style} = \sum_l w_l E_l, \qquad E_l = \frac{1}{4 C_l^2} \Bigl\lVert \frac{G_l}{M_l} - \frac{A_l}{M'_l}
# \Bigr\rVert_F^2 .$$
#
# For two images of one size this is Gatys' constant to the letter. Written like this, with each Gram matrix over its
# *own* number of places, it also stands when the painting has another size: the grown picture on top has 96² pixels,
# the window 160². And $1/C_l^2$ does for channels what $1/M$ does for places: a layer of 512 channels has 64 times as
# many entries to differ in as one of 64.
#
# ### Exercise 3.2: Gatys' style loss
#
# The function that the optimiser calls a few hundred times. The painting is a constant in it, and a gradient that leaks
# into the painting's features costs memory in each of those calls.


# %% answer="gatys_style_loss"
def gatys_style_loss(
    generated: Mapping[str, torch.Tensor], style: Mapping[str, torch.Tensor], weights: Mapping[str, float]
) -> torch.Tensor:
    """Σ_l w_l E_l, with E_l = ‖G_g/M_g - G_s/M_s‖_F² / (4 C²), averaged over the batch.

    G is F Fᵀ, not normalised; M_g and M_s are the numbers of places H·W of each image's own features.

    Args:
        generated: features (B, C, H, W) by layer; the gradient reaches them.
        style: features (B or 1, C, H', W') by layer, constants; a batch of 1 serves all images.
        weights: w_l by layer; only these layers count.
    Returns:
        A 0-d tensor.
    Raises:
        KeyError: a layer of `weights` is missing in `generated` or `style`.
        ValueError: `weights` is empty, or C differs.
    """
    ### BEGIN SOLUTION
    if not weights:
        raise ValueError("weights: expected at least one layer")
    total = 0.0
    for layer, weight in weights.items():
        ours, theirs = generated[layer].flatten(2), style[layer].detach().flatten(2)  # (B, C, M)
        channels = ours.shape[1]
        if theirs.shape[1] != channels:
            raise ValueError(f"style: expected {channels} channels at {layer}, got {theirs.shape[1]}")
        difference = ours @ ours.mT / ours.shape[2] - theirs @ theirs.mT / theirs.shape[2]  # (B, C, C)
        energy = difference.square().sum((1, 2)) / (4 * channels**2)  # (B,)
        total = total + weight * energy.mean()
    return total
    ### END SOLUTION


# %% check="gatys_style_loss"

# %% [markdown]
# ## One layer is one scale
#
# Why several layers? **Predict** what grows from the table of relu1_1 alone, whose features see 3 × 3 pixels; then from
# two; then from three.

# %%
show(
    [window, *grown.values()],
    ["The window", "relu1_1\n(sees 3 pixels)", "and relu2_1\n(sees 10)", "and relu3_1\n(sees 24)"],
)

# %% [markdown]
# *The window, and three pictures grown from noise: specks and blobs of its colours in dark spots; irregular panes that
# run into each other, with some leads; separate panes, most of them closed by a dark lead.*
#
# A layer can ask only for what fits into its receptive field. With 3 pixels it asks for the right colours and the
# right edges, and gets them, as specks. With 10 the specks join to panes and pieces of lead. With 24 the leads close
# around the panes. Nothing here asks for rings: no feature has seen one whole. Gatys et al. take conv1_1, conv2_1,
# conv3_1, conv4_1 and conv5_1 of VGG-19.

# %% [markdown]
# ## The gradient, on one line of a whiteboard
#
# One layer, $E = \frac{1}{4N^2M^2}\sum_{ij} (G_{ij} - A_{ij})^2$ with $N$ channels. Two steps. By $G$:
#
# $$\frac{\partial E}{\partial G} = \frac{2\,(G - A)}{4N^2M^2}.$$
#
# By $F$: it stands twice in $G = FF^\top$, so each appearance gives the same term, and a second factor 2 appears
# ($G$ and $A$ are symmetric). The two factors of 2 cancel the 4; that is what Gatys' ¼ is for:
#
# $$\frac{\partial E}{\partial F} = \frac{(G - A)\,F}{N^2 M^2}, \qquad (N, N)\,(N, M) \to (N, M).$$
#
# The smallest case checks it: $N = M = 1$, $E = \frac14 (f^2 - a)^2$, $E' = \frac14 \cdot 2 (f^2 - a) \cdot 2f
# = (f^2 - a) f$.
#
# ### Exercise 3.3: the gradient by hand


# %% answer="gram_loss_grad"
def gram_loss_grad(features: np.ndarray, target_gram: np.ndarray) -> np.ndarray:
    """The gradient of 1/(4 N² M²) Σ (F Fᵀ - A)² with respect to F, in closed form.

    Args:
        features: F, (N, M), float64: N channels at M places.
        target_gram: A, (N, N), float64, symmetric to 1e-8 of its largest entry; not normalised.
    Returns:
        (N, M), float64.
    Raises:
        ValueError: the shapes do not fit, or A is not symmetric.
    """
    ### BEGIN SOLUTION
    channels, places = features.shape
    if target_gram.shape != (channels, channels):
        raise ValueError(f"target_gram: expected ({channels}, {channels}), got {target_gram.shape}")
    if np.abs(target_gram - target_gram.T).max() > 1e-8 * np.abs(target_gram).max():
        raise ValueError("target_gram: expected a symmetric matrix")
    error = features @ features.T - target_gram  # (N, N)
    return error @ features / (channels**2 * places**2)  # (N, M)
    ### END SOLUTION


# %% check="gram_loss_grad"

# %% [markdown]
# ### What the formula knows, and a picture of it
#
# Read the result column by column. At place $m$ the gradient is $(G - A)/(N^2M^2)$ times the feature vector at $m$:
# **one matrix, the same for all places**. The style loss never says "put a lead *here*". It says "wherever you are a
# bit like a lead, be more so". Two places with equal features get equal orders.
#
# **Predict:** start from a flat, gray-red image, the mean colour of the window, where all places are equal. What grows?

# %%
with torch.no_grad():
    goal = encoder(window, layers)
flat = window.mean((2, 3), keepdim=True).repeat(1, 1, 96, 96)
rough = flat + 0.05 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
figure, axes = plt.subplots(2, 4, figsize=(9.6, 5))
for row, (name, start) in zip(axes, {"flat": flat, "noise": rough}.items()):
    with torch.no_grad():
        weights = {k: 1 / library_loss(encoder(start, layers), goal, {k: 1.0}).item() for k in layers}
    frames = []

    def objective(image, weights=weights, frames=frames):
        frames.append(image.detach().clone())
        return library_loss(encoder(image, layers), goal, weights)

    end, _ = run_transfer(objective, start, 40, lr=0.02)
    frames.append(end)
    for axis, step in zip(row, (0, 5, 15, 40)):
        axis.imshow(frames[step][0].permute(1, 2, 0).clamp(0, 1))
        axis.set_title(f"from {name}, step {step}", fontsize=10)
        axis.axis("off")
    middle = [float(frames[step][..., 46:50, 46:50].std((2, 3)).max()) for step in (0, 5, 15, 40)]
    print(
        f"from {name}: deviation in the 4 x 4 pixels of the middle: " + ", ".join(f"{d:.4f}" for d in middle)
    )
figure.tight_layout()
plt.show()

inner = (
    encoder(flat, ["relu2_1"])["relu2_1"][0, :, 20:28, 20:28].flatten(1).double().numpy()
)  # (64, 64 places)
wanted = library_gram(goal["relu2_1"].double(), "hw")[0].numpy() * inner.shape[1]
orders = library_grad(inner, wanted)
print(
    f"relu2_1 inside the flat image: orders differ from place to place by {np.ptp(orders, axis=1).max():.0e}"
)

# %% [markdown]
# *Two rows of four frames. From flat, nested square frames grow inwards from the edges of the picture while the middle
# stays flat; from noise, winding dark lines appear everywhere at once.*
#
# Inside, the flat image gives the same feature vector everywhere, so every place receives the same order: the middle
# changes its colour as one, and no texture appears: its deviation is 0.0000, and after 5 steps 0.0001. The only places
# that differ are at the **border**, where the network pads with zeros. Texture starts there and travels inwards with
# every step; after 15 it has reached the middle. Nobody designed those frames: the padding drew them. Noise (or a
# photograph) has no such problem: all its places differ, and the loss has something to amplify.
#
# <details><summary>Ask yourself: a channel is zero at every place, and the style has a lot of it. What does the style
# loss do?</summary>
#
# By the formula its row of the gradient need not vanish, since $(G - A)_{ij} F_j$ mixes in the other channels. But the
# features came out of a ReLU, and a unit that is off passes no gradient to the pixels (lesson 04 has the gate). It must
# wait until the others move the pixels below it.
#
# </details>

# %% [markdown]
# ## What distance is it?
#
# Take the formula's blindness seriously: without places, an image *is* a bag of $M$ feature vectors $x_1, \dots, x_M$
# in $\mathbb{R}^C$. The style loss compares two bags. Statistics has a tool for that, the **maximum mean
# discrepancy**: choose a kernel $k(a, b)$, a similarity of two vectors, and compute
#
# $$\mathrm{MMD}^2 = \overline{k(x, x')} + \overline{k(y, y')} - 2\,\overline{k(x, y)} ,$$
#
# where a bar is the mean over all pairs: how alike the members of each bag are among themselves, less how alike they
# are across. Li, Wang, Liu and Hou (2017) noticed what happens for $k(a, b) = (a^\top b)^2$. Square of an inner
# product is inner product of squares, $(a^\top b)^2 = \langle a a^\top, b b^\top \rangle$, the mean moves inside, and
# the mean of $xx^\top$ is $G/M$:
#
# $$\mathrm{MMD}^2 = \Bigl\lVert \frac{G_x}{M} - \frac{G_y}{K} \Bigr\rVert_F^2 \quad\Longrightarrow\quad
# E_l = \frac{\mathrm{MMD}^2}{4C^2}.$$
#
# So "match the Gram matrices" reads "match two distributions, as far as this kernel can see". With the linear kernel
# $a^\top b$ the same algebra leaves $\lVert \bar x - \bar y \rVert^2$, the distance of the channel means.
#
# ### Exercise 3.4: the kernel view
#
# Write it with pairs, as the definition has it, or with the identity; the check accepts both. Knowing *why* it may is
# the answer to the fourth follow-up.


# %% answer="gram_mmd2"
def gram_mmd2(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Biased MMD² with k(a, b) = (aᵀb)²: mean k(x, x') + mean k(y, y') - 2 mean k(x, y), over all pairs.

    Args:
        x: (M, C), the feature vectors of M places, float32 or float64.
        y: (K, C), of K places.
    Returns:
        A 0-d tensor, never negative beyond rounding; differentiable in both.
    Raises:
        ValueError: C differs, or one of the two is empty.
    """
    ### BEGIN SOLUTION
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"y: expected vectors of length {x.shape[1]}, got {y.shape[1]}")
    if len(x) == 0 or len(y) == 0:
        raise ValueError("x, y: expected at least one vector each")

    def mean_kernel(a, b):
        return (a @ b.T).square().mean()  # (M, K) inner products, squared one by one

    return mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y)
    ### END SOLUTION


# %% check="gram_mmd2"

# %% [markdown]
# ## Two pictures that it cannot tell apart
#
# A kernel that sees second moments only must be blind to something. Here is the smallest case: pictures of a single
# channel, the gray value itself, so that $G/M$ is *one number*, the mean of the squares.
#
# **Predict:** one picture is gray, 0.5 everywhere. The other is black with white squares. How much of it must be white
# for the two to have the same Gram matrix: a half, or a quarter?

# %%
plain = torch.full((1, 1, 64, 64), 0.5, dtype=torch.float64)
dots = torch.zeros_like(plain)
for top in range(4, 64, 16):
    for left in range(4, 64, 16):
        dots[..., top : top + 8, left : left + 8] = 1.0
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.2))
for axis, picture, title in zip(axes, (plain, dots), ("mean 0.5, variance 0", "mean 0.25, variance 0.1875")):
    axis.imshow(picture[0, 0], cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, fontsize=11)
    axis.axis("off")
figure.suptitle("One Gram matrix")
plt.show()

bags = [picture.flatten(2)[0].mT for picture in (plain, dots)]  # (4096, 1) each
linear = float((bags[0].mean(0) - bags[1].mean(0)).square().sum())
print("G / HW:", *(library_gram(picture, "hw").item() for picture in (plain, dots)))
print("MMD² with the Gram kernel:  ", library_mmd2(*bags).item())
print("MMD² with the linear kernel:", linear)
print("variances:", *(bag.var(correction=0).item() for bag in bags))

# %% [markdown]
# *Two pictures: plain gray, and white squares on black. Their titles give different means and variances.*
#
# A quarter: $0.25 \cdot 1^2 = 0.5^2$. The mean of squares is mean² + variance, so a loss that sees only the sum lets
# one **pay for the other**. Here even the linear kernel, the poorer one, sees the difference: $(0.5 - 0.25)^2 =
# 0.0625$. Risser, Wilmot and Barnes (2017) blame this trade for the drifting brightness and contrast of Gram-based
# textures, and add losses on histograms. Other remedies: subtract one fixed mean from both before the product, match
# at several image scales, or compare whole distributions of features (sliced Wasserstein, Heitz et al. 2021). Lesson
# 15 tries the alternatives.
#
# <details><summary>Ask yourself: would a real network confuse these two pictures?</summary>
#
# Not these: it has edge channels, and only one of the two has edges. With many channels such a conspiracy must hold for
# every pair of channels at once, so it is rarer. But the room is large. At relu2_1 the table fixes 64 · 65 / 2 = 2080
# numbers, and the features have 64 · HW.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Texture Synthesis Using Convolutional Neural Networks*, NIPS 2015,
#   arXiv:1505.07376: pictures grown from Gram matrices alone.
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016, Eq. 3-6.
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016,
#   arXiv:1603.08155, Eq. 3-4.
# - Y. Li, N. Wang, J. Liu, X. Hou, *Demystifying Neural Style Transfer*, IJCAI 2017, arXiv:1701.01036.
# - E. Risser, P. Wilmot, C. Barnes, *Stable and Controllable Neural Texture Synthesis and Style Transfer Using
#   Histogram Losses*, 2017, arXiv:1701.08893.
# - E. Heitz, K. Vanhoey, T. Chambon, L. Belcour, *A Sliced Wasserstein Loss for Neural Texture Synthesis*, CVPR 2021,
#   arXiv:2006.07229.
#
# **Next:** 04 is the other loss, 05 joins the two, 11 chooses the layer weights, 15 tries the alternatives; MMD as a
# measure of distance between whole collections of images is in 20.
