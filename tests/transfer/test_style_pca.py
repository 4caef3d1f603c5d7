"""Style PCA agrees with the covariance it never forms, and keeps distances."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud
from scipy.spatial.distance import pdist

from nstkit.transfer import style_arrays, style_pca


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_it_agrees_with_the_covariance(k, dtype):
    vectors = cloud(7, 11, offset=2.0, dtype=dtype)
    axes, coords = style_pca(vectors, k)
    assert (axes.shape, coords.shape) == ((k, 11), (7, k))
    assert axes.dtype == coords.dtype == dtype
    array = vectors.double().numpy()
    values, basis = np.linalg.eigh(np.cov(array.T))
    basis = basis[:, ::-1][:, :k]
    close = {"rtol": 1e-3, "atol": 1e-3} if dtype == torch.float32 else {"rtol": 1e-8, "atol": 1e-8}
    np.testing.assert_allclose(axes.T @ axes, basis @ basis.T, **close)
    np.testing.assert_allclose(coords, (array - array.mean(0)) @ axes.double().numpy().T, **close)
    np.testing.assert_allclose(coords.double().var(0), values[::-1][:k], **close)


def test_all_axes_keep_every_distance():
    vectors = cloud(6, 40)
    axes, coords = style_pca(vectors, 5)
    np.testing.assert_allclose(pdist(coords), pdist(vectors), rtol=1e-10)
    torch.testing.assert_close(axes @ axes.mT, torch.eye(5, dtype=torch.float64), rtol=0, atol=1e-12)


def test_styles_that_repeat_leave_the_axes_orthonormal():
    vectors = cloud(3, 20)[[0, 1, 2, 0, 1]]
    axes, coords = style_pca(vectors, 4)
    torch.testing.assert_close(axes @ axes.mT, torch.eye(4, dtype=torch.float64), rtol=0, atol=1e-12)
    torch.testing.assert_close(coords[0], coords[3], rtol=0, atol=1e-10)


def test_long_vectors_need_no_square_matrix():
    axes, coords = style_pca(cloud(20, 2, 0) @ torch.ones(2, 200_000, dtype=torch.float64), 1)
    assert (axes.shape, coords.shape) == ((1, 200_000), (20, 1))


@pytest.mark.parametrize("k", [0, 7, 8])
def test_centring_leaves_one_direction_less(k):
    with pytest.raises(ValueError, match=f"k: expected 1 to 6 for 7 styles, got {k}; centring removes one"):
        style_pca(cloud(7, 11), k)


@pytest.mark.parametrize("shape", [(11,), (1, 11), (2, 7, 11), (7, 0)])
def test_what_is_no_set_of_styles_is_refused(shape):
    with pytest.raises(ValueError, match=r"vectors: expected \(N, D\) with at least 2 styles, got \("):
        style_pca(torch.ones(shape), 1)


def test_arrays_are_as_good_as_tensors():
    vectors = cloud(7, 11)
    found, expected = style_arrays.style_pca(vectors.numpy()[::-1], 2), style_pca(vectors.flip(0), 2)
    for array, tensor in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array, tensor)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu, cpu = style_pca(cloud(7, 11).cuda(), 3), style_pca(cloud(7, 11), 3)
    torch.testing.assert_close((gpu[1] @ gpu[0]).cpu(), cpu[1] @ cpu[0])
