"""STROTSS' losses against loops, the exact earth mover's distance, and what each of them cannot see."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from nstkit.losses import absolute_moment_loss, hypercolumns, relaxed_emd_loss, self_similarity_loss


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


X, Y, C = drawn(0, 2, 5, 9) + 0.3, drawn(1, 2, 5, 12), drawn(2, 2, 4, 9)


def distances(x, y):
    """Cosine distances by loops, (N, M)."""
    return np.array([[1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in y.T] for a in x.T])


def per_image(function, *tensors):
    return np.mean([function(*images) for images in zip(*(t.numpy() for t in tensors), strict=True)])


def relaxed_by_loops(x, y):
    d = distances(x, y)
    return max(np.mean([min(row) for row in d]), np.mean([min(column) for column in d.T]))


def moments_by_loops(x, y):
    means = np.abs(x.mean(1) - y.mean(1)).mean()
    return means + np.abs(np.cov(x, bias=True) - np.cov(y, bias=True)).mean()


def similarity_by_loops(x, c):
    patterns = [distances(f, f) / distances(f, f).sum(0) for f in (x, c)]
    return np.abs(patterns[0] - patterns[1]).sum() / x.shape[1]


@pytest.mark.parametrize(("dtype", "rel"), [(torch.float64, 1e-9), (torch.float32, 1e-4)])
@pytest.mark.parametrize(("loss", "loops", "pair"), [
    (relaxed_emd_loss, relaxed_by_loops, (X, Y)),
    (relaxed_emd_loss, relaxed_by_loops, (Y, X)),
    (absolute_moment_loss, moments_by_loops, (X, Y)),
    (self_similarity_loss, similarity_by_loops, (X, C)),
])  # fmt: skip
def test_it_equals_loops(loss, loops, pair, dtype, rel):
    found = loss(*(t.to(dtype) for t in pair))
    assert found.dtype == dtype
    assert float(found) == pytest.approx(per_image(loops, *pair), rel=rel)


def test_it_is_a_lower_bound_of_the_earth_movers_distance():
    y = Y[..., :9]
    exact = []
    for one, other in zip(X.numpy(), y.numpy(), strict=True):
        cost = distances(one, other)
        exact.append(cost[linear_sum_assignment(cost)].mean())
    assert 0 < float(relaxed_emd_loss(X, y)) < np.mean(exact)


def test_relaxed_emd_sees_directions_only_and_moments_see_the_rest():
    order = torch.randperm(9, generator=torch.Generator().manual_seed(3))
    scaled = X[..., order] * torch.linspace(1, 4, 9, dtype=torch.float64)
    assert float(relaxed_emd_loss(scaled, X)) < 1e-12
    assert float(absolute_moment_loss(scaled, X)) > 0.1
    assert float(absolute_moment_loss(X[..., order], X)) < 1e-12


def test_self_similarity_is_blind_to_rotations_of_the_features():
    turn = torch.linalg.qr(drawn(4, 5, 5)).Q
    assert float(self_similarity_loss(3 * turn @ X, X)) < 1e-12
    assert float(self_similarity_loss(X[..., torch.arange(8, -1, -1)], X)) > 0.01


@pytest.mark.parametrize("loss", [relaxed_emd_loss, absolute_moment_loss, self_similarity_loss])
def test_gradcheck_and_the_target_is_a_constant(loss):
    x, y = X.clone().requires_grad_(), drawn(5, 2, 5, 9).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: loss(t, y), x)
    loss(x, y).backward()
    assert y.grad is None


def test_columns_of_nothing_have_a_finite_gradient():
    x = torch.cat([X[..., :8], torch.zeros(2, 5, 1).double()], 2).requires_grad_()
    (relaxed_emd_loss(x, Y) + self_similarity_loss(x, C)).backward()
    assert torch.isfinite(x.grad).all()


def test_hypercolumns_of_linear_maps_are_linear_in_the_place_at_any_resolution():
    points = torch.tensor([[0.3, 0.6], [0.5, 0.25], [0.71, 0.4]])
    maps = []
    for height, width in ((20, 30), (10, 12)):
        x = (torch.arange(width) + 0.5) / width
        y = (torch.arange(height) + 0.5) / height
        ramp = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])
        maps.append(torch.stack([ramp, 2 * ramp]))
    found = hypercolumns(maps, points)
    assert found.shape == (2, 4, 3)
    torch.testing.assert_close(found[0], torch.cat([points.T, points.T]), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found[1], 2 * found[0])


@pytest.mark.parametrize(("call", "words"), [
    (lambda: relaxed_emd_loss(X[..., None], Y), r"x, y: expected \(B, C, N\).*got \(2, 5, 9, 1\).*flatten"),
    (lambda: absolute_moment_loss(X, C), r"x, y: expected"),
    (lambda: self_similarity_loss(X, Y), r"content: expected \(B, C, N\) at the points of x, \(2, 5, 9\)"),
])  # fmt: skip
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = relaxed_emd_loss(X.cuda(), Y.cuda()) + self_similarity_loss(X.cuda(), C.cuda())
    torch.testing.assert_close(
        gpu.cpu(), relaxed_emd_loss(X, Y) + self_similarity_loss(X, C), rtol=1e-10, atol=0
    )
