"""Lesson 04, content loss: position by position, through the ReLU's gate, and what each depth ignores."""

import json

import numpy as np
import torch
import torch.nn.functional as F

from nstkit.grading import exercise, outcome

# --- 4.1 ------------------------------------------------------------------------------------------

content_loss = exercise(
    "content_loss",
    reference="nstkit.losses:content_loss",
    level="easy",
    minutes=10,
    hints=[
        "Compare activation with activation at the same place; a number per image, then the mean over images.",
        "Square the difference (B, C, H, W), reduce over the last three axes to (B,), then average to a scalar.",
        '"gatys" is half the sum per image, "mean" the mean per image; detach the target, check the shapes first.',
    ],
)


@content_loss.check(points=2)
def gatys_by_default(answer, draw):
    """Three images, Gatys' ½ Σ, with differences well above 1."""
    return answer(draw.watch(3 * draw.tensor(3, 4, 5, 2), "generated"), draw.tensor(3, 4, 5, 2))


@content_loss.check(points=1)
def both_reductions(answer, draw):
    """ "gatys" and "mean", by position and by keyword."""
    generated, target = draw.features(2, 5, 4, 3), draw.features(2, 5, 4, 3)
    return {"gatys": answer(generated, target, "gatys"), "mean": answer(generated, target, reduction="mean")}


