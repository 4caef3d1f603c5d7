"""Detail gains follow the formula on the bands, change nothing at gain 1, and leave noise alone."""

import pytest
import torch

from nstkit.enhance import boost_detail, collapse_pyramid, laplacian_pyramid

IMAGE = 0.3 + 0.4 * torch.rand(2, 3, 18, 25, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_gains_of_one_change_nothing():
    torch.testing.assert_close(boost_detail(IMAGE, [1, 1, 1], 0.1), IMAGE, rtol=0, atol=1e-15)
    torch.testing.assert_close(boost_detail(IMAGE, []), IMAGE, rtol=0, atol=0)


@pytest.mark.parametrize("threshold", [0.02, 0.2])
def test_it_is_the_formula_on_the_bands(threshold):
    gains = (2.0, 0.5, 1.7)
    *bands, residual = laplacian_pyramid(IMAGE, 4)
    cored = [d + (g - 1) * d.pow(3) / (d.pow(2) + threshold**2) for d, g in zip(bands, gains, strict=True)]
    expected = collapse_pyramid([*cored, residual]).clip(0, 1)
    torch.testing.assert_close(boost_detail(IMAGE, gains, threshold), expected, rtol=0, atol=1e-14)


def test_without_coring_it_is_linear_until_it_clips():
    gray, other = IMAGE[:, :1], IMAGE[:, 1:2]
    both = boost_detail(0.5 * gray + 0.5 * other, [1.2, 1.1])
    apart = 0.5 * boost_detail(gray, [1.2, 1.1]) + 0.5 * boost_detail(other, [1.2, 1.1])
    torch.testing.assert_close(both, apart, rtol=0, atol=1e-14)
    wild = boost_detail(IMAGE, [9.0, 9.0])
    assert (wild.min(), wild.max()) == (0, 1)


def test_coring_boosts_a_strong_edge_and_not_weak_noise():
    noise = 0.002 * torch.randn(1, 1, 32, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    edge = torch.full((1, 1, 32, 40), 0.3, dtype=torch.float64)
    edge[..., 20:] = 0.7
    flat = (slice(None), slice(None), slice(None), slice(0, 10))
    plain, cored = (boost_detail(edge + noise, [3.0, 3.0], t) for t in (0.0, 0.03))
    assert plain[flat].std() > 2 * noise[flat].std()
    assert cored[flat].std() < 1.1 * noise[flat].std()
    assert cored.max() > 0.75  # the edge overshoots: it is boosted


def test_flat_regions_have_a_finite_gradient_at_threshold_zero():
    image = torch.full((2, 1, 8, 9), 0.5, dtype=torch.float64, requires_grad=True)
    boost_detail(image, [2.0, 3.0]).sum().backward()
    torch.testing.assert_close(image.grad.sum(), torch.tensor(2.0 * 8 * 9, dtype=torch.float64))


@pytest.mark.parametrize(
    ("gains", "threshold", "message"),
    [
        ([1.0, -0.1], 0.0, "gains: expected a finite number of at least 0, got -0.1"),
        ([1.0], -0.1, "threshold: expected a number of at least 0"),
        ([1.0] * 9, 0.0, "levels: expected at most"),
    ],
)
def test_bad_options_are_refused(gains, threshold, message):
    with pytest.raises(ValueError, match=message):
        boost_detail(IMAGE, gains, threshold)
