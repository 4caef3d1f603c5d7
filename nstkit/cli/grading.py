"""`nstkit check` and `nstkit watch`: answers graded in the terminal."""

import json
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from nstkit.cli.study import write_progress
from nstkit.grading.grade import grade_file
from nstkit.grading.isolate import grade_file_isolated
from nstkit.grading.notebook import plain_lines
from nstkit.grading.results import Result
from nstkit.grading.sandbox import Sandbox, missing_protections
from nstkit.grading.scoreboard import Board, Line, render
from nstkit.lessons import Lesson, find_lesson, find_lessons

AnswersFolder = Annotated[
    Path | None, typer.Option(help="Folder with your answers as NN_slug.py or NN_slug.ipynb.")
]


def check(
    lessons: Annotated[list[str] | None, typer.Argument(help="Numbers or names; all by default.")] = None,
    answers: AnswersFolder = None,
    isolate: Annotated[bool, typer.Option("--isolate", help="Run answers in the sandbox (Linux).")] = False,
    seed: Annotated[int, typer.Option(help="Draw other inputs than the public ones.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print results as JSON.")] = False,
) -> None:
    """Grade your answers and say what is wrong. Exits 1 unless everything passed."""
    chosen = _chosen(lessons, answers)
    results: dict[str, dict[str, Result]] = {}
    sandbox = Sandbox() if isolate else None
    try:
        for lesson in chosen:
            results[lesson.name] = _graded(lesson, answers, seed, sandbox)
            remember(lesson, results[lesson.name], answers)
            if not as_json:
                show(results[lesson.name], brief=len(chosen) > 1)
    finally:
        if sandbox is not None:
            sandbox.close()
    _end(results, as_json, isolate)


def _end(results: dict[str, dict[str, Result]], as_json: bool, isolate: bool) -> None:
    if as_json:
        plain = {lesson: {name: r.to_json() for name, r in rows.items()} for lesson, rows in results.items()}
        print(json.dumps(plain, indent=1, ensure_ascii=False))
    else:
        for missing in missing_protections() if isolate else []:
            print(missing)
        print("\n".join(["", *render(board(results), shutil.get_terminal_size((80, 24)).columns)]))
    if any(result.state != "passed" for rows in results.values() for result in rows.values()):
        raise SystemExit(1)


def _chosen(keys: list[str] | None, answers: Path | None) -> list[Lesson]:
    """The lessons that were named; without names all, or those that a folder of answers has a file for."""
    if keys:
        return [find_lesson(key) for key in keys]
    lessons = find_lessons()
    if answers is None:
        return lessons
    answered = [lesson for lesson in lessons if answers_path(lesson, answers).exists()]
    if not answered:
        raise ValueError(
            f"--answers: expected files named after lessons, such as {lessons[0].name}.py, found none in {answers}"
        )
    return answered


def _graded(lesson: Lesson, answers: Path | None, seed: int, sandbox: Sandbox | None) -> dict[str, Result]:
    path = answers_path(lesson, answers)
    if answers is not None and not path.exists():
        raise ValueError(f"--answers: expected {lesson.name}.py or .ipynb in {answers}, found neither")
    if sandbox is not None:
        return grade_file_isolated(lesson.checks, path, seed=seed, sandbox=sandbox)
    return grade_file(lesson.checks, path, seed=seed)


def answers_path(lesson: Lesson, folder: Path | None) -> Path:
    """The notebook of a lesson, or the file of its name in a folder of answers."""
    if folder is None:
        return lesson.notebook
    if not folder.is_dir():
        raise ValueError(f"--answers: expected a folder, got {folder}, which is none")
    candidates = [folder / f"{lesson.name}{suffix}" for suffix in (".py", ".ipynb")]
    return next((path for path in candidates if path.exists()), candidates[0])


def remember(lesson: Lesson, results: dict[str, Result], answers: Path | None) -> None:
    """Keep states and points for `nstkit status`, of one's own notebooks only."""
    if answers is None:
        write_progress(lesson, {name: {"state": r.state, "points": r.points} for name, r in results.items()})


def show(results: dict[str, Result], *, brief: bool) -> None:
    """Print the reports of a lesson; briefly, those alone that were tried and did not pass."""
    for result in results.values():
        if not brief or result.state not in ("passed", "todo"):
            print("\n".join(plain_lines(result)))


def board(results: dict[str, dict[str, Result]]) -> Board:
    """The scoreboard of graded lessons."""
    return Board(
        {
            lesson: tuple(Line(r.exercise, r.state, r.points, r.max_points) for r in rows.values())
            for lesson, rows in results.items()
        }
    )


def watch(
    lesson: Annotated[str, typer.Argument(help="Number or name of the lesson.")],
    answers: AnswersFolder = None,
    rounds: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Grade a lesson again each time you save it. Ctrl-C ends it."""
    found = find_lesson(lesson)
    path = answers_path(found, answers)
    with Sandbox() as sandbox:
        grade_file_isolated(found.checks, path, sandbox=sandbox)  # warms the server and the reference
        for _ in saves(path, rounds):
            started = time.perf_counter()
            results = grade_file_isolated(found.checks, path, sandbox=sandbox)
            remember(found, results, answers)
            if sys.stdout.isatty():
                print("\033[2J\033[H", end="")  # clear the screen
            print(path.name)
            show(results, brief=False)
            seconds = time.perf_counter() - started
            print(
                "\n".join(
                    [
                        "",
                        *render(board({found.name: results})),
                        f"graded in {seconds:.2f} s; waiting for the next save",
                    ]
                )
            )


def saves(path: Path, rounds: int | None) -> Iterable[int]:
    """One at once, then one for each time the file changes."""
    count, seen = 0, None
    while rounds is None or count < rounds:
        stamp = path.stat().st_mtime_ns if path.exists() else None
        if count == 0 or stamp != seen:
            seen, count = stamp, count + 1
            yield count
        else:
            time.sleep(0.05)
