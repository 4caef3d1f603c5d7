"""Finding lessons: in the study folder or checkout one stands in, else those that ship with nstkit."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = re.compile(r"\d\d_\w+")


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

    Raises:
        ValueError: there is none anywhere; the installation is broken.
    """
    here = (start or Path.cwd()).resolve()
    package = Path(__file__).resolve().parents[1]
    places = [folder / "lessons" for folder in (here, *here.parents)]
    if here.name == "lessons":
        places.insert(0, here)
    for place in [*places, package.parent / "lessons", package / "_bundled" / "lessons"]:
        if place.is_dir() and any(_FOLDER.fullmatch(child.name) for child in place.iterdir()):
            return place
    raise ValueError("lessons: none found here and none in the installation; reinstall nstkit")


def solutions_root(lessons: Path) -> Path:
    """The folder `solutions/` beside `lessons/`, else the one that ships with nstkit."""
    beside = lessons.parent / "solutions"
    package = Path(__file__).resolve().parents[1]
    places = [beside, package.parent / "solutions", package / "_bundled" / "solutions"]
    return next((place for place in places if place.is_dir()), beside)


def find_lessons(root: Path | None = None) -> list[Lesson]:
    """All lessons below `root` (default: `lessons_root()`), by number."""
    place = root or lessons_root()
    folders = sorted(child for child in place.iterdir() if _FOLDER.fullmatch(child.name))
    return [Lesson(folder.name, folder) for folder in folders if (folder / f"test_{folder.name}.py").exists()]


def find_lesson(key: str | int | Path, root: Path | None = None) -> Lesson:
    """The lesson called `key`: "3", "03", "style_loss", "03_style_loss", or a path of one of its files.

    Raises:
        ValueError: no such lesson; names those that exist and the nearest.
    """
    lessons = find_lessons(root)
    word = Path(str(key)).name.removesuffix(".ipynb").removesuffix(".py").removeprefix("test_")
    wanted = word.zfill(2) if word.isdigit() else word
    for lesson in lessons:
        if wanted in (lesson.number, lesson.slug, lesson.name):
            return lesson
    names = [name for lesson in lessons for name in (lesson.number, lesson.name, lesson.slug)]
    near = difflib.get_close_matches(word, names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"lesson: expected one of {', '.join(x.name for x in lessons)}, got {str(key)!r}{hint}")


def find_exercise(name: str, root: Path | None = None) -> Lesson:
    """The lesson that asks for the exercise `name`.

    Raises:
        ValueError: no such exercise; names the nearest.
    """
    from nstkit.lessons.outline import outline

    known = {item.name: lesson for lesson in find_lessons(root) for item in outline(lesson.checks)}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 3, 0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(known)}"
    raise ValueError(f"exercise: no exercise is called {name!r}{hint}")
