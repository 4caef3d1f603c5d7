"""Lesson 13, optimisers: Adam, the two loops, L-BFGS on an image, a line search, accumulated gradients."""

import weakref

import numpy as np
import torch
from torch import nn

from nstkit.grading import exercise, outcome

# --- 13.1 -----------------------------------------------------------------------------------------

adam_step = exercise(
    "adam_step",
    reference="nstkit.theory:adam_step",
    level="medium",
    minutes=20,
    hints=[
        "Two running averages, of g and of g², both started at 0 and therefore too small at first.",
        "m̂ = m / (1 − β₁^t) and v̂ = v / (1 − β₂^t), with t = 1 in the very first step; the state carries m, v and t.",
        "Coupled decay goes into g before the averages; decoupled decay shrinks θ by (1 − lr·wd), not g.",
    ],
)


def _gradients(draw, count=4, shape=(3, 4)):
    """Gradients of very different size; some near 1e-6, where the place of eps shows."""
    sizes = np.geomspace(1e-7, 3, int(np.prod(shape))).reshape(shape)
    return [draw.watch(draw.rng.normal(size=shape) * sizes, "grad") for _ in range(count)]


def _path(answer, draw, **options):
    """θ after each of several steps."""
    theta, state, path = draw.array(3, 4), None, []
    for grad in _gradients(draw):
        theta, state = answer(theta, grad, state, **options)
        path.append(np.array(theta))
    return path


@adam_step.check(points=2)
def four_steps(answer, draw):
    """Four steps with the usual settings, gradients from 1e-7 to 3."""
    return _path(answer, draw)


@adam_step.check(points=1)
def other_settings(answer, draw):
    """Another rate, other betas, a larger eps; by position."""
    theta, state = draw.array(5), None
    for grad in _gradients(draw, 3, (5,)):
        theta, state = answer(theta, grad, state, 0.1, (0.5, 0.8), 1e-3)
    return {"by position": theta, "betas of 0": _path(answer, draw, lr=0.02, betas=(0.0, 0.0))}


@adam_step.check(points=2)
def both_decays(answer, draw):
    """Coupled decay is Adam's, decoupled decay is AdamW's."""
    return {
        name: _path(answer, draw, lr=0.05, weight_decay=0.3, decoupled=decoupled)
        for name, decoupled in (("coupled", False), ("decoupled", True))
    }


@adam_step.check(points=1)
def the_old_state_stays(answer, draw):
    """Two steps from one state agree: neither it nor θ nor the gradient is changed."""
    first, second, third = _gradients(draw, 3)
    theta, state = answer(draw.array(3, 4), first, None, 0.1)
    start = np.array(theta)
    once, _ = answer(theta, second, state, 0.1)
    answer(theta, third, state, 0.1)
    again, _ = answer(theta, second, state, 0.1)
    return {"once": np.array(once), "again": again, "θ": np.array_equal(start, theta)}


@adam_step.check(points=1)
def single_precision_stays(answer, draw):
    """float32 stays float32 over several steps, with decay."""
    theta, state = draw.array(4, dtype=np.float32), None
    for _ in range(3):
        theta, state = answer(theta, draw.array(4, dtype=np.float32), state, 0.1, weight_decay=0.1)
    return theta


@adam_step.check(points=1)
def bad_settings_are_refused(answer, draw):
    """ValueError for shapes that differ, a negative rate, a beta outside [0, 1)."""
    theta, grad = draw.array(3, 4), draw.array(3, 4)
    return {
        "shapes": outcome(answer, theta, draw.array(3, 1), None),
        "rate": outcome(answer, theta, grad, None, -0.1),
        "beta 1": outcome(answer, theta, grad, None, 0.1, (1.0, 0.9)),
        "beta below 0": outcome(answer, theta, grad, None, 0.1, (0.9, -0.1)),
    }


def _refuse_adam(theta, grad, lr, betas):
    if theta.shape != grad.shape or lr < 0 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError("grad, lr, betas")


def _adam(
    theta, grad, state, lr, betas, eps, weight_decay, decoupled, *, correct=True, inside=False, start=1,
    through=False,
):  # fmt: skip
    """Adam with the switches that the misconceptions throw."""
    _refuse_adam(theta, grad, lr, betas)
    m, v, t = state["all"] if state else (0.0, 0.0, start - 1)
    if decoupled and not through:
        theta = theta * (1 - lr * weight_decay)
    else:
        grad = grad + weight_decay * theta
    t, m, v = t + 1, betas[0] * m + (1 - betas[0]) * grad, betas[1] * v + (1 - betas[1]) * grad * grad
    m_hat, v_hat = (m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)) if correct else (m, v)
    root = np.sqrt(v_hat + eps) if inside else np.sqrt(v_hat) + eps
    return theta - lr * m_hat / root, {"all": (m, v, t)}


