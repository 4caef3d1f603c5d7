"""Lesson 08, CycleGAN: the history buffer, both steps of the training, and the decay of the learning rate."""

import contextlib
import random

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss

from nstkit.grading import exercise, outcome

# --- 8.1 ------------------------------------------------------------------------------------------

ImagePool = exercise(
    "ImagePool",
    reference="nstkit.gan:ImagePool",
    level="medium",
    minutes=20,
    hints=[
        "Think of a drawer of old pictures: each new picture either passes by, or takes the place of one that leaves.",
        "Work image by image, and stack what comes back to (B, C, H, W).",
        "Per image: room left? store a detached clone, return the image. Else toss a coin: return the new one, or pick "
        "a random slot, return what lies there and put a clone of the new one into it.",
    ],
)


@contextlib.contextmanager
def _private_randomness(seed):
    """Any source of randomness may be used: seed all, and put all back afterwards."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[]):
        random.seed(seed), torch.manual_seed(seed), np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(before[0]), np.random.set_state(before[1])  # noqa: NPY002


def _numbered(first, count):
    """Images (count, 2, 3, 4) that are filled with their number."""
    return torch.arange(first, first + count, dtype=torch.float64).reshape(-1, 1, 1, 1).repeat(1, 2, 3, 4)


def _numbers(images):
    return [int(number) for number in images[:, 0, 0, 0]]


def _queries(pool, count, size=4):
    """The numbers that come back for images 0, 1, 2, …, in batches."""
    return [n for k in range(count) for n in _numbers(pool.query(_numbered(size * k, size)))]


def _near(value, expected, tolerance):
    return f"{expected} ± {tolerance}" if abs(value - expected) <= tolerance else f"about {value:.1f}"


@ImagePool.check(points=1)
def it_fills_up_first(answer, draw):
    """The first images come back unchanged, and the pool grows to its capacity."""
    with _private_randomness(int(draw.rng.integers(1000))):
        pool = answer(6, draw.generator())
        sizes, found = [len(pool)], []
        for first in (0, 4):
            found.append(pool.query(_numbered(first, 4 if first == 0 else 2)))
            sizes.append(len(pool))
        _queries(pool, 10)
        return {"sizes": sizes, "images": found, "size after ten more batches": len(pool)}


@ImagePool.check(points=2)
def half_are_swapped(answer, draw):
    """Over 2000 images, half come back old, and no image comes back twice."""
    with _private_randomness(int(draw.rng.integers(1000))):
        found = _queries(answer(10, draw.generator()), 500)
    later = found[10:]
    swapped = np.mean([n != number for number, n in enumerate(later, 10)])
    return {
        "share of older images": _near(float(swapped), 0.5, 0.05),
        "images that come back twice": "none" if len(set(later)) == len(later) else "some",
        "images of the future": any(n > number for number, n in enumerate(found)),
    }


@ImagePool.check(points=1)
def coins_and_slots(answer, draw):
    """Every image of a batch has its own coin, and every slot is as likely."""
    with _private_randomness(int(draw.rng.integers(1000))):
        pool = answer(8, draw.generator())
        batches = np.array(_queries(pool, 150, 8)).reshape(150, 8)[1:]
        old = batches < np.arange(8, 1200, 8)[:, None]
        mixed = np.mean(old.any(1) & ~old.all(1))
        small = answer(4, draw.generator())
        ages = np.array(_queries(small, 1500, 1))[4:]
        waits = np.arange(4, 1500) - ages
    return {
        "batches with old and new images": "most" if mixed > 0.75 else "few",
        "how long a swapped image had waited": _near(float(waits[waits > 0].mean()), 8.0, 1.2),
        "the longest wait": "more than 30" if waits.max() > 30 else "30 or less",
    }


@ImagePool.check(points=1)
def it_keeps_copies(answer, draw):
    """What is stored has no graph and does not change with the caller's tensor."""
    with _private_randomness(int(draw.rng.integers(1000))):
        pool = answer(3, draw.generator())
        images = _numbered(0, 3).requires_grad_()
        first = pool.query(images * 1)
        attached = [first.requires_grad]
        buffer = _numbered(3, 1)
        seen = []
        for _ in range(40):
            found = pool.query(buffer.clone().requires_grad_() * 1)
            attached.append(found.requires_grad)
        pool, later = answer(3, draw.generator()), _numbered(0, 3)
        pool.query(later)
        later.fill_(-7)
        for k in range(60):
            seen += _numbers(pool.query(_numbered(10 + k, 1)))
    return {
        "with a graph": any(attached),
        "an edited image appears": -7 in seen,
        "old ones appear": min(seen) < 3,
    }


