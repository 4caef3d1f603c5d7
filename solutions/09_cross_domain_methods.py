# %% [markdown]
# # 09 Cross-domain methods / 跨域风格迁移的方法
#
# **After this lesson** you can say what a domain gap is in one sentence, write three remedies for it as code, and say
# for each of them on which data it makes things worse.
#
# About 40 minutes, and 90 for the exercises. Read 03 first (the Gram loss is one of the remedies) and 06 for two
# networks that play against each other.

# %% [markdown] interview="question"

# %% tags=["setup"]
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# %%
import matplotlib.pyplot as plt

from nstkit import domain
from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph

torch.set_num_threads(1)  # small tensors: a second thread would only wait
encoder = load_encoder("tiny")

# %% [markdown]
# ## Brick, grass, gravel
#
# Three photographs, cut into patches. A linear classifier reads the encoder's features at relu2_1, averaged over each
# patch, and learns which of the three it sees. Then it gets the same three surfaces from a yellowed, slightly blurred
# print: patches from the *other half* of each photograph, so it has not seen them either way.
#
# **Before you run it:** it makes next to no mistakes on unseen photographs. How many of a hundred printed patches
# will it get right?

# %%
SURFACES = ("brick", "grass", "gravel")
rng = torch.Generator().manual_seed(0)


def patches(name, count, left):
    """`count` patches of 32 x 32 from one half of a photograph, (count, 3, 32, 32)."""
    image = photograph(name)  # (1, 3, 512, 512)
    tops = torch.randint(0, 480, (count,), generator=rng).tolist()
    lefts = (torch.randint(0, 224, (count,), generator=rng) + (0 if left else 256)).tolist()
    return torch.cat([image[..., y : y + 32, x : x + 32] for y, x in zip(tops, lefts)])


def print_of(image):
    """A yellowed print: blurred, less contrast, a warm tint."""
    tint = torch.tensor([1.0, 0.8, 0.55]).view(1, 3, 1, 1)
    return (0.2 + 0.55 * F.avg_pool2d(image, 3, 1, 1)) * tint


def describe(images):
    """Features averaged over each patch: (n, 64), one row for each."""
    with torch.no_grad():
        return encoder(images, ["relu2_1"])["relu2_1"].mean((2, 3)).double()


def fit(rows, labels):
    """A linear classifier on standardised features; returns the function that predicts."""
    mean, deviation = rows.mean(0), rows.std(0) + 1e-6
    head = nn.utils.skip_init(nn.Linear, rows.shape[1], 3, dtype=torch.float64)
    nn.init.zeros_(head.weight), nn.init.zeros_(head.bias)
    optimizer = torch.optim.LBFGS(head.parameters(), max_iter=60)

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(head((rows - mean) / deviation), labels) + 1e-3 * head.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return lambda x: head((x - mean) / deviation).argmax(1)


labels = torch.arange(3).repeat_interleave(240)
unseen = torch.cat([patches(name, 240, left=False) for name in SURFACES])
photos = describe(torch.cat([patches(name, 240, left=True) for name in SURFACES]))  # (720, 64)
photos_unseen, prints = describe(unseen), describe(print_of(unseen))
predict = fit(photos, labels)


def accuracy(rows, truth=labels):
    return (predict(rows) == truth).double().mean().item()


figure, axes = plt.subplots(2, 3, figsize=(6.2, 4.3))
for column, name in enumerate(SURFACES):
    example = unseen[240 * column + 7][None]
    for row, picture in enumerate((example, print_of(example))):
        axes[row, column].imshow(picture[0].permute(1, 2, 0), vmin=0, vmax=1)
        axes[row, column].set_xticks([])
        axes[row, column].set_yticks([])
    axes[0, column].set_title(name)
axes[0, 0].set_ylabel("photograph")
axes[1, 0].set_ylabel("print")
figure.suptitle("You see the same three surfaces")
figure.tight_layout()
plt.show()
print(f"unseen photographs: {accuracy(photos_unseen):.0%} right")
print(f"prints:             {accuracy(prints):.0%} right")
print(f"what it says about prints: {torch.bincount(predict(prints), minlength=3).tolist()} of {SURFACES}")

