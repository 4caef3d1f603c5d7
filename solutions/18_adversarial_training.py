# %% [markdown]
# # 18 Adversarial training / 对抗性训练
#
# **After this lesson** you can tell one round of the game in the right order, write four pairs of losses with their
# signs, code the two gradient penalties, and say why a discriminator that is always right is no success.
#
# About 40 minutes, and 75 for the exercises. Read 06 for the log losses and their value; 07 has one training step.

# %% [markdown] interview="question"

# %% tags=["setup"]
import torch

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
from torch import nn
from torch.nn.functional import softplus

from nstkit.gan import adversarial_losses as library_losses
from nstkit.gan import adversarial_round as library_round
from nstkit.gan import discriminator_step, generator_step
from nstkit.gan import r1_penalty as library_r1
from nstkit.gan import wgan_gradient_penalty as library_gp
from nstkit.grading import check

torch.set_num_threads(1)  # for tensors this small a second thread only waits

# %% [markdown]
# ## The smallest game there is
#
# A data set of one picture with one pixel: its value is 0. A generator with one parameter: it always paints the value
# θ. A discriminator with one parameter: it scores a picture $x$ by $\psi x$. Mescheder, Geiger and Nowozin (ICML 2018)
# call it the Dirac-GAN. The generator wins by arriving at θ = 0, and there the discriminator can do nothing.
#
# Let D lower the score of what is painted against the score of the real picture, let G raise it, both by plain gradient
# descent in turn. D minimises $\psi\theta$, G minimises $-\psi\theta$; each of the two, taken alone, has a straight
# line to go down. No bad local minimum anywhere.
#
# **Before you run it:** the generator starts at θ = 1. How near to 0 is it after 400 rounds?


# %%
class Painter(nn.Module):
    """Ignores its input and paints θ."""

    def __init__(self):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([1.0]))

    def forward(self, x):
        return self.theta.expand(len(x), 1)


def play(loss_d, loss_g, penalty=None, rounds=400, rate=0.1):
    """(θ, ψ) after every round, (rounds + 1, 2)."""
    G, D = Painter(), nn.utils.skip_init(nn.Linear, 1, 1, bias=False)
    D.weight.data.fill_(0.5)
    opt_g, opt_d = (torch.optim.SGD(net.parameters(), rate) for net in (G, D))
    real, path = torch.zeros(2, 1), [(1.0, 0.5)]
    for _ in range(rounds):
        discriminator_step(D, opt_d, real, G(real), loss_d, penalty)
        generator_step(D, opt_g, G(real), loss_g)
        path.append((G.theta.item(), D.weight.item()))
    return torch.tensor(path)


def lower(real, fake):
    return fake.mean() - real.mean()


def raise_(fake):
    return -fake.mean()


plain = play(lower, raise_)
figure, axis = plt.subplots(figsize=(4.6, 4))
axis.plot(*plain.T, color="#0072B2", linewidth=1)
axis.plot(*plain[0], "o", color="black", label="start")
axis.plot(0, 0, "*", color="#D55E00", markersize=14, label="equilibrium")
axis.set_xlabel("θ, what the generator paints")
axis.set_ylabel("ψ, the discriminator's slope")
axis.set_title("Round and round")
axis.legend(loc="lower left")
plt.show()
distance = plain.norm(dim=1)
print(f"distance from the equilibrium: at the start {distance[0]:.2f}, after 400 rounds {distance[-1]:.2f}")

# %% [markdown]
# *A closed curve around a star in the middle: the path runs around it many times without coming nearer.*
#
# As far away as at the start. The discriminator tilts until the generator slides across 0; by then it leans the wrong
# way, tilts back, and the generator slides across again. Each is right to move as it does, and together they circle.
# "The two compete, and the images become realistic" leaves this out: **a game is not a descent**. Much of the craft of
# adversarial training is to make the spiral turn inwards.

