# %% [markdown]
# # 08 CycleGAN / 循环一致生成对抗网络
#
# **After this lesson** you can say which maps each part of CycleGAN's objective allows, write both training steps with
# every gradient going where it should, and explain the image pool and the 70 of the PatchGAN.
#
# About 40 minutes, and 80 for the exercises. Read 06 and 07 for the losses and the single step.

# %% [markdown] interview="question"

# %% tags=["setup"]
import torch
from torch import nn

# %%
from itertools import permutations, product

import matplotlib.pyplot as plt

from nstkit.gan import ImagePool as LibraryPool
from nstkit.gan import build_patch_discriminator, stripes
from nstkit.gan import cyclegan_discriminator_step as library_d_step
from nstkit.gan import cyclegan_generator_step as library_g_step
from nstkit.grading import check
from nstkit.training import linear_decay_factor as library_factor

torch.set_num_threads(1)  # networks this small are faster on one core

# %% [markdown]
# ## 729 pairs of maps
#
# Three photographs, three paintings: a world so small that we can try *every* translator. A map $G$ sends each
# photograph to one of the paintings, which makes $3^3 = 27$ maps; as many maps $F$ go back; 729 pairs. Exactly one pair
# is what we want: the painting of the cat for the photograph of the cat, and back.
#
# Nobody tells us which painting shows the cat: the data are **unpaired**. What we can ask for is that the outputs,
# taken together, be distributed like the other domain, and that the way there and back lead home.
#
# **Guess before you run it:** how many of the 729 pairs satisfy the first demand, how many the second, how many both?

# %%
maps = list(product(range(3), repeat=3))  # G[i] is the painting of photograph i


def looks_right(m):
    """The outputs are distributed like the other domain: each of its three pictures once."""
    return sorted(m) == [0, 1, 2]


def comes_home(there, back):
    return all(back[there[i]] == i for i in range(3))


pairs = list(product(maps, maps))
adversarial = {(G, F) for G, F in pairs if looks_right(G) and looks_right(F)}
cyclic = {(G, F) for G, F in pairs if comes_home(G, F) and comes_home(F, G)}
print(f"all pairs: {len(pairs)}")
print(f"both output distributions right: {len(adversarial)}")
print(f"both cycles closed: {len(cyclic)}")
print(f"both demands: {len(adversarial & cyclic)}")
print(f"what we want: {sum(G == F == (0, 1, 2) for G, F in adversarial & cyclic)}")

# %% [markdown]
# The adversarial demand leaves 36 pairs, since the two directions do not know of each other: $G$ may paint cats as dogs
# while $F$ turns dogs into boats. The cycle ties them together, and 6 are left. They invert each other. But five of the
# six are *wrong*, and no loss of CycleGAN can tell. "Cycle consistency guarantees the right mapping" is a common
# answer, and it is false: it guarantees that the pair undoes itself.
#
# So why does it work on photographs? Because the six do not cost a convolutional network the same. Repainting a cat as
# a painted cat is a local change of colour and texture; turning it into a painted boat, and recovering just this cat
# from the boat, is a feat. The objective leaves the choice, and the architecture chooses the cheap one. Remember this
# when somebody asks why CycleGAN fails to turn cats into dogs: a change of *shape* is not cheap.

# %% [markdown]
# ## The objective
#
# With generators $G_{AB}, G_{BA}$, discriminators $D_A, D_B$, and $\lambda = 10$ (Zhu et al. 2017):
#
# $$\underbrace{\mathbb E\,(D_B(G_{AB}(a)) - 1)^2 + \mathbb E\,(D_A(G_{BA}(b)) - 1)^2}_{\text{adversarial}} +
# \lambda\,\underbrace{\bigl(\mathbb E\,|G_{BA}(G_{AB}(a)) - a| + \mathbb E\,|G_{AB}(G_{BA}(b)) -
# b|\bigr)}_{\text{cycle}} + \tfrac{\lambda}{2}\,\underbrace{\bigl(\mathbb E\,|G_{AB}(b) - b| + \mathbb E\,|G_{BA}(a) -
# a|\bigr)}_{\text{identity}}$$
#
# Read the indices aloud, because this is where answers go wrong. $D_B$ knows domain B, so it judges $G_{AB}(a)$. The
# identity term feeds a generator with an image of its *target* domain, which it should leave alone; that keeps a
# generator from shifting all colours, which neither other term forbids. $|G_{AB}(a) - a|$ would forbid any translation.
#
# The list that this course corrects says that generators and discriminators are *pretrained* and the cycle is added
# later. There is no such phase: four networks start from $N(0, 0.02^2)$ and train together, all terms from the first
# step. And its "dual data" should read *paired* data, 成对数据: the kind that CycleGAN does without.
#
# <details><summary>Ask yourself: which of the terms forbids a generator from ignoring its input?</summary>
#
# The cycle. A generator that always paints one (or a random) convincing picture satisfies the discriminator, but from
# its picture nobody can find the way back.
#
# </details>

