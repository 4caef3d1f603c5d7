"""Lesson 17, training: one step of a transfer network, AdaIN's decoder, averaged weights, early stopping."""

import math

import numpy as np
import torch
from torch import nn

from nstkit.grading import exercise, outcome

# --- 17.1 -----------------------------------------------------------------------------------------

fast_nst_step = exercise(
    "fast_nst_step",
    reference="nstkit.transfer:fast_nst_step",
    level="hard",
    minutes=30,
    hints=[
        "Five moves: clear, forward, losses, backward, step. What is constant in there, and what is allowed to change?",
        "The content target is the encoder's features of the input; a Gram matrix is (N, C, C), one for each image.",
        "Means over all elements, layer terms added; and give the encoder detached parameters, or switch their "
        "requires_grad off and back on.",
    ],
)


def _convolution(draw, c_in, c_out, dtype=torch.float64):
    """A 3 x 3 convolution with weights from the draw: the global random state stays as it is."""
    layer = nn.utils.skip_init(nn.Conv2d, c_in, c_out, 3, padding=1, dtype=dtype)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(draw.rng.normal(size=(c_out, c_in, 3, 3)) / (3 * c_in**0.5)))
        layer.bias.copy_(torch.from_numpy(draw.rng.normal(size=c_out) * 0.1))
    return layer


def _gram(features):
    rows = features.flatten(2)
    return rows @ rows.mT / features[0].numel()


class _Job:
    """A network of one convolution, an encoder that looks trainable, a batch, and the style's Gram matrices."""

    def __init__(self, draw, dtype=torch.float64, rate=0.05):
        self.net = _convolution(draw, 3, 3, dtype)
        self.encoder = draw.encoder(5, 4, dtype=dtype)
        self.content = draw.image(3, 6, 8, dtype=dtype)
        with torch.no_grad():
            style = self.encoder(draw.image(1, 7, 9, dtype=dtype))
            self.grams = draw.watch({name: _gram(f) for name, f in style.items()}, "style_grams")
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=rate)

    def step(self, answer, alpha=1.3, beta=40.0, layer="layer2"):
        return answer(self.net, self.encoder, self.content, self.grams, self.optimizer, layer, alpha, beta)

    def weights(self):
        return [p.detach().clone() for p in self.net.parameters()]


@fast_nst_step.check(points=2)
def one_step(answer, draw):
    """One step: the losses before it, and the weights after it."""
    job = _Job(draw)
    return {"report": job.step(answer), "weights": job.weights()}


@fast_nst_step.check(points=2)
def three_steps(answer, draw):
    """Three steps of SGD, the first with stale gradients lying about."""
    job = _Job(draw)
    for parameter in job.net.parameters():
        parameter.grad = torch.full_like(parameter, 3.0)
    return {"reports": [job.step(answer) for _ in range(3)], "weights": job.weights()}


@fast_nst_step.check(points=1)
def only_the_network_changes(answer, draw):
    """The encoder keeps its weights, gradients and flags; the batch gets no gradient."""
    job = _Job(draw)
    first, *others = job.encoder.parameters()
    first.grad = torch.ones_like(first)
    before = [p.detach().clone() for p in job.encoder.parameters()]
    job.step(answer)
    return {
        "weights": [torch.equal(p, b) for p, b in zip(job.encoder.parameters(), before, strict=True)],
        "an old gradient": torch.equal(first.grad, torch.ones_like(first)),
        "new gradients": [p.grad is not None for p in others],
        "trainable": [p.requires_grad for p in job.encoder.parameters()],
        "the batch": [job.content.requires_grad, job.content.grad is None],
        "the network": job.weights(),
    }


@fast_nst_step.check(points=1)
def one_term_alone(answer, draw):
    """α = 0 and β = 0; no style layers; the report is of plain floats and raw terms."""
    results = {}
    for name, alpha, beta in (("style", 0.0, 30.0), ("content", 2.0, 0.0)):
        job = _Job(draw)
        report = job.step(answer, alpha, beta, "layer1")
        results[name] = {"report": report, "types": [type(v).__name__ for v in report.values()]}
        results[f"weights, {name}"] = job.weights()
    return results