# %% [markdown]
# ## One round, in order
#
# For a stylisation network (the generator $G$ takes a **content image**, not noise; "real" means **images of the target
# style**, not photographs):
#
# | step | what is shown to D | who moves | what must not happen |
# |---|---|---|---|
# | 1 … k | paintings; stylised photographs, detached | D | a gradient reaches G |
# | k + 1 | one more stylised photograph | G | D moves, or what it collected counts in its next step |
#
# Algorithm 1 of Goodfellow et al. (2014) has the k steps of D first. CycleGAN's published code moves the generators
# first in each iteration. The order inside a round is a choice; that the two **alternate** is not. "First train the
# generator, then train the discriminator" as two phases trains the first against nobody and the second for nothing.
#
# The word has a second meaning: training on adversarial *examples*, inputs disturbed so that a classifier errs (Madry
# et al., ICLR 2018). Another subject.

# %% [markdown]
# ## Four more pairs of losses
#
# With $r$ the raw scores of real and $f$ those of generated images, E a mean over all scores, and both players
# *minimising*:
#
# - **LSGAN** (Mao et al. 2017): $d = \tfrac12 E(r-1)^2 + \tfrac12 E f^2$ and $g = \tfrac12 E(f-1)^2$.
# - **hinge** (Lim & Ye 2017): $d = E\max(0, 1-r) + E\max(0, 1+f)$ and $g = -E f$.
# - **WGAN** (Arjovsky et al. 2017): $d = E f - E r$ and $g = -E f$. You have just played it.
# - **relativistic average** (Jolicoeur-Martineau 2019): is a real score above the *average fake*, and the reverse?
#   $d = E\,\mathrm{sp}(-(r - E f)) + E\,\mathrm{sp}(f - E r)$ and
#   $g = E\,\mathrm{sp}(-(f - E r)) + E\,\mathrm{sp}(r - E f)$.
#
# $\mathrm{sp}(x) = \log(1 + e^x)$. One score each by hand, $r = 2$, $f = -1$. LSGAN: $d = \tfrac12 + \tfrac12 = 1$ and
# $g = \tfrac12 \cdot 4 = 2$. Hinge: $d = 0 + 0$, this D is content, $g = 1$. WGAN: $d = -3$, $g = 1$: never content,
# and nothing here is a probability. (The ½ stands in both LSGAN losses here; lesson 08 follows CycleGAN's code and
# halves the discriminator's alone.)
#
# ### Exercise 18.1: the losses after the log losses


# %% answer="adversarial_losses"
def adversarial_losses(
    real_logits: torch.Tensor, fake_logits: torch.Tensor, kind: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """The discriminator's and the generator's loss, both to be minimised; formulas in the list above.

    Args:
        real_logits, fake_logits: raw scores, any shapes, also different ones. Nothing is detached.
        kind: "lsgan", "hinge", "wgan" or "relativistic".
    Returns:
        (d_loss, g_loss), 0-d tensors of the scores' dtype, finite for scores of ±1000.
    Raises:
        ValueError: another kind, or a side without scores.
    """
    ### BEGIN SOLUTION
    r, f = real_logits, fake_logits
    if r.numel() == 0 or f.numel() == 0:
        raise ValueError(f"expected scores on both sides, got {r.numel()} real and {f.numel()} fake")
    nnf = torch.nn.functional
    if kind == "lsgan":
        return 0.5 * (r - 1).square().mean() + 0.5 * f.square().mean(), 0.5 * (f - 1).square().mean()
    if kind == "hinge":
        return nnf.relu(1 - r).mean() + nnf.relu(1 + f).mean(), -f.mean()
    if kind == "wgan":
        return f.mean() - r.mean(), -f.mean()
    if kind == "relativistic":
        above, below = r - f.mean(), f - r.mean()  # each score against the other side's average
        d_loss = nnf.softplus(-above).mean() + nnf.softplus(below).mean()
        return d_loss, nnf.softplus(-below).mean() + nnf.softplus(above).mean()
    raise ValueError(f"kind: expected 'lsgan', 'hinge', 'wgan' or 'relativistic', got {kind!r}")
    ### END SOLUTION


# %% check="adversarial_losses"

# %% [markdown]
# What the generator feels is the *slope* of its loss at the score of its image. Scores to the left of 0 are rejected.
# **Guess:** which of the five has no slope there, and which pulls harder, the worse the image?

# %%
score = torch.linspace(-6, 6, 121, requires_grad=True)
nobody = torch.zeros(1)  # a real score of 0, for the relativistic loss
by_kind = {"minimax": -softplus(score), "non-saturating": softplus(-score)}
by_kind |= {
    kind: torch.stack([library_losses(nobody, s[None], kind)[1] for s in score])
    for kind in ("lsgan", "hinge", "relativistic")
}
looks = {"minimax": ("-", "#000000"), "non-saturating": ("--", "#0072B2"), "lsgan": ("-.", "#009E73")}
looks |= {"hinge": (":", "#D55E00"), "relativistic": ((0, (5, 1, 1, 1, 1, 1)), "#CC79A7")}
figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.8), sharex=True)
for kind, loss in by_kind.items():
    (slope,) = torch.autograd.grad(loss.sum(), score, retain_graph=True)
    name = "hinge and WGAN" if kind == "hinge" else kind
    for axis, values in zip(axes, (loss.detach(), slope)):
        axis.plot(
            score.detach(), values, linestyle=looks[kind][0], color=looks[kind][1], linewidth=2, label=name
        )
