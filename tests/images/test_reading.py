"""Loading turns pictures upright, shrinks them well, and gives the same image from every format."""

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from nstkit.images import ImageError, check_image, fitted_size, load_image, photograph, resize
from nstkit.images.reading import picture_size

UPRIGHT = {  # what EXIF 2.3, section 4.6.4 A, says row 0 and column 0 of the stored picture are
    1: lambda stored: stored,  # top, left
    2: lambda stored: stored[:, ::-1],  # top, right
    3: lambda stored: stored[::-1, ::-1],  # bottom, right
    4: lambda stored: stored[::-1],  # bottom, left
    5: lambda stored: stored.swapaxes(0, 1),  # left, top
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],  # right, top
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda stored: stored.swapaxes(0, 1)[::-1],  # left, bottom
}


def pixels(image):
    """(1, 3, H, W) to (H, W, 3), levels 0 to 255."""
    return image[0].permute(1, 2, 0).numpy() * 255


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("options", [{}, {"size": 9}, {"size": 40}])
def test_the_result_is_a_fresh_image_in_plain_layout(levels, tmp_path, options):
    Image.fromarray(levels).save(tmp_path / "a.png")
    image = load_image(tmp_path / "a.png", **options)
    check_image(image)
    assert image.dtype == torch.float32
    assert image.is_contiguous()
    image.mul_(0.5)  # may be written to


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "a.tga", "a.pcx", "a.jp2", "a.sgi"])
def test_lossless_formats_give_every_level_exactly(levels, name, tmp_path):
    Image.fromarray(levels).save(tmp_path / name)
    expected = levels.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(load_image(tmp_path / name).numpy(), expected)


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.webp"] + ["a.avif"] * (".avif" in Image.registered_extensions())
)
def test_lossy_formats_give_nearly_the_same(smooth, name, tmp_path):
    levels = np.rint(pixels(smooth)).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / name, quality=95)
    assert peak_signal_noise_ratio(levels, pixels(load_image(tmp_path / name)), data_range=255) > 38


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("name", "options"),
    [("a.png", {}), ("a.tif", {}), ("b.tif", {"compression": "tiff_lzw"}), ("a.webp", {"lossless": 1})],
)
def test_pictures_are_turned_upright(levels, name, options, orientation, tmp_path):
    Image.fromarray(levels).save(tmp_path / name, exif=turned(orientation), **options)
    np.testing.assert_allclose(pixels(load_image(tmp_path / name)), UPRIGHT[orientation](levels), atol=1e-4)
    assert picture_size(tmp_path / name) == UPRIGHT[orientation](levels).shape[:2]


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_photographs_are_turned_upright_also_when_they_are_shrunk(smooth, orientation, tmp_path):
    stored = np.rint(pixels(smooth)).astype(np.uint8)
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=turned(orientation), quality=98)
    expected = UPRIGHT[orientation](stored)
    np.testing.assert_allclose(pixels(load_image(tmp_path / "a.jpg")), expected, atol=5)
    small = resize(torch.from_numpy(expected.transpose(2, 0, 1)[None] / 255), 16)
    np.testing.assert_allclose(pixels(load_image(tmp_path / "a.jpg", size=16)), pixels(small), atol=6)


