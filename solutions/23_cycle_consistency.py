# %% [markdown]
# # 23 Cycle-consistency loss / 循环一致性损失
#
# **After this lesson** you can write the loss exactly, name what it forbids and what it lets pass, catch a generator
# that cheats, and code the contrastive loss that has taken the cycle's place.
#
# About 35 minutes, and 45 for the exercises. Read 08 for CycleGAN's networks and steps; 18 has the adversarial losses.

# %% [markdown] interview="question"

# %% tags=["setup"]
import torch
import torch.nn.functional as nnf  # the second generator is called F here

# %%
import math

import matplotlib.pyplot as plt
from torch import nn

from nstkit.encoders import load_encoder
from nstkit.gan import cycle_losses as library_cycle
from nstkit.gan import patch_nce_loss as library_nce
from nstkit.gan import quantization_gap as library_gap
from nstkit.grading import check
from nstkit.images import patch_shuffle, photograph

torch.set_num_threads(1)  # for tensors this small a second thread only waits
cup = photograph("coffee", size=96) * 2 - 1  # (1, 3, 64, 96) in [-1, 1]
cat = photograph("chelsea", size=96) * 2 - 1

# %% [markdown]
# ## Where did the colour come from?
#
# Two small networks. G turns colour photographs into **gray** ones: it is punished for every deviation from the true
# gray. F turns gray photographs back into colour. Together they are asked for a cycle: F(G(x)) should be x. Nothing
# else; no discriminator, no trick. A few seconds of training on crops of two photographs.
#
# **Before you run it:** a gray picture does not say whether a cup is red or blue. What will F paint?


# %%
def gray(image):
    """The true gray of an image, as three equal channels."""
    return (
        (image * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True).expand_as(image)
    )


def translator(seed, width=16):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        widths = ((3, width), (width, width), (width, 3))
        layers = [nn.Conv2d(a, b, 3, padding=1, padding_mode="reflect") for a, b in widths]
    return nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])


correction, F = translator(0), translator(1)


def G(image):
    """Gray, and whatever the network wants to add to it."""
    return gray(image) + 0.2 * correction(image)


