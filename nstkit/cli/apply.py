"""One order of `nstkit filter`, `enhance` or `color`: read, work, write, picture by picture."""

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nstkit.cli.console import Meter, meter
from nstkit.cli.operations import Operation
from nstkit.cli.outputs import made_by
from nstkit.cli.sources import picture
from nstkit.enhance import on_brightness
from nstkit.images import ImageError, check_target, contact_sheet, save_image
from nstkit.images.writing import FORMATS
from nstkit.training.devices import pick_device

LARGEST = 1 << 30
"""Long side that a picture is shrunk to: none is."""


@dataclass(frozen=True)
class Order:
    """What was asked for; `given` are the options of the operation that were named."""

    kind: str
    operation: Operation
    pictures: tuple[str, ...]
    output: Path
    compare: bool
    device: str
    force: bool
    given: dict[str, Any]


def carry_out(order: Order) -> None:
    """Do it. A damaged picture among several is named and passed over; the exit code is then 1.

    Raises:
        ValueError, TypeError, OSError: something in the order cannot be.
    """
    device = pick_device(order.device)
    pairs = list(_targets(order))
    others = _further_pictures(order)
    damaged = 0
    with meter() as progress:
        for number, (source, target) in enumerate(pairs, 1):
            try:
                _one(order, source, target, others, device)
                progress.say(f"wrote {target}")
            except ImageError as error:
                if len(pairs) == 1:
                    raise
                damaged += 1
                progress.say(f"passed over: {error}")
            _show(progress, number, len(pairs))
    if damaged:
        raise SystemExit(1)


def _show(progress: Meter, number: int, count: int) -> None:
    if count > 1 and progress.due():
        progress.update(number / count, f"{number}/{count}")


def _targets(order: Order) -> Iterator[tuple[str, Path]]:
    """Each picture with the file it becomes; refused now what would fail at the end."""
    sources = [name for word in order.pictures for name in _expanded(word)]
    if not sources:
        raise ValueError(f"{order.pictures[0]}: holds no picture; expected {', '.join(FORMATS)}")
    several = len(sources) > 1 or order.output.is_dir() or Path(order.pictures[0]).is_dir()
    if several:
        _check_folder(order)
        order.output.mkdir(parents=True, exist_ok=True)
    taken: set[Path] = set()
    for source in sources:
        target = order.output / _name(source, order.output) if several else order.output
        if target in taken:
            raise ValueError(
                f"{target}: two of the pictures would become this file; give them in separate calls"
            )
        if Path(source).exists() and target.exists() and Path(source).samefile(target):
            raise ValueError(f"{target}: is the picture itself; choose another --output")
        check_target(target, overwrite=order.force)
        taken.add(target)
        yield source, target


def _check_folder(order: Order) -> None:
    """Several pictures need a folder; nobody means one that is called like a picture."""
    if not order.output.is_dir() and (order.output.exists() or order.output.suffix.lower() in FORMATS):
        raise ValueError(f"--output: expected a folder for several pictures, got {order.output}")


def _expanded(word: str) -> list[str]:
    """A folder becomes the pictures in it."""
    path = Path(word)
    if not path.is_dir():
        return [word]
    return [
        str(p) for p in sorted(path.iterdir()) if p.suffix.lower() in FORMATS and not p.name.startswith(".")
    ]


def _name(source: str, folder: Path) -> str:
    name = Path(source).name
    return name if Path(name).suffix.lower() in FORMATS else f"{name}.png"


def _further_pictures(order: Order) -> dict[str, Tensor]:
    named = {name: order.given[name] for name in order.operation.pictures if name in order.given}
    return {name: picture(source, _size(source)) for name, source in named.items()}


def _one(order: Order, source: str, target: Path, others: dict[str, Tensor], device: torch.device) -> None:
    before = picture(source, _size(source)).to(device)
    after = (
        _worked(order, before, {name: other.to(device) for name, other in others.items()}).clamp(0, 1).cpu()
    )
    named = {key: str(value) for key, value in order.given.items()}
    metadata = made_by(order.kind) | {"operation": order.operation.name, "options": json.dumps(named)}
    if order.compare:
        cell = min(1200, max(before.shape[-2:]))
        columns = ("before", order.operation.name.replace("_", " "))
        after = contact_sheet([[before.cpu(), after]], columns=columns, cell=cell)
    save_image(after, target, metadata=metadata, overwrite=order.force)


def _size(source: str) -> int:
    """Files keep their size; what is drawn needs one."""
    return LARGEST if Path(source).exists() else 1024


def _worked(order: Order, image: Tensor, others: dict[str, Tensor]) -> Tensor:
    operation = order.operation
    function = getattr(importlib.import_module(operation.module), operation.name)
    arguments = order.given | {name: _fitted(operation, name, other, image) for name, other in others.items()}
    if operation.itself and operation.itself not in arguments:
        arguments[operation.itself] = image

    def work(picture: Tensor) -> Tensor:
        result: Tensor = function(**{operation.picture: picture}, **arguments)
        return result

    whole = _padded(work, arguments.get("tiles", (8, 8))) if operation.tiles else work
    return on_brightness(image, whole) if operation.brightness else whole(image)


def _fitted(operation: Operation, name: str, other: Tensor, image: Tensor) -> Tensor:
    """A second picture in the size of the first, where the function compares them place by place."""
    if name == "reference" or other.shape == image.shape:
        return other
    return F.interpolate(other, image.shape[-2:], mode="bicubic", antialias=True).clamp(0, 1)


def _padded(work: Callable[[Tensor], Tensor], tiles: tuple[int, int]) -> Callable[[Tensor], Tensor]:
    """Extend a picture by its mirror image to a multiple of the tiles, and crop the result."""

    def padded(image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        rows, columns = tiles
        if not (1 <= rows <= height // 2 and 1 <= columns <= width // 2):
            raise ValueError(
                f"tiles: expected 1,1 to {height // 2},{width // 2}, two pixels each of {height} rows and "
                f"{width} columns, got {rows},{columns}"
            )
        down, right = -height % rows, -width % columns
        wide = F.pad(image, (0, right, 0, down), mode="reflect") if down or right else image
        return work(wide)[..., :height, :width]

    return padded
