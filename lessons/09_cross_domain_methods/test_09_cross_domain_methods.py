"""Lesson 09, remedies for a domain gap: CORAL, whitening and colouring, gradient reversal, a DANN step."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from nstkit.grading import exercise, gradient, outcome

# --- 9.1 ------------------------------------------------------------------------------------------

coral_loss = exercise(
    "coral_loss",
    reference="nstkit.domain:coral_loss",
    level="medium",
    minutes=15,
    hints=[
        "Describe each domain by how its features vary together, and compare the two descriptions.",
        "Each domain centred by its own mean, (n, d); XᵀX divided by its own n − 1 is (d, d).",
        "The sum of squares of the difference of the two (d, d) matrices, divided by 4·d².",
    ],
)


def _clouds(draw, n=6, m=9, d=4, dtype=torch.float64):
    """Two sets of different size, each with a mean of its own and correlated features."""
    sets = []
    for rows in (n, m):
        mix = draw.rng.normal(size=(d, d))
        values = draw.rng.normal(size=(rows, d)) @ mix + 2 * draw.rng.normal(size=d)
        sets.append(draw.watch(torch.from_numpy(values).to(dtype), "features"))
    return sets


@coral_loss.check(points=2)
def two_domains_of_different_size(answer, draw):
    """Six and nine samples of four features."""
    return answer(*_clouds(draw))


@coral_loss.check(points=1)
def means_do_not_count(answer, draw):
    """Shifting one domain changes nothing; neither does another order of its samples."""
    source, target = _clouds(draw, 7, 5, 3)
    return {
        "source shifted": answer(draw.watch(source + 3.0, "source"), target),
        "target shifted": answer(source, draw.watch(target - 2.0, "target")),
        "the same samples in another order": bool(answer(source, source.flip(0)).abs() < 1e-12),
    }


@coral_loss.check(points=1)
def single_precision_and_small_sets(answer, draw):
    """float32 stays float32; two samples are enough; a strided set is as good as any."""
    return {
        "float32": answer(*_clouds(draw, 8, 5, 3, torch.float32)),
        "two samples, five features": answer(*_clouds(draw, 2, 3, 5)),
        "not contiguous": answer(draw.tensor(6, 3, strided=True), draw.tensor(4, 3, strided=True)),
    }


@coral_loss.check(points=1)
def gradients_reach_both_domains(answer, draw):
    """Gradients with respect to source and target."""
    return gradient(answer, *_clouds(draw, 5, 7, 3))


@coral_loss.check(points=1)
def domains_that_cannot_be_compared_are_refused(answer, draw):
    """ValueError for vectors of different length, and for fewer than two samples."""
    rows = draw.tensor(5, 3)
    return {
        "vectors of different length": outcome(answer, rows, draw.tensor(5, 4)),
        "one source sample": outcome(answer, draw.tensor(1, 3), rows),
        "one target sample": outcome(answer, rows, draw.tensor(1, 3)),
    }


def _refuse_domains(source, target):
    if source.shape[1] != target.shape[1] or len(source) < 2 or len(target) < 2:
        raise ValueError("source, target")


def _covariance(rows, mean=None, divisor=None):
    rows = rows - (rows.mean(0) if mean is None else mean)
    return rows.T @ rows / (divisor or len(rows) - 1)


def _coral(difference):
    return difference.square().sum() / (4 * len(difference) ** 2)


@coral_loss.misconception("You divided by n; the unbiased covariance divides by n − 1.")
def divides_by_n(source, target):
    _refuse_domains(source, target)
    return _coral(_covariance(source, divisor=len(source)) - _covariance(target, divisor=len(target)))


@coral_loss.misconception(
    "You compared raw second moments, as a Gram loss does; subtract each domain's mean first."
)
def does_not_centre(source, target):
    _refuse_domains(source, target)
    return _coral(_covariance(source, mean=0.0) - _covariance(target, mean=0.0))


@coral_loss.misconception("You took the Frobenius norm itself; square it.")
def takes_the_norm_unsquared(source, target):
    _refuse_domains(source, target)
    d = source.shape[1]
    return torch.linalg.matrix_norm(_covariance(source) - _covariance(target)) / (4 * d**2)


@coral_loss.misconception(
    "You left the constant out; divide by 4d², so that the loss does not grow with the number of features."
)
def forgets_the_constant(source, target):
    _refuse_domains(source, target)
    return (_covariance(source) - _covariance(target)).square().sum()


@coral_loss.misconception("You divided by 4d; the constant is 1/(4d²), with d squared.")
def does_not_square_d(source, target):
    _refuse_domains(source, target)
    return (_covariance(source) - _covariance(target)).square().sum() / (4 * source.shape[1])


@coral_loss.misconception(
    "You centred both domains with the mean of all samples; centre each domain with its own mean."
)
def centres_with_the_pooled_mean(source, target):
    _refuse_domains(source, target)
    mean = torch.cat([source, target]).mean(0)
    return _coral(_covariance(source, mean) - _covariance(target, mean))


@coral_loss.misconception("You divided both sums by the source's n − 1; each domain has its own n.")
def divides_both_by_one_n(source, target):
    _refuse_domains(source, target)
    n = len(source) - 1
    return _coral(_covariance(source, divisor=n) - _covariance(target, divisor=n))


@coral_loss.misconception(
    "You detached the target; both domains pass through the encoder that learns, so both need the gradient."
)
def detaches_the_target(source, target):
    _refuse_domains(source, target)
    return _coral(_covariance(source) - _covariance(target.detach()))


@coral_loss.accepts
def by_torch_cov(source, target):
    _refuse_domains(source, target)
    difference = torch.cov(source.T) - torch.cov(target.T)
    return torch.linalg.matrix_norm(difference) ** 2 / (4 * source.size(1) ** 2)


@coral_loss.accepts
def by_subtracting_the_means_afterwards(source, target):
    _refuse_domains(source, target)

    def covariance(x):
        mean = x.mean(0)
        return (x.T @ x - len(x) * torch.outer(mean, mean)) / (len(x) - 1)

    return ((covariance(source) - covariance(target)) ** 2).mean() / 4


# --- 9.2 ------------------------------------------------------------------------------------------

whiten_color_map = exercise(
    "whiten_color_map",
    reference="nstkit.domain:whiten_color_map",
    level="hard",
    minutes=30,
    hints=[
        "Take away what is the source's, mean and covariance, until it is a round cloud; then give it the target's.",
        "Rows are samples, so both (d, d) matrices multiply on the right: whitening first, colouring second.",
        "torch.linalg.eigh of C + eps·I gives values and vectors; V · values^p · Vᵀ with p = −½ and p = ½.",
    ],
)


@whiten_color_map.check(points=2)
def a_cloud_onto_another(answer, draw):
    """Thirty samples onto the mean and covariance of forty."""
    return answer(*_clouds(draw, 30, 40, 4))


@whiten_color_map.check(points=1)
def eps_by_keyword(answer, draw):
    """eps is added to both covariances, before the roots."""
    source, target = _clouds(draw, 20, 15, 3)
    return {"eps=0.5": answer(source, target, eps=0.5), "by position": answer(source, target, 1e-2)}


@whiten_color_map.check(points=1)
def fewer_samples_than_features(answer, draw):
    """n < d: the covariance is singular, and eps keeps the map finite."""
    mapped = answer(*_clouds(draw, 3, 5, 6), 1e-3)
    return {"finite": bool(mapped.isfinite().all()), "values": mapped}


@whiten_color_map.check(points=1)
def features_that_rise_together(answer, draw):
    """Two positively correlated features; a set mapped onto itself; a single feature."""
    common = draw.rng.normal(size=(2, 12, 1))
    source, target = (
        draw.watch(torch.from_numpy(c + 0.3 * draw.rng.normal(size=(12, 2))), "features") for c in common
    )
    return {
        "positively correlated": answer(source, target),
        "onto itself": answer(source, source),
        "one feature": answer(*_clouds(draw, 9, 14, 1)),
    }


@whiten_color_map.check(points=1, rtol=1e-3)
def single_precision(answer, draw):
    """float32 stays float32."""
    return answer(*_clouds(draw, 40, 30, 3, torch.float32), 1e-2)


@whiten_color_map.check(points=1)
def what_has_no_map_is_refused(answer, draw):
    """ValueError for different d, fewer than two samples, and eps that is not positive."""
    rows = draw.tensor(5, 3)
    return {
        "vectors of different length": outcome(answer, rows, draw.tensor(5, 4)),
        "one source sample": outcome(answer, draw.tensor(1, 3), rows),
        "one target sample": outcome(answer, rows, draw.tensor(1, 3)),
        "eps = 0": outcome(answer, rows, draw.tensor(6, 3), 0.0),
        "eps < 0": outcome(answer, rows, draw.tensor(6, 3), -1e-3),
    }


def _refuse_map(source, target, eps):
    _refuse_domains(source, target)
    if not eps > 0:
        raise ValueError("eps")


def _regularised(rows, eps, divisor=None):
    return _covariance(rows, divisor=divisor) + eps * torch.eye(rows.shape[1], dtype=rows.dtype)


def _power(matrix, exponent):
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


@whiten_color_map.misconception(
    "You used Cholesky factors: the covariance is right, but the features were rotated; use the symmetric roots."
)
def uses_cholesky(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten = torch.linalg.inv(torch.linalg.cholesky(_regularised(source, eps))).T
    color = torch.linalg.cholesky(_regularised(target, eps)).T
    return (source - source.mean(0)) @ whiten @ color + target.mean(0)


@whiten_color_map.misconception(
    "You coloured before whitening; with samples in rows, multiply on the right by the whitening first, then colour."
)
def colours_first(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten, color = _power(_regularised(source, eps), -0.5), _power(_regularised(target, eps), 0.5)
    return (source - source.mean(0)) @ color @ whiten + target.mean(0)


@whiten_color_map.misconception("You left the result at mean zero; add the target's mean after colouring.")
def forgets_the_target_mean(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten, color = _power(_regularised(source, eps), -0.5), _power(_regularised(target, eps), 0.5)
    return (source - source.mean(0)) @ whiten @ color


@whiten_color_map.misconception("You added the source's mean back; the result gets the target's mean.")
def adds_the_source_mean(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten, color = _power(_regularised(source, eps), -0.5), _power(_regularised(target, eps), 0.5)
    return (source - source.mean(0)) @ whiten @ color + source.mean(0)


@whiten_color_map.misconception(
    "You matched each feature's deviation by itself, as AdaIN does; match the full covariance."
)
def matches_the_diagonal(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    scale = ((target.var(0) + eps) / (source.var(0) + eps)).sqrt()
    return (source - source.mean(0)) * scale + target.mean(0)


@whiten_color_map.misconception(
    "You took the root of every entry; take the root of the matrix, by its eigenvalues."
)
def takes_roots_of_entries(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten = torch.linalg.pinv(_regularised(source, eps).sqrt().nan_to_num())
    color = _regularised(target, eps).sqrt().nan_to_num()
    return (source - source.mean(0)) @ whiten @ color + target.mean(0)


@whiten_color_map.misconception(
    "You left eps out, and a singular covariance has no inverse root; add eps·I before the eigendecomposition."
)
def forgets_eps(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten, color = _power(_covariance(source), -0.5), _power(_covariance(target), 0.5)
    return (source - source.mean(0)) @ whiten @ color + target.mean(0)


@whiten_color_map.misconception("You used a fixed eps; add the one that is passed.")
def fixes_eps(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    return by_eigh(source, target, 1e-5)


@whiten_color_map.misconception("You added eps to the source's covariance only; add it to both.")
def regularises_the_source_only(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    color = _power(_covariance(target) + 1e-12 * torch.eye(target.shape[1], dtype=target.dtype), 0.5)
    return (source - source.mean(0)) @ _power(_regularised(source, eps), -0.5) @ color + target.mean(0)


@whiten_color_map.misconception("You divided by n; the unbiased covariance divides by n − 1.")
def divides_the_covariances_by_n(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten = _power(_regularised(source, eps, len(source)), -0.5)
    color = _power(_regularised(target, eps, len(target)), 0.5)
    return (source - source.mean(0)) @ whiten @ color + target.mean(0)


@whiten_color_map.misconception(
    "You whitened without turning back (the last Vᵀ is missing), which mixes the features; the symmetric root "
    "is V · values^(−½) · Vᵀ."
)
def whitens_without_turning_back(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    values, vectors = torch.linalg.eigh(_regularised(source, eps))
    signs = torch.where(vectors.sum(0) < 0, -1.0, 1.0).to(values.dtype)
    whiten = vectors * (signs * values**-0.5)
    return (source - source.mean(0)) @ whiten @ _power(_regularised(target, eps), 0.5) + target.mean(0)


@whiten_color_map.accepts
def by_eigh(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    whiten, color = _power(_regularised(source, eps), -0.5), _power(_regularised(target, eps), 0.5)
    return (source - source.mean(0)) @ whiten @ color + target.mean(0)


@whiten_color_map.accepts
def by_svd_in_columns(source, target, eps=1e-5):
    _refuse_map(source, target, eps)

    def power(rows, p):
        u, s, vh = torch.linalg.svd(
            torch.cov(rows.T).reshape(rows.shape[1], -1) + eps * torch.eye(rows.shape[1], dtype=rows.dtype)
        )
        return u @ torch.diag(s**p) @ vh

    columns = source.T - source.T.mean(1, keepdim=True)
    return (power(target, 0.5) @ power(source, -0.5) @ columns).T + target.mean(0)


@whiten_color_map.accepts
def by_inverting_the_root(source, target, eps=1e-5):
    _refuse_map(source, target, eps)
    root = _power(_regularised(source, eps), 0.5)
    whitened = torch.linalg.solve(root, (source - source.mean(0)).T).T
    return whitened @ _power(_regularised(target, eps), 0.5) + target.mean(0)


# --- 9.3 ------------------------------------------------------------------------------------------

gradient_reverse = exercise(
    "gradient_reverse",
    reference="nstkit.domain:gradient_reverse",
    level="medium",
    minutes=15,
    hints=[
        "Autograd calls your own backward if you give it one: the identity forward, something else backward.",
        "torch.autograd.Function has forward(ctx, x, lam) and backward(ctx, gradient); keep lam on ctx, and return "
        "one gradient for each input.",
        "Forward returns a view of x; backward returns −lam times the gradient for x, and None for lam.",
    ],
)


def _leaf(draw, *shape, dtype=torch.float64):
    return draw.tensor(*shape, dtype=dtype).detach().requires_grad_()


@gradient_reverse.check(points=1)
def forward_is_the_identity(answer, draw):
    """The values of x, in its shape and dtype."""
    return {
        "a feature map": answer(draw.tensor(2, 5, 4, 7), 0.7),
        "float32": answer(draw.tensor(6, 3, dtype=torch.float32), 2.0),
        "not contiguous": answer(draw.tensor(3, 4, 5, strided=True), 1.0),
    }


@gradient_reverse.check(points=2)
def backward_is_reversed_and_scaled(answer, draw):
    """−lam times the incoming gradient, for several lam."""
    x, weights = _leaf(draw, 4, 3), draw.tensor(4, 3)
    return {f"lam = {lam}": _grad((answer(x, lam) * weights).sum(), x) for lam in (0.3, 1.0, 4.0)}


@gradient_reverse.check(points=1)
def zero_and_twice(answer, draw):
    """lam = 0 sends zeros back; two reversals in a row give lam²."""
    x, weights = _leaf(draw, 5, 2), draw.tensor(5, 2)
    twice = answer(answer(x, 3.0), 3.0)
    return {
        "lam = 0": _grad((answer(x, 0.0) * weights).sum(), x),
        "twice": _grad((twice * weights).sum(), x),
    }


@gradient_reverse.check(points=1)
def the_other_path_stays(answer, draw):
    """A second path into x, as the task head has, is not reversed."""
    x, weights, others = _leaf(draw, 4, 3), draw.tensor(4, 3), draw.tensor(4, 3)
    return _grad((answer(x, 0.5) * weights).sum() + (x * others).sum(), x)


@gradient_reverse.check(points=1)
def two_values_of_lam_in_one_pass(answer, draw):
    """Two uses with different lam before one backward pass."""
    x, y = _leaf(draw, 3, 2), _leaf(draw, 4, 5)
    loss = answer(x, 2.0).square().sum() + answer(y, 0.25).square().sum()
    if not loss.requires_grad:
        return "no gradient"
    return list(torch.autograd.grad(loss, [x, y]))


@gradient_reverse.check(points=1)
def a_negative_lam_is_refused(answer, draw):
    """ValueError for lam < 0."""
    return outcome(answer, draw.tensor(3, 2), -0.5)


def _grad(loss, x):
    """The gradient by x, or words where none arrives."""
    if not loss.requires_grad:
        return "no gradient"
    (found,) = torch.autograd.grad(loss, [x], allow_unused=True)
    return "no gradient" if found is None else found


def _refuse_lam(lam):
    if lam < 0:
        raise ValueError("lam")


def _custom(backward):
    """A fresh autograd.Function with an identity forward and this backward."""

    class Custom(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, lam):
            ctx.lam = Custom.last = lam
            return x.view_as(x)

        @staticmethod
        def backward(ctx, incoming):
            return backward(ctx, Custom, incoming), None

    return Custom


@gradient_reverse.misconception(
    "You reversed the values as well; forward is the identity, only the gradient turns."
)
def reverses_forward_too(x, lam):
    _refuse_lam(lam)
    return -lam * x


@gradient_reverse.misconception("You kept the sign of the gradient; multiply it by −lam.")
def forgets_the_minus(x, lam):
    _refuse_lam(lam)
    return _custom(lambda ctx, _, g: ctx.lam * g).apply(x, lam)


@gradient_reverse.misconception("You ignored lam; the reversed gradient is scaled by it.")
def ignores_lam(x, lam):
    _refuse_lam(lam)
    return _custom(lambda ctx, _, g: -g).apply(x, lam)


@gradient_reverse.misconception("You cut the graph with detach; the gradient must flow, only reversed.")
def detaches_x(x, lam):
    _refuse_lam(lam)
    return x.detach() * 1.0


@gradient_reverse.misconception(
    "You put a hook on x itself, which reverses every path into x; reverse only the path through the result."
)
def hooks_the_input(x, lam):
    _refuse_lam(lam)
    if x.requires_grad:
        x.register_hook(lambda g: -lam * g)
    return x


_SHARED = _custom(lambda ctx, custom, g: -custom.last * g)


@gradient_reverse.misconception(
    "You keep lam in one shared place, so the last call decides for all; keep it on ctx, one for each use."
)
def shares_lam_between_calls(x, lam):
    _refuse_lam(lam)
    return _SHARED.apply(x, lam)


@gradient_reverse.misconception(
    "You divided by lam where the gradient is multiplied by it; backward returns −lam · gradient."
)
def divides_by_lam(x, lam):
    _refuse_lam(lam)
    return _custom(lambda ctx, _, g: -g / ctx.lam if ctx.lam else torch.zeros_like(g)).apply(x, lam)


@gradient_reverse.accepts
def by_a_function_of_its_own(x, lam):
    _refuse_lam(lam)
    return _custom(lambda ctx, _, g: -ctx.lam * g).apply(x, lam)


@gradient_reverse.accepts
def by_detach_and_difference(x, lam):
    _refuse_lam(lam)
    return x.detach() * (1 + lam) - lam * x


@gradient_reverse.accepts
def by_a_hook_on_a_copy(x, lam):
    _refuse_lam(lam)
    out = x.clone()
    if out.requires_grad:
        out.register_hook(lambda g: g.neg() * lam)
    return out


# --- 9.4 ------------------------------------------------------------------------------------------

domain_adversarial_step = exercise(
    "domain_adversarial_step",
    reference="nstkit.domain:domain_adversarial_step",
    level="hard",
    minutes=30,
    hints=[
        "One loss to minimise for everybody, and one place where the gradient turns round: between encoder and "
        "domain head.",
        "The domain head sees n_s + n_t rows and gives (n_s + n_t, 1) logits; its labels have that shape too.",
        "zero_grad; task = CE on the source; domain = BCE on head(reverse(cat of both)); (task + domain).backward(); "
        "step.",
    ],
)


def _linear(draw, inputs, outputs):
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs, dtype=torch.float64)
    layer.weight.data = torch.from_numpy(draw.rng.normal(size=(outputs, inputs)) / inputs**0.5)
    layer.bias.data = torch.from_numpy(draw.rng.normal(size=outputs) * 0.1)
    return layer


def _players(draw, momentum=0.0):
    """Encoder, task head, domain head, and SGD over all three."""
    encoder = nn.Sequential(_linear(draw, 4, 6), nn.Tanh())
    task_head, domain_head = (
        _linear(draw, 6, 3),
        nn.Sequential(_linear(draw, 6, 5), nn.Tanh(), _linear(draw, 5, 1)),
    )
    networks = [encoder, task_head, domain_head]
    opt = torch.optim.SGD([p for net in networks for p in net.parameters()], lr=0.2, momentum=momentum)
    return networks, opt


def _data(draw, n_s=5, n_t=8):
    labels = torch.from_numpy(draw.rng.integers(0, 3, size=n_s))
    return (
        draw.tensor(n_s, 4),
        draw.watch(labels, "source_y"),
        draw.watch(draw.tensor(n_t, 4) + 1, "target_x"),
    )


def _moved(networks, act):
    """What `act()` returns, and how far each network's parameters moved."""
    before = [[p.detach().clone() for p in net.parameters()] for net in networks]
    returned = act()
    moves = [
        [p.detach() - old for p, old in zip(net.parameters(), olds, strict=True)]
        for net, olds in zip(networks, before, strict=True)
    ]
    return {"returned": returned, **dict(zip(("encoder", "task head", "domain head"), moves, strict=True))}