generator = torch.Generator().manual_seed(0)
optimizer = torch.optim.Adam([*correction.parameters(), *F.parameters()], 4e-3)
for _ in range(300):
    corners = torch.randint(32, (4, 2), generator=generator).tolist()
    crops = [(cup, cat)[k % 2][..., y : y + 32, x : x + 32] for k, (y, x) in enumerate(corners)]
    x = torch.cat(crops)
    y = G(x)
    loss = (F(y) - x).abs().mean() + 10 * (y - gray(x)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def show(pictures, rows=1):
    figure, axes = plt.subplots(
        rows, len(pictures) // rows, figsize=(3.4 * len(pictures) // rows, 2.6 * rows)
    )
    for axis, (title, picture) in zip(axes.flat, pictures.items()):
        axis.imshow(((picture[0].permute(1, 2, 0) + 1) / 2).clamp(0, 1))
        axis.set_title(title)
        axis.axis("off")
    figure.tight_layout()
    plt.show()


with torch.no_grad():
    middle, back = G(cup), F(G(cup))
show({"x": cup, "G(x), to be gray": middle, "F(G(x)), from gray": back})
print(
    f"G(x) deviates from the true gray by {float((middle - gray(cup)).abs().mean()) / 2 * 255:.1f} of 255 gray levels"
)
print(f"cycle loss |F(G(x)) - x|: {float((back - cup).abs().mean()):.3f}")

# %% [markdown]
# *Three pictures: an orange-red saucer with a cup; the same in gray; the same in its original colours.*
#
# The saucer is orange again, the wood brown, and in between there was a gray picture. Something is wrong, and it is not
# the code. Keep the question; first the loss.

# %% [markdown]
# ## Exactly
#
# Two domains without pairs, $G: X \to Y$ and $F: Y \to X$. Zhu et al. (ICCV 2017, Eq. 2):
#
# $$L_\text{cyc} = E_x \lVert F(G(x)) - x \rVert_1 + E_y \lVert G(F(y)) - y \rVert_1 ,$$
#
# on **images**, in **L1**, in **both directions**, weighed by λ = 10 beside two adversarial losses. Each image is
# compared with *its own reconstruction*.
#
# A widespread list of answers has another formula: map both domains' features into a common space and average $\lVert
# F_s - F_t \rVert^2$ between source and target. Look for the cycle in it. There is none; it asks the two domains to be
# alike.
#
# **Why both directions?** Let X hold one picture, 0, and Y two, 0 and 1. G sends 0 to 0; F sends both to 0. Forward:
# $F(G(0)) = 0$, no loss. Backward: $G(F(1)) = 0 \ne 1$. Half of Y is never made, and the forward term cannot see it.
#
# **The identity terms** $E\lVert G(y) - y\rVert_1 + E\lVert F(x) - x \rVert_1$, weight 0.5 λ: an image that is
# *already* in the target domain should stay. Note what is fed: y to G. They hold the colours, since a G that makes
# everything bluer and an F that makes it yellower again pass the cycle.
#
# ### Exercise 23.1: the cycle and the identities


# %% answer="cycle_losses"
def cycle_losses(
    G, F, x: torch.Tensor, y: torch.Tensor, lam: float = 10.0, lam_idt: float = 0.5
) -> dict[str, torch.Tensor]:
    """The two cycle terms, the two identity terms, and their weighted total.

    forward = mean |F(G(x)) − x|, backward = mean |G(F(y)) − y|, idt_g = mean |G(y) − y|, idt_f = mean |F(x) − x|, over
    all elements and without weights; total = lam (forward + backward) + lam lam_idt (idt_g + idt_f).

    Args:
        G, F: callables X → Y and Y → X. The gradient runs through both in each cycle.
        x, y: (N, 3, H, W) and (M, 3, H, W).
        lam, lam_idt: at least 0. With lam_idt = 0 the identity passes are not run, and their terms are 0.
    Returns:
        "forward", "backward", "idt_g", "idt_f", "total".
    Raises:
        ValueError: a negative weight.
    """
    ### BEGIN SOLUTION
    if lam < 0 or lam_idt < 0:
        raise ValueError(f"lam, lam_idt: expected at least 0, got {lam}, {lam_idt}")
    forward = (F(G(x)) - x).abs().mean()
    backward = (G(F(y)) - y).abs().mean()
    idt_g = idt_f = torch.zeros_like(forward)
    if lam_idt > 0:
        idt_g, idt_f = (G(y) - y).abs().mean(), (F(x) - x).abs().mean()
    total = lam * (forward + backward) + lam * lam_idt * (idt_g + idt_f)
    return {"forward": forward, "backward": backward, "idt_g": idt_g, "idt_f": idt_f, "total": total}
    ### END SOLUTION


# %% check="cycle_losses"

# %% [markdown]
# ## What passes
#
# Four pairs of translators, judged by the loss. One does nothing. One makes the negative of the picture and lays its
# pieces out in another order; its partner undoes both. One makes everything bluer. One turns every picture into its
# mean colour, and its partner does what it can.
#
# **Before you run it:** which of them does the cycle reject?

# %%
order = torch.randperm(24, generator=torch.Generator().manual_seed(2))
undo = order.argsort()
tint = torch.tensor([-0.2, -0.1, 0.3]).view(1, 3, 1, 1)
pairs = {
    "nothing": (lambda image: image, lambda image: image),
    "negative, in pieces": (lambda i: patch_shuffle(-i, 16, order), lambda i: -patch_shuffle(i, 16, undo)),
    "bluer": (lambda image: image + tint, lambda image: image - tint),
    "mean colour": (lambda i: i.mean((2, 3), keepdim=True).expand_as(i), lambda i: i),
}
pictures = {}
for name, (there, again) in pairs.items():
    losses = library_cycle(there, again, cup, cat)
    pictures[f"G(x): {name}"] = there(cup)
    cycle, identity = (float(losses[a] + losses[b]) for a, b in (("forward", "backward"), ("idt_g", "idt_f")))
    print(f"{name:>20}: cycle {cycle:.3f}, identity {identity:.3f}")
pictures |= {f"F(G(x)), {name}": again(there(cup)) for name, (there, again) in pairs.items()}
show(pictures, rows=2)

# %% [markdown]
# *Above, four translations of the cup: itself, a shuffled negative, a bluish one, a flat brown. Below, what comes back:
# the cup three times, and flat brown.*
#
# It rejects the last one alone: a translation from which the source **cannot be recovered**. This is what the cycle is
# for. With discriminators alone, G may send a thousand photographs to the same three good paintings, and the cycle
# forbids many-to-one.
#
# It accepts the other three. *Doing nothing* is a perfect solution, so the cycle needs the adversarial terms to pull
# against it, and λ sets the balance: too large, and outputs stick to their inputs. *Being absurd* is a perfect solution
# too. That the pieces are in the wrong places is no concern of this loss; "ensures a correct mapping" is not what it
# does. The *tint* passes as well, and is what the identity term is for: there it costs, as the absurd one does.
#
# The same on a line, with meaning attached:

# %%
day = torch.tensor([-2.0, -1.2, 0.0, 1.1, 2.1])
night = torch.tensor([-1.9, -1.0, 0.2, 1.0, 2.0])
figure, axes = plt.subplots(1, 2, figsize=(10, 2.9), sharey=True)
for axis, match, title in zip(
    axes, ([0, 1, 2, 3, 4], [3, 0, 4, 1, 2]), ("Every house keeps its place", "Consistently wrong")
):
    to_night = {float(d): float(night[m]) for d, m in zip(day, match)}
    to_day = {n: d for d, n in to_night.items()}
    losses = library_cycle(
        lambda v, table=to_night: torch.tensor([table[float(d)] for d in v]),
        lambda v, table=to_day: torch.tensor([table[float(n)] for n in v]),
        day, night, lam_idt=0.0,
    )  # fmt: skip
    for d, n in to_night.items():
        axis.plot([d, n], [1, 0], color="gray", linewidth=1)
    axis.scatter(day, torch.ones(5), s=70, marker="o", color="#E69F00", label="houses by day")
    axis.scatter(night, torch.zeros(5), s=70, marker="s", color="#0072B2", label="houses by night")
    axis.set_title(f"{title}: cycle loss {float(losses['total']):.2f}")
    axis.set_yticks([])
    axis.set_xlabel("which house (one number that stands for it)")
axes[0].legend(loc="center left", fontsize=8)
plt.show()

# %% [markdown]
# *Two rows of five points joined by lines: on the left nearly upright, on the right crossing; both with cycle loss 0.*
#
# <details><summary>Ask yourself: why L1 on the pixels?</summary>
#
# Where several reconstructions are possible, squared errors are least at their mean, which is blurred; absolute ones at
# their median, a value that occurs. And the slope of L1 does not fade for small errors, so details are still corrected.
# No theorem asks for it.
#
# </details>

# %% [markdown]
# ## The answer to the riddle
#
# Back to the gray cup. Subtract the true gray from what G made, and amplify.

# %%
with torch.no_grad():
    honest = F(gray(cup))
show(
    {
        "G(x)": middle,
        "(G(x) − true gray) × 12": 12 * (middle - gray(cup)),
        "F(the true gray)": honest,
        "F(G(x))": back,
    }
)
for name, picture in {"G(x)": back, "the true gray": honest}.items():
    print(f"reconstruction error from {name}: {float((picture - cup).abs().mean()):.3f}")

# %% [markdown]
# *Four pictures: the gray cup; a green and purple ghost of it, the orange parts in one colour and the rest in the
# other; the cup in dull browns; the cup in its colours.*
#
# There is the colour. G writes it into differences between the channels that your eye does not notice, less than two
# gray levels on average, and F reads them. Nobody programmed this; it is the best answer to "be gray *and* let F win".
# Give F a picture that is really gray, and it is at a loss. Chu, Zhmoginov and Sandler (2017) found the same in
# CycleGAN itself, on aerial photographs and maps: black dots on a roof, which the map did not show, came back in the
# photograph. They called it steganography.
#
# So the cycle is weaker than it looks: "recoverable" need not mean *visible*. How to catch such a pair is the last
# exercise. And it is stronger than one wishes where information *has* to be lost or shapes have to change, a photograph
# turned into a map of labels, a cat into a dog: there it leaves the choice between not doing it and hiding it.

# %% [markdown]
# ## One direction is enough
#
# CUT (Park et al., ECCV 2020) throws F away. Take features of S patches of the output, the queries $q_i$, and of the
# *input* at the same places, the keys $k_i$, all of length 1. Each query should recognise its own key among all S:
#
# $$L = \frac1S \sum_i -\log \frac{\exp(q_i \cdot k_i / \tau)}{\sum_j \exp(q_i \cdot k_j / \tau)} .$$
#
# By hand with S = 2, τ = 1, $q_1 \cdot k_1 = 1$, $q_1 \cdot k_2 = 0$: the first term is $-\log\frac{e}{e + 1} = 0.31$.
# If the output says nothing about place, all dot products agree and the loss is $\log S$, that of guessing. The other
# patches are what makes it a contrast; a plain distance between pairs would be content with one constant feature.
#
# ### Exercise 23.2: each patch among all patches


# %% answer="patch_nce_loss"
def patch_nce_loss(query: torch.Tensor, key: torch.Tensor, tau: float = 0.07) -> torch.Tensor:
    """Mean over i of −l_ii + log Σ_j exp(l_ij), with l = q kᵀ / tau for rows q, k of length 1.

    Args:
        query: (S, C), features of the output; the gradient reaches them.
        key: (S, C), features of the input at the same places, a constant.
        tau: temperature; the result is finite for 0.001 too.
    Returns:
        A 0-d tensor.
    Raises:
        ValueError: the shapes differ, S < 2, or tau is not positive.
    """
    ### BEGIN SOLUTION
    if query.shape != key.shape or len(query) < 2:
        raise ValueError(
            f"expected two tensors (S, C) with S ≥ 2, got {tuple(query.shape)}, {tuple(key.shape)}"
        )
    if tau <= 0:
        raise ValueError(f"tau: expected a positive number, got {tau}")
    q, k = nnf.normalize(query, dim=1), nnf.normalize(key.detach(), dim=1)
    logits = q @ k.T / tau  # (S, S): row i, query i against all keys
    return (torch.logsumexp(logits, dim=1) - logits.diagonal()).mean()
    ### END SOLUTION


# %% check="patch_nce_loss"

# %%
encoder = load_encoder("tiny")


def patches(image):
    """Features at 24 places, (24, 96)."""
    with torch.no_grad():
        features = encoder((image.clamp(-1, 1) + 1) / 2, ["relu3_1"])["relu3_1"]
    return nnf.avg_pool2d(features - features.mean((2, 3), keepdim=True), 4)[0].flatten(1).T


figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.5))
candidates = {
    "gray": gray(cup),
    "bluer": cup + tint,
    "negative, in pieces": pairs["negative, in pieces"][0](cup),
}
for axis, (name, output) in zip(axes, candidates.items()):
    query, key = patches(output), patches(cup)
    cosines = nnf.normalize(query, dim=1) @ nnf.normalize(key, dim=1).T
    picture = axis.imshow(cosines, cmap="cividis", vmin=-1, vmax=1)
    axis.set_title(f"{name}: {float(library_nce(query, key)):.2f}")
    axis.set_xlabel("patch of the input (key)")