def test_a_damaged_exif_block_is_no_reason_to_refuse(levels, tmp_path):
    Image.fromarray(levels).save(tmp_path / "a.png", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    np.testing.assert_allclose(pixels(load_image(tmp_path / "a.png")), levels, atol=1e-4)


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp"])
def test_of_an_animation_the_first_frame_is_read(name, tmp_path):
    frames = [Image.new("RGB", (7, 5), colour) for colour in ("#ff0000", "#00ff00", "#0000ff")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
    expected = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 5, 7)
    assert torch.equal(load_image(tmp_path / name), expected)


def test_profiles_are_honoured_from_file_to_tensor(levels, wide_gamut, tmp_path):
    profile, meaning = wide_gamut
    for name in ("a.png", "a.tif"):
        Image.fromarray(levels).save(tmp_path / name, icc_profile=profile)
        np.testing.assert_allclose(pixels(load_image(tmp_path / name)), meaning(levels / 255) * 255, atol=1.5)


def test_a_print_photograph_with_its_profile(odd_inks, tmp_path):
    profile, inks, meaning = odd_inks
    for k in (1, 6, 8):  # flat pictures, which JPEG does not change
        Image.new("CMYK", (24, 16), tuple(int(ink) for ink in inks[k])).save(
            tmp_path / "a.jpg", icc_profile=profile, quality=100
        )
        got = pixels(load_image(tmp_path / "a.jpg", size=12)).reshape(-1, 3)
        np.testing.assert_allclose(got, np.tile(meaning[k] * 255, (96, 1)), atol=4)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("size", [20, 100, 256, 700])
def test_a_size_gives_what_resizing_the_whole_would_give(name, size, tmp_path):
    photo = photograph("grace_hopper")  # (1, 3, 600, 512)
    Image.fromarray(np.rint(pixels(photo)).astype(np.uint8)).save(tmp_path / name, quality=98)
    image = load_image(tmp_path / name, size=size)
    assert image.shape[-2:] == fitted_size(600, 512, size)
    expected = resize(load_image(tmp_path / name), size)
    assert (image - expected).abs().mean() < 1 / 255
    assert (image - expected).abs().max() < 16 / 255


def test_deep_gray_is_shrunk_without_losing_its_depth(tmp_path):
    ramp = np.linspace(20000, 20600, 64 * 40).reshape(40, 64).astype(np.uint16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    expected = resize(torch.from_numpy(ramp / 65535.0)[None, None].expand(1, 3, -1, -1), 16)
    np.testing.assert_allclose(
        load_image(tmp_path / "deep.png", size=16).numpy(), expected.numpy(), atol=2e-5
    )


def test_colours_under_transparency_do_not_bleed_when_shrunk(tmp_path):
    """A white square with an opaque border of transparent black is white all over, at any size."""
    rgba = np.zeros((40, 64, 4), np.uint8)
    rgba[8:32, 8:56] = 255
    Image.fromarray(rgba).save(tmp_path / "cut_out.png")
    assert load_image(tmp_path / "cut_out.png", size=13).min() > 0.99


def test_extreme_pictures_keep_at_least_one_pixel(tmp_path):
    Image.new("RGB", (900, 2), "#336699").save(tmp_path / "line.png")
    assert load_image(tmp_path / "line.png", size=30).shape == (1, 3, 1, 30)
    Image.new("RGB", (1, 1), "#336699").save(tmp_path / "dot.png")
    assert load_image(tmp_path / "dot.png").shape == (1, 3, 1, 1)


def test_a_complaint_about_the_pixels_names_the_file(tmp_path):
    Image.fromarray(np.float32([[0, 0.5, 812]])).save(tmp_path / "heights.tif")
    with pytest.raises(
        ImageError, match=r"heights\.tif: expected floating-point pixels in \[0, 1\], got \[0, 812\]"
    ):
        load_image(tmp_path / "heights.tif")


@pytest.mark.parametrize("size", [0, -3])
def test_a_size_below_one_is_refused(size, tmp_path):
    with pytest.raises(ValueError, match=f"^size: expected at least 1 pixel, got {size}$"):
        load_image(tmp_path / "unread.png", size=size)


@pytest.mark.parametrize("size", [2.5, "512", True, (3, 4)])
def test_a_size_that_is_no_integer_is_refused(size, tmp_path):
    with pytest.raises(TypeError, match=r"^size: expected an integer, the long side in pixels, got "):
        load_image(tmp_path / "unread.png", size=size)


@pytest.mark.parametrize("size", [10**9, 10**12])
def test_a_size_beyond_all_memory_is_the_sizes_fault_and_not_the_file_s(levels, tmp_path, size):
    Image.fromarray(levels).save(tmp_path / "a.png")
    message = r"a\.png: [\d,]+ x [\d,]+ pixels need more memory than there is; ask for a smaller size$"
    with pytest.raises(ImageError, match=message):
        load_image(tmp_path / "a.png", size=size)