@fast_nst_step.check(points=1)
def single_precision_nets(answer, draw):
    """A network, an encoder and images in float32."""
    job = _Job(draw, torch.float32)
    job.step(answer)
    return job.weights()


def _refusal(call):
    """KeyError and ValueError are both fine where a layer does not exist."""
    result = outcome(call)
    return "refused" if {"KeyError", "ValueError"} & set(getattr(result, "names", ())) else result


@fast_nst_step.check(points=1)
def unknown_layers_and_negative_weights(answer, draw):
    """An unknown layer is refused (KeyError or ValueError), a negative weight too (ValueError)."""
    job = _Job(draw)
    good = job.step(answer)
    job.grams["layer9"] = job.grams["layer1"]
    return {
        "a step that is fine": good,
        "style layer": _refusal(lambda: job.step(answer)),
        "content layer": _refusal(lambda: _Job(draw).step(answer, layer="layer7")),
        "alpha": outcome(lambda: _Job(draw).step(answer, alpha=-1.0)),
        "beta": outcome(lambda: _Job(draw).step(answer, beta=-1.0)),
    }


def _constant(encoder):
    """The encoder with detached parameters."""
    values = {name: parameter.detach() for name, parameter in encoder.named_parameters()}
    return lambda x: torch.func.functional_call(encoder, values, (x,))


def _step(
    net, encoder, content, style_grams, optimizer, content_layer, alpha, beta, *, clear=True, target="input",
    gram=_gram, mean=torch.mean, average=False, freeze=True, after=False,
):  # fmt: skip
    """One step with the switches that the misconceptions throw."""
    if alpha < 0 or beta < 0:
        raise ValueError("alpha, beta")
    see = _constant(encoder) if freeze else encoder

    def losses():
        y = net(content)
        f = see(y)
        goal = see(content)[content_layer].detach() if target == "input" else f[content_layer].detach()
        l_c = mean((f[content_layer] - goal).square())
        l_s = sum(mean((gram(f[k]) - a).square()) for k, a in style_grams.items())
        l_s = l_s / max(1, len(style_grams)) if average else l_s
        return l_c, l_s, alpha * l_c + beta * l_s

    if clear:
        optimizer.zero_grad()
    terms = losses()
    terms[2].backward()
    optimizer.step()
    terms = losses() if after else terms
    return {k: float(v.detach()) for k, v in zip(("content", "style", "total"), terms, strict=True)}


@fast_nst_step.misconception("You did not clear the gradients of the last step; they are still in .grad.")
def clears_no_gradients(*args):
    return _step(*args, clear=False)


@fast_nst_step.misconception(
    "You took the content target from the output, so it is always met; the target is the input batch."
)
def takes_the_target_from_the_output(*args):
    return _step(*args, target="output")


@fast_nst_step.misconception(
    "You pooled the Gram matrix over the batch, which mixes images; one Gram per image, then average."
)
def pools_the_gram(*args):
    def pooled(features):
        rows = features.transpose(0, 1).flatten(1)
        return (rows @ rows.T / features.numel())[None]

    return _step(*args, gram=pooled)


@fast_nst_step.misconception(
    "You summed where means are asked for; with means the weights do not depend on the image's size."
)
def sums_the_squares(*args):
    return _step(*args, mean=torch.sum)


@fast_nst_step.misconception("You averaged over the style layers; layer terms are added here.")
def averages_the_style_layers(*args):
    return _step(*args, average=True)


@fast_nst_step.misconception("You let gradients into the encoder; freeze it, it is the measuring instrument.")
def fills_the_encoder(*args):
    return _step(*args, freeze=False)


@fast_nst_step.misconception("You reported losses after the update; report those that produced the step.")
def reports_afterwards(*args):
    return _step(*args, after=True)


@fast_nst_step.misconception(
    "You froze the encoder for good; give its parameters their requires_grad back after the step."
)
def freezes_for_good(net, encoder, *args):
    encoder.requires_grad_(False)
    return _step(net, encoder, *args, freeze=False)


@fast_nst_step.accepts
def by_functional_call(*args):
    return _step(*args)


