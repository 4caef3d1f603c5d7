# %% [markdown]
# # 17 The training process / 训练过程
#
# **After this lesson** you can say which of two things "training" means, write one step of each feed-forward method
# with the encoder left alone, average weights without the usual mistake, and stop at the right epoch.
#
# About 35 minutes, and 80 for the exercises. Read 05 for the objective, 13 for optimisers, 14 for AdaIN.

# %% [markdown] interview="question"

# %% tags=["setup"]
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# %%
import copy

import matplotlib.pyplot as plt

from nstkit.encoders import load_encoder
from nstkit.grading import check
from nstkit.images import photograph
from nstkit.losses import gram_matrix
from nstkit.paintings import paint
from nstkit.training import Batches, WeightEMA, fit
from nstkit.training import early_stopping as library_stopping
from nstkit.transfer import adain
from nstkit.transfer import fast_nst_step as library_step

torch.set_num_threads(1)  # the images here are so small that a second thread only waits
encoder = load_encoder("tiny")
layers = ["relu1_1", "relu2_1", "relu3_1"]
cat = photograph("chelsea", size=144)[..., :96, :144]  # (1, 3, 96, 144)
stones = paint("mosaic", 256, 384)[..., 120:216, 120:264]


def see(image):
    return encoder(image, layers)


def style_gap(features, targets):
    """Mean squares of Gram differences, summed over layers."""
    return sum((gram_matrix(features[k]) - gram_matrix(targets[k])).square().mean() for k in layers)


# %% [markdown]
# ## The best loss curve you will ever see
#
# A widespread description of the process ends: *"… compute the losses and update the model parameters."* So let us do
# both kinds of update and compare. Left hand: the image is the variable, and the encoder is frozen. Right hand: the
# encoder's parameters are updated too, "fine-tuned on the two images". Everything else is equal.
#
# **Which loss will be lower after 30 steps, and by how much?**

# %%
small, small_style = cat[..., 8:72, 24:120], stones[..., :64, :96]  # (1, 3, 64, 96)


def optimise(learn_encoder, steps=30):
    """The image, and the loss at each step."""
    ruler = copy.deepcopy(encoder).requires_grad_(learn_encoder)
    image = small.clone().requires_grad_()
    groups = [{"params": [image], "lr": 0.03}]
    groups += [{"params": ruler.parameters(), "lr": 0.01}] if learn_encoder else []
    optimizer, history = torch.optim.Adam(groups), []
    for _ in range(steps):
        optimizer.zero_grad()
        seen, content, style = ruler(image, layers), ruler(small, layers), ruler(small_style, layers)
        loss = (seen["relu3_1"] - content["relu3_1"]).square().mean() + 3e4 * style_gap(seen, style)
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return image.detach().clamp(0, 1), history


figure, axes = plt.subplots(1, 4, figsize=(14, 2.6), width_ratios=[1, 1, 1, 1.3])
axes[0].imshow(small[0].permute(1, 2, 0))
axes[0].set_title("Content")
for axis, learn, title, line in zip(
    axes[1:], (False, True), ("Encoder frozen", "Encoder learns too"), ("-", "--")
):
    image, history = optimise(learn)
    with torch.no_grad():
        seen = see(image)
        honest = (seen["relu3_1"] - see(small)["relu3_1"]).square().mean() + 3e4 * style_gap(
            seen, see(small_style)
        )
    axis.imshow(image[0].permute(1, 2, 0))
    axis.set_title(title)
    axes[3].semilogy(history, line, color="#D55E00" if learn else "#0072B2", label=title)
    own = f"its loss {history[0]:.2f} -> {history[-1]:.2f}"
    print(f"{title:>18}: {own}; measured by the untouched encoder {float(honest):.2f}")
for axis in axes[:3]:
    axis.axis("off")
axes[3].set_xlabel("step")
axes[3].set_ylabel("loss")
axes[3].legend()
figure.tight_layout()
plt.show()

