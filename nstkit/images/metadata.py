"""Text inside picture files: how a result remembers the options that made it.

All of it is one line of ASCII JSON, in the place that each format has for a description: a PNG text chunk called
Description, and the ImageDescription tag (EXIF 2.3, table 4; TIFF 6.0, tag 270) of the others.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from nstkit.images.opening import opened

_SIGN = "nstkit"
_PNG_KEYWORD = "Description"
_IMAGE_DESCRIPTION = 270


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text that `save_image(metadata=…)` stored in a picture; empty where there is none.

    Raises:
        ImageError: the file cannot be read as a picture.
    """
    with opened(path) as picture:
        text = picture.info.get(_PNG_KEYWORD) if picture.format == "PNG" else _image_description(picture)
    try:
        fields = json.loads(str(text))[_SIGN]
        return {str(key): str(value) for key, value in fields.items()}
    except (TypeError, ValueError, KeyError, AttributeError):  # somebody else's description
        return {}


def metadata_options(kind: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Pillow's options for `Image.save` that store `metadata` in a file of this kind.

    Args:
        kind: PNG, JPEG, TIFF or WEBP.
        metadata: any text, also beyond ASCII.

    Raises:
        TypeError: a key or a value is no text.
    """
    if not metadata:
        return {}
    text = _description(metadata)
    if kind == "PNG":
        info = PngInfo()
        info.add_text(_PNG_KEYWORD, text)
        return {"pnginfo": info}
    exif = Image.Exif()
    exif[_IMAGE_DESCRIPTION] = text
    return {"exif": exif}


def _description(metadata: Mapping[str, str]) -> str:
    for key, value in metadata.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise TypeError(f"metadata: expected text, got {key!r}: {value!r}; wrap numbers in str()")
    return json.dumps({_SIGN: dict(metadata)})


def _image_description(picture: Image.Image) -> Any:
    return picture.getexif().get(_IMAGE_DESCRIPTION)
