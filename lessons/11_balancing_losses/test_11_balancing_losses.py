"""Lesson 11, balancing losses: uncertainty weighting, balancing by gradients, schedules of a weight."""

import math

import numpy as np
import torch

from nstkit.grading import exercise, gradient, outcome

# --- 11.1 -----------------------------------------------------------------------------------------

uncertainty_weighted_loss = exercise(
    "uncertainty_weighted_loss",
    reference="nstkit.losses:uncertainty_weighted_loss",
    level="medium",
    minutes=15,
    hints=[
        "It is the negative logarithm of a Gaussian with a learned variance: large errors are allowed, at a price.",
        "K losses, each 0-d, stack to (K,); so do the weights ½·exp(−s), and the prices ½·s.",
        "Half of the sum of exp(−log_vars)·losses + log_vars, with nothing detached; check the shapes first.",
    ],
)


def _losses(draw, count, dtype=torch.float64):
    """Losses of different sizes, a tenth to ten."""
    return [
        draw.watch(torch.tensor(10.0 ** draw.rng.uniform(-1, 1), dtype=dtype), "losses") for _ in range(count)
    ]


@uncertainty_weighted_loss.check(points=2)
def three_losses(answer, draw):
    """Three losses of different size, and one alone."""
    return {
        "three": answer(_losses(draw, 3), draw.tensor(3)),
        "one": answer(_losses(draw, 1), draw.tensor(1)),
        "a tuple": answer(tuple(_losses(draw, 4)), draw.tensor(4)),
    }