@domain_adversarial_step.check(points=3)
def each_network_moves_its_own_way(answer, draw):
    """Losses before the step, and the step of each network; domains of different size."""
    networks, opt = _players(draw)
    data = _data(draw)
    return _moved(networks, lambda: answer(*networks, opt, *data, 0.6))


@domain_adversarial_step.check(points=1)
def lam_acts_on_the_encoder_alone(answer, draw):
    """For lam = 0 and lam = 3 the heads take the same step, the encoder does not."""
    steps = {}
    for lam in (0.0, 3.0):
        networks, opt = _players(draw)
        data = _data(draw, 7, 4)
        steps[f"lam = {lam:g}"] = _moved(networks, lambda: answer(*networks, opt, *data, lam))  # noqa: B023
    return steps


@domain_adversarial_step.check(points=1)
def stale_gradients_are_cleared(answer, draw):
    """Gradients left over from before do not count; two steps in a row, with momentum."""
    networks, opt = _players(draw, momentum=0.9)
    for net in networks:
        for p in net.parameters():
            p.grad = torch.full_like(p, 7.0)
    data = _data(draw)
    return _moved(networks, lambda: [answer(*networks, opt, *data, 0.5) for _ in range(2)])


@domain_adversarial_step.check(points=1)
def plain_floats(answer, draw):
    """The report holds Python floats, under "task" and "domain"."""
    networks, opt = _players(draw)
    report = answer(*networks, opt, *_data(draw), 1.0)
    return {key: type(value).__name__ for key, value in report.items()}