axes[0].set_title("The generator's loss")
axes[1].set_title("Its slope: what the generator feels")
axes[0].set_ylim(-6, 8)
axes[1].set_ylim(-4, 1)
for axis in axes:
    axis.axvline(0, color="gray", linewidth=0.8)
    axis.set_xlabel("score of the generated image")
axes[1].legend(fontsize=8)
plt.show()

# %% [markdown]
# *Left, five loss curves over the score; right, their slopes. For rejected images minimax has a slope
# near 0, non-saturating near −1, relativistic near −2, LSGAN an ever steeper one; hinge and WGAN have −1 everywhere.*
#
# At −6, **minimax** has nothing left to say; that is why nobody trains with it. **LSGAN** pulls in proportion to the
# distance, and pulls *back* beyond a score of 1. **Hinge and WGAN** pull evenly. That is also why a hinge on the
# generator's term is a mistake: it would cut the line at 1 and stop there, even if the reals score 3. The hinge exists
# to let *D* be content with a margin.

# %% [markdown]
# ## Hold the critic's slope
#
# WGAN's loss has no bottom: a critic that doubles all its scores doubles its success. It must be kept from it, by a
# bound on its slope. Gulrajani et al. (2017) take points on the lines between real and generated samples and ask for a
# slope of 1:
#
# $$\lambda\; E\bigl(\lVert \nabla_{\hat x} D(\hat x) \rVert_2 - 1\bigr)^2 , \qquad \hat x = u\, x + (1-u)\, G(z) .$$
#
# Two traps. The norm is that of *one sample*, over all its elements; a well-known bug takes it over the channels at
# each pixel. And the penalty is a function of a gradient: to train D with it, the gradient must keep its own graph,
# `create_graph=True`, and be differentiated again.
#
# By hand, $D(x) = a \cdot x$ with $a = (3, 4)$: the slope is $a$ everywhere, its norm 5, the penalty $10 \cdot 4^2 =
# 160$, whatever $x$ and $u$ are.
#
# ### Exercise 18.2: WGAN-GP