# %% [markdown]
# *A cat's eyes; the same in the mosaic's colours and stones; the same again, with smaller colour changes and a fine
# grain; and two loss curves, the second far below the first.*
#
# The loss that includes the encoder's weights falls nearly twenty times as low, and the picture behind it is *three
# times worse* when the untouched encoder measures it. What has been optimised is the ruler: features of everything were
# pulled together until the differences vanished. The curve looked perfect to the end. So the first thing to say about
# training in style transfer is **what is variable and what is frozen**; "update the model parameters" gets it wrong.
#
# ## Two regimes
#
# | | one image (Gatys et al., 2016) | a network (Johnson et al., 2016) | any style (Huang and Belongie, 2017) |
# |---|---|---|---|
# | variable | pixels | weights of a transformation network | weights of a decoder |
# | data | one photograph, one painting | many photographs, one painting | many photographs, many paintings |
# | frozen | encoder | encoder | encoder; AdaIN has no weights |
# | content target | features of the photograph | features of the *input batch* | the AdaIN output |
# | result | one picture after hundreds of steps | any photograph in one pass | any pair in one pass |
# | judged on | the picture | photographs not seen in training | pairs not seen in training |
#
# No column has "fine-tune VGG", and none has pairs of a photograph and its "correct" stylised version: there is no such
# thing, and the perceptual loss stands in its place.
#
# Two details that break silently. The encoder must get what it was trained on: torchvision's VGG wants RGB in [0, 1],
# less ImageNet's mean, over its deviation; the Caffe weights want BGR in [0, 255], less the means. That normalisation
# lies in front of the encoder, inside the graph; the images themselves stay in [0, 1]. (`nstkit`'s encoders do it
# within.) And train at the size that you will use: Johnson resized all photographs to 256 × 256, and strokes have a
# size in pixels (lesson 14).
#
# ### Exercise 17.1: one step
#
# Five moves: clear, forward, losses, backward, update. Every one of them has its classic bug.


# %% answer="fast_nst_step"
def fast_nst_step(
    net: nn.Module,
    encoder,
    content: torch.Tensor,
    style_grams: dict[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
    content_layer: str,
    alpha: float,
    beta: float,
) -> dict[str, float]:
    """One update of net by alpha · L_c + beta · L_s, with y = net(content).

    L_c = mean of (enc(y)[l] - enc(content)[l])² over all elements. L_s = sum over the layers of style_grams of the
    mean over (N, C, C) of (G(enc(y)[k]) - style_grams[k])², with G(F) = F Fᵀ/(C·H·W), one for each image.

    Args:
        net: from images to images; only its parameters change.
        encoder: a module from images to a dict of features; afterwards its weights, .grad and flags are as before.
        content: (N, 3, H, W); gets no gradient.
        style_grams: (1, C, C) by layer.
        optimizer: of net's parameters; stale gradients may lie about.
    Returns:
        "content", "style" (raw), "total" (weighted): floats, measured before the update.
    Raises:
        KeyError or ValueError: an unknown layer. ValueError: a negative alpha or beta.
    """
    ### BEGIN SOLUTION
    if alpha < 0 or beta < 0:
        raise ValueError(f"alpha, beta: expected at least 0, got {alpha}, {beta}")
    constants = {name: parameter.detach() for name, parameter in encoder.named_parameters()}

    def measure(image):
        return torch.func.functional_call(encoder, constants, (image,))

    optimizer.zero_grad()
    with torch.no_grad():
        target = measure(content)[content_layer]
    features = measure(net(content))
    content_loss = F.mse_loss(features[content_layer], target)
    style_loss = torch.zeros_like(content_loss)
    for layer, wanted in style_grams.items():
        rows = features[layer].flatten(2)  # (N, C, HW)
        gram = rows @ rows.mT / rows[0].numel()  # (N, C, C)
        style_loss = style_loss + (gram - wanted).square().mean()
    total = alpha * content_loss + beta * style_loss
    total.backward()
    optimizer.step()
    return {"content": content_loss.item(), "style": style_loss.item(), "total": total.item()}
    ### END SOLUTION


# %% check="fast_nst_step"

# %% [markdown]
# (Why `functional_call`? The gradient must pass *through* the encoder to the network, but nothing may stay in it.
# Detached parameters do that without touching the caller's module. Switching `requires_grad` off and back on is as
# good.)
#
# ## Watch it learn
#
# A network of four convolutions and 7,000 weights, 160 crops of four photographs, a mosaic. The cat is not among the
# photographs. The loop is the library's `fit`: it counts, draws batches in an order that depends on the seed alone,
# updates an average of the weights, and can stop and resume.


# %%
class Painter(nn.Module):
    """Adds to an image what it thinks the style wants; at first next to nothing."""

    def __init__(self, width=16):
        super().__init__()
        padded = {"padding": 2, "padding_mode": "reflect"}
        self.first, self.last = nn.Conv2d(3, width, 5, **padded), nn.Conv2d(width, 3, 5, **padded)
        self.inner = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
            nn.ReLU(),
        )

    def forward(self, image):
        hidden = F.relu(F.instance_norm(self.first(image)))
        hidden = hidden + self.inner(hidden)
        return torch.sigmoid(self.last(hidden) + torch.logit(image.clamp(0.05, 0.95)))