@ImagePool.check(points=1)
def shapes_and_capacities(answer, draw):
    """Capacity 0 gives the images back, detached; a negative one is a ValueError; float32 stays."""
    images = draw.tensor(3, 2, 5, 4, dtype=torch.float32)
    with _private_randomness(int(draw.rng.integers(1000))):
        none, small = answer(0), answer(2)
        found = none.query(images.clone().requires_grad_() * 1)
        many = [small.query(images) for _ in range(3)][-1]
        return {
            "capacity 0": found,
            "with a graph": found.requires_grad,
            "its size": len(none),
            "shape": list(many.shape),
            "dtype": str(many.dtype),
            "capacity -1": outcome(answer, -1),
        }


class _Pool:
    """The skeleton of the variants and misconceptions; without changes it is right."""

    def __init__(self, capacity, generator=None):
        if capacity < 0:
            raise ValueError("capacity")
        self.capacity, self.images = capacity, []

    def __len__(self):
        return len(self.images)

    def query(self, images):
        if self.capacity == 0:
            return images.detach()
        return torch.stack([self.exchange(image) for image in images.detach()])

    def exchange(self, image):
        if len(self.images) < self.capacity:
            self.images.append(self.keep(image))
            return image
        return self.swap(image) if self.coin() else image

    def swap(self, image):
        place = random.randrange(self.capacity)
        old, self.images[place] = self.images[place], self.keep(image)
        return old

    def coin(self):
        return random.random() < 0.5

    def keep(self, image):
        return image.clone()


@ImagePool.misconception("You always gave the new image back; half of the time D must see an older fake.")
class AlwaysNew(_Pool):
    def coin(self):
        return False


@ImagePool.misconception(
    "You gave a stored image back and left it in its place, so it comes again; swap: the new one takes its slot."
)
class KeepsWhatItReturns(_Pool):
    def swap(self, image):
        return self.images[random.randrange(self.capacity)]


@ImagePool.misconception(
    "You stored the caller's own tensor, which changes when the caller edits it; store a copy."
)
class StoresTheSameTensor(_Pool):
    def keep(self, image):
        return image


@ImagePool.misconception("You kept the graph of the images; detach them before storing and returning.")
class KeepsTheGraph(_Pool):
    def query(self, images):
        if self.capacity == 0:
            return images
        return torch.stack([self.exchange(image) for image in images])


@ImagePool.misconception("You tossed one coin for the whole batch; decide for each image on its own.")
class OneCoinForAll(_Pool):
    def query(self, images):
        self.toss = random.random() < 0.5
        return super().query(images)

    def coin(self):
        return self.toss


@ImagePool.misconception(
    "You swapped whenever the pool was full; let the new image pass with probability one half."
)
class AlwaysSwaps(_Pool):
    def coin(self):
        return True


@ImagePool.misconception("You took the oldest image out first; pick the slot at random.")
class FirstInFirstOut(_Pool):
    def swap(self, image):
        self.images.append(self.keep(image))
        return self.images.pop(0)


@ImagePool.accepts
class ByRandom(_Pool):
    pass


@ImagePool.accepts
class InOneTensor:
    def __init__(self, capacity, generator=None):
        if capacity < 0:
            raise ValueError("capacity")
        self.capacity, self.generator, self.filled, self.stored = capacity, generator, 0, None

    def __len__(self):
        return self.filled

    def query(self, images):
        out = images.detach().clone()
        if self.capacity and self.stored is None:
            self.stored = torch.empty(self.capacity, *images.shape[1:], dtype=images.dtype)
        for k, image in enumerate(images.detach() if self.capacity else ()):
            if self.filled < self.capacity:
                self.stored[self.filled] = image
                self.filled += 1
            elif torch.rand(1, generator=self.generator).item() > 0.5:
                slot = torch.randint(0, self.capacity, (1,), generator=self.generator).item()
                out[k] = self.stored[slot]
                self.stored[slot] = image
        return out


