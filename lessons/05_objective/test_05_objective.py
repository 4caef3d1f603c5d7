"""Lesson 05, the objective: the weighted sum, its exact minimiser where features are linear, and the trade-off."""

import numpy as np
import torch

from nstkit.grading import exercise, gradient, outcome

# --- 5.1 ------------------------------------------------------------------------------------------

nst_objective = exercise(
    "nst_objective",
    reference="nstkit.losses:nst_objective",
    level="medium",
    minutes=25,
    hints=[
        "Two raw numbers and their weighted sum: the sum is a tensor that learns, the report is plain floats.",
        "Content: mean over everything per layer, then add up. Style: per image a sum over C × C, then the batch mean.",
        "features = encoder(image) once; total = content_weight·L_c + style_weight·Σ w_l ‖G_l − A_l‖².",
    ],
)


def _gram(features):
    flat = features.flatten(2)
    return flat @ flat.mT / (flat.shape[1] * flat.shape[2])


def _setting(draw, dtype=torch.float64, smooth=False):
    """An encoder, an image, and targets from two other images: content at two layers, style at two."""
    encoder = draw.encoder(5, 7, 4, smooth=smooth, dtype=dtype)
    image, content, style = (draw.image(2, *size, dtype=dtype) for size in ((9, 12), (9, 12), (10, 7)))
    with torch.no_grad():
        of_content, of_style = encoder(content), encoder(style)
    encoder.calls = 0
    targets = {
        "content": {name: of_content[name] for name in ("layer2", "layer3")},
        "style": {name: _gram(of_style[name]) for name in ("layer1", "layer3")},
    }
    return image, encoder, draw.watch(targets, "targets")


@nst_objective.check(points=2)
def total_and_report(answer, draw):
    """The weighted total, and a report of the raw terms."""
    image, encoder, targets = _setting(draw)
    total, report = answer(image, encoder, targets, 0.7, 300.0)
    return {"total": total, "report": report}


@nst_objective.check(points=1)
def layer_weights(answer, draw):
    """Layer weights count in the total and in "style", and not in "style/<layer>"."""
    image, encoder, targets = _setting(draw)
    total, report = answer(image, encoder, targets, 1.0, 50.0, {"layer1": 2.0, "layer3": 0.25})
    return {"total": total, "report": report}


@nst_objective.check(points=1)
def single_precision_and_floats(answer, draw):
    """float32 stays float32; every value of the report is a Python float."""
    image, encoder, targets = _setting(draw, torch.float32)
    total, report = answer(image, encoder, targets, content_weight=2.0, style_weight=10.0)
    return {"total": total, "types": sorted({type(value).__name__ for value in report.values()})}


@nst_objective.check(points=1)
def the_gradient_reaches_the_pixels(answer, draw):
    """The total can be differentiated by the image."""
    image, encoder, targets = _setting(draw, smooth=True)
    return gradient(lambda x: answer(x, encoder, targets, 0.5, 80.0)[0], image)


@nst_objective.check(points=1)
def one_pass(answer, draw):
    """One encoder pass per evaluation; one of the weights may be zero."""
    image, encoder, targets = _setting(draw)
    answer(image, encoder, targets, 1.0, 1.0)
    passes = encoder.calls
    return {"passes": passes, "no style": answer(image, encoder, targets, 1.0, 0.0)[0]}


@nst_objective.check(points=1)
def what_makes_no_sense_is_refused(answer, draw):
    """ValueError for negative weights or both zero; KeyError for a layer that is missing."""
    image, encoder, targets = _setting(draw)
    stray = {"content": targets["content"], "style": {"layer9": targets["style"]["layer1"]}}
    return {
        "a negative content weight": outcome(answer, image, encoder, targets, -1.0, 1.0),
        "a negative style weight": outcome(answer, image, encoder, targets, 1.0, -1.0),
        "both zero": outcome(answer, image, encoder, targets, 0.0, 0.0),
        "a layer the encoder lacks": outcome(answer, image, encoder, stray, 1.0, 1.0),
        "a layer without a weight": outcome(answer, image, encoder, targets, 1.0, 1.0, {"layer1": 1.0}),
    }