# %% [markdown]
# *Patches of brick, grass and gravel, above as photographs, below in yellowish, softer print.*
#
# A third: it might as well say the same word every time, and that is what it does. Nothing about brick has changed.
# What has changed is *where in feature space* brick lies. That is the whole problem, and it fits into one sentence:
#
# > **The features of the two domains follow different distributions, so what was learned or measured on one does not
# > hold on the other.**
#
# In style transfer two such gaps are easily mixed up. The *encoder gap*: the network was trained on photographs and is
# shown paintings. The *distribution gap*: content features and style features differ, and that difference is what we
# want to travel across on purpose. Saying "style transfer between two different domains" distinguishes nothing; every
# style transfer is that.
#
# Three remedies, then. Move the features. Give the encoder more to learn. Or hire an opponent.

# %% [markdown]
# ## Remedy 1: move the features
#
# First a ruler. Each domain is a set of feature vectors, rows of $S$ (n, d) and $T$ (m, d). Their covariances say how
# the features vary together, and **CORAL** (Sun & Saenko 2016) is the squared distance of the two:
#
# $$\ell = \frac{1}{4 d^2} \lVert C_S - C_T \rVert_F^2, \qquad C_S = \frac{1}{n-1}\, (S-\mu_S)^\top (S-\mu_S)
# \quad (d,n)\,(n,d) \to (d,d).$$
#
# By hand, d = 2: $C_S$ is the identity, $C_T = \begin{pmatrix}1 & 0.5\\ 0.5 & 1\end{pmatrix}$. The difference has two
# entries of 0.5, so $\ell = (0.25 + 0.25) / 16 \approx 0.031$. Both domains have the same variances; only the
# correlation differs, and a ruler that looked at one feature at a time would read zero.
#
# Lesson 03's Gram loss is nearly the same formula, without the $-\mu$. That one letter decides what is seen: shift one
# domain by a constant and the Gram loss jumps, CORAL does not move.
#
# ### Exercise 9.1: CORAL as a loss
#
# You would add it to a task loss, on the features of both domains, while the encoder trains. So both sides need their
# gradient, and batches of the two domains need not be of one size.