@uncertainty_weighted_loss.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and log_vars need not be contiguous."""
    return {
        "float32": answer(_losses(draw, 3, torch.float32), draw.tensor(3, dtype=torch.float32)),
        "not contiguous": answer(_losses(draw, 4), draw.tensor(4, 2)[:, 1]),
    }


@uncertainty_weighted_loss.check(points=2)
def both_learn(answer, draw):
    """The gradient reaches the losses and the log-variances."""
    return gradient(lambda s, *losses: answer(losses, s), draw.tensor(3), *_losses(draw, 3))


@uncertainty_weighted_loss.check(points=1, atol=1e-9)
def at_the_best_log_variance(answer, draw):
    """At s = ln L the slope is zero and ½ Σ (1 + ln L) is left."""
    losses = _losses(draw, 3)
    best = draw.watch(torch.stack(losses).log(), "log_vars").requires_grad_()
    total = answer(losses, best)
    if not total.requires_grad:
        return "no gradient"
    (slope,) = torch.autograd.grad(total, best)
    return {"total": total, "slope": slope}


@uncertainty_weighted_loss.check(points=1)
def what_does_not_fit_is_refused(answer, draw):
    """ValueError for no losses, another number of log-variances, and a loss that is no scalar."""
    losses = _losses(draw, 3)
    return {
        "no losses": outcome(answer, [], torch.zeros(0, dtype=torch.float64)),
        "two log-variances for three losses": outcome(answer, losses, draw.tensor(2)),
        "one log-variance for three losses": outcome(answer, losses, draw.tensor(1)),
        "a loss of shape (3,)": outcome(answer, [losses[0], draw.tensor(3)], draw.tensor(2)),
        "a loss of shape (1,)": outcome(answer, [draw.tensor(1)], draw.tensor(1)),
    }


def _weighed(losses, log_vars, precision=lambda s: torch.exp(-s), price=0.5, half=0.5):
    """The loss with one thing changed: how s becomes a weight, what it costs, or the ½."""
    if not len(losses) or log_vars.shape != (len(losses),) or any(loss.ndim for loss in losses):
        raise ValueError("losses, log_vars")
    return (half * precision(log_vars) * torch.stack(list(losses)) + price * log_vars).sum()


@uncertainty_weighted_loss.misconception(
    "You weighted by exp(+s), so that an uncertain loss counts more; a larger variance must lower the weight: exp(−s)."
)
def raises_the_weight(losses, log_vars):
    return _weighed(losses, log_vars, torch.exp)


@uncertainty_weighted_loss.misconception(
    "You left the ½·s out, so s grows without end and all weights vanish; add the price of uncertainty."
)
def forgets_the_price(losses, log_vars):
    return _weighed(losses, log_vars, price=0.0)


@uncertainty_weighted_loss.misconception(
    "You took s for ln σ and used exp(−2s); s is the logarithm of the variance, so the weight is ½·exp(−s)."
)
def takes_s_for_the_log_of_sigma(losses, log_vars):
    return _weighed(losses, log_vars, lambda s: torch.exp(-2 * s))


@uncertainty_weighted_loss.misconception(
    "You charged a whole s, which moves the minimum to ln(L/2); the price is ½·s."
)
def charges_double(losses, log_vars):
    return _weighed(losses, log_vars, price=1.0)


@uncertainty_weighted_loss.misconception(
    "You charged and weighted without the ½, which doubles everything; both terms carry it."
)
def forgets_both_halves(losses, log_vars):
    return _weighed(losses, log_vars, price=1.0, half=1.0)


@uncertainty_weighted_loss.misconception(
    "You detached the log-variances, so they never learn; keep them in the graph."
)
def detaches_the_log_variances(losses, log_vars):
    return _weighed(losses, log_vars.detach())


@uncertainty_weighted_loss.misconception(
    "You detached the losses, so nothing but the weights learns; keep the losses in the graph."
)
def detaches_the_losses(losses, log_vars):
    return _weighed([loss.detach() for loss in losses], log_vars)


@uncertainty_weighted_loss.misconception(
    "You divided by s itself; s is a logarithm, so the weight is ½·exp(−s)."
)
def divides_by_s(losses, log_vars):
    return _weighed(losses, log_vars, lambda s: 1 / s)


@uncertainty_weighted_loss.misconception("You averaged over the losses; the formula is a sum.")
def averages_the_losses(losses, log_vars):
    return _weighed(losses, log_vars) / len(losses)


@uncertainty_weighted_loss.accepts
def by_a_loop(losses, log_vars):
    if len(losses) == 0 or log_vars.shape != (len(losses),):
        raise ValueError("log_vars")
    total = torch.zeros_like(log_vars[0])
    for loss, s in zip(losses, log_vars, strict=True):
        if loss.dim() != 0:
            raise ValueError("losses")
        total = total + 0.5 * loss * torch.exp(-s) + s / 2
    return total


@uncertainty_weighted_loss.accepts
def by_dot(losses, log_vars):
    if not losses or any(loss.ndim for loss in losses) or log_vars.shape != (len(losses),):
        raise ValueError("losses, log_vars")
    return torch.dot(1 / (2 * log_vars.exp()), torch.stack(tuple(losses))) + log_vars.sum() / 2


# --- 11.2 -----------------------------------------------------------------------------------------

gradient_balanced_weight = exercise(
    "gradient_balanced_weight",
    reference="nstkit.training:gradient_balanced_weight",
    level="medium",
    minutes=25,
    hints=[
        "What moves the picture is the gradient at the pixels; the values of the losses never enter a step.",
        "Two gradients of the image's shape become two numbers, their Euclidean norms, and these a Python float.",
        "torch.autograd.grad(loss, image, retain_graph=True)[0] twice; then ratio·‖∇L_c‖/(‖∇L_s‖ + eps) as a float.",
    ],
)


def _two_terms(draw, dtype=torch.float64):
    """An image and two losses of it that share a part of their graph; a fresh graph at every call."""
    start, content_target = draw.image(2, 5, 7, dtype=dtype), draw.image(2, 5, 7, dtype=dtype)
    style_target = draw.tensor(2, 3, 3, dtype=dtype)

    def build(strength=40):
        image = draw.watch(start.clone(), "image").requires_grad_()
        shared = torch.sin(2 * image) + 0.3 * image.roll(1, 3)
        gram = shared.flatten(2) @ shared.flatten(2).mT
        return (
            (shared - content_target).square().sum(),
            strength * (gram - style_target).square().sum(),
            image,
        )

    return build


@gradient_balanced_weight.check(points=2)
def norms_in_a_ratio(answer, draw):
    """The weight for the ratio 1, and for others."""
    build = _two_terms(draw)
    return [answer(*build()), answer(*build(), 0.2), answer(*build(), ratio=30.0)]


@gradient_balanced_weight.check(points=1)
def a_plain_float(answer, draw):
    """A Python float, also for float32; a stronger style gets a smaller weight."""
    build = _two_terms(draw, torch.float32)
    weight = answer(*build())
    quotient = answer(*build(320)) / weight
    return {"type": type(weight).__name__, "eight times the style": round(float(quotient), 4)}


@gradient_balanced_weight.check(points=2)
def the_caller_goes_on(answer, draw):
    """.grad stays empty, and both graphs can be used afterwards."""
    content, style, image = _two_terms(draw)()
    weight = answer(content, style, image)
    untouched = image.grad is None
    (found,) = torch.autograd.grad(content + weight * style, image)
    return {"untouched": untouched, "gradient of the total": found}


@gradient_balanced_weight.check(points=1)
def a_style_without_a_gradient(answer, draw):
    """eps keeps the weight finite where the style's gradient vanishes."""
    build = _two_terms(draw)
    content, _, image = build()
    other, _, same = build()
    return {
        "eps = 0.5": answer(content, (0.0 * image).sum(), image, eps=0.5),
        "eps = 2": answer(other, (0.0 * same).sum(), same, 3.0, 2.0),
    }


