"""Submissions: who handed in which files, in a folder or an archive as Moodle, Canvas or GitHub Classroom give it.

Nothing is unpacked to disk, no link is followed, and nothing larger than an honest notebook is read, so that an
archive can neither write anywhere nor fill the memory.
"""

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ANSWERS = (".ipynb", ".py")
LARGEST = 20 << 20
"""Bytes of the largest file that is read: notebooks with many figures have a few million."""
LARGEST_TOGETHER = 10 * LARGEST
"""Bytes that are read of one learner: thirty lessons with many figures stay below it."""
MOST_FILES = 2000
"""Files that one learner may hand in, archives included."""

_OTHER_ARCHIVES = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
"""Not opened, but whose they are is not forgotten."""

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_\w+?_?")
_CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>.+)")
_LESSON = re.compile(r"\d\d_\w+\.(?:ipynb|py)")
_HANDED_IN = (*ANSWERS, ".zip", "", *_OTHER_ARCHIVES)
_SKIPPED_FOLDERS = {"__MACOSX", "__pycache__", "node_modules"}


@dataclass(frozen=True)
class File:
    """A file that may hold answers: its path inside the submission, and its bytes."""

    path: str
    data: bytes

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class Submission:
    """What one learner handed in. `notes` says what was left out, and why."""

    learner: str
    files: tuple[File, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """A file not read yet; `read` raises ValueError with the reason where it must not be read."""

    path: PurePosixPath
    size: int
    read: Callable[[], bytes]


class Submissions:
    """All submissions in a folder or a zip archive, each read only when asked for.

    Raises:
        ValueError: no such folder or archive, nothing in it, or an archive that cannot be read.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        groups: dict[tuple[str, str, str], list[_Entry]] = {}
        for entry in _entries(place):
            if len(entry.path.parts) == 1 and entry.path.suffix.lower() not in _HANDED_IN:
                continue  # a list of the class, a readme
            name, number, inside = _owner(entry, place)
            apart = "" if number or inside is entry else entry.path.parts[0]
            groups.setdefault((name, number, apart), []).append(inside)
        if not groups:
            raise ValueError(
                f"{place}: expected one folder, archive, notebook or .py file per learner, found none"
            )
        self._groups = dict(zip(_unique(list(groups)), groups.values(), strict=True))

    @property
    def learners(self) -> list[str]:
        """Their names, each once, sorted."""
        return sorted(self._groups)

    def read(self, learner: str) -> Submission:
        """The files that one learner handed in."""
        files: list[File] = []
        notes: list[str] = []
        left = LARGEST_TOGETHER
        for entry in self._opened(self._groups[learner], notes):
            if len(files) >= MOST_FILES:
                notes.append(f"more than {MOST_FILES} files; the rest was not read")
                break
            try:
                files.append(File(str(entry.path), entry.read()))
                left -= len(files[-1].data)
            except ValueError as error:
                notes.append(f"{entry.path}: {error}")
            if left < 0:
                notes.append(
                    f"{entry.path}: more than {LARGEST_TOGETHER >> 20} MB together; the rest was not read"
                )
                break
        return Submission(learner, tuple(files), tuple(notes))

    def _opened(self, entries: list[_Entry], notes: list[str]) -> Iterator[_Entry]:
        """The entries that may hold answers; archives inside a submission are looked into, one level deep."""
        for entry in entries:
            inner = [entry]
            if entry.path.suffix.lower() == ".zip":
                try:
                    inner = _archive(entry.read())
                except ValueError as error:
                    inner = []
                    notes.append(f"{entry.path}: {error}")
            notes += [
                f"{e.path}: expected a .zip archive, and none inside another; it was not opened"
                for e in inner
                if e.path.suffix.lower() in (".zip", *_OTHER_ARCHIVES)
            ]
            yield from (e for e in inner if e.path.suffix.lower() in ANSWERS)


def _entries(place: Path) -> Iterator[_Entry]:
    if place.is_dir():
        yield from _folder(place)
    elif place.suffix.lower() == ".zip" and place.is_file():
        try:
            yield from _archive(place)
        except ValueError as error:
            raise ValueError(f"{place.name}: {error}") from None
    elif place.suffix.lower() in ANSWERS and place.is_file():
        yield _file(place, PurePosixPath(place.name))
    else:
        raise ValueError(f"{place}: expected a folder or a .zip archive of submissions, found neither")


def _folder(place: Path) -> Iterator[_Entry]:
    """Every file below a folder; empty folders of learners count as submissions without files."""
    for folder, names, files in os.walk(place):
        names[:] = sorted(n for n in names if _wanted(n) and not Path(folder, n).is_symlink())
        inside = PurePosixPath(Path(folder).relative_to(place).as_posix())
        if len(inside.parts) == 1:
            yield _Entry(inside / ".", 0, lambda: b"")
        for name in sorted(files):
            if _wanted(name):
                yield _file(Path(folder, name), inside / name)


def _file(path: Path, inside: PurePosixPath) -> _Entry:
    size = path.lstat().st_size

    def read() -> bytes:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError("is a link or no plain file; it was not read")
        if size > LARGEST:
            raise ValueError(_too_large(size))
        try:
            return path.read_bytes()
        except OSError as error:
            raise ValueError(f"cannot be read ({error.strerror})") from None

    return _Entry(inside, size, read)


def _archive(source: Path | bytes) -> list[_Entry]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise ValueError(f"not a zip archive that can be read ({error})") from None
    members = [(m, _inside(m.filename)) for m in archive.infolist() if not m.is_dir()]
    wanted = [(m, path) for m, path in members if path.parts and all(map(_wanted, path.parts))]
    return [_member(archive, member, path) for member, path in wanted[: 50 * MOST_FILES]]


def _inside(name: str) -> PurePosixPath:
    """A member's path without what would lead out of the archive."""
    return PurePosixPath(
        *(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))
    )


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: PurePosixPath) -> _Entry:
    def read() -> bytes:
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ValueError("is a link; it was not read")
        if member.file_size > LARGEST:
            raise ValueError(_too_large(member.file_size))
        try:
            with archive.open(member) as stream:
                data = stream.read(LARGEST + 1)  # the size that an archive claims may be a lie
        except (
            zipfile.BadZipFile,
            OSError,
            RuntimeError,
            NotImplementedError,
            EOFError,
            zlib.error,
        ) as error:
            raise ValueError(f"cannot be read ({error})") from None
        if len(data) > LARGEST:
            raise ValueError(_too_large(len(data)))
        return data

    return _Entry(path, member.file_size, read)


