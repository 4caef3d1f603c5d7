"""Lesson 23, cycle consistency: the loss and its identity terms, what replaces it, and a test for hidden messages."""

import math

import torch
from torch import nn
from torch.nn import functional as nnf

from nstkit.grading import exercise, gradient, outcome

# --- 23.1 -----------------------------------------------------------------------------------------

cycle_losses = exercise(
    "cycle_losses",
    reference="nstkit.gan:cycle_losses",
    level="medium",
    minutes=15,
    hints=[
        "Start in each domain once, go there and back, and ask how far you are from home.",
        "Everything is compared with the batch it started from, (N, 3, H, W) with itself; each key is one number.",
        "forward |F(G(x)) − x|, backward |G(F(y)) − y|, idt_g |G(y) − y|, idt_f |F(x) − x|, all means; the identities "
        "weigh lam·lam_idt and are skipped at 0.",
    ],
)


class _Translator(nn.Module):
    """A convolution with bias and tanh; counts its calls."""

    def __init__(self, draw):
        super().__init__()
        self.convolution = nn.utils.skip_init(nn.Conv2d, 3, 3, 3, padding=1)
        for parameter in self.parameters():
            parameter.data = torch.from_numpy(0.4 * draw.rng.normal(size=tuple(parameter.shape)))
        self.calls = 0

    def forward(self, image):
        self.calls += 1
        return torch.tanh(self.convolution(image))


def _two_domains(draw, n=2, m=3):
    """Two translators, n images of X and m of Y."""
    x, y = draw.tensor(n, 3, 4, 5).tanh(), (draw.tensor(m, 3, 4, 5) + 0.5).tanh()
    return _Translator(draw), _Translator(draw), draw.watch(x, "x"), draw.watch(y, "y")


@cycle_losses.check(points=2)
def all_five_numbers(answer, draw):
    """Two images of one domain, three of the other, default weights."""
    return dict(answer(*_two_domains(draw)))


@cycle_losses.check(points=1)
def as_many_of_both_and_other_weights(answer, draw):
    """Batches of one size; weights by position and by name."""
    scene = _two_domains(draw, 2, 2)
    return [
        dict(answer(*scene, 3.0, 0.2)),
        dict(answer(*scene, lam=0.0, lam_idt=1.0)),
        dict(answer(*scene, lam_idt=2.0)),
    ]


@cycle_losses.check(points=1)
def plain_functions(answer, draw):
    """Translators that are mutual inverses: both cycles cost nothing, the identities do."""
    x, y = draw.tensor(2, 3, 5, 4), draw.tensor(4, 3, 5, 4)
    return dict(answer(lambda image: 2 * image, lambda image: image / 2, x, y))


@cycle_losses.check(points=1)
def without_identity_terms(answer, draw):
    """lam_idt = 0: zero for both identities, and nobody runs them."""
    G, F, x, y = _two_domains(draw)
    losses = answer(G, F, x, y, lam_idt=0.0)
    return {
        "losses": {name: float(value) for name, value in losses.items()},
        "G is called": G.calls,
        "F is called": F.calls,
    }


@cycle_losses.check(points=1)
def both_translators_learn_from_both_cycles(answer, draw):
    """The gradients of each cycle term and of the total at the weights of G and of F."""
    G, F, x, y = _two_domains(draw)
    losses = answer(G, F, x, y)
    weights = [G.convolution.weight, F.convolution.weight]
    found = {}
    for name in ("forward", "backward", "total"):
        if not losses[name].requires_grad:
            return "no gradient"
        slopes = torch.autograd.grad(losses[name], weights, retain_graph=True, allow_unused=True)
        found[name] = ["no gradient" if slope is None else slope for slope in slopes]
    return found


@cycle_losses.check(points=1)
def negative_weights_are_refused(answer, draw):
    """ValueError for a negative weight."""
    scene = _two_domains(draw)
    return {
        "lam": outcome(lambda: dict(answer(*scene, lam=-1.0))),
        "lam_idt": outcome(lambda: dict(answer(*scene, lam_idt=-0.5))),
    }


def _l1(a, b):
    return (a - b).abs().mean()


