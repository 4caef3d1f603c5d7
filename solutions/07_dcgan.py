# %% [markdown]
# # 07 DCGAN / 深度卷积生成对抗网络
#
# **After this lesson** you can build both networks of a DCGAN from their rules, say what each rule is for, write one
# training iteration in the right order, and read a pair of loss curves without being fooled by it.
#
# About 40 minutes, and 90 for the exercises. Read 06 for the losses.

# %% [markdown] interview="question"

# %% tags=["setup"]
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import nn

# %%
import matplotlib.pyplot as plt

from nstkit.gan import build_dcgan as library_build
from nstkit.gan import dcgan_init_ as library_init_
from nstkit.gan import dcgan_train_step as library_step
from nstkit.gan import discriminator_step, generator_step, two_blobs
from nstkit.gan import fit_toy_dcgan as library_fit
from nstkit.grading import check

torch.set_num_threads(1)  # networks this small are faster on one core
torch.manual_seed(0)

# %% [markdown]
# ## Which of these two learned something?
#
# Two trainings of the same two networks on the same images, 150 steps each. They differ in one character of the code.


# %%
def train(generator_loss, steps=150):
    """A toy DCGAN of two blobs; returns the generator and both losses by step."""
    random = torch.Generator().manual_seed(3)
    gen, disc = (library_init_(net, random) for net in library_build(16, 1, 8, 16))
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), 2e-3, betas=(0.5, 0.999)) for net in (gen, disc))
    curves = []
    for _ in range(steps):
        fake = gen(torch.randn(32, 8, 1, 1, generator=random))
        d_loss = discriminator_step(disc, opt_d, two_blobs(32, random), fake)
        curves.append((d_loss, generator_step(disc, opt_g, fake, generator_loss)))
    return gen, torch.tensor(curves)


softplus = torch.nn.functional.softplus
runs = {
    "Run 1": train(lambda score: softplus(score).mean()),
    "Run 2": train(lambda score: softplus(-score).mean()),
}
figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), sharey=True)
for axis, (title, (_, curves)) in zip(axes, runs.items()):
    axis.plot(curves[:, 0], color="#0072B2", label="discriminator")
    axis.plot(curves[:, 1], "--", color="#D55E00", label="generator")
    axis.set_title(title)
    axis.set_xlabel("step")
    axis.set_ylim(0, 4)
axes[0].set_ylabel("loss")
axes[1].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *Run 1: both losses fall to zero within ten steps and stay there. Run 2: both swing, at first beyond the axis, later
# around one, and never settle.*
#
# **Decide before you go on:** which generator would you keep? In every other training that you have seen, the left
# picture is the success.


# %%
def sheet(axis, images, title):
    """Eight 16 x 16 images in one row."""
    framed = torch.nn.functional.pad(images[:8, 0], (1, 1), value=torch.nan)  # a gap between images
    axis.imshow(framed.permute(1, 0, 2).reshape(16, -1), cmap="gray", vmin=-1, vmax=1)
    axis.set_title(title, fontsize=10, loc="left")
    axis.axis("off")


noise = torch.randn(256, 8, 1, 1, generator=torch.Generator().manual_seed(8))
real = two_blobs(256, torch.Generator().manual_seed(9))
figure, axes = plt.subplots(3, 1, figsize=(8, 3.9))
sheet(axes[0], real, "Data: one blob, above left or below right")
for axis, (title, (gen, _)) in zip(axes[1:], runs.items()):
    with torch.no_grad():
        sheet(axis, gen(noise), title)
figure.tight_layout()
plt.show()

# %% [markdown]
# *Three rows of eight small images. Data: single blobs on black. Run 1: light gray noise without any blob. Run 2:
# single blobs in both places, a little rough.*
#
# Run 1's generator was trained with the label *fake*. It learned to be recognised, the discriminator learned to
# recognise it, both are content, and nothing like the data was ever asked for. In a game, two falling losses mean that
# nobody plays against anybody. Healthy curves hover: perfect play has the discriminator at $\log 4 \approx 1.39$ and
# the generator at $\log 2 \approx 0.69$, and what you see on the way is each one answering the other's last move.
#
# So the curves will not tell you whether your code is right. The rules and the order have to. Those are this lesson.

