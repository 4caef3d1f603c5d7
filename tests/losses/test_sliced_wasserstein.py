"""The sliced Wasserstein loss against loops, SciPy's quantiles, and what it knows beyond second moments."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from nstkit.losses import sliced_wasserstein_loss, style_distance


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


X, Y, DIRECTIONS = drawn(0, 2, 5, 4, 7), drawn(1, 2, 5, 4, 7) + 0.5, 3 * drawn(2, 6, 5)


def by_loops(x, y, directions):
    values = []
    for one, other in zip(x.flatten(2).numpy(), y.flatten(2).numpy(), strict=True):
        for direction in directions.numpy():
            unit = direction / np.linalg.norm(direction)
            p, q = np.sort(unit @ one), np.sort(unit @ other)
            places = (np.arange(len(p)) + 0.5) / len(p) * len(q) - 0.5
            values.append((p - np.interp(places, np.arange(len(q)), q)) ** 2)
    return np.mean(values)


@pytest.mark.parametrize("size", [(4, 7), (3, 5), (9, 6), (1, 1)], ids=str)
def test_it_equals_loops_for_any_size_of_y(size):
    y = drawn(3, 2, 5, *size)
    assert float(sliced_wasserstein_loss(X, y, DIRECTIONS)) == pytest.approx(by_loops(X, y, DIRECTIONS))
    single = sliced_wasserstein_loss(X.float(), y.float(), DIRECTIONS.float())
    assert single.dtype == torch.float32
    assert float(single) == pytest.approx(by_loops(X, y, DIRECTIONS), rel=1e-5)


def test_with_one_channel_it_is_the_cost_of_the_best_assignment():
    x, y = drawn(4, 2, 1, 3, 4), drawn(5, 2, 1, 3, 4)
    best = []
    for p, q in zip(x.flatten(1).numpy(), y.flatten(1).numpy(), strict=True):
        cost = (p[:, None] - q[None]) ** 2
        best.append(cost[linear_sum_assignment(cost)].mean())
    assert float(sliced_wasserstein_loss(x, y, torch.tensor([[-2.0]]).double())) == pytest.approx(
        np.mean(best)
    )


def test_a_shuffle_costs_nothing_and_a_translation_its_square_along_each_direction():
    order = torch.randperm(28, generator=torch.Generator().manual_seed(6))
    shuffled = X.flatten(2)[..., order].view(2, 5, 7, 4)
    assert float(sliced_wasserstein_loss(shuffled.mT.contiguous().mT, X, DIRECTIONS)) < 1e-25
    v = drawn(7, 5)
    units = DIRECTIONS / DIRECTIONS.norm(dim=1, keepdim=True)
    found = sliced_wasserstein_loss(X + v[:, None, None], X, DIRECTIONS)
    torch.testing.assert_close(found, (units @ v).square().mean())


def test_it_tells_distributions_apart_that_share_mean_and_covariance():
    signs = torch.tensor([-1.0, 1.0]).repeat(300).double().view(1, 1, 20, 30)
    ramp = torch.linspace(-1, 1, 600, dtype=torch.float64)
    ramp = (ramp / ramp.square().mean().sqrt()).view(1, 1, 20, 30)
    assert float(style_distance(ramp, signs)) < 1e-20
    assert float(sliced_wasserstein_loss(ramp, signs, torch.ones(1, 1).double())) > 0.1


@pytest.mark.parametrize("size", [(4, 7), (3, 5)], ids=str)
def test_gradcheck_and_y_is_a_constant(size):
    x, y = X.clone().requires_grad_(), drawn(3, 2, 5, *size).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: sliced_wasserstein_loss(t, y.detach(), DIRECTIONS), x)
    sliced_wasserstein_loss(x, y, DIRECTIONS).backward()
    assert y.grad is None


@pytest.mark.parametrize(
    ("y", "directions", "words"),
    [
        (Y[:, :4], DIRECTIONS, r"y: expected \(B, C\) = \(2, 5\) as in x, got \(2, 4\)"),
        (Y[:1], DIRECTIONS, r"y: expected \(B, C\) = \(2, 5\)"),
        (Y, DIRECTIONS[:, :4], r"directions: expected \(K, 5\), K at least 1, got \(6, 4\)"),
        (Y, DIRECTIONS[0], r"directions: expected \(K, 5\)"),
        (Y, DIRECTIONS[:0], r"directions: expected \(K, 5\), K at least 1, got \(0, 5\)"),
        (Y, DIRECTIONS * torch.tensor([1, 1, 0, 1, 1, 1])[:, None], "directions: expected no zero row"),
    ],
)
def test_what_does_not_fit_is_refused(y, directions, words):
    with pytest.raises(ValueError, match=words):
        sliced_wasserstein_loss(X, y, directions)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    y = drawn(3, 2, 5, 3, 5)
    gpu = sliced_wasserstein_loss(X.cuda(), y.cuda(), DIRECTIONS.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), sliced_wasserstein_loss(X, y, DIRECTIONS))
