"""The quadratic-kernel MMD agrees with pairs counted one by one, and with Gatys' style loss."""

import numpy as np
import pytest
import torch

from nstkit.domain import gram_mmd2
from nstkit.losses import gatys_style_loss

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-4}


def sets(dtype=torch.float64, m=6, k=9, c=4):
    """Two sets of different size whose means are not zero."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(m, c, generator=random, dtype=torch.float64) + 0.3
    y = 2 * torch.randn(k, c, generator=random, dtype=torch.float64) - 0.6
    return x.to(dtype), y.to(dtype)


def pair_by_pair(x, y):
    def mean_kernel(a, b):
        return np.mean([np.dot(u, v) ** 2 for u in a for v in b])

    x, y = x.double().numpy(), y.double().numpy()
    return mean_kernel(x, x) + mean_kernel(y, y) - 2 * mean_kernel(x, y)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("size", [(6, 9, 4), (9, 6, 4), (3, 2, 7)])
def test_it_agrees_with_pairs_counted_one_by_one(size, dtype):
    x, y = sets(dtype, *size)
    distance = gram_mmd2(x, y)
    assert distance.shape == ()
    assert distance.dtype == dtype
    assert distance.item() == pytest.approx(pair_by_pair(x, y), rel=TOLERANCE[dtype])


def test_gatys_loss_of_a_layer_is_a_quarter_of_it_per_squared_channel():
    x, y = sets(m=12, k=20, c=3)
    maps = [x.mT.reshape(1, 3, 4, 3), y.mT.reshape(1, 3, 4, 5)]
    loss = gatys_style_loss({"relu1": maps[0]}, {"relu1": maps[1]}, {"relu1": 1.0})
    torch.testing.assert_close(gram_mmd2(x, y) / (4 * 3**2), loss, rtol=1e-10, atol=0)


def test_a_set_is_at_no_distance_from_itself_in_any_order_and_number():
    x, y = sets()
    assert gram_mmd2(x, x.flip(0)) < 1e-25
    assert gram_mmd2(x, torch.cat([x, x])) < 1e-25
    torch.testing.assert_close(gram_mmd2(x, y), gram_mmd2(y, x), rtol=1e-12, atol=0)


def test_the_kernel_does_not_see_a_change_of_sign():
    x, _ = sets()
    assert gram_mmd2(x, -x) < 1e-25  # the means differ, the second moments do not


def test_both_sets_get_the_right_gradients_in_any_layout():
    leaves = [features.mT.contiguous().mT.requires_grad_() for features in sets()]
    assert torch.autograd.gradcheck(gram_mmd2, leaves)
    assert all(torch.equal(now, then) for now, then in zip(leaves, sets(), strict=True))


def test_vectors_of_different_length_are_refused():
    with pytest.raises(ValueError, match="y: expected vectors of length 4 as in x, got 3"):
        gram_mmd2(sets()[0], torch.ones(9, 3))


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 6, 4), (6, 0)])
@pytest.mark.parametrize("name", ["x", "y"])
def test_what_is_no_set_of_vectors_is_refused(name, shape):
    arguments = dict(zip(("x", "y"), sets(), strict=True)) | {name: torch.ones(shape)}
    with pytest.raises(
        ValueError, match=rf"{name}: expected at least one feature vector, \(positions, C\), got \("
    ):
        gram_mmd2(**arguments)
