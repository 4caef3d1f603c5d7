"""K-means filters: they find planted patterns, and their responses are scaled as promised."""

import pytest
import torch
from torch.nn import functional as F

from nstkit.encoders.kmeans import kmeans_filters, spherical_kmeans


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_planted_directions_are_found():
    """Noisy multiples of orthogonal directions: every direction is the centre of one cluster."""
    directions = torch.linalg.qr(torch.randn(6, 6, generator=generator())).Q[:4]
    owner = torch.randint(4, (2000,), generator=generator(1))
    size = 1 + torch.rand(2000, 1, generator=generator(2))
    data = size * directions[owner] + 0.02 * torch.randn(2000, 6, generator=generator(3))
    centres = spherical_kmeans(data, 8, 20, generator(4))
    assert (directions @ centres.T).amax(dim=1).min() > 0.99


def test_centres_are_unit_vectors_even_with_fewer_kinds_of_data_than_centres():
    data = torch.eye(3).repeat(5, 1)
    centres = spherical_kmeans(data, 7, 4, generator())
    torch.testing.assert_close(centres.norm(dim=1), torch.ones(7))


def test_every_round_fits_better():
    data = torch.randn(500, 9, generator=generator()) * torch.linspace(0.2, 2, 9)
    fit = [
        (data @ spherical_kmeans(data, 10, rounds, generator(1)).T).amax(1).square().sum()
        for rounds in (0, 3, 12)
    ]
    assert fit[0] < fit[1] <= fit[2] * (1 + 1e-3)


def test_responses_have_unit_deviation_and_a_bias_of_a_quarter():
    maps = torch.rand(4, 3, 30, 37, generator=generator())
    maps = F.avg_pool2d(maps, 3, stride=1)  # correlated, as pictures are
    weight, bias = kmeans_filters(maps, 12, 3, generator(1), each=800)
    assert weight.shape == (12, 3, 3, 3)
    responses = F.conv2d(maps, weight, bias)
    torch.testing.assert_close(responses.std((0, 2, 3)), torch.ones(12), rtol=0.1, atol=0)
    torch.testing.assert_close(responses.mean((0, 2, 3)), torch.full((12,), -0.25), rtol=0, atol=0.1)


def test_a_flat_patch_is_below_the_threshold():
    maps = torch.rand(4, 3, 30, 37, generator=generator())
    weight, bias = kmeans_filters(maps, 12, 3, generator(1), each=800)
    mean = maps.mean((0, 2, 3)).view(1, 3, 1, 1).expand(1, 3, 5, 6)
    assert F.conv2d(mean, weight, bias).amax().item() == pytest.approx(-0.25, abs=0.1)
