# %% [markdown]
# # 19 Feature matching / 特征匹配
#
# **After this lesson** you can take the three meanings of "feature matching" apart in one breath, write the two GAN
# losses of that name, and rebuild one feature map from the patches of another.
#
# About 35 minutes, and 55 for the exercises. Read 03 and 04 for the two losses of style transfer; 18 has the
# discriminator that lends its features here.

# %% [markdown] interview="question"

# %% tags=["setup"]
import torch

# %%
import math
from itertools import pairwise

import matplotlib.pyplot as plt
from matplotlib.patches import ConnectionPatch
from torch.nn.functional import leaky_relu, softplus, unfold

from nstkit.encoders import load_encoder
from nstkit.gan import feature_matching_loss as library_means
from nstkit.gan import multiscale_feature_matching as library_pairs
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import gram_matrix
from nstkit.paintings import paint
from nstkit.transfer import run_transfer
from nstkit.transfer import style_swap as library_swap

torch.set_num_threads(1)  # for tensors this small a second thread only waits
encoder = load_encoder("tiny")

# %% [markdown]
# ## Three people are asked to match features
#
# They get the same photograph, the same glass window, the same frozen network, the same layer, and one instruction:
# *change the photograph until its features match the window's.* The first compares the features place by place. The
# second compares their Gram matrices. The third looks up, for every little piece of the photograph's feature map, the
# most similar piece of the window's, and asks for that.
#
# **Before you run it:** in which of the three will you still see the astronaut?

# %%
LAYER = "relu2_1"
photo = photograph("astronaut", size=152)[..., :92, 22:138]  # (1, 3, 92, 116)
window = paint("stained_glass", 92, 116)
with torch.no_grad():
    theirs, goal = (encoder(image, [LAYER])[LAYER] for image in (photo, window))  # (1, 64, 46, 58)


def smooth(image):
    return 0.02 * (image.diff(dim=2).square().mean() + image.diff(dim=3).square().mean())


def place_by_place(target):
    return lambda x: (
        (encoder(x, [LAYER])[LAYER] - target).square().mean() / target.square().mean() + smooth(x)
    )


def by_statistics(target):
    moments = gram_matrix(target, "hw")

    def objective(x):
        gap = gram_matrix(encoder(x, [LAYER])[LAYER], "hw") - moments
        return gap.square().mean() / moments.square().mean() + smooth(x)

    return objective


wishes = {
    "place by place": place_by_place(goal),
    "in statistics": by_statistics(goal),
    "piece by piece": place_by_place(library_swap(theirs, goal)),
}
pictures = {"the photograph": photo, "the window": window}
for name, wish in wishes.items():
    pictures[name], history = run_transfer(wish, photo, steps=45, lr=0.04)
    print(f"{name:>15}: {history[0]:.2f} -> {history[-1]:.2f}")

figure, axes = plt.subplots(1, 5, figsize=(14, 2.5))
for axis, (name, picture) in zip(axes, pictures.items()):
    axis.imshow(picture[0].permute(1, 2, 0))
    axis.set_title(name)
    axis.axis("off")
plt.show()

# %% [markdown]
# *Five small pictures: an astronaut, a round glass window, and three results. The first result is the window again. The
# second is the astronaut, made of glass cells with dark leads; the third is the astronaut, with dark outlines and the
# window's hues.*
#
# Three readings of one instruction, three pictures. The first reader has copied the window's **layout**: values at
# places *are* the layout. So whoever says "style similarity means that the generated image's features match the style
# image's" has to add *in what*: style is matched **only in statistics over places**, content **value by value**. These
# are two images with two targets, and the features of all of them are never made equal.
#
# And the first reader's kind of matching, on features of the right image, is just the content loss of lesson 04; the
# second is the style loss of 03. If that were all, this lesson would not exist. But the words "feature matching", when
# a paper uses them, mostly mean none of the three.