# %% answer="wgan_gradient_penalty"
def wgan_gradient_penalty(
    critic, real: torch.Tensor, fake: torch.Tensor, u: torch.Tensor, lam: float = 10.0
) -> torch.Tensor:
    """lam · mean over n of (‖∇ critic(x̂)ₙ‖₂ − 1)² at x̂ = u·real + (1 − u)·fake.

    One u per sample; the norm runs over all elements of a sample; two-sided. If the critic returns several scores per
    sample, their sum is differentiated.

    Args:
        critic: a callable from (N, …) to scores; the penalty can be differentiated by its parameters.
        real, fake: (N, …), one shape; no gradient reaches them.
        u: (N,) in [0, 1].
        lam: the weight.
    Returns:
        A 0-d tensor, finite also where the slope is 0.
    Raises:
        ValueError: the shapes of real and fake differ, or u is not (N,).
    """
    ### BEGIN SOLUTION
    if real.shape != fake.shape:
        raise ValueError(f"fake: expected {tuple(real.shape)}, got {tuple(fake.shape)}")
    if u.shape != real.shape[:1]:
        raise ValueError(f"u: expected ({len(real)},), got {tuple(u.shape)}")
    share = u.reshape(-1, *[1] * (real.ndim - 1))  # (N, 1, …)
    between = (share * real + (1 - share) * fake).detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norms = slope.flatten(1).norm(dim=1)  # (N,)
    return lam * (norms - 1).square().mean()
    ### END SOLUTION


# %% check="wgan_gradient_penalty"

# %% [markdown]
# Two fixed clouds in the plane, and a critic that is trained to tell them apart by the WGAN loss, without and with the
# penalty. The lines are drawn where its score passes a whole number.

# %%
generator = torch.Generator().manual_seed(0)
angle = torch.rand(200, generator=generator) * 3.14
cloud_real = 1.5 * torch.stack([angle.cos(), angle.sin()], 1) + 0.12 * torch.randn(
    200, 2, generator=generator
)
cloud_fake = torch.tensor([0.0, -1.2]) + 0.35 * torch.randn(200, 2, generator=generator)


def mlp(*sizes, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.LeakyReLU(0.2))]
    return nn.Sequential(*layers[:-1])


def trained_critic(penalty, steps=250):
    critic = mlp(2, 48, 48, 1)
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3, betas=(0.5, 0.9))
    for _ in range(steps):
        discriminator_step(critic, optimizer, cloud_real, cloud_fake, lower, penalty)
    return critic


def with_gp(critic, real, fake):
    return library_gp(critic, real, fake, torch.rand(len(real), generator=generator))