# %% [markdown]
# ## With and without the way back
#
# Horizontal stripes and vertical stripes, 8 × 8 pixels. An image's only content is its phase: where the stripes begin.
# We train twice; the two runs differ in $\lambda$ alone. The networks are fully connected, so that no architecture
# helps: all that holds the content is the cycle. (The identity term is off, since "leave it alone" means nothing for
# stripes that have to turn.)


# %%
def dense(outward):
    layers = [nn.Flatten(), nn.Linear(64, 96), nn.LeakyReLU(0.2), nn.Linear(96, 96), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(96, outward))


def translator():
    return nn.Sequential(dense(64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))


def train(weight, steps=500, moments=(0, 60, 500)):
    """Both generators' work at three moments, and curves of (step, adversarial, reconstruction error)."""
    torch.manual_seed(0)
    chance = torch.Generator().manual_seed(0)
    (g_ab, g_ba), (d_a, d_b) = [translator(), translator()], [dense(1), dense(1)]
    rule = {"lr": 1e-3, "betas": (0.5, 0.999)}
    opt_g = torch.optim.Adam([*g_ab.parameters(), *g_ba.parameters()], **rule)
    opt_a, opt_b = (torch.optim.Adam(disc.parameters(), **rule) for disc in (d_a, d_b))
    pool_a, pool_b = LibraryPool(50, chance), LibraryPool(50, chance)
    shown, pictures, curves = stripes(5, torch.Generator().manual_seed(5), size=8), [], []
    for step in range(steps + 1):
        if step in moments:
            with torch.no_grad():
                pictures.append((shown, g_ab(shown), g_ba(g_ab(shown))))
        a, b = stripes(32, chance, size=8), stripes(32, chance, size=8, direction="vertical")
        report, fake_b, fake_a = library_g_step(g_ab, g_ba, d_a, d_b, opt_g, a, b, weight, 0.0)
        library_d_step(d_b, opt_b, b, pool_b.query(fake_b))
        library_d_step(d_a, opt_a, a, pool_a.query(fake_a))
        if step % 10 == 0:
            with torch.no_grad():
                error = float((g_ba(g_ab(a)) - a).abs().mean())
            curves.append((step, report["adversarial"], error))
    return pictures, torch.tensor(curves)


runs = {"λ = 10": train(10.0), "λ = 0": train(0.0)}
figure, axes = plt.subplots(1, 2, figsize=(10, 3.3))
for (title, (_, curves)), style, color in zip(runs.items(), ("-", "--"), ("#0072B2", "#D55E00")):
    axes[0].plot(curves[:, 0], curves[:, 1], style, color=color, label=title)
    axes[1].plot(curves[:, 0], curves[:, 2], style, color=color, label=title)
    print(
        f"{title:>6}: adversarial {curves[-10:, 1].mean():.2f}, error of the way back {curves[-10:, 2].mean():.2f}"
    )
for axis, title, label in zip(
    axes,
    ("The discriminators see little difference", "The way home does"),
    ("adversarial loss of the generators", "mean |G_BA(G_AB(a)) - a|"),
):
    axis.set_title(title)
    axis.set_xlabel("step")
    axis.set_ylabel(label)
    axis.set_ylim(bottom=0)
axes[1].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *Left: the adversarial losses of both runs come down to a similar level and wobble there. Right: the reconstruction
# error falls to nearly zero with λ = 10; with λ = 0 it rises above where it started.*
#
# As far as the discriminators can say, both runs succeeded. Look at the pictures:

# %%
figure, axes = plt.subplots(3, 6, figsize=(12, 2.4), gridspec_kw={"wspace": 0.08, "hspace": 0.1})
for block, (title, (pictures, _)) in enumerate(runs.items()):
    for column, (moment, images) in enumerate(zip((0, 60, 500), pictures)):
        for row, batch in enumerate(images):
            axis = axes[row, 3 * block + column]
            strip = torch.nn.functional.pad(batch[:3, 0], (1, 1), value=torch.nan)
            axis.imshow(strip.permute(1, 0, 2).reshape(8, -1), cmap="gray", vmin=-1, vmax=1)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_frame_on(False)
        axes[0, 3 * block + column].set_title(f"{title}\n{moment} steps", fontsize=10)