def _cycle(
    G, F, x, y, lam, lam_idt, *, gap=_l1, cut=lambda image: image, sources=False, relative=True, homes=False
):
    """The skeleton of variants and misconceptions; without options it is right."""
    if lam < 0 or lam_idt < 0:
        raise ValueError("lam, lam_idt")
    losses = {
        "forward": gap(F(cut(G(x))), y if homes else x),
        "backward": gap(G(cut(F(y))), x if homes else y),
        "idt_g": torch.zeros((), dtype=x.dtype),
        "idt_f": torch.zeros((), dtype=x.dtype),
    }
    if lam_idt:
        g_image, f_image = (x, y) if sources else (y, x)
        losses |= {"idt_g": gap(G(g_image), g_image), "idt_f": gap(F(f_image), f_image)}
    identity = lam_idt * (losses["idt_g"] + losses["idt_f"])
    total = lam * (losses["forward"] + losses["backward"]) + (lam if relative else 1) * identity
    return losses | {"total": total}


@cycle_losses.misconception("You squared the differences; CycleGAN takes absolute values (L1).")
def squares_the_differences(G, F, x, y, lam=10.0, lam_idt=0.5):
    return _cycle(G, F, x, y, lam, lam_idt, gap=lambda a, b: (a - b).square().mean())


@cycle_losses.misconception(
    "You sent x through F first; x lives in X, so it goes through G and comes back by F."
)
def goes_the_wrong_way(G, F, x, y, lam=10.0, lam_idt=0.5):
    right = _cycle(G, F, x, y, lam, lam_idt)
    wrong = {"forward": _l1(G(F(x)), x), "backward": _l1(F(G(y)), y)}
    cycles = sum(wrong.values()) - right["forward"] - right["backward"]
    return right | wrong | {"total": right["total"] + lam * cycles}


@cycle_losses.misconception(
    "You compared with the other domain's batch; compare each image with its own reconstruction."
)
def compares_with_the_other_domain(G, F, x, y, lam=10.0, lam_idt=0.5):
    return _cycle(G, F, x, y, lam, lam_idt, homes=True)


@cycle_losses.misconception("You counted one direction in the total; both cycles are needed.")
def counts_one_direction(G, F, x, y, lam=10.0, lam_idt=0.5):
    losses = _cycle(G, F, x, y, lam, lam_idt)
    return losses | {"total": losses["total"] - lam * losses["backward"]}


@cycle_losses.misconception(
    "You fed the identity terms with images to be translated; identity feeds G images that already are in Y."
)
def feeds_the_sources(G, F, x, y, lam=10.0, lam_idt=0.5):
    return _cycle(G, F, x, y, lam, lam_idt, sources=True)


@cycle_losses.misconception(
    "You weighed the identities by lam_idt alone; it is relative to lam: lam · lam_idt."
)
def weighs_identity_absolutely(G, F, x, y, lam=10.0, lam_idt=0.5):
    return _cycle(G, F, x, y, lam, lam_idt, relative=False)


@cycle_losses.misconception(
    "You detached the intermediate image, so each cycle teaches one translator; let the gradient flow through both."
)
def detaches_in_between(G, F, x, y, lam=10.0, lam_idt=0.5):
    return _cycle(G, F, x, y, lam, lam_idt, cut=lambda image: image.detach())


@cycle_losses.misconception(
    "You summed over the pixels; take the mean, so that lam does not depend on the size."
)
def sums_over_the_pixels(G, F, x, y, lam=10.0, lam_idt=0.5):
    return _cycle(G, F, x, y, lam, lam_idt, gap=lambda a, b: (a - b).abs().sum())


@cycle_losses.misconception("You ran the identity passes although their weight is 0; skip them.")
def runs_what_nobody_needs(G, F, x, y, lam=10.0, lam_idt=0.5):
    losses = _cycle(G, F, x, y, lam, lam_idt)
    if lam_idt == 0:
        losses |= {"idt_g": 0 * _l1(G(y), y), "idt_f": 0 * _l1(F(x), x)}
    return losses


@cycle_losses.misconception(
    "You returned weighted terms; weigh the total alone, so that terms can be compared."
)
def weighs_the_terms(G, F, x, y, lam=10.0, lam_idt=0.5):
    losses = _cycle(G, F, x, y, lam, lam_idt)
    weights = {"forward": lam, "backward": lam, "idt_g": lam * lam_idt, "idt_f": lam * lam_idt, "total": 1}
    return {name: weights[name] * value for name, value in losses.items()}


