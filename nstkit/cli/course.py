"""`nstkit course` and `nstkit grade`: a ready nbgrader course, and whole classes graded without nbgrader."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nstkit.cli.console import Meter, meter
from nstkit.lessons import Lesson, find_lesson, find_lessons

if TYPE_CHECKING:
    from nstkit.course.classes import Progress

LessonsOption = Annotated[
    str | None,
    typer.Option("--lessons", metavar="01,03-05", help="Lessons, by number or range; all by default."),
]
AllowUnprotected = Annotated[
    bool, typer.Option("--allow-unprotected", help="Go on where this machine cannot lock answers in.")
]


def course(
    folder: Annotated[Path, typer.Argument(help="A new folder, or a course that this command made.")],
    lessons: LessonsOption = None,
    db: Annotated[
        str | None,
        typer.Option(
            "--db", metavar="URL", help="The gradebook's database; SQLite in the course by default."
        ),
    ] = None,
    reseed: Annotated[
        bool,
        typer.Option(
            "--reseed", help="Draw a new secret seed for the hidden inputs; the old one is kept aside."
        ),
    ] = False,
) -> None:
    """Make an nbgrader course: configuration, source notebooks with points, a secret seed, a README."""
    from nstkit.course.make import make_course

    if folder.is_file():
        raise FileExistsError(f"{folder}: is a file; name a new folder")
    for line in make_course(folder, chosen_lessons(lessons), database=db, reseed=reseed):
        print(line)


def grade(
    submissions: Annotated[
        Path, typer.Argument(help="Folder or .zip with a folder, archive, notebook or .py file per learner.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the results; taken up where it was left.")
    ],
    lessons: LessonsOption = None,
    seed: Annotated[int | None, typer.Option(help="Draw other inputs than the public ones.")] = None,
    seed_file: Annotated[Path | None, typer.Option(help="A course's seed.txt, instead of --seed.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core by default.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="tcp://HOST:PORT", help="Grade on the workers of a dask scheduler.")
    ] = None,
    regrade: Annotated[bool, typer.Option("--regrade", help="Grade again what did not change, too.")] = False,
    formats: Annotated[
        list[str] | None, typer.Option("--format", help="Also write gradescope or github-classroom.")
    ] = None,
    allow_unprotected: AllowUnprotected = False,
) -> None:
    """Grade the submissions of a class, in parallel and each locked in; write tables and pages.

    Results are kept as they come: the same command goes on where an interrupted one was, and grades again
    only what changed.
    """
    from nstkit.course.classes import check_protections, grade_class
    from nstkit.course.formats import FORMATS

    for name in formats or ():
        if name not in FORMATS:
            raise ValueError(f"--format: expected one of {', '.join(FORMATS)}, got {name!r}")
    with meter() as bar:
        for missing in check_protections(allow_unprotected=allow_unprotected):
            bar.say(f"warning: {missing}")
        progress = grade_class(
            submissions, out, lessons=chosen_lessons(lessons), seed=_seed(seed, seed_file), workers=workers,
            scheduler=scheduler, regrade=regrade, allow_unprotected=allow_unprotected, formats=formats or (),
        )  # fmt: skip
        try:
            for step in progress:
                _report(bar, step)
        except KeyboardInterrupt:
            bar.say("stopped; what is graded is kept, and the same command goes on from here")
            raise SystemExit(130) from None
    print(f"{out / 'index.html'} shows the class; results.csv, results.jsonl and summary.csv are beside it")


def _report(bar: Meter, step: "Progress") -> None:
    learner = step.learner
    if step.regraded or learner.ungraded:
        points = f"{learner.points}/{learner.max_points}" if learner.max_points else "ungraded"
        bar.say("  ".join([f"{points:>9}", _plain(learner.name), *map(_plain, learner.explained)]))
    bar.update(step.done / step.total, f"{step.done}/{step.total}")


def _plain(text: str) -> str:
    """Text without control characters: a name must not move the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _seed(seed: int | None, path: Path | None) -> int:
    if seed is not None and path is not None:
        raise ValueError("--seed, --seed-file: choose one of them")
    if path is None:
        return seed or 0
    from nstkit.course.make import read_seed

    return read_seed(path)


def chosen_lessons(text: str | None) -> Sequence[Lesson]:
    """The lessons that "01,03-05" names; all that have a master for None.

    Raises:
        ValueError: a part that is no number, name or range, or a lesson that does not exist.
    """
    if text is None:
        return [lesson for lesson in find_lessons() if lesson.master.exists()]
    found: dict[str, Lesson] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        span = re.fullmatch(r"(\d+)\s*-\s*(\d+)", part)
        inside = [] if span is None else _between(int(span[1]), int(span[2]))
        if span and not inside:
            raise ValueError(f"--lessons: no lesson lies in {part}")
        found |= {lesson.name: lesson for lesson in inside or [find_lesson(part)]}
    if not found:
        raise ValueError(f"--lessons: expected numbers like 01,03-05, got {text!r}")
    return [found[name] for name in sorted(found)]


def _between(first: int, last: int) -> list[Lesson]:
    return [lesson for lesson in find_lessons() if first <= int(lesson.number) <= last]
