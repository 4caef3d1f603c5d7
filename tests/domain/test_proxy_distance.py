"""The proxy A-distance agrees with an augmented least-squares system, and with chance and certainty."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud

from nstkit.domain import proxy_a_distance
from nstkit.domain.arrays import proxy_a_distance as array_distance


def sets(d=3, gap=0.8, far=0.0, dtype=torch.float64):
    """Four sets of different size that overlap, far from the origin if asked."""
    random = torch.Generator().manual_seed(4)

    def draw(n, shift):
        rows = torch.randn(n, d, generator=random, dtype=torch.float64)
        return (rows + shift + far).to(dtype)

    return draw(40, 0.0), draw(70, gap), draw(90, 0.0), draw(30, gap)


def by_augmented_system(sets, ridge):
    """min ‖A w − y‖² + ridge ‖w without its last‖² as one least-squares problem."""
    src, tgt, src_test, tgt_test = (s.double().numpy() for s in sets)
    d = src.shape[1]
    rows = np.vstack([src, tgt])
    system = np.vstack([np.c_[rows, np.ones(len(rows))], np.c_[np.sqrt(ridge) * np.eye(d), np.zeros(d)]])
    goal = np.r_[-np.ones(len(src)), np.ones(len(tgt)), np.zeros(d)]
    w = np.linalg.lstsq(system, goal, rcond=None)[0]
    errors = np.mean(src_test @ w[:-1] + w[-1] >= 0), np.mean(tgt_test @ w[:-1] + w[-1] < 0)
    return max(0.0, 2 * (1 - 2 * np.mean(errors)))


@pytest.mark.parametrize("ridge", [0.0, 1e-3, 30.0])
@pytest.mark.parametrize("d", [1, 3, 6])
def test_it_agrees_with_an_augmented_system(d, ridge):
    distance = proxy_a_distance(*sets(d), ridge=ridge)
    assert isinstance(distance, float)
    assert distance == pytest.approx(by_augmented_system(sets(d), ridge), abs=1e-12)
    assert 0 < distance < 2


def test_clouds_far_apart_are_at_distance_two_and_equal_ones_at_zero():
    assert proxy_a_distance(*sets(gap=30.0)) == 2.0
    x, y = cloud(20, 3, 0), cloud(30, 3, 1)
    assert proxy_a_distance(x, x, y, y) == 0.0


def test_a_common_shift_changes_nothing():
    assert proxy_a_distance(*sets(far=1000.0)) == proxy_a_distance(*sets())
    assert proxy_a_distance(*sets(far=1000.0, dtype=torch.float32)) == proxy_a_distance(*sets())


def test_it_is_measured_on_unseen_samples():
    """With as many dimensions as samples a linear classifier fits noise without error, and learns nothing."""
    random = torch.Generator().manual_seed(0)
    train = torch.randn(2, 20, 60, generator=random, dtype=torch.float64)
    test = torch.randn(2, 2000, 60, generator=random, dtype=torch.float64)
    assert proxy_a_distance(*train, *train) == 2.0
    assert proxy_a_distance(*train, *test) < 0.15


def test_more_dimensions_than_samples_without_a_ridge():
    assert (
        0 <= proxy_a_distance(cloud(3, 9, 0), cloud(4, 9, 1), cloud(5, 9, 2), cloud(6, 9, 3), ridge=0.0) <= 2
    )


def test_arrays_are_as_good_as_tensors():
    arrays = [s.numpy()[:, ::-1] for s in sets()]
    assert array_distance(*arrays, ridge=0.5) == proxy_a_distance(*sets(), ridge=0.5)


@pytest.mark.parametrize("name", ["src_train", "tgt_train", "src_test", "tgt_test"])
def test_every_set_must_have_samples_of_one_length(name):
    arguments = dict(zip(("src_train", "tgt_train", "src_test", "tgt_test"), sets(), strict=True))
    with pytest.raises(ValueError, match=rf"{name}: expected at least one sample, \(n, d\), got \(0, 3\)"):
        proxy_a_distance(**arguments | {name: torch.ones(0, 3)})
    with pytest.raises(ValueError, match=r": expected vectors of length (3|4), got (3|4)"):
        proxy_a_distance(**arguments | {name: torch.ones(5, 4)})


def test_a_negative_ridge_is_refused():
    with pytest.raises(ValueError, match="ridge: expected a number of at least 0, got -1"):
        proxy_a_distance(*sets(), ridge=-1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    assert proxy_a_distance(*(s.cuda() for s in sets())) == proxy_a_distance(*sets())