axes[0].set_ylabel("patch of the output (query)")
figure.colorbar(picture, ax=axes, label="cosine", shrink=0.8)
plt.show()
print(f"guessing: log 24 = {math.log(24):.2f}")

# %% [markdown]
# *Three tables of 24 x 24 cosines with their losses. For gray and bluer the diagonal stands out; for the shuffled
# negative there is none.*
#
# Gray and bluer pass: each patch still recognises where it came from. The negative in pieces, which was *free* for the
# cycle, is now worse than guessing, since what looks most alike lies elsewhere. This loss has an opinion about places,
# needs no second generator, and does not ask that anything be recoverable.

# %% [markdown]
# ## Catch the cheat
#
# A message that lives below one gray level does not survive being saved as a file. So save the image in the middle,
# load it, and see whether the way back still works.
#
# ### Exercise 23.3: the gap that rounding opens


# %% answer="quantization_gap"
def quantization_gap(G, F, x: torch.Tensor, levels: int = 255) -> dict[str, float]:
    """Reconstruction error with the image in the middle as it is, and rounded to `levels` steps.

    y = G(x); q is y clamped to [-1, 1], mapped to [0, 1], rounded to the nearest multiple of 1 / levels, mapped back.
    plain = mean |F(y) − x|, quantized = mean |F(q) − x|, gap = quantized − plain.

    Args:
        G, F: callables for images in [-1, 1].
        x: (N, 3, H, W).
        levels: at least 1; 255 is an 8-bit file.
    Returns:
        "plain", "quantized", "gap": Python floats, no graph.
    Raises:
        ValueError: levels < 1.
    """
    ### BEGIN SOLUTION
    if levels < 1:
        raise ValueError(f"levels: expected at least 1, got {levels}")
    with torch.no_grad():
        y = G(x)
        unit = (y.clamp(-1, 1) + 1) / 2
        q = torch.round(unit * levels) / levels * 2 - 1
        plain, quantized = ((F(image) - x).abs().mean().item() for image in (y, q))
    return {"plain": plain, "quantized": quantized, "gap": quantized - plain}
    ### END SOLUTION


