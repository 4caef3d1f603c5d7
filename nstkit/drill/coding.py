"""Coding questions: a stub in a file of one's own, graded by the lesson's own checks in the sandbox."""

from dataclasses import dataclass
from pathlib import Path

from nstkit.lessons import Lesson
from nstkit.lessons.build import stub_notebook, write_whole


@dataclass(frozen=True)
class Attempt:
    """What one attempt earned, and what the grader said about it."""

    state: str
    points: int
    max_points: int
    misconception: str | None
    message: str
    lines: list[str]
    source: str = ""


def shown(lesson: Lesson, exercise: str) -> str:
    """The stub as a candidate sees it: signature and contract."""
    return _cells(lesson, exercise)[1]


def prepare(lesson: Lesson, exercise: str, folder: Path) -> Path:
    """The file to write into, with the stub in it; what is there already stays as it is."""
    path = folder / f"{exercise}.py"
    if not path.exists():
        setup, stub = _cells(lesson, exercise)
        write_whole(path, f"{setup}\n\n\n{stub}\n".encode())
    return path


def _cells(lesson: Lesson, exercise: str) -> tuple[str, str]:
    """The lesson's setup and the exercise's stub."""
    setup, stub = [], ""
    for cell in stub_notebook(lesson)["cells"]:
        if "setup" in cell["metadata"].get("tags", ()):
            setup.append(cell["source"])
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == exercise:
            stub = cell["source"]
    return "\n".join(setup), stub


def grade_attempt(lesson: Lesson, exercise: str, path: Path) -> tuple[Attempt, bool]:
    """Grade the file; the second value says whether it ran in the sandbox."""
    from nstkit.grading import grade_source
    from nstkit.grading.notebook import plain_lines
    from nstkit.grading.sandbox import SandboxUnavailable, missing_protections

    source = path.read_text("utf-8", "replace")
    try:
        result = grade_source(lesson.name, source, exercise=exercise, isolate=True)[exercise]
        isolated = not missing_protections()
    except SandboxUnavailable:
        result, isolated = grade_source(lesson.name, source, exercise=exercise)[exercise], False
    attempt = Attempt(
        result.state, result.points, result.max_points, result.misconception, result.message, plain_lines(result),
        source,
    )  # fmt: skip
    return attempt, isolated
