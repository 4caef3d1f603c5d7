"""`nstkit init`, `status`, `hint`, `solution`, `reset`: a study folder and what is in it. Loads no torch."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from nstkit.grading.scoreboard import Board, Line, render
from nstkit.lessons import Lesson, Outline, find_exercise, find_lesson, find_lessons, lessons_root, outline
from nstkit.lessons.build import keep_copy, stub_notebook, to_bytes, write_whole

PROGRESS = ".nstkit-progress.json"


def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Make a study folder with fresh notebooks, outside the checkout."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder}: is not empty; name a new folder")
    for lesson in find_lessons():
        target = folder / "lessons" / lesson.name
        target.mkdir(parents=True, exist_ok=True)
        for path in (lesson.checks, lesson.interview):
            if path.exists():
                shutil.copy(path, target / path.name)
        _fresh(lesson, Lesson(lesson.name, target))
    print(f"made {folder} with {len(find_lessons())} lessons\n")
    print(
        f"cd {folder}\njupyter lab          # open lessons/{find_lessons()[0].name}\nnstkit status        # your points"
    )


def _fresh(source: Lesson, target: Lesson) -> None:
    """Write the untouched notebook: built from the master, else copied."""
    if source.master.exists():
        write_whole(target.notebook, to_bytes(stub_notebook(source)))
    elif source.notebook.exists():
        shutil.copy(source.notebook, target.notebook)


def status() -> None:
    """Show the points of each lesson, as last graded."""
    progress, lessons = read_progress(), {}
    for lesson in find_lessons():
        rows = progress.get(lesson.name, {})
        lessons[lesson.name] = tuple(_line(item, rows.get(item.name, {})) for item in outline(lesson.checks))
    width = shutil.get_terminal_size((80, 24)).columns
    print("\n".join(render(Board(lessons), width)))
    print("grade with: nstkit check · pytest lessons/")


def _line(item: Outline, row: dict[str, Any]) -> Line:
    return Line(item.name, row.get("state", "todo"), row.get("points", 0), item.points)


def read_progress(root: Path | None = None) -> dict[str, dict[str, dict[str, Any]]]:
    """What was last graded, by lesson and exercise; empty where nothing was, or the file is damaged."""
    path = (root or lessons_root()).parent / PROGRESS
    try:
        stored = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}


def write_progress(lesson: Lesson, rows: dict[str, dict[str, Any]]) -> None:
    """Remember the states and points of a lesson's exercises; a place that cannot be written is left alone."""
    root = lesson.folder.parent
    progress = read_progress(root)
    progress[lesson.name] = {**progress.get(lesson.name, {}), **rows}
    try:
        write_whole(root.parent / PROGRESS, (json.dumps(progress, indent=1, sort_keys=True) + "\n").encode())
    except OSError:
        return


def hint(
    exercise: Annotated[str, typer.Argument(help="The exercise's name.")],
    step: Annotated[
        int | None, typer.Option(min=1, max=3, help="1 the idea, 2 the shape, 3 nearly there.")
    ] = None,
) -> None:
    """Give a hint for an exercise: the idea, the shape, nearly there; one more each time you ask."""
    lesson = find_exercise(exercise)
    item = next(item for item in outline(lesson.checks) if item.name == exercise)
    rows = read_progress(lesson.folder.parent).get(lesson.name, {})
    seen = rows.get(exercise, {}).get("hints", 0)
    number = step or min(seen + 1, len(item.hints))
    print(f"{exercise} · hint {number} of {len(item.hints)}\n\n{item.hints[number - 1]}")
    if number < len(item.hints):
        print(f"\nnext: nstkit hint {exercise}" + ("" if step is None else f" --step {number + 1}"))
    write_progress(lesson, {exercise: {**rows.get(exercise, {}), "hints": max(seen, number)}})


def solution(
    exercise: Annotated[str, typer.Argument(help="The exercise's name.")],
    anyway: Annotated[bool, typer.Option("--anyway", help="Show it although you have not passed.")] = False,
) -> None:
    """Show the worked answer of an exercise you have passed."""
    lesson = find_exercise(exercise)
    state = read_progress(lesson.folder.parent).get(lesson.name, {}).get(exercise, {}).get("state")
    if state != "passed" and not anyway:
        raise ValueError(
            f"{exercise} is not passed yet; `nstkit hint {exercise}` helps, `--anyway` shows it all the same"
        )
    print(worked_answer(lesson, exercise))


def worked_answer(lesson: Lesson, exercise: str) -> str:
    """The worked answer's code, without the marks around it."""
    from nstkit.lessons.master import BEGIN, END, read_master

    if not lesson.master.exists():
        raise ValueError(f"{lesson.name}: has no worked solution yet")
    cell = next(cell for cell in read_master(lesson.master) if cell.options.get("answer") == exercise)
    return "\n".join(line for line in cell.source.split("\n") if line.strip() not in (BEGIN, END))


def reset(lesson: Annotated[str, typer.Argument(help="Number or name of the lesson.")]) -> None:
    """Bring a lesson's notebook back, keeping a dated copy of yours."""
    found = find_lesson(lesson)
    if found.notebook.exists():
        print(f"kept yours as {keep_copy(found.notebook)}")
    shipped = next((x for x in find_lessons() if x.name == found.name), found)
    if not shipped.master.exists():
        raise ValueError(f"{found.name}: has no master to build the notebook from")
    write_whole(found.notebook, to_bytes(stub_notebook(found)))
    print(f"{found.notebook} is fresh again ({date.today():%d %B %Y})")
