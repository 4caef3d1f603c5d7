"""Affine colour transfer: means and covariances arrive, and mk is the map of least displacement."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from nstkit.color import linear_color_transfer

COVARIANCE_METHODS = ("cholesky", "symmetric", "mk")


@pytest.fixture
def source():
    """(2, 3, 9, 7): red and green go together, blue against them; the second image less so."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(2, 3, 9, 7, dtype=torch.float64, generator=generator)
    image = noise.clone()
    image[0, 1] = 0.6 * noise[0, 0] + 0.4 * noise[0, 1]
    image[:, 2] = 0.7 - 0.5 * noise[:, 0] + 0.3 * noise[:, 2]
    return image.clamp(0, 1)


@pytest.fixture
def reference():
    """(2, 3, 6, 8), other correlations, other size."""
    noise = torch.rand(2, 3, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return torch.stack(
        [0.3 * noise[:, 0], 0.5 + 0.2 * noise[:, 1] - 0.4 * noise[:, 0], noise[:, 2] ** 2], 1
    ).clamp(0, 1)


def rows(image):
    return image.flatten(1).T.numpy()


def cov(image):
    return np.cov(rows(image).T, bias=True)


@pytest.mark.parametrize("method", COVARIANCE_METHODS)
def test_mean_and_covariance_arrive(source, reference, method):
    moved = linear_color_transfer(source, reference, method)
    for image, target in zip(moved, reference, strict=True):
        np.testing.assert_allclose(rows(image).mean(0), rows(target).mean(0), atol=1e-12)
        np.testing.assert_allclose(cov(image), cov(target), atol=1e-6)  # the ridge of 1e-8, times A²


def test_mean_std_matches_channels_and_leaves_correlations(source, reference):
    moved = linear_color_transfer(source, reference, "mean_std")
    for before, image, target in zip(source, moved, reference, strict=True):
        np.testing.assert_allclose(rows(image).mean(0), rows(target).mean(0), atol=1e-12)
        np.testing.assert_allclose(rows(image).std(0), rows(target).std(0), rtol=1e-6)
        np.testing.assert_allclose(np.corrcoef(rows(image).T), np.corrcoef(rows(before).T), atol=1e-12)


def test_mk_is_the_formula_with_scipys_roots(source, reference):
    moved = linear_color_transfer(source, reference)
    for before, image, target in zip(source, moved, reference, strict=True):
        c_s, c_r = cov(before) + 1e-8 * np.eye(3), cov(target) + 1e-8 * np.eye(3)
        root = sqrtm(c_s)
        inverse = np.linalg.inv(root)
        matrix = inverse @ sqrtm(root @ c_r @ root) @ inverse
        expected = (rows(before) - rows(before).mean(0)) @ matrix.T + rows(target).mean(0)
        np.testing.assert_allclose(rows(image), expected.real, atol=1e-9)


def test_mk_moves_colours_least(source, reference):
    cost = {
        m: (linear_color_transfer(source, reference, m) - source).square().mean((1, 2, 3))
        for m in COVARIANCE_METHODS
    }
    assert (cost["mk"] < cost["symmetric"]).all()
    assert (cost["mk"] < cost["cholesky"]).all()


def test_mk_cannot_be_improved_by_any_rotation(source, reference):
    """A = C_r^½ Q C_s^-½ has the right covariance for every orthogonal Q; mk is the best of a thousand."""
    pixels, target = rows(source[0]), rows(reference[0])
    c_s, c_r = cov(source[0]), cov(reference[0])
    best = float((linear_color_transfer(source, reference)[0] - source[0]).square().mean())
    generator = np.random.default_rng(0)
    for _ in range(1000):
        q = np.linalg.qr(generator.normal(size=(3, 3)))[0]
        moved = (pixels - pixels.mean(0)) @ (sqrtm(c_r) @ q @ np.linalg.inv(sqrtm(c_s))).T + target.mean(0)
        assert np.square(moved - pixels).mean() > best - 1e-6


def test_a_picture_onto_itself_stays(source):
    for method in ("mean_std", *COVARIANCE_METHODS):
        torch.testing.assert_close(linear_color_transfer(source, source, method), source, rtol=0, atol=1e-9)


def test_one_reference_serves_a_batch_and_images_are_apart(source, reference):
    shared = linear_color_transfer(source, reference[:1])
    alone = torch.cat([linear_color_transfer(image[None], reference[:1]) for image in source])
    torch.testing.assert_close(shared, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", ["mean_std", *COVARIANCE_METHODS])
def test_a_gray_picture_and_a_constant_one_give_finite_numbers(reference, method):
    gray = torch.rand(2, 1, 5, 4, dtype=torch.float64).expand(2, 3, 5, 4)
    for source in (gray, torch.full((2, 3, 5, 4), 0.5, dtype=torch.float64)):
        assert torch.isfinite(linear_color_transfer(source, reference, method)).all()


def test_single_precision_is_computed_in_double(source, reference):
    single = linear_color_transfer(source.float().mT.contiguous().mT, reference.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), linear_color_transfer(source, reference), rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", ["mean_std", *COVARIANCE_METHODS])
def test_gradients(source, reference, method):
    small = [source[:, :, :3, :2].clone().requires_grad_(), reference[:, :, :2, :3].clone().requires_grad_()]
    assert torch.autograd.gradcheck(lambda s, r: linear_color_transfer(s, r, method), small)


def test_mistakes(source, reference):
    with pytest.raises(
        ValueError, match="method: expected one of mean_std, cholesky, symmetric, mk, got 'MK'"
    ):
        linear_color_transfer(source, reference, "MK")
    with pytest.raises(ValueError, match="reference: expected a batch of 1 or 2 as in source, got 4"):
        linear_color_transfer(source, torch.cat([reference, reference]))
    with pytest.raises(ValueError, match=r"reference: expected \(B, 3, H, W\)"):
        linear_color_transfer(source, reference[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(source, reference):
    gpu = linear_color_transfer(source.cuda(), reference.cuda())
    torch.testing.assert_close(gpu.cpu(), linear_color_transfer(source, reference), rtol=0, atol=1e-9)
