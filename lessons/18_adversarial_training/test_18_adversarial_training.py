"""Lesson 18, adversarial training: the losses after the log losses, two gradient penalties, one round of the game."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss, relu, softplus

from nstkit.grading import exercise, gradient, outcome

# --- 18.1 -----------------------------------------------------------------------------------------

adversarial_losses = exercise(
    "adversarial_losses",
    reference="nstkit.gan:adversarial_losses",
    level="medium",
    minutes=20,
    hints=[
        "Every pair says the same in another scale: reals up, fakes down for one player, fakes up for the other.",
        "Scores are raw, and their shapes may differ: each expectation is a mean over its own tensor.",
        "Four branches; lsgan has ½ in every term, hinge clips per score and only for D, relativistic subtracts the "
        "other side's mean before softplus.",
    ],
)

_KINDS = ("lsgan", "hinge", "wgan", "relativistic")


def _scores(draw, dtype=torch.float64):
    """Maps of scores of different shapes on the two sides, spread over both kinks of the hinge."""
    real, fake = (
        2 * draw.tensor(3, 1, 2, 4, dtype=dtype) + 0.4,
        2 * draw.tensor(2, 1, 3, 5, dtype=dtype) - 0.3,
    )
    return draw.watch(real, "real_logits"), draw.watch(fake, "fake_logits")


@adversarial_losses.check(points=1)
def least_squares(answer, draw):
    """kind="lsgan"."""
    return answer(*_scores(draw), "lsgan")


@adversarial_losses.check(points=1)
def hinge(answer, draw):
    """kind="hinge"."""
    return answer(*_scores(draw), "hinge")


@adversarial_losses.check(points=1)
def wasserstein(answer, draw):
    """kind="wgan", which only sees differences."""
    real, fake = _scores(draw)
    moved = draw.watch(real + 3, "real_logits"), draw.watch(fake + 3, "fake_logits")
    return [answer(real, fake, kind="wgan"), answer(*moved, kind="wgan")]


@adversarial_losses.check(points=1)
def relativistic_average(answer, draw):
    """kind="relativistic", with as many reals as fakes and with fewer."""
    return [answer(*_scores(draw), "relativistic"), answer(draw.tensor(5), draw.tensor(5), "relativistic")]


@adversarial_losses.check(points=1)
def who_learns_what(answer, draw):
    """The gradients of both losses at both sides: nothing is detached inside."""
    real, fake = _scores(draw)
    return {
        kind: gradient(lambda r, f, k=kind: torch.stack(list(answer(r, f, k))), real, fake) for kind in _KINDS
    }


@adversarial_losses.check(points=1)
def extreme_scores_in_single_precision(answer, draw):
    """Scores of ±1000 in float32: finite, and the dtype stays."""
    scores = draw.watch(1000 * draw.tensor(2, 3, dtype=torch.float32).sign(), "scores")
    return {kind: answer(-scores, scores, kind) for kind in _KINDS}


@adversarial_losses.check(points=1)
def other_kinds_and_no_scores_are_refused(answer, draw):
    """ValueError for another kind, and where there is nothing to average."""
    some, none = draw.tensor(4), draw.tensor(0, 1)
    return {
        "another kind": outcome(answer, some, some, "minmax"),
        "no real scores": outcome(answer, none, some, "wgan"),
        "no fake scores": outcome(answer, some, none, "hinge"),
    }


def _refuse_scores(real, fake, kind):
    if kind not in _KINDS or not real.numel() or not fake.numel():
        raise ValueError("kind, scores")


def _right(r, f, kind):
    _refuse_scores(r, f, kind)
    if kind == "lsgan":
        return (r - 1).square().mean() / 2 + f.square().mean() / 2, (f - 1).square().mean() / 2
    if kind == "hinge":
        return relu(1 - r).mean() + relu(1 + f).mean(), -f.mean()
    if kind == "wgan":
        return f.mean() - r.mean(), -f.mean()
    a, b = r - f.mean(), f - r.mean()
    return softplus(-a).mean() + softplus(b).mean(), softplus(-b).mean() + softplus(a).mean()


@adversarial_losses.misconception(
    "You put a sigmoid before LSGAN and WGAN; these losses act on raw scores, without a probability."
)
def applies_a_sigmoid(real_logits, fake_logits, kind):
    if kind in ("lsgan", "wgan"):
        return _right(torch.sigmoid(real_logits), torch.sigmoid(fake_logits), kind)
    return _right(real_logits, fake_logits, kind)


@adversarial_losses.misconception("You left the ½ out of LSGAN; Mao et al. have it in every term.")
def forgets_the_half(real_logits, fake_logits, kind):
    d, g = _right(real_logits, fake_logits, kind)
    return (2 * d, 2 * g) if kind == "lsgan" else (d, g)


@adversarial_losses.misconception(
    "You halved the discriminator's LSGAN loss alone, as CycleGAN's code does; here the generator's has ½ too."
)
def halves_one_player(real_logits, fake_logits, kind):
    d, g = _right(real_logits, fake_logits, kind)
    return d, 2 * g if kind == "lsgan" else g


@adversarial_losses.misconception(
    "You put a hinge on the generator too, so that it stops learning at a score of 1; its loss is minus the mean score."
)
def hinges_the_generator(real_logits, fake_logits, kind):
    d, g = _right(real_logits, fake_logits, kind)
    return d, relu(1 - fake_logits).mean() if kind == "hinge" else g


@adversarial_losses.misconception(
    "You applied the hinge to the mean score; apply it to each score, then average."
)
def hinges_the_mean(real_logits, fake_logits, kind):
    d, g = _right(real_logits, fake_logits, kind)
    return relu(1 - real_logits.mean()) + relu(1 + fake_logits.mean()) if kind == "hinge" else d, g


@adversarial_losses.misconception(
    "You exchanged real and fake; the discriminator pushes reals up and fakes down."
)
def exchanges_real_and_fake(real_logits, fake_logits, kind):
    _refuse_scores(real_logits, fake_logits, kind)
    return _right(fake_logits, real_logits, kind)[0], _right(real_logits, fake_logits, kind)[1]


@adversarial_losses.misconception(
    "You compared score i with score i of the other side; compare each with the *mean* of the other side."
)
def compares_in_pairs(real_logits, fake_logits, kind):
    if kind != "relativistic":
        return _right(real_logits, fake_logits, kind)
    _refuse_scores(real_logits, fake_logits, kind)
    gap = real_logits - fake_logits
    return 2 * softplus(-gap).mean(), 2 * softplus(gap).mean()


@adversarial_losses.misconception(
    "You left the real term out of the relativistic generator's loss; its mean opponent is made of fakes, so it counts."
)
def forgets_the_generators_real_term(real_logits, fake_logits, kind):
    d, g = _right(real_logits, fake_logits, kind)
    return d, softplus(-(fake_logits - real_logits.mean())).mean() if kind == "relativistic" else g


@adversarial_losses.misconception(
    "You detached the fake scores, so the generator cannot learn; leave that to the step that calls the loss."
)
def detaches_the_fakes(real_logits, fake_logits, kind):
    return _right(real_logits, fake_logits.detach(), kind)


@adversarial_losses.misconception("You turned the critic's sign; it is minimised: E f − E r, reals up.")
def maximises_the_critic(real_logits, fake_logits, kind):
    d, g = _right(real_logits, fake_logits, kind)
    return -d if kind == "wgan" else d, g


@adversarial_losses.accepts
def from_ready_made_losses(real_logits, fake_logits, kind):
    _refuse_scores(real_logits, fake_logits, kind)
    r, f = real_logits, fake_logits

    def bce(x, label):
        return binary_cross_entropy_with_logits(x, torch.full_like(x, label))

    return {
        "lsgan": lambda: (
            0.5 * mse_loss(r, torch.ones_like(r)) + 0.5 * mse_loss(f, torch.zeros_like(f)),
            0.5 * mse_loss(f, torch.ones_like(f)),
        ),
        "hinge": lambda: ((1 - r).clamp_min(0).mean() + (1 + f).clamp_min(0).mean(), -f.mean()),
        "wgan": lambda: (-(r.mean() - f.mean()), f.neg().mean()),
        "relativistic": lambda: (
            bce(r - f.mean(), 1.0) + bce(f - r.mean(), 0.0),
            bce(f - r.mean(), 1.0) + bce(r - f.mean(), 0.0),
        ),
    }[kind]()


@adversarial_losses.accepts
def by_cases(real_logits, fake_logits, kind):
    return list(_right(real_logits, fake_logits, kind))


# --- 18.2 -----------------------------------------------------------------------------------------

wgan_gradient_penalty = exercise(
    "wgan_gradient_penalty",
    reference="nstkit.gan:wgan_gradient_penalty",
    level="hard",
    minutes=25,
    hints=[
        "The penalty is a loss made of a gradient: differentiate the critic by its input and keep the graph.",
        "u becomes (N, 1, …); the gradient has the samples' shape; flatten(1) and a norm leave one number for each.",
        "autograd.grad(critic(x).sum(), x, create_graph=True)[0], norm over all but axis 0, minus 1, squared, mean.",
    ],
)


class _Critic(nn.Module):
    """From (N, 2, 4, 5) to a map of raw scores per sample; smooth, with a slope that differs from place to place."""

    def __init__(self, draw, size=1.0):
        super().__init__()
        self.first, self.last = (nn.utils.skip_init(nn.Conv2d, *shape) for shape in ((2, 3, 3), (3, 1, 2)))
        for parameter in self.parameters():
            parameter.data = torch.from_numpy(0.4 * size * draw.rng.normal(size=tuple(parameter.shape)))

    def forward(self, x):
        return self.last(softplus(self.first(x)))


def _samples(draw, n=3):
    """(N, 2, 4, 5): samples whose size differs tenfold."""
    sizes = torch.linspace(0.3, 3.0, n, dtype=torch.float64).view(-1, 1, 1, 1)
    return draw.watch(draw.tensor(n, 2, 4, 5) * sizes, "samples")


def _line(draw, n=3):
    return _samples(draw, n), _samples(draw, n), draw.watch(torch.from_numpy(draw.rng.uniform(size=n)), "u")


def _norm_critic(x):
    return 0.5 * x.square().flatten(1).sum(1)


@wgan_gradient_penalty.check(points=2)
def a_convolutional_critic(answer, draw):
    """Several scores per sample, slopes above and below 1, the default weight."""
    return [answer(_Critic(draw, size), *_line(draw)) for size in (0.7, 1.6)]


@wgan_gradient_penalty.check(points=1)
def a_critic_with_known_slopes(answer, draw):
    """½‖x‖², whose slope at x is x itself; other weights, other shapes of samples."""
    return {
        "maps": answer(_norm_critic, *_line(draw), 2.5),
        "vectors": answer(_norm_critic, draw.tensor(4, 3), draw.tensor(4, 3), draw.watch(torch.rand(
            4, dtype=torch.float64, generator=draw.generator()), "u"), lam=1.0),
    }  # fmt: skip


@wgan_gradient_penalty.check(points=1)
def gentle_slopes_count_too(answer, draw):
    """Slopes far below 1."""
    weights = 0.02 * draw.tensor(2, 4, 5)
    return answer(lambda x: (x * weights).flatten(1).sum(1), *_line(draw))


@wgan_gradient_penalty.check(points=1)
def the_critic_can_learn_from_it(answer, draw):
    """The gradient of the penalty by the critic's parameters."""
    critic = _Critic(draw)
    penalty = answer(critic, *_line(draw))
    if not penalty.requires_grad:
        return "no gradient"
    slopes = torch.autograd.grad(penalty, list(critic.parameters()), allow_unused=True)
    return ["none" if slope is None or not slope.any() else slope for slope in slopes]