# %% answer="coral_loss"
def coral_loss(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """‖C_S - C_T‖_F² / (4 d²), each C the centred covariance of its own domain with divisor n - 1.

    Args:
        source: (n, d), samples in rows, n at least 2.
        target: (m, d), m at least 2.
    Returns:
        A 0-d tensor, differentiable in both.
    Raises:
        ValueError: d differs, or a domain has fewer than 2 samples.
    """
    ### BEGIN SOLUTION
    if source.shape[1] != target.shape[1]:
        raise ValueError(f"target: expected {source.shape[1]} features as in source, got {target.shape[1]}")
    if min(len(source), len(target)) < 2:
        raise ValueError(f"expected at least 2 samples each, got {len(source)} and {len(target)}")

    def covariance(rows):
        centred = rows - rows.mean(0)  # (n, d)
        return centred.T @ centred / (len(rows) - 1)  # (d, d)

    d = source.shape[1]
    return (covariance(source) - covariance(target)).square().sum() / (4 * d**2)
    ### END SOLUTION


# %% check="coral_loss"

# %%
shifted = photos + 1.0
print(f"photographs against unseen photographs: {domain.coral_loss(photos, photos_unseen):.2e}")
print(f"photographs against prints:             {domain.coral_loss(photos, prints):.2e}")
print(f"photographs against photographs + 1:    {domain.coral_loss(photos, shifted):.2e}")
print(f"distance of the means, photographs to prints: {(photos.mean(0) - prints.mean(0)).norm():.2f}")

# %% [markdown]
# The second line is far above the first: the gap is real. The third is the warning. CORAL alone would call a domain
# aligned that lies somewhere else altogether, and the fourth line says that here the means do differ.
#
# The same two statistics can be handed over in closed form, with no training. Subtract the source's mean; multiply by
# the inverse root of its covariance, and the cloud becomes round (*whitening*); multiply by the root of the target's,
# and it takes that shape (*colouring*); add the target's mean. For row vectors everything multiplies on the right:
#
# $$(S - \mu_S)\; C_S^{-1/2}\; C_T^{1/2} + \mu_T \qquad (n,d)\,(d,d)\,(d,d) \to (n,d).$$
#
# Why will the covariance be right? Whitened rows have covariance $I$; multiplied by a symmetric $R$ they have
# $R^\top I R = R^2 = C_T$.
#
# And now the question that separates people who have used it from people who have read about it: is this map unique?
# **Think of what you can do to a round cloud without anybody noticing.** You can turn it. Every rotation between
# whitening and colouring gives the same mean and the same covariance.
#
# ### Exercise 9.2: whitening and colouring
#
# With fewer samples than features some directions have no variance at all, and an inverse root is infinite there. A
# small $\varepsilon I$ under both roots keeps the map finite.


# %% answer="whiten_color_map"
def whiten_color_map(source: torch.Tensor, target: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    """(S - μ_s) (C_s + eps·I)^(-1/2) (C_t + eps·I)^(1/2) + μ_t, with symmetric roots.

    Args:
        source: S, (n, d), samples in rows, n at least 2; n < d must work.
        target: (m, d), m at least 2. Both covariances are centred, with divisors n - 1 and m - 1.
        eps: positive.
    Returns:
        (n, d), the dtype of source.
    Raises:
        ValueError: d differs, a set has fewer than 2 samples, or eps is not positive.
    """
    ### BEGIN SOLUTION
    if source.shape[1] != target.shape[1] or min(len(source), len(target)) < 2:
        raise ValueError(
            f"expected (n, d) and (m, d), n and m at least 2, got {source.shape}, {target.shape}"
        )
    if eps <= 0:
        raise ValueError(f"eps: expected a positive number, got {eps}")

    def power(rows, exponent):
        centred = rows - rows.mean(0)
        values, vectors = torch.linalg.eigh(centred.T @ centred / (len(rows) - 1))
        return vectors @ torch.diag((values.clamp(min=0) + eps) ** exponent) @ vectors.T  # (d, d)

    return (source - source.mean(0)) @ power(source, -0.5) @ power(target, 0.5) + target.mean(0)
    ### END SOLUTION


# %% check="whiten_color_map"

# %% [markdown]
# Two clouds in the plane, so that you can see which map does what. Four points of the source are marked; follow them.


# %%
def by_cholesky(source, target, eps=1e-5):
    """Another pair of roots: L with L Lᵀ = C. Same mean, same covariance."""
    ridge = eps * torch.eye(source.shape[1], dtype=source.dtype)
    whiten = torch.linalg.inv(torch.linalg.cholesky(torch.cov(source.T) + ridge)).T
    return (source - source.mean(0)) @ whiten @ torch.linalg.cholesky(
        torch.cov(target.T) + ridge
    ).T + target.mean(0)


def by_deviations(source, target):
    """Feature by feature, as AdaIN does."""
    return (source - source.mean(0)) / source.std(0) * target.std(0) + target.mean(0)


draw = torch.Generator().manual_seed(5)
noise = torch.randn(2, 160, 2, generator=draw, dtype=torch.float64)
tall = noise[0] @ torch.tensor([[0.9, 0.8], [0.0, 0.5]], dtype=torch.float64)
flat = noise[1] @ torch.tensor([[1.6, -0.9], [0.0, 0.4]], dtype=torch.float64) + torch.tensor([3.0, 1.0])
maps = {
    "before": tall,
    "mean and deviation": by_deviations(tall, flat),
    "full covariance, symmetric roots": domain.whiten_color_map(tall, flat),
    "full covariance, Cholesky": by_cholesky(tall, flat),
}
across, along = (tall @ torch.linalg.eigh(torch.cov(tall.T)).eigenvectors).T
marked = [int(values.argmax()) for values in (along, -along, across, -across)]
figure, axes = plt.subplots(1, 4, figsize=(13, 3.5), sharex=True, sharey=True)
for axis, (name, cloud) in zip(axes, maps.items()):
    axis.scatter(*flat.T, s=10, color="#D55E00", marker="x", linewidths=0.8, label="target")
    axis.scatter(*cloud.T, s=10, color="#0072B2", label="source, mapped as the title says")
    for letter, index in zip("ABCD", marked):
        box = {"boxstyle": "circle,pad=0.12", "facecolor": "white", "edgecolor": "black"}
        axis.annotate(letter, cloud[index].tolist(), fontsize=10, ha="center", va="center", bbox=box)
    axis.set_title(name, fontsize=10)
    axis.set_xlabel("feature 1")
    axis.set_aspect("equal")
axes[0].set_ylabel("feature 2")
figure.suptitle("Two maps give the same ellipse; they do not put the points in the same places")
figure.legend(*axes[0].get_legend_handles_labels(), loc="lower center", ncols=2)
figure.tight_layout(rect=(0, 0.07, 1, 1))
plt.show()
for name, cloud in maps.items():
    difference = (torch.cov(cloud.T) - torch.cov(flat.T)).abs().max()
    print(
        f"{name:>33}: covariance off by {difference:.3f}, points moved by {(cloud - tall).norm(dim=1).mean():.2f}"
    )

# %% [markdown]
# *Four panels with a steep blue cloud and a flat orange one. Matching deviations leaves the blue cloud tilted the
# wrong way. The two full maps lie on the orange cloud, with the four lettered points in different places.*
#
# "Any square root will do" is right about the covariance and wrong about everything else: the last two panels hold
# the same ellipse and other points. A symmetric root only stretches and adds no turn of its own; Cholesky's factors do,
# and whoever reads the features afterwards, a decoder or a classifier, reads other features. (The map that moves the
# points least is a third one; lesson 28 has it, for colours.)
#
# Now the surfaces. **Predict the order:** prints as they are, means matched, means and deviations, full covariance
# with symmetric roots, full covariance with Cholesky.

# %%
remedies = {
    "as they are": prints,
    "mean": prints - prints.mean(0) + photos.mean(0),
    "mean and deviation": by_deviations(prints, photos),
    "full covariance": domain.whiten_color_map(prints, photos, eps=1e-2),
    "the same, smaller eps": domain.whiten_color_map(prints, photos, eps=1e-4),
    "the same, Cholesky": by_cholesky(prints, photos, eps=1e-2),
}
for name, rows in remedies.items():
    print(f"{name:>21}: {accuracy(rows):.0%} right")
print(f"a covariance has {64 * 65 // 2} numbers; there are {len(prints)} prints")

# %% [markdown]
# Two lessons in one table. Two moments of each feature recover most of what was lost, with no label of the target and
# no training. And the map that matches *more* is not better: exact agreement with 2080 estimated numbers is agreement
# with their noise too. With the smaller ε, directions in which prints hardly vary are blown up until they vary as
# photographs do, and it costs. Cholesky, with the larger ε again, matches the same covariance as the line "full
# covariance" and pays for its turn.
#
# <details><summary>Ask yourself: AdaIN and WCT, which lines of the table are theirs?</summary>
#
# AdaIN (lesson 14) matches mean and deviation of every channel, WCT (lesson 24) mean and full covariance. There the
# samples are the positions of one feature map, thousands of them, and the covariance is better known than here.
#
# </details>
#
# ### When it backfires
#
# All of this matches *distributions*. Suppose the prints come from a building site: nearly all brick. Equal
# distributions then means that nine tenths of brick must look like a third brick, a third grass, a third gravel.
# Below, each surface in turn is the common one, and the three results are averaged.

# %%
shares, matched = [1 / 3, 0.45, 0.6, 0.7, 0.8, 0.9], []
for share in shares:
    kept = round(120 * (1 - share) / share)  # of each of the two rare surfaces, to 240 of the common one
    results = []
    for common in range(3):
        numbers = [240 if surface == common else kept for surface in range(3)]
        chosen = torch.cat([240 * surface + torch.arange(n) for surface, n in enumerate(numbers)])
        results.append(accuracy(by_deviations(prints[chosen], photos), labels[chosen]))
    matched.append(sum(results) / 3)
figure, axis = plt.subplots(figsize=(6.4, 3.6))
axis.plot(shares, matched, "o-", color="#0072B2", label="mean and deviation matched")
axis.plot([1 / 3, 0.9], [1 / 3, 0.9], "--", color="black", label="always naming the common surface")
axis.set_xlabel("share of the most common surface among the prints")
axis.set_ylabel("share of right answers")
axis.set_ylim(0, 1.05)
axis.set_title("The same alignment, other proportions: help turns into harm", fontsize=11)
axis.legend(loc="lower left")
figure.tight_layout()
plt.show()
print(", ".join(f"{share:.0%} common: {right:.0%}" for share, right in zip(shares, matched)))

# %% [markdown]
# *A falling line, from high accuracy at equal proportions to below the rising dashed line of a constant answer.*
#
# This is **label shift**, and it is the honest answer to "when does alignment hurt": whenever the difference between
# the domains is partly a difference that *should* be there.

# %% [markdown]
# ## Remedy 2: an opponent
#
# Mean and covariance are two moments. An opponent looks for any difference at all: a *domain head* that reads the
# features and says "source" or "target". If even a trained head cannot tell, the domains agree in everything that it
# can see. So the encoder should make it fail, while it still serves the *task head* (Ganin et al. 2016, DANN). Note
# who is whose partner: encoder and domain head **compete**; encoder and task head share an aim. Nobody "cooperates"
# with the discriminator.
#
# How do you write that down? The obvious line is `loss = task - lam * domain`. Let us follow what it does to each
# player, with photographs as the source and prints as the target. What will the domain head learn?


# %%
def players(features, classes, rate, seed=0):
    """Encoder, task head, domain head, and one optimiser over all three."""
    torch.manual_seed(seed)
    nets = (
        nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()),
        nn.Linear(16, classes),
        nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1)),
    )
    return nets, torch.optim.SGD([p for net in nets for p in net.parameters()], lr=rate, momentum=0.9)


