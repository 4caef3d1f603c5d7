"""The Fréchet distance agrees with SciPy's matrix root, also for singular covariances."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud
from scipy.linalg import sqrtm

from nstkit.domain import frechet_distance
from nstkit.domain.arrays import frechet_distance as array_distance

TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}


def by_scipy(x, y):
    x, y = x.double().numpy(), y.double().numpy()
    c_x, c_y = np.atleast_2d(np.cov(x.T)), np.atleast_2d(np.cov(y.T))
    root = sqrtm(c_x @ c_y).real
    return np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(c_x + c_y - 2 * root)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("sizes", [(20, 30, 4), (30, 20, 4), (9, 3, 5), (3, 9, 5), (20, 30, 1)], ids=str)
def test_it_agrees_with_scipy(sizes, dtype):
    m, n, d = sizes
    x, y = cloud(m, d, 0, dtype=dtype), cloud(n, d, 1, dtype=dtype)
    distance = frechet_distance(x, y)
    assert distance.shape == ()
    assert distance.dtype == dtype
    # SciPy's root of a singular product is good to about 1e-8 itself
    rel = max(TOLERANCE[dtype], 1e-6 if min(m, n) <= d else 0)
    assert distance.item() == pytest.approx(by_scipy(x, y), rel=rel)


def test_two_sets_too_small_for_their_dimension():
    """Rank 2 against rank 3 in 6 dimensions, by the eigenvalues of C_x C_y."""
    x, y = cloud(3, 6, 0), cloud(4, 6, 1)
    c_x, c_y = np.cov(x.numpy().T), np.cov(y.numpy().T)
    cross = np.sqrt(np.linalg.eigvals(c_x @ c_y).real.clip(0)).sum()
    means = (x.mean(0) - y.mean(0)).square().sum().item()
    expected = means + np.trace(c_x) + np.trace(c_y) - 2 * cross
    assert frechet_distance(x, y).item() == pytest.approx(expected, rel=1e-6)


def test_in_one_dimension_it_is_means_and_deviations():
    x, y = cloud(12, 1, 0), cloud(9, 1, 1)
    expected = (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2
    torch.testing.assert_close(frechet_distance(x, y), expected)


def test_symmetric_blind_to_order_and_to_a_common_motion():
    x, y = cloud(12, 4, 0), cloud(9, 4, 1)
    distance = frechet_distance(x, y)
    turn = torch.linalg.qr(cloud(4, 4, 2)).Q
    torch.testing.assert_close(frechet_distance(y, x), distance, rtol=1e-10, atol=0)
    torch.testing.assert_close(frechet_distance(x @ turn + 3, y @ turn + 3), distance, rtol=1e-8, atol=0)
    assert abs(frechet_distance(x, x.flip(0))) < 1e-10


@pytest.mark.parametrize("sizes", [(9, 8, 3), (3, 4, 6)], ids=["full rank", "singular"])
def test_both_sets_get_the_right_gradients(sizes):
    m, n, d = sizes
    leaves = [rows.mT.contiguous().mT.requires_grad_() for rows in (cloud(m, d, 0), cloud(n, d, 1))]
    assert torch.autograd.gradcheck(frechet_distance, leaves)


def test_sets_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="y: expected vectors of length 3 as in x, got 4"):
        frechet_distance(cloud(5, 3), cloud(5, 4))
    with pytest.raises(ValueError, match="x: expected at least 2 samples, got 1"):
        frechet_distance(cloud(1, 3), cloud(5, 3))


def test_arrays_are_as_good_as_tensors():
    x, y = cloud(12, 4, 0), cloud(9, 4, 1)
    assert array_distance(x.numpy()[:, ::-1], y.numpy()[:, ::-1]) == pytest.approx(
        frechet_distance(x, y).item(), rel=1e-9
    )


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    x, y = cloud(12, 4, 0), cloud(9, 4, 1)
    torch.testing.assert_close(frechet_distance(x.cuda(), y.cuda()).cpu(), frechet_distance(x, y))
