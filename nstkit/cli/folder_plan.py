"""What there is to do in a folder of pictures, settled before any of it is done: names, batches, results to keep."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nstkit.cli.checkpoints import FREE, partial_path
from nstkit.cli.feed_forward import Pass
from nstkit.cli.outputs import made_by
from nstkit.images import ImageError, fitted_size, read_metadata
from nstkit.images.folder import SUFFIXES
from nstkit.images.reading import picture_size
from nstkit.images.writing import FORMATS


@dataclass(frozen=True)
class FolderOrder(Pass):
    """What was asked for: a folder of pictures, optimised one by one or passed through a model.

    Attributes:
        words: the whole command line, to say how to go on.
        batch: as many pictures of one size are worked on at once.
    """

    words: tuple[str, ...] = ()
    batch: int = 1

    @property
    def folder(self) -> Path:
        """Where the pictures are."""
        return Path(self.content)

    def target(self, name: str) -> Path:
        """The result of a picture: under its name, as PNG where its own format is not written."""
        path = self.output / name
        return path if path.suffix.lower() in FORMATS else path.with_suffix(".png")


@dataclass(frozen=True)
class Plan:
    """The work, as plain values.

    Attributes:
        batches: names of pictures, those of a batch of one size.
        kept: how many results are there already.
        damaged: why a picture is no part of it, one sentence each.
    """

    batches: Sequence[Sequence[str]]
    kept: int
    damaged: Sequence[str]

    @property
    def pictures(self) -> int:
        """How many there are to do."""
        return sum(map(len, self.batches))

    def plain(self) -> dict[str, Any]:
        """For another process."""
        return asdict(self)


def planned(
    order: FolderOrder, marks: "Marks", size: int | None, check: Callable[[Path], None] = lambda path: None
) -> Plan:
    """The plan of a folder.

    Args:
        marks: what a result must say of itself to be kept.
        size: long side of the results; None is each picture's own.
        check: raises ValueError for a picture of a size that cannot be; asked once for each size.
    Raises:
        ValueError, FileExistsError: no picture, results that would collide, or one that is there and not ours to keep.
    """
    names = picture_names(order.folder)
    check_targets(order, names)
    kept = set(_kept(order, names, marks)) if order.resume else set()
    damaged: list[str] = []
    groups: dict[tuple[int, int], list[str]] = {}
    for name in (name for name in names if name not in kept):
        try:
            own = picture_size(order.folder / name)
        except ImageError as error:
            damaged.append(str(error))
            continue
        groups.setdefault(own if size is None else fitted_size(*own, size), []).append(name)
    for group in groups.values():
        check(order.folder / group[0])
    return Plan(list(_batches(groups.values(), order.batch)), len(kept), damaged)


def _kept(order: FolderOrder, names: Sequence[str], marks: "Marks") -> Iterator[str]:
    """The pictures whose results are there. Others of these names are refused, or with --force made anew."""
    for name in (name for name in names if order.target(name).exists()):
        trouble = marks.differ(order.folder / name, order.target(name))
        if not trouble:
            yield name
        elif not order.force:
            raise ValueError(
                f"--resume: {order.target(name)} was made {trouble}; name a new folder, or add --force"
            )


def _batches(groups: Iterable[list[str]], size: int) -> Iterator[list[str]]:
    for names in groups:
        yield from (names[first : first + size] for first in range(0, len(names), size))


def picture_names(folder: Path) -> list[str]:
    """The pictures in a folder, without its subfolders; hidden files are not meant.

    Raises:
        ValueError: there are none.
    """
    files = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    names = sorted(path.name for path in files if not path.name.startswith("."))
    if not names:
        raise ValueError(f"{folder}: holds no picture; expected {', '.join(SUFFIXES)}")
    return names


def check_targets(order: FolderOrder, names: Sequence[str]) -> None:
    """Raise ValueError where two pictures would become one file, or one what another leaves when it fails."""
    taken: dict[Path, str] = {}
    for name in names:
        target = order.target(name)
        if target in taken:
            raise ValueError(
                f"{target}: {taken[target]} and {name} would both become this file; rename one of them"
            )
        taken[target] = name
    for target, name in taken.items():
        other = taken.get(partial_path(target))
        if other is not None:
            raise ValueError(
                f"{other}: would get the name that is kept for {name} in case it fails; rename it"
            )


class Marks:
    """What the metadata of a result says of how it was made, so that a later run knows whether it may stay.

    Args:
        order: the options that were named, and files among them.
        encoder: what encoder=auto stands for here, or None.
    """

    def __init__(self, order: FolderOrder, encoder: str | None) -> None:
        asked = {name: value for name, value in order.given.items() if name not in FREE}
        asked["styles"] = order.styles
        if encoder is not None:
            asked["encoder"] = encoder
        if order.model is not None:
            asked |= {"model": order.model.name, "alpha": order.alpha}
        self._asked = json.dumps(asked, sort_keys=True)
        self._shared = hashlib.sha256()
        named = map(
            Path, [*order.styles, *_files(order.given), *([] if order.model is None else [str(order.model)])]
        )
        for path in (path for path in named if path.is_file()):
            self._shared.update(_digest(path))

    def of(self, source: Path) -> dict[str, str]:
        """For the result of one picture."""
        digest = self._shared.copy()
        digest.update(_digest(source))
        about = {"content": source.name, "sources": digest.hexdigest()[:32], "asked": self._asked}
        return made_by("transfer") | about

    def differ(self, source: Path, target: Path) -> str:
        """How the file was made instead, in words; empty if this run would make the same of the picture."""
        try:
            found = read_metadata(target)
        except ImageError:
            found = {}
        for name, wanted in self.of(source).items():
            if name != "software" and found.get(name) != wanted:
                other = "from other pictures" if name in ("sources", "content") else "with other options"
                return other if found.get("command") == "transfer" else "by others"
        return ""


def _files(given: Mapping[str, Any]) -> Iterator[str]:
    """What the options may name as files that are pictures; weights are told by their name."""
    for name, value in given.items():
        if name != "weights":
            yield from (
                text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)
            )


def _digest(path: Path) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
