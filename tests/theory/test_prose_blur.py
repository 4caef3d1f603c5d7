"""The minimiser of the prose's blur loss solves the dense system, and is sharper than the content."""

import numpy as np
import pytest
from scipy.ndimage import convolve

from nstkit.filters import gaussian_taps
from nstkit.theory import prose_blur_minimizer

RNG = np.random.default_rng(0)
SKEWED = np.array([[0.1, 0.3, 0.0], [0.0, 0.4, 0.1], [0.0, 0.0, 0.1]])
TAPS = gaussian_taps(1.0, 2.0).numpy()
KERNELS = {
    "skewed": SKEWED,
    "wide": RNG.normal(size=(3, 5)),
    "gaussian": np.outer(TAPS, TAPS),
    "one": [[0.7]],
}


def dense(content, kernel, lam):
    """Normal equations, column by column of the convolution's matrix."""
    basis = np.eye(content.size).reshape(-1, *content.shape)
    matrix = np.stack([convolve(unit, kernel, mode="wrap").ravel() for unit in basis], axis=1)
    left = matrix.T @ matrix + lam * np.eye(content.size)
    return np.linalg.solve(left, (matrix.T + lam * np.eye(content.size)) @ content.ravel()).reshape(
        content.shape
    )


@pytest.mark.parametrize("shape", [(12, 10), (7, 11)])
@pytest.mark.parametrize("name", KERNELS)
def test_it_solves_the_normal_equations(name, shape):
    content, kernel = RNG.normal(size=shape), np.asarray(KERNELS[name], float)
    for lam in (1e-2, 3.0):
        found = prose_blur_minimizer(content, kernel, lam)
        assert found.shape == shape
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, dense(content, kernel, lam), atol=1e-10)


def test_a_gaussian_makes_it_sharper_and_a_large_lambda_gives_the_content_back():
    content = RNG.normal(size=(24, 31)).cumsum(0).cumsum(1)
    laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])

    def sharpness(image):
        return convolve(image, laplacian, mode="wrap").var()

    assert sharpness(prose_blur_minimizer(content, KERNELS["gaussian"], 0.1)) > 2 * sharpness(content)
    np.testing.assert_allclose(prose_blur_minimizer(content, SKEWED, 1e12), content, rtol=1e-9, atol=1e-9)


def test_inputs_of_any_kind_are_left_alone():
    content = RNG.integers(0, 256, size=(9, 14), dtype=np.uint8)[:, ::-2]
    before = content.copy()
    found = prose_blur_minimizer(content, SKEWED.astype(np.float32), 0.5)
    np.testing.assert_allclose(found, dense(content.astype(float), SKEWED, 0.5), atol=1e-4)
    np.testing.assert_array_equal(content, before)


@pytest.mark.parametrize(
    ("content", "kernel", "lam", "words"),
    [
        (np.ones((6, 7)), SKEWED, 0.0, "lam: expected a finite number above 0, got 0.0"),
        (np.ones((6, 7)), np.ones((2, 3)), 1.0, r"kernel: expected odd sides, got \(2, 3\)"),
        (np.ones((6, 7)), np.ones((7, 7)), 1.0, r"kernel: expected at most \(6, 7\).*got \(7, 7\)"),
        (np.ones((6, 7, 3)), SKEWED, 1.0, r"content: expected two axes.*got \(6, 7, 3\)"),
    ],
)
def test_what_does_not_fit_is_refused(content, kernel, lam, words):
    with pytest.raises(ValueError, match=words):
        prose_blur_minimizer(content, kernel, lam)