for axis, label in zip(axes[:, 0], ("a", "G_AB(a)", "G_BA(G_AB(a))")):
    axis.set_ylabel(label, rotation=0, ha="right", va="center")
plt.show()

# %% [markdown]
# *Six columns of three rows. After 0 steps all translations are gray noise. At the end both runs turn horizontal
# stripes into vertical ones. Below, with λ = 10 the way back gives the input again; with λ = 0 it gives horizontal
# stripes of another phase.*
#
# Both networks are passable forgers. Only one of them is a translator. Without the cycle the way back arrives at
# *some* horizontal stripes, and its error is even larger than it was before any training (an untrained network says
# gray, which is never far off).

# %% [markdown]
# ## The generators' step
#
# Now the order inside one iteration. Both generators move first, in one step; then each discriminator.
#
# Trace each term backwards. The adversarial term of `fake_b` runs through $D_B$ into $G_{AB}$: $D_B$ must pass the
# gradient on and must not keep any, so it is **frozen**. A cycle term runs through *both* generators: whoever detaches
# `fake_b` on the way leaves $G_{AB}$ without the message that its image was unreadable. Nothing else is detached here.
#
# ### Exercise 8.2 comes first: the step
#
# Each term is one line. What is graded is where the gradients go.


# %% answer="cyclegan_generator_step"
def cyclegan_generator_step(
    g_ab,
    g_ba,
    d_a,
    d_b,
    opt_g,
    real_a: torch.Tensor,
    real_b: torch.Tensor,
    lambda_cycle: float = 10.0,
    lambda_identity: float = 0.5,
) -> tuple[dict[str, float], torch.Tensor, torch.Tensor]:
    """One update of both generators.

    adversarial = mean (D_B(G_AB(a)) - 1)² + mean (D_A(G_BA(b)) - 1)²
    cycle = λ_c (mean |G_BA(G_AB(a)) - a| + mean |G_AB(G_BA(b)) - b|)
    identity = λ_c λ_i (mean |G_AB(b) - b| + mean |G_BA(a) - a|), not run at all where λ_i = 0

    Args:
        g_ab, g_ba, d_a, d_b: networks; the discriminators return raw scores. Their .grad is the same before and after,
            and so are their requires_grad flags.
        opt_g: one optimiser of both generators; cleared first, one backward pass, one step.
        real_a, real_b: (N, C, H, W), (M, C, H, W) in [-1, 1].
    Returns:
        Floats "adversarial", "cycle", "identity" (weighted) and "total", before the update; G_AB(a) and G_BA(b),
        detached.
    """
    ### BEGIN SOLUTION
    flags = [(p, p.requires_grad) for disc in (d_a, d_b) for p in disc.parameters()]
    for p, _ in flags:
        p.requires_grad_(False)
    fake_b, fake_a = g_ab(real_a), g_ba(real_b)
    adversarial = (d_b(fake_b) - 1).square().mean() + (d_a(fake_a) - 1).square().mean()
    cycle = (g_ba(fake_b) - real_a).abs().mean() + (g_ab(fake_a) - real_b).abs().mean()
    parts = {"adversarial": adversarial, "cycle": lambda_cycle * cycle, "identity": torch.zeros(())}
    if lambda_identity > 0:
        identity = (g_ab(real_b) - real_b).abs().mean() + (g_ba(real_a) - real_a).abs().mean()
        parts["identity"] = lambda_cycle * lambda_identity * identity
    total = sum(parts.values())
    opt_g.zero_grad()
    total.backward()
    opt_g.step()
    for p, flag in flags:
        p.requires_grad_(flag)
    report = {name: part.item() for name, part in parts.items()} | {"total": total.item()}
    return report, fake_b.detach(), fake_a.detach()
    ### END SOLUTION


# %% check="cyclegan_generator_step"

# %% [markdown]
# <details><summary>Ask yourself: G_AB tints every picture blue, and G_BA takes the tint away again. Which term
# objects?</summary>
#
# Not the cycle: it is closed. $D_B$ objects if blue is unusual in B. If B has enough blue pictures, only the identity
# term does: a generator that adds blue adds it to $b$ too.
#
# </details>