@gradient_balanced_weight.check(points=1)
def an_image_inside_a_graph(answer, draw):
    """The image may itself be computed from something else; only its own gradient counts."""
    raw = draw.tensor(2, 3, 4, 5).requires_grad_()
    image = torch.sigmoid(raw)
    weight = answer((image - 0.2).square().sum(), 7 * image.pow(3).sum(), image)
    return {"weight": weight, "raw.grad stays empty": raw.grad is None}


@gradient_balanced_weight.check(points=1)
def what_cannot_be_balanced_is_refused(answer, draw):
    """ValueError for a ratio that is not positive, and for an image that does not require a gradient."""
    content, style, image = _two_terms(draw)()
    return {
        "ratio = 0": outcome(answer, content, style, image, 0.0),
        "ratio = -1": outcome(answer, content, style, image, -1.0),
        "no gradient": outcome(answer, content, style, image.detach()),
    }


def _balanced(content_loss, style_loss, image, ratio, eps, norm=torch.linalg.vector_norm, keep=True):
    if ratio <= 0 or not image.requires_grad:
        raise ValueError("ratio, image")
    (c,) = torch.autograd.grad(content_loss, image, retain_graph=keep)
    (s,) = torch.autograd.grad(style_loss, image, retain_graph=keep)
    return float(ratio * norm(c) / (norm(s) + eps))


