"""Pictures by file or by name; a file wins."""

import pytest
import torch

from nstkit.cli.sources import SMALLEST, picture
from nstkit.images import load_image, photograph, photograph_names, save_image
from nstkit.paintings import paint


def test_a_file_a_photograph_and_a_painting(here, photo):
    assert torch.equal(picture(photo, 64, enlarge=True), load_image(photo, size=64))
    assert torch.equal(picture("grace_hopper", 64), photograph("grace_hopper", size=64))
    assert torch.equal(picture("mosaic", 100), paint("mosaic", height=80, width=100))


def test_a_file_of_that_name_wins(here, photo):
    for name in ("mosaic", "grace_hopper"):
        (here / name).write_bytes((here / photo).read_bytes())
        assert torch.equal(picture(name, 64), load_image(photo, size=64))


def test_only_what_may_grow_grows(here, photo):
    assert picture(photo, 200).shape == (1, 3, 72, 96)
    assert picture(photo, 192, enlarge=True).shape == (1, 3, 144, 192)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("grace_hoper", "did you mean grace_hopper?"),
        ("swirl", "did you mean swirls?"),
        ("xyzzy", "there are "),
    ],
)
def test_a_name_that_is_neither_gets_the_nearest(here, name, hint):
    with pytest.raises(ValueError, match=f"{name}: no such file, and no photograph or painting") as caught:
        picture(name, 64)
    assert hint in str(caught.value)
    assert photograph_names()


def test_a_missing_file_is_a_file(here):
    with pytest.raises(ValueError, match=r"photo\.jpg: no such file"):
        picture("photo.jpg", 64)


def test_a_picture_of_a_few_pixels_is_none(here):
    save_image(torch.rand(1, 3, SMALLEST - 1, 40), here / "thin.png")
    with pytest.raises(
        ValueError, match=r"thin\.png: 40 x 15 pixels; a picture needs at least 16 on each side"
    ):
        picture("thin.png", 64)