axis_x = torch.linspace(-2.6, 2.6, 80)
grid_y, grid_x = torch.meshgrid(axis_x, axis_x, indexing="ij")
plane = torch.stack([grid_x, grid_y], -1).reshape(-1, 2)
figure, axes = plt.subplots(1, 2, figsize=(9.4, 4.2), sharey=True)
for axis, penalty, title in zip(axes, (None, with_gp), ("No penalty", "Gradient penalty")):
    critic = trained_critic(penalty)
    points = plane.clone().requires_grad_()
    scores = critic(points)
    (slope,) = torch.autograd.grad(scores.sum(), points)
    surface = scores.detach().view(80, 80)
    low, high = int(surface.min()), int(surface.max())
    step = max(1, (high - low) // 24)
    lines = axis.contour(
        grid_x, grid_y, surface, levels=range(low, high + 1, step), cmap="cividis", linewidths=1
    )
    axis.scatter(*cloud_real.T, s=8, color="#0072B2", marker="o", label="real")
    axis.scatter(*cloud_fake.T, s=14, color="#D55E00", marker="x", label="generated")
    axis.set_title(f"{title}: a line every {step} in score")
    print(f"{title:>17}: scores from {low} to {high}, median slope {float(slope.norm(dim=1).median()):.1f}")
axes[0].legend(loc="upper left")
plt.show()

# %% [markdown]
# *Two panels with an arc of real points above a round cloud of generated ones, and the critic's level lines between
# scores of hundreds on the left, and between −3 and 2 on the right.*
#
# Both critics separate the clouds. The left one's scores run into the hundreds after 250 steps and are still growing,
# with a slope in the hundreds: one step of the generator along such a gradient lands anywhere. The right one rises by
# about 1 per unit of distance, everywhere; its difference of scores is an estimate of how far the generated mass has
# to be carried, which is what the W in WGAN stands for. A critic that is held like this may be trained near its optimum
# before each step of the generator. Under log losses that same advice would silence the generator.
#
# ## Or make it flat where the data are
#
# At the equilibrium nothing is left to tell apart, so a discriminator should be *flat* at the data. R1 (Mescheder et
# al. 2018) asks for just that, at the real samples alone:
#
# $$\frac{\gamma}{2}\; E_{x \sim \text{data}} \lVert \nabla D(x) \rVert_2^2 .$$
#
# Target 0 in place of 1, the square in place of the norm, real samples in place of mixtures.
#
# ### Exercise 18.3: R1


# %% answer="r1_penalty"
def r1_penalty(critic, real: torch.Tensor, gamma: float = 10.0) -> torch.Tensor:
    """gamma / 2 · mean over n of ‖∇ critic(xₙ)‖₂² at the real samples.

    Args:
        critic: a callable from (N, …) to scores; of several scores per sample the sum is differentiated. The penalty
            can be differentiated by its parameters.
        real: (N, …); no gradient reaches it, and its requires_grad is afterwards what it was before.
        gamma: at least 0.
    Returns:
        A 0-d tensor of the samples' dtype.
    Raises:
        ValueError: gamma is negative, or there are no samples.
    """
    ### BEGIN SOLUTION
    if gamma < 0:
        raise ValueError(f"gamma: expected at least 0, got {gamma}")
    if len(real) == 0:
        raise ValueError("real: expected at least one sample, got none")
    x = real.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return gamma / 2 * slope.square().flatten(1).sum(1).mean()
    ### END SOLUTION


# %% check="r1_penalty"

# %% [markdown]
# Back to the game with one pixel, the same losses, and now a penalty on D. **Before you run it:** slope 1 on the way
# (WGAN-GP), or slope 0 at the data (R1): which of the two comes to rest?


# %%
def gp_halfway(critic, real, fake):
    return library_gp(critic, real, fake, torch.full((len(real),), 0.5), lam=0.3)


def r1_at_the_data(critic, real, fake):
    return library_r1(critic, real, gamma=1.0)


def log_losses(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


games = {
    "no penalty": plain,
    "slope 1: gradient penalty": play(lower, raise_, gp_halfway),
    "slope 0: R1": play(lower, raise_, r1_at_the_data),
}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.7), sharex=True, sharey=True)
for axis, (name, path) in zip(axes, games.items()):
    axis.plot(*path.T, color="#0072B2", linewidth=1)
    axis.plot(*path[0], "o", color="black")
    axis.plot(0, 0, "*", color="#D55E00", markersize=14)
    axis.set_title(name)
    axis.set_xlabel("θ")
    last = path[-100:].norm(dim=1)
    print(
        f"{name:>25}: {float(last.min()):.2f} to {float(last.max()):.2f} from the equilibrium in the last 100 rounds"
    )
axes[0].set_ylabel("ψ")
plt.show()
path = play(log_losses, lambda f: softplus(-f).mean(), rounds=1600).norm(dim=1)
print(f"log losses, no penalty: {float(path[400]):.2f} after 400 rounds, {float(path[1600]):.2f} after 1600")

# %% [markdown]
# *Three panels with paths in (θ, ψ) around a star. Left, the closed curve from above. Middle, a closed curve that is a
# little wider. Right, a spiral that ends in the star within one turn.*
#
# A critic that must have slope 1 cannot be flat, so at θ = 0 it pushes the generator on, and the game circles. R1 lets
# it become flat exactly there, and the circle collapses. This is the example by which Mescheder et al. show that
# WGAN-GP need not converge, and they prove that near the equilibrium R1 does. Weigh it rightly: one pixel is not a
# picture, and WGAN-GP trains good networks every day. It circles at a distance that one may not see.
#
# The last line of print is for those who wondered about the log losses, in the non-saturating form. They creep inwards
# by themselves, and four times the rounds only halve the distance: what brakes is the difference between the two
# players' slopes, and it fades as the scores come near 0. (In the minimax form the slopes are equal, and the game
# circles.)
#
# <details><summary>Ask yourself: spectral normalisation holds a slope as well. Where does it act?</summary>
#
# On the weights: each matrix is divided by its largest singular value (Miyato et al. 2018), so the bound holds
# everywhere and costs no second backward pass. WGAN-GP acts at the points in between, R1 at the data.
#
# </details>