# %% [markdown]
# ## In a GAN it is somebody else's network, and somebody else's loss
#
# A generator learns from a discriminator D through one number: the verdict. Salimans et al. (NeurIPS 2016) let it learn
# from what D *sees* on the way to the verdict, its hidden features $f$:
#
# $$L_G = \bigl\lVert\; \mathbb E_{x}\, f(x) \;-\; \mathbb E_{z}\, f(G(z)) \;\bigr\rVert_2^2 .$$
#
# Three things to notice. The network is the **discriminator**, still learning, not a frozen encoder. The loss belongs
# to the **generator**; D keeps its own, and the real features are a target, so they are detached. And the means stand
# *inside* the norm: no fake is compared with any single real sample.
#
# Why not? By hand: two real samples with one feature each, $f = 0$ and $f = 4$; two fakes, at $1$ and $3$. Both means
# are $2$, so the loss is $0$. Pair the first with the first and the second with the second and you would get
# $1^2 + 1^2$; pair them crosswise and you get $3^2 + 3^2$. There is no right pairing to choose, because a fake from
# noise has no partner. What would a generator do that is measured against a randomly drawn partner each time? Answer
# with their average, for every $z$: one blurred picture.
#
# ### Exercise 19.1: two crowds, two means


# %% answer="feature_matching_loss"
def feature_matching_loss(real: list[torch.Tensor], fake: list[torch.Tensor]) -> torch.Tensor:
    """Σ over layers of ‖mean over the batch of real − mean over the batch of fake‖².

    The squared norm is a sum over all features and positions; nothing but the batch is averaged, and layers are added.

    Args:
        real: one tensor (N_r, ...) per layer; constants, no gradient reaches them.
        fake: one tensor (N_f, ...) per layer, of the same trailing shape; N_f and N_r may differ.
    Returns:
        A 0-d tensor of their dtype, differentiable in `fake`.
    Raises:
        ValueError: no layers, another number of layers, or trailing shapes that differ.
    """
    ### BEGIN SOLUTION
    if len(real) == 0 or len(real) != len(fake):
        raise ValueError(f"real, fake: expected the same layers, got {len(real)} and {len(fake)}")
    total = torch.zeros(())
    for r, f in zip(real, fake):
        if r.shape[1:] != f.shape[1:]:
            raise ValueError(f"fake: expected (N, ...) like {tuple(r.shape)}, got {tuple(f.shape)}")
        gap = f.mean(0) - r.detach().mean(0)  # the trailing shape, without the batch
        total = total + gap.square().sum()
    return total
    ### END SOLUTION


# %% check="feature_matching_loss"

# %% [markdown]
# ## What equal means buy, and what they do not
#
# A toy with two numbers for a picture. The real samples lie in eight small heaps on a circle. One generator is trained
# by the verdict alone, a second one by the verdict plus feature matching, both for the same few hundred steps against a
# discriminator of the same size.
#
# **Before you run it:** the second generator matches *means* of features. Will its samples lie in eight heaps?


# %%
def heaps(count, generator):
    """(count, 2): eight heaps on a circle of radius 2."""
    angle = torch.randint(8, (count,), generator=generator) * math.pi / 4
    return 2 * torch.stack([angle.cos(), angle.sin()], 1) + 0.05 * torch.randn(count, 2, generator=generator)


class Discriminator(torch.nn.Module):
    """Returns the hidden features that it looked at, and the score."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.score = (torch.nn.Linear(a, b) for a, b in ((2, 64), (64, 32), (32, 1)))

    def forward(self, x):
        hidden = leaky_relu(self.second(leaky_relu(self.first(x), 0.2)), 0.2)
        return hidden, self.score(hidden)


def train(weight, steps=400, seed=0):
    """A generator's samples after training with `weight` times the feature matching loss, and the last gap."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = (4, 64, 64, 2)
        layers = [part for a, b in pairwise(sizes) for part in (torch.nn.Linear(a, b), torch.nn.ReLU())]
        G, D = torch.nn.Sequential(*layers[:-1]), Discriminator()
    generator = torch.Generator().manual_seed(seed)
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), 1e-3, betas=(0.5, 0.9)) for net in (G, D))
    for _ in range(steps):
        real, fake = heaps(128, generator), G(torch.randn(128, 4, generator=generator))
        opt_d.zero_grad()
        (softplus(-D(real)[1]).mean() + softplus(D(fake.detach())[1]).mean()).backward()
        opt_d.step()
        opt_g.zero_grad()
        seen, score = D(fake)
        loss = softplus(-score).mean()
        if weight:
            loss = loss + weight * library_means([D(real)[0]], [seen])
        loss.backward()
        opt_g.step()
    with torch.no_grad():
        samples, real = G(torch.randn(600, 4, generator=generator)), heaps(600, generator)
        return samples, real, float(library_means([D(real)[0]], [D(samples)[0]]))


figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharex=True, sharey=True)
for axis, weight, title in zip(axes, (0.0, 1.0), ("The verdict alone", "With feature matching")):
    samples, real, gap = train(weight)
    axis.scatter(*samples.T, s=7, color="#0072B2", label="generated")
    axis.scatter(*real.T, s=12, color="#D55E00", marker="+", label="real")
    axis.set_title(title)
    axis.set_xlabel("first number")
    axis.set_aspect("equal")
    print(
        f"{title}: gap of feature means {gap:.2f}, generated mean {samples.mean(0).norm():.2f} from the centre"
    )
    near = torch.cdist(samples, real).amin(1) < 0.25
    print(f"    samples within 0.25 of a real one: {float(near.double().mean()):.0%}")
axes[0].set_ylabel("second number")
axes[0].legend(loc="lower left")
plt.show()

# %% [markdown]
# *Two scatter plots with eight small heaps of crosses on a circle. Left, the generated cloud lies to one side and
# misses most heaps. Right, it is centred on the circle and covers all heaps and everything between them.*
#
# After the same number of steps the first generator has run to one side, where D happened to be generous, and will be
# chased from there. The second one covers the whole circle: its mean is right, and the means of D's features nearly
# so. That is what the loss was invented for, a steadier target. But look for the heaps: five of six samples lie outside
# of them. **Equal means are not equal distributions**; the loss cannot see a difference that
# leaves the means alone, no more than a linear kernel can in an MMD (lesson 20). It stays an extra term: the verdict
# still has to do the rest.
#
# <details><summary>Ask yourself: what if D, too, were trained to minimise this loss?</summary>
#
# Then both would agree on features that are the same for everything, and the loss would be zero for any pictures. D's
# features are worth matching because D is rewarded for telling the two apart.
#
# </details>

# %% [markdown]
# ## With pairs you may say more
#
# pix2pixHD (Wang et al., CVPR 2018) turns a map of labels into a photograph, and for each map the true photograph is
# known. Now fake $i$ *has* a partner, and comparing them one by one is an advantage. Three discriminators look at the
# pair at three sizes, and in each of them all layers are compared but the last, the score map:
#
# $$L_{FM} = \lambda \cdot \frac1D \sum_{d=1}^{D} \frac{1}{L_d - 1} \sum_{l=1}^{L_d - 1}
# \operatorname{mean}\bigl\lvert f_{d,l}(x) - f_{d,l}(G(s)) \bigr\rvert .$$
#
# The score map stays out because it is not a feature: asking the fake's verdict to equal the real one's would be a
# second adversarial loss in disguise. The *mean* within a layer matters because the maps differ in size: those of the
# finest scale have sixteen times the elements of the coarsest. (The paper sums over layers and scales, and its code
# divides in a way of its own. With means, as here, λ = 10 keeps its meaning when a discriminator gets another layer.)
#
# ### Exercise 19.2: pair by pair, scale by scale


# %% answer="multiscale_feature_matching"
def multiscale_feature_matching(real: list, fake: list, lam: float = 10.0) -> torch.Tensor:
    """lam · mean over scales of the mean over layers of mean |real − fake|.

    Args:
        real: real[d][l], layer l at scale d, (N, ...). The last layer of each scale is its score map: left out.
            Scales may have different numbers of layers. Constants, no gradient reaches them.
        fake: the same for the generated samples; sample i belongs to real sample i.
        lam: the weight.
    Returns:
        A 0-d tensor of their dtype, differentiable in `fake`.
    Raises:
        ValueError: no scales; another number of scales or layers; a scale with fewer than two layers; shapes that
            differ.
    """
    ### BEGIN SOLUTION
    if len(real) == 0 or len(real) != len(fake):
        raise ValueError(f"real, fake: expected the same scales, got {len(real)} and {len(fake)}")
    scales = []
    for r_layers, f_layers in zip(real, fake):
        if len(r_layers) < 2 or len(r_layers) != len(f_layers):
            raise ValueError(f"expected two layers or more, got {len(r_layers)} and {len(f_layers)}")
        if any(r.shape != f.shape for r, f in zip(r_layers, f_layers)):
            raise ValueError("fake: expected the shapes of real, layer by layer")
        gaps = [(r.detach() - f).abs().mean() for r, f in zip(r_layers[:-1], f_layers[:-1])]
        scales.append(sum(gaps) / len(gaps))
    return lam * sum(scales) / len(scales)
    ### END SOLUTION