@fast_nst_step.accepts
def by_switching_the_flags(net, encoder, content, style_grams, optimizer, content_layer, alpha, beta):
    if min(alpha, beta) < 0:
        raise ValueError("alpha, beta")
    flags = [(p, p.requires_grad) for p in encoder.parameters()]
    for p, _ in flags:
        p.requires_grad_(False)
    try:
        with torch.no_grad():
            goal = encoder(content)[content_layer]
        optimizer.zero_grad(set_to_none=False)
        f = encoder(net(content))
        l_c = nn.functional.mse_loss(f[content_layer], goal)
        l_s = torch.zeros((), dtype=content.dtype)
        for layer, target in style_grams.items():
            g = torch.einsum("nchw,ndhw->ncd", f[layer], f[layer]) / f[layer][0].numel()
            l_s = l_s + (g - target).pow(2).mean()
        total = alpha * l_c + beta * l_s
        total.backward()
        optimizer.step()
    finally:
        for p, flag in flags:
            p.requires_grad_(flag)
    return {"content": l_c.item(), "style": l_s.item(), "total": total.item()}


@fast_nst_step.accepts
def by_grad_of_the_network_alone(net, encoder, content, style_grams, optimizer, content_layer, alpha, beta):
    if alpha < 0 or beta < 0:
        raise ValueError("alpha, beta")
    target = encoder(content.detach())[content_layer].detach()
    features = encoder(net(content))
    l_c = ((features[content_layer] - target) ** 2).mean()
    l_s = sum(((_gram(features[k]) - style_grams[k]) ** 2).mean() for k in style_grams)
    total = alpha * l_c + beta * l_s
    parameters = [p for p in net.parameters() if p.requires_grad]
    for p, grad in zip(parameters, torch.autograd.grad(total, parameters, allow_unused=True), strict=True):
        p.grad = grad
    optimizer.step()
    return {"total": float(total.detach()), "content": float(l_c.detach()), "style": float(l_s.detach())}


# --- 17.2 -----------------------------------------------------------------------------------------

adain_training_losses = exercise(
    "adain_training_losses",
    reference="nstkit.transfer:adain_training_losses",
    level="hard",
    minutes=25,
    hints=[
        "The decoder is asked to draw t, features that no image had yet. How do you see whether it did? Encode again.",
        "t is (N, C, h, w), detached, and is both the decoder's input and the content target; statistics are (N, C).",
        "style: per layer mean((μ_out − μ_s)²) + mean((σ_out − σ_s)²), with σ = sqrt(population variance + eps).",
    ],
)


class _Pair:
    """An encoder that looks trainable, a decoder for its layer2, and a batch of contents and styles."""

    def __init__(self, draw, dtype=torch.float64):
        self.encoder = draw.encoder(5, 4, dtype=dtype)
        self.decoder = nn.Sequential(nn.Upsample(scale_factor=2), _convolution(draw, 4, 3, dtype))
        self.content, self.style = (
            draw.image(2, 6, 8, dtype=dtype),
            draw.image(2, 9, 7, dtype=dtype),
        )

    def losses(self, answer, layers=("layer1", "layer2"), **options):
        return answer(self.encoder, self.decoder, self.content, self.style, "layer2", list(layers), **options)


def _values(losses):
    return {name: losses[name].detach() for name in ("content", "style", "output")} | {"keys": sorted(losses)}


@adain_training_losses.check(points=2)
def two_style_layers(answer, draw):
    """Content, style and output, for images of two sizes."""
    return _values(_Pair(draw).losses(answer))


@adain_training_losses.check(points=1)
def other_layers_and_eps(answer, draw):
    """One style layer, and an eps that shows where it belongs."""
    return {
        "layer1": _values(_Pair(draw).losses(answer, ["layer1"])),
        "eps": _values(_Pair(draw).losses(answer, eps=0.05)),
    }


@adain_training_losses.check(points=2)
def gradients_of_the_decoder(answer, draw):
    """The decoder's gradients; the encoder and the images get none."""
    pair = _Pair(draw)
    losses = pair.losses(answer)
    (losses["content"] + 3 * losses["style"]).backward()
    return {
        "decoder": [p.grad for p in pair.decoder.parameters()],
        "encoder": [p.grad is None for p in pair.encoder.parameters()],
        "trainable": [p.requires_grad for p in pair.encoder.parameters()],
        "images": [x.grad is None and not x.requires_grad for x in (pair.content, pair.style)],
    }


