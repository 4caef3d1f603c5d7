"""Reading pictures from files: any common format, upright, in sRGB, as a tensor in [0, 1].

EXIF orientation and embedded colour profiles are honoured; transparency is laid over white. What cannot be
read gets one sentence, and nothing is allocated for a header that claims an absurd size.
"""

import io
import os
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from torch import Tensor

from nstkit.images.resizing import fitted_size

MAX_PIXELS = 200_000_000
"""The largest picture that is read, about 14,000 x 14,000."""


class ImageError(ValueError):
    """A file that is no picture, or one that cannot be read."""


def load_image(path: str | os.PathLike[str], *, size: int | None = None) -> Tensor:
    """Read a picture.

    Args:
        path: PNG, JPEG, TIFF, WebP, BMP, GIF (first frame) or whatever else Pillow reads.
        size: long side in pixels to shrink or enlarge to; None keeps the picture's own.
    Returns:
        (1, 3, H, W) float32, sRGB, in [0, 1].
    Raises:
        ImageError: missing, a folder, empty, damaged, no picture, or over MAX_PIXELS.
    """
    source = Path(path)
    try:
        with warnings.catch_warnings(), Image.open(_readable(source)) as picture:
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; we refuse or read them
            _refuse_giant(picture, source)
            if size is not None and picture.format == "JPEG":
                picture.draft("RGB", (size, size))  # decode at 1/2, 1/4, 1/8 size where that is enough
            return _to_tensor(_upright_rgb(picture), size)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f"{source}: not a picture, or a format that Pillow does not read") from None
    except Image.DecompressionBombError:
        raise ImageError(
            f"{source}: claims more than {MAX_PIXELS:,} pixels; shrink it with another tool"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise ImageError(f"{source}: damaged or incomplete ({error})") from None


def _readable(path: Path) -> Path:
    if not path.exists():
        raise ImageError(f"{path}: no such file")
    if path.is_dir():
        raise ImageError(f"{path}: a folder, not a picture")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: the file is empty")
    return path


def _refuse_giant(picture: Image.Image, path: Path) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        claim = f"claims {width:,} x {height:,} pixels, more than {MAX_PIXELS:,}"
        raise ImageError(f"{path}: {claim}; shrink it with another tool")


def _upright_rgb(picture: Image.Image) -> Image.Image:
    """Orientation applied, transparency over white, colours in sRGB; mode RGB, or F for deep grayscale."""
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _deep_gray(upright)
    if upright.mode in ("P", "PA", "LA", "RGBA", "La", "RGBa") or "transparency" in upright.info:
        upright = _over_white(upright)
    converted = _to_srgb(upright, profile)
    return converted if converted.mode == "RGB" else converted.convert("RGB")


def _deep_gray(picture: Image.Image) -> Image.Image:
    """16-bit and float grayscale as mode F in [0, 255]."""
    values = np.asarray(picture, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ImageError("expected finite pixels, got NaN or infinity")
    top = (
        1.0
        if picture.mode == "F" and values.max() <= 1
        else 65535.0
        if values.max() > 255 or picture.mode != "F"
        else 255.0
    )
    return Image.fromarray((values.clip(0, top) * (255.0 / top)).astype(np.float32))


def _over_white(picture: Image.Image) -> Image.Image:
    rgba = picture.convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert by the embedded profile; a damaged or unfitting profile is ignored, as viewers do."""
    if not profile:
        return picture
    try:
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, embedded, target, outputMode="RGB") or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture


def _to_tensor(picture: Image.Image, size: int | None) -> Tensor:
    if size is not None:
        height, width = fitted_size(picture.height, picture.width, size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture, dtype=np.float32) / 255.0
    planes = np.repeat(pixels[None], 3, 0) if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(planes.clip(0, 1)))[None]


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text that `save_image(metadata=…)` stored in a picture; empty where there is none.

    Raises:
        ImageError: the file cannot be read.
    """
    from nstkit.images.metadata import extract

    source = Path(path)
    try:
        with Image.open(_readable(source)) as picture:
            return extract(picture)
    except (UnidentifiedImageError, OSError) as error:
        raise ImageError(f"{source}: not a picture ({error})") from None
