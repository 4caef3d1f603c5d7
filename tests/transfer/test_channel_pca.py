"""Channel PCA agrees with an SVD of the centred map, image by image."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud

from nstkit.transfer import channel_pca, style_arrays

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-3}


def maps(dtype=torch.float64):
    """(2, 5, 28): two feature maps with means far from zero."""
    return torch.stack([cloud(28, 5, seed, offset=3.0).mT for seed in (0, 1)]).to(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_agrees_with_an_svd_of_the_centred_map(k, dtype):
    found = channel_pca(maps(dtype), k)
    assert {value.dtype for value in found.values()} == {dtype}
    for b, feat in enumerate(maps(dtype).double().numpy()):
        mean = feat.mean(1, keepdims=True)
        u, s, _ = np.linalg.svd(feat - mean, full_matrices=False)
        close = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
        np.testing.assert_allclose(found["mean"][b], mean[:, 0], **close)
        np.testing.assert_allclose(found["ratio"][b], s[:k] ** 2 / np.sum(s**2), **close)
        components = found["components"][b].double().numpy()
        np.testing.assert_allclose(components.T @ components, u[:, :k] @ u[:, :k].T, **close)
        np.testing.assert_allclose(found["scores"][b], components @ (feat - mean), rtol=1e-2, atol=1e-3)
        reconstruction = mean + u[:, :k] @ u[:, :k].T @ (feat - mean)
        np.testing.assert_allclose(found["reconstruction"][b], reconstruction, **close)


def test_what_is_lost_is_the_variance_that_was_dropped():
    feat = maps()[0]
    found = channel_pca(feat, 2)
    lost = (feat - found["reconstruction"]).square().sum()
    total = (feat - feat.mean(1, keepdim=True)).square().sum()
    torch.testing.assert_close(lost, total * (1 - found["ratio"].sum()), rtol=1e-10, atol=0)


def test_all_components_lose_nothing_and_scores_do_not_correlate():
    found = channel_pca(maps(), 5)
    torch.testing.assert_close(found["reconstruction"], maps(), rtol=1e-12, atol=1e-12)
    covariance = np.cov(found["scores"][0])
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-10)
    assert (np.diff(np.diag(covariance)) < 0).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_constant_features_have_ratio_zero(dtype):
    flat = torch.full((2, 3, 7), 0.1, dtype=dtype)  # not exact in binary: the mean is off by a rounding
    found = channel_pca(flat, 2)
    assert found["ratio"].eq(0).all()
    torch.testing.assert_close(found["reconstruction"], flat)


def test_more_channels_than_positions_and_other_layouts():
    wide = cloud(4, 9, 0).mT
    found = channel_pca(wide.contiguous().mT.contiguous().mT, 9)
    torch.testing.assert_close(found["reconstruction"], wide, rtol=1e-10, atol=1e-10)
    assert found["ratio"].sum().item() == pytest.approx(1)
    assert found["ratio"][3:].max() < 1e-12


def test_the_reconstruction_is_differentiable():
    feat = maps().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: channel_pca(f, 2)["reconstruction"], feat)


@pytest.mark.parametrize("k", [0, 6, -1])
def test_k_must_be_a_number_of_channels(k):
    with pytest.raises(ValueError, match=f"k: expected 1 to C = 5, got {k}"):
        channel_pca(maps(), k)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (0, 4)])
def test_what_is_no_feature_map_is_refused(shape):
    with pytest.raises(ValueError, match=r"feat: expected \(…, C, N\), at least 2 positions, got \("):
        channel_pca(torch.ones(shape), 1)


def test_arrays_are_as_good_as_tensors():
    feat = maps()[0]
    found = style_arrays.channel_pca(feat.numpy()[:, ::-1], 2)
    expected = channel_pca(feat.flip(1), 2)
    for name, value in found.items():
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu, cpu = channel_pca(maps().cuda(), 2), channel_pca(maps(), 2)
    for name in ("mean", "ratio", "reconstruction"):
        torch.testing.assert_close(gpu[name].cpu(), cpu[name])
