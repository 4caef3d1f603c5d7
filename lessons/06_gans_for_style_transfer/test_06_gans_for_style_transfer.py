"""Lesson 06, GANs: the value of the game, the log losses from logits, and a generator that keeps the content."""

import math

import numpy as np
import torch
from torch.nn import functional as nnf

from nstkit.grading import exercise, gradient, outcome

# --- 6.1 ------------------------------------------------------------------------------------------

gan_value_at_optimum = exercise(
    "gan_value_at_optimum",
    reference="nstkit.theory:gan_value_at_optimum",
    level="medium",
    minutes=20,
    hints=[
        "At every point the discriminator solves its own small problem: which share of what lands here is real?",
        "D* has the shape of p, (K,), every entry in [0, 1]; V is one number, a sum of two expectations.",
        "Divide p by p + q only where the sum is positive, and leave terms with weight 0 out of both sums.",
    ],
)


def _distribution(draw, k, *, zeros=()):
    values = draw.rng.uniform(0.2, 2.0, size=k)
    values[list(zeros)] = 0.0
    return draw.watch(values / values.sum(), "distribution")


def _told(result):
    """The answer's two results; what is not finite becomes text, so that NaN can be recognised too."""
    best, value = result
    finite = bool(np.isfinite(best).all())
    return {
        "D*": best if finite else "not finite",
        "V": value if math.isfinite(value) else f"{float(value)}",
    }


@gan_value_at_optimum.check(points=2)
def two_overlapping_distributions(answer, draw):
    """Six outcomes, all with some probability in both."""
    return _told(answer(_distribution(draw, 6), _distribution(draw, 6)))


@gan_value_at_optimum.check(points=1)
def the_best_discriminator(answer, draw):
    """D* alone, also where one of the two is 0."""
    return answer(_distribution(draw, 7, zeros=[1, 2]), _distribution(draw, 7, zeros=[4]))[0]


@gan_value_at_optimum.check(points=1, atol=1e-9)
def equal_distributions(answer, draw):
    """p = q, the generator's goal; outcomes with probability 0 in both have D* = ½."""
    p = _distribution(draw, 6, zeros=[0, 3])
    return _told(answer(p, p.copy()))


@gan_value_at_optimum.check(points=1, atol=1e-9)
def disjoint_supports(answer, draw):
    """No outcome is shared: 0 · ln 0 counts as 0."""
    p, q = _distribution(draw, 7, zeros=[1, 2, 6]), _distribution(draw, 7, zeros=[0, 3, 4, 5])
    return _told(answer(p, q))


@gan_value_at_optimum.check(points=1)
def what_is_no_distribution_is_refused(answer, draw):
    """ValueError for different shapes, a negative entry, and sums other than 1."""
    p, q = _distribution(draw, 5), _distribution(draw, 5)
    negative = q - np.array([q[0] + 0.1, -q[0] - 0.1, 0, 0, 0])
    return {
        "different shapes": outcome(answer, p, _distribution(draw, 6)),
        "a negative entry in p_gen": outcome(answer, p, negative),
        "a negative entry in p_data": outcome(answer, negative, q),
        "p_data sums to 1.001": outcome(answer, p * 1.001, q),
        "p_gen sums to 0.999": outcome(answer, p, q * 0.999),
    }


def _refuse_distributions(p, q):
    for values in (p, q):
        if (values < 0).any() or abs(values.sum() - 1) > 1e-8:
            raise ValueError("p_data, p_gen")
    if p.shape != q.shape:
        raise ValueError("p_gen")


def _share(p, q):
    with np.errstate(all="ignore"):
        return np.where(p + q > 0, p / (p + q), 0.5)


def _sum_of_logs(weights, values, log=np.log):
    with np.errstate(all="ignore"):
        return float(np.where(weights > 0, weights * log(values), 0.0).sum())


