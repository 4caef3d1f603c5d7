"""Borders agree with NumPy's padding for every name and any width, also wider than the image."""

import numpy as np
import pytest
import torch

from nstkit.filters import BORDERS, pad_border

NUMPY = {
    "symmetric": "symmetric",
    "reflect-101": "reflect",
    "edge": "edge",
    "wrap": "wrap",
    "zero": "constant",
}
IMAGE = torch.arange(2 * 3 * 4 * 5, dtype=torch.float64).reshape(2, 3, 4, 5)


def test_the_table_of_names_is_complete():
    assert set(BORDERS) == set(NUMPY)


@pytest.mark.parametrize("sides", [((1, 1), (2, 2)), ((0, 3), (4, 0)), ((4, 4), (5, 5)), ((13, 9), (17, 21))])
@pytest.mark.parametrize("border", NUMPY)
def test_it_pads_as_numpy_does(border, sides):
    padded = pad_border(IMAGE, *sides, border)
    np.testing.assert_array_equal(
        padded.numpy(), np.pad(IMAGE.numpy(), ((0, 0), (0, 0), *sides), NUMPY[border])
    )


@pytest.mark.parametrize("border", NUMPY)
def test_a_single_row_can_be_padded(border):
    row = IMAGE[:, :, :1]
    padded = pad_border(row, 2, 0, border)
    np.testing.assert_array_equal(
        padded.numpy(), np.pad(row.numpy(), ((0, 0), (0, 0), (2, 2), (0, 0)), NUMPY[border])
    )


@pytest.mark.parametrize("border", NUMPY)
def test_each_pixel_gets_the_gradient_of_all_its_copies(border):
    image = torch.rand(
        2, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    ).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: pad_border(x, (1, 4), (5, 2), border), image)


def test_without_padding_nothing_is_copied():
    assert pad_border(IMAGE, 0, 0, "symmetric") is IMAGE


def test_another_name_is_refused_with_the_names_that_exist():
    with pytest.raises(
        ValueError, match=r"border: expected one of 'symmetric', 'reflect-101', .*got 'reflect'"
    ):
        pad_border(IMAGE, 1, 1, "reflect")


def test_negative_widths_and_empty_images_are_refused():
    with pytest.raises(ValueError, match="rows, columns: expected at least 0, got -1 and 2"):
        pad_border(IMAGE, (-1, 2), 0, "edge")
    with pytest.raises(ValueError, match=r"image: expected .* at least one pixel, got \(2, 3, 0, 5\)"):
        pad_border(IMAGE[:, :, :0], 1, 1, "edge")
