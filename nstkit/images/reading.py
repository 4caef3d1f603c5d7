"""Read a picture file of any common format as an image: upright, in sRGB, over white."""

import os

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nstkit.images.colours import to_srgb, unpack
from nstkit.images.opening import ImageError, opened
from nstkit.images.resizing import check_long_side, fitted_size

_REDUCING_GAP = 3.0
"""A picture may be box-averaged down to this many times its final size before it is filtered.

On photographs the result differs from filtering the whole by less than one 8-bit level on average.
"""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_image(path: str | os.PathLike[str], *, size: int | None = None) -> Tensor:
    """Read a picture, turned upright by its EXIF orientation and converted to sRGB by its colour profile.

    Transparency is laid over white; of an animation, the first frame is read; 16-bit gray keeps its depth, 16-bit
    colour is read as 8-bit.

    Args:
        path: a file in any format that Pillow reads.
        size: the long side in pixels to shrink or enlarge to, antialiased; None keeps the picture's own size.

    Returns:
        (1, 3, H, W), float32, in [0, 1].

    Raises:
        ImageError: the file is missing, a folder, empty, damaged, no picture, or over MAX_PIXELS.
        TypeError, ValueError: `size` is not a positive integer.
    """
    if size is not None:
        check_long_side(size)
    with opened(path) as picture:
        _decode(picture, size)
        pixels = unpack(picture)
        if size is not None:  # before all that follows, which is then cheap
            pixels = _resized(pixels, _box(picture, size))
        return _as_tensor(to_srgb(_upright(pixels, _orientation(picture)), picture.info.get("icc_profile")))


def picture_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """(height, width) that `load_image` returns, from the header alone; raises what it raises for a bad header."""
    with opened(path) as picture:
        # Pillow turns a TIFF's size itself, and would decode all of a PNG to look for an orientation behind its pixels
        told = picture.format != "TIFF" and (picture.format != "PNG" or "exif" in picture.info)
        turned = told and _orientation(picture) in (5, 6, 7, 8)
        return (picture.width, picture.height) if turned else (picture.height, picture.width)


def _decode(picture: Image.Image, size: int | None) -> None:
    """Decode the pixels; a JPEG at a half, quarter or eighth of its size where that leaves more than enough."""
    if size is not None:
        width, height = _box(picture, size)
        picture.draft(None, (round(_REDUCING_GAP * width), round(_REDUCING_GAP * height)))
    picture.load()


def _resized(pixels: Image.Image, box: tuple[int, int]) -> Image.Image:
    try:
        return pixels.resize(box, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    except (MemoryError, OverflowError):
        wanted = f"{box[0]:,} x {box[1]:,} pixels"
        raise ImageError(f"{wanted} need more memory than there is; ask for a smaller size") from None


def _box(picture: Image.Image, size: int) -> tuple[int, int]:
    height, width = fitted_size(picture.height, picture.width, size)
    return width, height


def _orientation(picture: Image.Image) -> int:
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged EXIF block says nothing about the pixels
        return 1


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    turn = _UPRIGHT.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _as_tensor(picture: Image.Image) -> Tensor:
    pixels = torch.from_numpy(np.array(picture))
    if picture.mode == "F":
        return pixels.clamp_(0, 1).expand(1, 3, -1, -1).contiguous()  # (1, 3, H, W)
    planes = pixels.permute(2, 0, 1).unsqueeze(0)  # (1, 3, H, W), uint8
    return planes.to(torch.float32, memory_format=torch.contiguous_format).div_(255)
