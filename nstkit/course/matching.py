"""Matching: which of a learner's files answers which lesson, by name, else by what is in it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nstkit.course.submissions import File
from nstkit.lessons import Lesson, outline

_DEFINITION = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Matched:
    """The file that answers each lesson, and what was found beside it."""

    files: Mapping[str, File]
    notes: tuple[str, ...]


def match_files(files: Iterable[File], lessons: Iterable[Lesson]) -> Matched:
    """Give each lesson the file that fits it best.

    A file fits by its name (`03_style_loss.ipynb`, also with a prefix or a number added by a platform or a
    browser), unless it defines the exercises of another lesson alone; any other file fits by what it defines.
    """
    names = {lesson.name: {item.name for item in outline(lesson.checks)} for lesson in lessons}
    candidates: dict[str, list[tuple[tuple[bool, bool, bool, int], File]]] = {}
    notes = []
    for file in files:
        lesson = _lesson_of(file, names)
        if lesson is None:
            if not file.name.startswith("test_"):
                notes.append(
                    f"{file.path}: fits no lesson, by its name or by what it defines; it was not graded"
                )
            continue
        rank = (
            not file.name.startswith(lesson),
            lesson not in file.name,
            not file.name.endswith(".ipynb"),
            len(file.path),
        )
        candidates.setdefault(lesson, []).append((rank, file))
    chosen = {}
    for lesson, found in sorted(candidates.items()):
        found.sort(key=lambda pair: (pair[0], pair[1].path))
        chosen[lesson] = found[0][1]
        if lesson not in chosen[lesson].name:
            notes.append(f"{chosen[lesson].path}: taken for {lesson} by what it defines")
        notes += [
            f"{file.path}: not graded, since {chosen[lesson].path} is {lesson} too" for _, file in found[1:]
        ]
    return Matched(chosen, tuple(notes))


def _lesson_of(file: File, names: Mapping[str, set[str]]) -> str | None:
    defined = definitions(file)
    overlap = {lesson: len(exercises & defined) for lesson, exercises in names.items()}
    by_name = next((lesson for lesson in names if lesson.lower() in file.name.lower()), None)
    if file.name.startswith("test_"):
        return None
    if by_name is not None and (overlap[by_name] or not any(overlap.values())):
        return by_name
    best = max(overlap, key=overlap.__getitem__, default=None)
    return best if best is not None and overlap[best] else by_name


def definitions(file: File) -> set[str]:
    """The names of the functions and classes that a file defines at its top level, whether or not it runs."""
    return set(_DEFINITION.findall("\n".join(sources(file.data, file.name))))


def sources(data: bytes, name: str) -> list[str]:
    """The code in a file: its text, or the code cells of a notebook; nothing where it cannot be read."""
    text = data.decode("utf-8", "replace")
    if not name.endswith(".ipynb"):
        return [text]
    try:
        cells = json.loads(text)["cells"]
        return ["".join(cell.get("source", "")) for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