@cycle_losses.accepts
def by_l1_loss(G, F, x, y, lam=10.0, lam_idt=0.5):
    if lam < 0 or lam_idt < 0:
        raise ValueError("lam, lam_idt")
    forward, backward = nnf.l1_loss(F(G(x)), x), nnf.l1_loss(G(F(y)), y)
    idt_g = nnf.l1_loss(G(y), y) if lam_idt > 0 else x.new_zeros(())
    idt_f = nnf.l1_loss(F(x), x) if lam_idt > 0 else x.new_zeros(())
    total = lam * (forward + backward + lam_idt * (idt_g + idt_f))
    return {"total": total, "forward": forward, "backward": backward, "idt_g": idt_g, "idt_f": idt_f}


@cycle_losses.accepts
def with_plain_zeros(G, F, x, y, lam=10.0, lam_idt=0.5):
    losses = _cycle(G, F, x, y, lam, lam_idt)
    return losses if lam_idt else losses | {"idt_g": 0.0, "idt_f": 0.0}


# --- 23.2 -----------------------------------------------------------------------------------------

patch_nce_loss = exercise(
    "patch_nce_loss",
    reference="nstkit.gan:patch_nce_loss",
    level="medium",
    minutes=15,
    hints=[
        "Each patch of the output has to recognise, among S patches of the input, the one at its own place.",
        "Unit rows, then a table (S, S): row i holds query i against all keys; the right answer is on the diagonal.",
        "logits = q kᵀ / tau with k detached, then cross-entropy with the labels 0 … S − 1.",
    ],
)


def _patches(draw, s=6, c=4, dtype=torch.float64):
    """Keys, and queries that resemble them; rows of different length."""
    strength = torch.linspace(0.3, 3.0, s, dtype=dtype)[:, None]
    key = draw.tensor(s, c, dtype=dtype) + 0.2
    query = strength * (key + 0.8 * draw.tensor(s, c, dtype=dtype))
    return draw.watch(query, "query"), draw.watch(key * strength.flip(0), "key")


def _told(loss):
    """The loss, or in words that it is not finite, so that this mistake can be recognised too."""
    return loss if math.isfinite(float(loss)) else "not finite"


@patch_nce_loss.check(points=2)
def six_patches(answer, draw):
    """Six patches with four features, the default temperature."""
    return answer(*_patches(draw))


@patch_nce_loss.check(points=1)
def other_temperatures(answer, draw):
    """Temperatures by position and by name, more features than patches."""
    return [answer(*_patches(draw), 0.5), answer(*_patches(draw, 3, 8), tau=2.0)]


@patch_nce_loss.check(points=1, atol=1e-9)
def a_very_cold_temperature(answer, draw):
    """tau = 0.001: still finite."""
    return _told(answer(*_patches(draw), tau=1e-3))


@patch_nce_loss.check(points=1, atol=1e-9)
def keys_that_are_all_alike(answer, draw):
    """All keys equal: ln S, whatever the queries; and a perfect match."""
    query, key = _patches(draw, 5, 7)
    same = draw.watch(key[:1].expand(5, 7).clone(), "key")
    return {"all alike": answer(query, same), "perfect": answer(draw.watch(2 * key, "query"), key, 0.3)}


@patch_nce_loss.check(points=1)
def single_precision_and_strides(answer, draw):
    """float32 stays float32, and tensors that are not contiguous are as good as any."""
    return {
        "float32": answer(*_patches(draw, dtype=torch.float32)),
        "not contiguous": answer(draw.tensor(5, 4, strided=True), draw.tensor(5, 4, strided=True)),
    }


@patch_nce_loss.check(points=1)
def only_the_output_learns(answer, draw):
    """The gradient reaches the queries and never the keys."""
    return gradient(answer, *_patches(draw))


@patch_nce_loss.check(points=1)
def what_cannot_be_contrasted_is_refused(answer, draw):
    """ValueError for different shapes, a single patch, and tau ≤ 0."""
    query, key = _patches(draw)
    return {
        "fewer keys": outcome(answer, query, key[:4]),
        "other features": outcome(answer, query, draw.tensor(6, 5)),
        "one patch": outcome(answer, query[:1], key[:1]),
        "tau = 0": outcome(answer, query, key, 0.0),
        "tau negative": outcome(answer, query, key, tau=-0.07),
    }


def _refuse_patches(query, key, tau):
    if query.shape != key.shape or len(query) < 2 or tau <= 0:
        raise ValueError("query, key, tau")


def _logits(query, key, tau, detach=True, unit=True):
    _refuse_patches(query, key, tau)
    q, k = query, key.detach() if detach else key
    if unit:
        q, k = nnf.normalize(q, dim=1), nnf.normalize(k, dim=1)
    return q @ k.T / tau


def _choice(logits):
    return nnf.cross_entropy(logits, torch.arange(len(logits)))