# %% [markdown]
# ## A memory for the discriminator
#
# If a discriminator sees only the newest fakes, it forgets the generator's earlier tricks, and the two can chase each
# other in a circle. CycleGAN follows Shrivastava et al. (2017): keep 50 fakes, and half of the time show an old one.
# The rule is a *swap*. An old image that is shown leaves the pool, so none is shown twice, and how long an image waits
# is a matter of chance: with 50 slots and one swap in two images, on average $2 \cdot 50 = 100$ images.

# %%
pool = LibraryPool(50, torch.Generator().manual_seed(1))
numbers = torch.arange(8000.0).reshape(-1, 1, 1, 1, 1)
age = torch.stack([torch.tensor(float(k)) - pool.query(n)[0, 0, 0, 0] for k, n in enumerate(numbers)])[50:]
waited = age[age > 0]
print(
    f"shown at once: {(age == 0).float().mean():.3f} of all; the others had waited {waited.mean():.0f} images"
)
figure, axis = plt.subplots(figsize=(6.6, 2.9))
axis.hist(waited.numpy(), bins=60, color="#0072B2")
axis.set_xlabel("how many images ago it was made")
axis.set_ylabel("images")
axis.set_title("Most old fakes are recent, and a few come from far back")
figure.tight_layout()
plt.show()

# %% [markdown]
# *A histogram that falls off from the left in an exponential curve, with a tail beyond 400.*
#
# ### Exercise 8.1: the pool
#
# Two slips make the pool useless without any error message: keeping the caller's tensor instead of a copy, and keeping
# its graph, which would hold the activations of 50 forward passes in memory.


# %% answer="ImagePool"
class ImagePool:
    """A pool of at most `capacity` images; ValueError for a negative capacity. generator: randomness, or None."""

    def __init__(self, capacity: int, generator: torch.Generator | None = None) -> None:
        ### BEGIN SOLUTION
        if capacity < 0:
            raise ValueError(f"capacity: expected at least 0, got {capacity}")
        self.capacity, self.generator, self.images = capacity, generator, []
        ### END SOLUTION

    def query(self, images: torch.Tensor) -> torch.Tensor:
        """Exchange images, (B, C, H, W) to (B, C, H, W), detached.

        For each image in order: if the pool is not full, store a detached copy and return the image. Else with
        probability ½ return a random stored image and put a copy of the new one into its slot, or else return the new
        one. With capacity 0 the input comes back.
        """
        ### BEGIN SOLUTION
        if self.capacity == 0:
            return images.detach()
        shown = []
        for image in images.detach():
            if len(self.images) < self.capacity:
                self.images.append(image.clone())
            elif torch.rand((), generator=self.generator) < 0.5:
                slot = int(torch.randint(self.capacity, (), generator=self.generator))
                image, self.images[slot] = self.images[slot], image.clone()
            shown.append(image)
        return torch.stack(shown)
        ### END SOLUTION

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self.images)
        ### END SOLUTION


# %% check="ImagePool"

# %% [markdown]
# ## The discriminators' step
#
# $$L_D = \tfrac12 \bigl[\, \mathbb E\,(D(x) - 1)^2 + \mathbb E\, D(\text{fake})^2 \,\bigr]$$
#
# Two remarks that interviewers like. *Why squares?* The log loss is content as soon as a fake is on the right side,
# however far out; a square pulls every score to its target, from both sides. *Why ½?* It slows $D$ relative to the
# generators. The factor belongs to the discriminator's objective alone: the adversarial part above has none (lesson
# 18's LSGAN carries ½ in every term; a weight is only meaningful together with its formula). With Adam you would never
# notice a constant factor, so the check uses plain descent.
#
# ### Exercise 8.3: the step of one discriminator


# %% answer="cyclegan_discriminator_step"
def cyclegan_discriminator_step(disc, opt_d, real: torch.Tensor, fake: torch.Tensor) -> float:
    """One update of `disc` by ½ [mean (disc(real) - 1)² + mean disc(fake)²]; returns the loss before the update.

    Args:
        disc: returns raw scores of any shape.
        opt_d: its optimiser; cleared first.
        real: (N, C, H, W).
        fake: (M, C, H, W), detached in here, so that its maker gets no gradient.
    """
    ### BEGIN SOLUTION
    loss = 0.5 * ((disc(real) - 1).square().mean() + disc(fake.detach()).square().mean())
    opt_d.zero_grad()
    loss.backward()
    opt_d.step()
    return loss.item()
    ### END SOLUTION


