"""Pooling: the written-out forms, and which layers are replaced."""

import numpy as np
import pytest
import torch
from torch import nn

from nstkit.encoders.pooling import POOLINGS, L2Pool2d, replace_pooling


def windows(maps, kernel, stride):
    rows = range(0, maps.shape[2] - kernel + 1, stride)
    columns = range(0, maps.shape[3] - kernel + 1, stride)
    return [[maps[:, :, i : i + kernel, j : j + kernel] for j in columns] for i in rows]


@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (3, 1)])
def test_l2_pooling_is_the_root_mean_square_of_each_window(kernel, stride):
    maps = torch.randn(2, 5, 7, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    written = [
        [np.sqrt((window.numpy() ** 2).mean((2, 3))) for window in row]
        for row in windows(maps, kernel, stride)
    ]
    expected = np.transpose(np.array(written), (2, 3, 0, 1))
    np.testing.assert_allclose(L2Pool2d(kernel, stride, eps=0.0)(maps).numpy(), expected, rtol=1e-12)


def test_l2_pooling_lies_between_average_and_maximum():
    maps = torch.rand(2, 3, 8, 10, generator=torch.Generator().manual_seed(1))
    average, norm, largest = (POOLINGS[kind](2, 2)(maps) for kind in ("average", "l2", "max"))
    assert (average <= norm + 1e-6).all()
    assert (norm <= largest + 1e-4).all()


def test_scaled_pooling_has_the_published_factors():
    """Twice the average, and 0.78 times the norm of a window, of which PyTorch has the p-norm."""
    maps = torch.rand(2, 5, 7, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    average, norm = (POOLINGS[f"scaled_{kind}"](2, 2)(maps) for kind in ("average", "l2"))
    torch.testing.assert_close(average, 2 * nn.functional.avg_pool2d(maps, 2))
    torch.testing.assert_close(norm, 0.78 * nn.LPPool2d(2, 2)(maps))


@pytest.mark.parametrize("kind", ["average", "l2"])
def test_scaled_pooling_keeps_the_size_of_features_better(kind):
    maps = torch.randn(2, 5, 40, 50, generator=torch.Generator().manual_seed(3)).relu()
    largest = POOLINGS["max"](2, 2)(maps).mean()
    plain, scaled = (
        abs(1 - POOLINGS[name](2, 2)(maps).mean() / largest) for name in (kind, f"scaled_{kind}")
    )
    assert scaled < plain / 2


def test_l2_pooling_has_a_finite_gradient_at_zero():
    maps = torch.zeros(2, 3, 4, 6, requires_grad=True)
    L2Pool2d(2, 2)(maps).sum().backward()
    assert torch.equal(maps.grad, torch.zeros_like(maps))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_only_pooling_is_replaced_and_windows_stay(pooling):
    modules = {"conv": nn.Conv2d(3, 4, 3), "pool": nn.MaxPool2d(3, 2, padding=1, ceil_mode=True)}
    replaced = replace_pooling(modules, pooling)
    assert replaced["conv"] is modules["conv"]
    pool = replaced["pool"]
    assert isinstance(pool, POOLINGS[pooling])
    assert (pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode) == (3, 2, 1, True)
    assert pool(torch.rand(2, 4, 8, 11)).shape == modules["pool"](torch.rand(2, 4, 8, 11)).shape


def test_an_unknown_pooling_lists_the_known():
    with pytest.raises(
        ValueError,
        match=r"^pooling: expected one of max, average, l2, scaled_average, scaled_l2, got 'median'$",
    ):
        replace_pooling({}, "median")
