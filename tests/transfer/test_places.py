"""Which places a mask shows, by loops and by proportions over many draws; moved points by the density they have."""

import numpy as np
import pytest
import torch

from nstkit.transfer.draws import Draw
from nstkit.transfer.places import Places, chosen, moved, places_of
from nstkit.transfer.regions import Guide, shown

CPU = torch.device("cpu")


def noise(seed, *shape):
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_equal_weights_are_no_weights():
    for value in (1.0, 0.3, 7e-20):
        assert places_of(torch.full((3, 5), value)) == Places(15)
    mask = torch.zeros(3, 5)
    mask[1:, 2:] = 0.3
    found = places_of(mask)
    assert (found.count, found.index.tolist(), found.weights) == (6, [7, 8, 9, 12, 13, 14], None)
    assert places_of(torch.zeros(3, 5)) is None


def test_other_weights_have_mean_one_and_amount_to_fewer_places():
    weights = torch.tensor([[0.0, 1.0, 3.0], [2.0, 0.0, 2.0]], dtype=torch.float64)
    found = places_of(weights)
    assert found.index.tolist() == [1, 2, 3, 5]
    np.testing.assert_allclose(found.weights, np.array([1, 3, 2, 2]) / 2)
    assert found.count == round(8**2 / (1 + 9 + 4 + 4))
    columns = noise(0, 2, 3, 6)
    assert torch.equal(found.of(columns), columns[:, :, [1, 2, 3, 5]])
    assert places_of(torch.tensor([[1.0, 1e-9, 1e-9]])).count == 1


def test_of_equal_places_a_choice_without_repetition():
    mask = torch.zeros(6, 9)
    mask[:, :4] = 1
    places = places_of(mask)
    every = chosen(places, 24, Draw(1), CPU)
    assert every.tolist() == [9 * y + x for y in range(6) for x in range(4)]
    some = chosen(places, 10, Draw(1), CPU)
    assert len(set(some.tolist())) == 10
    assert set(some.tolist()) < set(every.tolist())
    assert chosen(Places(54), 54, Draw(1), CPU) is None


def test_of_others_each_comes_up_as_often_as_its_weight_says():
    weights = torch.tensor([[0.0, 1, 1, 2], [2, 3, 5, 6], [0, 8, 3, 9]])
    places, share = places_of(weights), weights.flatten() / weights.sum()
    wanted, runs = share * places.count, 1500
    found = torch.zeros(runs, 12)
    for seed in range(runs):
        drawn = chosen(places, 100, Draw(seed), CPU)
        assert len(drawn) == places.count
        found[seed] = torch.bincount(drawn, minlength=12)
    assert bool((found >= wanted.floor()).all())
    assert bool((found <= wanted.ceil()).all())  # between the two whole numbers next to what is due
    error = 4.5 * ((wanted - wanted.floor()) * (wanted.ceil() - wanted) / runs).sqrt()
    assert bool(((found.mean(0) - wanted).abs() <= error + 1e-6).all())


def test_a_square_counts_as_its_least_position():
    mask = noise(1, 6, 8)
    mask[2, 3] = 0
    for size in (1, 2, 3):
        guide, places = Guide(mask), Guide(mask).places(6, 8, size)
        squares = guide.at(6, 8).square()
        corners = [(y, x) for y in range(7 - size) for x in range(9 - size)]
        least = [float(squares[y : y + size, x : x + size].min()) for y, x in corners]
        positive = [k for k, value in enumerate(least) if value > 0]
        assert places.index.tolist() == positive
        kept = np.array(least)[positive]
        np.testing.assert_allclose(places.weights, kept / kept.mean())


def test_a_region_narrower_than_a_square_shows_none():
    mask = torch.zeros(6, 8)
    mask[:, 3:5] = 1
    guide = Guide(mask)
    assert guide.places(6, 8, 3) is None
    assert guide.places(6, 8, 2).index.tolist() == [3, 10, 17, 24, 31]
    assert shown(None, 6, 8, 3) == Places(24)


def test_uniform_points_stay_and_those_of_a_half_move_into_it():
    points = noise(2, 40, 2)
    torch.testing.assert_close(moved(points, torch.ones(5, 7, dtype=torch.float64)), points)
    half = torch.zeros(5, 8, dtype=torch.float64)
    half[:, :4] = 3
    torch.testing.assert_close(moved(points, half), points * torch.tensor([0.5, 1.0], dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_get_the_density(dtype):
    """A fine regular grid of points: each cell gets its share of them, and within it they are spread evenly."""
    density = torch.tensor([[0.0, 1, 3], [4, 0, 2]], dtype=dtype)
    ticks = (torch.arange(400, dtype=dtype) + 0.5) / 400
    grid = torch.cartesian_prod(ticks, ticks)
    found = moved(grid, density).double().numpy()
    assert (found >= 0).all()
    assert (found <= 1).all()
    counts, _, _ = np.histogram2d(found[:, 1], found[:, 0], bins=(2, 3), range=((0, 1), (0, 1)))
    np.testing.assert_allclose(counts / len(grid), density.numpy() / 10, atol=2 / 400)
    inside = (found[:, 1] < 0.5) & (found[:, 0] > 2 / 3)
    np.testing.assert_allclose(found[inside].mean(0), [5 / 6, 0.25], atol=2e-3)
    np.testing.assert_allclose(found[inside].std(0), np.array([1 / 3, 0.5]) / 12**0.5, atol=2e-3)