@domain_adversarial_step.check(points=1)
def labels_must_fit(answer, draw):
    """ValueError if source_y has another length than source_x."""
    networks, opt = _players(draw)
    source_x, source_y, target_x = _data(draw)
    return {
        "too few labels": outcome(answer, *networks, opt, source_x, source_y[:4], target_x, 1.0),
        "labels for the target too": outcome(
            answer, *networks, opt, source_x, source_y.repeat(2), target_x, 1.0
        ),
    }


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, incoming):
        return -ctx.lam * incoming, None


def _no_reverse(features, lam):
    return features


def _step(networks, opt, data, lam, *, reverse=_Reverse.apply, combine=torch.add, pooled=True, flip=False,
          clear=True, task_on_all=False, after=False):  # fmt: skip
    """The step that variants and misconceptions of 9.4 share, with one thing changed."""
    encoder, task_head, domain_head = networks
    source_x, source_y, target_x = data
    if len(source_x) != len(source_y):
        raise ValueError("source_y")

    def losses():
        source, target = encoder(source_x), encoder(target_x)
        logits = task_head(torch.cat([source, target])) if task_on_all else task_head(source)
        labels = torch.cat([source_y, logits[len(source) :].argmax(1)]) if task_on_all else source_y
        task = cross_entropy(logits, labels)
        scores = [domain_head(reverse(features, lam)) for features in (source, target)]
        each = [
            binary_cross_entropy_with_logits(s, torch.full_like(s, float(label != flip)))
            for label, s in enumerate(scores)
        ]
        sizes = (len(source), len(target)) if pooled else (1, 1)
        domain = (sizes[0] * each[0] + sizes[1] * each[1]) / sum(sizes)
        return task, domain

    if clear:
        opt.zero_grad()
    task, domain = losses()
    combine(task, domain).backward()
    opt.step()
    if after:
        task, domain = losses()
    return {"task": task.item(), "domain": domain.item()}


