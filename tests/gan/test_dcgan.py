"""DCGAN's networks have the paper's layers, sizes and parameter counts; weights are normal with its deviation."""

import math

import pytest
import torch
from torch import nn

from nstkit.gan import build_dcgan, dcgan_init_


@pytest.fixture
def no_global_randomness():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


pytestmark = pytest.mark.usefixtures("no_global_randomness")


def count(net):
    return sum(p.numel() for p in net.parameters())


def counts_by_hand(size, channels, latent, width):
    """Weights of 4x4 kernels, two numbers per normalised channel, one bias at the image and one at the score."""
    n = int(math.log2(size)) - 2
    between = sum(16 * (width * 2**k) * (width * 2 ** (k - 1)) for k in range(1, n))
    deepest = width * 2 ** (n - 1)
    normed = sum(width * 2**k for k in range(n))
    gen = 16 * latent * deepest + between + 16 * width * channels + channels + 2 * normed
    disc = 16 * channels * width + width + between + 16 * deepest + 1 + 2 * (normed - width)
    return gen, disc


@pytest.mark.parametrize("arguments", [(8, 2, 5, 6), (16, 1, 8, 16), (32, 3, 10, 8), (128, 3, 7, 2)])
def test_shapes_ranges_and_parameters(arguments):
    size, channels, latent, _ = arguments
    gen, disc = build_dcgan(*arguments)
    image = gen(torch.randn(3, latent, 1, 1))
    assert image.shape == (3, channels, size, size)
    assert image.abs().max() <= 1
    assert disc(image).shape == (3, 1, 1, 1)
    assert (count(gen), count(disc)) == counts_by_hand(*arguments)


def test_the_counts_of_the_smallest_published_example():
    assert counts_by_hand(16, 1, 8, 16) == (12641, 9041)


def test_the_layers_are_those_of_the_paper():
    gen, disc = build_dcgan(32, 3, 10, 8)
    up = [nn.ConvTranspose2d, nn.BatchNorm2d, nn.ReLU]
    down = [nn.Conv2d, nn.BatchNorm2d, nn.LeakyReLU]
    assert [type(layer) for layer in gen] == [*up * 3, nn.ConvTranspose2d, nn.Tanh]
    assert [type(layer) for layer in disc] == [nn.Conv2d, nn.LeakyReLU, *down * 2, nn.Conv2d]
    assert {layer.negative_slope for layer in disc if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert [layer.out_channels for layer in gen[::3]] == [32, 16, 8, 3]


def test_a_constant_meets_every_pixel_equally_often():
    """Kernel 4 and stride 2: inside, no checkerboard."""
    layer = build_dcgan(16, 1, 8, 4)[0][3]
    with torch.no_grad():
        layer.weight.fill_(1.0)
        inside = layer(torch.ones(1, 8, 5, 7))[0, 0, 1:-1, 1:-1]
    assert inside.unique().numel() == 1


@pytest.mark.parametrize("size", [0, 4, 7, 24, 100, -8])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"image_size: expected a power of two, at least 8, got {size}"):
        build_dcgan(size, 3, 8, 4)


@pytest.mark.parametrize("name", ["channels", "latent_dim", "width"])
def test_numbers_below_one_are_refused(name):
    arguments = {"channels": 1, "latent_dim": 1, "width": 1, name: 0}
    with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
        build_dcgan(16, **arguments)


def is_normal(weights, mean):
    """Mean, deviation and tails of at least 20 000 numbers; a uniform distribution has no tails."""
    z = (weights.flatten() - mean) / 0.02
    tails = math.erfc(2 / math.sqrt(2))
    return (
        abs(z.mean()) < 0.05
        and abs(z.std() - 1) < 0.05
        and abs((z.abs() > 2).double().mean() / tails - 1) < 0.2
    )


def test_every_convolution_is_normal_also_deep_inside():
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(40, 60, 3), nn.Sequential(nn.ConvTranspose2d(60, 40, 3, bias=False))),
        nn.BatchNorm2d(30000),
    )
    net[1].running_mean.fill_(3.0)
    assert dcgan_init_(net, torch.Generator().manual_seed(1)) is net
    convolution, transposed = net[0][0], net[0][1][0]
    assert is_normal(convolution.weight.detach(), 0)
    assert is_normal(transposed.weight.detach(), 0)
    assert is_normal(net[1].weight.detach(), 1)
    assert not convolution.bias.any()
    assert not net[1].bias.any()
    assert (net[1].running_mean == 3).all()


def test_other_layers_and_missing_parameters_are_left_alone():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm2d(3, affine=False), nn.InstanceNorm2d(3, affine=True))
    before = [p.clone() for p in net.parameters()]
    dcgan_init_(net)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_the_generator_decides():
    first, second = (
        dcgan_init_(build_dcgan(16, 1, 8, 4)[0], torch.Generator().manual_seed(5)) for _ in range(2)
    )
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    state = torch.get_rng_state()
    dcgan_init_(first, torch.Generator())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_they_run_on_the_gpu():
    gen, disc = (dcgan_init_(net.cuda()) for net in build_dcgan(32, 3, 10, 8))
    assert disc(gen(torch.randn(2, 10, 1, 1, device="cuda"))).is_cuda
