"""Saving rounds, embeds sRGB, and leaves either the whole new file or what was there before."""

import io
import os
import stat
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageCms
from skimage.metrics import peak_signal_noise_ratio

from nstkit.images import ImageError, check_target, load_image, save_image

SUFFIXES = ["png", "jpg", "jpeg", "tif", "tiff", "webp"]
KINDS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "tiff": "TIFF", "webp": "WEBP"}


@pytest.fixture
def image():
    return torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))


def image_of(levels):
    """(H, W, 3) uint8 to (1, 3, H, W) in [0, 1]."""
    return torch.from_numpy(levels.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["png", "tif"]),
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(7, 12), st.just(3))),
)
def test_what_was_saved_without_loss_is_loaded_again(suffix, levels):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{suffix}")
        save_image(image_of(levels), path)
        assert torch.equal(load_image(path), image_of(levels))


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_little_is_lost_in_lossy_formats(smooth, suffix, tmp_path):
    save_image(smooth, tmp_path / f"a.{suffix}")
    assert (
        peak_signal_noise_ratio(smooth.numpy(), load_image(tmp_path / f"a.{suffix}").numpy(), data_range=1)
        > 38
    )


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_another_reader_sees_the_same_picture(smooth, suffix, tmp_path):
    save_image(smooth, tmp_path / f"a.{suffix}")
    seen = cv2.imread(str(tmp_path / f"a.{suffix}"))[..., ::-1]  # OpenCV reads BGR
    np.testing.assert_allclose(seen, smooth[0].permute(1, 2, 0) * 255, atol=10)


@pytest.mark.parametrize("suffix", ["PNG", "Jpg", "TIFF"])
def test_capital_suffixes_mean_the_same(image, suffix, tmp_path):
    save_image(image, tmp_path / f"a.{suffix}")
    with Image.open(tmp_path / f"a.{suffix}") as picture:
        assert picture.format == KINDS[suffix.lower()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pixels_are_rounded(dtype, tmp_path):
    values = torch.linspace(0, 1, 3 * 11 * 97, dtype=dtype).view(1, 3, 11, 97)
    save_image(values, tmp_path / "a.png")
    expected = np.rint(values[0].permute(1, 2, 0).numpy() * 255)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), expected)


def test_rounding_errors_at_the_ends_do_not_wrap_around(tmp_path):
    save_image(torch.tensor([-1e-5, 1 + 1e-5]).expand(1, 3, 5, 2), tmp_path / "a.png")
    assert load_image(tmp_path / "a.png").unique().tolist() == [0, 1]