@domain_adversarial_step.misconception(
    "You subtracted lam·domain from the total, which teaches the domain head to be wrong; reverse the gradient "
    "between encoder and domain head, and add the loss."
)
def subtracts_the_domain_loss(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    networks, data = (encoder, task_head, domain_head), (source_x, source_y, target_x)
    return _step(
        networks, opt, data, lam, reverse=_no_reverse, combine=lambda task, domain: task - lam * domain
    )


@domain_adversarial_step.misconception(
    "You left the reversal out, so the encoder helps the domain head; put it between encoder and domain head."
)
def leaves_the_reversal_out(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    return _step(
        (encoder, task_head, domain_head), opt, (source_x, source_y, target_x), lam, reverse=_no_reverse
    )


@domain_adversarial_step.misconception(
    "You scaled the domain loss by lam as well, and the domain head slows down with it; lam belongs inside the "
    "reversal only."
)
def scales_the_domain_loss_too(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    networks, data = (encoder, task_head, domain_head), (source_x, source_y, target_x)
    return _step(networks, opt, data, lam, combine=lambda task, domain: task + lam * domain)


@domain_adversarial_step.misconception(
    "You took the task loss on the target too, whose labels nobody knows; use the source samples alone."
)
def labels_the_target(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    return _step(
        (encoder, task_head, domain_head), opt, (source_x, source_y, target_x), lam, task_on_all=True
    )


@domain_adversarial_step.misconception(
    "You averaged the two domains' losses with equal weight; average over all samples of both together."
)
def averages_per_domain(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    return _step((encoder, task_head, domain_head), opt, (source_x, source_y, target_x), lam, pooled=False)


@domain_adversarial_step.misconception("You exchanged the domain labels; the source is 0 and the target 1.")
def exchanges_the_domain_labels(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    return _step((encoder, task_head, domain_head), opt, (source_x, source_y, target_x), lam, flip=True)


@domain_adversarial_step.misconception(
    "You added to gradients left over from before; call opt.zero_grad() first."
)
def forgets_zero_grad(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    return _step((encoder, task_head, domain_head), opt, (source_x, source_y, target_x), lam, clear=False)


@domain_adversarial_step.misconception(
    "You measured the losses after the step; report those that the step was computed from."
)
def reports_after_the_step(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    return _step((encoder, task_head, domain_head), opt, (source_x, source_y, target_x), lam, after=True)


@domain_adversarial_step.accepts
def domain_by_domain(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    return _step((encoder, task_head, domain_head), opt, (source_x, source_y, target_x), lam)


@domain_adversarial_step.accepts
def one_pass_for_both(encoder, task_head, domain_head, opt, source_x, source_y, target_x, lam):
    if source_x.size(0) != source_y.size(0):
        raise ValueError("source_y")
    features = encoder(torch.cat([source_x, target_x]))
    n = len(source_x)
    reversed_ = features.detach() * (1 + lam) - lam * features
    labels = (torch.arange(len(features)) >= n).to(features.dtype)
    task = nn.CrossEntropyLoss()(task_head(features[:n]), source_y)
    domain = nn.BCEWithLogitsLoss()(domain_head(reversed_).squeeze(1), labels)
    opt.zero_grad(set_to_none=True)
    (task + domain).backward()
    opt.step()
    return {"domain": float(domain), "task": float(task)}