def _too_large(size: int) -> str:
    return f"has {size / 2**20:.0f} MB, more than {LARGEST >> 20}; clear its outputs and hand it in again"


def _wanted(name: str) -> bool:
    return not name.startswith(".") and name not in _SKIPPED_FOLDERS


def _owner(entry: _Entry, place: Path) -> tuple[str, str, _Entry]:
    """Whose file it is: a name, the number that Moodle or Canvas gave it ("" if none), and the file without both."""
    first, rest = entry.path.parts[0], entry.path.parts[1:]
    if not rest and (found := _CANVAS.fullmatch(first)):
        return found["name"], found["id"], _Entry(PurePosixPath(found["file"]), entry.size, entry.read)
    if not rest and _LESSON.fullmatch(first):
        return place.resolve().stem, "", entry
    label = first if rest else PurePosixPath(first).stem
    inside = _Entry(PurePosixPath(*(rest or [first])), entry.size, entry.read)
    found = _MOODLE.fullmatch(label)
    return (found["name"], found["id"], inside) if found else (label, "", inside)


def _unique(keys: list[tuple[str, str, str]]) -> list[str]:
    """A name for each learner: the platform's number, else a count, is added where two share a name."""
    names = [name for name, _, _ in keys]
    labels = [f"{name} ({number})" if number and names.count(name) > 1 else name for name, number, _ in keys]
    taken: set[str] = set()
    for place, label in enumerate(labels):
        count, wanted = 1, label
        while wanted in taken:
            count += 1
            wanted = f"{label} ({count})"
        taken.add(wanted)
        labels[place] = wanted
    return labels
