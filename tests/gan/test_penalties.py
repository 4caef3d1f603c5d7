"""Gradient penalties against closed forms of linear and quadratic critics, and against loops over samples."""

import pytest
import torch
from torch import nn

from nstkit.gan import r1_penalty, wgan_gradient_penalty

SHAPE = (4, 3, 5, 2)


@pytest.fixture
def batch():
    """real, fake and u; the samples' norms spread widely, some slopes below 1."""
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor([0.05, 0.5, 1.0, 2.0], dtype=torch.float64).reshape(4, 1, 1, 1)
    real = size * torch.randn(SHAPE, dtype=torch.float64, generator=generator)
    fake = size * torch.randn(SHAPE, dtype=torch.float64, generator=generator) + size
    return real, fake, torch.rand(4, dtype=torch.float64, generator=generator)


@pytest.fixture
def network():
    """A smooth critic with a map of scores per sample."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(nn.Conv2d(3, 4, 2), nn.Softplus(), nn.Conv2d(4, 1, (2, 1))).double()


def half_square(x):
    return x.square().flatten(1).sum(1) / 2


def test_a_linear_critic_has_one_slope_everywhere(batch):
    slope = torch.linspace(-1, 2, 30, dtype=torch.float64)
    real, fake, u = batch

    def critic(x):
        return x.flatten(1) @ slope

    expected = 7 * (slope.norm() - 1) ** 2
    for places in (u, torch.zeros_like(u), torch.ones_like(u)):
        torch.testing.assert_close(wgan_gradient_penalty(critic, real, fake, places, 7.0), expected)
    torch.testing.assert_close(r1_penalty(critic, real, 3.0), 1.5 * slope @ slope)


def test_a_quadratic_critic_has_the_sample_as_its_slope(batch):
    real, fake, u = batch
    between = torch.stack([w * r + (1 - w) * f for w, r, f in zip(u, real, fake, strict=True)])
    norms = between.flatten(1).norm(dim=1)
    assert norms.min() < 1 < norms.max()
    torch.testing.assert_close(wgan_gradient_penalty(half_square, *batch), 10 * (norms - 1).square().mean())
    torch.testing.assert_close(r1_penalty(half_square, real), 5 * real.flatten(1).norm(dim=1).square().mean())


def test_several_scores_of_a_sample_count_by_their_sum(batch, network):
    real, fake, u = batch

    def summed(x):
        return network(x).flatten(1).sum(1)

    assert network(real)[0].numel() > 1
    torch.testing.assert_close(
        wgan_gradient_penalty(network, real, fake, u), wgan_gradient_penalty(summed, real, fake, u)
    )
    torch.testing.assert_close(r1_penalty(network, real), r1_penalty(summed, real))


def test_they_are_the_mean_of_what_each_sample_has_alone(batch, network):
    real, fake, u = batch
    alone = [
        wgan_gradient_penalty(network, real[n : n + 1], fake[n : n + 1], u[n : n + 1]) for n in range(len(u))
    ]
    torch.testing.assert_close(wgan_gradient_penalty(network, real, fake, u), torch.stack(alone).mean())
    alone = [r1_penalty(network, real[n : n + 1]) for n in range(len(u))]
    torch.testing.assert_close(r1_penalty(network, real), torch.stack(alone).mean())


def test_the_gradient_in_the_critics_parameters_is_right(batch):
    real, fake, u = batch
    weight = torch.randn(30, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) / 5

    def penalties(w):
        def critic(x):
            return torch.tanh(x.flatten(1) @ w).sum(1)

        return wgan_gradient_penalty(critic, real, fake, u), r1_penalty(critic, real)

    assert torch.autograd.gradcheck(penalties, weight.requires_grad_())


def test_no_gradient_reaches_the_images(batch):
    real, fake, u = (t.clone().requires_grad_() for t in batch)
    weight = torch.ones(30, dtype=torch.float64, requires_grad=True)

    def critic(x):
        return (x.flatten(1) @ weight).square()

    (wgan_gradient_penalty(critic, real, fake, u) + r1_penalty(critic, real)).backward()
    assert real.grad is None
    assert fake.grad is None
    assert weight.grad is not None


def test_requires_grad_of_the_images_is_left_alone(batch, network):
    real, fake, u = batch
    r1_penalty(network, real)
    wgan_gradient_penalty(network, real, fake, u)
    assert not real.requires_grad
    assert not fake.requires_grad


def test_a_flat_critic_has_a_finite_penalty(batch):
    torch.testing.assert_close(
        wgan_gradient_penalty(lambda x: 0 * x.sum(), *batch), torch.tensor(10.0, dtype=torch.float64)
    )


def test_they_work_inside_no_grad_and_in_single_precision(batch, network):
    expected = wgan_gradient_penalty(network, *batch)
    with torch.no_grad():
        found = wgan_gradient_penalty(network.float(), *(t.float() for t in batch))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=0)


def test_the_layout_does_not_matter(batch):
    real, fake, u = batch
    strided = real.mT.contiguous().mT
    torch.testing.assert_close(
        wgan_gradient_penalty(half_square, strided, fake, u), wgan_gradient_penalty(half_square, *batch)
    )


def test_what_does_not_fit_is_refused(batch):
    real, fake, u = batch
    with pytest.raises(
        ValueError, match=r"fake: expected the shape of real, \(4, 3, 5, 2\), got \(3, 3, 5, 2\)"
    ):
        wgan_gradient_penalty(half_square, real, fake[:3], u)
    with pytest.raises(ValueError, match=r"u: expected \(4,\), one number per sample, got \(4, 1\)"):
        wgan_gradient_penalty(half_square, real, fake, u[:, None])
    with pytest.raises(ValueError, match="lam: expected a number of at least 0, got -1"):
        wgan_gradient_penalty(half_square, real, fake, u, -1)
    with pytest.raises(ValueError, match="gamma: expected a number of at least 0, got nan"):
        r1_penalty(half_square, real, float("nan"))
    with pytest.raises(ValueError, match=r"real: expected samples \(N, …\), none empty, got \(0, 3, 5, 2\)"):
        r1_penalty(half_square, real[:0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(batch):
    found = wgan_gradient_penalty(half_square, *(t.cuda() for t in batch))
    torch.testing.assert_close(found.cpu(), wgan_gradient_penalty(half_square, *batch))
