"""Colours mean what the file says they mean: against NumPy written out, OpenCV and scikit-image."""

import io

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, features
from PIL._util import DeferredError

from nstkit.images import ImageError, load_image, save_image
from nstkit.images.colours import srgb_profile, to_srgb, unpack


def reopened(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    opened = Image.open(file)
    opened.load()
    return opened


def shown(picture, profile=None):
    """(H, W, 3) as float levels, 0 to 255."""
    result = to_srgb(unpack(picture), profile)
    values = np.asarray(result, dtype=np.float64)
    return np.repeat(values[..., None] * 255, 3, axis=2) if result.mode == "F" else values


def over_white(colour, alpha):
    """The painter's formula, in 8-bit levels."""
    share = alpha[..., None] / 255
    return colour * share + 255 * (1 - share)


@pytest.fixture
def alpha():
    return np.random.default_rng(1).integers(0, 256, (11, 17), dtype=np.uint8)


def test_plain_colours_and_grays_stay_exact(levels):
    np.testing.assert_array_equal(shown(Image.fromarray(levels)), levels)
    gray = levels[..., 0]
    np.testing.assert_array_equal(shown(Image.fromarray(gray)), np.repeat(gray[..., None], 3, 2))


def test_single_bits_are_black_and_white(levels):
    bits = levels[..., 1] > 127
    picture = reopened(Image.fromarray(bits))
    assert picture.mode == "1"
    np.testing.assert_array_equal(shown(picture), np.repeat(255 * bits[..., None], 3, 2))


def test_palettes_are_looked_up(levels):
    picture = reopened(Image.fromarray(levels % 4 * 60).quantize(64, dither=Image.Dither.NONE))
    table = np.array(picture.getpalette()).reshape(-1, 3)
    assert picture.mode == "P"
    np.testing.assert_array_equal(shown(picture), table[np.asarray(picture)])


def test_transparency_is_laid_over_white(levels, alpha):
    picture = reopened(Image.fromarray(np.dstack([levels, alpha])))
    np.testing.assert_allclose(shown(picture), over_white(levels.astype(float), alpha), atol=1)


def test_transparent_grays_are_laid_over_white(levels, alpha):
    gray = Image.fromarray(levels[..., 0])
    gray.putalpha(Image.fromarray(alpha))
    assert gray.mode == "LA"
    expected = over_white(np.repeat(levels[..., :1], 3, 2).astype(float), alpha)
    np.testing.assert_allclose(shown(reopened(gray)), expected, atol=1)


def test_a_palette_with_transparent_colours(levels):
    picture = Image.fromarray(levels % 3 * 100).quantize(27, dither=Image.Dither.NONE)
    share = np.arange(27, dtype=np.uint8) * 9
    picture = reopened(picture, transparency=share.tobytes())
    assert picture.mode == "P"
    table = over_white(np.array(picture.getpalette()).reshape(-1, 3)[:27].astype(float), share)
    np.testing.assert_allclose(shown(picture), table[np.asarray(picture)], atol=1)


@pytest.mark.parametrize(("mode", "key"), [("RGB", (9, 8, 7)), ("L", 9), ("1", 0)])
def test_one_colour_declared_transparent_turns_white(mode, key):
    picture = Image.new(mode, (5, 4), 255 if mode != "RGB" else (200, 100, 50))
    picture.putpixel((3, 1), key)
    picture = reopened(picture, transparency=key)
    assert picture.mode == mode
    expected = np.broadcast_to((200, 100, 50) if mode == "RGB" else (255, 255, 255), (4, 5, 3)).copy()
    expected[1, 3] = 255
    np.testing.assert_array_equal(shown(picture), expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_deep_gray_keeps_its_depth(kind):
    codes = np.random.default_rng(2).integers(0, 65536, (11, 17), dtype=np.uint16)
    picture = reopened(Image.fromarray(codes), kind)
    np.testing.assert_allclose(shown(picture)[..., 1], codes / 257, rtol=1e-6)


def test_integers_of_32_bits_are_read_as_16_where_they_fit():
    codes = np.random.default_rng(3).integers(0, 65536, (11, 17), dtype=np.int32)
    picture = reopened(Image.fromarray(codes), "TIFF")
    assert picture.mode == "I"
    np.testing.assert_allclose(shown(picture)[..., 2], codes / 257, rtol=1e-6)


def test_floating_point_gray_in_range_is_kept():
    values = np.random.default_rng(4).random((11, 17), dtype=np.float32)
    np.testing.assert_allclose(
        shown(reopened(Image.fromarray(values), "TIFF"))[..., 0], values * 255, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.float32([[0, 0.5, 1.5]]),
            r"expected floating-point pixels in \[0, 1\], got \[0, 1\.5\]; rescale it",
        ),
        (
            np.float32([[0, 0.5, np.nan]]),
            r"expected floating-point pixels in \[0, 1\], got \[nan, nan\]; rescale it",
        ),
        (np.int32([[0, 70000, 5]]), r"expected integer pixels in \[0, 65535\], got \[0, 70000\]; rescale it"),
        (np.int32([[-3, 7, 5]]), r"expected integer pixels in \[0, 65535\], got \[-3, 7\]; rescale it"),
    ],
)
def test_numbers_without_a_known_range_are_refused(values, message):
    with pytest.raises(ImageError, match=f"^{message} with the program that made it$"):
        shown(reopened(Image.fromarray(values), "TIFF"))


