"""The array forms give the library's numbers in arrays and floats, and leave their input alone."""

import numpy as np
import pytest
import torch

from nstkit import filters, images
from nstkit.theory import arrays_texture


def test_the_projection_of_one_picture():
    rng = np.random.default_rng(0)
    image, exemplar = rng.normal(size=(5, 7, 3)), rng.normal(size=(5, 14, 3))[:, ::-2]
    found = arrays_texture.spectrum_projection(image, exemplar)
    batch = [torch.from_numpy(x.copy()).permute(2, 0, 1)[None] for x in (image, exemplar)]
    expected = filters.spectrum_projection(*batch)[0].permute(1, 2, 0).numpy()
    assert (found.shape, found.dtype) == ((5, 7, 3), np.float64)
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_the_features_of_one_picture():
    q = np.random.default_rng(0).integers(0, 4, size=(6, 8))
    before = q.copy()
    found = arrays_texture.glcm_features(q, 1, -2, 4)
    expected = images.glcm_features(torch.from_numpy(q)[None], 1, -2, 4)
    np.testing.assert_array_equal(found["matrix"], expected["matrix"][0].numpy())
    assert {name: type(value) for name, value in found.items() if name != "matrix"} == dict.fromkeys(
        ("contrast", "homogeneity", "energy", "correlation"), float
    )
    assert found["contrast"] == float(expected["contrast"][0])
    np.testing.assert_array_equal(q, before)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"image, exemplar: expected .* got"):
        arrays_texture.spectrum_projection(np.ones((5, 7, 3)), np.ones((7, 5, 3)))
    with pytest.raises(ValueError, match=r"levels_map: expected values in 0 … 3, got 4 … 4"):
        arrays_texture.glcm_features(np.full((3, 4), 4), 0, 1, 4)