@gradient_balanced_weight.misconception(
    "You divided the values of the losses; divide the norms of their gradients, since these move the pixels."
)
def divides_the_values(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    if ratio <= 0 or not image.requires_grad:
        raise ValueError("ratio, image")
    return float(ratio * content_loss.detach() / (style_loss.detach() + eps))


@gradient_balanced_weight.misconception(
    "You took the quotient the wrong way round, which drives the norms further apart; a strong style gradient needs a "
    "small weight."
)
def inverts_the_quotient(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    return ratio * _balanced(style_loss, content_loss, image, 1.0 if ratio > 0 else ratio, eps)


@gradient_balanced_weight.misconception(
    "You called backward(), which fills image.grad; use torch.autograd.grad and leave .grad to the optimiser."
)
def calls_backward(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    if ratio <= 0 or not image.requires_grad:
        raise ValueError("ratio, image")
    image.retain_grad()
    content_loss.backward(retain_graph=True)
    content = image.grad.clone()
    image.grad = None
    style_loss.backward(retain_graph=True)
    return float(ratio * content.norm() / (image.grad.norm() + eps))


@gradient_balanced_weight.misconception(
    "You let the graph go with the first gradient; pass retain_graph=True, since the caller still needs it."
)
def lets_the_graph_go(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    return _balanced(content_loss, style_loss, image, ratio, eps, keep=False)


@gradient_balanced_weight.misconception(
    "You freed the style's graph with the second gradient; retain it too, since the caller still needs it."
)
def frees_the_second_graph(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    if ratio <= 0 or not image.requires_grad:
        raise ValueError("ratio, image")
    (c,) = torch.autograd.grad(content_loss, image, retain_graph=True)
    (s,) = torch.autograd.grad(style_loss, image)
    return float(ratio * c.norm() / (s.norm() + eps))


@gradient_balanced_weight.misconception(
    "You returned a tensor that still hangs in the graph; return a plain float: the weight is a constant."
)
def keeps_the_weight_in_the_graph(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    if ratio <= 0 or not image.requires_grad:
        raise ValueError("ratio, image")
    (c,) = torch.autograd.grad(content_loss, image, create_graph=True)
    (s,) = torch.autograd.grad(style_loss, image, create_graph=True)
    return ratio * c.norm() / (s.norm() + eps)


@gradient_balanced_weight.misconception("You took L1 norms; take Euclidean norms over all pixels.")
def takes_l1_norms(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    return _balanced(content_loss, style_loss, image, ratio, eps, lambda g: g.abs().sum())


@gradient_balanced_weight.misconception(
    "You squared the norms, which squares the weight; divide the norms themselves."
)
def squares_the_norms(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    return _balanced(content_loss, style_loss, image, ratio, eps, lambda g: g.square().sum())


@gradient_balanced_weight.misconception("You left the ratio out; it multiplies the quotient of the norms.")
def forgets_the_ratio(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    return _balanced(content_loss, style_loss, image, 1.0 if ratio > 0 else ratio, eps)


@gradient_balanced_weight.accepts
def by_root_mean_square(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    if ratio <= 0 or not image.requires_grad:
        raise ValueError("ratio, image")
    c, s = (
        torch.autograd.grad(loss, [image], retain_graph=True)[0].double()
        for loss in (content_loss, style_loss)
    )
    return (ratio * c.square().mean().sqrt() / (s.square().mean().sqrt() + eps / s.numel() ** 0.5)).item()


@gradient_balanced_weight.accepts
def by_numpy(content_loss, style_loss, image, ratio=1.0, eps=1e-12):
    if not (ratio > 0 and image.requires_grad):
        raise ValueError("ratio, image")
    c = torch.autograd.grad(content_loss, image, retain_graph=True)[0].numpy()
    s = torch.autograd.grad(style_loss, image, retain_graph=True)[0].numpy()
    return float(ratio * np.linalg.norm(c.ravel()) / (np.linalg.norm(s.ravel()) + eps))


# --- 11.3 -----------------------------------------------------------------------------------------

weight_schedule = exercise(
    "weight_schedule",
    reference="nstkit.training:weight_schedule",
    level="easy",
    minutes=10,
    hints=[
        "First turn the step into a share of the way, 0 at the first and 1 at the last step; then blend.",
        "With n steps the last one has number n − 1, and later steps stay at the end.",
        "start·(end/start)**t, start + t·(end − start), or end + ½(start − end)(1 + cos πt), with t clipped to [0, 1].",
    ],
)

MODES = ("geometric", "linear", "cosine")


@weight_schedule.check(points=2)
def from_start_to_end(answer, draw):
    """Every step of a rise over decades, geometric unless told otherwise."""
    start, end = draw.number(0.01, 0.1), draw.number(100, 1000)
    return {
        "default": [answer(step, 7, start, end) for step in range(7)],
        "geometric": answer(2, 5, start, end, mode="geometric"),
        "linear": [answer(step, 6, start, end, "linear") for step in range(6)],
        "cosine": [answer(step, 9, start, end, "cosine") for step in range(9)],
    }


@weight_schedule.check(points=1)
def falling_too(answer, draw):
    """From a large weight down to a small one."""
    start, end = draw.number(1e3, 1e4), draw.number(0.1, 1.0)
    return {mode: [answer(step, 5, start, end, mode) for step in range(5)] for mode in MODES}


@weight_schedule.check(points=1)
def after_the_end(answer, draw):
    """After the last step the end is held; a run of one step gets the start."""
    start, end = draw.number(0.1, 0.2), draw.number(20, 30)
    return {
        "after the end": {mode: [answer(step, 4, start, end, mode) for step in (3, 4, 9)] for mode in MODES},
        "one step": {mode: answer(0, 1, start, end, mode) for mode in MODES},
    }


@weight_schedule.check(points=1)
def floats_and_signs(answer, draw):
    """Python floats, also from whole numbers; zero and negative weights where no logarithm is taken."""
    low = -draw.number()
    return {
        "types": [type(answer(1, 4, 1, 8, mode)).__name__ for mode in MODES],
        "linear from 0": answer(1, 4, 0.0, 9.0, "linear"),
        "cosine from below 0": answer(1, 4, low, 1.0, "cosine"),
    }


@weight_schedule.check(points=1)
def what_makes_no_sense_is_refused(answer, draw):
    """ValueError for no steps, a negative step, another mode, and geometric weights that are not positive."""
    return {
        "total = 0": outcome(answer, 0, 0, 1.0, 2.0, "linear"),
        "step = -1": outcome(answer, -1, 5, 1.0, 2.0),
        "another mode": outcome(answer, 1, 5, 1.0, 2.0, "log"),
        "geometric from 0": outcome(answer, 1, 5, 0.0, 2.0),
        "geometric to a negative weight": outcome(answer, 1, 5, 1.0, -2.0),
    }


def _refuse_schedule(step, total, start, end, mode):
    if total < 1 or step < 0 or mode not in MODES:
        raise ValueError("step, total, mode")
    if mode == "geometric" and (start <= 0 or end <= 0):
        raise ValueError("start, end")


def _blend(t, start, end, mode):
    if mode == "geometric":
        return float(start * (end / start) ** t)
    if mode == "linear":
        return float(start + t * (end - start))
    return float(end + 0.5 * (start - end) * (1 + math.cos(math.pi * t)))


def _share(step, total):
    return min(step / (total - 1), 1.0) if total > 1 else 0.0


@weight_schedule.misconception(
    "You divided by the number of steps, so the end is never reached; divide by total − 1."
)
def never_arrives(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    return _blend(min(step / total, 1.0), start, end, mode)


@weight_schedule.misconception(
    "You went in equal differences where geometric was asked for; weights that span decades go in equal factors."
)
def always_linear(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    return _blend(_share(step, total), start, end, "linear" if mode == "geometric" else mode)


@weight_schedule.misconception(
    "You ran the cosine backwards, from end to start; at step 0 the weight is start."
)
def runs_the_cosine_backwards(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    if mode == "cosine":
        start, end = end, start
    return _blend(_share(step, total), start, end, mode)


@weight_schedule.misconception(
    "You went on past the last step, so the weight overshoots; clip the share to 1 and hold the end."
)
def overshoots(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    return _blend(step / (total - 1) if total > 1 else 0.0, start, end, mode)


@weight_schedule.misconception("You took natural logarithms and powers of ten; use one base for both.")
def mixes_the_bases(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    t = _share(step, total)
    if mode == "geometric":
        return float(start * 10 ** (t * math.log(end / start)))
    return _blend(t, start, end, mode)


@weight_schedule.misconception("You divided by zero for a run of one step; a single step gets the start.")
def divides_by_zero_for_one_step(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    return _blend(min(step / (total - 1), 1.0), start, end, mode)


@weight_schedule.misconception(
    "You used the whole period of the cosine, which comes back to the start; use half of it, cos πt."
)
def uses_a_whole_period(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    t = _share(step, total)
    return _blend(2 * t if mode == "cosine" else t, start, end, mode)


@weight_schedule.accepts
def by_logarithms(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    t = max(0.0, min(1.0, step / max(total - 1, 1)))
    if mode == "geometric":
        return math.exp(math.log(start) + t * (math.log(end) - math.log(start)))
    if mode == "cosine":
        t = 0.5 * (1 - math.cos(math.pi * t))
    return (1.0 - t) * start + t * end


@weight_schedule.accepts
def by_numpy_sequences(step, total, start, end, mode="geometric"):
    _refuse_schedule(step, total, start, end, mode)
    if total == 1:
        return float(start)
    step = min(step, total - 1)
    if mode == "geometric":
        return float(np.geomspace(start, end, total)[step])
    if mode == "linear":
        return float(np.linspace(start, end, total)[step])
    return float((end + 0.5 * (start - end) * (1 + np.cos(np.linspace(0, np.pi, total))))[step])