def crops(name, count, size=48):
    """Random crops of a photograph: (count, 3, size, size)."""
    photo, generator = photograph(name, size=160)[0], torch.Generator().manual_seed(7)
    corners = torch.rand(count, 2, generator=generator)
    places = [(int(a * (photo.shape[1] - size)), int(b * (photo.shape[2] - size))) for a, b in corners]
    return torch.stack([photo[:, y : y + size, x : x + size] for y, x in places])


with torch.no_grad():
    grams = {layer: gram_matrix(features) for layer, features in see(stones).items()}
photos = torch.cat([crops(name, 40) for name in ("coffee", "astronaut", "motorcycle", "brick")])
held_out = torch.cat([crops(name, 3) for name in ("chelsea", "rocket")])


def training(photos, beta, steps, decay=0.98, watch=None):
    """Train a fresh painter; returns it, its weight average, and the losses of every step."""
    torch.manual_seed(0)
    net = Painter()
    optimizer, average, log = torch.optim.Adam(net.parameters(), lr=0.01), WeightEMA(net, decay), []

    def step(batch):
        return library_step(net, see, batch, grams, optimizer, "relu3_1", 1.0, beta)

    def on_step(step):
        log.append(step.losses)
        if watch is not None:
            watch(step.step, net, average)

    parts = {"net": net, "optimizer": optimizer, "average": average}
    fit(step, Batches(photos, 4, seed=1), parts, steps=steps, on_step=on_step)
    return net, average, log


def total_on(net, photos, beta):
    """The weighted objective on photographs, without training on them."""
    with torch.no_grad():
        features = see(net(photos))
        content = (features["relu3_1"] - see(photos)["relu3_1"]).square().mean()
        style = sum((gram_matrix(features[k]) - grams[k]).square().mean() for k in layers)
    return float(content + beta * style)


moments = {}


early = {}


def remember(step, net, average):
    """The cat at four moments; at step 20 also by the averaged weights, corrected and not."""
    with torch.no_grad():
        if step in (1, 8, 30, 120):
            moments[step] = net(cat)
        if step == 20:
            twin = copy.deepcopy(net)
            for name, parameter in twin.named_parameters():
                parameter.copy_(average.weights()[name] * (1 - average.decay**step))
            early["Average, not corrected"] = twin(cat)
            with average.averaged():
                early["Average, corrected"] = net(cat)
            early["The last weights"] = net(cat)


painter, average, log = training(photos, 2e4, 120, watch=remember)
figure, axes = plt.subplot_mosaic([["curve"] * 4, [*moments]], figsize=(11, 5.6), height_ratios=[1.3, 1])
for key, color, line, weight in (
    ("total", "#000000", "-", 1),
    ("style", "#D55E00", "--", 2e4),
    ("content", "#0072B2", "-.", 1),
):
    values = np.array([entry[key] for entry in log]) * weight
    smooth = np.convolve(values, np.ones(8) / 8, mode="valid")
    axes["curve"].semilogy(np.arange(len(smooth)) + 4, smooth, line, color=color, label=key)
axes["curve"].set_title("Losses on the training crops (mean of 8 steps, as they enter the total)")
axes["curve"].set_xlabel("step")
axes["curve"].set_ylabel("loss")
axes["curve"].legend()
for step, picture in moments.items():
    axes[step].imshow(picture[0].permute(1, 2, 0))
    axes[step].set_title(f"An unseen cat, step {step}")
    axes[step].axis("off")