def _terms(image, encoder, targets, layer_weights, frobenius=torch.sum):
    """Raw content, raw style, and the style terms by layer, as tensors."""
    features, style = encoder(image), targets["style"]
    weights = layer_weights or dict.fromkeys(style, 1 / max(len(style), 1))
    content = sum((features[k] - t).square().mean() for k, t in targets["content"].items())
    layers = {
        k: frobenius((_gram(features[k]) - a).square().flatten(1), dim=1).mean() for k, a in style.items()
    }  # (B, C·C) to (B,) to a scalar
    return content, sum(weights[k] * v for k, v in layers.items()), layers


def _refuse_weights(content_weight, style_weight):
    if content_weight < 0 or style_weight < 0 or content_weight == style_weight == 0:
        raise ValueError("content_weight, style_weight")


def _report(total, content, style, layers):
    report = {"total": float(total), "content": float(content), "style": float(style)}
    return report | {f"style/{k}": float(v) for k, v in layers.items()}


@nst_objective.misconception("You exchanged the weights; content_weight multiplies the content term.")
def exchanges_the_weights(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    content, style, layers = _terms(image, encoder, targets, layer_weights)
    total = style_weight * content + content_weight * style
    return total, _report(total, content, style, layers)


@nst_objective.misconception("You divided by α + β; the weights are not normalised.")
def normalises_the_weights(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    content, style, layers = _terms(image, encoder, targets, layer_weights)
    total = (content_weight * content + style_weight * style) / (content_weight + style_weight)
    return total, _report(total, content, style, layers)


@nst_objective.misconception(
    "You built the total from numbers, which have no gradient; keep the total as a tensor and convert the report only."
)
def builds_the_total_from_numbers(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    content, style, layers = _terms(image, encoder, targets, layer_weights)
    total = torch.tensor(content_weight * content.item() + style_weight * float(style), dtype=image.dtype)
    return total, _report(total, content, style, layers)


@nst_objective.misconception(
    "You reported weighted terms; report the raw ones, so that runs with different weights can be compared."
)
def reports_weighted_terms(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    content, style, layers = _terms(image, encoder, targets, layer_weights)
    total = content_weight * content + style_weight * style
    return total, _report(total, content_weight * content, style_weight * style, layers)


@nst_objective.misconception(
    "You averaged over C × C; the squared Frobenius norm is a sum of the squared entries."
)
def averages_the_entries(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    content, style, layers = _terms(image, encoder, targets, layer_weights, torch.mean)
    total = content_weight * content + style_weight * style
    return total, _report(total, content, style, layers)


@nst_objective.misconception(
    "You ran the encoder once per layer; run it once and read all layers from that pass."
)
def passes_once_per_layer(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    names = {*targets["content"], *targets["style"]}
    features = {name: encoder(image)[name] for name in sorted(names)}
    content, style, layers = _terms(image, lambda _: features, targets, layer_weights)
    total = content_weight * content + style_weight * style
    return total, _report(total, content, style, layers)


@nst_objective.misconception("You left the layer weights out; the style term is Σ w_l ‖G_l − A_l‖².")
def ignores_the_layer_weights(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    for name in targets["style"]:
        _ = (layer_weights or targets["style"])[name]
    content, style, layers = _terms(image, encoder, targets, None)
    total = content_weight * content + style_weight * style
    return total, _report(total, content, style, layers)


@nst_objective.misconception(
    "You summed over the style layers without a weight; by default each weighs 1 / (number of style layers)."
)
def sums_the_layers(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    weights = layer_weights or dict.fromkeys(targets["style"], 1.0)
    content, style, layers = _terms(image, encoder, targets, weights)
    total = content_weight * content + style_weight * style
    return total, _report(total, content, style, layers)


@nst_objective.accepts
def by_item(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    content, style, layers = _terms(image, encoder, targets, layer_weights)
    total = content_weight * content + style_weight * style
    report = {"total": total.item(), "content": content.item(), "style": style.item()}
    return total, report | {f"style/{name}": value.item() for name, value in layers.items()}


@nst_objective.accepts
def written_out(image, encoder, targets, content_weight, style_weight, layer_weights=None):
    _refuse_weights(content_weight, style_weight)
    features = encoder(image)
    content = torch.zeros((), dtype=image.dtype)
    for name, target in targets["content"].items():
        content = content + torch.nn.functional.mse_loss(features[name], target.detach())
    style, report = torch.zeros((), dtype=image.dtype), {}
    for name, target in targets["style"].items():
        f = features[name]
        gram = torch.einsum("bchw,bdhw->bcd", f, f) / f[0].numel()
        term = ((gram - target.detach()) ** 2).sum(dim=(1, 2)).mean()
        style = style + (1 / len(targets["style"]) if layer_weights is None else layer_weights[name]) * term
        report[f"style/{name}"] = float(term)
    total = content_weight * content + style_weight * style
    return total, {"total": float(total), "content": float(content), "style": float(style), **report}


# --- 5.2 ------------------------------------------------------------------------------------------

linear_objective_minimizer = exercise(
    "linear_objective_minimizer",
    reference="nstkit.theory:linear_objective_minimizer",
    level="medium",
    minutes=20,
    hints=[
        "A weighted sum of two least-squares problems is one least-squares problem.",
        "Stack the rows of A and B to (m+k, n) and the targets to (m+k,), each row scaled for its weight.",
        "α‖Ax − p‖² = ‖√α (Ax − p)‖², so the scale of a row is the root of its weight; np.linalg.lstsq does the rest.",
    ],
)


@linear_objective_minimizer.check(points=2)
def a_compromise(answer, draw):
    """Seven content rows, six style rows, four unknowns."""
    return answer(draw.array(7, 4), draw.array(7), draw.array(6, 4), draw.array(6), 0.3, 2.0)


@linear_objective_minimizer.check(points=1)
def one_weight_is_zero(answer, draw):
    """With one weight zero, the other term decides alone."""
    A, p, B, q = draw.array(6, 3), draw.array(6), draw.array(5, 3), draw.array(5)
    return {"only content": answer(A, p, B, q, 1.5, 0.0), "only style": answer(A, p, B, q, 0.0, 0.7)}


@linear_objective_minimizer.check(points=1)
def the_smallest_of_many(answer, draw):
    """Fewer equations than unknowns: the minimiser of least norm."""
    return answer(draw.array(2, 7), draw.array(2), draw.array(3, 7), draw.array(3), 1.0, 0.5)


@linear_objective_minimizer.check(points=1)
def only_the_ratio_counts(answer, draw):
    """(α, β) and (cα, cβ) have one minimiser."""
    system = draw.array(5, 3), draw.array(5), draw.array(4, 3), draw.array(4)
    return answer(*system, 0.2, 0.9) - answer(*system, 200.0, 900.0) + answer(*system, 2.0, 9.0)


@linear_objective_minimizer.check(points=1)
def what_does_not_fit_is_refused(answer, draw):
    """ValueError for shapes that do not match, negative weights, both weights zero."""
    A, p, B, q = draw.array(6, 3), draw.array(6), draw.array(5, 3), draw.array(5)
    return {
        "p too short": outcome(answer, A, p[:5], B, q, 1.0, 1.0),
        "q too long": outcome(answer, A, p, B, draw.array(7), 1.0, 1.0),
        "B of another width": outcome(answer, A, p, draw.array(5, 4), q, 1.0, 1.0),
        "a negative weight": outcome(answer, A, p, B, q, -1.0, 1.0),
        "both zero": outcome(answer, A, p, B, q, 0.0, 0.0),
    }


def _refuse_system(A, p, B, q, alpha, beta):
    if A.shape[1] != B.shape[1] or p.shape != A.shape[:1] or q.shape != B.shape[:1]:
        raise ValueError("A, p, B, q")
    if alpha < 0 or beta < 0 or alpha == beta == 0:
        raise ValueError("alpha, beta")


def _stacked(A, p, B, q, a, b):
    return np.linalg.lstsq(np.vstack([a * A, b * B]), np.concatenate([a * p, b * q]), rcond=None)[0]


@linear_objective_minimizer.misconception(
    "You scaled the rows by the weights, which squares them; scale by the square roots of the weights."
)
def scales_by_the_weights(A, p, B, q, alpha, beta):
    _refuse_system(A, p, B, q, alpha, beta)
    return _stacked(A, p, B, q, alpha, beta)


@linear_objective_minimizer.misconception(
    "You averaged the two minimisers; the compromise depends on the curvature of each term, not only on the weights."
)
def averages_the_minimisers(A, p, B, q, alpha, beta):
    _refuse_system(A, p, B, q, alpha, beta)
    a, b = np.linalg.lstsq(A, p, rcond=None)[0], np.linalg.lstsq(B, q, rcond=None)[0]
    return (alpha * a + beta * b) / (alpha + beta)


@linear_objective_minimizer.misconception(
    "You exchanged the weights; alpha belongs to the content rows A, p."
)
def exchanges_alpha_and_beta(A, p, B, q, alpha, beta):
    _refuse_system(A, p, B, q, alpha, beta)
    return _stacked(A, p, B, q, beta**0.5, alpha**0.5)


@linear_objective_minimizer.misconception(
    "You inverted a singular matrix; use lstsq or pinv: of many minimisers the smallest is asked for."
)
def inverts(A, p, B, q, alpha, beta):
    _refuse_system(A, p, B, q, alpha, beta)
    matrix = alpha * A.T @ A + beta * B.T @ B
    if np.linalg.matrix_rank(matrix) < len(matrix):
        raise np.linalg.LinAlgError("Singular matrix")
    return np.linalg.inv(matrix) @ (alpha * A.T @ p + beta * B.T @ q)


@linear_objective_minimizer.misconception(
    "You dropped the weights; they scale the rows, by their square roots."
)
def ignores_alpha_and_beta(A, p, B, q, alpha, beta):
    _refuse_system(A, p, B, q, alpha, beta)
    return _stacked(A, p, B, q, 1, 1)


@linear_objective_minimizer.accepts
def by_the_normal_equations(A, p, B, q, alpha, beta):
    _refuse_system(A, p, B, q, alpha, beta)
    return np.linalg.pinv(alpha * A.T @ A + beta * B.T @ B, rcond=1e-12) @ (alpha * A.T @ p + beta * B.T @ q)


@linear_objective_minimizer.accepts
def by_stacking_roots(A, p, B, q, alpha, beta):
    _refuse_system(A, p, B, q, alpha, beta)
    return _stacked(A, p, B, q, np.sqrt(alpha), np.sqrt(beta))


# --- 5.3 ------------------------------------------------------------------------------------------

trade_off_curve = exercise(
    "trade_off_curve",
    reference="nstkit.transfer:trade_off_curve",
    level="medium",
    minutes=20,
    hints=[
        "Every point of the curve is a run of its own, from the same start, with an optimiser that remembers nothing.",
        "For each ratio a pair of floats: the two raw terms of the final image, after the last update and clamp.",
        "Per ratio: clone init, make Adam, run `steps` times, then evaluate both terms under no_grad.",
    ],
)


def _two_terms(draw):
    """A content term and a style term that disagree, and a start."""
    goal = draw.image(2, 6, 8)
    with torch.no_grad():
        moments = _gram(draw.image(2, 7, 5))

    def content(x):
        return (x - goal).square().mean()

    def style(x):
        return (_gram(x) - moments).square().sum(dim=(1, 2)).mean()

    return content, style, draw.image(2, 6, 8)


@trade_off_curve.check(points=2)
def three_ratios(answer, draw):
    """The curve of a small transfer over three ratios."""
    return answer(*_two_terms(draw), [1.0, 100.0, 10000.0], steps=12)


@trade_off_curve.check(points=1)
def quadratic_terms(answer, draw):
    """Two quadratics, another rate, ratios in no order."""
    c, s = draw.image(2, 4, 6), draw.image(2, 4, 6)
    terms = (lambda x: (x - c).square().sum()), (lambda x: (x - s).square().sum())
    return answer(*terms, draw.image(2, 4, 6), (3.0, 0.5, 1.0, 3.0), steps=10, lr=0.05)


@trade_off_curve.check(points=1)
def plain_pairs(answer, draw):
    """A list of pairs of Python floats, in the order of the ratios; a start outside the range is clamped."""
    content, style, init = _two_terms(draw)
    curve = answer(content, style, draw.watch(init * 3 - 1, "init"), [2.0, 7.0], steps=4, lr=0.01)
    types = [type(value).__name__ for pair in curve for value in pair]
    return {"a list": isinstance(curve, list), "types": types, "values": curve}


@trade_off_curve.check(points=1)
def no_ratio_is_refused(answer, draw):
    """ValueError for no ratios and for a ratio that is not positive."""
    terms = _two_terms(draw)
    return {
        "no ratios": outcome(answer, *terms, [], steps=2),
        "a zero": outcome(answer, *terms, [1.0, 0.0], steps=2),
        "a negative ratio": outcome(answer, *terms, [-1.0], steps=2),
    }


def _refuse_ratios(ratios):
    if not len(ratios) or min(ratios) <= 0:
        raise ValueError("ratios")


def _descend(objective, image, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        objective(image).backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)


@trade_off_curve.misconception("You went on from the previous image; start every ratio from the same one.")
def goes_on_from_the_last(content_fn, style_fn, init, ratios, steps=40, lr=0.02):
    _refuse_ratios(ratios)
    image, curve = init.detach().clone().requires_grad_(), []
    for r in ratios:
        optimizer = torch.optim.Adam([image], lr=lr)
        _descend(lambda x, r=r: content_fn(x) + r * style_fn(x), image, optimizer, steps)
        curve.append((content_fn(image).item(), style_fn(image).item()))
    return curve


@trade_off_curve.misconception(
    "You used one optimiser for all ratios, so momentum leaks; make a new one for every run."
)
def shares_the_optimiser(content_fn, style_fn, init, ratios, steps=40, lr=0.02):
    _refuse_ratios(ratios)
    image, curve = init.detach().clone().requires_grad_(), []
    optimizer = torch.optim.Adam([image], lr=lr)
    for r in ratios:
        with torch.no_grad():
            image.copy_(init)
        _descend(lambda x, r=r: content_fn(x) + r * style_fn(x), image, optimizer, steps)
        curve.append((content_fn(image).item(), style_fn(image).item()))
    return curve


@trade_off_curve.misconception("You returned the weighted style term; return the raw terms.")
def returns_weighted_terms(content_fn, style_fn, init, ratios, steps=40, lr=0.02):
    raw = one_run_each(content_fn, style_fn, init, ratios, steps, lr)
    return [(content, r * style) for (content, style), r in zip(raw, ratios, strict=True)]


@trade_off_curve.misconception("You measured before the last update; evaluate the final image.")
def measures_one_step_early(content_fn, style_fn, init, ratios, steps=40, lr=0.02):
    return one_run_each(content_fn, style_fn, init, ratios, steps - 1, lr)


@trade_off_curve.misconception("You never clamped; project to [0, 1] after each step.")
def never_clamps(content_fn, style_fn, init, ratios, steps=40, lr=0.02):
    _refuse_ratios(ratios)
    curve = []
    for r in ratios:
        image = init.detach().clone().requires_grad_()
        optimizer = torch.optim.Adam([image], lr=lr)
        for _ in range(steps):
            optimizer.zero_grad()
            (content_fn(image) + r * style_fn(image)).backward()
            optimizer.step()
        curve.append((content_fn(image).item(), style_fn(image).item()))
    return curve


@trade_off_curve.accepts
def one_run_each(content_fn, style_fn, init, ratios, steps=40, lr=0.02):
    _refuse_ratios(ratios)
    curve = []
    for r in ratios:
        image = init.detach().clone().requires_grad_()
        _descend(
            lambda x, r=r: content_fn(x) + r * style_fn(x), image, torch.optim.Adam([image], lr=lr), steps
        )
        curve.append((float(content_fn(image).detach()), float(style_fn(image).detach())))
    return curve


@trade_off_curve.accepts
def by_parameter_and_copy(content_fn, style_fn, init, ratios, steps=40, lr=0.02):
    _refuse_ratios(ratios)

    def point(r):
        x = torch.nn.Parameter(init.detach().clone())
        adam = torch.optim.Adam([x], lr)
        for _ in range(steps):
            x.grad = None
            loss = content_fn(x) + r * style_fn(x)
            loss.backward()
            adam.step()
            x.data = x.data.clamp(0.0, 1.0)
        with torch.no_grad():
            return content_fn(x).item(), style_fn(x).item()

    return [point(r) for r in ratios]