@ImagePool.accepts
class WithNumpy(_Pool):
    def coin(self):
        return np.random.rand() >= 0.5  # noqa: NPY002

    def swap(self, image):
        place = np.random.randint(len(self.images))  # noqa: NPY002
        old = self.images[place].clone()
        self.images[place] = self.keep(image)
        return old


# --- 8.2 ------------------------------------------------------------------------------------------

cyclegan_generator_step = exercise(
    "cyclegan_generator_step",
    reference="nstkit.gan:cyclegan_generator_step",
    level="hard",
    minutes=35,
    hints=[
        "Six passes of generators: two translations, two ways back, two identities; then two of discriminators.",
        "fake_b = g_ab(real_a) has the batch of real_a and is judged by d_b; every term is a mean, so all are numbers.",
        "Set requires_grad False on both discriminators and remember what it was; clear opt_g, one backward on the "
        "sum, one step, and put the flags back.",
    ],
)


def _translator(draw, outward):
    """A small smooth network from (B, 3, H, W) to (B, outward, H, W), float64, with drawn parameters."""
    with torch.random.fork_rng(devices=[]):
        net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, outward, 1)).double()
    for parameter in net.parameters():
        values = torch.from_numpy(draw.rng.normal(size=tuple(parameter.shape)))
        parameter.data = values / (parameter[0].numel() if parameter.ndim > 1 else 4) ** 0.5
    return net


def _players(draw):
    """g_ab, g_ba, d_a, d_b, and plain gradient descent on both generators."""
    nets = [_translator(draw, outward) for outward in (3, 3, 1, 1)]
    learners = [*nets[0].parameters(), *nets[1].parameters()]
    return nets, torch.optim.SGD(learners, lr=0.1)


def _pair(draw, sizes=(2, 3)):
    """Images of A and of B in [-1, 1]; the batches differ in size."""
    return [
        draw.watch(2 * draw.image(n, 6, 5) - 1, name)
        for n, name in zip(sizes, ("real_a", "real_b"), strict=True)
    ]


def _weights(*nets):
    return [p.detach().clone() for net in nets for p in net.parameters()]


@cyclegan_generator_step.check(points=3)
def one_step_of_both_generators(answer, draw):
    """The report, the fakes, and both generators' parameters after one plain descent."""
    nets, opt_g = _players(draw)
    report, fake_b, fake_a = answer(*nets, opt_g, *_pair(draw))
    return {
        "report": report,
        "fakes": [fake_b, fake_a],
        "g_ab": _weights(nets[0]),
        "g_ba": _weights(nets[1]),
    }


@cyclegan_generator_step.check(points=1)
def each_part_of_the_objective(answer, draw):
    """The parts with other weights, two of them 0, and the types of the report."""
    results = {}
    for name, weights in {"no identity": (7.0, 0.0), "no cycle": (0.0, 0.5), "small": (0.3, 2.0)}.items():
        nets, opt_g = _players(draw)
        report, _, _ = answer(*nets, opt_g, *_pair(draw), *weights)
        results[name] = report | {"types": {key: type(value).__name__ for key, value in report.items()}}
    return results


@cyclegan_generator_step.check(points=1)
def two_steps_and_old_gradients(answer, draw):
    """Old gradients in the generators do not count, and the second step starts afresh."""
    nets, opt_g = _players(draw)
    for net in nets[:2]:
        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter)
    for _ in range(2):
        answer(*nets, opt_g, *_pair(draw), lambda_cycle=2.0)
    return _weights(*nets)


@cyclegan_generator_step.check(points=1)
def discriminators_are_left_alone(answer, draw):
    """Gradients, flags and parameters of both discriminators are the same afterwards."""
    nets, opt_g = _players(draw)
    d_a, d_b = nets[2:]
    d_b[0].bias.requires_grad_(False)
    for parameter in d_a.parameters():
        parameter.grad = torch.full_like(parameter, 0.25)
    _, fake_b, fake_a = answer(*nets, opt_g, *_pair(draw))
    return {
        "gradients of d_a": [p.grad for p in d_a.parameters()],
        "d_b has gradients": [p.grad is not None and bool(p.grad.any()) for p in d_b.parameters()],
        "flags": [p.requires_grad for net in (d_a, d_b) for p in net.parameters()],
        "parameters": _weights(d_a, d_b),
        "fakes with a graph": [fake_b.requires_grad, fake_a.requires_grad],
    }