figure.tight_layout()
plt.show()
for name, k in (("first 8 steps", slice(0, 8)), ("last 8 steps", slice(-8, None))):
    part = log[k]
    content, style = (np.mean([entry[key] for entry in part]) for key in ("content", "style"))
    print(f"{name}: content {content:.2f}, style {2e4 * style:.2f}")

# %% [markdown]
# *Above, the total and the style term fall by half while the content term rises a little; below, the cat at four
# moments: garish green at first, then the mosaic's palette, at the end colours with light and dark rims along every
# edge.*
#
# The palette comes within a few steps; what edges look like takes much longer. Content does not improve: the painter
# began as a near copy, so content could only be given up, and the question is for how much style. There are no stones
# yet. A painter with seven thousand weights and 120 steps does not lay stones; Johnson's had over a million and took
# 40,000 steps. The single image of the opening got its stones in 30, because there every pixel was free.
#
# ## One picture of many steps
#
# The last weights are those after the last batch, and every batch pulls elsewhere. An average over the last steps lies
# nearer to the middle:
#
# $$ e_t = d\, e_{t-1} + (1-d)\, p_t , \qquad e_0 = 0 . $$
#
# By hand, $d = 0.9$, two snapshots of one weight, both 1: $e_1 = 0.1$, $e_2 = 0.9 \cdot 0.1 + 0.1 = 0.19$. The average
# of 1 and 1 is not 0.19. Starting from zero has left weight $0.9^2 = 0.81$ on a zero that the network never was. Divide
# by $1 - d^T = 0.19$.
#
# **Before you run the cell:** what will a painter with *uncorrected* averages do to the cat?

# %%
figure, axes = plt.subplots(1, 3, figsize=(11, 2.7))
for axis, title in zip(axes, ("The last weights", "Average, not corrected", "Average, corrected")):
    axis.imshow(early[title][0].permute(1, 2, 0))
    axis.set_title(title)
    axis.axis("off")
figure.suptitle("After 20 steps, decay 0.98")
figure.tight_layout()
plt.show()
print(f"without correction every weight is multiplied by 1 - 0.98^20 = {1 - 0.98**20:.2f}")
last = total_on(painter, held_out, 2e4)
with average.averaged():
    print(
        f"at the end, on photographs not seen: last weights {last:.2f}, averaged {total_on(painter, held_out, 2e4):.2f}"
    )

# %% [markdown]
# *Three cats after 20 steps: strong colours; nearly the photograph; strong colours, a little calmer.*
#
# At a third of its weights the painter hardly paints. Here that looks harmless; in a generator that starts from noise
# the picture would be washed out. The corrected average is a real painter again.
#
# Is it a better one? Look at the last line above: on photographs not seen, the averaged weights are a little *worse*
# than the last. After 120 steps the painter still improves, and an average that remembers fifty steps remembers worse
# times. An average pays when the weights jitter around a place, at the end of a long training, not while they travel.
#
# ### Exercise 17.3: average weights


# %% answer="ema_weights"
def ema_weights(snapshots, decay: float) -> np.ndarray:
    """The bias-corrected average e_T/(1 - decay^T), with e_t = decay·e_{t-1} + (1 - decay)·p_t and e_0 = 0.

    Args:
        snapshots: arrays p_1 … p_T of one shape, oldest first; not changed.
        decay: in [0, 1).
    Returns:
        An array of that shape and dtype.
    Raises:
        ValueError: no snapshots, or a decay outside [0, 1).
    """
    ### BEGIN SOLUTION
    if len(snapshots) == 0 or not 0 <= decay < 1:
        raise ValueError(f"snapshots: {len(snapshots)}; decay: expected in [0, 1), got {decay}")
    average = np.zeros_like(snapshots[0])
    for snapshot in snapshots:
        average = decay * average + (1 - decay) * snapshot
    return average / (1 - decay ** len(snapshots))
    ### END SOLUTION


# %% check="ema_weights"

# %% [markdown]
# ## When to stop
#
# Now train the same painter on *one* crop, and look at two losses: on that crop, and on photographs it has never seen.


# %%
validation = []


def validate(step, net, average):
    if step % 4 == 0:
        validation.append(total_on(net, held_out, 3e3))