@wgan_gradient_penalty.check(points=1)
def the_images_do_not(answer, draw):
    """No gradient reaches real or fake images."""
    critic, (real, fake, u) = _Critic(draw), _line(draw)
    real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
    penalty = answer(critic, real, fake, u)
    penalty.backward()
    return {
        "penalty": penalty,
        "real stays without": real.grad is None,
        "fake stays without": fake.grad is None,
    }


@wgan_gradient_penalty.check(points=1)
def a_flat_critic(answer, draw):
    """Where the slope is zero the penalty is λ, a finite number; and float32 stays float32."""
    real, fake, u = (side.float() for side in _line(draw))
    return answer(lambda x: relu(x - 100).flatten(1).sum(1), real, fake, draw.watch(u, "u"), 3.0)


@wgan_gradient_penalty.check(points=1)
def what_does_not_fit_is_refused(answer, draw):
    """ValueError for different shapes and for a u of another length."""
    real, fake, u = _line(draw)
    return {
        "fewer fakes": outcome(answer, _norm_critic, real, fake[:1], u),
        "other sizes": outcome(answer, _norm_critic, real, draw.tensor(3, 2, 5, 4), u),
        "u too short": outcome(answer, _norm_critic, real, fake, u[:2]),
        "one u for all": outcome(answer, _norm_critic, real, fake, u[:1]),
    }


