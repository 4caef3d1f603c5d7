"""What was stored with a picture comes back, in every format, in every script."""

import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from nstkit.images import ImageError, read_metadata, save_image

SUFFIXES = ["png", "jpg", "jpeg", "tif", "tiff", "webp"]
OPTIONS = {
    "content": "照片/été à Zürich.jpg",
    "style weight": "1e5",
    "": "an empty key",
    "an empty value": "",
    "odd": 'quotes " \\ tab \t newline \n zero \0 brush \U0001f58c',
    "a file name that is no UTF-8": "caf\udce9.png",
}


@pytest.fixture
def image():
    return torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_text_comes_back(image, suffix, tmp_path):
    save_image(image, tmp_path / f"a.{suffix}", metadata=OPTIONS)
    assert read_metadata(tmp_path / f"a.{suffix}") == OPTIONS


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SUFFIXES),
    st.dictionaries(st.text(st.characters(), max_size=8), st.text(st.characters(), max_size=40), max_size=5),
)
def test_any_text_comes_back(suffix, metadata):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        save_image(torch.zeros(1, 3, 2, 5), path, metadata=metadata)
        assert read_metadata(path) == metadata


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_picture_may_carry_none(image, suffix, tmp_path):
    save_image(image, tmp_path / f"a.{suffix}")
    assert read_metadata(tmp_path / f"a.{suffix}") == {}


@pytest.mark.parametrize(
    "text", ["a holiday in Rome", "{", "[1]", '{"nstkit": [1, 2]}', '{"other": {"a": "b"}}']
)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_the_descriptions_of_others_are_left_alone(text, suffix, tmp_path):
    exif, info = Image.Exif(), PngImagePlugin.PngInfo()
    exif[270] = text
    info.add_text("Description", text)
    options = {"pnginfo": info} if suffix == "png" else {"exif": exif}
    Image.new("RGB", (7, 5)).save(tmp_path / f"a.{suffix}", **options)
    assert read_metadata(tmp_path / f"a.{suffix}") == {}


@pytest.mark.parametrize(("key", "value"), [("steps", 300), (3, "steps"), ("seed", None), ("file", b"a.png")])
def test_what_is_no_text_is_refused_before_anything_is_written(image, key, value, tmp_path):
    with pytest.raises(
        TypeError, match=rf"^metadata: expected text, got {key!r}: {value!r}; wrap numbers in str\(\)$"
    ):
        save_image(image, tmp_path / "a.png", metadata={key: value})
    assert not any(tmp_path.iterdir())


def test_more_text_than_a_jpeg_can_hold_is_refused(image, tmp_path):
    with pytest.raises(
        ImageError, match=r"a\.jpg: could not be written \(EXIF data is too long\); nothing was changed"
    ):
        save_image(image, tmp_path / "a.jpg", metadata={"story": "long " * 20_000})
    assert not any(tmp_path.iterdir())