def domain_accuracy(nets, source, target):
    """How often the domain head is right, both domains counted alike."""
    with torch.no_grad():
        source, target = nets[2](nets[0](source)), nets[2](nets[0](target))
    return ((source < 0).double().mean() + (target >= 0).double().mean()).item() / 2


photo_x, print_x = (((x - photos.mean(0)) / photos.std(0)).float() for x in (photos, prints))
nets, optimizer = players(64, 3, 0.01)
truth = (torch.arange(2 * len(labels)) >= len(labels)).float()[:, None]
for step in range(41):
    source, target = nets[0](photo_x), nets[0](print_x)
    task = F.cross_entropy(nets[1](source), labels)
    domain_loss = F.binary_cross_entropy_with_logits(nets[2](torch.cat([source, target])), truth)
    if step % 10 == 0:
        right = domain_accuracy(nets, photo_x, print_x)
        print(f"step {step:2d}: domain loss {domain_loss:8.2f}, domain head right {right:4.0%}")
    optimizer.zero_grad()
    (task - domain_loss).backward()
    optimizer.step()
source, target = source.detach(), target.detach()
fresh = domain.proxy_a_distance(source[::2], target[::2], source[1::2], target[1::2])
print(f"a fresh linear classifier on the same features is right {(fresh / 2 + 1) / 2:.0%} of the time")