@cyclegan_generator_step.check(points=1)
def without_identity_no_passes(answer, draw):
    """How often each generator runs, with and without the identity term."""
    counts = {}
    for weight in (0.5, 0.0):
        nets, opt_g = _players(draw)
        calls = [0, 0]
        for k, net in enumerate(nets[:2]):
            net.register_forward_hook(lambda *_, k=k, calls=calls: calls.__setitem__(k, calls[k] + 1))
        answer(*nets, opt_g, *_pair(draw), lambda_identity=weight)
        counts[f"lambda_identity={weight}"] = calls
    return counts


def _to(scores, target):
    return mse_loss(scores, torch.full_like(scores, target))


def _generator_step(
    g_ab, g_ba, d_a, d_b, opt_g, real_a, real_b, lambda_cycle=10.0, lambda_identity=0.5, *, judges=None,
    distance=l1_loss, back=True, cut=False, identity_inputs="target", relative=True, freeze=True,
    adversarial=lambda scores: _to(scores, 1.0),
):  # fmt: skip
    """The skeleton of variants and misconceptions; without options it is right."""
    flags = [(p, p.requires_grad) for net in (d_a, d_b) for p in net.parameters()]
    for p, flag in flags:
        p.requires_grad_(flag and not freeze)
    fake_b, fake_a = g_ab(real_a), g_ba(real_b)
    judge_b, judge_a = judges(d_a, d_b) if judges else (d_b, d_a)
    adv = adversarial(judge_b(fake_b)) + adversarial(judge_a(fake_a))
    source_b, source_a = (fake_b.detach(), fake_a.detach()) if cut else (fake_b, fake_a)
    cycle = distance(g_ba(source_b), real_a)
    if back:
        cycle = cycle + distance(g_ab(source_a), real_b)
    cycle = lambda_cycle * cycle
    identity = torch.zeros((), dtype=real_a.dtype)
    if lambda_identity:
        into_ab, into_ba = (real_b, real_a) if identity_inputs == "target" else (real_a, real_b)
        identity = l1_loss(g_ab(into_ab), into_ab) + l1_loss(g_ba(into_ba), into_ba)
        identity = (lambda_cycle if relative else 1.0) * lambda_identity * identity
    total = adv + cycle + identity
    opt_g.zero_grad()
    total.backward()
    opt_g.step()
    for p, flag in flags:
        p.requires_grad_(flag)
    parts = {"adversarial": adv, "cycle": cycle, "identity": identity, "total": total}
    return {name: value.item() for name, value in parts.items()}, fake_b.detach(), fake_a.detach()


@cyclegan_generator_step.misconception(
    "You let D_A judge the images of B; fake_b should look like B and is judged by D_B."
)
def exchanges_the_judges(*args, **kwargs):
    return _generator_step(*args, **kwargs, judges=lambda d_a, d_b: (d_a, d_b))


@cyclegan_generator_step.misconception(
    "You squared the cycle's differences; measure them with the L1 distance."
)
def squares_the_cycle(*args, **kwargs):
    return _generator_step(*args, **kwargs, distance=mse_loss)


@cyclegan_generator_step.misconception(
    "You closed the cycle from one side; close it from both, A→B→A and B→A→B."
)
def closes_one_cycle(*args, **kwargs):
    return _generator_step(*args, **kwargs, back=False)


@cyclegan_generator_step.misconception(
    "You detached the fake before the way back; the cycle's gradient must pass through both generators."
)
def cuts_the_cycle(*args, **kwargs):
    return _generator_step(*args, **kwargs, cut=True)


@cyclegan_generator_step.misconception(
    "You fed the identity term with the source domain; give G_AB an image of B, which it should leave alone."
)
def feeds_the_source(g_ab, g_ba, d_a, d_b, opt_g, real_a, real_b, lambda_cycle=10.0, lambda_identity=0.5):
    weights = lambda_cycle, lambda_identity
    return _generator_step(g_ab, g_ba, d_a, d_b, opt_g, real_a, real_b, *weights, identity_inputs="source")


