"""Text inside pictures: PNG text chunks, TIFF's ImageDescription, elsewhere EXIF's UserComment as JSON."""

import json
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

_DESCRIPTION = 270
_EXIF_FOLDER, _USER_COMMENT = 0x8769, 0x9286
_UNICODE = b"UNICODE\x00"
_PREFIX = "nstkit:"


def save_options(suffix: str, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Pillow's save options that carry `metadata` in a file of this suffix."""
    if not metadata:
        return {}
    if suffix == ".png":
        info = PngInfo()
        for key, value in metadata.items():
            info.add_itxt(_PREFIX + key, value)
        return {"pnginfo": info}
    if suffix in (".tif", ".tiff"):
        return {"tiffinfo": {_DESCRIPTION: _PREFIX + json.dumps(dict(metadata))}}
    exif = Image.Exif()
    text = json.dumps(dict(metadata), ensure_ascii=False)
    exif.get_ifd(_EXIF_FOLDER)[_USER_COMMENT] = _UNICODE + text.encode("utf-16-be")
    return {"exif": exif.tobytes()}


def extract(picture: Image.Image) -> dict[str, str]:
    """The metadata of an opened picture."""
    texts = getattr(picture, "text", None)
    if texts:
        return {key.removeprefix(_PREFIX): str(v) for key, v in texts.items() if key.startswith(_PREFIX)}
    exif = picture.getexif()
    description, comment = exif.get(_DESCRIPTION), exif.get_ifd(_EXIF_FOLDER).get(_USER_COMMENT)
    if isinstance(description, str) and description.startswith(_PREFIX):
        return _fields(description.removeprefix(_PREFIX))
    if isinstance(comment, bytes) and comment.startswith(_UNICODE):
        return _fields(comment[len(_UNICODE) :].decode("utf-16-be", errors="replace"))
    return {}


def _fields(text: str) -> dict[str, str]:
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in fields.items()} if isinstance(fields, dict) else {}