@adam_step.misconception(
    "You left the bias correction out, so the first steps have the wrong size; divide by 1 − β^t."
)
def corrects_nothing(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    return _adam(theta, grad, state, lr, betas, eps, weight_decay, decoupled, correct=False)


@adam_step.misconception(
    "You added eps inside the root, where it swamps small gradients; add it after the square root."
)
def adds_eps_inside(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    return _adam(theta, grad, state, lr, betas, eps, weight_decay, decoupled, inside=True)


@adam_step.misconception(
    "You counted one step too many, which corrects too little at first; the first step has t = 1."
)
def counts_from_two(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    return _adam(theta, grad, state, lr, betas, eps, weight_decay, decoupled, start=2)


@adam_step.misconception("You counted from 0 and divided by 1 − β⁰ = 0; the first step has t = 1.")
def counts_from_zero(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    theta, state = _adam(theta, grad, state, lr, betas, eps, weight_decay, decoupled, start=0)
    if not np.isfinite(theta).all():
        raise ZeroDivisionError("1 - beta ** 0")
    return theta, state


@adam_step.misconception(
    "You fed the decoupled decay through the gradient, which is Adam's; it bypasses the moments: shrink θ directly."
)
def decays_through_the_moments(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    return _adam(theta, grad, state, lr, betas, eps, weight_decay, decoupled, through=True)


@adam_step.misconception(
    "You exchanged the betas; β₁ belongs to the mean of g, β₂ to the mean of its square."
)
def exchanges_the_betas(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    return _adam(theta, grad, state, lr, betas[::-1], eps, weight_decay, decoupled)


@adam_step.misconception(
    "You changed the old state in place, so a step cannot be repeated; return a new state."
)
def changes_the_state(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    theta, new = _adam(theta, grad, state, lr, betas, eps, weight_decay, decoupled)
    if state is None:
        return theta, new
    state.update(new)
    return theta, state


@adam_step.misconception(
    "You shrank θ by wd alone; the decoupled decay is multiplied by the learning rate too."
)
def decays_without_the_rate(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    if not decoupled:
        return _adam(theta, grad, state, lr, betas, eps, weight_decay, False)
    _refuse_adam(theta, grad, lr, betas)
    return _adam(theta * (1 - weight_decay), grad, state, lr, betas, eps, 0.0, True)


@adam_step.accepts
def with_a_corrected_rate(
    theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False
):
    _refuse_adam(theta, grad, lr, betas)
    state = {"step": 0, "exp_avg": np.zeros_like(grad), "exp_avg_sq": np.zeros_like(grad)} | (state or {})
    t = state["step"] + 1
    theta, grad = (
        (theta * (1 - lr * weight_decay), grad) if decoupled else (theta, grad + weight_decay * theta)
    )
    m = state["exp_avg"] + (1 - betas[0]) * (grad - state["exp_avg"])
    v = betas[1] * state["exp_avg_sq"] + (1 - betas[1]) * grad**2
    root = (1 - betas[1] ** t) ** 0.5
    rate = lr * root / (1 - betas[0] ** t)
    return theta - rate * m / (np.sqrt(v) + eps * root), {"step": t, "exp_avg": m, "exp_avg_sq": v}


@adam_step.accepts
def on_copies(theta, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    _refuse_adam(theta, grad, lr, betas)
    theta, grad = theta.copy(), grad.copy()
    m, v, t = (state["m"].copy(), state["v"].copy(), state["t"]) if state else (0 * grad, 0 * grad, 0)
    if decoupled:
        theta *= 1 - lr * weight_decay
    else:
        grad += weight_decay * theta
    t += 1
    m *= betas[0]
    m += (1 - betas[0]) * grad
    v *= betas[1]
    v += (1 - betas[1]) * grad**2
    theta -= lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return theta, {"m": m, "v": v, "t": t}


# --- 13.2 -----------------------------------------------------------------------------------------

lbfgs_direction = exercise(
    "lbfgs_direction",
    reference="nstkit.theory:lbfgs_direction",
    level="hard",
    minutes=35,
    hints=[
        "H is never written down: each pair changes the vector on the way in and again on the way out.",
        "First loop newest to oldest, α = ρ sᵀq and q −= α y; second loop back, β = ρ yᵀr and r += (α − β) s.",
        "Between the loops r = γ q with γ = sᵀy / yᵀy of the newest pair that is not skipped; the answer is −r.",
    ],
)


def _pairs(draw, count, n=6):
    """Pairs of an ill-conditioned convex quadratic, oldest first, and a gradient."""
    q, _ = np.linalg.qr(draw.rng.normal(size=(n, n)))
    hessian = (q * np.geomspace(0.1, 30, n)) @ q.T
    moves = [draw.array(n) for _ in range(count)]
    return draw.array(n), moves, [draw.watch(hessian @ s, "y") for s in moves]


@lbfgs_direction.check(points=2)
def four_pairs(answer, draw):
    """Four pairs of a quadratic with curvatures from 0.1 to 30."""
    return answer(*_pairs(draw, 4))


@lbfgs_direction.check(points=1)
def one_pair_and_none(answer, draw):
    """One pair; none, which is steepest descent; one dimension, which is Newton's step."""
    grad, moves, turns = _pairs(draw, 1)
    return {
        "one": answer(grad, moves, turns),
        "none": answer(grad, [], []),
        "one dimension": answer(draw.array(1), [np.array([0.5])], [np.array([2.0])]),
    }


@lbfgs_direction.check(points=1, atol=1e-9)
def the_secant_condition(answer, draw):
    """H takes the newest y to the newest s."""
    _, moves, turns = _pairs(draw, 3)
    return answer(turns[-1], moves, turns) + moves[-1]


@lbfgs_direction.check(points=1)
def pairs_without_curvature(answer, draw):
    """Pairs with yᵀs up to 1e-10 are skipped, the newest too; all skipped is −g."""
    grad, moves, turns = _pairs(draw, 4)
    middle = [turns[0], -turns[1], turns[2], turns[3]]
    newest = [turns[0], turns[1], turns[2], -0.3 * turns[3]]
    flat = [turns[0], turns[1], turns[2], 0 * turns[3]]
    return {
        "an old one": answer(grad, moves, middle),
        "the newest": answer(grad, moves, newest),
        "a flat one": answer(grad, moves, flat),
        "all": answer(grad, moves, [-y for y in turns]),
    }


@lbfgs_direction.check(points=1)
def any_sequences(answer, draw):
    """Tuples and stacked arrays are as good as lists."""
    grad, moves, turns = _pairs(draw, 3, 5)
    return {
        "tuples": answer(grad, tuple(moves), tuple(turns)),
        "arrays": answer(grad, np.stack(moves), np.stack(turns)),
    }


@lbfgs_direction.check(points=1)
def unequal_lengths_are_refused(answer, draw):
    """ValueError for lists of unequal lengths."""
    grad, moves, turns = _pairs(draw, 3)
    return {
        "one y too few": outcome(answer, grad, moves, turns[:2]),
        "no s": outcome(answer, grad, [], turns),
        "one s too few": outcome(answer, grad, moves[1:], turns),
    }


def _usable(s_list, y_list):
    if len(s_list) != len(y_list):
        raise ValueError("s_list, y_list")
    return [(s, y) for s, y in zip(s_list, y_list, strict=True) if y @ s > 1e-10]


def _gamma(pairs):
    return pairs[-1][0] @ pairs[-1][1] / (pairs[-1][1] @ pairs[-1][1])


def _two_loops(grad, pairs, gamma, first=None, inner=lambda s, y: y, sign=-1):
    """The recursion with the switches that the misconceptions throw."""
    if not pairs:
        return sign * grad
    order = list(range(len(pairs)))[::-1] if first is None else first
    q, alpha = grad.copy(), {}
    for k in order:
        s, y = pairs[k]
        alpha[k] = s @ q / (y @ s)
        q = q - alpha[k] * y
    r = gamma(pairs) * q
    for k in order[::-1]:
        s, y = pairs[k]
        r = r + (alpha[k] - inner(s, y) @ r / (y @ s)) * s
    return sign * r


@lbfgs_direction.misconception(
    "You ran the first loop from the oldest pair; first newest to oldest, then oldest to newest."
)
def runs_the_loops_the_wrong_way(grad, s_list, y_list):
    pairs = _usable(s_list, y_list)
    return _two_loops(grad, pairs, _gamma, first=list(range(len(pairs))))


@lbfgs_direction.misconception("You took H₀ = I, which has the wrong scale; take γI with γ = sᵀy / yᵀy.")
def scales_by_one(grad, s_list, y_list):
    return _two_loops(grad, _usable(s_list, y_list), lambda pairs: 1.0)


@lbfgs_direction.misconception("You took γ from the oldest pair; take it from the newest.")
def scales_by_the_oldest(grad, s_list, y_list):
    return _two_loops(grad, _usable(s_list, y_list), lambda pairs: _gamma(pairs[:1]))


@lbfgs_direction.misconception(
    "You took γ = sᵀs / sᵀy, the other of two common scalings; take γ = sᵀy / yᵀy of the newest pair."
)
def scales_by_the_long_formula(grad, s_list, y_list):
    def gamma(pairs):
        s, y = pairs[-1]
        return s @ s / (s @ y)

    return _two_loops(grad, _usable(s_list, y_list), gamma)


@lbfgs_direction.misconception("You used s in the second loop's inner product; there β = ρ yᵀr.")
def takes_s_in_the_second_loop(grad, s_list, y_list):
    return _two_loops(grad, _usable(s_list, y_list), _gamma, inner=lambda s, y: s)


@lbfgs_direction.misconception("You returned H g, which goes uphill; return −H g.")
def goes_uphill(grad, s_list, y_list):
    return _two_loops(grad, _usable(s_list, y_list), _gamma, sign=1)


@lbfgs_direction.misconception(
    "You used pairs with yᵀs ≤ 0, where H is no longer positive; skip pairs without positive curvature."
)
def skips_nothing(grad, s_list, y_list):
    _usable(s_list, y_list)
    with np.errstate(all="ignore"):
        d = _two_loops(grad, list(zip(s_list, y_list, strict=True)), _gamma)
    return np.nan_to_num(d, nan=1e300, posinf=1e300, neginf=-1e300)


@lbfgs_direction.misconception(
    "You skipped pairs but took γ from the last one all the same; the newest pair is the newest that is not skipped."
)
def scales_by_a_skipped_pair(grad, s_list, y_list):
    pairs = _usable(s_list, y_list)
    with np.errstate(all="ignore"):
        d = _two_loops(grad, pairs, lambda _: _gamma([(s_list[-1], y_list[-1])]))
    return np.nan_to_num(d, nan=1e300, posinf=1e300, neginf=-1e300)


@lbfgs_direction.accepts
def by_dense_matrices(grad, s_list, y_list):
    pairs = _usable(s_list, y_list)
    if not pairs:
        return -grad
    eye = np.eye(len(grad))
    inverse = _gamma(pairs) * eye
    for s, y in pairs:
        rho = 1 / (y @ s)
        left = eye - rho * np.outer(s, y)
        inverse = left @ inverse @ left.T + rho * np.outer(s, s)
    return -inverse @ grad


@lbfgs_direction.accepts
def by_stacks(grad, s_list, y_list):
    if len(s_list) != len(y_list):
        raise ValueError("s_list")
    keep = [k for k in range(len(s_list)) if np.dot(s_list[k], y_list[k]) > 1e-10]
    if not keep:
        return -grad.copy()
    s, y = np.stack([s_list[k] for k in keep]), np.stack([y_list[k] for k in keep])
    rho, q, a = 1 / np.einsum("kn,kn->k", s, y), -grad, np.zeros(len(keep))
    for k in range(len(keep) - 1, -1, -1):
        a[k] = rho[k] * s[k].dot(q)
        q = q - a[k] * y[k]
    q = q / rho[-1] / y[-1].dot(y[-1])
    for k in range(len(keep)):
        q = q + s[k] * (a[k] - rho[k] * y[k].dot(q))
    return q


# --- 13.3 -----------------------------------------------------------------------------------------

minimize_lbfgs = exercise(
    "minimize_lbfgs",
    reference="nstkit.transfer:minimize_lbfgs",
    level="medium",
    minutes=20,
    hints=[
        "One `step` of torch's L-BFGS is a whole run: it calls your closure as often as it needs.",
        "The parameter is a contiguous clone of init that requires a gradient; the closure returns the 0-d loss.",
        "In the closure: zero_grad, loss = objective(x), loss.backward(), note float(loss), return loss.",
    ],
)


def _bowl(draw, n=100, condition=1e4):
    """A convex quadratic of 100 dimensions whose curvatures differ by `condition`, and a far start."""
    q, _ = np.linalg.qr(draw.rng.normal(size=(n, n)))
    matrix = torch.from_numpy((q * np.geomspace(1, condition, n)) @ q.T)
    goal = torch.from_numpy(draw.rng.normal(size=n))
    start = goal + torch.from_numpy(draw.rng.normal(size=n))

    def objective(x):
        d = x.reshape(-1) - goal
        return 0.5 * d @ matrix @ d

    return objective, draw.watch(start, "init")


@minimize_lbfgs.check(points=2)
def a_narrow_valley(answer, draw):
    """A quadratic of condition 10⁴: after 60 iterations less than a thousandth of the start is left."""
    objective, init = _bowl(draw)
    x, history = answer(objective, init)
    start, end = float(objective(init)), float(objective(x))
    return {
        "below a thousandth of the start": end < 1e-3 * start,
        "no worse than the best seen, or nearly": end <= 1.1 * min(history),
        "detached": not x.requires_grad,
        "shape and dtype": [list(x.shape), str(x.dtype)],
    }


@minimize_lbfgs.check(points=2)
def the_budget(answer, draw):
    """The history has every evaluation, the first at init; about 1.25 times max_iter of them, no more."""
    objective, init = _bowl(draw)
    calls = []

    def counted(x):
        calls.append(1)
        return objective(x)

    _, history = answer(counted, init, 24)
    return {
        "history is as long as the objective was called": len(history) == len(calls),
        "evaluations within the budget": 12 <= len(calls) <= 1.25 * 24 + 2,
        "plain floats": all(type(value) is float for value in history),
        "first": history[0],
    }


@minimize_lbfgs.check(points=1)
def the_memory_is_yours_to_choose(answer, draw):
    """Another history_size takes another path, and a longer memory gets lower."""
    objective, init = _bowl(draw)
    (short, first), (long, second) = (answer(objective, init, 40, size) for size in (1, 12))
    return {
        "another path": first != second,
        "lower": float(objective(long)) < float(objective(short)),
        "first": [first[0], second[0]],
    }


@minimize_lbfgs.check(points=1)
def images_in_any_layout(answer, draw):
    """A batch of images that is not contiguous; init is left alone."""
    goal, init = draw.image(2, 5, 8), draw.image(2, 5, 8, strided=True)

    def objective(x):
        return (x - goal).pow(2).sum() + (x - goal).pow(4).sum()

    x, history = answer(objective, init, max_iter=40, history_size=5)
    return {
        "reached": float((x - goal).abs().max()) < 1e-3,
        "shape": list(x.shape),
        "first": history[0],
        "another tensor": x.data_ptr() != init.data_ptr(),
        "init": bool(init.requires_grad),
    }


@minimize_lbfgs.check(points=1)
def the_objective_is_asked_where_it_matters(answer, draw):
    """A minimum outside [0, 1] is found: nothing is clamped on the way."""
    goal = draw.image(2, 4, 6) * 3 - 1
    x, _ = answer(
        lambda x: ((x - goal) * 2).square().sum() + (x - goal).pow(4).sum(), draw.image(2, 4, 6), 30
    )
    return {"reached": float((x - goal).abs().max()) < 1e-2}


@minimize_lbfgs.check(points=1)
def bad_arguments_are_refused(answer, draw):
    """ValueError for max_iter below 1 and for an objective that is not a scalar."""
    init = draw.image(2, 4, 6)
    return {
        "max_iter 0": outcome(answer, lambda x: x.square().sum(), init, 0),
        "one loss per image": outcome(answer, lambda x: x.square().sum((1, 2, 3)), init, 5),
        "one loss in a list": outcome(answer, lambda x: x.square().sum()[None], init, 5),
    }


def _lbfgs(
    objective, init, max_iter, history_size, *, clear=True, backward=True, clamp=False, clone=True, steps=1,
    inside=True,
):  # fmt: skip
    """The run with the switches that the misconceptions throw."""
    if max_iter < 1:
        raise ValueError("max_iter")
    x = (init.detach().clone(memory_format=torch.contiguous_format) if clone else init).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [x], lr=1, max_iter=max_iter, history_size=history_size, line_search_fn="strong_wolfe"
    )
    history = []
    stale = None if inside else objective(x)

    def closure():
        if clear:
            optimizer.zero_grad()
        if clamp:
            x.data.clamp_(0, 1)
        loss = objective(x) if inside else stale
        if loss.ndim:
            raise ValueError("objective")
        if backward:
            loss.backward()
        history.append(float(loss.detach()))
        return loss

    for _ in range(steps):
        optimizer.step(closure)
    result = x.detach()
    if not clone:
        init.requires_grad_(False)
    return result, history


@minimize_lbfgs.misconception(
    "You never cleared the gradient, so the closure returns sums of old ones; call zero_grad inside the closure."
)
def never_clears(objective, init, max_iter=60, history_size=10):
    return _lbfgs(objective, init, max_iter, history_size, clear=False)


@minimize_lbfgs.misconception(
    "You called step once for each iteration, but one step already runs up to max_iter of them; call it once."
)
def steps_again_and_again(objective, init, max_iter=60, history_size=10):
    return _lbfgs(objective, init, max_iter, history_size, steps=10)


@minimize_lbfgs.misconception(
    "You computed the loss outside the closure; the closure must evaluate the objective anew each time."
)
def computes_the_loss_once(objective, init, max_iter=60, history_size=10):
    return _lbfgs(objective, init, max_iter, history_size, inside=False)


@minimize_lbfgs.misconception("You left backward out, so nothing moves; the closure must fill the gradient.")
def fills_no_gradient(objective, init, max_iter=60, history_size=10):
    return _lbfgs(objective, init, max_iter, history_size, backward=False)


@minimize_lbfgs.misconception(
    "You clamped inside the closure, which falsifies the curvature; do not change the parameter during the search."
)
def clamps_in_the_closure(objective, init, max_iter=60, history_size=10):
    return _lbfgs(objective, init, max_iter, history_size, clamp=True)


@minimize_lbfgs.misconception("You optimised the caller's own tensor; clone the starting image.")
def moves_the_callers_tensor(objective, init, max_iter=60, history_size=10):
    if not init.is_contiguous():
        copy = init.contiguous()
        result, history = _lbfgs(objective, copy, max_iter, history_size, clone=False)
        init.copy_(result)
        return init, history
    return _lbfgs(objective, init, max_iter, history_size, clone=False)


@minimize_lbfgs.misconception(
    "You left history_size out, and torch remembers 100 pairs; hand it on to the optimiser."
)
def ignores_the_history_size(objective, init, max_iter=60, history_size=10):
    return _lbfgs(objective, init, max_iter, 100)


@minimize_lbfgs.accepts
def in_one_step(objective, init, max_iter=60, history_size=10):
    return _lbfgs(objective, init, max_iter, history_size)


@minimize_lbfgs.accepts
def by_outer_steps_that_share_the_budget(objective, init, max_iter=60, history_size=10):
    if max_iter < 1:
        raise ValueError("max_iter")
    x = nn.Parameter(init.detach().clone(memory_format=torch.contiguous_format))
    optimizer = torch.optim.LBFGS(
        [x], lr=1, max_iter=1, max_eval=2, history_size=history_size, tolerance_change=0
    )
    history = []

    def closure():
        optimizer.zero_grad()
        loss = objective(x)
        if loss.dim() != 0:
            raise ValueError("objective: expected a scalar")
        loss.backward()
        history.append(loss.item())
        return loss

    for _ in range(max_iter):
        optimizer.step(closure)
    return x.detach(), history


@minimize_lbfgs.accepts
def without_a_line_search(objective, init, max_iter=60, history_size=10):
    if max_iter < 1:
        raise ValueError("max_iter")
    x = init.detach().clone().contiguous().requires_grad_(True)
    optimizer, history = torch.optim.LBFGS([x], max_iter=max_iter, history_size=history_size), []

    def closure():
        loss = objective(x)
        if loss.shape != ():
            raise ValueError("objective")
        x.grad = torch.autograd.grad(loss, x)[0]
        history.append(float(loss.detach()))
        return loss

    optimizer.step(closure)
    return x.detach(), history


# --- 13.4 -----------------------------------------------------------------------------------------

armijo_line_search = exercise(
    "armijo_line_search",
    reference="nstkit.theory:armijo_line_search",
    level="easy",
    minutes=15,
    hints=[
        "A step is good if f falls by at least a small share of what the slope promises for that step.",
        "The slope along d is the number gᵀd, below 0; the bound at step s is f(x) + c1 · s · gᵀd.",
        "f(x) once, then for s = step, step·shrink, …: the first s that passes, and how many did not.",
    ],
)


def _plain(result):
    """A step and a count as Python numbers."""
    step, rejected = result
    return [float(step), int(rejected)]


def _half_square(x):
    return 0.5 * float(x @ x)


@armijo_line_search.check(points=2)
def four_cases_by_hand(answer, draw):
    """f = ½x² from x = 1, c1 = 0.1, four directions."""
    one = draw.watch(np.array([1.0]), "x")
    results = {}
    for d in (-1.9, -2.1, -0.05, -40.0):
        direction = draw.watch(np.array([d]), "direction")
        results[f"d = {d}"] = outcome(lambda v=direction: _plain(answer(_half_square, one, v, one, c1=0.1)))
    return results


@armijo_line_search.check(points=1)
def other_settings_of_the_search(answer, draw):
    """A curved function of five numbers, another first step, another shrink."""
    hessian, x = np.geomspace(0.1, 90, 5), draw.array(5)
    grad = hessian * x + 4 * x**3
    direction = draw.watch(-grad * draw.rng.uniform(0.5, 1.5, size=5), "direction")

    def f(z):
        return 0.5 * float((hessian * z) @ z) + float((z**4).sum())

    return outcome(lambda: _plain(answer(f, x, direction, grad, 2.0, 0.7, 0.2)))


@armijo_line_search.check(points=1)
def f_is_expensive(answer, draw):
    """f is called once at x and once for each trial, always from the same x."""
    seen, x = [], draw.array(3)
    direction = draw.watch(-30 * x, "direction")

    def f(z):
        seen.append(np.array(z))
        return _half_square(z)

    answer(f, x, direction, x, c1=0.1)
    steps = sorted(float((z - x) @ direction / (direction @ direction)) for z in seen)
    return {"calls": len(seen), "at x": sum(np.allclose(z, x) for z in seen), "steps": np.array(steps)}


@armijo_line_search.check(points=1)
def after_max_trials(answer, draw):
    """The last allowed trial may pass; as many rejections as max_trials raise RuntimeError."""
    one, far = draw.watch(np.array([1.0]), "x"), draw.watch(np.array([-40.0]), "direction")
    return {
        f"max_trials = {n}": outcome(
            lambda n=n: _plain(answer(_half_square, one, far, one, c1=0.1, max_trials=n))
        )
        for n in (6, 5)
    }


@armijo_line_search.check(points=1)
def no_descent_is_refused(answer, draw):
    """ValueError if gᵀd ≥ 0, for shrink or c1 outside (0, 1), for a step that is not positive."""
    x = draw.array(3)
    down = draw.watch(-x, "direction")
    bad = {"shrink": 1.0}, {"shrink": 0.0}, {"c1": 0.0}, {"c1": 1.0}, {"step": 0.0}, {"step": -1.0}
    cases = {str(b): outcome(answer, _half_square, x, down, x, **b) for b in bad}
    return cases | {
        "uphill": outcome(answer, _half_square, x, x, x),
        "no slope": outcome(answer, _half_square, x, np.zeros(3), x),
    }


def _refuse_search(direction, grad, step, shrink, c1):
    if float(np.dot(grad, direction)) >= 0 or not 0 < shrink < 1 or not 0 < c1 < 1 or step <= 0:
        raise ValueError("direction, shrink, c1, step")


def _search(f, x, direction, grad, step, shrink, c1, max_trials, bound, moving=False, extra=1.0):
    """Backtracking with another bound: bound(s, slope)."""
    _refuse_search(direction, grad, step, shrink, c1)
    start, slope, here = f(x), float(np.dot(grad, direction)), x
    for rejected in range(max_trials):
        there = here + step * direction
        if f(there) <= start + bound(step, slope):
            return step * extra, rejected
        here = there if moving else here
        step *= shrink
    raise RuntimeError("max_trials")


@armijo_line_search.misconception(
    "You accepted any decrease; demand one in proportion to the step, c1 · s · gᵀd."
)
def accepts_any_decrease(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    return _search(f, x, direction, grad, step, shrink, c1, max_trials, lambda s, slope: 0.0)


@armijo_line_search.misconception(
    "You put the bound above f(x), so f may rise; gᵀd is negative, and the bound lies below f(x)."
)
def allows_a_rise(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    return _search(f, x, direction, grad, step, shrink, c1, max_trials, lambda s, slope: -c1 * s * slope)


@armijo_line_search.misconception(
    "You took −‖g‖² for the slope; along d it is gᵀd, the same only for d = −g."
)
def takes_the_steepest_slope(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    steepest = -float(np.dot(grad, grad))
    return _search(f, x, direction, grad, step, shrink, c1, max_trials, lambda s, slope: c1 * s * steepest)


@armijo_line_search.misconception(
    "You left s out of the bound, and no step may ever be short enough; the bound shrinks with the step."
)
def leaves_the_step_out(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    return _search(f, x, direction, grad, step, shrink, c1, max_trials, lambda s, slope: c1 * slope)


@armijo_line_search.misconception("You went on from the rejected point; every trial starts from the same x.")
def moves_x(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    return _search(
        f, x, direction, grad, step, shrink, c1, max_trials, lambda s, slope: c1 * s * slope, moving=True
    )


@armijo_line_search.misconception("You shrank once more before returning; return the step that was accepted.")
def shrinks_once_more(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    return _search(
        f, x, direction, grad, step, shrink, c1, max_trials, lambda s, slope: c1 * s * slope, extra=shrink
    )


@armijo_line_search.misconception(
    "You evaluated f(x) again in every trial; it does not change: evaluate it once."
)
def evaluates_f_at_x_again(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    _refuse_search(direction, grad, step, shrink, c1)
    for k in range(max_trials):
        s = step * shrink**k
        if f(x + s * direction) <= f(x) + c1 * s * np.dot(grad, direction):
            return s, k
    raise RuntimeError("max_trials")


@armijo_line_search.accepts
def by_recursion(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    _refuse_search(direction, grad, step, shrink, c1)
    start, slope = f(x), grad @ direction

    def attempt(s, rejected):
        if rejected == max_trials:
            raise RuntimeError("max_trials")
        if f(x + s * direction) <= start + c1 * s * slope:
            return s, rejected
        return attempt(s * shrink, rejected + 1)

    return attempt(step, 0)


@armijo_line_search.accepts
def by_a_while_loop(f, x, direction, grad, step=1.0, shrink=0.5, c1=1e-4, max_trials=30):
    _refuse_search(direction, grad, step, shrink, c1)
    value, slope, trials = f(x), np.vdot(grad, direction), 0
    while not f(x + step * direction) - value <= c1 * step * slope:
        trials += 1
        if trials >= max_trials:
            raise RuntimeError("max_trials")
        step = step * shrink
    return step, trials


# --- 13.5 -----------------------------------------------------------------------------------------

accumulate_gradients = exercise(
    "accumulate_gradients",
    reference="nstkit.training:accumulate_gradients",
    level="medium",
    minutes=15,
    hints=[
        "backward adds to .grad. Use that: the gradient of a sum is the sum of the gradients.",
        "A piece of n_k rows counts n_k/n of the mean over all n rows; gradients are cleared once, at the start.",
        "Per piece: share = loss_fn(piece) · len(piece)/n, share.backward(), total += share.detach().",
    ],
)


class _Box:
    """What a graph keeps for its backward pass: it lives as long as the graph."""

    def __init__(self, tensor):
        self.tensor = tensor


def _problem(draw, dtype=torch.float64):
    """Three trainable tensors, one of which no loss uses, a loss, and rows in uneven pieces."""
    w = draw.tensor(4, 3, dtype=dtype).requires_grad_()
    b = draw.tensor(3, dtype=dtype).requires_grad_()
    unused = draw.tensor(2, dtype=dtype).requires_grad_()
    pieces = [draw.tensor(n, 4, dtype=dtype) for n in (5, 1, 3)]

    def loss_fn(piece):
        return (torch.tanh(piece @ w + b) * piece[:, :3]).square().sum(1).mean()

    return loss_fn, [w, b, unused], pieces


def _grads(parameters):
    return ["none" if p.grad is None else p.grad.clone() for p in parameters]


@accumulate_gradients.check(points=2)
def uneven_pieces(answer, draw):
    """Pieces of 5, 1 and 3 rows: gradient and loss of the mean over all nine."""
    loss_fn, parameters, pieces = _problem(draw)
    loss = answer(loss_fn, parameters, pieces)
    return {"loss": loss.detach(), "gradients": _grads(parameters)}


@accumulate_gradients.check(points=1)
def twice_in_a_row(answer, draw):
    """Old gradients are dropped, and the second call gives what the first gave; the loss has no graph."""
    loss_fn, parameters, pieces = _problem(draw)
    for parameter in parameters[:2]:
        parameter.grad = torch.ones_like(parameter)
    answer(loss_fn, parameters, pieces)
    first = _grads(parameters)
    loss = answer(loss_fn, parameters, pieces[::-1])
    return {"first": first, "second": _grads(parameters), "detached": not loss.requires_grad}


@accumulate_gradients.check(points=1)
def one_graph_at_a_time(answer, draw):
    """When a piece begins, the graph of the one before is gone."""
    loss_fn, parameters, pieces = _problem(draw)
    kept, counts = weakref.WeakSet(), []

    def pack(tensor):
        box = _Box(tensor)
        kept.add(box)
        return box

    def watched(piece):
        counts.append(len(kept))
        return loss_fn(piece)

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
        answer(watched, parameters, pieces)
    return {"pieces": len(counts), "tensors of earlier graphs": counts}


@accumulate_gradients.check(points=1)
def one_piece_in_single_precision(answer, draw):
    """A single piece; float32 stays float32; the parameters keep their values."""
    loss_fn, parameters, pieces = _problem(draw, torch.float32)
    loss = answer(loss_fn, parameters, pieces[:1])
    return {"loss": loss.detach(), "gradients": _grads(parameters), "shape": list(loss.shape)}


@accumulate_gradients.check(points=1)
def no_rows_are_refused(answer, draw):
    """ValueError for no pieces, and for a piece without rows."""
    loss_fn, parameters, pieces = _problem(draw)
    return {
        "no pieces": outcome(answer, loss_fn, parameters, []),
        "an empty piece": outcome(answer, loss_fn, parameters, [pieces[0], pieces[1][:0]]),
    }


def _refuse_pieces(pieces):
    if len(pieces) == 0 or any(len(piece) == 0 for piece in pieces):
        raise ValueError("pieces")


def _accumulated(loss_fn, parameters, pieces, share, *, clear="once", last=False):
    """The loop with the switches that the misconceptions throw."""
    _refuse_pieces(pieces)
    n, losses = sum(len(piece) for piece in pieces), []
    for index, piece in enumerate(pieces):
        if clear == "always" or (clear == "once" and index == 0):
            for parameter in parameters:
                parameter.grad = None
        loss = loss_fn(piece)
        (loss * share(piece, n)).backward()
        losses.append(loss.detach() * len(piece) / n)
    return loss.detach() if last else sum(losses)


@accumulate_gradients.misconception(
    "You added the pieces' gradients unscaled, K times too large for K pieces; weight each piece before backward."
)
def scales_nothing(loss_fn, parameters, pieces):
    return _accumulated(loss_fn, parameters, pieces, lambda piece, n: 1.0)


@accumulate_gradients.misconception(
    "You divided by the number of pieces, wrong for uneven ones; weight a piece by its share of the rows, n_k/n."
)
def divides_by_the_number_of_pieces(loss_fn, parameters, pieces):
    return _accumulated(loss_fn, parameters, pieces, lambda piece, n: 1 / len(pieces))


@accumulate_gradients.misconception(
    "You kept old gradients, so a second call adds to the first; clear them first."
)
def keeps_old_gradients(loss_fn, parameters, pieces):
    return _accumulated(loss_fn, parameters, pieces, lambda piece, n: len(piece) / n, clear="never")


@accumulate_gradients.misconception(
    "You cleared inside the loop, so only the last piece counts; clear once, then accumulate."
)
def clears_in_the_loop(loss_fn, parameters, pieces):
    return _accumulated(loss_fn, parameters, pieces, lambda piece, n: len(piece) / n, clear="always")


@accumulate_gradients.misconception(
    "You summed the losses and went backward once, with all graphs alive; go backward per piece to save memory."
)
def goes_backward_once(loss_fn, parameters, pieces):
    _refuse_pieces(pieces)
    for parameter in parameters:
        parameter.grad = None
    n = sum(len(piece) for piece in pieces)
    total = sum(loss_fn(piece) * len(piece) / n for piece in pieces)
    total.backward()
    return total.detach()


@accumulate_gradients.misconception("You returned the last piece's loss; return the mean over all rows.")
def returns_the_last_loss(loss_fn, parameters, pieces):
    return _accumulated(loss_fn, parameters, pieces, lambda piece, n: len(piece) / n, last=True)


@accumulate_gradients.accepts
def by_scaled_losses(loss_fn, parameters, pieces):
    return _accumulated(loss_fn, parameters, pieces, lambda piece, n: len(piece) / n)


@accumulate_gradients.accepts
def by_autograd_grad(loss_fn, parameters, pieces):
    _refuse_pieces(pieces)
    n, totals, mean = sum(map(len, pieces)), [None] * len(parameters), 0.0
    for piece in pieces:
        loss = loss_fn(piece)
        grads = torch.autograd.grad(loss, parameters, allow_unused=True)
        for k, grad in enumerate(grads):
            if grad is not None:
                part = grad * (len(piece) / n)
                totals[k] = part if totals[k] is None else totals[k] + part
        mean = mean + loss.detach() * len(piece) / n
    for parameter, total in zip(parameters, totals, strict=True):
        parameter.grad = total
    return mean


@accumulate_gradients.accepts
def by_scaled_gradients(loss_fn, parameters, pieces):
    _refuse_pieces(pieces)
    for parameter in parameters:
        parameter.grad = None
    n, mean = sum(piece.shape[0] for piece in pieces), []
    for piece in pieces:
        loss = loss_fn(piece) * piece.shape[0]
        loss.backward()
        mean.append(loss.detach())
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad /= n
    return torch.stack(mean).sum() / n
