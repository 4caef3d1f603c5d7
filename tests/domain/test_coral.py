"""The CORAL loss agrees with np.cov, does not see means, and refuses what has no covariance."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud

from nstkit.domain import coral_loss

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-4}


def by_numpy(source, target):
    difference = np.cov(source.double().numpy().T) - np.cov(target.double().numpy().T)
    return np.linalg.norm(difference, "fro") ** 2 / (4 * source.shape[1] ** 2)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("sizes", [(6, 9, 4), (9, 6, 4), (2, 3, 7)])
def test_it_agrees_with_numpy(sizes, dtype):
    n, m, d = sizes
    source, target = cloud(n, d, 0, dtype=dtype), cloud(m, d, 1, dtype=dtype)
    loss = coral_loss(source, target)
    assert loss.shape == ()
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(by_numpy(source, target), rel=TOLERANCE[dtype])


def test_it_does_not_see_where_a_domain_lies_or_how_it_is_ordered():
    source, target = cloud(8, 3, 0), cloud(11, 3, 1)
    loss = coral_loss(source, target)
    torch.testing.assert_close(coral_loss(source + 5, target), loss, rtol=1e-10, atol=0)
    torch.testing.assert_close(coral_loss(source, target - 3), loss, rtol=1e-10, atol=0)
    assert coral_loss(source, source.flip(0)) < 1e-25


def test_both_sets_get_the_right_gradients_in_any_layout():
    leaves = [rows.mT.contiguous().mT.requires_grad_() for rows in (cloud(5, 3, 0), cloud(7, 3, 1))]
    assert torch.autograd.gradcheck(coral_loss, leaves)
    assert torch.autograd.gradgradcheck(coral_loss, leaves)


def test_what_has_no_covariance_is_refused():
    with pytest.raises(ValueError, match="target: expected vectors of length 3 as in source, got 4"):
        coral_loss(cloud(5, 3), cloud(5, 4))
    with pytest.raises(ValueError, match="source: expected at least 2 samples, got 1"):
        coral_loss(cloud(1, 3), cloud(5, 3))
    with pytest.raises(ValueError, match="target: expected at least 2 samples, got 1"):
        coral_loss(cloud(5, 3), cloud(1, 3))
    with pytest.raises(ValueError, match=r"source: expected \(n, d\), .*got \(2, 5, 3\)"):
        coral_loss(torch.ones(2, 5, 3), cloud(5, 3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    source, target = cloud(8, 3, 0), cloud(11, 3, 1)
    torch.testing.assert_close(coral_loss(source.cuda(), target.cuda()).cpu(), coral_loss(source, target))