@content_loss.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and features that are not contiguous are as good as any."""
    f32 = {"dtype": torch.float32}
    return {
        "float32": answer(draw.tensor(2, 3, 4, 5, **f32), draw.tensor(2, 3, 4, 5, **f32)),
        "not contiguous": answer(draw.tensor(2, 3, 4, 5, strided=True), draw.tensor(2, 3, 4, 5), "mean"),
    }


@content_loss.check(points=1)
def only_the_generated_image_learns(answer, draw):
    """The gradient reaches the generated features and never the target."""
    generated = draw.tensor(2, 3, 4, 5).requires_grad_()
    target = draw.tensor(2, 3, 4, 5).requires_grad_()
    loss = answer(generated, target)
    if not loss.requires_grad:
        return "no gradient"
    loss.backward()
    return {"generated": generated.grad, "the target has none": target.grad is None}


@content_loss.check(points=1)
def what_cannot_be_compared_is_refused(answer, draw):
    """ValueError for any difference of shape, also one that would broadcast, and for an unknown reduction."""
    generated = draw.tensor(2, 3, 4, 5)
    return {
        "one channel": outcome(answer, generated, draw.tensor(2, 1, 4, 5)),
        "one image": outcome(answer, generated, draw.tensor(1, 3, 4, 5)),
        "another size": outcome(answer, generated, draw.tensor(2, 3, 5, 4)),
        'reduction="sum"': outcome(answer, generated, draw.tensor(2, 3, 4, 5), "sum"),
    }


def _refuse_pair(generated, target, reduction):
    if generated.shape != target.shape or reduction not in ("gatys", "mean"):
        raise ValueError("target, reduction")


def _reduce(squares, reduction):
    """(B, C, H, W) squares to a scalar."""
    per_image = squares.flatten(1).sum(1) / 2 if reduction == "gatys" else squares.flatten(1).mean(1)
    return per_image.mean()


@content_loss.misconception(
    "You compared two norms; compare position by position: a shuffled map has the same norm and another content."
)
def compares_norms(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    norms = generated.flatten(1).norm(dim=1) - target.detach().flatten(1).norm(dim=1)
    return norms.abs().mean()


@content_loss.misconception("You left the ½ out; Gatys' content loss is ½ Σ (F − P)².")
def forgets_the_half(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    return _reduce((generated - target.detach()).square(), reduction) * (2 if reduction == "gatys" else 1)


@content_loss.misconception("You summed over the images; average over the batch.")
def sums_the_batch(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    return _reduce((generated - target.detach()).square(), reduction) * generated.shape[0]


@content_loss.misconception("You took the norm of the difference; square the differences and take no root.")
def takes_the_root(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    return (generated - target.detach()).flatten(1).norm(dim=1).mean()


@content_loss.misconception(
    "You let the gradient into the target; detach it: the content target is a constant."
)
def teaches_the_target(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    return _reduce((generated - target).square(), reduction)


@content_loss.misconception(
    "You let the shapes broadcast; they must agree exactly, so check before subtracting."
)
def broadcasts(generated, target, reduction="gatys"):
    if reduction not in ("gatys", "mean"):
        raise ValueError("reduction")
    try:
        return _reduce((generated - target.detach()).square(), reduction)
    except RuntimeError as error:
        raise ValueError("target") from error


@content_loss.misconception(
    "You used a smooth L1 loss, which is linear for large differences; use the plain square."
)
def uses_smooth_l1(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    return _reduce(2 * F.smooth_l1_loss(generated, target.detach(), reduction="none"), reduction)


@content_loss.accepts
def by_mse_loss(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    scale = generated[0].numel() / 2 if reduction == "gatys" else 1
    return F.mse_loss(generated, target.detach()) * scale


@content_loss.accepts
def image_by_image(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    losses = []
    for g, t in zip(generated, target.detach(), strict=True):
        losses.append(((g - t) ** 2).sum() * 0.5 if reduction == "gatys" else ((g - t) ** 2).mean())
    return sum(losses) / len(losses)


@content_loss.accepts
def by_einsum(generated, target, reduction="gatys"):
    _refuse_pair(generated, target, reduction)
    gap = generated - target.detach()
    total = torch.einsum("bchw,bchw->", gap, gap) / len(gap)
    return total / 2 if reduction == "gatys" else total / gap[0].numel()


# --- 4.2 ------------------------------------------------------------------------------------------

content_loss_grad = exercise(
    "content_loss_grad",
    reference="nstkit.theory:content_loss_grad",
    level="medium",
    minutes=15,
    hints=[
        "Chain rule in two steps: the loss by the ReLU's output, then the ReLU by its input.",
        "Everything has shape (N, M); the ReLU's derivative is 1 where z > 0 and 0 elsewhere.",
        "relu(z) − P where z > 0, else 0: the 2 of the square and the ½ cancel.",
    ],
)


def _activation(draw, *shape, dtype=np.float64):
    """Pre-activations z without zeros, and a target that is a ReLU output."""
    z = draw.array(*shape, dtype=dtype)
    target = np.maximum(draw.array(*shape, dtype=dtype), 0)
    return z, draw.watch(target, "target")


@content_loss_grad.check(points=2)
def through_the_gate(answer, draw):
    """Half of the units are switched off."""
    return answer(*_activation(draw, 4, 7))


@content_loss_grad.check(points=1)
def single_precision_and_views(answer, draw):
    """float32 stays float32; a strided view is as good as any."""
    z, target = draw.array(3, 5, strided=True), np.maximum(draw.array(3, 5), 0)
    return {"float32": answer(*_activation(draw, 5, 3, dtype=np.float32)), "a view": answer(z, target)}


@content_loss_grad.check(points=1)
def switched_on_and_switched_off(answer, draw):
    """All units on, then all off."""
    z, target = _activation(draw, 3, 6)
    on, off = draw.watch(np.abs(z) + 0.1, "z"), draw.watch(-np.abs(z) - 0.1, "z")
    return {"all on": answer(on, target), "all off": answer(off, target)}


@content_loss_grad.check(points=1)
def impossible_targets_are_refused(answer, draw):
    """ValueError for another shape and for a target with negative values."""
    z, target = _activation(draw, 4, 6)
    negative = target.copy()
    negative[0, 0] = -0.5
    return {
        "another shape": outcome(answer, z, target[:, :5]),
        "one row, which would broadcast": outcome(answer, z, target[:1]),
        "a negative target": outcome(answer, z, negative),
    }


def _refuse_target(z, target):
    if z.shape != target.shape or (target < 0).any():
        raise ValueError("target")


@content_loss_grad.misconception("You left the gate out; a switched-off ReLU passes no gradient.")
def forgets_the_gate(z, target):
    _refuse_target(z, target)
    return np.maximum(z, 0) - target


@content_loss_grad.misconception(
    "You gated by the target; the gate belongs to the generated image's unit, so it opens where z > 0."
)
def gates_by_the_target(z, target):
    _refuse_target(z, target)
    return np.where(target > 0, np.maximum(z, 0) - target, 0).astype(z.dtype)


@content_loss_grad.misconception("Your result is twice too large; the ½ cancels the 2 of the square.")
def keeps_the_two(z, target):
    _refuse_target(z, target)
    return 2 * np.where(z > 0, z - target, 0).astype(z.dtype)


@content_loss_grad.misconception("You computed P − F; the gradient points uphill, F − P.")
def points_downhill(z, target):
    _refuse_target(z, target)
    return np.where(z > 0, target - z, 0).astype(z.dtype)


@content_loss_grad.misconception(
    "You gated by the sign of F − P; the gate is z > 0, whatever the difference is."
)
def gates_by_the_difference(z, target):
    _refuse_target(z, target)
    return np.maximum(np.maximum(z, 0) - target, 0).astype(z.dtype)


@content_loss_grad.accepts
def by_mask(z, target):
    _refuse_target(z, target)
    return (np.maximum(z, 0) - target) * (z > 0)


@content_loss_grad.accepts
def without_relu(z, target):
    _refuse_target(z, target)
    return np.where(z > 0, z - target, np.zeros_like(z))


@content_loss_grad.accepts
def cell_by_cell(z, target):
    _refuse_target(z, target)
    out = np.zeros_like(z)
    for place in np.ndindex(z.shape):
        if z[place] > 0:
            out[place] = z[place] - target[place]
    return out


# --- 4.3 ------------------------------------------------------------------------------------------

content_sensitivity = exercise(
    "content_sensitivity",
    reference="nstkit.encoders:content_sensitivity",
    level="medium",
    minutes=20,
    hints=[
        "How much of a layer's energy does a distortion change? A share, so that layers can be compared.",
        "For each variant a row, for each layer a number: squared distance over squared norm of the original.",
        "Run the image once and each variant once under no_grad; float((a − b).square().sum() / b.square().sum()).",
    ],
)


def _variants(draw, dtype=torch.float64):
    """An encoder, an image, and three distortions of it."""
    image = draw.image(2, 9, 12, dtype=dtype)
    variants = {
        "gray": image.mean(1, keepdim=True).expand(-1, 3, -1, -1),
        "shifted": image.roll(2, 3),
        "noisy": image + 0.1 * draw.tensor(2, 3, 9, 12, dtype=dtype),
    }
    return draw.encoder(4, 6, 5, dtype=dtype), image, draw.watch(variants, "variants")


@content_sensitivity.check(points=2)
def three_distortions_at_two_depths(answer, draw):
    """A table of shares: three variants, two layers."""
    encoder, image, variants = _variants(draw)
    return answer(encoder, image, variants, ["layer1", "layer3"])


@content_sensitivity.check(points=1)
def zero_and_one(answer, draw):
    """The image itself changes nothing; with a linear encoder, doubling changes exactly the whole energy."""
    weight, image = draw.tensor(4, 3, 3, 3), draw.image(2, 6, 9)
    table = answer(
        lambda x: {"linear": F.conv2d(x, weight)}, image, {"same": image, "doubled": 2 * image}, ("linear",)
    )
    return {"same": table["same"]["linear"] == 0, "doubled": round(table["doubled"]["linear"], 9)}


@content_sensitivity.check(points=1)
def a_measurement(answer, draw):
    """The image passes once, each variant once; the numbers are floats that JSON can hold."""
    encoder, image, variants = _variants(draw, torch.float32)
    table = answer(encoder, image, variants, ["layer1", "layer2", "layer3"])
    types = {type(value).__name__ for row in table.values() for value in row.values()}
    text = outcome(json.dumps, table)
    return {"passes": encoder.calls, "types": sorted(types), "JSON can hold it": isinstance(text, tuple)}


@content_sensitivity.check(points=1)
def what_cannot_be_measured_is_refused(answer, draw):
    """KeyError for an unknown layer; ValueError for another shape and for features without energy."""
    encoder, image, variants = _variants(draw)
    return {
        "an unknown layer": outcome(answer, encoder, image, variants, ["layer9"]),
        "a variant of another size": outcome(answer, encoder, image, {"small": image[..., :9]}, ["layer1"]),
        "a dead layer": outcome(answer, lambda x: {"dead": x * 0}, image, variants, ["dead"]),
    }


def _energy(x):
    return x.square().sum()


def _table(encoder, image, variants, layers, share):
    """The skeleton that variants and misconceptions of 4.3 share."""
    with torch.no_grad():
        base = encoder(image)
        features = {name: encoder(variant) for name, variant in variants.items()}
    table = {}
    for name, variant in features.items():
        for layer in layers:
            if variant[layer].shape != base[layer].shape or _energy(base[layer]) == 0:
                raise ValueError("variants")
        table[name] = {layer: float(share(variant[layer], base[layer])) for layer in layers}
    return table


@content_sensitivity.misconception(
    "You left the distances undivided, so deep layers differ by scale alone; divide by the reference features' energy."
)
def forgets_the_energy(encoder, image, variants, layers):
    return _table(encoder, image, variants, layers, lambda v, x: _energy(v - x))


@content_sensitivity.misconception(
    "You divided by the variant's energy; the unmodified image is the reference."
)
def divides_by_the_variant(encoder, image, variants, layers):
    return _table(encoder, image, variants, layers, lambda v, x: _energy(v - x) / _energy(v))


@content_sensitivity.misconception(
    "You took a ratio of norms; numerator and denominator are both squared sums."
)
def takes_norms(encoder, image, variants, layers):
    return _table(encoder, image, variants, layers, lambda v, x: (_energy(v - x) / _energy(x)).sqrt())


@content_sensitivity.misconception("You averaged over the layers; report every layer separately.")
def averages_the_layers(encoder, image, variants, layers):
    table = _table(encoder, image, variants, layers, lambda v, x: _energy(v - x) / _energy(x))
    return {name: sum(row.values()) / len(row) for name, row in table.items()}


@content_sensitivity.misconception(
    "You returned tensors that hold their graph; this is a measurement, return floats."
)
def returns_tensors(encoder, image, variants, layers):
    _table(encoder, image, variants, layers, lambda v, x: _energy(v - x))
    encoder.calls = 0
    base = encoder(image)
    features = {name: encoder(variant) for name, variant in variants.items()}
    return {
        name: {layer: _energy(f[layer] - base[layer]) / _energy(base[layer]) for layer in layers}
        for name, f in features.items()
    }


@content_sensitivity.misconception(
    "You ran the encoder for every layer again; one pass per image gives all layers."
)
def passes_once_per_layer(encoder, image, variants, layers):
    _table(lambda x: encoder(x), image, variants, layers, lambda v, x: _energy(v - x))
    rows = [
        _table(encoder, image, variants, [layer], lambda v, x: _energy(v - x) / _energy(x))
        for layer in layers
    ]
    return {name: {k: v for row in rows for k, v in row[name].items()} for name in variants}


@content_sensitivity.accepts
def by_means(encoder, image, variants, layers):
    return _table(encoder, image, variants, layers, lambda v, x: (v - x).square().mean() / x.square().mean())


@content_sensitivity.accepts
def by_detaching(encoder, image, variants, layers):
    base = {layer: f.detach() for layer, f in encoder(image).items()}
    table = {}
    for name, variant in variants.items():
        features = encoder(variant)
        table[name] = {}
        for layer in layers:
            f, b = features[layer].detach(), base[layer]
            if f.shape != b.shape or not b.any():
                raise ValueError("variants")
            table[name][layer] = (((f - b) ** 2).sum() / (b**2).sum()).item()
    return table