@gan_value_at_optimum.misconception("You divided p by q; D* is p/(p+q), a probability.")
def divides_by_the_other(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    with np.errstate(all="ignore"):
        best = p_data / p_gen
        value = np.sum(p_data * np.log(best)) + np.sum(p_gen * np.log(1 - best))
    return best, float(value)


@gan_value_at_optimum.misconception(
    "You put the generator's probability on top; D is the probability of *real*: p belongs in the numerator."
)
def exchanges_real_and_fake(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best = _share(p_gen, p_data)
    return best, _sum_of_logs(p_data, best) + _sum_of_logs(p_gen, 1 - best)


@gan_value_at_optimum.misconception("You took logarithms of base 2; use natural ones: the constant is ln 4.")
def counts_in_bits(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best = _share(p_data, p_gen)
    return best, _sum_of_logs(p_data, best, np.log2) + _sum_of_logs(p_gen, 1 - best, np.log2)


@gan_value_at_optimum.misconception("You multiplied 0 by ln 0, which is NaN; treat 0 · ln 0 as 0.")
def multiplies_zero_by_infinity(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best = _share(p_data, p_gen)
    with np.errstate(all="ignore"):
        return best, float(np.sum(p_data * np.log(best)) + np.sum(p_gen * np.log(1 - best)))


@gan_value_at_optimum.misconception(
    "You returned the divergence; the value of the game is 2·JSD − ln 4, the sum of both expectations."
)
def returns_the_divergence(p_data, p_gen):
    best, value = by_a_mask(p_data, p_gen)
    return best, (value + math.log(4)) / 2


@gan_value_at_optimum.misconception(
    "You averaged over the outcomes; an expectation weighs each one by its probability."
)
def averages_over_outcomes(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best = _share(p_data, p_gen)
    return best, float(
        _sum_of_logs((p_data > 0) / len(best), best) + _sum_of_logs((p_gen > 0) / len(best), 1 - best)
    )


@gan_value_at_optimum.misconception("You left the fakes' term out; add Σ q ln(1 − D*).")
def counts_only_the_real(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best = _share(p_data, p_gen)
    return best, _sum_of_logs(p_data, best)


@gan_value_at_optimum.accepts
def by_a_mask(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best = _share(p_data, p_gen)
    return best, _sum_of_logs(p_data, best) + _sum_of_logs(p_gen, 1 - best)


@gan_value_at_optimum.accepts
def outcome_by_outcome(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best, value = [], 0.0
    for p, q in zip(p_data.tolist(), p_gen.tolist(), strict=True):
        best.append(p / (p + q) if p + q else 0.5)
        value += p * math.log(best[-1]) if p else 0.0
        value += q * math.log(q / (p + q)) if q else 0.0
    return np.array(best), value


@gan_value_at_optimum.accepts
def with_a_tiny_floor_in_the_logarithm(p_data, p_gen):
    _refuse_distributions(p_data, p_gen)
    best = np.full(p_data.shape, 0.5)
    np.divide(p_data, p_data + p_gen, out=best, where=p_data + p_gen > 0)
    floor = 1e-300
    return best, (p_data * np.log(best + floor)).sum() + (p_gen * np.log(1 - best + floor)).sum()


# --- 6.2 ------------------------------------------------------------------------------------------

gan_losses = exercise(
    "gan_losses",
    reference="nstkit.gan:gan_losses",
    level="medium",
    minutes=20,
    hints=[
        "Each loss is a cross-entropy with a label: real or fake for the discriminator, 'real' for the generator.",
        "−log σ(x) = softplus(−x) and −log(1 − σ(x)) = softplus(x); take means, so that two numbers come out.",
        "The discriminator adds softplus(−real).mean() and softplus(fake).mean(); both generator losses are one "
        "softplus of the fake logits with the right two signs.",
    ],
)

_KINDS = ("non_saturating", "minimax")


@gan_losses.check(points=2)
def the_non_saturating_pair(answer, draw):
    """The default, with other numbers of real and fake logits."""
    return answer(draw.tensor(6), draw.tensor(4))


@gan_losses.check(points=1)
def the_minimax_pair(answer, draw):
    """Maps of patches, (2, 1, 3, 4) and (3, 1, 2, 5)."""
    return answer(draw.tensor(2, 1, 3, 4), draw.tensor(3, 1, 2, 5), "minimax")


@gan_losses.check(points=1)
def a_certain_discriminator(answer, draw):
    """Logits of ±1000 in float32: finite, and the dtype stays."""
    signs = draw.tensor(2, 3, dtype=torch.float32).sign()
    logits = draw.watch(1000 * signs, "logits")
    return {kind: answer(-logits, logits, kind=kind) for kind in _KINDS}


@gan_losses.check(points=1)
def who_learns_what(answer, draw):
    """The gradients of both losses at both kinds of logits."""
    real, fake = draw.tensor(2, 3, strided=True), draw.tensor(5)
    return {kind: gradient(lambda r, f, k=kind: torch.stack(answer(r, f, k)), real, fake) for kind in _KINDS}


@gan_losses.check(points=1)
def other_kinds_and_no_logits_are_refused(answer, draw):
    """ValueError for another kind, and where there is nothing to average."""
    some, none = draw.tensor(3), draw.tensor(0, 1)
    return {
        "another kind": outcome(answer, some, some, "saturating"),
        "no real logits": outcome(answer, none, some),
        "no fake logits": outcome(answer, some, none, "minimax"),
    }


def _refuse_logits(real, fake, kind):
    if kind not in _KINDS or not real.numel() or not fake.numel():
        raise ValueError("real_logits, fake_logits, kind")


def _bce(logits, label):
    return nnf.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


@gan_losses.misconception(
    "You took the logarithm of a sigmoid, which is −∞ for a certain discriminator; use softplus of the logits."
)
def takes_logs_of_sigmoids(real_logits, fake_logits, kind="non_saturating"):
    _refuse_logits(real_logits, fake_logits, kind)
    real, fake = torch.sigmoid(real_logits), torch.sigmoid(fake_logits)
    d = -torch.log(real).mean() - torch.log(1 - fake).mean()
    return d, torch.log(1 - fake).mean() if kind == "minimax" else -torch.log(fake).mean()


@gan_losses.misconception(
    "You applied a sigmoid before a loss that applies its own; the function receives logits, use them as they are."
)
def applies_the_sigmoid_twice(real_logits, fake_logits, kind="non_saturating"):
    _refuse_logits(real_logits, fake_logits, kind)
    return by_cross_entropy(torch.sigmoid(real_logits), torch.sigmoid(fake_logits), kind)


@gan_losses.misconception("You halved the discriminator's loss; it is the sum of the two means, without ½.")
def halves_the_discriminator(real_logits, fake_logits, kind="non_saturating"):
    d, g = by_cross_entropy(real_logits, fake_logits, kind)
    return d / 2, g


@gan_losses.misconception(
    "You gave the generator's images the label fake; the generator wants them called real."
)
def labels_fakes_as_fake(real_logits, fake_logits, kind="non_saturating"):
    d, g = by_cross_entropy(real_logits, fake_logits, kind)
    return d, g if kind == "minimax" else _bce(fake_logits, 0.0)


@gan_losses.misconception(
    "You turned the sign of the minimax value; it is negative and is minimised: mean log(1 − σ(f))."
)
def turns_the_minimax_sign(real_logits, fake_logits, kind="non_saturating"):
    d, g = by_cross_entropy(real_logits, fake_logits, kind)
    return d, -g if kind == "minimax" else g


@gan_losses.misconception(
    "You averaged real and fake logits in one mean; average each kind separately and add."
)
def pools_real_and_fake(real_logits, fake_logits, kind="non_saturating"):
    _, g = by_cross_entropy(real_logits, fake_logits, kind)
    terms = [nnf.softplus(-real_logits).flatten(), nnf.softplus(fake_logits).flatten()]
    return torch.cat(terms).mean(), g


@gan_losses.misconception("You summed over the logits; take means: the loss must not grow with the batch.")
def sums_the_logits(real_logits, fake_logits, kind="non_saturating"):
    _refuse_logits(real_logits, fake_logits, kind)
    d = nnf.softplus(-real_logits).sum() + nnf.softplus(fake_logits).sum()
    return d, -nnf.softplus(fake_logits).sum() if kind == "minimax" else nnf.softplus(-fake_logits).sum()


@gan_losses.misconception(
    "You detached the fake logits; leave that to the training step, since the generator learns through them."
)
def detaches_the_fakes(real_logits, fake_logits, kind="non_saturating"):
    return by_cross_entropy(real_logits, fake_logits.detach(), kind)


@gan_losses.accepts
def by_cross_entropy(real_logits, fake_logits, kind="non_saturating"):
    _refuse_logits(real_logits, fake_logits, kind)
    d = _bce(real_logits, 1.0) + _bce(fake_logits, 0.0)
    return d, -_bce(fake_logits, 0.0) if kind == "minimax" else _bce(fake_logits, 1.0)


@gan_losses.accepts
def by_log_sigmoid(real_logits, fake_logits, kind="non_saturating"):
    _refuse_logits(real_logits, fake_logits, kind)
    g = {"minimax": nnf.logsigmoid(-fake_logits), "non_saturating": -nnf.logsigmoid(fake_logits)}[kind]
    return -(nnf.logsigmoid(real_logits).mean() + nnf.logsigmoid(-fake_logits).mean()), g.mean()


@gan_losses.accepts
def by_logaddexp(real_logits, fake_logits, kind="non_saturating"):
    _refuse_logits(real_logits, fake_logits, kind)

    def softplus(x):
        return torch.logaddexp(x, torch.zeros_like(x)).mean()

    return [
        softplus(-real_logits) + softplus(fake_logits),
        -softplus(fake_logits) if kind == "minimax" else softplus(-fake_logits),
    ]


# --- 6.3 ------------------------------------------------------------------------------------------

stylization_generator_loss = exercise(
    "stylization_generator_loss",
    reference="nstkit.gan:stylization_generator_loss",
    level="medium",
    minutes=15,
    hints=[
        "One term for the discriminator, who should say 'real', and one that holds the features of the content.",
        "Both terms are means over all entries, patches and features alike, so each is a single number.",
        "softplus(−logits).mean() plus the weighted L1 mean; detach the content features, report the raw terms.",
    ],
)


def _stylized(draw, batch=2, dtype=torch.float64):
    """A map of patch scores, and features of the output and of the content."""
    features = [draw.features(batch, 5, 4, 7, dtype=dtype) for _ in range(2)]
    return draw.tensor(batch, 1, 3, 2, dtype=dtype), *features


@stylization_generator_loss.check(points=2)
def patch_scores_and_features(answer, draw):
    """The loss and its report, for a map of patch scores."""
    return answer(*_stylized(draw), 0.7)


@stylization_generator_loss.check(points=1)
def one_score_per_image_and_other_weights(answer, draw):
    """Scores (B,), weights 0 and 10, and float32."""
    scores, fake, content = _stylized(draw, 3, torch.float32)
    plain = draw.tensor(3, dtype=torch.float32)
    return [answer(plain, fake, content, content_weight=0.0), answer(scores, fake, content, 10.0)]


@stylization_generator_loss.check(points=1)
def a_certain_discriminator_is_heard(answer, draw):
    """Scores of −1000: the loss is large and finite."""
    scores, fake, content = _stylized(draw)
    return answer(draw.watch(scores.clamp(max=0) - 1000, "fake_logits"), fake, content, 1.0)


@stylization_generator_loss.check(points=1)
def only_the_generator_learns(answer, draw):
    """The gradient reaches scores and generated features, and never the content's."""
    leaves = [t.detach().clone().requires_grad_() for t in _stylized(draw)]
    total, _ = answer(*leaves, 1.5)
    if not total.requires_grad:
        return "no gradient"
    total.backward()
    names = ("fake_logits", "fake_features", "content_features")
    return {
        name: "no gradient" if leaf.grad is None or not leaf.grad.any() else leaf.grad
        for name, leaf in zip(names, leaves, strict=True)
    }


@stylization_generator_loss.check(points=1)
def what_does_not_fit_is_refused(answer, draw):
    """ValueError for features of different shapes and for a negative weight."""
    scores, fake, content = _stylized(draw)
    return {
        "content of a single image": outcome(answer, scores, fake, content[:1], 1.0),
        "content of another layer": outcome(answer, scores, fake, draw.features(2, 3, 4, 7), 1.0),
        "a negative weight": outcome(answer, scores, fake, content, -0.5),
    }


def _refuse_features(fake, content, weight):
    if fake.shape != content.shape or weight < 0:
        raise ValueError("content_features, content_weight")


def _total(adversarial, content, weight, adversarial_weight=1.0, reported=None):
    total = adversarial_weight * adversarial + weight * content
    report = {
        "adversarial": adversarial.item(),
        "content": (content if reported is None else reported).item(),
    }
    return total, report | {"total": total.item()}


@stylization_generator_loss.misconception("You squared the feature differences; this term is an L1 distance.")
def squares_the_differences(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    content = nnf.mse_loss(fake_features, content_features.detach())
    return _total(_bce(fake_logits, 1.0), content, content_weight)


@stylization_generator_loss.misconception(
    "You detached the generated features, through which the generator learns; detach only the targets."
)
def detaches_the_generated(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    content = nnf.l1_loss(fake_features.detach(), content_features.detach())
    return _total(_bce(fake_logits, 1.0), content, content_weight)


@stylization_generator_loss.misconception(
    "You rewarded the generator for being recognised; it wants D to call its output real: use label 1."
)
def wants_to_be_called_fake(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    content = nnf.l1_loss(fake_features, content_features.detach())
    return _total(_bce(fake_logits, 0.0), content, content_weight)


@stylization_generator_loss.misconception(
    "You multiplied the adversarial term by the weight; content_weight scales the content term only."
)
def weighs_the_adversarial_term(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    content = nnf.l1_loss(fake_features, content_features.detach())
    return _total(_bce(fake_logits, 1.0), content, 1.0, content_weight)


@stylization_generator_loss.misconception(
    "You summed the scores of an image's patches, so the loss grows with their number; average over patches."
)
def sums_the_patches(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    content = nnf.l1_loss(fake_features, content_features.detach())
    summed = nnf.softplus(-fake_logits).reshape(len(fake_logits), -1).sum(1).mean()
    return _total(summed, content, content_weight)


@stylization_generator_loss.misconception(
    "You let the gradient into the content features; detach them: they are a constant."
)
def teaches_the_content(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    return _total(_bce(fake_logits, 1.0), nnf.l1_loss(fake_features, content_features), content_weight)


@stylization_generator_loss.misconception("You reported the weighted content term; report the raw one.")
def reports_the_weighted_term(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    content = nnf.l1_loss(fake_features, content_features.detach())
    return _total(_bce(fake_logits, 1.0), content, content_weight, reported=content_weight * content)


@stylization_generator_loss.accepts
def by_cross_entropy_and_l1_loss(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    content = nnf.l1_loss(fake_features, content_features.detach())
    return _total(_bce(fake_logits, 1.0), content, content_weight)


@stylization_generator_loss.accepts
def by_log_sigmoid_and_abs(fake_logits, fake_features, content_features, content_weight):
    _refuse_features(fake_features, content_features, content_weight)
    with torch.no_grad():
        target = content_features.clone()
    content = torch.abs(fake_features - target).sum() / target.numel()
    adversarial = -nnf.logsigmoid(fake_logits).mean()
    total = adversarial + content_weight * content
    return total, {"total": float(total), "content": float(content), "adversarial": float(adversarial)}
