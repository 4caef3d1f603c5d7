"""Lesson 15, a catalogue of losses: statistics, distances, an audit, a total, and sorted projections."""

import math

import numpy as np
import torch
from torch import nn

from nstkit.grading import exercise, gradient, outcome

# --- 15.1 -----------------------------------------------------------------------------------------

moment_matching_loss = exercise(
    "moment_matching_loss",
    reference="nstkit.losses:moment_matching_loss",
    level="medium",
    minutes=15,
    hints=[
        "Describe each channel of each image by two numbers, its mean and its spread, and compare those.",
        "Means and deviations are (B, C) for both inputs, whatever their sizes; the squared differences are averaged "
        "over B and C.",
        "σ = (var(population) + eps).sqrt() over (2, 3); then ((μ_g − μ_s)² + (σ_g − σ_s)²).mean(), style detached.",
    ],
)


@moment_matching_loss.check(points=2)
def two_images_of_other_size(answer, draw):
    """Two images, and styles of another size."""
    return answer(draw.features(2, 5, 4, 7), draw.features(2, 5, 6, 3))


@moment_matching_loss.check(points=1)
def an_eps_that_can_be_seen(answer, draw):
    """A large eps, float32, and features that are not contiguous."""
    return {
        "eps = 0.5": answer(draw.tensor(3, 4, 5, 6), draw.tensor(3, 4, 7, 2), 0.5),
        "float32": answer(
            draw.features(2, 3, 5, 4, dtype=torch.float32), draw.features(2, 3, 4, 6, dtype=torch.float32)
        ),
        "not contiguous": answer(draw.tensor(2, 4, 3, 5, strided=True), draw.tensor(2, 4, 6, 3), eps=1e-3),
    }


@moment_matching_loss.check(points=1, atol=1e-9)
def places_do_not_count(answer, draw):
    """Zero for any shuffle of the positions, also one that changes how channels go together."""
    style = draw.tensor(2, 4, 5, 6)
    together = style.flatten(2)[:, :, draw.permutation(30)]
    apart = torch.stack([style.flatten(2)[:, c, draw.permutation(30)] for c in range(4)], dim=1)
    return [answer(moved.reshape(2, 4, 6, 5), style) for moved in (together, apart)]


@moment_matching_loss.check(points=1)
def only_the_generated_features_learn(answer, draw):
    """The gradient, finite on flat channels; none reaches the style."""
    style = draw.tensor(2, 3, 5, 4).requires_grad_()
    flat = draw.watch(torch.full((2, 3, 4, 5), 0.4, dtype=torch.float64), "generated")
    found = {
        "gradient": gradient(lambda g: answer(g, style), draw.tensor(2, 3, 4, 5)),
        "flat channels": gradient(lambda g: answer(g, style), flat),
    }
    loss = answer(draw.tensor(2, 3, 4, 5).requires_grad_(), style)
    loss.backward()
    return found | {"the style stays without a gradient": style.grad is None}


@moment_matching_loss.check(points=1)
def other_batches_are_refused(answer, draw):
    """ValueError for another number of channels or images."""
    generated = draw.features(2, 4, 5, 6)
    return {
        "three channels for four": outcome(answer, generated, draw.features(2, 3, 5, 6)),
        "one channel for four": outcome(answer, generated, draw.features(2, 1, 5, 6)),
        "one style for two images": outcome(answer, generated, draw.features(1, 4, 5, 6)),
    }


def _refuse_styles(generated, style):
    if generated.shape[:2] != style.shape[:2]:
        raise ValueError("style")


def _moments(features, eps, dims=(2, 3)):
    return features.mean(dims), (features.var(dims, correction=0) + eps).sqrt()