# %% [markdown]
# ## The whole round
#
# ### Exercise 18.4: k steps of one, one step of the other


# %% answer="adversarial_round"
def adversarial_round(G, D, opt_g, opt_d, reals: list, inputs: list) -> dict[str, float]:
    """k updates of D, then one of G, with the non-saturating log losses.

    Step i < k: D minimises E sp(−D(reals[i])) + E sp(D(fake)), fake = G(inputs[i]) detached, so that no gradient
    arrives at G. Then G minimises E sp(−D(G(inputs[k]))). Old gradients, wherever they come from, count in no step.

    Args:
        G, D: networks; D returns raw scores. All their parameters are trainable afterwards.
        opt_g, opt_d: their optimisers.
        reals: k batches of real images; inputs: k + 1 batches for G.
    Returns:
        {"d": the mean of D's k losses, "g": G's loss}: floats, each loss before its own update.
    Raises:
        ValueError: k = 0, or not k + 1 inputs.
    """
    ### BEGIN SOLUTION
    if len(reals) == 0 or len(inputs) != len(reals) + 1:
        raise ValueError(f"expected k ≥ 1 reals and k + 1 inputs, got {len(reals)} and {len(inputs)}")
    nnf, d_losses = torch.nn.functional, []
    for real, x in zip(reals, inputs):
        with torch.no_grad():
            fake = G(x)
        d_loss = nnf.softplus(-D(real)).mean() + nnf.softplus(D(fake)).mean()
        opt_d.zero_grad()
        d_loss.backward()
        opt_d.step()
        d_losses.append(d_loss.item())
    g_loss = nnf.softplus(-D(G(inputs[-1]))).mean()
    opt_g.zero_grad()
    g_loss.backward()  # D collects gradients here too; its next step clears them first
    opt_g.step()
    return {"d": sum(d_losses) / len(d_losses), "g": g_loss.item()}
    ### END SOLUTION


# %% check="adversarial_round"

# %% [markdown]
# ## Is 100 % accuracy good news?
#
# A game in one dimension where we can check everything: the real numbers are normal with mean 2 and deviation ½; the
# generator computes $a z + b$ from normal noise, so its distribution is known as well, and with it the true
# Jensen-Shannon divergence. The discriminator is a small network. By lesson 06, for the best D the value of the game is
# $2\,\mathrm{JSD} - \log 4$, so that D's loss *estimates* the divergence: $(\log 4 - d)/2$.
#
# **Before you run it:** the generator gets better and better. What does the discriminator's accuracy do?