_, _, narrow = training(crops("coffee", 1), 3e3, 80, watch=validate)
best, stop = library_stopping(validation, patience=4, min_delta=0.01)
steps = 4 * np.arange(1, len(validation) + 1)
figure, axis = plt.subplots(figsize=(7.5, 3.4))
axis.plot([entry["total"] for entry in narrow], "--", color="#555555", label="the training crop")
axis.plot(steps, validation, "o-", color="#0072B2", ms=4, label="photographs not seen")
axis.axvline(steps[best], color="#009E73", label=f"best: step {steps[best]}")
axis.axvline(steps[stop], color="#D55E00", ls=":", label=f"patience 4 stops: step {steps[stop]}")
axis.set_ylim(0, 1.3 * max(validation[1:]))
axis.set_xlabel("step")
axis.set_ylabel("total loss")
axis.set_title("The training loss falls to the end; the painter has long begun to lose")
axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
figure.tight_layout()
plt.show()
print(
    f"training crop: {narrow[steps[best] - 1]['total']:.2f} at step {steps[best]}, {narrow[-1]['total']:.2f} at the end"
)
print(f"not seen:      {validation[best]:.2f} at step {steps[best]}, {validation[-1]:.2f} at the end")

# %% [markdown]
# *Two curves: the dashed one falls to the end; the one with dots has its lowest point early, jumps, and stays high. Two
# lines mark the best step and the step at which patience ran out.*
#
# The painter learns its one crop by heart. Where the two curves part, training should have ended, and the checkpoint to
# keep is that of the *best* epoch, not the one at which patience ran out. Look at both raw terms and at a fixed set of
# pictures too: a total can fall while the term that you care about rises. And photographs that choose the checkpoint
# must not train the weights.
#
# ### Exercise 17.4: early stopping