@adain_training_losses.check(points=1)
def content_in_its_own_style(answer, draw):
    """With the content as the style, t is the content's feature; float32 stays float32."""
    pair = _Pair(draw)
    own = answer(pair.encoder, pair.decoder, pair.content, pair.content, "layer2", ["layer1"])
    return {"own style": _values(own), "float32": _values(_Pair(draw, torch.float32).losses(answer))}


@adain_training_losses.check(points=1)
def pairs_and_layers_that_do_not_exist(answer, draw):
    """Unknown layers are refused (KeyError or ValueError), batches of different length too (ValueError)."""
    pair = _Pair(draw)
    good = _values(pair.losses(answer))
    args = pair.encoder, pair.decoder, pair.content
    return {
        "a pair that is fine": good,
        "style layer": _refusal(lambda: pair.losses(answer, ["layer1", "layer8"])),
        "content layer": _refusal(lambda: answer(*args, pair.style, "layer0", ["layer1"])),
        "one style for two": outcome(lambda: answer(*args, pair.style[:1], "layer2", ["layer1"])),
    }


def _statistics(f, eps, dims=(2, 3), spread=torch.sqrt):
    return f.mean(dims, keepdim=True), spread(f.var(dims, correction=0, keepdim=True) + eps)


def _decoder_losses(
    encoder, decoder, content, style, content_layer, style_layers, eps=1e-5, *, target="t", raw=False,
    pixels=False, spread=torch.sqrt, last=False, mean_only=False, style_from="style", dims=(2, 3), freeze=True,
):  # fmt: skip
    """The losses with the switches that the misconceptions throw."""
    if len(content) != len(style):
        raise ValueError("style")
    see = _constant(encoder) if freeze else encoder
    with torch.no_grad():
        base, wanted = see(content), see(style)
        mean_c, sigma_c = _statistics(base[content_layer], eps)
        mean_s, sigma_s = _statistics(wanted[content_layer], eps)
        t = sigma_s * (base[content_layer] - mean_c) / sigma_c + mean_s
    out = decoder(base[content_layer] if raw else t)
    f = see(out)
    goal = t if target == "t" else base[content_layer]
    l_c = (out - content).square().mean() if pixels else (f[content_layer] - goal).square().mean()
    reference = wanted if style_from == "style" else base
    l_s = 0.0
    for layer in style_layers[-1:] if last else style_layers:
        mine, theirs = (_statistics(x, eps, dims, spread) for x in (f[layer], reference[layer]))
        l_s = l_s + (mine[0] - theirs[0]).square().mean()
        l_s = l_s + (0 if mean_only else (mine[1] - theirs[1]).square().mean())
    return {"content": l_c, "style": l_s, "output": out}


@adain_training_losses.misconception(
    "You asked for the content's features; the target of the decoder is t, the AdaIN output."
)
def asks_for_the_content(*args, **options):
    return _decoder_losses(*args, **options, target="content")


@adain_training_losses.misconception("You decoded the content's features; feed t to the decoder.")
def decodes_the_content(*args, **options):
    return _decoder_losses(*args, **options, raw=True)


@adain_training_losses.misconception(
    "You compared pixels with the content image; the content term lives in feature space."
)
def compares_pixels(*args, **options):
    return _decoder_losses(*args, **options, pixels=True)


@adain_training_losses.misconception("You matched variances; match standard deviations.")
def matches_variances(*args, **options):
    return _decoder_losses(*args, **options, spread=lambda v: v)


@adain_training_losses.misconception("You took the last style layer only; sum the terms of all style layers.")
def takes_the_last_layer(*args, **options):
    return _decoder_losses(*args, **options, last=True)


@adain_training_losses.misconception("You matched means alone; add the deviations' term in every layer.")
def matches_means_alone(*args, **options):
    return _decoder_losses(*args, **options, mean_only=True)


@adain_training_losses.misconception(
    "You took the style's statistics from the content image; the style target is the style image."
)
def takes_the_style_from_the_content(*args, **options):
    return _decoder_losses(*args, **options, style_from="content")


@adain_training_losses.misconception("You pooled the statistics over the batch; they are taken per image.")
def pools_the_statistics(*args, **options):
    return _decoder_losses(*args, **options, dims=(0, 2, 3))


