"""CycleGAN's steps against the objective written out and one plain gradient descent."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import l1_loss, mse_loss

from nstkit.gan import cyclegan_discriminator_step, cyclegan_generator_step

RATE = 0.1


def convolutions(inward, outward, kernel):
    return nn.Sequential(nn.Conv2d(inward, 4, kernel, padding="same"), nn.Tanh(), nn.Conv2d(4, outward, 1))


@pytest.fixture
def players():
    """g_ab, g_ba, d_a, d_b."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return [convolutions(3, c, 3).double() for c in (3, 3, 1, 1)]


@pytest.fixture
def images():
    generator = torch.Generator().manual_seed(1)
    return [torch.rand(n, 3, 6, 5, dtype=torch.float64, generator=generator) * 2 - 1 for n in (2, 3)]


def optimizer(*nets):
    return torch.optim.SGD([p for net in nets for p in net.parameters()], lr=RATE)


def parameters(*nets):
    return [p.detach().clone() for net in nets for p in net.parameters()]


def near(scores, target):
    return mse_loss(scores, torch.full_like(scores, target))


def objective(g_ab, g_ba, d_a, d_b, a, b, weight, identity):
    parts = {
        "adversarial": near(d_b(g_ab(a)), 1) + near(d_a(g_ba(b)), 1),
        "cycle": weight * (l1_loss(g_ba(g_ab(a)), a) + l1_loss(g_ab(g_ba(b)), b)),
        "identity": weight * identity * (l1_loss(g_ab(b), b) + l1_loss(g_ba(a), a)),
    }
    return parts | {"total": sum(parts.values())}


@pytest.mark.parametrize("weights", [(10.0, 0.5), (3.0, 0.0), (0.0, 0.5)])
def test_the_generators_descend_the_whole_objective(players, images, weights):
    copies = copy.deepcopy(players)
    expected = objective(*copies, *images, *weights)
    fakes = copies[0](images[0]).detach(), copies[1](images[1]).detach()
    learners = [p for net in copies[:2] for p in net.parameters()]
    for p, slope in zip(learners, torch.autograd.grad(expected["total"], learners), strict=True):
        p.data -= RATE * slope
    for net in players:  # stale gradients must not count
        for p in net.parameters():
            p.grad = torch.full_like(p, 0.5)
    report, fake_b, fake_a = cyclegan_generator_step(*players, optimizer(*players[:2]), *images, *weights)
    assert report == pytest.approx({k: v.item() for k, v in expected.items()})
    torch.testing.assert_close([fake_b, fake_a], list(fakes))
    assert [fake_b.requires_grad, fake_a.requires_grad] == [False, False]
    torch.testing.assert_close(parameters(*players), parameters(*copies), rtol=1e-9, atol=1e-12)


def test_the_discriminators_are_left_alone(players, images):
    *_, d_a, d_b = players
    for p in d_a.parameters():
        p.grad = torch.full_like(p, 0.5)
    d_b[0].bias.requires_grad_(False)
    cyclegan_generator_step(*players, optimizer(*players[:2]), *images)
    assert all((p.grad == 0.5).all() for p in d_a.parameters())
    assert all(p.grad is None for p in d_b.parameters())
    assert [p.requires_grad for p in d_b.parameters()] == [True, False, True, True]
    assert all(p.requires_grad for p in d_a.parameters())


def test_identity_maps_have_neither_cycle_nor_identity_loss(players, images):
    _, _, d_a, d_b = players

    class Identity(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Parameter(torch.ones((), dtype=torch.float64))

        def forward(self, x):
            return x * self.one

    g_ab, g_ba = Identity(), Identity()
    report, _, _ = cyclegan_generator_step(g_ab, g_ba, d_a, d_b, optimizer(g_ab, g_ba), *images)
    assert report["cycle"] == report["identity"] == 0
    assert report["adversarial"] == report["total"] > 0


def test_the_discriminator_descends_half_the_squares(players, images):
    *_, disc, _ = players
    twin = copy.deepcopy(disc)
    producer = players[0]
    real, fake = images[1], producer(images[0])
    for _ in range(2):
        expected = (near(twin(real), 1) + near(twin(fake.detach()), 0)) / 2
        for p, slope in zip(
            twin.parameters(), torch.autograd.grad(expected, list(twin.parameters())), strict=True
        ):
            p.data -= RATE * slope
        assert cyclegan_discriminator_step(disc, optimizer(disc), real, fake) == pytest.approx(
            expected.item()
        )
    torch.testing.assert_close(parameters(disc), parameters(twin), rtol=1e-9, atol=1e-12)
    assert all(p.grad is None for p in producer.parameters())


def test_single_precision_agrees(players, images):
    reports = []
    for dtype in (torch.float64, torch.float32):
        nets = [copy.deepcopy(net).to(dtype) for net in players]
        batch = [i.to(dtype).mT.contiguous().mT for i in images]
        reports.append(cyclegan_generator_step(*nets, optimizer(*nets[:2]), *batch)[0])
    assert reports[1] == pytest.approx(reports[0], rel=1e-5)


@pytest.mark.parametrize("name", ["lambda_cycle", "lambda_identity"])
def test_negative_weights_are_refused(players, images, name):
    with pytest.raises(ValueError, match=f"{name}: expected a number of at least 0, got -1"):
        cyclegan_generator_step(*players, optimizer(*players[:2]), *images, **{name: -1})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(players, images):
    here = cyclegan_generator_step(*copy.deepcopy(players), optimizer(*players[:2]), *images)[0]
    nets = [net.cuda() for net in players]
    there = cyclegan_generator_step(*nets, optimizer(*nets[:2]), *(i.cuda() for i in images))[0]
    assert there == pytest.approx(here)
