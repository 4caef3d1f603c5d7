"""`nstkit build`: notebooks from masters."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from nstkit.lessons import Lesson, find_lesson, find_lessons, lessons_root
from nstkit.lessons.build import build as build_stub
from nstkit.lessons.build import solved_notebook, source_notebook, staleness, write_notebook
from nstkit.lessons.find import shown, solutions_root

_NOTES = {
    "kept": "  it has been changed since it was built; --force replaces it and keeps a copy",
    "replaced": "  the changed one is beside it, under today's date",
}
_STALE = {
    "missing": "is missing; run `nstkit build {number}` and commit it",
    "stale": "is not what its master builds now; run `nstkit build {number}` and commit it",
    "changed": "was changed by hand; bring the change into {master}, then `nstkit build {number} --force`",
}


def build(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Numbers or names; all that have a master by default.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; name each stale notebook and exit 1.")
    ] = False,
    solved: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write solved notebooks into this folder instead.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write nbgrader's source notebooks there instead.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace changed notebooks too, keeping a dated copy.")
    ] = False,
) -> None:
    """Build the lesson notebooks from their masters in solutions/.

    A notebook that was changed since it was built is kept.
    """
    if sum((check, solved is not None, source is not None)) > 1:
        raise ValueError("--check, --solved, --source: choose one of them")
    seen: Counter[str] = Counter()
    for lesson in [find_lesson(key) for key in lessons] if lessons else _with_masters(seen):
        try:
            word = _compare(lesson) if check else _write(lesson, solved, source, force)
        except ValueError as error:
            word = _mistake(str(error))
        seen[word] += 1
    print(" · ".join(f"{count} {word}" for word, count in seen.items()) or "no lesson has a master yet")
    if seen["mistake"] or seen["stale"]:
        raise SystemExit(2 if seen["mistake"] else 1)


def _with_masters(seen: Counter[str]) -> list[Lesson]:
    """The lessons that have a master; a master that has no lesson is a mistake."""
    root = lessons_root()
    found = {lesson.name: lesson for lesson in find_lessons(root)}
    for master in sorted(solutions_root(root).glob("[0-9][0-9]_*.py")):
        if master.stem not in found:
            checks = root / master.stem / f"test_{master.stem}.py"
            seen[_mistake(f"{shown(master)}: its lesson is missing; expected {shown(checks)}")] += 1
    return [lesson for lesson in found.values() if lesson.master.exists()]


def _write(lesson: Lesson, solved: Path | None, source: Path | None, force: bool) -> str:
    if solved is not None:
        path = solved / f"{lesson.name}.ipynb"
        outcome = write_notebook(path, solved_notebook(lesson), force=force)
    elif source is not None:
        path = source / lesson.name / f"{lesson.name}.ipynb"
        outcome = write_notebook(path, source_notebook(lesson), force=force)
    else:
        path, outcome = lesson.notebook, build_stub(lesson, force=force)
    print(f"{outcome:<9}  {shown(path)}{_NOTES.get(outcome, '')}")
    return outcome


def _compare(lesson: Lesson) -> str:
    reason = staleness(lesson)
    if reason:
        advice = _STALE[reason].format(number=lesson.number, master=shown(lesson.master))
        print(f"{shown(lesson.notebook)}: {advice}")
    return "stale" if reason else "up to date"


def _mistake(sentence: str) -> str:
    print(f"nstkit: {sentence}", file=sys.stderr)
    return "mistake"