@adain_training_losses.misconception(
    "You let gradients into the encoder; freeze it, only the decoder learns."
)
def trains_the_encoder(*args, **options):
    return _decoder_losses(*args, **options, freeze=False)


@adain_training_losses.accepts
def by_mse_and_constant_parameters(*args, **options):
    return _decoder_losses(*args, **options)


@adain_training_losses.accepts
def by_flags_and_instance_norm(encoder, decoder, content, style, content_layer, style_layers, eps=1e-5):
    if content.shape[0] != style.shape[0]:
        raise ValueError("style")
    mse = nn.functional.mse_loss
    flags = [p.requires_grad for p in encoder.parameters()]
    encoder.requires_grad_(False)

    def moments(x):
        v, m = torch.var_mean(x.flatten(2), 2, correction=0)
        return m, (v + eps).sqrt()

    try:
        s = encoder(style)
        mean, sigma = moments(s[content_layer])
        t = nn.functional.instance_norm(encoder(content)[content_layer], eps=eps)
        t = (t * sigma[..., None, None] + mean[..., None, None]).detach()
        out = decoder(t)
        f = encoder(out)
        style_loss = torch.zeros((), dtype=content.dtype)
        for layer in style_layers:
            for a, b in zip(moments(f[layer]), moments(s[layer]), strict=True):
                style_loss = style_loss + mse(a, b)
        return {"output": out, "content": mse(f[content_layer], t), "style": style_loss}
    finally:
        for p, flag in zip(encoder.parameters(), flags, strict=True):
            p.requires_grad_(flag)


# --- 17.3 -----------------------------------------------------------------------------------------

ema_weights = exercise(
    "ema_weights",
    reference="nstkit.training:ema_weights",
    level="easy",
    minutes=10,
    hints=[
        "The average starts at zero, and zero is not a weight that the network ever had.",
        "After T updates the weights of the snapshots sum to 1 − decay^T, not to 1.",
        "e = decay · e + (1 − decay) · p for each snapshot in turn, at the end e / (1 − decay ** T).",
    ],
)


def _snapshots(draw, count=5, shape=(3, 4), dtype=np.float64):
    return [
        draw.watch(((draw.rng.normal(size=shape) + 2).astype(dtype)), f"snapshots[{k}]") for k in range(count)
    ]


@ema_weights.check(points=2)
def five_snapshots(answer, draw):
    """Five snapshots, several decays."""
    snapshots = _snapshots(draw)
    return {str(decay): answer(snapshots, decay) for decay in (0.5, 0.9, 0.999)}


@ema_weights.check(points=1)
def few_snapshots(answer, draw):
    """One and two snapshots, decay 0, a tuple."""
    snapshots = _snapshots(draw, 3, (6,))
    return {
        "one": answer(snapshots[:1], 0.99),
        "two": answer(tuple(snapshots[:2]), 0.7),
        "decay 0": answer(snapshots, 0.0),
    }


@ema_weights.check(points=1)
def single_precision_weights(answer, draw):
    """float32 stays float32."""
    return answer(_snapshots(draw, 4, (2, 3, 2), np.float32), 0.8)


@ema_weights.check(points=1)
def no_snapshots_and_bad_decays_are_refused(answer, draw):
    """ValueError for no snapshots and for a decay outside [0, 1)."""
    snapshots = _snapshots(draw)
    return {
        "none": outcome(answer, [], 0.9),
        "decay 1": outcome(answer, snapshots, 1.0),
        "decay -0.1": outcome(answer, snapshots, -0.1),
        "decay 1.5": outcome(answer, snapshots, 1.5),
    }


def _average(snapshots, decay, correct=True, swapped=False, off=0, first=False):
    """The average with the switches that the misconceptions throw."""
    if not len(snapshots) or not 0 <= decay < 1:
        raise ValueError("snapshots, decay")
    old, new = (1 - decay, decay) if swapped else (decay, 1 - decay)
    total = snapshots[0] if first else 0 * snapshots[0]
    for p in snapshots[1:] if first else snapshots:
        total = old * total + new * p
    divisor = 1 - old ** (len(snapshots) + off) if correct else 1
    return total / divisor if divisor else total


