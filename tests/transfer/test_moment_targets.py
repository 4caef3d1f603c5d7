"""Targets of means and covariances where an image has hardly any: flat gray to start from, or a plain wall."""

import pytest
import torch

from nstkit.losses.wasserstein import wasserstein_loss
from nstkit.transfer.draws import Draw
from nstkit.transfer.moment_targets import WassersteinTarget


@pytest.fixture(params=[(24, 9), (64, 20)], ids=str)
def maps(request):
    """Features of a style, and two flat maps of other features."""
    channels, side = request.param
    generator = torch.Generator().manual_seed(channels)
    style = torch.rand(1, channels, side, side + 3, generator=generator)
    style = 3 * style * torch.rand(1, channels, 1, 1, generator=generator)
    flat = torch.rand(2, channels, 1, 1, generator=generator).expand(-1, -1, side + 1, side)
    return style, flat.contiguous()


def test_a_flat_map_is_at_the_distance_of_a_point_in_float32(maps):
    style, flat = maps
    flat.requires_grad_()
    gap = WassersteinTarget(style).gap(flat, Draw())
    away = flat - style.mean((2, 3), keepdim=True)
    expected = (away.square().mean((2, 3)) + style.var((2, 3), correction=0)).mean(1)
    torch.testing.assert_close(gap, expected, rtol=1e-4, atol=0)
    gradients = [torch.autograd.grad(value.sum(), flat)[0] for value in (gap, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3 * float(gradients[1].abs().max()))


@pytest.mark.parametrize("deviation", [1e-6, 1e-3, 0.1])
def test_a_nearly_flat_map_has_its_distance_and_a_gradient(maps, deviation):
    style, flat = maps
    noise = torch.randn(flat.shape, generator=torch.Generator().manual_seed(0))
    features = (flat + deviation * noise).requires_grad_()
    gap = WassersteinTarget(style).gap(features, Draw())
    pairs = [(one[None].double(), style.double()) for one in features.detach()]
    torch.testing.assert_close(
        gap.double(), torch.stack([wasserstein_loss(*pair) for pair in pairs]), rtol=3e-3, atol=0
    )
    assert torch.autograd.grad(gap.sum(), features)[0].isfinite().all()


@pytest.mark.parametrize("seed", range(4))
def test_a_flat_style_of_pixels_is_a_point(seed):
    generator = torch.Generator().manual_seed(seed)
    flat = torch.rand(1, 24, 1, 1, generator=generator).expand(-1, -1, 11, 13)
    features = torch.rand(2, 24, 9, 10, generator=generator).requires_grad_()
    gap = WassersteinTarget(flat).gap(features, Draw())
    expected = (features - flat[..., :1, :1]).square().mean((1, 2, 3))
    torch.testing.assert_close(gap, expected, rtol=1e-4, atol=0)
    assert torch.autograd.grad(gap.sum(), features)[0].isfinite().all()
