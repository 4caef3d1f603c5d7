"""The centred Gram matrix: a covariance for its own means, the plain Gram matrix for a zero centre."""

import numpy as np
import pytest
import torch

from nstkit.losses import gram_matrix
from nstkit.losses.centered_gram import centered_gram_matrix, channel_means

FEATURES = torch.randn(2, 4, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) + 1


def test_around_its_own_means_it_is_the_covariance():
    ours = centered_gram_matrix(FEATURES, channel_means(FEATURES), "hw")
    for mine, picture in zip(ours, FEATURES.numpy(), strict=True):
        np.testing.assert_allclose(mine, np.cov(picture.reshape(4, -1), bias=True), rtol=1e-12)


def test_around_zero_it_is_the_gram_matrix():
    zero = torch.zeros(1, 4, 1, 1, dtype=torch.float64)
    torch.testing.assert_close(centered_gram_matrix(FEATURES, zero), gram_matrix(FEATURES))


def test_means_cannot_pay_for_variances():
    """Two maps with one Gram matrix and other means: the plain loss is blind to it, the centred one is not."""
    a = torch.tensor([[[[1.0, 1.0], [1.0, 1.0]]]], dtype=torch.float64)
    b = torch.tensor([[[[2**0.5, 0.0], [0.0, 2**0.5]]]], dtype=torch.float64)
    torch.testing.assert_close(gram_matrix(a, "hw"), gram_matrix(b, "hw"))
    center = channel_means(a)
    assert float((centered_gram_matrix(a, center) - centered_gram_matrix(b, center)).abs().max()) > 0.1


def test_a_centre_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"center: expected \(1, 4, 1, 1\), got \(1, 3, 1, 1\)"):
        centered_gram_matrix(FEATURES, torch.zeros(1, 3, 1, 1))