# %% check="multiscale_feature_matching"

# %% [markdown]
# ## Which loss notices what?
#
# Now all the matchings at one table. Take six crops of a photograph and their features, and *damage a copy* in four
# ways: swap the samples among themselves; move every feature to another place, the same move in all samples; the
# same with whole blocks, which keeps neighbours together; or change nothing but the strength of the features. Each loss
# says how far the copy is from the original, in units of what it says about six crops of another picture.
#
# **Guess one row first:** the batch means of Salimans. Where is its zero?

# %%
coffee, gravel = (photograph(name, size=256) for name in ("coffee", "gravel"))


def six_crops(picture):
    crops = torch.cat([picture[..., y : y + 64, x : x + 48] for y in (20, 100) for x in (10, 90, 170)])
    with torch.no_grad():
        return encoder(crops, ["relu3_1"])["relu3_1"]  # (6, 96, 16, 12)


original, other = six_crops(coffee), six_crops(gravel)
generator = torch.Generator().manual_seed(2)
places = torch.randperm(16 * 12, generator=generator)
blocks = torch.randperm(4 * 3, generator=generator)
tiles = original.unfold(2, 4, 4).unfold(3, 4, 4).flatten(2, 3)[:, :, blocks]  # (6, 96, 12, 4, 4)
damaged = {
    "samples swapped": original[torch.tensor([2, 3, 4, 5, 0, 1])],
    "places shuffled": original.flatten(2)[..., places].view_as(original),
    "blocks shuffled": tiles.unflatten(2, (4, 3)).permute(0, 1, 2, 4, 3, 5).reshape(original.shape),
    "half the strength": 0.5 * original,
    "another picture": other,
}


def patch_distance(real, fake):
    """How badly the patches of `fake` are explained by patches of `real`, sample by sample."""
    rebuilt = library_swap(fake, real)
    return (rebuilt - fake).square().mean()


losses = {
    "content: value by value": lambda r, f: (r - f).square().mean(),
    "pix2pixHD: pairs, L1": lambda r, f: library_pairs([[r, r]], [[f, f]]),
    "Salimans: batch means": lambda r, f: library_means([r], [f]),
    "style: Gram matrices": lambda r, f: (gram_matrix(r) - gram_matrix(f)).square().mean(),
    "patches: style-swap": patch_distance,
}
table = torch.tensor([[float(loss(original, copy)) for copy in damaged.values()] for loss in losses.values()])
table = table / table[:, -1:]

figure, axis = plt.subplots(figsize=(8.2, 3.4))
axis.imshow(table, cmap="cividis", vmin=0, vmax=1, aspect="auto")
axis.set_xticks(range(len(damaged)), damaged)
axis.set_yticks(range(len(losses)), losses)
for row in range(len(losses)):
    for column in range(len(damaged)):
        value = float(table[row, column])
        axis.text(
            column, row, f"{value:.2f}", ha="center", va="center", color="white" if value < 0.55 else "black"
        )
axis.set_title("A zero is what a loss cannot see")
plt.show()

# %% [markdown]
# *A table of five losses against five damages, coloured from dark (0, not noticed) to bright (1, as bad as another
# picture).*
#
# Read the zeros. **Batch means** cannot see who is who. **Gram matrices** cannot see what is where, not in blocks and
# not one by one. The two **value-by-value** losses see everything, which is right for pairs and for content, and wrong
# for a style. And the last row, patches, is in between: shuffle single places and the patches are broken; shuffle whole
# blocks and most patches still exist somewhere, so that little is complained about.
#
# That orders the losses by how much spatial information survives, and row three holds a surprise: places count there.
# Salimans' means keep positions apart. Averaging over positions as well is a common slip, and turns the
# loss into a style statistic of first order.
#
# <details><summary>Ask yourself: the last row has no zero. What could it not see at all?</summary>
#
# Anything made of the original's own patches: the same patch everywhere, for one. It asks that each patch be *known*,
# not that each known patch be used.
#
# </details>