# %%
class Affine(nn.Module):
    """z to a z + b."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(-1.0))

    def forward(self, z):
        return self.a * z + self.b


def true_divergence(a, b):
    """JSD of N(2, ½) and N(b, a) in nats, by a sum over a fine grid."""
    x = torch.linspace(-8, 8, 4001, dtype=torch.float64)
    p, q = (torch.distributions.Normal(m, s).log_prob(x).exp() for m, s in ((2.0, 0.5), (b, abs(a) + 1e-3)))
    m = (p + q) / 2
    entropy = [torch.xlogy(side, side / m.clamp_min(1e-300)).sum() * (x[1] - x[0]) for side in (p, q)]
    return float(sum(entropy)) / 2


generator = torch.Generator().manual_seed(3)
G, D = Affine(), mlp(1, 32, 32, 1, seed=1)
opt_g, opt_d = (
    torch.optim.Adam(G.parameters(), 1e-2, betas=(0.5, 0.9)),
    torch.optim.Adam(D.parameters(), 4e-3, betas=(0.5, 0.9)),
)
accuracy, estimate, truth, rounds = [], [], [], 350
for _ in range(rounds):
    reals = [2 + 0.5 * torch.randn(128, 1, generator=generator) for _ in range(3)]
    inputs = [torch.randn(128, 1, generator=generator) for _ in range(4)]
    report = library_round(G, D, opt_g, opt_d, reals, inputs)
    with torch.no_grad():
        right = torch.cat([D(reals[0]) > 0, D(G(inputs[0])) < 0]).double().mean()
    accuracy.append(float(right))
    estimate.append((2 * torch.log(torch.tensor(2.0)).item() - report["d"]) / 2)
    truth.append(true_divergence(G.a.item(), G.b.item()))

figure, axes = plt.subplots(1, 2, figsize=(10.5, 3.6))
axes[0].plot(accuracy, color="#0072B2", linewidth=1)
axes[0].axhline(0.5, color="black", linestyle="--", label="a coin")
axes[0].set_title("The discriminator ends as a coin")
axes[0].set_ylabel("share of right verdicts")
axes[1].plot(truth, color="black", linewidth=2, label="true divergence")
axes[1].plot(estimate, color="#D55E00", linestyle="--", linewidth=1, label="(log 4 − d) / 2")
axes[1].set_title("Its loss measures the divergence")
axes[1].set_ylabel("Jensen-Shannon divergence (nats)")
for axis in axes:
    axis.set_xlabel("round")
    axis.legend()
figure.tight_layout()
plt.show()
print(f"the generator ends with a = {abs(G.a.item()):.2f} (right: 0.5) and b = {G.b.item():.2f} (right: 2)")
print(f"accuracy, mean of the last 50 rounds: {sum(accuracy[-50:]) / 50:.1%}")

# %% [markdown]
# *Left, the accuracy falls from nearly 1 to one half. Right, the loss of the discriminator, turned into an estimate,
# lies on the true divergence after a few rounds, all the way down to 0.*
#
# The discriminator starts nearly perfect and ends as a coin, and that is the *success*: nothing is left to tell apart.
# Its loss measures the divergence to within its noise, as long as D is near its best. (With three steps per round on
# one-dimensional data it is. With images it is not, and a falling $d$ may mean a better D or a worse G.)
#
# So 100 % accuracy is no news by itself. It says that the two do not overlap yet, and whether the generator can hear
# anything then depends on the loss and on the slope: the two subjects of this lesson.
#
# <details><summary>Ask yourself: G's step leaves gradients in D. Does it matter?</summary>
#
# Only if they are still there at its next step. Clear them before D's own backward pass, or freeze D while G learns.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - I. Goodfellow et al., *Generative Adversarial Nets*, NeurIPS 2014, Algorithm 1 and Theorem 1.
# - X. Mao et al., *Least Squares Generative Adversarial Networks*, ICCV 2017.
# - J. H. Lim, J. C. Ye, *Geometric GAN*, 2017, arXiv:1705.02894, for the hinge.
# - M. Arjovsky, S. Chintala, L. Bottou, *Wasserstein Generative Adversarial Networks*, ICML 2017.
# - I. Gulrajani et al., *Improved Training of Wasserstein GANs*, NeurIPS 2017, arXiv:1704.00028, Eq. 3.
# - L. Mescheder, A. Geiger, S. Nowozin, *Which Training Methods for GANs do actually Converge?*, ICML 2018,
#   arXiv:1801.04406, for the Dirac-GAN and R1.
# - A. Jolicoeur-Martineau, *The relativistic discriminator: a key element missing from standard GAN*, ICLR 2019,
#   arXiv:1807.00734.
# - T. Miyato et al., *Spectral Normalization for Generative Adversarial Networks*, ICLR 2018, and M. Heusel et al.,
#   NeurIPS 2017, for two learning rates (TTUR): two more ways to hold the game.
#
# **Next:** lesson 19 lets the generator learn from what D sees and not only from its verdict; 23 ties two such games
# together by a cycle. The gradient that is turned around for domain adaptation is in 09.