# %% [markdown]
# Half right: is that not what we wanted? Look at the other two numbers. A head that guesses has a loss of ln 2 =
# 0.69; this loss climbs and climbs, so the head is not guessing, it gives ever surer answers, and wrong ones. It
# descends $-\lambda\,\ell_\text{domain}$ like everybody else: it was never taught to judge, it is *taught to be
# wrong*, with the encoder's help, and there is no bottom to that. And a fresh judge, trained in the ordinary way on
# the very same features, tells the domains apart without effort. Nothing has been hidden.
#
# What we want is one loss and a change of sign at one place, between encoder and domain head:
#
# $$\text{forward: } R(x) = x, \qquad \text{backward: } \frac{\partial \ell}{\partial x} = -\lambda\,
# \frac{\partial \ell}{\partial R} .$$
#
# No function has this derivative, which is why a gradient check must fail on it. That is the point of it.
#
# ### Exercise 9.3: reverse the gradient


# %% answer="gradient_reverse"
def gradient_reverse(x: torch.Tensor, lam: float) -> torch.Tensor:
    """The values of x; in the backward pass the incoming gradient times -lam.

    Other paths into x are not reversed, and each call keeps its own lam.

    Args:
        x: any shape, floating point; not modified.
        lam: at least 0.
    Returns:
        The shape and dtype of x.
    Raises:
        ValueError: lam is negative.
    """
    ### BEGIN SOLUTION
    if lam < 0:
        raise ValueError(f"lam: expected at least 0, got {lam}")

    class Reversal(torch.autograd.Function):
        @staticmethod
        def forward(ctx, values, scale):
            ctx.scale = scale
            return values.view_as(values)

        @staticmethod
        def backward(ctx, incoming):
            return -ctx.scale * incoming, None

    return Reversal.apply(x, lam)
    ### END SOLUTION


