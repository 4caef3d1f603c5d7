"""Co-occurrence agrees with scikit-image, for every offset and for a batch."""

import numpy as np
import pytest
import torch
from skimage.feature import graycomatrix, graycoprops

from nstkit.images import glcm_features


@pytest.fixture
def levels_map():
    return np.random.default_rng(0).integers(0, 6, size=(2, 7, 9))


@pytest.mark.parametrize(("dy", "dx"), [(0, 1), (1, 0), (-1, 1), (1, 1), (0, -1), (0, 3), (-2, 0)])
def test_it_agrees_with_scikit_image(levels_map, dy, dx):
    found = glcm_features(torch.from_numpy(levels_map), dy, dx, 6)
    distance = max(abs(dy), abs(dx)) if 0 in (dy, dx) else np.sqrt(2)
    for k, picture in enumerate(levels_map):  # scikit-image: row += sin(angle), column += cos(angle)
        matrix = graycomatrix(
            picture.astype(np.uint8), [distance], [np.arctan2(dy, dx)], 6, symmetric=True, normed=True
        )
        np.testing.assert_allclose(found["matrix"][k].numpy(), matrix[:, :, 0, 0], atol=1e-15)
        for name in ("contrast", "homogeneity", "energy", "correlation"):
            assert float(found[name][k]) == pytest.approx(float(graycoprops(matrix, name)[0, 0]), rel=1e-12)


def test_a_flat_picture_is_perfectly_correlated():
    found = glcm_features(torch.full((2, 4, 5), 3), 1, 2, 8)
    assert found["correlation"].tolist() == [1.0, 1.0]
    assert found["energy"].tolist() == [1.0, 1.0]
    assert found["contrast"].tolist() == [0.0, 0.0]


def test_the_matrix_is_symmetric_and_sums_to_one(levels_map):
    matrix = glcm_features(torch.from_numpy(levels_map), 2, -1, 8)["matrix"]
    assert matrix.dtype == torch.float64
    torch.testing.assert_close(matrix, matrix.mT, rtol=0, atol=0)
    torch.testing.assert_close(matrix.sum((1, 2)), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32])
def test_any_integers_in_any_layout(levels_map, dtype):
    tensor = torch.from_numpy(levels_map)
    strided = torch.stack([tensor, tensor], -1)[..., 0].to(dtype)
    assert torch.equal(glcm_features(strided, 1, 1, 6)["matrix"], glcm_features(tensor, 1, 1, 6)["matrix"])


@pytest.mark.parametrize(
    ("value", "dy", "dx", "levels", "message"),
    [
        (torch.zeros(4, 5, dtype=torch.int64), 0, 1, 8, r"levels_map: expected integers \(B, H, W\)"),
        (torch.zeros(2, 4, 5), 0, 1, 8, r"expected integers .*got torch.float32 .*quantise"),
        (torch.full((2, 4, 5), 8), 0, 1, 8, r"expected values in 0 … 7, got 8 … 8"),
        (torch.full((2, 4, 5), -1), 0, 1, 8, r"expected values in 0 … 7, got -1 … -1"),
        (torch.zeros(2, 4, 5, dtype=torch.int64), 4, 0, 8, r"dy: expected an offset of less than 4 .*got 4"),
        (
            torch.zeros(2, 4, 5, dtype=torch.int64),
            0,
            -5,
            8,
            r"dx: expected an offset of less than 5 .*got -5",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(value, dy, dx, levels, message):
    with pytest.raises(ValueError, match=message):
        glcm_features(value, dy, dx, levels)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(levels_map):
    tensor = torch.from_numpy(levels_map)
    gpu = glcm_features(tensor.cuda(), 1, -1, 6)
    assert gpu["matrix"].is_cuda
    for name, value in glcm_features(tensor, 1, -1, 6).items():
        torch.testing.assert_close(gpu[name].cpu(), value, rtol=1e-12, atol=0)