@moment_matching_loss.misconception(
    "You compared variances; compare standard deviations, which have the features' own unit."
)
def matches_variances(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    (m, s), (n, t) = _moments(generated, eps), _moments(style.detach(), eps)
    return ((m - n) ** 2 + (s**2 - t**2) ** 2).mean()


@moment_matching_loss.misconception(
    "You took the statistics over the batch; each image has its own, over its positions."
)
def mixes_the_batch(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    (m, s), (n, t) = _moments(generated, eps, (0, 2, 3)), _moments(style.detach(), eps, (0, 2, 3))
    return ((m - n) ** 2 + (s - t) ** 2).mean()


@moment_matching_loss.misconception(
    "You compared position by position, which is a content loss; compare means and deviations."
)
def compares_positions(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    n = min(generated[0, 0].numel(), style[0, 0].numel())
    return (generated.flatten(2)[..., :n] - style.detach().flatten(2)[..., :n]).square().mean()


@moment_matching_loss.misconception("You summed over the channels; divide by C.")
def sums_the_channels(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    (m, s), (n, t) = _moments(generated, eps), _moments(style.detach(), eps)
    return ((m - n) ** 2 + (s - t) ** 2).sum(1).mean()


@moment_matching_loss.misconception(
    "You averaged over all 2C numbers, which halves the loss; divide by C only."
)
def divides_by_two_c(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    pair = torch.cat(_moments(generated, eps), 1), torch.cat(_moments(style.detach(), eps), 1)
    return nn.functional.mse_loss(*pair)


@moment_matching_loss.misconception(
    "You added eps outside the root, so its gradient on flat channels is NaN; put it under the root."
)
def adds_eps_outside_the_root(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    (m, s), (n, t) = (
        (f.mean((2, 3)), f.std((2, 3), correction=0) + eps) for f in (generated, style.detach())
    )
    return ((m - n) ** 2 + (s - t) ** 2).mean()


@moment_matching_loss.misconception(
    "You compared Gram matrices; only the mean and the deviation of each channel are asked for."
)
def compares_grams(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    g, s = (f.flatten(2) @ f.flatten(2).mT / f[0, 0].numel() for f in (generated, style.detach()))
    return (g - s).square().mean()


@moment_matching_loss.misconception(
    "You used the sample variance, divided by N − 1; the population variance divides by N."
)
def uses_the_sample_variance(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    (m, s), (n, t) = ((f.mean((2, 3)), (f.var((2, 3)) + eps).sqrt()) for f in (generated, style.detach()))
    return ((m - n) ** 2 + (s - t) ** 2).mean()


@moment_matching_loss.misconception("You let the gradient into the style; detach it: it is a constant.")
def teaches_the_style_its_moments(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    (m, s), (n, t) = _moments(generated, eps), _moments(style, eps)
    return ((m - n) ** 2 + (s - t) ** 2).mean()


@moment_matching_loss.accepts
def by_two_mse_losses(generated, style, eps=1e-5):
    _refuse_styles(generated, style)
    mse = nn.functional.mse_loss
    return sum(
        mse(a, b) for a, b in zip(_moments(generated, eps), _moments(style.detach(), eps), strict=True)
    )


@moment_matching_loss.accepts
def by_centred_squares(generated, style, eps=1e-5):
    _refuse_styles(generated, style)

    def two(f):
        flat = f.reshape(f.shape[0], f.shape[1], -1)
        mean = flat.mean(-1, keepdim=True)
        return mean[..., 0], ((flat - mean).pow(2).mean(-1) + eps).sqrt()

    with torch.no_grad():
        n, t = two(style)
    m, s = two(generated)
    return ((m - n).pow(2).sum(1) + (s - t).pow(2).sum(1)).div(generated.shape[1]).mean()


# --- 15.2 -----------------------------------------------------------------------------------------

style_distance = exercise(
    "style_distance",
    reference="nstkit.losses:style_distance",
    level="medium",
    minutes=20,
    hints=[
        "Two choices that have nothing to do with each other: how to summarise an image, and how to compare summaries.",
        "Summaries are (B, C), (B, 2C) or (B, C, C); subtract, apply the metric to each entry, average everything.",
        "Two dictionaries of small functions, or two chains of if; covariance is the Gram matrix of F minus its means.",
    ],
)

STATISTICS, METRICS = ("mean", "mean_std", "gram", "covariance"), ("l1", "l2", "charbonnier")


@style_distance.check(points=2)
def every_statistic(answer, draw):
    """Each statistic with l2, for styles of another size."""
    pair = draw.features(2, 5, 4, 7), draw.features(2, 5, 6, 3)
    return {"default": answer(*pair)} | {name: answer(*pair, name) for name in STATISTICS}


@style_distance.check(points=2)
def every_metric(answer, draw):
    """Each metric on each statistic, with an eps that can be seen."""
    pair = draw.features(2, 3, 5, 4), draw.features(2, 3, 4, 6)
    return {f"{s}, {m}": answer(*pair, s, m, eps=0.1) for s in STATISTICS for m in METRICS}


@style_distance.check(points=1, atol=1e-9)
def identity_and_shuffles(answer, draw):
    """Nothing for a shuffled copy; eps for charbonnier."""
    style = draw.tensor(3, 4, 5, 6)
    moved = style.flatten(2)[:, :, draw.permutation(30)].reshape(3, 4, 6, 5)
    close = {name: answer(moved, style, name, "l1") for name in STATISTICS}
    return close | {"charbonnier": answer(moved, style, "gram", "charbonnier", 0.2)}


@style_distance.check(points=1)
def single_precision_and_strides_too(answer, draw):
    """float32 stays float32, and features need not be contiguous."""
    pair = (draw.features(2, 3, 5, 4, dtype=torch.float32) for _ in range(2))
    strided = draw.tensor(2, 4, 3, 5, strided=True)
    return {"float32": answer(*pair), "strided": answer(strided, draw.tensor(2, 4, 6, 2), "covariance", "l1")}


@style_distance.check(points=1)
def gradients_of_distances(answer, draw):
    """The gradient reaches the generated features, and never the style."""
    style = draw.tensor(2, 3, 5, 4).requires_grad_()
    generated = draw.tensor(2, 3, 4, 5)
    found = {name: gradient(lambda g, n=name: answer(g, style, n), generated) for name in STATISTICS}
    loss = answer(draw.tensor(2, 3, 4, 5).requires_grad_(), style, "gram", "charbonnier", 0.1)
    loss.backward()
    return found | {"the style stays without a gradient": style.grad is None}


@style_distance.check(points=1)
def names_and_shapes_are_checked(answer, draw):
    """ValueError for other names, another B or C, and an eps that is not positive."""
    pair = draw.features(2, 4, 5, 6), draw.features(2, 4, 3, 7)
    return {
        "another statistic": outcome(answer, *pair, "variance"),
        "another metric": outcome(answer, *pair, "gram", "l3"),
        "eps = 0": outcome(answer, *pair, "gram", "charbonnier", 0.0),
        "another C": outcome(answer, pair[0], draw.features(2, 3, 5, 6)),
        "one style for two images": outcome(answer, pair[0], draw.features(1, 4, 5, 6), "mean"),
    }


def _refuse_names(generated, style, statistic, metric, eps):
    if statistic not in STATISTICS or metric not in METRICS or eps <= 0:
        raise ValueError("statistic, metric, eps")
    _refuse_styles(generated, style)


def _second_moments(f):
    return f.flatten(2) @ f.flatten(2).mT / f[0, 0].numel()


def _summary(f, statistic):
    if statistic == "mean":
        return f.mean((2, 3))
    if statistic == "mean_std":
        return torch.cat(_moments(f, 1e-5), 1)
    return _second_moments(f if statistic == "gram" else f - f.mean((2, 3), keepdim=True))


def _entrywise(d, metric, eps):
    return {"l1": d.abs(), "l2": d**2, "charbonnier": (d**2 + eps**2).sqrt()}[metric]


def _distance(generated, style, statistic, metric, eps, summary=_summary, entrywise=_entrywise):
    _refuse_names(generated, style, statistic, metric, eps)
    d = summary(generated, statistic) - summary(style.detach(), statistic)
    return entrywise(d, metric, eps).mean()


@style_distance.misconception(
    "You compared the feature maps themselves, which is a content loss; the metric compares statistics."
)
def compares_feature_maps(generated, style, statistic="gram", metric="l2", eps=1e-3):
    def first_positions(f, _):
        return f.flatten(2)[..., : min(generated[0, 0].numel(), style[0, 0].numel())]

    return _distance(generated, style, statistic, metric, eps, first_positions)


@style_distance.misconception("You took a root for l2; it is the mean of the squared differences.")
def takes_the_root_of_l2(generated, style, statistic="gram", metric="l2", eps=1e-3):
    value = _distance(generated, style, statistic, metric, eps)
    return value.sqrt() if metric == "l2" else value


@style_distance.misconception("You centred the features for the Gram matrix; only the covariance is centred.")
def centres_the_gram(generated, style, statistic="gram", metric="l2", eps=1e-3):
    return _distance(
        generated, style, statistic, metric, eps, lambda f, s: _summary(f, "covariance" if s == "gram" else s)
    )


@style_distance.misconception("You summed over the entries of the statistic; average over them.")
def sums_over_the_entries(generated, style, statistic="gram", metric="l2", eps=1e-3):
    def summed(d, m, e):
        return _entrywise(d, m, e).flatten(1).sum(1)

    return _distance(generated, style, statistic, metric, eps, entrywise=summed)


@style_distance.misconception(
    "You added eps to |d|; Charbonnier is √(d² + eps²), which is smooth at 0 and costs eps there."
)
def adds_eps_to_the_absolute_value(generated, style, statistic="gram", metric="l2", eps=1e-3):
    def blunt(d, m, e):
        return d.abs() + e if m == "charbonnier" else _entrywise(d, m, e)

    return _distance(generated, style, statistic, metric, eps, entrywise=blunt)


@style_distance.misconception(
    "You subtracted eps again, so that Charbonnier is 0 at 0; here it is √(d² + eps²) as it stands."
)
def subtracts_eps_again(generated, style, statistic="gram", metric="l2", eps=1e-3):
    def shifted(d, m, e):
        return _entrywise(d, m, e) - (e if m == "charbonnier" else 0)

    return _distance(generated, style, statistic, metric, eps, entrywise=shifted)


@style_distance.misconception("You put eps under the root without squaring it; it is √(d² + eps²).")
def forgets_to_square_eps(generated, style, statistic="gram", metric="l2", eps=1e-3):
    return _distance(
        generated, style, statistic, metric, eps, entrywise=lambda d, m, e: _entrywise(d, m, e**0.5)
    )


@style_distance.misconception("You took one statistic for the whole batch; each image has its own.")
def one_statistic_for_the_batch(generated, style, statistic="gram", metric="l2", eps=1e-3):
    _refuse_names(generated, style, statistic, metric, eps)
    g, s = (f.transpose(0, 1).flatten(1)[None, :, :, None] for f in (generated, style))
    return _distance(g, s, statistic, metric, eps)


@style_distance.misconception("You divided by C·H·W; Gram matrix and covariance are divided by H·W here.")
def divides_by_chw(generated, style, statistic="gram", metric="l2", eps=1e-3):
    def smaller(f, s):
        return _summary(f, s) / (f.shape[1] if s in ("gram", "covariance") else 1)

    return _distance(generated, style, statistic, metric, eps, smaller)


@style_distance.misconception("You let the gradient into the style's statistic; detach the style.")
def teaches_the_style_its_statistic(generated, style, statistic="gram", metric="l2", eps=1e-3):
    _refuse_names(generated, style, statistic, metric, eps)
    return _entrywise(_summary(generated, statistic) - _summary(style, statistic), metric, eps).mean()


@style_distance.accepts
def by_functional_losses(generated, style, statistic="gram", metric="l2", eps=1e-3):
    _refuse_names(generated, style, statistic, metric, eps)
    a, b = _summary(generated, statistic), _summary(style, statistic).detach()
    if metric == "l1":
        return nn.functional.l1_loss(a, b)
    if metric == "l2":
        return nn.functional.mse_loss(a, b)
    return torch.hypot(a - b, torch.full_like(a, eps)).mean()


@style_distance.accepts
def image_by_image_by_einsum(generated, style, statistic="gram", metric="l2", eps=1e-3):
    _refuse_names(generated, style, statistic, metric, eps)

    def of_one(f):
        mean = f.mean(dim=(1, 2))
        if statistic == "mean":
            return mean
        if statistic == "mean_std":
            return torch.cat([mean, torch.sqrt((f - mean[:, None, None]).pow(2).mean((1, 2)) + 1e-5)])
        gram = torch.einsum("chw,dhw->cd", f, f) / f.shape[1] / f.shape[2]
        return gram if statistic == "gram" else gram - torch.outer(mean, mean)

    values = []
    for g, s in zip(generated, style.detach(), strict=True):
        values.append(_entrywise(of_one(g) - of_one(s), metric, eps).mean())
    return torch.stack(values).mean()


# --- 15.3 -----------------------------------------------------------------------------------------

audit_loss = exercise(
    "audit_loss",
    reference="nstkit.theory:audit_loss",
    level="medium",
    minutes=25,
    hints=[
        "Each property says: do this to the inputs, and the loss stays what it was. Do it and look.",
        "Move positions with a.flatten(1)[:, perm], (C, H·W), back to (C, H, W), and leave b where it is.",
        "Six calls of loss_fn: (a, b), (a, a), (b, a), (moved, b), (3a, 3b), (a + 1, b + 1); compare floats with tol.",
    ],
)


def _content(a, b):
    return (a - b).square().mean()


def _gram_loss(a, b):
    return (_second_moments(a[None]) - _second_moments(b[None])).square().sum()


def _moment_loss(a, b):
    (m, s), (n, t) = _moments(a[None], 0.0), _moments(b[None], 0.0)
    return ((m - n) ** 2 + (s - t) ** 2).sum()


def _cosine(a, b):
    return 1 - (a * b).sum() / (a.norm() * b.norm())


def _relative(a, b):
    return (a - b).square().sum() / b.square().sum()


def _self_blur(a, b):
    return (a - nn.functional.avg_pool2d(a, 3, 1, 1, count_include_pad=False)).square().sum()


def _shares(a, b):
    return (a / a.sum() - b / b.sum()).abs().sum()


def _pair(draw):
    """Two positive feature maps and a permutation of their positions."""
    a, b = (draw.watch(torch.from_numpy(draw.rng.uniform(0.2, 2, size=(5, 4, 7))), name) for name in "ab")
    return a, b, draw.permutation(28)


@audit_loss.check(points=2)
def what_is_known(answer, draw):
    """Content, Gram and moment losses have the invariances that their names promise."""
    inputs = _pair(draw)
    return {
        "content": answer(_content, *inputs),
        "Gram": answer(_gram_loss, *inputs),
        "moments": answer(_moment_loss, *inputs),
    }


@audit_loss.check(points=2)
def what_is_less_usual(answer, draw):
    """A cosine, a relative error, a blur that never looks at b, and shares of a sum."""
    inputs = _pair(draw)
    return {
        "cosine": answer(_cosine, *inputs),
        "relative error": answer(_relative, *inputs),
        "self-blur": answer(_self_blur, *inputs),
        "shares": answer(_shares, *inputs),
    }


@audit_loss.check(points=1)
def plain_booleans(answer, draw):
    """Python booleans for five names."""
    result = answer(_gram_loss, *_pair(draw))
    return {name: type(value).__name__ for name, value in result.items()}


@audit_loss.check(points=1)
def the_tolerance(answer, draw):
    """tol is relative for large losses and absolute for small ones."""
    a, b, perm = _pair(draw)
    return {
        "large": answer(lambda x, y: 1e12 + x.sum(), a, b, perm)["shift_invariant"],
        "small": answer(lambda x, y: 1e-4 * (x - y).abs().sum(), a, b, perm)["scale_invariant"],
        "small, tol = 1": answer(lambda x, y: 1e-4 * (x - y).abs().sum(), a, b, perm, 1.0)["scale_invariant"],
        "a loss of 1e-6 at identity": answer(
            lambda x, y: (x - y).square().sum() + 1e-6, a, b, perm, tol=1e-3
        ),
    }


@audit_loss.check(points=1)
def what_cannot_be_audited_is_refused(answer, draw):
    """ValueError for shapes that differ, for what is no permutation, and for a loss that is no scalar."""
    a, b, perm = _pair(draw)
    twice = perm.clone()
    twice[0] = twice[1]
    return {
        "shapes that differ": outcome(answer, _content, a, b[:3], perm),
        "one axis missing": outcome(answer, _content, a[0], b[0], perm),
        "too short": outcome(answer, _content, a, b, perm[:-1]),
        "a position twice": outcome(answer, _content, a, b, twice),
        "a loss of shape (5,)": outcome(answer, lambda x, y: (x - y).square().mean((1, 2)), a, b, perm),
    }


def _refuse_audit(loss_fn, a, b, perm):
    count = a[0].numel()
    if a.ndim != 3 or a.shape != b.shape or sorted(perm.tolist()) != list(range(count)):
        raise ValueError("a, b, perm")
    if loss_fn(a, b).ndim:
        raise ValueError("loss_fn")


def _moved(f, perm):
    return f.flatten(1)[:, perm].reshape(f.shape)


def _audited(loss_fn, a, b, perm, tol, near=None, **changed):
    """The audit with one of its questions asked differently."""
    _refuse_audit(loss_fn, a, b, perm)
    base = float(loss_fn(a, b))
    near = near or (lambda value: abs(value - base) <= tol * max(1, abs(base)))
    answers = {
        "zero_at_identity": abs(float(loss_fn(a, a))) <= tol,
        "symmetric": near(float(loss_fn(b, a))),
        "layout_invariant": near(float(loss_fn(_moved(a, perm), b))),
        "scale_invariant": near(float(loss_fn(3 * a, 3 * b))),
        "shift_invariant": near(float(loss_fn(a + 1, b + 1))),
    }
    return answers | {name: near(float(value)) for name, value in changed.items()}


@audit_loss.misconception(
    "You moved the positions of both images, under which even a content loss stays; move those of a only."
)
def moves_both(loss_fn, a, b, perm, tol=1e-8):
    _refuse_audit(loss_fn, a, b, perm)
    return _audited(loss_fn, a, b, perm, tol, layout_invariant=loss_fn(_moved(a, perm), _moved(b, perm)))


@audit_loss.misconception(
    "You moved each channel by another permutation, which tears features apart; all channels share one."
)
def moves_channels_apart(loss_fn, a, b, perm, tol=1e-8):
    _refuse_audit(loss_fn, a, b, perm)
    torn = torch.stack([channel.flatten()[perm.roll(k)] for k, channel in enumerate(a)]).reshape(a.shape)
    return _audited(loss_fn, a, b, perm, tol, layout_invariant=loss_fn(torn, b))


@audit_loss.misconception(
    "You compared L(a, a) with L(b, b), which says nothing about exchange; compare L(a, b) with L(b, a)."
)
def compares_the_identities(loss_fn, a, b, perm, tol=1e-8):
    answers = _audited(loss_fn, a, b, perm, tol)
    gap = abs(float(loss_fn(a, a)) - float(loss_fn(b, b)))
    return answers | {"symmetric": gap <= tol}


@audit_loss.misconception(
    "You asked for exact equality, which rounding breaks; allow tol · max(1, |L(a, b)|)."
)
def asks_for_equality(loss_fn, a, b, perm, tol=1e-8):
    _refuse_audit(loss_fn, a, b, perm)
    base = float(loss_fn(a, b))
    return _audited(loss_fn, a, b, perm, tol, near=lambda value: value == base)


@audit_loss.misconception("You scaled a only; scale both by 3.")
def scales_one(loss_fn, a, b, perm, tol=1e-8):
    _refuse_audit(loss_fn, a, b, perm)
    return _audited(loss_fn, a, b, perm, tol, scale_invariant=loss_fn(3 * a, b))


@audit_loss.misconception("You shifted a only; add 1 to both.")
def shifts_one(loss_fn, a, b, perm, tol=1e-8):
    _refuse_audit(loss_fn, a, b, perm)
    return _audited(loss_fn, a, b, perm, tol, shift_invariant=loss_fn(a + 1, b))


@audit_loss.misconception("You returned 0-d tensors; return Python booleans.")
def returns_tensors(loss_fn, a, b, perm, tol=1e-8):
    return {name: torch.tensor(value) for name, value in _audited(loss_fn, a, b, perm, tol).items()}


@audit_loss.misconception(
    "You used an absolute tolerance only, which large losses break by rounding; multiply tol by max(1, |L(a, b)|)."
)
def tolerates_absolutely(loss_fn, a, b, perm, tol=1e-8):
    _refuse_audit(loss_fn, a, b, perm)
    base = float(loss_fn(a, b))
    return _audited(loss_fn, a, b, perm, tol, near=lambda value: abs(value - base) <= tol)


@audit_loss.accepts
def by_isclose(loss_fn, a, b, perm, tol=1e-8):
    if a.dim() != 3 or a.shape != b.shape or perm.numel() != a[0].numel():
        raise ValueError("a, b, perm")
    if not torch.equal(perm.sort()[0], torch.arange(len(perm))):
        raise ValueError("perm")
    with torch.no_grad():
        if loss_fn(a, b).dim() != 0:
            raise ValueError("loss_fn")
        value = loss_fn(a, b).item()
        moved = torch.index_select(a.reshape(a.shape[0], -1), 1, perm).view_as(a)

        def same(x, y):
            return math.isclose(loss_fn(x, y).item(), value, rel_tol=tol, abs_tol=tol)

        return {
            "shift_invariant": same(a + 1, b + 1),
            "scale_invariant": same(a * 3, b * 3),
            "layout_invariant": same(moved, b),
            "symmetric": same(b, a),
            "zero_at_identity": math.isclose(loss_fn(a, a).item(), 0, abs_tol=tol),
        }


@audit_loss.accepts
def by_torch_allclose(loss_fn, a, b, perm, tol=1e-8):
    _refuse_audit(loss_fn, a, b, perm)
    base = loss_fn(a, b)
    tries = {
        "symmetric": (b, a),
        "layout_invariant": (_moved(a, perm), b),
        "scale_invariant": (3 * a, 3 * b),
        "shift_invariant": (a + 1, b + 1),
    }
    found = {k: torch.allclose(loss_fn(*v), base, rtol=tol, atol=tol) for k, v in tries.items()}
    return {"zero_at_identity": bool(loss_fn(a, a).abs() <= tol), **found}


# --- 15.4 -----------------------------------------------------------------------------------------

weighted_total = exercise(
    "weighted_total",
    reference="nstkit.losses:weighted_total",
    level="easy",
    minutes=10,
    hints=[
        "The total is for the optimiser and keeps its graph; the report is for people, and should add up to it.",
        "Both mappings have the same keys or something was forgotten; every term is 0-d, also one that does not count.",
        "First check keys, shapes, signs; then total = Σ w·L over terms with w > 0, report[k] is a float of w·L or 0.",
    ],
)


def _terms(draw, dtype=torch.float64):
    """Three losses that depend on one tensor, and weights in another order."""
    x = draw.tensor(4, dtype=dtype).requires_grad_()
    losses = {"content": x.square().sum(), "style": (x[:2] * x[2:]).sum().cosh(), "tv": x.diff().abs().sum()}
    return x, losses, {"tv": 0.02, "content": 1.5, "style": 40.0}


@weighted_total.check(points=2)
def total_and_contributions(answer, draw):
    """The total, and what each term contributes to it."""
    _, losses, weights = _terms(draw)
    total, report = answer(losses, weights)
    types = sorted({type(value).__name__ for value in report.values()})
    return {"total": total, "report": report, "types": types}


@weighted_total.check(points=1)
def the_total_learns(answer, draw):
    """The gradient of the total is the weighted sum of gradients."""
    x, losses, weights = _terms(draw)
    total, _ = answer(losses, weights)
    if not isinstance(total, torch.Tensor) or not total.requires_grad:
        return "no gradient"
    return torch.autograd.grad(total, x)[0]


@weighted_total.check(points=1)
def a_weight_of_zero(answer, draw):
    """A term with weight 0 is left out even if it is infinite or NaN, and reported as 0.0."""
    x, losses, weights = _terms(draw)
    found = {}
    for name, broken in (("infinite", math.inf), ("NaN", math.nan)):
        total, report = answer(losses | {"tv": broken * x[0].abs()}, weights | {"tv": 0.0})
        found[name] = {
            "total": total,
            "report": report,
            "gradient": torch.autograd.grad(total, x, retain_graph=True),
        }
    return found


@weighted_total.check(points=1)
def single_precision_stays(answer, draw):
    """float32 stays float32; one term alone; weights that are whole numbers."""
    _, losses, weights = _terms(draw, torch.float32)
    return {"three": answer(losses, weights)[0], "one": answer({"tv": losses["tv"]}, {"tv": 3})[0]}


def _key_error(answer, losses, weights, key):
    """Whether a KeyError comes that names the key."""
    try:
        answer(losses, weights)
    except KeyError as error:
        return f"KeyError, names the key: {key in str(error)}"
    return "no error"


@weighted_total.check(points=1)
def keys_must_agree(answer, draw):
    """KeyError that names the key: a term without a weight, a weight without a term."""
    _, losses, weights = _terms(draw)
    fewer = {name: losses[name] for name in ("content", "tv")}
    return {
        "a term without a weight": _key_error(answer, losses, {"content": 1.0, "tv": 1.0}, "style"),
        "a weight without a term": _key_error(answer, fewer, weights, "style"),
        "a weight of zero without a term": _key_error(answer, fewer, weights | {"style": 0.0}, "style"),
    }


@weighted_total.check(points=1)
def what_cannot_be_summed_is_refused(answer, draw):
    """ValueError for a negative weight, no terms, and a term that is not 0-d, even with weight 0."""
    x, losses, weights = _terms(draw)
    return {
        "a negative weight": outcome(answer, losses, weights | {"tv": -1.0}),
        "no terms": outcome(answer, {}, {}),
        "a term of shape (4,)": outcome(answer, losses | {"tv": x}, weights),
        "a term of shape (1,) with weight 0": outcome(answer, losses | {"tv": x[:1]}, weights | {"tv": 0.0}),
    }


def _refuse_terms(terms, weights, same_keys=True):
    if not terms or any(term.ndim for term in terms.values()) or any(w < 0 for w in weights.values()):
        raise ValueError("terms, weights")
    if same_keys:
        for name in terms.keys() ^ weights.keys():
            raise KeyError(name)


def _parts(terms, weights):
    return {k: weights[k] * v for k, v in terms.items() if weights[k] != 0}


def _floats(terms, parts):
    return {k: float(parts[k].detach()) if k in parts else 0.0 for k in terms}


@weighted_total.misconception(
    "You took a missing weight for 1; every term needs a weight that somebody chose: raise KeyError."
)
def takes_one_for_missing(terms, weights):
    _refuse_terms(terms, weights, same_keys=False)
    parts = _parts(terms, {k: weights.get(k, 1.0) for k in terms})
    return sum(parts.values()), _floats(terms, parts)


@weighted_total.misconception(
    "You went through the weights only, so a term without one is dropped without a word; raise KeyError."
)
def drops_what_has_no_weight(terms, weights):
    _refuse_terms(terms, weights, same_keys=False)
    parts = _parts({k: terms[k] for k in weights}, weights)
    return sum(parts.values()), _floats({k: terms[k] for k in weights}, parts)


@weighted_total.misconception(
    "You went through the terms only, so a weight without a term is ignored; raise KeyError."
)
def ignores_spare_weights(terms, weights):
    _refuse_terms(terms, weights, same_keys=False)
    parts = _parts(terms, weights)
    return sum(parts.values()), _floats(terms, parts)


@weighted_total.misconception(
    "You summed numbers, which have no gradient; sum tensors and make floats for the report only."
)
def sums_numbers(terms, weights):
    _refuse_terms(terms, weights)
    parts = _parts(terms, weights)
    dtype = next(iter(terms.values())).dtype
    return torch.tensor(sum(float(v.detach()) for v in parts.values()), dtype=dtype), _floats(terms, parts)


@weighted_total.misconception(
    "You reported raw values, which do not add up to the total; report weight times term."
)
def reports_raw_values(terms, weights):
    _refuse_terms(terms, weights)
    raw = {k: float(v.detach()) if weights[k] else 0.0 for k, v in terms.items()}
    return sum(_parts(terms, weights).values()), raw


@weighted_total.misconception(
    "You multiplied an infinite term by 0, which is NaN; leave terms with weight 0 out."
)
def multiplies_infinity_by_zero(terms, weights):
    _refuse_terms(terms, weights)
    parts = {k: weights[k] * v for k, v in terms.items()}
    total = sum(parts.values())
    report = _floats(terms, parts)
    if any(math.isnan(value) for value in report.values()):
        raise ArithmeticError("NaN")  # NaN equals nothing, and the diagnosis needs something to recognise
    return total, report


@weighted_total.misconception(
    "You divided by the sum of the weights; doubling all weights doubles the total."
)
def normalises_the_weights(terms, weights):
    _refuse_terms(terms, weights)
    parts = _parts(terms, weights)
    return sum(parts.values()) / sum(weights.values()), _floats(terms, parts)


@weighted_total.misconception("You left tensors in the report; make each entry a Python float.")
def reports_tensors(terms, weights):
    _refuse_terms(terms, weights)
    parts = _parts(terms, weights)
    report = {k: parts[k].detach() if k in parts else torch.zeros_like(v) for k, v in terms.items()}
    return sum(parts.values()), report


@weighted_total.accepts
def by_stack(terms, weights):
    if not terms:
        raise ValueError("terms")
    for key in set(terms) | set(weights):
        if key not in terms or key not in weights:
            raise KeyError(f"{key} is missing on one side")
        if terms[key].dim() != 0 or weights[key] < 0:
            raise ValueError(key)
    live = [key for key in terms if weights[key] > 0]
    total = torch.stack([terms[key] * weights[key] for key in live]).sum()
    return total, {key: (terms[key] * weights[key]).item() if key in live else 0.0 for key in terms}


@weighted_total.accepts
def by_a_plain_loop(terms, weights):
    _refuse_terms(terms, weights)
    total, report = 0.0, {}
    for name in sorted(terms):
        report[name] = 0.0
        if weights[name]:
            part = terms[name] * weights[name]
            total = total + part
            report[name] = part.item()
    return total, report


# --- 15.5 -----------------------------------------------------------------------------------------

sliced_wasserstein_loss = exercise(
    "sliced_wasserstein_loss",
    reference="nstkit.losses:sliced_wasserstein_loss",
    level="medium",
    minutes=20,
    hints=[
        "On a line the cheapest way to move one set of points onto another pairs the smallest with the smallest.",
        "Directions (K, C) times features (B, C, N) gives (B, K, N); sort the last axis.",
        "If y has N′ values, read its sorted list at (i + 0.5)/N·N′ − 0.5, clamped, between two neighbours.",
    ],
)


def _directions(draw, count, channels, dtype=torch.float64):
    """Directions of very different length."""
    lengths = np.exp(draw.rng.normal(size=(count, 1)))
    return draw.watch(
        torch.from_numpy(lengths * draw.rng.normal(size=(count, channels))).to(dtype), "directions"
    )


@sliced_wasserstein_loss.check(points=2)
def two_pairs_of_one_size(answer, draw):
    """Two pairs of equal size, six directions that are no unit vectors."""
    return answer(draw.tensor(2, 5, 4, 7), draw.features(2, 5, 7, 4), _directions(draw, 6, 5))


@sliced_wasserstein_loss.check(points=2)
def sets_of_other_size(answer, draw):
    """y with fewer positions, with more, and with a single one."""
    x, directions = draw.tensor(2, 4, 5, 6), _directions(draw, 3, 4)
    sizes = {"fewer": (3, 4), "more": (8, 7), "one": (1, 1)}
    return {name: answer(x, draw.tensor(2, 4, *size), directions) for name, size in sizes.items()}


@sliced_wasserstein_loss.check(points=1, atol=1e-9)
def on_a_line(answer, draw):
    """One channel: the squared distance of sorted values; zero for a shuffle."""
    x, y = draw.tensor(3, 1, 4, 5), draw.tensor(3, 1, 5, 4)
    moved = y.flatten(2)[:, :, draw.permutation(20)].reshape(3, 1, 4, 5)
    minus = draw.watch(torch.tensor([[-2.0]], dtype=torch.float64), "directions")
    return {"distance": answer(x, y, minus), "a shuffle": answer(moved, y, minus)}


@sliced_wasserstein_loss.check(points=1)
def single_precision_and_gaps(answer, draw):
    """float32 stays float32, and inputs need not be contiguous."""
    single = {"dtype": torch.float32}
    return {
        "float32": answer(
            draw.tensor(2, 3, 5, 4, **single),
            draw.tensor(2, 3, 4, 4, **single),
            _directions(draw, 5, 3, torch.float32),
        ),
        "strided": answer(
            draw.tensor(2, 4, 3, 5, strided=True),
            draw.tensor(2, 4, 5, 3, strided=True),
            _directions(draw, 4, 4),
        ),
    }


@sliced_wasserstein_loss.check(points=1)
def only_x_learns(answer, draw):
    """The gradient reaches x, and never y."""
    y, directions = draw.tensor(2, 3, 3, 4).requires_grad_(), _directions(draw, 4, 3)
    found = gradient(lambda x: answer(x, y, directions), draw.tensor(2, 3, 4, 5))
    answer(draw.tensor(2, 3, 4, 3).requires_grad_(), y, directions).backward()
    return {"gradient": found, "y stays without a gradient": y.grad is None}


@sliced_wasserstein_loss.check(points=1)
def directions_are_checked(answer, draw):
    """ValueError for another B or C, directions of another width, and a direction of length zero."""
    x, y, directions = draw.tensor(2, 4, 5, 6), draw.tensor(2, 4, 5, 6), _directions(draw, 3, 4)
    zero = directions.clone()
    zero[1] = 0
    return {
        "another C": outcome(answer, x, draw.tensor(2, 3, 5, 6), directions),
        "one y for two x": outcome(answer, x, draw.tensor(1, 4, 5, 6), directions),
        "directions of width 5": outcome(answer, x, y, _directions(draw, 3, 5)),
        "a zero direction": outcome(answer, x, y, zero),
    }


def _refuse_directions(x, y, directions):
    if x.shape[:2] != y.shape[:2] or directions.shape[1] != x.shape[1] or (directions.norm(dim=1) == 0).any():
        raise ValueError("x, y, directions")


def _at_quantiles(ranked, count):
    """Sorted values (…, N′) at `count` quantiles."""
    return nn.functional.interpolate(ranked, size=count, mode="linear", align_corners=False)


def _unit(directions):
    return directions / directions.norm(dim=1, keepdim=True)


def _ranked(features, directions):
    return (directions @ features.flatten(2)).sort(-1).values


def _sliced(x, y, directions, *, ranked=_ranked, unit=_unit, at=_at_quantiles, gap=torch.square):
    _refuse_directions(x, y, directions)
    d = unit(directions)
    a, b = ranked(x, d), ranked(y.detach(), d)
    return gap(a - at(b, a.shape[-1])).mean()


@sliced_wasserstein_loss.misconception(
    "You compared projections position by position; sort each projection, so that places do not matter."
)
def does_not_sort(x, y, directions):
    return _sliced(x, y, directions, ranked=lambda f, d: d @ f.flatten(2))


@sliced_wasserstein_loss.misconception(
    "You sorted the channels before projecting, which compares histograms of channels; project first, then sort."
)
def sorts_before_projecting(x, y, directions):
    return _sliced(x, y, directions, ranked=lambda f, d: d @ f.flatten(2).sort(-1).values)


@sliced_wasserstein_loss.misconception(
    "You used the directions with their own lengths; divide each by its norm."
)
def keeps_the_lengths(x, y, directions):
    return _sliced(x, y, directions, unit=lambda d: d)


@sliced_wasserstein_loss.misconception(
    "You took absolute differences; square them, for the Wasserstein distance of order 2."
)
def takes_absolute_differences(x, y, directions):
    return _sliced(x, y, directions, gap=torch.abs)


@sliced_wasserstein_loss.misconception(
    "You sorted the positions of all images together; each image has a sorted list of its own."
)
def sorts_the_batch_together(x, y, directions):
    _refuse_directions(x, y, directions)
    together = (f.transpose(0, 1).flatten(1)[None, :, :, None] for f in (x, y))
    return _sliced(*together, directions)


@sliced_wasserstein_loss.misconception("You summed over the directions; average over them.")
def sums_over_directions(x, y, directions):
    return _sliced(x, y, directions) * len(directions)


@sliced_wasserstein_loss.misconception(
    "You stretched y's sorted list from end to end; read it at the quantiles (i + ½)/N, in the middle of each share."
)
def stretches_end_to_end(x, y, directions):
    def corners(ranked, count):
        return nn.functional.interpolate(ranked, size=count, mode="linear", align_corners=True)

    return _sliced(x, y, directions, at=corners)


@sliced_wasserstein_loss.misconception(
    "You took the nearest value of y's list; interpolate linearly between its neighbours."
)
def takes_the_nearest(x, y, directions):
    def nearest(ranked, count):
        return nn.functional.interpolate(ranked, size=count, mode="nearest-exact")

    return _sliced(x, y, directions, at=nearest)


@sliced_wasserstein_loss.misconception("You let the gradient into y; detach it: it is the target.")
def teaches_the_target(x, y, directions):
    _refuse_directions(x, y, directions)
    d = _unit(directions)
    a = _ranked(x, d)
    return (a - _at_quantiles(_ranked(y, d), a.shape[-1])).square().mean()


@sliced_wasserstein_loss.accepts
def by_einsum_and_gather(x, y, directions):
    _refuse_directions(x, y, directions)
    d = nn.functional.normalize(directions, dim=1)

    def listed(f):
        values = torch.einsum("kc,bchw->bkhw", d, f).reshape(f.shape[0], d.shape[0], -1)
        return values.gather(-1, values.argsort(-1))

    p, q = listed(x), listed(y).detach()
    n, m = p.shape[-1], q.shape[-1]
    places = ((torch.arange(n, dtype=x.dtype) + 0.5) * m / n - 0.5).clamp(0, m - 1)
    low = places.floor().long()
    high = (low + 1).clamp(max=m - 1)
    share = places - low
    return nn.functional.mse_loss(p, q[..., low] * (1 - share) + q[..., high] * share)


@sliced_wasserstein_loss.accepts
def by_a_convolution(x, y, directions):
    return _sliced(
        x,
        y,
        directions,
        ranked=lambda f, d: torch.sort(nn.functional.conv2d(f, d[:, :, None, None]).flatten(2), dim=2)[0],
    )