# %% check="cyclegan_discriminator_step"

# %% [markdown]
# ## Where the 70 comes from
#
# The discriminator returns a *map* of scores. Nothing is cut into patches: five convolutions with kernels of 4 and
# strides 2, 2, 2, 1, 1, and each score has seen a square of the image. Go backwards from one score; a layer with stride
# $s$ turns a field of $r$ into $(r - 1)\,s + 4$:
#
# $$1 \to 4 \to 7 \to 16 \to 34 \to 70 .$$
#
# Believe it, or measure it: ask one score for its gradient in the pixels.

# %%
disc = build_patch_discriminator(3, 8)
convolutions = nn.Sequential(*(layer for layer in disc if not isinstance(layer, nn.InstanceNorm2d)))
image = torch.rand(1, 3, 128, 160, requires_grad=True)
scores = convolutions(image)
scores[0, 0, 7, 9].backward()
seen = image.grad[0].abs().sum(0)
rows, columns = (seen.sum(axis) > 0 for axis in (1, 0))
print(
    f"map of scores {tuple(scores.shape[2:])}; one score sees {int(rows.sum())} x {int(columns.sum())} pixels"
)
figure, axis = plt.subplots(figsize=(5.4, 3.6))
picture = axis.imshow(seen / seen.max(), cmap="viridis")
axis.set_title("What one score of the PatchGAN looks at")
axis.set_xlabel("x in pixels")
axis.set_ylabel("y in pixels")
figure.colorbar(picture, label="size of the gradient, relative")
figure.tight_layout()
plt.show()

# %% [markdown]
# *A dark image with one square of 70 pixels in which the gradient is not zero, stronger towards its middle.*
#
# (The instance norms are taken out for the measurement. Their means see the whole image, so strictly each score knows a
# little about all of it.) Style shows in a patch of this size; the composition of the training paintings does not, so
# it cannot be learned by heart. And the same network judges images of any size.

# %% [markdown]
# ## The last detail: the rate
#
# Adam with $2\cdot10^{-4}$ and β₁ = 0.5, constant for 100 epochs, then a straight line down to zero over another 100.
# `LambdaLR` wants the factor of the *initial* rate.
#
# ### Exercise 8.4: the factor
#
# A widely used implementation divides by `decay_epochs + 1`, so that the last epoch still learns a little. Here we
# follow the paper.


# %% answer="linear_decay_factor"
def linear_decay_factor(epoch: int, constant_epochs: int = 100, decay_epochs: int = 100) -> float:
    """1 for epoch ≤ constant_epochs, then 1 - (epoch - constant_epochs) / decay_epochs, and 0 from their sum on.

    Raises:
        ValueError: a negative argument, or decay_epochs = 0.
    """
    ### BEGIN SOLUTION
    if epoch < 0 or constant_epochs < 0 or decay_epochs < 1:
        raise ValueError(
            f"expected epoch, constant_epochs ≥ 0 and decay_epochs ≥ 1, got {epoch}, {constant_epochs}, {decay_epochs}"
        )
    return min(1.0, max(0.0, 1 - (epoch - constant_epochs) / decay_epochs))
    ### END SOLUTION


# %% check="linear_decay_factor"

# %%
print({epoch: library_factor(epoch) for epoch in (0, 100, 125, 150, 200, 250)})

# %% [markdown]
# <details><summary>Ask yourself: after a long training the cycle loss is tiny, and the translated maps look plausible
# but have lost a detail that the reconstruction has. How?</summary>
#
# The generators found a code: the detail is written into the translation as a pattern too faint to see. The cycle asks
# for a way back, not for a visible one. Lesson 23 makes this happen and measures it.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - J.-Y. Zhu, T. Park, P. Isola, A. A. Efros, *Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
#   Networks*, ICCV 2017, arXiv:1703.10593, Sections 3, 4 and 5.2.
# - X. Mao et al., *Least Squares Generative Adversarial Networks*, ICCV 2017, arXiv:1611.04076.
# - A. Shrivastava et al., *Learning from Simulated and Unsupervised Images through Adversarial Training*, CVPR 2017,
#   arXiv:1612.07828, Section 2.3.
# - P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, *Image-to-Image Translation with Conditional Adversarial Networks*,
#   CVPR 2017, arXiv:1611.07004 (the PatchGAN).
#
# **Next:** lesson 23 takes the cycle loss apart, 14 computes receptive fields in general, 18 has the other losses.