# %% check="gradient_reverse"

# %% [markdown]
# Where does λ act? Only here. If it also multiplied the domain loss, a small λ would mean a lazy judge, and a lazy
# judge is fooled by features that have not been aligned at all. DANN raises λ from 0 to 1 with the progress $p$ of
# training, $\lambda_p = 2/(1 + e^{-10p}) - 1$: first the judge learns what to look at, then the encoder begins to
# hide it.
#
# ### Exercise 9.4: one step of domain-adversarial training
#
# The target's labels do not appear in the signature: nobody has them.


# %% answer="domain_adversarial_step"
def domain_adversarial_step(
    encoder,
    task_head,
    domain_head,
    opt: torch.optim.Optimizer,
    source_x: torch.Tensor,
    source_y: torch.Tensor,
    target_x: torch.Tensor,
    lam: float,
) -> dict[str, float]:
    """One step of `opt` on task + domain, with the gradient reversed between encoder and domain head.

    task: cross-entropy of task_head(encoder(source_x)) and source_y.
    domain: binary cross-entropy of domain_head(reversed features of both) with 0 for source and 1 for target,
    the mean over all n_s + n_t samples together.

    Args:
        encoder, task_head: to features (n, d), and from them to class logits.
        domain_head: from features to one logit, (n, 1).
        opt: over the parameters of all three; stale gradients do not count.
        source_x, source_y, target_x: (n_s, …), (n_s,), (n_t, …).
        lam: strength of the reversal; the heads do not depend on it.
    Returns:
        {"task": float, "domain": float}, both before the step.
    Raises:
        ValueError: source_x and source_y of different length.
    """
    ### BEGIN SOLUTION
    if len(source_x) != len(source_y):
        raise ValueError(f"source_y: expected {len(source_x)} labels, got {len(source_y)}")
    source, target = encoder(source_x), encoder(target_x)
    task = F.cross_entropy(task_head(source), source_y)
    both = torch.cat([source, target])  # (n_s + n_t, d)
    reversed_ = both.detach() * (1 + lam) - lam * both  # the values of `both`, -lam times its gradient
    truth = torch.zeros(len(both), 1, dtype=both.dtype, device=both.device)
    truth[len(source) :] = 1
    domain_loss = F.binary_cross_entropy_with_logits(domain_head(reversed_), truth)
    opt.zero_grad()
    (task + domain_loss).backward()
    opt.step()
    return {"task": task.item(), "domain": domain_loss.item()}
    ### END SOLUTION


# %% check="domain_adversarial_step"

# %% [markdown]
# Two half-moons are the source; the target is the same, turned by 35 degrees. Three seeds each, with the reversal and
# without it (λ = 0 trains the domain head as a mere observer).

# %%
STEPS = 300


