"""Training steps against the same updates written out with gradients taken by hand from autograd."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from nstkit.gan import adversarial_round, dcgan_train_step, discriminator_step, generator_step
from nstkit.gan.steps import frozen

RATE = 0.2


def networks(batch_norm=True):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        norm = nn.BatchNorm2d(4) if batch_norm else nn.Identity()
        gen = nn.Sequential(nn.ConvTranspose2d(3, 2, (3, 4)), nn.Tanh())
        disc = nn.Sequential(nn.Conv2d(2, 4, 2), norm, nn.LeakyReLU(0.2), nn.Conv2d(4, 1, (2, 3)))
    return gen.double(), disc.double()


def sgd(*nets):
    return [torch.optim.SGD(net.parameters(), lr=RATE) for net in nets]


def draws(count, *shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(5, *shape, dtype=torch.float64, generator=generator) for _ in range(count)]


def descend(net, loss):
    for parameter, slope in zip(
        net.parameters(), torch.autograd.grad(loss, list(net.parameters())), strict=True
    ):
        parameter.data -= RATE * slope


def log_losses(disc, real, fake):
    real, fake = disc(real), disc(fake)
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def parameters(*nets):
    return [p.detach() for net in nets for p in net.parameters()]


def test_a_dcgan_iteration_is_two_descents():
    gen, disc = networks()
    g, d = copy.deepcopy((gen, disc))
    optimizers = sgd(gen, disc)
    for real, z in zip(draws(3, 2, 3, 4), draws(3, 3, 1, 1, seed=2), strict=True):
        report = dcgan_train_step(gen, disc, *optimizers, real, z)
        d_loss = log_losses(d, real, g(z).detach())
        descend(d, d_loss)
        scores = d(g(z))
        g_loss = bce(scores, torch.ones_like(scores))
        descend(g, g_loss)
        assert report == pytest.approx({"d_loss": d_loss.item(), "g_loss": g_loss.item()})
    torch.testing.assert_close(parameters(gen, disc), parameters(g, d), rtol=1e-9, atol=1e-12)


def test_a_round_is_k_descents_of_the_discriminator_and_one_of_the_generator():
    gen, disc = networks()
    g, d = copy.deepcopy((gen, disc))
    optimizers = sgd(gen, disc)
    for seed in (3, 4):
        reals, inputs = draws(3, 2, 3, 4, seed=seed), draws(4, 3, 1, 1, seed=seed + 10)
        report = adversarial_round(gen, disc, *optimizers, reals, inputs)
        d_losses = []
        for real, z in zip(reals, inputs, strict=False):
            d_losses.append(log_losses(d, real, g(z).detach()))
            descend(d, d_losses[-1])
        scores = d(g(inputs[-1]))
        g_loss = bce(scores, torch.ones_like(scores))
        descend(g, g_loss)
        assert report == pytest.approx({"d": sum(d_losses).item() / 3, "g": g_loss.item()})
    torch.testing.assert_close(parameters(gen, disc), parameters(g, d), rtol=1e-9, atol=1e-12)


def test_the_discriminator_step_takes_any_loss_and_penalty():
    gen, disc = networks()
    d = copy.deepcopy(disc)
    real, z = draws(1, 2, 3, 4)[0], draws(1, 3, 1, 1, seed=2)[0]

    def loss(r, f):
        return (r - 1).square().mean() + f.square().mean()

    def penalty(critic, real, fake):
        assert not fake.requires_grad
        return sum(p.square().sum() for p in critic.parameters())

    value = discriminator_step(disc, sgd(disc)[0], real, gen(z), loss, penalty)
    expected = loss(d(real), d(gen(z))) + penalty(d, real, real)
    descend(d, expected)
    assert value == pytest.approx(expected.item())
    torch.testing.assert_close(parameters(disc), parameters(d))
    assert all(p.grad is None for p in gen.parameters())


def test_the_generator_step_leaves_the_discriminator_alone():
    gen, disc = networks()
    for p in disc.parameters():
        p.grad = torch.full_like(p, 0.5)
    disc[0].bias.requires_grad_(False)
    before = parameters(disc)
    generator_step(disc, sgd(gen)[0], gen(draws(1, 3, 1, 1)[0]))
    torch.testing.assert_close(parameters(disc), before, rtol=0, atol=0)
    assert all((p.grad == 0.5).all() for p in disc.parameters())
    assert [p.requires_grad for p in disc.parameters()] == [True, False, True, True, True, True]


def test_stale_gradients_are_cleared():
    """Whatever .grad held before, the first step is the same."""
    results = []
    for stale in (False, True):
        gen, disc = networks()
        if stale:
            for net in (gen, disc):
                for p in net.parameters():
                    p.grad = torch.ones_like(p)
        dcgan_train_step(gen, disc, *sgd(gen, disc), draws(1, 2, 3, 4)[0], draws(1, 3, 1, 1)[0])
        results.append(parameters(gen, disc))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)


def test_the_generators_graph_is_walked_once_per_iteration():
    gen, disc = networks()
    walks = []
    gen[0].weight.register_hook(walks.append)
    dcgan_train_step(gen, disc, *sgd(gen, disc), draws(1, 2, 3, 4)[0], draws(1, 3, 1, 1)[0])
    assert len(walks) == 1


def test_freezing_ends_also_after_an_error():
    gen, disc = networks()
    everything = [*gen.parameters(), *disc.parameters()]

    def fail_while_frozen():
        with frozen(gen, disc):
            assert not any(p.requires_grad for p in everything)
            raise KeyError("on purpose")

    with pytest.raises(KeyError, match="on purpose"):
        fail_while_frozen()
    assert all(p.requires_grad for p in everything)


def test_single_precision_steps_agree():
    report = {}
    for dtype in (torch.float32, torch.float64):
        gen, disc = (net.to(dtype) for net in networks())
        real, z = draws(1, 2, 3, 4)[0].to(dtype), draws(1, 3, 1, 1)[0].to(dtype)
        report[dtype] = dcgan_train_step(gen, disc, *sgd(gen, disc), real, z)
    assert report[torch.float32] == pytest.approx(report[torch.float64], rel=1e-5)


def test_what_does_not_fit_is_refused():
    gen, disc = networks()
    optimizers = sgd(gen, disc)
    reals, inputs = draws(2, 2, 3, 4), draws(3, 3, 1, 1)
    with pytest.raises(ValueError, match="z: expected a batch of 5 as in real, got 4"):
        dcgan_train_step(gen, disc, *optimizers, reals[0], inputs[0][:4])
    with pytest.raises(ValueError, match="reals: expected at least one batch, got none"):
        adversarial_round(gen, disc, *optimizers, [], inputs[:1])
    with pytest.raises(ValueError, match=r"inputs: expected 3, one for each .*, got 2"):
        adversarial_round(gen, disc, *optimizers, reals, inputs[:2])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    reports = []
    for device in ("cpu", "cuda"):
        gen, disc = (net.to(device) for net in networks())
        real, z = draws(1, 2, 3, 4)[0].to(device), draws(1, 3, 1, 1)[0].to(device)
        reports.append(dcgan_train_step(gen, disc, *sgd(gen, disc), real, z))
    assert reports[0] == pytest.approx(reports[1])
