"""The Gaussian agrees with SciPy under every border and has the laws of a Gaussian."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from nstkit.filters import gaussian_blur, gaussian_taps

SCIPY = {
    "symmetric": "reflect",
    "reflect-101": "mirror",
    "edge": "nearest",
    "wrap": "wrap",
    "zero": "constant",
}
IMAGE = torch.rand(2, 3, 17, 70, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("border", SCIPY)
@pytest.mark.parametrize(("sigma", "truncate"), [(0.1, 4.0), (0.5, 4.0), (1.7, 2.0), (3.0, 4.0), (9.0, 3.3)])
def test_it_agrees_with_scipy(border, sigma, truncate):
    expected = scipy.ndimage.gaussian_filter(
        IMAGE.numpy(), (0, 0, sigma, sigma), mode=SCIPY[border], truncate=truncate
    )
    np.testing.assert_allclose(
        gaussian_blur(IMAGE, sigma, truncate, border=border).numpy(), expected, atol=2e-15
    )


def test_the_mean_stays_with_symmetric_borders():
    torch.testing.assert_close(gaussian_blur(IMAGE, 6.0).mean((2, 3)), IMAGE.mean((2, 3)), rtol=1e-13, atol=0)


def test_variances_add():
    twice = gaussian_blur(gaussian_blur(IMAGE, 3.0, 6.0), 4.0, 6.0)
    torch.testing.assert_close(twice, gaussian_blur(IMAGE, 5.0, 6.0), rtol=0, atol=1e-6)


def test_taps_sum_to_one_and_have_the_variance_of_their_sigma():
    taps = gaussian_taps(2.5, 8.0)
    offsets = torch.arange(-20, 21, dtype=torch.float64)
    assert len(taps) == 41
    assert math.isclose(taps.sum(), 1, rel_tol=1e-15)
    assert math.isclose((taps * offsets.square()).sum(), 2.5**2, rel_tol=1e-9)


def test_it_can_be_differentiated_twice():
    image = IMAGE[:, :2, :4, :5].clone().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: gaussian_blur(x, 0.9, border="reflect-101"), image)


@pytest.mark.parametrize("sigma", [0, -1.0, math.nan, math.inf])
def test_a_sigma_that_is_no_width_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma: expected a finite number above 0, got"):
        gaussian_blur(IMAGE, sigma)


def test_another_border_is_refused():
    with pytest.raises(ValueError, match=r"border: expected one of 'symmetric'.*got 'mirror'"):
        gaussian_blur(IMAGE, 1.0, border="mirror")