def moons(count, degrees, seed):
    """Two interleaved half-circles, (count, 2), turned about the origin, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    angle, which = torch.rand(count, generator=generator) * np.pi, torch.arange(count) % 2
    upper = torch.stack([angle.cos() - 0.5, angle.sin() - 0.25], 1)
    points = torch.where(which[:, None] == 0, upper, -upper) + 0.1 * torch.randn(
        count, 2, generator=generator
    )
    turn = np.deg2rad(degrees)
    matrix = torch.tensor([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]).float()
    return points @ matrix, which


moon_x, moon_y = moons(240, 0, 1)
turned_x, turned_y = moons(240, 35, 2)


def train(seed, strength):
    """Domain accuracy every ten steps, and how many turned moons the task head gets right at the end."""
    nets, optimizer = players(2, 2, 0.05, seed)
    curve = []
    for step in range(STEPS):
        lam = strength * (2 / (1 + np.exp(-10 * step / STEPS)) - 1)
        domain.domain_adversarial_step(*nets, optimizer, moon_x, moon_y, turned_x, lam)
        if step % 10 == 9:
            curve.append(domain_accuracy(nets, moon_x, turned_x))
    with torch.no_grad():
        right = (nets[1](nets[0](turned_x)).argmax(1) == turned_y).double().mean().item()
    return curve, right


figure, axes = plt.subplots(1, 2, figsize=(11, 3.7), width_ratios=(1, 1.6))
for points, truth, color, name in (
    (moon_x, moon_y, "#0072B2", "source"),
    (turned_x, turned_y, "#D55E00", "target"),
):
    for label, marker in enumerate("ox"):
        chosen = points[truth == label]
        axes[0].scatter(
            *chosen.T, s=14, color=color, marker=marker, linewidths=0.9, label=f"{name}, class {label}"
        )
axes[0].legend(fontsize=7, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.16))
axes[0].set_aspect("equal")
axes[0].set_title("The target is the source, turned by 35 degrees", fontsize=10)
for strength, style, color, name in (
    (0.0, "--", "#D55E00", "no reversal"),
    (1.0, "-", "#0072B2", "reversal, λ → 1"),
):
    results = [train(seed, strength) for seed in range(3)]
    for number, (curve, _) in enumerate(results):
        axes[1].plot(range(10, STEPS + 1, 10), curve, style, color=color, label=name if number == 0 else None)
    print(f"{name:>16}: target right " + ", ".join(f"{right:.0%}" for _, right in results))
axes[1].axhline(0.5, color="black", linewidth=0.8)
axes[1].set_ylim(0.4, 1)
axes[1].set_xlabel("step")
axes[1].set_ylabel("domain head right")
axes[1].set_title("With reversal the judge is pushed back towards guessing", fontsize=10)
axes[1].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *Left, two interleaved half-moons in blue and the same turned in orange. Right, the accuracy of the domain head:
# dashed lines rise, solid ones come back down towards the line at one half.*
#
# Look at the three numbers with reversal, too. They are not alike: two seeds gain, one ends below where it would have
# been without. Two players have no common loss that falls, and the end depends on the seed. Adversarial alignment
# needs no moments and no closed form, and it pays with stability.
#
# <details><summary>Ask yourself: the domain head is at 50 %. Are the domains aligned?</summary>
#
# Only as far as *this* head, at this moment, can see. Train a fresh one on the frozen features before you believe it
# (lesson 20 makes a measure of that).
#
# </details>

# %% [markdown]
# ## Remedy 3: a second task
#
# Give the encoder another supervised task, with a head of its own, and hope that features which serve both are less
# tied to one domain. It needs labels for that task, it needs the tasks to share structure, and it needs a weight.
# Below, a small network inks photographs (dark where darker than the surroundings, paper elsewhere), and a second
# head on the same trunk segments light from dark areas. It learns from three photographs and is tested on a fourth,
# for three weights and for one that is learned: $\sum_i \tfrac12 e^{-s_i} \ell_i + \tfrac12 s_i$, the uncertainty
# weighting that lesson 11 derives.
#
# **Guess first:** does the segmentation help the transfer?

# %%
gray = torch.tensor([0.3, 0.59, 0.11]).view(1, 3, 1, 1)


def surroundings(x):
    return F.avg_pool2d(x, 5, 1, 2, count_include_pad=False)


def inked(image):
    """The "style": ink and paper, by comparison with the neighbourhood."""
    luma = (image * gray).sum(1, keepdim=True)
    paper = torch.sigmoid(25 * (luma - surroundings(luma) + 0.02))
    return paper * torch.tensor([0.95, 0.9, 0.8]).view(1, 3, 1, 1) + (1 - paper) * torch.tensor(
        [0.1, 0.12, 0.3]
    ).view(1, 3, 1, 1)


def light_areas(image):
    luma = (image * gray).sum(1, keepdim=True)
    return (luma > surroundings(surroundings(luma))).float()


seen = torch.cat([photograph(name, size=48)[..., :32, :48] for name in ("coffee", "chelsea", "astronaut")])
fourth = photograph("rocket", size=48)[..., :27, :48]


def learn(seed, weight, steps=80):
    """Error of the inked fourth photograph; `weight` is the segmentation's, None learns one for each task."""
    torch.manual_seed(seed)
    trunk = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU()
    )
    ink, segment, s = nn.Conv2d(12, 3, 1), nn.Conv2d(12, 1, 1), torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([*trunk.parameters(), *ink.parameters(), *segment.parameters(), s], lr=0.02)
    for _ in range(steps):
        features = trunk(seen)
        transfer = F.mse_loss(torch.sigmoid(ink(features)), inked(seen))
        areas = F.binary_cross_entropy_with_logits(segment(features), light_areas(seen))
        learned = (0.5 * (-s).exp() * torch.stack([transfer, areas]) + 0.5 * s).sum()
        optimizer.zero_grad()
        (learned if weight is None else transfer + weight * areas).backward()
        optimizer.step()
    with torch.no_grad():
        return F.mse_loss(torch.sigmoid(ink(trunk(fourth))), inked(fourth)).item()


