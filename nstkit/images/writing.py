"""Writing pictures: whole or not at all, never over something that is there unless asked."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms
from torch import Tensor

from nstkit.images.contract import check_image
from nstkit.images.metadata import save_options

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}


def save_image(
    image: Tensor,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = False,
    quality: int = 95,
) -> None:
    """Write one image as PNG, JPEG, TIFF or WebP, by the file name's suffix.

    The file appears under its name only once it is complete and on the disk.

    Args:
        image: (1, 3, H, W) in [0, 1]; rounded to 8 bits.
        metadata: text to store in the file; `read_metadata` returns it.
        overwrite: replace an existing file.
        quality: of JPEG and WebP, 1 to 100.
    Raises:
        ValueError: another suffix, a batch of several images, no such folder.
        FileExistsError: the file exists and `overwrite` is False.
    """
    target = Path(path)
    check_image(image)
    if image.shape[0] != 1:
        raise ValueError(
            f"image: expected one image (1, 3, H, W), got a batch of {image.shape[0]}; save one by one"
        )
    check_target(target, overwrite=overwrite)
    suffix = target.suffix.lower()
    options: dict[str, Any] = save_options(suffix, metadata or {})
    if FORMATS[suffix] in ("JPEG", "WEBP"):
        options["quality"] = quality
    if FORMATS[suffix] == "JPEG":
        options["subsampling"] = 0
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    _write(Image.fromarray(to_bytes(image)), target, FORMATS[suffix], {"icc_profile": profile, **options})


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Raise what `save_image` would raise for this name, before any work is done."""
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise ValueError(
            f"{path}: expected a name that ends in one of {known}, got {path.suffix or 'no suffix'!r}"
        )
    if not path.parent.is_dir():
        raise ValueError(f"{path}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise ValueError(f"{path}: a folder; name a file in it")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists already; choose another name or ask to overwrite (--force)")


def to_bytes(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] to uint8 (H, W, 3), rounded half to even."""
    pixels = image.detach()[0].float().clamp(0, 1).mul(255).round().byte()
    return np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())


def _write(picture: Image.Image, target: Path, kind: str, options: dict[str, Any]) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            picture.save(file, kind, **options)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