@cyclegan_generator_step.misconception(
    "You left lambda_cycle out of the identity's weight, which is lambda_cycle · lambda_identity."
)
def weighs_the_identity_alone(*args, **kwargs):
    return _generator_step(*args, **kwargs, relative=False)


@cyclegan_generator_step.misconception(
    "You let gradients into the discriminators; freeze them while the generators move, and restore their flags."
)
def teaches_the_discriminators(*args, **kwargs):
    return _generator_step(*args, **kwargs, freeze=False)


@cyclegan_generator_step.misconception(
    "You used the log loss; CycleGAN's adversarial loss is the squared distance of the score to 1."
)
def uses_the_log_loss(*args, **kwargs):
    def log_loss(scores):
        return binary_cross_entropy_with_logits(scores, torch.ones_like(scores))

    return _generator_step(*args, **kwargs, adversarial=log_loss)


@cyclegan_generator_step.misconception(
    "You halved the generators' adversarial loss; here only the discriminators' objective is halved."
)
def halves_the_adversarial_part(*args, **kwargs):
    return _generator_step(*args, **kwargs, adversarial=lambda scores: _to(scores, 1.0) / 2)


@cyclegan_generator_step.misconception(
    "You never cleared the generators' gradients, so older ones count too; clear opt_g before the backward pass."
)
def never_clears_the_generators(g_ab, g_ba, d_a, d_b, opt_g, *args, **kwargs):
    class Kept:
        step = opt_g.step

        @staticmethod
        def zero_grad():
            pass

    return _generator_step(g_ab, g_ba, d_a, d_b, Kept, *args, **kwargs)


@cyclegan_generator_step.accepts
def by_flags(*args, **kwargs):
    return _generator_step(*args, **kwargs)


@cyclegan_generator_step.accepts
def by_gradients_of_the_generators_only(
    g_ab, g_ba, d_a, d_b, opt_g, real_a, real_b, lambda_cycle=10.0, lambda_identity=0.5
):
    fake_b, fake_a = g_ab(real_a), g_ba(real_b)
    adv = (d_b(fake_b) - 1).pow(2).mean() + (d_a(fake_a) - 1).pow(2).mean()
    cycle = lambda_cycle * ((g_ba(fake_b) - real_a).abs().mean() + (g_ab(fake_a) - real_b).abs().mean())
    identity = adv * 0
    if lambda_identity > 0:
        same = (g_ab(real_b) - real_b).abs().mean() + (g_ba(real_a) - real_a).abs().mean()
        identity = lambda_cycle * lambda_identity * same
    total = adv + cycle + identity
    learners = [*g_ab.parameters(), *g_ba.parameters()]
    for parameter, slope in zip(learners, torch.autograd.grad(total, learners), strict=True):
        parameter.grad = slope
    opt_g.step()
    report = {"total": float(total.detach()), "adversarial": float(adv.detach())}
    report |= {"cycle": float(cycle.detach()), "identity": float(identity.detach())}
    return report, fake_b.detach(), fake_a.detach()


# --- 8.3 ------------------------------------------------------------------------------------------

cyclegan_discriminator_step = exercise(
    "cyclegan_discriminator_step",
    reference="nstkit.gan:cyclegan_discriminator_step",
    level="medium",
    minutes=20,
    hints=[
        "The discriminator regresses: real images to 1, fakes to 0, with squares.",
        "Two calls of the discriminator, each with a mean over all its patches; the loss is a number.",
        "((disc(real) − 1)².mean() + disc(fake.detach())².mean()) / 2, then zero, backward, step, and .item().",
    ],
)


def _judge(draw):
    disc = _translator(draw, 1)
    return disc, torch.optim.SGD(disc.parameters(), lr=0.3)


@cyclegan_discriminator_step.check(points=2)
def two_steps_of_the_discriminator(answer, draw):
    """Losses and parameters over two steps of plain descent; more fakes than real images."""
    disc, opt_d = _judge(draw)
    losses = [answer(disc, opt_d, *_pair(draw)) for _ in range(2)]
    return {
        "losses": losses,
        "types": [type(loss).__name__ for loss in losses],
        "parameters": _weights(disc),
    }