@patch_nce_loss.misconception(
    "You compared rows with their length; normalise them: the similarity is a cosine."
)
def keeps_the_lengths(query, key, tau=0.07):
    return _choice(_logits(query, key, tau, unit=False))


@patch_nce_loss.misconception("You multiplied by the temperature; divide by it.")
def multiplies_by_tau(query, key, tau=0.07):
    return _choice(_logits(query, key, tau) * tau**2)


@patch_nce_loss.misconception("You left the temperature out; divide the cosines by it.")
def ignores_tau(query, key, tau=0.07):
    return _choice(_logits(query, key, tau) * tau)


@patch_nce_loss.misconception("You let keys choose among queries; each query chooses among keys.")
def transposes_the_table(query, key, tau=0.07):
    return _choice(_logits(query, key, tau).T)


@patch_nce_loss.misconception(
    "You left the right key out of the denominator; the softmax runs over all S keys."
)
def leaves_the_positive_out(query, key, tau=0.07):
    logits = _logits(query, key, tau)
    others = logits.masked_fill(torch.eye(len(logits), dtype=torch.bool), -torch.inf)
    return (others.logsumexp(1) - logits.diagonal()).mean()


@patch_nce_loss.misconception("You summed over the positions; average over them.")
def sums_over_positions(query, key, tau=0.07):
    return len(query) * _choice(_logits(query, key, tau))


@patch_nce_loss.misconception(
    "You compared each query with its own key only; contrast needs the other patches as negatives."
)
def compares_pairs_alone(query, key, tau=0.07):
    _refuse_patches(query, key, tau)
    return (nnf.normalize(query, dim=1) - nnf.normalize(key.detach(), dim=1)).square().mean()


@patch_nce_loss.misconception("You let the gradient into the input's features; detach the keys.")
def teaches_the_input(query, key, tau=0.07):
    return _choice(_logits(query, key, tau, detach=False))


@patch_nce_loss.misconception(
    "You exponentiated the logits themselves, which overflow at a low temperature; use logsumexp or cross_entropy."
)
def exponentiates(query, key, tau=0.07):
    weights = _logits(query, key, tau).exp()
    return -(weights.diagonal() / weights.sum(1)).log().mean()


@patch_nce_loss.accepts
def by_logsumexp(query, key, tau=0.07):
    _refuse_patches(query, key, tau)
    q = query / torch.linalg.vector_norm(query, dim=1, keepdim=True)
    k = (key / torch.linalg.vector_norm(key, dim=1, keepdim=True)).detach()
    logits = torch.einsum("ic,jc->ij", q, k) / tau
    return (torch.logsumexp(logits, dim=1) - logits.diagonal()).mean()


@patch_nce_loss.accepts
def by_log_softmax(query, key, tau=0.07):
    return -_logits(query, key, tau).log_softmax(1).diagonal().mean()


@patch_nce_loss.accepts
def by_cosine_similarity(query, key, tau=0.07):
    _refuse_patches(query, key, tau)
    return _choice(nnf.cosine_similarity(query[:, None], key.detach()[None], dim=2) / tau)


# --- 23.3 -----------------------------------------------------------------------------------------

quantization_gap = exercise(
    "quantization_gap",
    reference="nstkit.gan:quantization_gap",
    level="medium",
    minutes=15,
    hints=[
        "Save the translated image as a file would, load it again, and see whether the way back still works.",
        "Only the image in the middle is rounded; both reconstructions have the shape of x and are compared with it.",
        "clamp, to [0, 1], times levels, round, divided by levels, back to [-1, 1]; two means and their difference.",
    ],
)


def _maps(draw):
    """Two translators whose images leave [-1, 1] a little, and a batch."""
    G, F = _Translator(draw), _Translator(draw)
    return lambda x: 1.3 * G(x), F, draw.watch(draw.tensor(2, 3, 5, 6).tanh(), "x")


@quantization_gap.check(points=2)
def ordinary_translators(answer, draw):
    """Images that leave the range a little; seven levels, and the default."""
    G, F, x = _maps(draw)
    return [answer(G, F, x, 7), answer(G, F, x)]


@quantization_gap.check(points=1)
def a_hidden_message(answer, draw):
    """A G that hides x below one gray level, and an F that reads it."""
    gray, x = 2 * 191 / 255 - 1, draw.watch(draw.tensor(2, 3, 4, 5).tanh(), "x")
    found = answer(lambda image: gray + 1e-4 * image, lambda image: (image - gray) * 1e4, x)
    return {"nearly nothing": found["plain"] < 1e-9, "quantized": found["quantized"], "gap": found["gap"]}


