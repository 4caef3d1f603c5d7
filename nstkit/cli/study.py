"""`nstkit init`, `status`, `hint`, `solution`, `reset`: a study folder and what is in it. Loads no torch."""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from nstkit.grading.scoreboard import Board, Line, render
from nstkit.lessons import Lesson, Outline, find_exercise, find_lesson, find_lessons, lessons_root, outline
from nstkit.lessons.build import keep_copy, stub_notebook, to_bytes, write_whole
from nstkit.lessons.find import shown

PROGRESS = ".nstkit-progress.json"


def init(folder: Annotated[Path, typer.Argument(help="A new or empty folder.")]) -> None:
    """Make a study folder with fresh notebooks, outside the checkout."""
    if folder.is_file():
        raise FileExistsError(f"{folder}: is a file; name a new folder")
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
    """Remember the states and points of a lesson's exercises.

    The installation's own lessons, and a place that cannot be written, are left alone.
    """
    root = lesson.folder.parent
    if not is_ours(root):
        return
    progress = read_progress(root)
    before = progress.get(lesson.name, {})
    progress[lesson.name] = before | {name: before.get(name, {}) | row for name, row in rows.items()}
    try:
        write_whole(root.parent / PROGRESS, (json.dumps(progress, indent=1, sort_keys=True) + "\n").encode())
    except OSError:
        return


def is_ours(root: Path) -> bool:
    """Whether lessons lie in the study folder one stands in, rather than in the installation."""
    here = Path.cwd().resolve()
    return root.resolve().parent in (here, *here.parents)


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
    if not item.hints:
        raise ValueError(f"{exercise}: has no hints")
    number = min(step or seen + 1, len(item.hints))
    print(f"{exercise} · hint {number} of {len(item.hints)}\n\n{item.hints[number - 1]}")
    if number < len(item.hints):
        print(f"\nnext: nstkit hint {exercise}" + ("" if step is None else f" --step {number + 1}"))
    write_progress(lesson, {exercise: {"hints": max(seen, number)}})


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
    if not is_ours(found.folder.parent):
        raise ValueError(
            f"{found.name}: there is no study folder here; go to yours, or make one with `nstkit init DIR`"
        )
    if not found.master.exists():
        raise ValueError(f"{found.name}: has no master to build the notebook from")
    fresh = to_bytes(stub_notebook(found))
    if found.notebook.exists():
        print(f"kept yours as {shown(keep_copy(found.notebook))}")
    write_whole(found.notebook, fresh)
    print(f"{shown(found.notebook)} is fresh again")
