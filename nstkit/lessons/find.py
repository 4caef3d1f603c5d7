"""Finding lessons: in the study folder or checkout one stands in, else those that ship with nstkit."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"\d\d_\w+")
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Lesson:
    """One lesson and where its files lie."""

    name: str
    folder: Path

    @property
    def number(self) -> str:
        """Two digits."""
        return self.name[:2]

    @property
    def slug(self) -> str:
        """The name without its number."""
        return self.name[3:]

    @property
    def notebook(self) -> Path:
        """The notebook that learners fill in."""
        return self.folder / f"{self.name}.ipynb"

    @property
    def checks(self) -> Path:
        """The test file: exercises, probes, misconceptions."""
        return self.folder / f"test_{self.name}.py"

    @property
    def interview(self) -> Path:
        """The interview question in both languages."""
        return self.folder / "interview.toml"

    @property
    def master(self) -> Path:
        """The worked solution that the notebook is built from."""
        return solutions_root(self.folder.parent) / f"{self.name}.py"


def lessons_root(start: Path | None = None) -> Path:
    """The folder `lessons/` of the current folder or of one above it, else of the package.

    Args:
        start: look from here instead of the current folder.
    Raises:
        ValueError: there is none anywhere; the installation is broken.
    """
    here = (start or Path.cwd()).resolve()
    above = [here, *(folder / "lessons" for folder in (here, *here.parents))]
    for place in [*above, _PACKAGE.parent / "lessons", _PACKAGE / "_bundled" / "lessons"]:
        if place.name == "lessons" and place.is_dir() and any(map(_is_lesson, place.iterdir())):
            return place
    raise ValueError(f"lessons: found none in {here} or above and none in the installation; reinstall nstkit")


def solutions_root(lessons: Path) -> Path:
    """The folder `solutions/` beside `lessons/`, else the one that ships with nstkit."""
    beside = lessons.parent / "solutions"
    places = [beside, _PACKAGE.parent / "solutions", _PACKAGE / "_bundled" / "solutions"]
    return next((place for place in places if place.is_dir()), beside)


def find_lessons(root: Path | None = None) -> list[Lesson]:
    """All lessons below `root` (default: `lessons_root()`), by number."""
    return [
        Lesson(folder.name, folder)
        for folder in sorted((root or lessons_root()).iterdir())
        if _is_lesson(folder)
    ]


def _is_lesson(folder: Path) -> bool:
    """A folder NN_slug that holds test_NN_slug.py."""
    return _NAME.fullmatch(folder.name) is not None and (folder / f"test_{folder.name}.py").is_file()


def find_lesson(key: str | int | Path, root: Path | None = None) -> Lesson:
    """The lesson called `key`: "3", "03", "style_loss", "03_style_loss", or a path of one of its files.

    Raises:
        ValueError: no such lesson; names those that exist and the nearest.
    """
    path = Path(str(key))
    if (path.suffix or len(path.parts) != 1) and (there := _lesson_at(path)):
        return there
    lessons, word = find_lessons(root), path.stem.removeprefix("test_")
    wanted = word.zfill(2) if word.isdigit() else word
    for lesson in lessons:
        if wanted in (lesson.number, lesson.slug, lesson.name):
            return lesson
    names = ", ".join(lesson.name for lesson in lessons)
    raise ValueError(f"lesson: expected one of {names}, got {str(key)!r}{_meant(wanted, lessons)}")


def _lesson_at(path: Path) -> Lesson | None:
    """The lesson that an existing path leads to: its folder, a file in it, or its master."""
    path = path.resolve()
    folders = (path, path.parent, path.parent.parent / "lessons" / path.stem)
    found = (Lesson(folder.name, folder) for folder in folders if path.exists() and _is_lesson(folder))
    return next(found, None)


def _meant(word: str, lessons: Iterable[Lesson]) -> str:
    """A suggestion for a lesson that does not exist: the nearest one, or the one with that exercise."""
    by_exercise = _by_exercise(lessons)
    if word in by_exercise:
        return f"; {word} is an exercise of {by_exercise[word].name}"
    known = {label: lesson.name for lesson in lessons for label in (lesson.number, lesson.slug, lesson.name)}
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"; did you mean {known[near[0]]}?" if near else ""


def find_exercise(name: str, root: Path | None = None) -> Lesson:
    """The lesson that asks for the exercise `name`.

    Raises:
        ValueError: no such exercise; names the nearest.
    """
    known = _by_exercise(find_lessons(root))
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise ValueError(f"exercise: no exercise is called {name!r}; {hint}")


def _by_exercise(lessons: Iterable[Lesson]) -> dict[str, Lesson]:
    from nstkit.lessons.outline import outline

    return {item.name: lesson for lesson in lessons for item in outline(lesson.checks)}


def shown(path: Path) -> str:
    """A path as messages show it: relative to the current folder where it lies below it."""
    path, here = path.absolute(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
