"""The photographs are those of matplotlib and scikit-image, read without importing either."""

import importlib.util
import subprocess
import sys

import matplotlib.cbook
import matplotlib.image
import numpy as np
import pytest
import skimage.data

from nstkit.images import check_image, photograph, photograph_names, photograph_path
from nstkit.images.photographs import installed_file

BY_SKIMAGE = ["astronaut", "chelsea", "coffee", "camera", "moon", "coins", "brick", "grass", "gravel"]


def levels(image):
    return image[0].permute(1, 2, 0).numpy() * 255


@pytest.mark.parametrize("name", BY_SKIMAGE)
def test_they_are_what_scikit_image_shows(name):
    expected = getattr(skimage.data, name)()
    expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, 2)
    np.testing.assert_allclose(levels(photograph(name)), expected, atol=1e-4)


def test_grace_hopper_is_what_matplotlib_shows():
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        np.testing.assert_allclose(
            levels(photograph("grace_hopper")), matplotlib.image.imread(file, "jpg"), atol=1e-4
        )


def test_the_rocket_has_the_colours_that_its_profile_gives_it(adobe_rgb):
    """It was taken in Adobe RGB, which scikit-image overlooks."""
    expected = adobe_rgb(skimage.data.rocket() / 255) * 255
    difference = np.abs(levels(photograph("rocket")) - expected)
    assert np.quantile(difference[expected > 16], 0.999) < 1.5  # LittleCMS interpolates coarsely near black
    assert np.abs(skimage.data.rocket() - expected).mean() > 4


def test_every_name_gives_an_image_of_the_size_asked_for():
    assert {"grace_hopper", *BY_SKIMAGE} <= set(photograph_names())
    for name in photograph_names():
        image = photograph(name, size=48)
        check_image(image)
        assert max(image.shape) == 48
        assert image.std() > 0.02  # it shows something


def test_neither_package_is_imported():
    script = (
        "import sys, nstkit.images as i; i.photograph('chelsea', size=32), i.photograph('grace_hopper', size=32);"
        "assert not {'matplotlib', 'skimage'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    ("package", "wheel", "name"),
    [("skimage", "scikit-image", "coffee"), ("matplotlib", "matplotlib", "grace_hopper")],
)
def test_a_missing_package_is_named(package, wheel, name, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == package else found(asked))
    assert name not in photograph_names()
    assert photograph_names()
    message = f"^name: {name} lies inside {wheel}, which is not installed; pip install {wheel}$"
    with pytest.raises(ValueError, match=message):
        photograph(name)


@pytest.mark.parametrize(
    ("name", "end"),
    [("astronout", r"; did you mean astronaut\?"), ("Chelsea", r"; did you mean chelsea\?"), ("xyz", "")],
)
def test_an_unknown_name_lists_those_that_exist(name, end):
    with pytest.raises(
        ValueError, match=f"^name: expected one of grace_hopper, astronaut, .*gravel, got '{name}'{end}$"
    ):
        photograph_path(name)


def test_files_that_a_package_lacks_are_not_found():
    assert installed_file("matplotlib", "mpl-data/no_such_file") is None
    assert installed_file("no_such_package", "file") is None
