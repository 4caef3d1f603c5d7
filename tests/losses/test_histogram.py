"""The histogram loss against ranks by loops, scikit-image's matching, and distributions that share two moments."""

import numpy as np
import pytest
import torch
from skimage.exposure import match_histograms

from nstkit.losses import histogram_loss, style_distance


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


X, Y = drawn(0, 2, 5, 4, 7), drawn(1, 2, 5, 4, 7).exp()


def by_loops(x, y):
    squares = []
    for channel, wanted in zip(
        x.flatten(2).flatten(0, 1).numpy(), y.flatten(2).flatten(0, 1).numpy(), strict=True
    ):
        wanted, count = np.sort(wanted), len(channel)
        for value in channel:
            rank = np.sum(channel < value)
            place = (rank + 0.5) / count * len(wanted) - 0.5
            squares.append((value - np.interp(place, np.arange(len(wanted)), wanted)) ** 2)
    return np.mean(squares)


@pytest.mark.parametrize("size", [(4, 7), (3, 5), (9, 6), (1, 1)], ids=str)
def test_it_equals_loops_for_any_size_of_the_style(size):
    y = drawn(3, 2, 5, *size)
    found = histogram_loss(X, y)
    assert found.dtype == torch.float64
    assert float(found) == pytest.approx(by_loops(X, y))
    assert float(histogram_loss(X.float(), y.float())) == pytest.approx(by_loops(X, y), rel=1e-5)


def test_its_target_is_scikit_images_matched_histogram():
    squares = []
    for one, other in zip(X.numpy(), Y.numpy(), strict=True):
        matched = match_histograms(one, other, channel_axis=0)
        squares.append((one - matched) ** 2)
    assert float(histogram_loss(X, Y)) == pytest.approx(np.mean(squares))


def test_a_shuffle_costs_nothing():
    order = torch.randperm(28, generator=torch.Generator().manual_seed(6))
    assert float(histogram_loss(X.flatten(2)[..., order].view(2, 5, 7, 4), X)) < 1e-25


def test_it_tells_distributions_apart_that_share_mean_and_variance():
    signs = torch.tensor([-1.0, 1.0]).repeat(300).double().view(1, 1, 20, 30)
    ramp = torch.linspace(-1, 1, 600, dtype=torch.float64)
    ramp = (ramp / ramp.square().mean().sqrt()).view(1, 1, 20, 30)
    assert float(style_distance(ramp, signs)) < 1e-20
    assert float(histogram_loss(ramp, signs)) > 0.1


def test_the_gradient_points_away_from_a_constant_target():
    """2 (O − R(O)) / number of entries, R(O) written out by ranks."""
    x, y = X.clone().requires_grad_(), Y.clone().requires_grad_()
    histogram_loss(x, y).backward()
    ranks = X.flatten(2).argsort(2).argsort(2)
    remapped = Y.flatten(2).sort(2).values.gather(2, ranks).view_as(X)
    torch.testing.assert_close(x.grad, 2 * (X - remapped) / X.numel())
    assert y.grad is None
    assert torch.autograd.gradcheck(lambda t: histogram_loss(t, Y), x)


def test_mistakes_are_named():
    with pytest.raises(
        ValueError, match=r"style: expected \(B, C\) = \(2, 5\) as in generated, got \(1, 5\)"
    ):
        histogram_loss(X, Y[:1])
    with pytest.raises(ValueError, match=r"generated: expected \(B, C, H, W\)"):
        histogram_loss(X[0], Y)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    torch.testing.assert_close(
        histogram_loss(X.cuda(), Y.cuda()).cpu(), histogram_loss(X, Y), rtol=1e-10, atol=0
    )