@ema_weights.misconception(
    "You left the correction out, and starting from zero shrinks the average; divide by 1 − decay^T."
)
def leaves_the_correction_out(snapshots, decay):
    return _average(snapshots, decay, correct=False)


@ema_weights.misconception("You exchanged the roles; decay multiplies the old average.")
def exchanges_old_and_new(snapshots, decay):
    return _average(snapshots, decay, swapped=True)


@ema_weights.misconception("You took the power T − 1; after T updates it is decay^T.")
def counts_one_update_less(snapshots, decay):
    return _average(snapshots, decay, off=-1)


@ema_weights.misconception("You took the power T + 1; after T updates it is decay^T.")
def counts_one_update_more(snapshots, decay):
    return _average(snapshots, decay, off=1)


@ema_weights.misconception(
    "You started from the first snapshot, which gives it too much weight; start from zero and correct."
)
def starts_from_the_first(snapshots, decay):
    return _average(snapshots, decay, correct=False, first=True)


@ema_weights.misconception("You averaged in place on a snapshot; copy before you average.")
def averages_in_place(snapshots, decay):
    if not len(snapshots) or not 0 <= decay < 1:
        raise ValueError("snapshots, decay")
    total = snapshots[0]
    total *= 1 - decay
    for p in snapshots[1:]:
        total *= decay
        total += (1 - decay) * p
    return total / (1 - decay ** len(snapshots))


@ema_weights.accepts
def by_normalised_weights(snapshots, decay):
    if not len(snapshots) or not 0 <= decay < 1:
        raise ValueError("snapshots, decay")
    powers = [decay ** (len(snapshots) - 1 - k) for k in range(len(snapshots))]
    return sum(w / sum(powers) * p for w, p in zip(powers, snapshots, strict=True))


@ema_weights.accepts
def by_a_running_mean(snapshots, decay):
    if not len(snapshots) or not 0 <= decay < 1:
        raise ValueError("snapshots, decay")
    mean, weight = snapshots[0].copy(), 1.0
    for p in snapshots[1:]:
        weight = decay * weight + 1
        mean += (p - mean) / weight
    return mean


@ema_weights.accepts
def by_torch(snapshots, decay):
    if not len(snapshots) or not 0 <= decay < 1:
        raise ValueError("snapshots, decay")
    total = torch.zeros(snapshots[0].shape, dtype=torch.from_numpy(snapshots[0]).dtype)
    for p in snapshots:
        total.lerp_(torch.from_numpy(p.copy()), 1 - decay)
    return (total / (1 - decay ** len(snapshots))).numpy()


# --- 17.4 -----------------------------------------------------------------------------------------

early_stopping = exercise(
    "early_stopping",
    reference="nstkit.training:early_stopping",
    level="easy",
    minutes=12,
    hints=[
        "Remember the best value so far and count how long nothing better has come.",
        "The counter goes back to 0 on an improvement only; training stops in the epoch in which it reaches patience.",
        "if value < best − min_delta: best, best_epoch, waited = value, epoch, 0; else waited += 1, and look.",
    ],
)


def _curve(draw, length=24):
    """A noisy curve that falls and rises again."""
    t = np.arange(length)
    falling = np.exp(-t / 5) + 0.02 * np.maximum(0, t - length / 2)
    return [float(v) for v in falling + 0.08 * draw.rng.normal(size=length)]


def _epochs(result):
    return [int(epoch) for epoch in result]


@early_stopping.check(points=2)
def noisy_curves(answer, draw):
    """Twelve noisy curves, patience from 1 to 6."""
    return [_epochs(answer(_curve(draw), 1 + k % 6)) for k in range(12)]


@early_stopping.check(points=1)
def gains_that_are_too_small(answer, draw):
    """With min_delta, small gains count as none, and many of them do not add up against the last epoch."""
    slow = [1.0, 0.97, 0.94, 0.91, 0.88, 0.85, 0.82]
    return {
        "slow": _epochs(answer(slow, 3, 0.1)),
        "equal values": _epochs(answer([2.0, 1.0, 1.0, 1.0, 0.5], 3)),
        "a gain of exactly min_delta": _epochs(answer([3.0, 2.5, 2.0, 2.0], 1, min_delta=0.5)),
        "noisy": [_epochs(answer(_curve(draw), 4, 0.07)) for _ in range(6)],
    }