def test_strides_and_gradients_do_not_matter(image, tmp_path):
    strided = image.mT.contiguous().mT.requires_grad_()
    save_image(strided, tmp_path / "a.png")
    save_image(image, tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_srgb_profile_is_embedded(image, suffix, tmp_path):
    save_image(image, tmp_path / f"a.{suffix}")
    with Image.open(tmp_path / f"a.{suffix}") as picture:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"]))
    assert ImageCms.getProfileDescription(profile).startswith("sRGB")


def test_quality_is_the_users(smooth, tmp_path):
    for suffix in ("jpg", "webp"):
        for quality in (10, 95):
            save_image(smooth, tmp_path / f"{quality}.{suffix}", quality=quality)
        assert (tmp_path / f"10.{suffix}").stat().st_size < (tmp_path / f"95.{suffix}").stat().st_size


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
def test_permissions_are_those_of_any_new_file(image, tmp_path):
    save_image(image, tmp_path / "a.png")
    (tmp_path / "other").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.png", "other")]
    assert modes[0] == modes[1]


def test_a_long_name_and_a_plain_string_work(image, tmp_path):
    path = str(tmp_path / ("n" * 251 + ".png"))
    save_image(image, path)
    assert load_image(path).shape == image.shape


def test_nothing_is_overwritten_unless_asked(image, tmp_path):
    path = tmp_path / "a.png"
    path.write_text("precious")
    with pytest.raises(
        FileExistsError, match=r"a\.png: exists already; choose another name or allow overwriting"
    ):
        save_image(image, path)
    assert path.read_text() == "precious"
    save_image(image, path, overwrite=True)
    assert load_image(path).shape == image.shape
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.gif", r"a\.gif: expected a name that ends in \.png, \.jpg, \.jpeg, \.tif, \.tiff, \.webp$"),
        ("out", r"out: expected a name that ends in \.png"),
        (".png", r"\.png: expected a name that ends in \.png"),
        ("none/a.png", r"none/a\.png: the folder .*none does not exist; create it first$"),
        ("file/a.png", r"file/a\.png: the folder .*file does not exist; create it first$"),
        ("folder.png", r"folder\.png: a folder has that name; choose another$"),
    ],
)
def test_names_that_cannot_be_written_are_refused(image, name, message, tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    for refuse in (lambda path: check_target(path, overwrite=True), lambda path: save_image(image, path)):
        with pytest.raises(ValueError, match=message):
            refuse(tmp_path / name)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a superuser may write everywhere
    with pytest.raises(ValueError, match=r"a\.png: the folder .* may not be written to; choose another$"):
        check_target(tmp_path / "a.png")


def test_a_batch_is_refused(tmp_path):
    message = r"^image: expected one image \(1, 3, H, W\), got 2 of them; save one by one$"
    with pytest.raises(ValueError, match=message):
        save_image(torch.zeros(2, 3, 5, 7), tmp_path / "a.png")


def test_what_is_no_image_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^image: expected pixels in \[0, 1\], got \[0, 2\]"):
        save_image(torch.tensor([0.0, 2]).expand(1, 3, 5, 2), tmp_path / "a.png")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_a_quality_out_of_range_is_refused(image, quality, tmp_path):
    with pytest.raises(ValueError, match=f"^quality: expected 1 to 100, got {quality}$"):
        save_image(image, tmp_path / "a.jpg", quality=quality)


@pytest.mark.parametrize(("suffix", "width"), [("webp", 16384), ("jpg", 65536)])
def test_a_picture_too_large_for_its_format_is_refused(suffix, width, tmp_path):
    with pytest.raises(ImageError, match=rf"a\.{suffix}: could not be written \(.+\); nothing was changed$"):
        save_image(torch.zeros(1, 3, 2, width), tmp_path / f"a.{suffix}")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("before", [None, "precious"])
def test_a_full_disk_changes_nothing(suffix, before, tmp_path):
    """The system itself refuses to let the file grow beyond 2,000 bytes."""
    resource = pytest.importorskip("resource", reason="limits of file size as POSIX has them")
    path = tmp_path / f"a.{suffix}"
    if before is not None:
        path.write_text(before)
    noise = torch.rand(1, 3, 90, 120, generator=torch.Generator().manual_seed(0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(
            ImageError, match=rf"a\.{suffix}: could not be written \(File too large\); nothing was changed$"
        ):
            save_image(noise, path, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == (
        [(path.name, before)] if before else []
    )


@pytest.mark.parametrize(
    "failure", [KeyboardInterrupt, RuntimeError("bug"), OSError(28, "No space left on device")]
)
@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_failure_in_the_middle_changes_nothing(image, failure, moment, tmp_path, monkeypatch):
    def fail(*args):
        raise failure

    (tmp_path / "a.png").write_text("precious")
    monkeypatch.setattr(os, moment, fail)
    expected = (
        ImageError
        if isinstance(failure, OSError)
        else failure
        if isinstance(failure, type)
        else type(failure)
    )
    with pytest.raises(expected):
        save_image(image, tmp_path / "a.png", overwrite=True)
    assert [(entry.name, entry.read_text()) for entry in tmp_path.iterdir()] == [("a.png", "precious")]
