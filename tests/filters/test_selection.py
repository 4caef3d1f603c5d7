"""Networks sort and select whatever they are given: by the 0-1 principle, zeros and ones suffice as a test."""

import itertools

import pytest
import torch

from nstkit.filters.selection import median_network, sorting_network


@pytest.mark.parametrize("n", range(1, 12))
def test_every_sequence_of_zeros_and_ones_is_sorted(n):
    planes = torch.tensor(list(itertools.product([0, 1], repeat=n))).T  # (n, 2ⁿ)
    ranks = torch.stack(sorting_network(n).run(list(planes)))
    assert torch.equal(ranks, planes.sort(0).values)


@pytest.mark.parametrize("n", [1, 3, 5, 7, 9, 11])
def test_every_number_of_ones_in_every_column_gives_the_median(n):
    """Columns that rise from row to row are steps; for zeros and ones, (n + 1)ⁿ of them, or a sample."""
    if n <= 5:
        steps = torch.tensor(list(itertools.product(range(n + 1), repeat=n)))  # (K, n): ones in each column
    else:
        steps = torch.randint(0, n + 1, (20_000, n), generator=torch.Generator().manual_seed(0))
    rows = [(steps >= n - i).to(torch.int8) for i in range(n)]  # row i: (K, n)
    planes = [row[:, j].contiguous() for row in rows for j in range(n)]
    expected = (steps.sum(1) > n * n // 2).to(torch.int8)
    assert torch.equal(median_network(n).run(planes)[0], expected)


def test_the_three_by_three_median_needs_few_operations():
    assert len(sorting_network(3).operations) == 6
    assert len(median_network(3).operations) <= 14  # a full sort of nine values takes 50