@early_stopping.check(points=1)
def not_a_number(answer, draw):
    """NaN is no improvement, wherever it comes."""
    nan, curve = math.nan, _curve(draw)
    curve[6] = curve[11] = nan
    return {
        "in the middle": _epochs(answer([3.0, 2.0, nan, nan, 1.0], 2)),
        "before the best": _epochs(answer([nan, 3.0, nan, 2.0, 2.5, 2.5], 2)),
        "noisy": _epochs(answer(curve, 3)),
    }


@early_stopping.check(points=1)
def never_triggered(answer, draw):
    """Where patience never runs out, training stops at the last epoch."""
    falling = sorted(_curve(draw), reverse=True)
    return {
        "falling": _epochs(answer(falling, 1)),
        "one epoch": _epochs(answer([1.0], 1)),
        "patient": _epochs(answer(_curve(draw), 100)),
        "an array": _epochs(answer(np.array(_curve(draw)), 3)),
    }


@early_stopping.check(points=1)
def bad_patience_is_refused(answer, draw):
    """ValueError for no values, patience below 1, a negative min_delta."""
    return {
        "no values": outcome(answer, [], 2),
        "patience 0": outcome(answer, [1.0, 2.0], 0),
        "min_delta": outcome(answer, [1.0, 2.0], 2, -0.1),
    }


def _stopped(
    values, patience, min_delta, *, against="best", late=0, equal=False, last=False, nan_resets=False
):
    """Early stopping with the switches that the misconceptions throw."""
    if not len(values) or patience < 1 or min_delta < 0:
        raise ValueError("values, patience, min_delta")
    best, best_epoch, waited, before = math.inf, 0, 0, math.inf
    for epoch, value in enumerate(values):
        bound = (best if against == "best" else before) - min_delta
        if value < bound or (equal and value == bound):
            waited = 0
            if against == "best" or value < best:
                best, best_epoch = value, epoch
        elif nan_resets and math.isnan(value):
            waited = 0
        else:
            waited += 1
        before = value
        if waited >= patience + late:
            return (epoch if last else best_epoch), epoch
    return (len(values) - 1 if last else best_epoch), len(values) - 1


@early_stopping.misconception(
    "You compared with the epoch before, so noise resets the counter; compare with the best so far."
)
def compares_with_the_last(values, patience, min_delta=0.0):
    return _stopped(values, patience, min_delta, against="last")


@early_stopping.misconception(
    "You stopped one epoch late; stop when the counter reaches patience, not when it exceeds it."
)
def stops_late(values, patience, min_delta=0.0):
    return _stopped(values, patience, min_delta, late=1)


@early_stopping.misconception("You ignored min_delta; a gain smaller than it does not reset the counter.")
def ignores_min_delta(values, patience, min_delta=0.0):
    if min_delta < 0:
        raise ValueError("min_delta")
    return _stopped(values, patience, 0.0)


@early_stopping.misconception(
    "You counted an equal value as an improvement; it must lie below best − min_delta."
)
def counts_equal_values(values, patience, min_delta=0.0):
    return _stopped(values, patience, min_delta, equal=True)


@early_stopping.misconception(
    "You returned the epoch of the stop as the best; keep the checkpoint of the best epoch."
)
def returns_the_last_epoch(values, patience, min_delta=0.0):
    return _stopped(values, patience, min_delta, last=True)


@early_stopping.misconception("You let NaN reset the counter; NaN is never an improvement.")
def resets_on_nan(values, patience, min_delta=0.0):
    return _stopped(values, patience, min_delta, nan_resets=True)


@early_stopping.accepts
def by_a_loop(values, patience, min_delta=0.0):
    return _stopped(values, patience, min_delta)


@early_stopping.accepts
def by_lists_of_improvements(values, patience, min_delta=0.0):
    if len(values) == 0 or patience < 1 or min_delta < 0:
        raise ValueError("values")
    better, best = [-1], math.inf
    for k, value in enumerate(values):
        if best - min_delta > value:
            better.append(k)
            best = value
        if k - better[-1] == patience:
            return max(better[-1], 0), k
    return max(better[-1], 0), len(values) - 1
