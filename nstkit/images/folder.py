"""A folder of pictures as data: read when asked for, cropped at random, damaged files named and left out."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from nstkit.images.opening import ImageError, opened
from nstkit.images.reading import load_image
from nstkit.images.resizing import resize

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


class PictureFolder:
    """The pictures below a folder, by number. `passed_over` says which files are none, and why.

    Args:
        folder: searched with its subfolders.
        least: the short side in pixels that a picture needs.
    Raises:
        ValueError: no such folder, or no picture in it that can be used.
    """

    def __init__(self, folder: Path, least: int) -> None:
        if not folder.is_dir():
            raise ValueError(f"{folder}: expected a folder of pictures, found none")
        self.folder, self.passed_over = folder, list[str]()
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        self.paths = [path for path in files if self._usable(path, least)]
        if not self.paths:
            why = f"; {self.passed_over[0]}" if self.passed_over else ""
            raise ValueError(f"{folder}: holds no picture that can be used{why}")

    def _usable(self, path: Path, least: int) -> bool:
        try:
            with opened(path) as header:
                width, height = header.size
        except ImageError as error:
            self.passed_over.append(str(error))
            return False
        if min(width, height) < least:
            self.passed_over.append(f"{path}: {width} x {height} pixels, smaller than the crop of {least}")
            return False
        return True

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Tensor:
        """(1, 3, H, W) in [0, 1]. In the place of a file that is damaged inside comes the next one that is not."""
        for path in [*self.paths[number:], *self.paths[:number]]:
            try:
                return load_image(path)
            except ImageError as error:
                if str(error) not in self.passed_over:
                    self.passed_over.append(str(error))
        raise ValueError(f"{self.folder}: holds no picture that can be read; {self.passed_over[0]}")


def random_crop(
    size: int, *, enlarged: float = 1.12, flip: bool = True
) -> Callable[[Tensor, torch.Generator], Tensor]:
    """A transform for `Batches`: shrink to a little more than `size`, cut a square, mirror half of the time.

    Args:
        size: of the square, in pixels.
        enlarged: the short side is brought to `size` times this, before the cut.
        flip: whether to mirror.
    Returns:
        A function from (1, 3, H, W) in [0, 1] and a generator to (3, size, size) in [-1, 1].
    """

    def transform(image: Tensor, generator: torch.Generator) -> Tensor:
        height, width = image.shape[-2:]
        short = max(size, round(size * enlarged))
        scale = short / min(height, width)
        if scale < 1:
            image = resize(image, (max(size, round(height * scale)), max(size, round(width * scale))))
        top, left = (int(torch.randint(n - size + 1, (), generator=generator)) for n in image.shape[-2:])
        square = image[0, :, top : top + size, left : left + size]
        mirrored = flip and bool(torch.rand((), generator=generator) < 0.5)
        return 2 * (square.flip(-1) if mirrored else square) - 1  # (3, size, size)

    return transform


def center_square(image: Tensor, size: int) -> Tensor:
    """The middle square of a picture (1, 3, H, W) in [0, 1], as (1, 3, size, size) in [-1, 1]."""
    height, width = image.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[..., top : top + side, left : left + side]
    return 2 * F.interpolate(square, (size, size), mode="bicubic", antialias=True).clamp(0, 1) - 1