@cyclegan_discriminator_step.check(points=1)
def its_old_gradients(answer, draw):
    """Gradients that were there before do not count."""
    disc, opt_d = _judge(draw)
    for parameter in disc.parameters():
        parameter.grad = torch.ones_like(parameter)
    answer(disc, opt_d, *_pair(draw))
    return _weights(disc)


@cyclegan_discriminator_step.check(points=1)
def the_generator_is_left_alone(answer, draw):
    """The network that made the fakes gets no gradient."""
    disc, opt_d = _judge(draw)
    producer = _translator(draw, 3)
    real, source = _pair(draw)
    loss = answer(disc, opt_d, real, producer(source))
    return {"loss": loss, "gradients": [p.grad is not None for p in producer.parameters()]}


@cyclegan_discriminator_step.check(points=1)
def scores_far_out(answer, draw):
    """A discriminator with large scores has a large loss."""
    disc, opt_d = _judge(draw)
    disc[2].weight.data *= 50
    return answer(disc, opt_d, *_pair(draw, (3, 2)))


def _discriminator_step(
    disc, opt_d, real, fake, *, factor=0.5, labels=(1.0, 0.0), detach=True, clear=True, squash=lambda scores: scores
):  # fmt: skip
    """The skeleton of variants and misconceptions; without options it is right."""
    seen = fake.detach() if detach else fake
    loss = factor * (_to(squash(disc(real)), labels[0]) + _to(squash(disc(seen)), labels[1]))
    if clear:
        opt_d.zero_grad()
    loss.backward()
    opt_d.step()
    return loss.item()


@cyclegan_discriminator_step.misconception(
    "You left the ½ out; D's objective is halved, to slow it relative to the generators."
)
def forgets_the_half(disc, opt_d, real, fake):
    return _discriminator_step(disc, opt_d, real, fake, factor=1.0)


@cyclegan_discriminator_step.misconception(
    "You exchanged the targets; real images have target 1, fakes have target 0."
)
def exchanges_the_targets(disc, opt_d, real, fake):
    return _discriminator_step(disc, opt_d, real, fake, labels=(0.0, 1.0))


@cyclegan_discriminator_step.misconception(
    "You let the gradient run on into the generator; detach the fakes."
)
def runs_into_the_generator(disc, opt_d, real, fake):
    return _discriminator_step(disc, opt_d, real, fake, detach=False)


@cyclegan_discriminator_step.misconception("You kept old gradients; clear D's gradients first.")
def keeps_old_gradients(disc, opt_d, real, fake):
    return _discriminator_step(disc, opt_d, real, fake, clear=False)


@cyclegan_discriminator_step.misconception(
    "You squashed the scores by a sigmoid; the least-squares loss acts on raw outputs: drop the sigmoid."
)
def squashes_the_scores(disc, opt_d, real, fake):
    return _discriminator_step(disc, opt_d, real, fake, squash=torch.sigmoid)


@cyclegan_discriminator_step.misconception(
    "You returned the loss after the step; return the value that the step was made for."
)
def measures_after_the_step(disc, opt_d, real, fake):
    _discriminator_step(disc, opt_d, real, fake)
    with torch.no_grad():
        return (0.5 * (_to(disc(real), 1.0) + _to(disc(fake), 0.0))).item()


@cyclegan_discriminator_step.accepts
def by_filled_targets(disc, opt_d, real, fake):
    return _discriminator_step(disc, opt_d, real, fake)


@cyclegan_discriminator_step.accepts
def written_out_in_two_backward_passes(disc, opt_d, real, fake):
    opt_d.zero_grad(set_to_none=False)
    on_real = 0.5 * ((disc(real) - 1) ** 2).mean()
    on_real.backward()
    on_fake = 0.5 * (disc(fake.detach()) ** 2).mean()
    on_fake.backward()
    opt_d.step()
    return float((on_real + on_fake).detach())


# --- 8.4 ------------------------------------------------------------------------------------------

linear_decay_factor = exercise(
    "linear_decay_factor",
    reference="nstkit.training:linear_decay_factor",
    level="easy",
    minutes=5,
    hints=[
        "A plateau, a straight line down, and zero for ever.",
        "A plain float in [0, 1]; epochs are counted from 0.",
        "1 − (epoch − constant_epochs) / decay_epochs, cut off at 1 above and at 0 below.",
    ],
)


