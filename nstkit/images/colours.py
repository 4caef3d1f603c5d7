"""Whatever a file's pixels mean, make them sRGB over white: palettes, deep grays, alpha, CMYK, Lab, profiles.

Two steps, so that a picture can be shrunk in between: `unpack` gives every pixel its own numbers, `to_srgb` gives
the numbers their meaning.
"""

import io

import numpy as np
from PIL import Image, ImageCms, features

from nstkit.images.opening import ImageError

_UNPACKED = ("L", "LA", "RGB", "RGBA", "CMYK", "LAB")
_MODE_OF_PROFILE = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}


def unpack(picture: Image.Image) -> Image.Image:
    """Look palettes up, widen single bits, and turn 16-bit and floating-point gray into mode F in [0, 1].

    Args:
        picture: of any mode that Pillow reads.

    Returns:
        A picture of mode L, LA, RGB, RGBA, CMYK, LAB or F; the same one where nothing is to do.

    Raises:
        ImageError: integers beyond 16 bits, or floating-point pixels outside [0, 1].
    """
    if picture.mode.startswith(("I", "F")):
        return _unit_gray(picture)
    if picture.mode in _UNPACKED and "transparency" not in picture.info:
        return picture
    if picture.has_transparency_data:
        return picture.convert("LA" if picture.mode in ("1", "L", "La") else "RGBA")
    return picture.convert("L" if picture.mode == "1" else "RGB")


def to_srgb(picture: Image.Image, profile: bytes | None = None) -> Image.Image:
    """Convert by the embedded profile, then lay what is transparent over white.

    Args:
        picture: from `unpack`.
        profile: the file's ICC profile; a damaged or unfitting one is ignored, as viewers do, and every one where
            Pillow was built without LittleCMS.

    Returns:
        Mode RGB; or F in [0, 1] for deep gray without a profile, which keeps its depth.
    """
    if picture.mode == "F":
        return to_srgb(_eight_bit(picture), profile) if profile else picture
    if picture.mode not in ("LA", "RGBA"):
        return _by_profile(picture, profile)
    colour = _by_profile(picture.convert(picture.mode.removesuffix("A")), profile)
    white = Image.new("RGB", picture.size, "white")
    white.paste(colour, mask=picture.getchannel("A"))
    return white


def srgb_profile() -> bytes | None:
    """An ICC profile of sRGB; always the same bytes, so that equal pictures make equal files.

    None where Pillow was built without LittleCMS.
    """
    if not features.check("littlecms2"):
        return None
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes.fromhex("07d0 0001 0001 0000 0000 0000")  # the date of making: 1 January 2000
    return bytes(profile)


def _unit_gray(picture: Image.Image) -> Image.Image:
    values = np.array(picture, dtype=np.float32)
    top = 1.0 if picture.mode == "F" else 65535.0
    low, high = float(values.min()), float(values.max())
    if not 0 <= low <= high <= top:  # also false for NaN
        kind = "floating-point" if picture.mode == "F" else "integer"
        expected = f"expected {kind} pixels in [0, {top:g}], got [{low:g}, {high:g}]"
        raise ImageError(f"{expected}; rescale it with the program that made it")
    return Image.fromarray(values / np.float32(top))


def _eight_bit(picture: Image.Image) -> Image.Image:
    return Image.fromarray(np.rint(np.array(picture).clip(0, 1) * 255).astype(np.uint8))


def _by_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Mode L, RGB, CMYK or LAB to sRGB."""
    if (profile is None and picture.mode != "LAB") or not features.check("littlecms2"):
        return _unprofiled(picture)
    try:
        source = _source_profile(picture, profile)
        mode = _MODE_OF_PROFILE.get(source.profile.xcolor_space.strip(), picture.mode)
        fitting = picture.convert("RGB") if (picture.mode, mode) == ("L", "RGB") else picture
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(fitting, source, target, outputMode="RGB") or fitting
    except (ImageCms.PyCMSError, OSError):
        return _unprofiled(picture)


def _unprofiled(picture: Image.Image) -> Image.Image:
    if picture.mode == "LAB":
        raise ImageError("in Lab colours, which this Pillow cannot convert (no LittleCMS); convert it to PNG")
    return picture.convert("RGB")


def _source_profile(picture: Image.Image, profile: bytes | None) -> ImageCms.ImageCmsProfile:
    if picture.mode == "LAB" or profile is None:
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