# %% check="quantization_gap"

# %%
brightness = 2 * 191 / 255 - 1
suspects = {
    "our trained pair": (G, F),
    "a master spy": (lambda x: brightness + 1e-3 * x, lambda y: (y - brightness) * 1e3),
    "an honest pair": (lambda x: x.flip(3), lambda y: y.flip(3)),
}
for name, (there, again) in suspects.items():
    gaps = {levels: library_gap(there, again, cup, levels)["gap"] for levels in (255, 63, 31, 15)}
    print(f"{name:>17}: " + ", ".join(f"gap {gap:.3f} at {levels} levels" for levels, gap in gaps.items()))

with torch.no_grad():
    errors = [float((F(image) - cup).abs().mean()) for image in (G(cup), gray(G(cup)))]
print(f"our trained pair: gap {errors[1] - errors[0]:.3f} if the image in the middle is made truly gray")

# %% [markdown]
# The spy hides everything within an eighth of a gray level, and saving the file once ruins it. That is what the test is
# for. Now read the other two lines with care. The honest pair has a gap too at coarse levels, the rounding error
# itself: a gap means something only beside that number. And **our trained pair passes**. Its message is faint but
# smooth, one or two levels over whole regions, and rounding leaves the average of a region alone.
#
# The lesson in that: disturb the middle in the way that should *not* matter. The middle was to be gray, so make it
# gray; the last line does, and the pair is caught. Where the domain is "maps", redraw the map; where it is "paintings",
# compress or add a little noise. One test for all hiding places does not exist.
#
# <details><summary>Ask yourself: would noise on G(x) during training help?</summary>
#
# Yes, as far as the noise is stronger than the message: F can then rely only on what survives it, and the message has
# to become visible or go.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - J.-Y. Zhu, T. Park, P. Isola, A. A. Efros, *Unpaired Image-to-Image Translation Using Cycle-Consistent Adversarial
#   Networks*, ICCV 2017, arXiv:1703.10593, Eq. 2; Section 5.2 for the identity loss.
# - C. Chu, A. Zhmoginov, M. Sandler, *CycleGAN, a Master of Steganography*, 2017, arXiv:1712.02950.
# - T. Park, A. A. Efros, R. Zhang, J.-Y. Zhu, *Contrastive Learning for Unpaired Image-to-Image Translation*, ECCV
#   2020, arXiv:2007.15651.
# - M.-Y. Liu, T. Breuel, J. Kautz, *Unsupervised Image-to-Image Translation Networks* (UNIT), NeurIPS 2017: a shared
#   latent space, from which the cycle follows.
#
# **Next:** lesson 26 asks how much content may be kept on purpose; the identity loss comes back in 28, where colours
# have to stay.
