"""`nstkit build`: notebooks from masters."""

from pathlib import Path
from typing import Annotated

import typer

from nstkit.lessons import Lesson, find_lesson, find_lessons
from nstkit.lessons.build import build as build_lesson
from nstkit.lessons.build import is_stale, solved_notebook, source_notebook, to_bytes, write_whole


def build(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Numbers or names; all that have a master by default.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a notebook is stale.")
    ] = False,
    solved: Annotated[
        Path | None, typer.Option(help="Write solved notebooks into this folder instead.")
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Write nbgrader source notebooks into this folder instead.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace notebooks with answers in them, keeping a copy.")
    ] = False,
) -> None:
    """Build the lesson notebooks from their masters in solutions/."""
    chosen = (
        [find_lesson(key) for key in lessons] if lessons else [x for x in find_lessons() if x.master.exists()]
    )
    if check:
        _report_stale([lesson for lesson in chosen if is_stale(lesson)])
    for folder, make in ((solved, solved_notebook), (source, source_notebook)):
        for lesson in chosen if folder is not None else ():
            target = Path(str(folder)) / (
                f"{lesson.name}.ipynb" if folder == solved else f"{lesson.name}/{lesson.name}.ipynb"
            )
            if target.exists() and not force:
                raise FileExistsError(f"{target}: exists already; choose another folder or --force")
            write_whole(target, to_bytes(make(lesson)))
            print(f"{lesson.name}: wrote {target}")
    if not (check or solved or source):
        _build_all(chosen, force)


def _report_stale(stale: list[Lesson]) -> None:
    for lesson in stale:
        print(f"{lesson.notebook}: stale; run `nstkit build {lesson.number}` and commit it")
    if stale:
        raise SystemExit(1)
    print("every notebook is what its master builds")


def _build_all(lessons: list[Lesson], force: bool) -> None:
    notes = {
        "built": "built",
        "unchanged": "unchanged",
        "kept": "kept: it has answers in it; --force replaces it and keeps a copy",
    }
    for lesson in lessons:
        print(f"{lesson.name}: {notes[build_lesson(lesson, force=force)]}")
