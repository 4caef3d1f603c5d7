"""The temporal loss: nothing for nets that commute with translations, something for those that do not."""

import pytest
import torch
from torch import nn

from nstkit.losses.temporal import temporal_loss

OFFSETS = [(0, 0), (1, 0), (0, 3), (2, 1), (3, 4)]


@pytest.fixture
def image():
    return torch.rand(2, 3, 11, 14, generator=torch.Generator().manual_seed(1)).double()


def pointwise():
    torch.manual_seed(2)
    return nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU(), nn.Conv2d(5, 3, 1)).double()


def blocky(x):
    """Every block of 2 x 2 pixels, counted from the top left, becomes its mean; odd rests stay."""
    height, width = (n // 2 * 2 for n in x.shape[2:])
    out = x.clone()
    means = nn.functional.avg_pool2d(x[..., :height, :width], 2)
    out[..., :height, :width] = nn.functional.interpolate(means, scale_factor=2)
    return out


def quiet(image):
    return torch.zeros(*image.shape[:2], 8, 10).double()


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_net_that_commutes_with_translations_pays_nothing(image, offset):
    net = pointwise()
    assert temporal_loss(net, image, net(image), offset, quiet(image)) < 1e-25


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_net_with_a_grid_pays_where_the_shift_is_not_one_of_the_grid(image, offset):
    loss = temporal_loss(blocky, image, blocky(image), offset, quiet(image))
    if offset[0] % 2 == offset[1] % 2 == 0:
        assert loss == 0
    else:
        assert loss > 1e-3


def test_it_is_the_loop_over_pixels(image):
    noise = 0.1 * torch.randn(2, 3, 8, 10).double()
    shifted = blocky(torch.stack([image[b, :, 2:10, 1:11] + noise[b] for b in range(2)]))
    whole, total = blocky(image), 0.0
    for b in range(2):
        for c in range(3):
            for y in range(8):
                for x in range(10):
                    total += float(shifted[b, c, y, x] - whole[b, c, y + 2, x + 1]) ** 2
    loss = temporal_loss(blocky, image, whole, (2, 1), noise)
    assert float(loss) == pytest.approx(total / (2 * 3 * 8 * 10), rel=1e-10)


def test_noise_that_the_net_passes_on_costs_its_variance(image):
    noise = 0.1 * torch.randn(2, 3, 8, 10).double()
    loss = temporal_loss(lambda x: x, image, image, (1, 2), noise)
    torch.testing.assert_close(loss, noise.square().mean(), rtol=1e-10, atol=0)


def test_gradients_reach_the_net_from_both_sides(image):
    scale = torch.tensor(2.0).double().requires_grad_()
    noise = torch.full((2, 3, 8, 10), 0.5).double()
    loss = temporal_loss(lambda x: scale * x, image, scale * image, (1, 2), noise)  # (scale / 2)²
    (slope,) = torch.autograd.grad(loss, scale)
    torch.testing.assert_close(slope, scale.detach() / 2, rtol=1e-9, atol=0)


@pytest.mark.parametrize("offset", [(-1, 0), (0, -1), (4, 0), (0, 5)])
def test_a_window_outside_of_the_picture_is_refused(image, offset):
    with pytest.raises(ValueError, match="offset: expected a window of 8 x 10 inside of 11 x 14, got one at"):
        temporal_loss(blocky, image, image, offset, quiet(image))


def test_other_shapes_are_refused(image):
    with pytest.raises(ValueError, match="output, noise: expected the batch of image"):
        temporal_loss(blocky, image, image[..., 1:], (0, 0), quiet(image))
    with pytest.raises(ValueError, match="output, noise: expected the batch of image"):
        temporal_loss(blocky, image, image, (0, 0), quiet(image)[:1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(image):
    noise = quiet(image)
    gpu = temporal_loss(blocky, image.cuda(), blocky(image.cuda()), (1, 1), noise.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), temporal_loss(blocky, image, blocky(image), (1, 1), noise))
