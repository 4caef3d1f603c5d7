"""The symmetric root agrees with SciPy, multiplies back, and its derivative holds where eigenvalues repeat."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud
from scipy.linalg import fractional_matrix_power, sqrtm

from nstkit.domain import mean_and_covariance, symmetric_root

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-3}


def covariances(dtype=torch.float64):
    """Two covariances, (2, 5, 5), of full rank."""
    return torch.stack([mean_and_covariance(cloud(60, 5, seed))[1] for seed in (0, 1)]).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_root_and_inverse_agree_with_scipy(dtype):
    matrices = covariances(dtype)
    root, inverse = symmetric_root(matrices), symmetric_root(matrices, inverse=True)
    assert root.dtype == inverse.dtype == dtype
    for b, matrix in enumerate(matrices.double().numpy()):
        np.testing.assert_allclose(root[b], sqrtm(matrix), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
        expected = fractional_matrix_power(matrix, -0.5)
        np.testing.assert_allclose(inverse[b], expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_the_root_is_symmetric_and_multiplies_back():
    matrices = covariances()
    root = symmetric_root(matrices)
    torch.testing.assert_close(root @ root, matrices, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(root, root.mT, rtol=0, atol=1e-12)
    assert torch.linalg.eigvalsh(root).min() > 0


def test_a_ridge_is_added_to_the_matrix():
    matrices = covariances()
    shifted = matrices + 0.3 * torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close(
        symmetric_root(matrices, ridge=0.3), symmetric_root(shifted), rtol=1e-10, atol=0
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_directions_without_variance_are_dropped(dtype):
    covariance = mean_and_covariance(cloud(4, 6, dtype=dtype))[1]  # rank 3
    inverse = symmetric_root(covariance, inverse=True, tol=1e-4)
    expected = torch.linalg.pinv(covariance, hermitian=True, rtol=1e-5)
    torch.testing.assert_close(inverse @ inverse, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_a_tolerance_is_absolute_and_the_same_for_both_roots():
    matrix = torch.diag(torch.tensor([4.0, 1.0, 0.25], dtype=torch.float64))
    assert symmetric_root(matrix, tol=0.5).diagonal().tolist() == [2.0, 1.0, 0.0]
    assert symmetric_root(matrix, inverse=True, tol=0.25).diagonal().tolist() == [0.5, 1.0, 0.0]


def test_negative_rounding_leaves_no_nan():
    matrix = torch.diag(torch.tensor([1.0, -1e-17], dtype=torch.float64))
    assert symmetric_root(matrix).diagonal().tolist() == [1.0, 0.0]
    assert symmetric_root(matrix, inverse=True, ridge=0.25)[1, 1] == 2.0


@pytest.mark.parametrize(
    "options",
    [{}, {"inverse": True}, {"ridge": 0.2}, {"inverse": True, "ridge": 0.2}, {"inverse": True, "tol": 1e-3}],
    ids=str,
)
def test_the_derivative_is_right(options):
    rows = torch.stack([cloud(12, 4, 0), cloud(12, 4, 1)]).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: symmetric_root(mean_and_covariance(x)[1], **options), rows)


@pytest.mark.parametrize("options", [{"ridge": 0.3}, {"inverse": True, "ridge": 0.3}], ids=str)
def test_the_derivative_is_right_where_eigenvalues_repeat(options):
    rows = cloud(3, 6).requires_grad_()  # four of six eigenvalues are the ridge
    assert torch.autograd.gradcheck(lambda x: symmetric_root(mean_and_covariance(x)[1], **options), rows)


def test_the_derivative_at_the_identity_is_a_half():
    matrix = torch.eye(3, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(symmetric_root(matrix).trace(), matrix)
    torch.testing.assert_close(gradient, torch.eye(3, dtype=torch.float64) / 2)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4)])
def test_what_is_not_square_is_refused(shape):
    with pytest.raises(ValueError, match=r"matrix: expected \(…, d, d\), got \("):
        symmetric_root(torch.ones(shape))


@pytest.mark.parametrize("options", [{"ridge": -1e-3}, {"tol": -1e-3}], ids=str)
def test_negative_options_are_refused(options):
    with pytest.raises(ValueError, match="ridge, tol: expected numbers of at least 0, got "):
        symmetric_root(torch.eye(2), **options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    root = symmetric_root(covariances().cuda(), inverse=True, ridge=0.1)
    assert root.is_cuda
    torch.testing.assert_close(root.cpu(), symmetric_root(covariances(), inverse=True, ridge=0.1))