# %% [markdown]
# ## The rules
#
# Before 2015, GANs of convolutions mostly did not train. Radford, Metz and Chintala tried many and kept a short list.
#
# | | generator | discriminator |
# |---|---|---|
# | changes the size by | transposed convolution, stride 2 | convolution, stride 2 |
# | activation | ReLU; tanh at the end | LeakyReLU(0.2); none at the end |
# | batch norm | all layers but the last | all layers but the first (and the score) |
# | pooling, hidden linear layers | none | none |
#
# Each line has a reason. Strided layers *learn* how to go up and down. A unit that is off in a discriminator sends no
# gradient back, and the generator lives on that gradient alone, hence the leak. Batch norm at the output would give
# every batch of images the same mean and spread; at the discriminator's input it would wipe out just the differences
# in brightness by which fakes give themselves away. Images are scaled to [−1, 1] because tanh is.
#
# A common retelling says "convolutions and transposed convolutions" for the generator: it has only the second kind.
# And DCGAN is *unconditional*, noise in and image out. It is a building block of this course, not a way to transfer a
# style.
#
# ### The size of a transposed convolution
#
# A transposed convolution lets every input pixel *stamp* the kernel into the output, one stamp every `stride` pixels,
# and crops `padding` from each side: the size is $(H-1)\cdot\text{stride} - 2\cdot\text{padding} + \text{kernel}$.
# With 4, 2, 1 that is $2(H-1) - 2 + 4 = 2H$. The first layer has stride 1 and no padding, so that 1 becomes 4.
#
# **By hand:** three input pixels, all 1, a kernel (1, 1, 1), stride 2. The stamps cover output pixels 0–2, 2–4 and
# 4–6. How often is each pixel hit? 1, 1, 2, 1, 2, 1, 1. A constant came in and stripes come out. With a kernel of 4,
# each inner pixel is hit exactly twice.

# %%
figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.7))
for axis, kernel in zip(axes, (3, 4)):
    layer = nn.ConvTranspose2d(1, 1, kernel, 2, 1, bias=False)
    nn.init.constant_(layer.weight, 0.25)
    with torch.no_grad():
        hits = layer(torch.ones(1, 1, 10, 10))[0, 0]
    picture = axis.imshow(hits, cmap="viridis", vmin=0, vmax=1)
    inside = hits[2:-2, 2:-2]
    axis.set_title(f"Kernel {kernel}: {len(inside.unique())} level(s) inside", fontsize=11)
    axis.axis("off")
figure.colorbar(picture, ax=axes, shrink=0.8, label="output for a constant input of 1")
plt.show()

# %% [markdown]
# *Left: a checkerboard with three levels. Right: one even level, but for the rim.*
#
# A kernel that the stride does not divide has the checkerboard built in before any training, and Odena, Dumoulin and
# Olah (2016) show that trained networks keep traces of it. They suggest to enlarge by interpolation and convolve with
# stride 1 instead.
#
# ### Exercise 7.1: both networks
#
# Everything is decided by the list above and the widths: next to the image `width` maps, doubled with every halving of
# the size.


