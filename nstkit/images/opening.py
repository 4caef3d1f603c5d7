"""Open a picture file, or say in one sentence why it cannot be opened."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 150_000_000
"""The largest picture that is read, such as 15,000 x 10,000: its pixels fill 1.8 GB as float32."""


class ImageError(ValueError):
    """A picture file that cannot be read or written."""


class ImageNotFoundError(ImageError, FileNotFoundError):
    """There is no picture file of that name."""


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """A picture with its header read and its pixels not yet; what goes wrong inside the block is the file's fault.

    Args:
        path: a file in any format that Pillow reads.

    Raises:
        ImageNotFoundError: no such file.
        ImageError: a folder, empty, no picture, damaged, over MAX_PIXELS; an ImageError from the block gets the path.
    """
    source = Path(path)
    try:
        _check_file(source)
        with warnings.catch_warnings(action="ignore"), Image.open(source) as picture:  # it remarks on repairs
            _check_claim(picture.width, picture.height)
            yield picture
    except ImageNotFoundError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever they trip over
        raise ImageError(f"{source}: {_reason(error)}") from error


def _check_file(source: Path) -> None:
    if not source.exists():
        raise ImageNotFoundError(f"{source}: no such file; check the name and the folder")
    if source.is_dir():
        raise ImageError("a folder, not a picture; name a file in it")
    if not source.is_file():
        raise ImageError("not a regular file; copy the picture into one")
    if source.stat().st_size == 0:
        raise ImageError("the file is empty; copy or download it again")


def _check_claim(width: int, height: int) -> None:
    """Only the header has been read so far: refuse before anything of that size is allocated."""
    if width * height > MAX_PIXELS:
        claim = f"claims {width:,} x {height:,} and so more than {MAX_PIXELS:,} pixels"
        raise ImageError(f"{claim}; shrink it with another program first")


def _reason(error: Exception) -> str:
    match error:
        case ImageError():
            return str(error)
        case UnidentifiedImageError():
            return "not a picture, or in a format that Pillow does not read; convert it to PNG or JPEG"
        case Image.DecompressionBombError():  # Pillow's own limit, raised while the header is read
            return f"claims more than {MAX_PIXELS:,} pixels; shrink it with another program first"
        case PermissionError():
            return "may not be read; change its permissions"
        case MemoryError():
            return "needs more memory than there is; shrink it with another program first"
    return f"damaged or incomplete ({str(error) or type(error).__name__}); copy or download it again"