# %% answer="early_stopping"
def early_stopping(values, patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """The best epoch, and the epoch at which training stops; both counted from 0.

    Epoch i improves if values[i] < best - min_delta; best starts at infinity and changes only on improvement.
    Training stops at the first epoch at which `patience` epochs in a row have not improved, else at the last.
    NaN never improves.

    Args:
        values: one per epoch, lower is better.
        patience: at least 1.
        min_delta: at least 0.
    Raises:
        ValueError: no values, patience < 1, or min_delta < 0.
    """
    ### BEGIN SOLUTION
    if len(values) == 0 or patience < 1 or min_delta < 0:
        raise ValueError(f"{len(values)} values, patience {patience}, min_delta {min_delta}")
    best, best_epoch, waited = math.inf, 0, 0
    for epoch, value in enumerate(values):
        if value < best - min_delta:
            best, best_epoch, waited = value, epoch, 0
        else:
            waited += 1
        if waited == patience:
            return best_epoch, epoch
    return best_epoch, len(values) - 1
    ### END SOLUTION


# %% check="early_stopping"

# %% [markdown]
# ## Any style: train the decoder
#
# AdaIN puts the style's statistics into the content's features (lesson 14); the result $t$ needs a decoder. What should
# the decoder be asked for? Nobody has the right picture. So look at its picture $y$ with the encoder again:
#
# $$ L_c = \operatorname{mean}\,(F(y) - t)^2 , \qquad
# L_s = \sum_l \operatorname{mean}\,(\mu_l(y) - \mu_l(s))^2 + \operatorname{mean}\,(\sigma_l(y) - \sigma_l(s))^2 . $$
#
# The content target is **$t$**, not $F(c)$. Ask for $F(c)$, and the decoder is rewarded for undoing what AdaIN has just
# done, while the style term punishes it for that. How far apart are the two requests? At relu3_1, for our cat in
# stones:

# %%
with torch.no_grad():
    f, s = see(cat)["relu3_1"], see(stones)["relu3_1"]
    t = adain(f, s)
print(
    f"mean square of F(c): {float(f.square().mean()):.3f}; of t - F(c): {float((t - f).square().mean()):.3f}"
)

# %% [markdown]
# The difference is a third of the features' own energy: two requests, not one. (The paper writes norms, its code mean
# squares; we take mean squares. Encoder frozen; gradients reach the decoder and nothing else.)
#
# ### Exercise 17.2: the decoder's losses


# %% answer="adain_training_losses"
def adain_training_losses(
    encoder,
    decoder: nn.Module,
    content: torch.Tensor,
    style: torch.Tensor,
    content_layer: str,
    style_layers,
    eps: float = 1e-5,
) -> dict[str, torch.Tensor]:
    """Losses for training a decoder: output = decoder(t), t = adain(enc(content), enc(style)) at content_layer.

    content: mean((enc(output) - t)²) at content_layer. style: the sum over style_layers of mean((μ_out - μ_style)²)
    + mean((σ_out - σ_style)²), per sample and channel, σ = sqrt(population variance + eps); AdaIN has the same σ.

    Args:
        encoder: a module from images to a dict of features; gets no gradient, and its flags stay.
        content, style: (N, 3, H, W) and (N, 3, H', W').
    Returns:
        "content" and "style", 0-d; "output", (N, 3, H, W). Gradients reach the decoder's parameters only.
    Raises:
        KeyError or ValueError: an unknown layer. ValueError: batches of different length.
    """
    ### BEGIN SOLUTION
    if len(content) != len(style):
        raise ValueError(f"style: expected a batch of {len(content)}, got {len(style)}")
    constants = {name: parameter.detach() for name, parameter in encoder.named_parameters()}

    def measure(image):
        return torch.func.functional_call(encoder, constants, (image,))

    def statistics(features):
        variance, mean = torch.var_mean(features, (2, 3), correction=0, keepdim=True)
        return mean, (variance + eps).sqrt()

    with torch.no_grad():
        base, wanted = measure(content)[content_layer], measure(style)
        (mean_c, sigma_c), (mean_s, sigma_s) = statistics(base), statistics(wanted[content_layer])
        t = sigma_s * (base - mean_c) / sigma_c + mean_s
    output = decoder(t)
    features = measure(output)
    style_loss = 0.0
    for layer in style_layers:
        for mine, target in zip(statistics(features[layer]), statistics(wanted[layer])):
            style_loss = style_loss + F.mse_loss(mine, target)
    return {"content": F.mse_loss(features[content_layer], t), "style": style_loss, "output": output}
    ### END SOLUTION


# %% check="adain_training_losses"

# %% [markdown]
# ## Pulling the plug
#
# A training run that cannot be stopped is not finished engineering. What must a checkpoint hold so that the resumed run
# is *the same* run? **Count before you read on.**
#
# Weights; the optimiser's moments; the learning-rate schedule; the average; the random state; and where the data stood.
# Leave out the moments, and the first steps after resuming are longer than they should be. Leave out the order of the
# data, and some photographs come twice.


# %%
def resumable(stop=None, resume=None):
    torch.manual_seed(0)
    net = Painter(8)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    result = fit(
        lambda batch: library_step(net, see, batch, grams, optimizer, "relu3_1", 1.0, 2e4),
        Batches(photos, 2, seed=1),
        {"net": net, "optimizer": optimizer},
        steps=8,
        on_step=lambda step: step.step == stop,
        resume=resume,
    )
    return result.checkpoint, torch.cat([p.detach().ravel() for p in net.parameters()])


_, whole = resumable()
stored, _ = resumable(stop=3)
_, resumed = resumable(resume=stored)
print(f"8 steps against 3 + 5 steps: largest difference of any weight {float((whole - resumed).abs().max())}")

# %% [markdown] interview="answer"

# %% [markdown]
# ## References
#
# - L. A. Gatys, A. S. Ecker, M. Bethge, *Image Style Transfer Using Convolutional Neural Networks*, CVPR 2016.
# - J. Johnson, A. Alahi, L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*, ECCV 2016,
#   arXiv:1603.08155: about 80,000 COCO images at 256 × 256, batches of 4, 40,000 steps, Adam at 10⁻³.
# - D. Ulyanov, V. Lebedev, A. Vedaldi, V. Lempitsky, *Texture Networks*, ICML 2016, arXiv:1603.03417.
# - X. Huang, S. Belongie, *Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization*, ICCV 2017,
#   arXiv:1703.06868, Eq. 11-13.
# - D. P. Kingma, J. Ba, *Adam*, ICLR 2015, arXiv:1412.6980, Section 3: the correction of an average from zero.
# - L. Prechelt, *Early Stopping - But When?*, in *Neural Networks: Tricks of the Trade*, 1998.
#
# **Next:** lesson 18 trains against an opponent; 23 trains in a cycle; 25 turns AdaIN's statistics into controls.