@linear_decay_factor.check(points=1)
def the_papers_schedule(answer, draw):
    """100 constant and 100 decaying epochs: at the ends, in the middle, and beyond."""
    return [float(answer(epoch)) for epoch in (0, 57, 100, 101, 120, 150, 175, 199, 200, 250)]


@linear_decay_factor.check(points=1)
def other_lengths(answer, draw):
    """Every epoch of a short schedule, and one without a plateau."""
    constant, decay = (int(n) for n in draw.rng.integers(3, 9, size=2))
    return {
        "short": [float(answer(epoch, constant, decay)) for epoch in range(constant + decay + 4)],
        "no plateau": [float(answer(epoch, constant_epochs=0, decay_epochs=7)) for epoch in range(10)],
        "type": type(answer(constant + 1, constant, decay)).__name__,
    }


@linear_decay_factor.check(points=1)
def inside_a_scheduler(answer, draw):
    """The learning rates of LambdaLR over eight epochs."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: answer(epoch, 2, 5))
    rates = []
    for _ in range(8):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        schedule.step()
    return rates


@linear_decay_factor.check(points=1)
def impossible_numbers_are_refused(answer, draw):
    """ValueError for negative numbers and for no decaying epochs."""
    return {
        "epoch=-1": outcome(answer, -1),
        "constant_epochs=-1": outcome(answer, 3, -1, 5),
        "decay_epochs=-5": outcome(answer, 3, 5, -5),
        "decay_epochs=0": outcome(answer, 3, 5, 0),
    }


def _refuse_epochs(epoch, constant, decay):
    if min(epoch, constant) < 0 or decay < 1:
        raise ValueError("epoch, constant_epochs, decay_epochs")


@linear_decay_factor.misconception(
    "You started to decay at epoch 0; keep the rate for the first constant_epochs."
)
def decays_from_the_start(epoch, constant_epochs=100, decay_epochs=100):
    _refuse_epochs(epoch, constant_epochs, decay_epochs)
    return max(0.0, 1 - epoch / (constant_epochs + decay_epochs))


@linear_decay_factor.misconception("You let the factor become negative after the end; cut it off at 0.")
def becomes_negative(epoch, constant_epochs=100, decay_epochs=100):
    _refuse_epochs(epoch, constant_epochs, decay_epochs)
    return min(1.0, 1 - (epoch - constant_epochs) / decay_epochs)


@linear_decay_factor.misconception(
    "You multiplied the factors of all epochs so far; LambdaLR multiplies the *initial* rate by this one factor."
)
def multiplies_all_factors(epoch, constant_epochs=100, decay_epochs=100):
    _refuse_epochs(epoch, constant_epochs, decay_epochs)
    factor = 1.0
    for e in range(epoch + 1):
        factor *= by_min_and_max(e, constant_epochs, decay_epochs)
    return factor


@linear_decay_factor.misconception(
    "You divided by decay_epochs + 1, as a widely used program does; this follows the paper: 0 after "
    "constant_epochs + decay_epochs."
)
def divides_by_one_more(epoch, constant_epochs=100, decay_epochs=100):
    _refuse_epochs(epoch, constant_epochs, decay_epochs)
    return 1.0 - max(0, min(epoch - constant_epochs, decay_epochs + 1)) / float(decay_epochs + 1)


@linear_decay_factor.misconception("You bent the line into a cosine; it is straight.")
def bends_the_line(epoch, constant_epochs=100, decay_epochs=100):
    line = by_min_and_max(epoch, constant_epochs, decay_epochs)
    return 0.5 - 0.5 * float(np.cos(np.pi * line))


@linear_decay_factor.accepts
def by_min_and_max(epoch, constant_epochs=100, decay_epochs=100):
    _refuse_epochs(epoch, constant_epochs, decay_epochs)
    return max(0.0, min(1.0, 1 - (epoch - constant_epochs) / decay_epochs))


@linear_decay_factor.accepts
def by_branches(epoch, constant_epochs=100, decay_epochs=100):
    if epoch < 0 or constant_epochs < 0 or decay_epochs <= 0:
        raise ValueError("negative")
    if epoch <= constant_epochs:
        return 1.0
    if epoch >= constant_epochs + decay_epochs:
        return 0.0
    return (constant_epochs + decay_epochs - epoch) / decay_epochs