def _refuse_line(real, fake, u):
    if real.shape != fake.shape or u.shape != real.shape[:1]:
        raise ValueError("fake, u")


def _between(real, fake, u):
    share = u.view(-1, *[1] * (real.ndim - 1))
    return share * real.detach() + (1 - share) * fake.detach()


def _slopes(critic, x, reduce=torch.sum, create_graph=True):
    """The gradient by x, flattened to (N, D)."""
    x = x if x.requires_grad else x.detach().clone().requires_grad_()
    return torch.autograd.grad(reduce(critic(x)), x, create_graph=create_graph)[0].flatten(1)


def _root(squares):
    return (squares + 1e-24).sqrt()


@wgan_gradient_penalty.misconception(
    "You differentiated the mean score, which divides every gradient; differentiate the sum over the batch."
)
def differentiates_the_mean(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    return lam * (_slopes(critic, _between(real, fake, u), torch.mean).norm(dim=1) - 1).square().mean()


@wgan_gradient_penalty.misconception("You took one norm over the whole batch; take one norm per sample.")
def takes_one_norm(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    return lam * (_slopes(critic, _between(real, fake, u)).norm() - 1).square()


@wgan_gradient_penalty.misconception(
    "You took a norm over the channels at each pixel; the norm runs over all elements of a sample."
)
def takes_a_norm_per_pixel(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    slopes = _slopes(critic, _between(real, fake, u)).view(real.shape)
    return lam * (_root(slopes.square().sum(1)) - 1).square().mean()


@wgan_gradient_penalty.misconception(
    "You compared the squared norm with 1; the target 1 is for the norm itself."
)
def forgets_the_root(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    return lam * (_slopes(critic, _between(real, fake, u)).square().sum(1) - 1).square().mean()


@wgan_gradient_penalty.misconception(
    "You let the graph of the gradient go, so that the penalty cannot train the critic; pass create_graph=True."
)
def drops_the_graph(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    slopes = _slopes(critic, _between(real, fake, u), create_graph=False)
    return (lam * (slopes.norm(dim=1) - 1).square().mean()).requires_grad_()


@wgan_gradient_penalty.misconception(
    "You gave u to the fake sample; u weighs the real one, 1 − u the fake one."
)
def exchanges_the_ends(critic, real, fake, u, lam=10.0):
    return by_autograd(critic, fake, real, u, lam)


@wgan_gradient_penalty.misconception(
    "You squared the mean norm minus 1, where steep and gentle samples cancel; penalise each sample, then average."
)
def averages_the_norms_first(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    return lam * (_root(_slopes(critic, _between(real, fake, u)).square().sum(1)).mean() - 1).square()


@wgan_gradient_penalty.misconception(
    "You penalised only slopes above 1; the original penalty is two-sided, slopes below 1 count too."
)
def penalises_one_side(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    return lam * relu(_root(_slopes(critic, _between(real, fake, u)).square().sum(1)) - 1).square().mean()


@wgan_gradient_penalty.misconception(
    "You let the penalty's gradient run into the images; detach real and fake before you mix them."
)
def teaches_the_images(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    share = u.view(-1, *[1] * (real.ndim - 1))
    return (
        lam * (_root(_slopes(critic, share * real + (1 - share) * fake).square().sum(1)) - 1).square().mean()
    )


@wgan_gradient_penalty.accepts
def by_autograd(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    x = _between(real, fake, u).requires_grad_(True)
    scores = critic(x)
    (slopes,) = torch.autograd.grad(scores, x, grad_outputs=torch.ones_like(scores), create_graph=True)
    return lam * ((slopes.reshape(len(x), -1).norm(2, dim=1) - 1) ** 2).mean()


@wgan_gradient_penalty.accepts
def by_functional_gradients(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    slope = torch.func.vmap(torch.func.grad(lambda x: critic(x[None]).sum()))
    norms = _root(slope(_between(real, fake, u)).flatten(1).square().sum(1))
    return lam * torch.mean((norms - 1.0) ** 2)


@wgan_gradient_penalty.accepts
def with_a_floor_in_the_root(critic, real, fake, u, lam=10.0):
    _refuse_line(real, fake, u)
    squares = _slopes(critic, _between(real, fake, u)).square().sum(1)
    return lam * (squares + 1e-12).sqrt().sub(1).square().mean()


# --- 18.3 -----------------------------------------------------------------------------------------

r1_penalty = exercise(
    "r1_penalty",
    reference="nstkit.gan:r1_penalty",
    level="medium",
    minutes=12,
    hints=[
        "At the equilibrium the critic should be flat where the real data lie: what measures how flat it is there?",
        "The gradient by the samples has their shape; squares are summed over a sample and averaged over the batch.",
        "Detached clone of real with requires_grad, autograd.grad of the summed scores with create_graph, γ/2 · mean.",
    ],
)


@r1_penalty.check(points=2)
def a_convolutional_critic_at_real_samples(answer, draw):
    """Several scores per sample, the default weight."""
    return answer(_Critic(draw), _samples(draw))


@r1_penalty.check(points=1)
def a_critic_whose_slopes_are_known(answer, draw):
    """½‖x‖² and a linear critic, with other weights; γ = 0."""
    weights = draw.tensor(2, 4, 5)
    real = _samples(draw, 4)
    return {
        "quadratic": answer(_norm_critic, real, 3.0),
        "linear": answer(lambda x: (x * weights).flatten(1).sum(1), real, gamma=0.5),
        "zero": answer(_norm_critic, real, 0.0),
    }


@r1_penalty.check(points=1)
def the_critic_learns_from_it(answer, draw):
    """The gradient of the penalty by the critic's parameters."""
    critic = _Critic(draw)
    penalty = answer(critic, _samples(draw))
    if not penalty.requires_grad:
        return "no gradient"
    slopes = torch.autograd.grad(penalty, list(critic.parameters()), allow_unused=True)
    return ["none" if slope is None or not slope.any() else slope for slope in slopes]


@r1_penalty.check(points=1)
def real_stays_as_it_was(answer, draw):
    """real.requires_grad is the same afterwards, whatever it was, and no gradient arrives there."""
    plain, leaf = _samples(draw), _samples(draw).clone().requires_grad_()
    critic = _Critic(draw)
    penalties = [answer(critic, real) for real in (plain, leaf)]
    for penalty in penalties:
        if penalty.requires_grad:
            penalty.backward()
    flags = [plain.requires_grad, leaf.requires_grad, leaf.grad is None]
    return {"plain, leaf, leaf without gradient": flags, "penalties": penalties}


@r1_penalty.check(points=1)
def single_precision(answer, draw):
    """float32 in, float32 out."""
    return answer(_norm_critic, draw.tensor(3, 2, 4, 5, dtype=torch.float32))


@r1_penalty.check(points=1)
def a_negative_weight_and_no_samples_are_refused(answer, draw):
    """ValueError for γ < 0 and for an empty batch."""
    real = _samples(draw)
    return {
        "negative": outcome(answer, _norm_critic, real, -1.0),
        "empty": outcome(answer, _norm_critic, real[:0]),
    }


def _refuse_reals(real, gamma):
    if gamma < 0 or not len(real):
        raise ValueError("real, gamma")


def _half_square(critic, real, gamma, measure, reduce=torch.sum, create_graph=True):
    """The skeleton of 18.3: only what becomes of the slopes (N, D) differs."""
    _refuse_reals(real, gamma)
    return gamma / 2 * measure(_slopes(critic, real.detach(), reduce, create_graph))


@r1_penalty.misconception("You left out the ½; R1 has γ/2.")
def forgets_the_half_of_gamma(critic, real, gamma=10.0):
    return 2 * _half_square(critic, real, gamma, lambda s: s.square().sum(1).mean())


@r1_penalty.misconception("You took the norm; R1 penalises its square.")
def takes_the_norm(critic, real, gamma=10.0):
    return _half_square(critic, real, gamma, lambda s: s.norm(dim=1).mean())


@r1_penalty.misconception(
    "You averaged over the pixels; sum the squares over a sample and average over the batch alone."
)
def averages_over_pixels(critic, real, gamma=10.0):
    return _half_square(critic, real, gamma, lambda s: s.square().mean())


@r1_penalty.misconception("You summed over the batch; average over the samples.")
def sums_over_the_batch(critic, real, gamma=10.0):
    return _half_square(critic, real, gamma, lambda s: s.square().sum())


@r1_penalty.misconception("You drove the slope to 1, as WGAN-GP does; R1 drives it to 0.")
def aims_at_one(critic, real, gamma=10.0):
    return _half_square(critic, real, gamma, lambda s: (s.norm(dim=1) - 1).square().mean())


@r1_penalty.misconception(
    "You differentiated the mean score; differentiate the sum: each sample has its own gradient."
)
def differentiates_the_mean_score(critic, real, gamma=10.0):
    return _half_square(critic, real, gamma, lambda s: s.square().sum(1).mean(), torch.mean)


@r1_penalty.misconception(
    "You let the graph of the gradient go, so that nothing is learned from the penalty; pass create_graph=True."
)
def drops_the_graph_of_the_slope(critic, real, gamma=10.0):
    value = _half_square(critic, real, gamma, lambda s: s.square().sum(1).mean(), create_graph=False)
    return value.requires_grad_()


@r1_penalty.misconception("You switched requires_grad of the caller's images on; work on a detached clone.")
def switches_the_images_on(critic, real, gamma=10.0):
    _refuse_reals(real, gamma)
    real.requires_grad_(True)
    (slopes,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return gamma / 2 * slopes.flatten(1).square().sum(1).mean()


@r1_penalty.accepts
def on_a_detached_clone(critic, real, gamma=10.0):
    _refuse_reals(real, gamma)
    x = real.detach().clone().requires_grad_()
    slopes = torch.autograd.grad(outputs=critic(x).sum(), inputs=x, create_graph=True)[0]
    return 0.5 * gamma * slopes.pow(2).reshape(len(x), -1).sum(1).mean()


@r1_penalty.accepts
def divides_by_the_number_of_samples(critic, real, gamma=10.0):
    return _half_square(critic, real, gamma, lambda s: torch.sum(s * s) / len(s))


@r1_penalty.accepts
def by_vmap(critic, real, gamma=10.0):
    _refuse_reals(real, gamma)
    slopes = torch.func.vmap(torch.func.grad(lambda x: critic(x[None]).sum()))(real.detach())
    return gamma / 2 * slopes.flatten(1).square().sum(1).mean()


# --- 18.4 -----------------------------------------------------------------------------------------

adversarial_round = exercise(
    "adversarial_round",
    reference="nstkit.gan:adversarial_round",
    level="medium",
    minutes=20,
    hints=[
        "Who moves, on which batch, and whose old gradients could still be lying around at that moment?",
        "k steps of D, each with its own real batch and its own input; then one step of G with input k.",
        "Per D step: no_grad fake, zero D, softplus(−D(real)).mean() + softplus(D(fake)).mean(), backward, step; "
        "then G: zero G, softplus(−D(G(x))).mean(), backward, step.",
    ],
)


def _network(draw, *modules):
    net = nn.Sequential(*modules)
    for parameter in net.parameters():
        parameter.data = torch.from_numpy(0.5 * draw.rng.normal(size=tuple(parameter.shape)))
    return net


def _players(draw):
    """A translator of images and a critic of patches, float64."""
    with torch.random.fork_rng(devices=[]):
        G = _network(draw, nn.Conv2d(2, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 2, 1))
        D = _network(draw, nn.Conv2d(2, 5, 2), nn.LeakyReLU(0.2), nn.Conv2d(5, 1, 2))
    return G, D


def _sgd(*nets):
    return [torch.optim.SGD(net.parameters(), lr=0.2) for net in nets]


def _batches(draw, k, size=3):
    """k real batches and k + 1 inputs."""
    reals = [draw.watch(draw.tensor(size, 2, 4, 5).tanh(), "reals") for _ in range(k)]
    return reals, [draw.watch(draw.tensor(size, 2, 4, 5).tanh(), "inputs") for _ in range(k + 1)]


def _state(**nets):
    return {name: [p.detach().clone() for p in net.parameters()] for name, net in nets.items()}


@adversarial_round.check(points=3)
def two_rounds_of_three(answer, draw):
    """Two rounds with k = 3 and plain gradient descent: the reports and all parameters."""
    G, D = _players(draw)
    optimizers = _sgd(G, D)
    reports = [answer(G, D, *optimizers, *_batches(draw, 3)) for _ in range(2)]
    return {"reports": reports, **_state(G=G, D=D)}


@adversarial_round.check(points=1)
def one_step_each(answer, draw):
    """k = 1, batches of different sizes; plain floats come back."""
    G, D = _players(draw)
    reals, inputs = _batches(draw, 1)
    report = answer(G, D, *_sgd(G, D), reals, [inputs[0], draw.tensor(2, 2, 4, 5)])
    return {
        "report": report,
        "types": sorted({type(value).__name__ for value in report.values()}),
        **_state(G=G, D=D),
    }


@adversarial_round.check(points=1)
def old_gradients_do_not_count(answer, draw):
    """Both networks hold gradients from somewhere else."""
    G, D = _players(draw)
    for parameter in [*G.parameters(), *D.parameters()]:
        parameter.grad = torch.ones_like(parameter)
    answer(G, D, *_sgd(G, D), *_batches(draw, 2))
    return _state(G=G, D=D)


@adversarial_round.check(points=1)
def the_generator_hears_once(answer, draw):
    """How often in a round with k = 3 a gradient arrives at the generator's weights; all of D stays trainable."""
    G, D = _players(draw)
    arrivals = []
    G[0].weight.register_hook(lambda slope: arrivals.append(1))
    answer(G, D, *_sgd(G, D), *_batches(draw, 3))
    return {
        "arrivals": len(arrivals),
        "trainable": all(p.requires_grad for p in [*G.parameters(), *D.parameters()]),
    }


@adversarial_round.check(points=1)
def a_wrong_number_of_batches_is_refused(answer, draw):
    """ValueError for k = 0 and where inputs are not one more than reals."""
    G, D = _players(draw)
    reals, inputs = _batches(draw, 2)
    return {
        "k = 0": outcome(answer, G, D, *_sgd(G, D), [], inputs[:1]),
        "as many inputs as reals": outcome(answer, G, D, *_sgd(G, D), reals, inputs[:2]),
        "two inputs more": outcome(answer, G, D, *_sgd(G, D), reals[:1], inputs),
    }


def _refuse_round(reals, inputs):
    if not reals or len(inputs) != len(reals) + 1:
        raise ValueError("reals, inputs")


def _for_discriminator(D, real, fake):
    return softplus(-D(real)).mean() + softplus(D(fake)).mean()


def _for_generator(scores):
    return softplus(-scores).mean()


def _round(
    G, D, opt_g, opt_d, reals, inputs, *, detach=True, clear_d=True, steps=None, g_loss=_for_generator, which=-1,
    g_first=False, cut_g=False, clear_g="late", total=False,
):  # fmt: skip
    """The skeleton of variants and misconceptions; without options it is right."""
    _refuse_round(reals, inputs)

    def move_g():
        if clear_g == "late":
            opt_g.zero_grad()
        fake = G(inputs[which])
        value = g_loss(D(fake.detach() if cut_g else fake))
        value.backward()
        opt_g.step()
        return value.item()

    if clear_g == "early":
        opt_g.zero_grad()
    g = move_g() if g_first else None
    d = []
    for real, x in list(zip(reals, inputs, strict=False))[:steps]:
        fake = G(x)
        if clear_d:
            opt_d.zero_grad()
        loss = _for_discriminator(D, real, fake.detach() if detach else fake)
        loss.backward()
        opt_d.step()
        d.append(loss.item())
    return {"d": sum(d) / (1 if total else len(d)), "g": move_g() if g is None else g}


@adversarial_round.misconception(
    "You moved the generator first; Algorithm 1 updates the discriminator k times, then the generator."
)
def moves_the_generator_first(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, g_first=True)


@adversarial_round.misconception(
    "You let the discriminator's losses leak into the generator's gradients; detach the fakes in the D step."
)
def leaks_into_the_generator(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, detach=False, clear_g="early")


@adversarial_round.misconception(
    "You ran each discriminator loss back through the generator and threw the gradient away; detach the fakes in the D "
    "step."
)
def wastes_backward_passes(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, detach=False)


@adversarial_round.misconception(
    "You left gradients in the discriminator, those of the generator's step among them; clear them before each D step."
)
def never_clears_the_discriminator(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, clear_d=False)


@adversarial_round.misconception("You took one discriminator step; take one for every batch in reals.")
def takes_one_step(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, steps=1)


@adversarial_round.misconception(
    "You detached the fakes in the generator's step, so it never moves; it learns only through the discriminator."
)
def detaches_in_the_generator_step(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, cut_g=True)


@adversarial_round.misconception(
    "You reused an earlier input for the generator's step; it has its own, the last one."
)
def reuses_an_input(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, which=-2)


@adversarial_round.misconception(
    "You minimised log(1 − D), which is flat while D is certain; minimise −log D: softplus(−scores)."
)
def plays_minimax(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, g_loss=lambda s: -softplus(s).mean())


@adversarial_round.misconception("You added up the discriminator's losses; report their mean.")
def sums_the_reports(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs, total=True)


@adversarial_round.accepts
def with_detached_fakes(G, D, opt_g, opt_d, reals, inputs):
    return _round(G, D, opt_g, opt_d, reals, inputs)


@adversarial_round.accepts
def with_a_frozen_discriminator(G, D, opt_g, opt_d, reals, inputs):
    _refuse_round(reals, inputs)
    bce = binary_cross_entropy_with_logits
    losses = []
    for k, real in enumerate(reals):
        with torch.no_grad():
            fake = G(inputs[k])
        opt_d.zero_grad(set_to_none=False)
        r, f = D(real), D(fake)
        loss = bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f))
        loss.backward()
        opt_d.step()
        losses.append(float(loss.detach()))
    for parameter in D.parameters():
        parameter.requires_grad = False
    opt_g.zero_grad(set_to_none=True)
    scores = D(G(inputs[-1]))
    g = bce(scores, torch.ones_like(scores))
    g.backward()
    opt_g.step()
    for parameter in D.parameters():
        parameter.requires_grad = True
    return {"d": sum(losses) / len(losses), "g": float(g.detach())}


@adversarial_round.accepts
def clears_everything_everywhere(G, D, opt_g, opt_d, reals, inputs):
    _refuse_round(reals, inputs)
    total = 0.0
    for real, x in zip(reals, inputs[:-1], strict=True):
        G.zero_grad()
        D.zero_grad()
        loss = _for_discriminator(D, real, G(x).detach())
        loss.backward()
        opt_d.step()
        total += loss.item()
    G.zero_grad()
    g = -torch.nn.functional.logsigmoid(D(G(inputs[len(reals)]))).mean()
    g.backward()
    opt_g.step()
    D.zero_grad()
    return {"d": total / len(reals), "g": g.item()}
