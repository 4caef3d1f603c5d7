"""The network for one style: any size, what it sees and what it cannot, and no checkerboard."""

import pytest
import torch
from torch import nn

from nstkit.transfer.fast_network import FastNetwork


@pytest.fixture
def network():
    torch.manual_seed(3)
    return FastNetwork(width=4, blocks=1).double()


@pytest.mark.parametrize("size", [(5, 5), (5, 9), (16, 20), (17, 22), (18, 23), (19, 41)])
def test_the_result_has_the_size_of_the_image_and_lies_within_0_and_1(network, size):
    out = network(torch.rand(2, 3, *size).double())
    assert out.shape == (2, 3, *size)
    assert out.dtype == torch.float64
    assert 0 < out.min() < out.max() < 1


def test_each_picture_of_a_batch_is_painted_by_itself(network):
    batch = torch.rand(2, 3, 17, 22).double()
    alone = torch.cat([network(image[None]) for image in batch])
    torch.testing.assert_close(network(batch), alone, rtol=1e-9, atol=1e-12)


def test_contrast_and_brightness_of_the_first_maps_do_not_matter(network):
    """Instance norm in training and in evaluation alike; nothing is remembered of other pictures."""
    image = torch.rand(2, 3, 16, 20).double()
    before = network.train()(image)
    network(1 - image)
    torch.testing.assert_close(network.eval()(image), before, rtol=0, atol=0)
    with torch.no_grad():
        network.first[0].weight.mul_(5)
    torch.testing.assert_close(network(image), before, rtol=1e-3, atol=1e-4)


def test_a_flat_picture_comes_out_flat(network):
    """Reflection shows no border, and enlarging no grid: a transposed convolution would draw one."""
    out = network(torch.full((2, 3, 18, 23), 0.3).double())
    spread = out.amax((2, 3)) - out.amin((2, 3))
    assert spread.max() < 1e-9
    assert not any(isinstance(layer, nn.ConvTranspose2d) for layer in network.modules())


def test_the_weights_of_the_paper():
    """The convolutions of the supplement's Table 1, and two weights for each channel of a norm."""
    pairs = [(3, 32, 9), (32, 64, 3), (64, 128, 3), *[(128, 128, 3)] * 10, (128, 64, 3), (64, 32, 3)]
    expected = sum(i * o * k * k + 2 * o for i, o, k in pairs) + 32 * 3 * 81 + 3
    assert sum(p.numel() for p in FastNetwork().parameters()) == expected


def test_gradients_reach_every_weight(network):
    network(torch.rand(2, 3, 17, 22).double()).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


@pytest.mark.parametrize("shape", [(3, 16, 20), (2, 1, 16, 20), (2, 3, 4, 20), (2, 3, 20, 4)])
def test_what_is_no_picture_is_refused(network, shape):
    with pytest.raises(ValueError, match=r"image: expected \(B, 3, H, W\) of at least 5 x 5 pixels, got "):
        network(torch.rand(shape).double())


@pytest.mark.parametrize("name", ["width", "blocks"])
def test_counts_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
        FastNetwork(**{name: 0})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(network):
    image = torch.rand(2, 3, 17, 22).double()
    expected = network(image)
    gpu = network.cuda()(image.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), expected, rtol=1e-6, atol=1e-8)