# %% answer="build_dcgan"
def build_dcgan(
    image_size: int, channels: int, latent_dim: int, width: int
) -> tuple[nn.Sequential, nn.Sequential]:
    """The generator and the discriminator of a DCGAN; n = log2(image_size) - 2.

    Generator, (B, latent_dim, 1, 1) to (B, channels, image_size, image_size): ConvTranspose2d to width·2^(n-1) maps
    (kernel 4, stride 1, padding 0), batch norm, ReLU; then n ConvTranspose2d (4, 2, 1) that halve the maps, each with
    batch norm and ReLU but the last, which gives `channels` and tanh.
    Discriminator, to (B, 1, 1, 1) raw scores: n Conv2d (4, 2, 1) with width, 2·width, … maps and LeakyReLU(0.2), batch
    norm before the activation from the second on; then Conv2d to 1 (4, 1, 0).
    A convolution has a bias exactly where no batch norm follows.

    Raises:
        ValueError: image_size is no power of two or below 8, or another argument is below 1.
    """
    ### BEGIN SOLUTION
    if image_size < 8 or image_size & (image_size - 1):
        raise ValueError(f"image_size: expected a power of two, at least 8, got {image_size}")
    if min(channels, latent_dim, width) < 1:
        raise ValueError(
            f"channels, latent_dim, width: expected at least 1, got {channels}, {latent_dim}, {width}"
        )
    n = image_size.bit_length() - 3
    widths = [width * 2**k for k in range(n)]
    up, down = nn.ConvTranspose2d, nn.Conv2d
    gen = [up(latent_dim, widths[-1], 4, bias=False), nn.BatchNorm2d(widths[-1]), nn.ReLU()]
    for wide, narrow in pairwise(reversed(widths)):
        gen += [up(wide, narrow, 4, 2, 1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU()]
    gen += [up(width, channels, 4, 2, 1), nn.Tanh()]
    disc = [down(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    for narrow, wide in pairwise(widths):
        disc += [down(narrow, wide, 4, 2, 1, bias=False), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2)]
    disc += [down(widths[-1], 1, 4)]
    return nn.Sequential(*gen), nn.Sequential(*disc)
    ### END SOLUTION


# %% check="build_dcgan"

# %% [markdown]
# <details><summary>Ask yourself: the discriminator ends in a sigmoid and the loss is BCE-with-logits. What is the
# largest score it can give?</summary>
#
# The loss applies a sigmoid of its own to a number between 0 and 1: at most σ(1) = 0.73. No image can be judged
# certain, and the gradients are a fraction of what they should be.
#
# </details>
#
# ## Where it starts
#
# All convolution weights come from $N(0, 0.02^2)$; batch-norm scales start around 1, not 0. **Guess:** an untrained
# generator, drawn like this, makes images of which spread? And with torch's own initialisation? And if somebody takes
# 0.02 for the variance?

# %%
for title, deviation in (("torch's own", None), ("deviation 0.02", 0.02), ("variance 0.02", 0.02**0.5)):
    gen, disc = library_build(64, 3, 100, 32)
    for layer in [*gen.modules(), *disc.modules()]:
        if deviation and isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, deviation)
    with torch.no_grad():
        images = gen(torch.randn(16, 100, 1, 1))
        scores = disc(images)
    print(f"{title:>15}: images spread {images.std():.2f}, scores of one batch spread {scores.std():.2f}")

# %% [markdown]
# With 0.02 the first images are a faint gray. With seven times as much they are near full contrast, where tanh has
# hardly any slope, and the scores are ±4 before anything was learned: a discriminator that is 98 % certain about noise.
# Torch's own start is no disaster either, with stronger images and milder scores. The number 0.02 is what worked for
# the authors, not a derivation.
#
# ### Exercise 7.2: the initialisation
#
# The trailing underscore says that the module is changed in place, as in torch.


# %% answer="dcgan_init_"
def dcgan_init_(module: nn.Module, generator: torch.Generator | None = None) -> nn.Module:
    """Initialise all sub-modules in place, as DCGAN does, and return `module`.

    Conv2d and ConvTranspose2d: weights from N(0, 0.02²), biases (where there are any) 0. BatchNorm2d: weights from
    N(1, 0.02²), biases 0; running statistics stay. Everything else stays too.

    Args:
        module: any module, with layers at any depth.
        generator: the source of randomness; the same seed gives the same weights. None is torch's global one.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                layer.weight.normal_(0.0, 0.02, generator=generator)
            elif isinstance(layer, nn.BatchNorm2d):
                layer.weight.normal_(1.0, 0.02, generator=generator)
            else:
                continue
            if layer.bias is not None:
                layer.bias.zero_()
    return module
    ### END SOLUTION


# %% check="dcgan_init_"

# %% [markdown]
# ## One iteration
#
# Goodfellow's Algorithm 1 moves the **discriminator first**, then the generator against the new discriminator:
#
# 1. real images $x$, noise $z$, fakes $G(z)$;
# 2. $L_D = \mathrm{BCE}(D(x), 1) + \mathrm{BCE}(D(G(z)), 0)$, fakes detached; clear, backward, step of $D$;
# 3. $L_G = \mathrm{BCE}(D(G(z)), 1)$; clear, backward, step of $G$ only.
#
# "Train the generator, then the discriminator", as a widespread list has it, is neither this order nor an alternation.
# Nor is the accuracy of $D$ an aim: a perfect $D$ has nothing to teach.
#
# ### Is it wrong without detach?
#
# Many people answer yes. Let us look: one iteration, three programs, and how far the generator's new weights are from
# the proper ones.


# %%
def one_step(detach, clear_g):
    """The generator's weights after one iteration; clear_g says when its gradients are cleared."""
    random = torch.Generator().manual_seed(5)
    gen, disc = (library_init_(net, random).double() for net in library_build(16, 1, 8, 16))
    opt_g, opt_d = (torch.optim.SGD(net.parameters(), 0.1) for net in (gen, disc))
    walks = []
    gen[0].weight.register_hook(lambda slope: walks.append(1))
    x, z = two_blobs(32, random).double(), torch.randn(32, 8, 1, 1, generator=random).double()
    if clear_g == "at the start":
        opt_g.zero_grad()
    fake = gen(z).detach() if detach else gen(z)
    opt_d.zero_grad()
    (softplus(-disc(x)).mean() + softplus(disc(fake)).mean()).backward()
    opt_d.step()
    if clear_g == "before its backward":
        opt_g.zero_grad()
    softplus(-disc(gen(z))).mean().backward()
    opt_g.step()
    return torch.cat([p.detach().flatten() for p in gen.parameters()]), len(walks)


proper, _ = one_step(True, "before its backward")
for detach, clear_g in (
    (True, "before its backward"),
    (False, "before its backward"),
    (False, "at the start"),
):
    weights, walks = one_step(detach, clear_g)
    gap = float((weights - proper).abs().max())
    print(
        f"detach {detach!s:>5}, cleared {clear_g:>19}: off by {gap:.1e}, {walks} backward pass(es) through G"
    )

# %% [markdown]
# The second program is right and does twice the work in the generator. The third is wrong: $D$'s loss leaked into the
# generator's gradients, and $G$ took part of its step in favour of $D$. So the precise answer is: detach saves a
# backward pass, and it makes the result independent of where you clear.
#
# ### Real and fake: one batch or two?
#
# Batch norm makes a score depend on the company. The same 32 fakes, judged alone and together with 32 real images:

# %%
random = torch.Generator().manual_seed(6)
gen, disc = (library_init_(net, random) for net in library_build(16, 1, 8, 16))
with torch.no_grad():
    fake = gen(torch.randn(32, 8, 1, 1, generator=random))
    alone = disc(fake)
    together = disc(torch.cat([two_blobs(32, random), fake]))[32:]
print(f"spread of the scores alone {alone.std():.3f}, together {together.std():.3f}")
print(f"mean change of a score by the company: {(alone - together).abs().mean():.3f}")

# %% [markdown]
# In company the fakes look more alike, since the spread of the real images is what they are divided by, and a score
# moves by nearly as much as what told one fake from another. In the generator's step the fakes are alone. If $D$ was
# trained on mixed batches, $G$ learns from a function that $D$ was never trained as. Two calls avoid this.
#
# ### Exercise 7.3: the iteration


# %% answer="dcgan_train_step"
def dcgan_train_step(gen, disc, opt_g, opt_d, real: torch.Tensor, z: torch.Tensor) -> dict[str, float]:
    """One iteration: D on real and detached fakes, then G through the updated D, on the same z.

    d_loss = BCE(D(real), 1) + BCE(D(G(z)), 0), two calls of D, means; g_loss = BCE(D(G(z)), 1). Each update clears the
    gradients of its own network, goes backward and steps.

    Args:
        gen, disc: networks in train mode; disc returns raw scores.
        opt_g, opt_d: their optimisers.
        real: (B, C, H, W).
        z: (B, latent, 1, 1).
    Returns:
        Floats "d_loss" and "g_loss", each before its own update.
    Raises:
        ValueError: real and z differ in batch size.
    """
    ### BEGIN SOLUTION
    if len(real) != len(z):
        raise ValueError(f"z: expected a batch of {len(real)}, got {len(z)}")
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    fake = gen(z)

    scores_real, scores_fake = disc(real), disc(fake.detach())
    d_loss = bce(scores_real, torch.ones_like(scores_real)) + bce(scores_fake, torch.zeros_like(scores_fake))
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    scores = disc(fake)
    g_loss = bce(scores, torch.ones_like(scores))
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()
    return {"d_loss": d_loss.item(), "g_loss": g_loss.item()}
    ### END SOLUTION


# %% check="dcgan_train_step"

# %% [markdown]
# ## A training from end to end
#
# What is left is the loop: networks, initialisation, two Adam optimisers with β₁ = 0.5 (the usual 0.9 remembers an
# opponent who has moved on), data and noise for each step, and all randomness from one seed.
#
# ### Exercise 7.4: fit two blobs


# %% answer="fit_toy_dcgan"
def fit_toy_dcgan(
    sampler: Callable[[int, torch.Generator], torch.Tensor],
    steps: int,
    seed: int,
    batch_size: int = 32,
    lr: float = 2e-3,
) -> tuple[nn.Module, list[dict[str, float]]]:
    """Train a DCGAN for images of 16 x 16 with one channel, latent_dim 8 and width 16.

    Args:
        sampler: sampler(count, generator) gives (count, 1, 16, 16) in [-1, 1]; called once per step.
        steps: iterations.
        seed: decides everything; the global random state neither matters nor changes.
        batch_size: images per step.
        lr: of Adam, with betas (0.5, 0.999), for both networks.
    Returns:
        The generator, and the "d_loss" and "g_loss" of every step.
    """
    ### BEGIN SOLUTION
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gen, disc = build_dcgan(16, 1, 8, 16)
        dcgan_init_(gen)
        dcgan_init_(disc)
    random = torch.Generator().manual_seed(seed)
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr, betas=(0.5, 0.999)) for net in (gen, disc))
    history = []
    for _ in range(steps):
        real = sampler(batch_size, random)
        z = torch.randn(batch_size, 8, 1, 1, generator=random)
        history.append(dcgan_train_step(gen, disc, opt_g, opt_d, real, z))
    return gen, history
    ### END SOLUTION