errors = {}
for weight, name in ((0.0, "none"), (0.03, "0.03"), (10.0, "10"), (None, "learned")):
    errors[name] = [1000 * learn(seed, weight) for seed in range(3)]
    print(
        f"weight {name:>7}: error x 1000 on the fourth photograph "
        + ", ".join(f"{e:5.1f}" for e in errors[name])
    )

# %% [markdown]
# Three seeds in each line, and they differ from one another more than the light weight differs from none: on this
# evidence nobody may say that the second task helped. The heavy weight, though, makes the transfer worse in every seed:
# the trunk now serves the segmentation. The learned weights do well twice and badly once. "Multi-task learning makes
# features more general" is a hope; the weight and the kinship of the tasks decide.
#
# In style transfer itself segmentation mostly enters otherwise: as a *mask* that says which region of the style goes
# where (Champandard 2016, Luan et al. 2017), not as a second thing to learn.
#
# ## One more member of the family
#
# Look back at the formula of CORAL. The style loss of lesson 03 compares second moments of two sets of feature vectors
# and moves the pixels of one until they agree. It *is* domain alignment (Li et al. 2017), of an image with a painting,
# where the closing of the gap is not a repair but the purpose.


# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - B. Sun, J. Feng, K. Saenko, *Return of Frustratingly Easy Domain Adaptation*, AAAI 2016, arXiv:1511.05547.
# - B. Sun, K. Saenko, *Deep CORAL: Correlation Alignment for Deep Domain Adaptation*, ECCV 2016 Workshops,
#   arXiv:1607.01719, Eq. 1.
# - Y. Ganin et al., *Domain-Adversarial Training of Neural Networks*, JMLR 17, 2016, arXiv:1505.07818.
# - Y. Li et al., *Universal Style Transfer via Feature Transforms*, NeurIPS 2017, arXiv:1705.08086.
# - A. J. Champandard, *Semantic Style Transfer and Turning Two-Bit Doodles into Fine Artworks*, 2016, arXiv:1603.01768.
# - F. Luan, S. Paris, E. Shechtman, K. Bala, *Deep Photo Style Transfer*, CVPR 2017, arXiv:1703.07511.
# - Y. Li et al., *Demystifying Neural Style Transfer*, IJCAI 2017, arXiv:1701.01036.
#
# **Next:** lesson 20 measures the gap, with and without an opponent; 24 carries whitening and colouring to feature
# maps, 28 to colours; 11 chooses the weight that remedy 3 left open.