def test_colour_of_16_bits_is_read_as_8(tmp_path):
    codes = np.random.default_rng(5).integers(0, 65536, (11, 17, 3), dtype=np.uint16)
    for name in ("deep.png", "deep.tif"):
        cv2.imwrite(str(tmp_path / name), codes)
        with Image.open(tmp_path / name) as picture:
            np.testing.assert_allclose(shown(picture), codes[..., ::-1] / 257, atol=1)  # OpenCV writes BGR


def test_inks_without_a_profile_are_subtracted_from_white(levels):
    picture = reopened(
        Image.merge("CMYK", [*Image.fromarray(levels).split(), Image.fromarray(levels[..., 1])]), "TIFF"
    )
    ink = levels / 255
    expected = 255 * (1 - ink) * (1 - ink[..., 1:2])
    np.testing.assert_allclose(shown(picture), expected, atol=1.5)


def test_luminance_and_chrominance(smooth):
    levels = np.rint(smooth[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    picture = Image.fromarray(levels).convert("YCbCr")
    np.testing.assert_allclose(shown(picture), levels, atol=3)


def test_lab_colours(lab_colours):
    lab, expected = lab_colours
    codes = np.dstack([np.rint(lab[..., :1] * 2.55), lab[..., 1:]]).astype(np.int16).astype(np.uint8)
    picture = Image.frombytes("LAB", (3, 2), codes.tobytes())
    picture = reopened(picture, "TIFF")
    assert picture.mode == "LAB"
    np.testing.assert_allclose(shown(picture), expected * 255, atol=3)


def test_a_wide_gamut_is_converted(levels, wide_gamut):
    profile, meaning = wide_gamut
    expected = meaning(levels / 255) * 255
    assert np.abs(expected - levels).mean() > 10  # the profile matters
    np.testing.assert_allclose(shown(Image.fromarray(levels), profile), expected, atol=1.5)


def test_gray_is_converted(levels, linear_gray):
    profile, meaning = linear_gray
    gray = levels[..., 0] // 2 + 64  # LittleCMS interpolates coarsely near black
    expected = np.repeat(meaning(gray[..., None] / 255) * 255, 3, 2)
    np.testing.assert_allclose(shown(Image.fromarray(gray), profile), expected, atol=1.5)


def test_gray_may_carry_a_profile_of_colours(levels, wide_gamut):
    profile, meaning = wide_gamut
    expected = meaning(np.repeat(levels[..., :1], 3, 2) / 255) * 255
    np.testing.assert_allclose(shown(Image.fromarray(levels[..., 0]), profile), expected, atol=1.5)


def test_deep_gray_is_converted(linear_gray):
    profile, meaning = linear_gray
    codes = np.random.default_rng(6).integers(16384, 65536, (11, 17), dtype=np.uint16)
    expected = meaning(codes / 65535) * 255
    np.testing.assert_allclose(shown(Image.fromarray(codes), profile)[..., 0], expected, atol=1.5)


def test_inks_are_converted(odd_inks):
    profile, inks, meaning = odd_inks
    picture = Image.frombytes("CMYK", (8, 2), inks.tobytes())
    np.testing.assert_allclose(shown(picture, profile), meaning.reshape(2, 8, 3) * 255, atol=1.5)


def test_transparent_colours_are_converted_before_they_are_laid_over_white(levels, alpha, wide_gamut):
    profile, meaning = wide_gamut
    expected = over_white(meaning(levels / 255) * 255, alpha)
    np.testing.assert_allclose(shown(Image.fromarray(np.dstack([levels, alpha])), profile), expected, atol=2)


def test_our_own_profile_changes_nothing_and_is_always_the_same(levels):
    np.testing.assert_array_equal(shown(Image.fromarray(levels), srgb_profile()), levels)
    assert srgb_profile() == srgb_profile()
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile())))


def test_a_damaged_or_unfitting_profile_is_ignored(levels, wide_gamut, linear_gray, odd_inks):
    for profile in (b"no profile", wide_gamut[0][:200], linear_gray[0], odd_inks[0]):
        np.testing.assert_array_equal(shown(Image.fromarray(levels), profile), levels)


@pytest.fixture
def no_littlecms(monkeypatch):
    """Pillow as it is when it was built without LittleCMS: the module is there, and what it would call is not."""
    monkeypatch.setattr(features, "check", lambda name: name != "littlecms2")
    monkeypatch.setattr(ImageCms, "core", DeferredError(ImportError("no _imagingcms")))


def test_without_littlecms_pictures_are_read_by_their_numbers_and_written_without_a_profile(
    no_littlecms, tmp_path, levels, wide_gamut
):
    np.testing.assert_array_equal(shown(Image.fromarray(levels), wide_gamut[0]), levels)
    image = torch.from_numpy(levels).permute(2, 0, 1)[None] / 255
    for name in ("a.png", "a.jpg", "a.tif", "a.webp"):
        save_image(image, tmp_path / name, metadata={"by": "us"})
        with Image.open(tmp_path / name) as picture:
            assert not picture.info.get("icc_profile")
    torch.testing.assert_close(load_image(tmp_path / "a.png"), image)


def test_without_littlecms_lab_is_refused_in_a_sentence(no_littlecms):
    with pytest.raises(ImageError, match=r"^in Lab colours, which this Pillow cannot convert"):
        shown(Image.new("LAB", (5, 4)))
