"""Banded matrix products agree with SciPy's correlation for any length, tap count and axis."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from nstkit.filters.separable import correlate_axis

GENERATOR = torch.Generator().manual_seed(0)


@pytest.mark.parametrize("axis", [-2, -1])
@pytest.mark.parametrize(("length", "taps"), [(9, 1), (9, 9), (64, 3), (130, 4), (200, 131)])
def test_it_agrees_with_scipy_where_all_taps_lie_inside(axis, length, taps):
    shape = (2, 3, length, 5) if axis == -2 else (2, 3, 5, length)
    image = torch.rand(*shape, dtype=torch.float64, generator=GENERATOR)
    weights = torch.rand(taps, dtype=torch.float64, generator=GENERATOR) - 0.3
    whole = scipy.ndimage.correlate1d(image.numpy(), weights.numpy(), axis, mode="constant")
    valid = np.take(whole, range(taps // 2, taps // 2 + length - taps + 1), axis)
    np.testing.assert_allclose(correlate_axis(image, weights, axis).numpy(), valid, atol=1e-13)


def test_first_and_second_derivatives_are_right_for_taps_that_are_not_symmetric():
    image = torch.rand(2, 1, 5, 4, dtype=torch.float64, generator=GENERATOR).requires_grad_()
    taps = torch.tensor([0.2, -1.0, 0.7], dtype=torch.float64)
    for axis in (-2, -1):
        assert torch.autograd.gradcheck(lambda x, a=axis: correlate_axis(x, taps, a), image)
        assert torch.autograd.gradgradcheck(lambda x, a=axis: correlate_axis(x, taps, a), image)


def test_other_axes_and_too_many_taps_are_refused():
    image = torch.rand(2, 3, 4, 5)
    with pytest.raises(ValueError, match="axis: expected -2 or -1, got 1"):
        correlate_axis(image, torch.ones(3), 1)
    with pytest.raises(ValueError, match=r"image: expected at least 5 pixels along axis -2.*pad it first"):
        correlate_axis(image, torch.ones(5), -2)