# %% [markdown]
# ## The third meaning: find the piece that corresponds
#
# Li and Wand (CVPR 2016) and Chen and Schmidt (2016) take the style apart into little pieces, p × p positions with all
# channels, and let every piece of the content look for its like. Chen and Schmidt's **style-swap** has four steps:
# score, choose, paste, average.
#
# $$\operatorname{best}(c) = \operatorname*{argmax}_{s}\; \frac{\langle c, s\rangle}{\lVert s \rVert}$$
#
# The division is the whole point. By hand, pieces of two numbers: $c = (1, 0)$. A faint piece in the same direction,
# $s_1 = (1, 0)$, and a strong one that hardly fits, $s_2 = (3, 9)$. Without the division $s_2$ wins, $3$ against $1$.
# With it $s_1$ wins, $1$ against $3/\sqrt{90} = 0.32$. Dividing by $\lVert c\rVert$ too would change nothing: it is the
# same for all candidates.
#
# What is *pasted* is the raw piece. Its strength belongs to the style, and the decoder that turns features into an
# image expects it.
#
# To see it happen, darken the window and hold a lamp behind a few panes at its upper right. The panes' pattern is the
# same as before; some pieces are now several times stronger than others.
#
# **Before you run the next cell:** five places in the photograph look for their piece of the window, once with the
# division and once without. Where do the arrows go?

# %%
rows, columns = torch.meshgrid(torch.arange(92.0), torch.arange(116.0), indexing="ij")
lamp = 0.3 + 0.7 * torch.exp(-((rows - 24) ** 2 + (columns - 86) ** 2) / (2 * 16**2))
with torch.no_grad():
    wanted = unfold(theirs, 3)[0]  # (576, N)
    pieces = unfold(encoder(window * lamp, [LAYER])[LAYER], 3)[0]  # (576, M)
lit = unfold(lamp[None, None, ::2, ::2], 3)[0].mean(0) > 0.65  # which pieces the lamp shines through
width = theirs.shape[3] - 2
asking = [(8, 8), (13, 24), (24, 50), (38, 12), (36, 30)]  # rows and columns in the feature map