# %% check="fit_toy_dcgan"

# %% [markdown]
# **Guess:** the mean of all data images shows both blobs at half strength. Will the generator pass through that mean
# on its way?

# %%
figure, axes = plt.subplots(5, 1, figsize=(8, 6.4))
for axis, steps in zip(axes, (0, 20, 40, 150)):
    gen, history = library_fit(two_blobs, steps, seed=1)
    with torch.no_grad():
        made = gen(noise)
    sheet(axis, made, f"After {steps} steps")
    error = float((made.mean(0) - real.mean(0)).abs().mean())
    print(f"{steps:>3} steps: the mean image is off by {error:.2f}")
sheet(axes[4], real, "Data")
figure.tight_layout()
plt.show()

# %% [markdown]
# *Five rows of eight images: even gray noise after 0 steps; after 20 and 40 dark pictures with a haze of light in both
# places at once; after 150 mostly single blobs, in both places, a few of them faint or double; and the data.*
#
# It does: the early pictures have light in both places at once, which a discriminator can call out, since no real
# image has that. What a mean squared error would have been content with is only a stage here. This is what the
# adversarial loss buys.
#
# <details><summary>Ask yourself: D's loss goes to zero in your next training. Where do you look first?</summary>
#
# For a bug of range: data in [0, 1] against a tanh in [−1, 1] is told apart by the first dark pixel. Then for one of
# the curves of Run 1: the generator's label, or an optimiser that was never stepped. Only then is $D$ too strong, and
# the remedies of lesson 18 apply.
#
# </details>

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - A. Radford, L. Metz, S. Chintala, *Unsupervised Representation Learning with Deep Convolutional Generative
#   Adversarial Networks*, ICLR 2016, arXiv:1511.06434, Sections 3 and 4.
# - I. Goodfellow et al., *Generative Adversarial Nets*, NeurIPS 2014, arXiv:1406.2661, Algorithm 1.
# - A. Odena, V. Dumoulin, C. Olah, *Deconvolution and Checkerboard Artifacts*, Distill 2016.
#
# **Next:** lesson 08 has two generators, and turns this step into the training of a style. Other losses and what keeps
# them stable are 18.