@quantization_gap.check(points=1)
def nothing_hidden(answer, draw):
    """Identity maps: what is left is the rounding error."""
    x = draw.watch(draw.tensor(3, 3, 4, 5).tanh(), "x")
    return [answer(lambda image: image, lambda image: image, x, levels) for levels in (1, 10, 255)]


@quantization_gap.check(points=1)
def plain_floats(answer, draw):
    """Python floats without a graph, and translators that keep no gradient."""
    G, F, x = _maps(draw)
    found = answer(G, F, x, levels=15)
    return {"types": sorted({type(value).__name__ for value in found.values()}), "values": found}


@quantization_gap.check(points=1)
def no_levels_are_refused(answer, draw):
    """ValueError for fewer than one level."""
    G, F, x = _maps(draw)
    return [outcome(answer, G, F, x, 0), outcome(answer, G, F, x, levels=-3)]


def _stored(y, levels, rounding=torch.round, clamp=True):
    unit = ((y.clamp(-1, 1) if clamp else y) + 1) / 2
    return rounding(unit * levels) / levels * 2 - 1


@torch.no_grad()
def _gap(G, F, x, levels, store=_stored):
    if levels < 1:
        raise ValueError("levels")
    y = G(x)
    plain, quantized = (float((F(image) - x).abs().mean()) for image in (y, store(y, levels)))
    return {"plain": plain, "quantized": quantized, "gap": quantized - plain}


@quantization_gap.misconception(
    "You cut down to the lower level, as a cast to uint8 does; round to the nearest level."
)
def rounds_down(G, F, x, levels=255):
    return _gap(G, F, x, levels, lambda y, levels: _stored(y, levels, torch.floor))


@quantization_gap.misconception(
    "You rounded as if the image were in [0, 1]; map [-1, 1] to [0, 1] first, and back afterwards."
)
def rounds_another_range(G, F, x, levels=255):
    return _gap(G, F, x, levels, lambda y, levels: (y.clamp(0, 1) * levels).round() / levels)


@quantization_gap.misconception("You compared the two reconstructions with each other; compare both with x.")
def compares_reconstructions(G, F, x, levels=255):
    found = _gap(G, F, x, levels)
    with torch.no_grad():
        between = float((F(_stored(G(x), levels)) - F(G(x))).abs().mean())
    return found | {"quantized": between, "gap": between - found["plain"]}


@quantization_gap.misconception("You rounded x too or instead; only the image in the middle is stored.")
def rounds_the_source(G, F, x, levels=255):
    found = _gap(G, F, x, levels)
    with torch.no_grad():
        quantized = float((F(G(_stored(x, levels))) - x).abs().mean())
    return found | {"quantized": quantized, "gap": quantized - found["plain"]}


@quantization_gap.misconception("You rounded without clamping; a file holds nothing outside of [-1, 1].")
def forgets_to_clamp(G, F, x, levels=255):
    return _gap(G, F, x, levels, lambda y, levels: _stored(y, levels, clamp=False))


@quantization_gap.misconception("You stayed in [0, 1] after rounding; F expects images in [-1, 1].")
def stays_in_the_unit_range(G, F, x, levels=255):
    return _gap(G, F, x, levels, lambda y, levels: (_stored(y, levels) + 1) / 2)


@quantization_gap.misconception("You turned the sign of the gap; it is quantized − plain.")
def turns_the_gap(G, F, x, levels=255):
    found = _gap(G, F, x, levels)
    return found | {"gap": -found["gap"]}


@quantization_gap.accepts
def by_the_skeleton(G, F, x, levels=255):
    return _gap(G, F, x, levels)


@quantization_gap.accepts
def in_numpy(G, F, x, levels=255):
    if levels < 1:
        raise ValueError("levels")
    with torch.inference_mode():
        y = G(x)
        unit = (y.numpy().clip(-1, 1) + 1) / 2
        q = torch.from_numpy((unit * levels).round() / levels * 2 - 1)
        plain, quantized = (nnf.l1_loss(F(image), x).item() for image in (y, q))
    return {"plain": plain, "quantized": quantized, "gap": quantized - plain}


@quantization_gap.accepts
def by_adding_a_half(G, F, x, levels=255):
    return _gap(G, F, x, levels, lambda y, levels: _stored(y, levels, lambda v: torch.floor(v + 0.5)))
