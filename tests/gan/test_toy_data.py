"""The toy collections show what their names say."""

import pytest
import torch

from nstkit.gan import stripes, two_blobs


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("draw", [two_blobs, stripes])
def test_batches_of_images_in_range_and_by_seed(draw):
    images = draw(5, generator(), size=12)
    assert images.shape == (5, 1, 12, 12)
    assert images.min() >= -1
    assert images.max() <= 1
    assert torch.equal(images, draw(5, generator(), size=12))
    assert not torch.equal(draw(40, generator(1)), draw(40, generator(2)))


def test_each_blob_image_has_one_blob_in_one_of_two_places():
    images = (two_blobs(400, generator()) + 1) / 2
    above = images[:, 0, :8, :8].sum((1, 2)) > images[:, 0, 8:, 8:].sum((1, 2))
    weight = images.sum((1, 2, 3))
    axis = torch.arange(16.0)
    for coordinate, dim in (((images * axis[:, None]), 2), ((images * axis), 3)):
        middle = coordinate.sum((1, 2, 3)) / weight
        assert dim in (2, 3)
        torch.testing.assert_close(middle[above], torch.full_like(middle[above], 4.5), atol=0.3, rtol=0)
        torch.testing.assert_close(middle[~above], torch.full_like(middle[~above], 10.5), atol=0.3, rtol=0)
    assert 0.4 < above.float().mean() < 0.6


@pytest.mark.parametrize(("direction", "along", "across"), [("horizontal", 3, 2), ("vertical", 2, 3)])
def test_stripes_are_constant_along_their_direction(direction, along, across):
    images = stripes(6, generator(), direction=direction, period=4.0)
    assert images.diff(dim=along).abs().max() == 0
    assert images.diff(dim=across).abs().max() > 0.5
    torch.testing.assert_close(images.roll(4, across), images, atol=1e-5, rtol=0)
    assert images.is_contiguous()


def test_another_direction_is_refused():
    with pytest.raises(ValueError, match="direction: expected 'horizontal' or 'vertical', got 'diagonal'"):
        stripes(2, generator(), direction="diagonal")