figure, grid = plt.subplots(2, 2, figsize=(8.6, 6.4))
for axes, name, units in zip(
    grid, ("with the norm", "without the norm"), (pieces / pieces.norm(dim=0), pieces)
):
    best = (units.T @ wanted).argmax(0)
    for axis, picture in zip(axes, (photo, window * lamp)):
        axis.imshow(picture[0].permute(1, 2, 0))
        axis.axis("off")
    axes[0].set_title(f"{name}: {len(best.unique())} different pieces are used", loc="left")
    for (y, x), color in zip(asking, ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7")):
        v, u = divmod(int(best[y * width + x]), width)
        ends = [(2 * x + 3, 2 * y + 3), (2 * u + 3, 2 * v + 3)]  # centres of the pieces, in pixels
        arrow = ConnectionPatch(
            *ends, "data", "data", axesA=axes[0], axesB=axes[1], arrowstyle="-|>", color=color, linewidth=2
        )
        figure.add_artist(arrow)
    print(f"{name}: {float(lit[best].double().mean()):.0%} of the places get one of the lit pieces")
figure.tight_layout()
plt.show()
print(f"({float(lit.double().mean()):.0%} of the pieces are lit)")

# %% [markdown]
# *Two rows, the photograph left and the darkened window with its lamp right, with five arrows. Above they end at five
# different places, three of them outside the light; below all five end in the light of the lamp.*
#
# Without the norm, strength decides: seven places of ten are filled with what the lamp shines through, whatever they
# had asked for. With it, direction decides, and the lit tenth of the window gets two places of ten.
#
# ### Exercise 19.3: style-swap


# %% answer="style_swap"
def style_swap(content: torch.Tensor, style: torch.Tensor, patch: int = 3) -> torch.Tensor:
    """Rebuild a feature map from another one's patches.

    Cut all patch × patch pieces (all channels, stride 1, no padding) out of both maps. Give each content piece c the
    style piece s with the largest ⟨c, s⟩ / (‖s‖ + 1e-8), among equals the first in row-major order. Paste the raw s at
    c's place. Divide each position by the number of pieces that cover it.

    Args:
        content: (C, H, W).
        style: (C, Hs, Ws).
        patch: odd.
    Returns:
        (C, H, W), the dtype of `content`; no gradient is asked for.
    Raises:
        ValueError: `patch` is even or below 1, or larger than a side of either map; or the channels differ.
    """
    ### BEGIN SOLUTION
    if patch < 1 or patch % 2 == 0 or patch > min(*content.shape[1:], *style.shape[1:]):
        raise ValueError(f"patch: expected an odd number that fits both maps, got {patch}")
    if content.shape[0] != style.shape[0]:
        raise ValueError(f"style: expected {content.shape[0]} channels, got {style.shape[0]}")
    nnf = torch.nn.functional
    wanted, pieces = (nnf.unfold(x[None], patch)[0] for x in (content, style))  # (C·p·p, N) and (C·p·p, M)
    directions = pieces / (pieces.norm(dim=0) + 1e-8)
    best = (directions.T @ wanted).argmax(0)  # (M, N) -> (N,)
    pasted = pieces[:, best][None]  # (1, C·p·p, N), raw
    total, count = (nnf.fold(x, content.shape[1:], patch)[0] for x in (pasted, torch.ones_like(pasted)))
    return total / count
    ### END SOLUTION


# %% check="style_swap"

# %% [markdown]
# ## What the averaging costs
#
# Each place inside is covered by nine pieces, and neighbours need not agree. Their average is softer than any of them:

# %%
swapped = library_swap(theirs, goal)
pieces = unfold(goal, 3)[0]
chosen = pieces[:, ((pieces / pieces.norm(dim=0)).T @ wanted).argmax(0)]  # (576, N), before the averaging
before, after = (float(x.square().mean().sqrt()) for x in (chosen, unfold(swapped, 3)))
print(f"root mean square of the chosen pieces: {before:.2f}; of the same places after averaging: {after:.2f}")
for name, features in {"photograph": theirs, "swapped": swapped}.items():
    gap = gram_matrix(features, "hw") - gram_matrix(goal, "hw")
    print(f"distance of the Gram matrix from the window's, {name}: {float(gap.norm()):.1f}")

# %% [markdown]
# A good part of the features' strength is gone, and the fine strokes with it. And although every piece is the window's
# own, the statistics of the whole are not the window's: they have come half of the way.
#
# So when is looking up pieces better than matching statistics? Where local structure must stay whole: an eye, a window
# frame, a leaf. A piece is copied; a Gram matrix re-invents it out of correlations and mixes what it likes. It fails
# where the style has nothing similar: the least bad piece repeats itself, and most of the painting is never used.
#
# <details><summary>Ask yourself: the interviewer meant SIFT and ORB. What do you say?</summary>
#
# That in geometry the word means key points matched between two views, and that here it means one of three others. Then
# ask which.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - T. Salimans, I. Goodfellow, W. Zaremba, V. Cheung, A. Radford, X. Chen, *Improved Techniques for Training GANs*,
#   NeurIPS 2016, arXiv:1606.03498, Section 3.1.
# - T.-C. Wang, M.-Y. Liu, J.-Y. Zhu, A. Tao, J. Kautz, B. Catanzaro, *High-Resolution Image Synthesis and Semantic
#   Manipulation with Conditional GANs*, CVPR 2018, arXiv:1711.11585, Section 3.2.
# - C. Li, M. Wand, *Combining Markov Random Fields and Convolutional Neural Networks for Image Synthesis*, CVPR 2016,
#   arXiv:1601.04589.
# - T. Q. Chen, M. Schmidt, *Fast Patch-based Style Transfer of Arbitrary Style*, 2016, arXiv:1612.04337, Section 3.1.
#
# **Next:** lesson 20 takes "equal means are not equal distributions" further, to MMD. Patches come back in 27, where a
# texture has to survive.
