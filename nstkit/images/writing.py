"""Write picture files whole or not at all, and never over one that is there unless asked."""

import io
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from nstkit.images.colours import srgb_profile
from nstkit.images.contract import check_image
from nstkit.images.metadata import metadata_options
from nstkit.images.opening import ImageError

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF", ".webp": "WEBP"}


def save_image(
    image: Tensor,
    path: str | os.PathLike[str],
    *,
    metadata: Mapping[str, str] | None = None,
    overwrite: bool = False,
    quality: int = 95,
) -> None:
    """Write one image; the suffix of the name chooses PNG, JPEG, TIFF or WebP.

    The file has its name only once it is complete and on the disk; an sRGB profile is embedded.

    Args:
        image: (1, 3, H, W) in [0, 1]; rounded to 8 bits.
        path: in a folder that exists.
        metadata: text to store in the file; `read_metadata` returns it.
        overwrite: replace a file of that name.
        quality: of JPEG and WebP, 1 to 100; the others lose nothing.

    Raises:
        ValueError: another suffix, a batch of several images, no such folder.
        FileExistsError: the file exists and `overwrite` is False.
        ImageError: the disk or the format refuses.
    """
    target = Path(path)
    check_image(image)
    if image.shape[0] != 1:
        raise ValueError(
            f"image: expected one image (1, 3, H, W), got {image.shape[0]} of them; save one by one"
        )
    if not 1 <= quality <= 100:
        raise ValueError(f"quality: expected 1 to 100, got {quality}")
    check_target(target, overwrite=overwrite)
    kind = FORMATS[target.suffix.lower()]
    _write(Image.fromarray(to_bytes(image)), target, kind, _options(kind, quality, metadata or {}))


def check_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise what `save_image` would raise for this name, before any work is done."""
    target = Path(path)
    check_name(target)
    if not target.parent.is_dir():
        raise ValueError(f"{target}: the folder {target.parent} does not exist; create it first")
    if not os.access(target.parent, os.W_OK):
        raise ValueError(f"{target}: the folder {target.parent} may not be written to; choose another")
    if target.is_dir():
        raise ValueError(f"{target}: a folder has that name; choose another")
    if target.exists() and not overwrite:
        raise FileExistsError(
            f"{target}: exists already; choose another name or allow overwriting (overwrite=True, --force)"
        )


def check_name(target: Path) -> None:
    """Raise ValueError unless the name ends as one of FORMATS; nothing on the disk is looked at."""
    if target.suffix.lower() not in FORMATS:
        raise ValueError(f"{target}: expected a name that ends in {', '.join(FORMATS)}")


def to_bytes(image: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] to (H, W, 3) uint8, rounded half to even."""
    levels = image.detach()[0].clamp(0, 1).mul_(255).round_().byte()  # (3, H, W)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy()


def _options(kind: str, quality: int, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Pillow's options for `Image.save`."""
    of_kind: dict[str, dict[str, Any]] = {
        "PNG": {},
        "JPEG": {"quality": quality, "subsampling": 0},  # colour at full resolution
        "TIFF": {"compression": "tiff_deflate"},
        "WEBP": {"quality": quality},
    }
    profile = srgb_profile()
    meant = {} if profile is None else {"icc_profile": profile}
    return meant | of_kind[kind] | metadata_options(kind, metadata)


def _write(picture: Image.Image, target: Path, kind: str, options: dict[str, Any]) -> None:
    """Under another name in the same folder, flushed to the disk, then renamed: readers see all or nothing."""
    part = target.with_name(f".nstkit-{secrets.token_hex(8)}.part")
    encoded = (
        io.BytesIO()
    )  # encoding straight into the file, Pillow overlooks that a full disk cuts a JPEG short
    try:
        picture.save(encoded, kind, **options)
        with open(part, "xb") as file:
            file.write(encoded.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{target}: could not be written ({reason}); nothing was changed") from error
    finally:
        part.unlink(missing_ok=True)
