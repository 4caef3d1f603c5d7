"""Cells: nearest points against SciPy's tree, tiles against their own geometry."""

import numpy as np
import pytest
import torch

from nstkit.encoders.procedural_cells import (
    bricks,
    checks,
    hash_table,
    look_up,
    nearest_points,
    stained_glass,
)
from nstkit.encoders.procedural_fields import frame

spatial = pytest.importorskip("scipy.spatial", reason="SciPy is the oracle here")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_nearest_points_agree_with_a_search_tree():
    """The nearest of one point a cell may lie two cells away, but hardly ever does."""
    grid = frame(2, 40, torch.tensor([7.0, 11.0]), generator())
    first, second, number = nearest_points(grid, generator(1))
    table = hash_table(2, 3, generator(1))
    rows, columns = torch.meshgrid(torch.arange(130.0), torch.arange(130.0), indexing="ij")
    cells = (torch.stack([columns, rows]) - 5).unsqueeze(0).expand(2, 2, 130, 130)
    points = cells + look_up(table, cells)[:, :2]
    for index in range(2):
        tree = spatial.cKDTree(points[index].flatten(1).T.numpy())
        distances, which = tree.query(grid[index].flatten(1).T.numpy(), k=2)
        agree = np.isclose(distances[:, 0], first[index].flatten().numpy(), atol=1e-4)
        assert agree.mean() > 0.99
        assert np.isclose(distances[:, 1], second[index].flatten().numpy(), atol=1e-4).mean() > 0.95
        expected = look_up(table, cells)[index, 2].flatten()[which[:, 0]].numpy()
        np.testing.assert_allclose(number[index].flatten().numpy()[agree], expected[agree])


def test_a_cell_has_one_number_wherever_it_is_looked_up():
    cells = torch.randint(-200, 200, (2, 2, 9, 13), generator=generator()).float()
    table = hash_table(2, 3, generator(1))
    moved = look_up(table, cells.roll((2, 5), dims=(2, 3)))
    torch.testing.assert_close(moved, look_up(table, cells).roll((2, 5), dims=(2, 3)), rtol=0, atol=0)


def test_glass_is_flat_between_its_lines():
    value, shade = stained_glass(64, torch.full((3,), 16.0), generator())
    assert len(value.unique()) < 3 * 60
    assert 0.02 < (shade < 0.5).float().mean() < 0.6


def test_checks_are_black_and_white_or_a_mosaic():
    value, _ = checks(48, torch.full((8,), 8.0), generator())
    assert all(len(picture.unique()) == 2 or len(picture.unique()) > 10 for picture in value)


def test_mortar_takes_a_small_share_of_a_wall():
    _, shade = bricks(96, torch.full((6,), 16.0), generator())
    share = (shade < 0.5).float().mean((1, 2, 3))
    assert share.min() > 0.03
    assert share.max() < 0.4
