"""Masters: the one place where a lesson's prose and worked answers are written.

A master `solutions/NN_slug.py` is a plain Python file in jupytext's percent format. Each cell starts with a
line that says what it is:

    # %% [markdown]                         prose, every line a comment
    # %% tags=["setup"]                     imports and helpers that the grader runs too: numpy, torch, no nstkit
    # %%                                    a demonstration or figure; uses the library, never the learner's code
    # %% answer="gram_matrix"               an answer: signature, docstring, and the solution between two marks
    # %% check="gram_matrix"                nothing: the build writes `check(gram_matrix)`
    # %% [markdown] interview="question"    nothing: filled in from interview.toml
    # %% [markdown] interview="answer"      nothing: filled in from interview.toml

Inside an answer cell, `### BEGIN SOLUTION` and `### END SOLUTION` enclose what learners write themselves.
Points come from the lesson's test file. This module reads a master into notebook cells with nbgrader's
metadata; it needs nothing but the standard library.
"""

import ast
import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nstkit.lessons.find import Lesson
from nstkit.lessons.interview import answer_markdown, question_markdown, read_interview
from nstkit.lessons.outline import Outline, outline

_HEADER = re.compile(r"# %%(?P<markdown> \[markdown\])?(?P<options>.*)")
_OPTION = re.compile(r'\s*(\w+)=("(?:[^"\\]|\\.)*"|\[[^\]]*\])')
_OPTIONS = {"answer", "check", "interview", "tags"}
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


@dataclass
class Cell:
    """One cell: its kind ("markdown" or "code"), its text, its options, and its line in the master."""

    kind: str
    source: str
    options: dict[str, Any] = field(default_factory=dict)
    line: int = 0


def read_master(path: Path) -> list[Cell]:
    """The cells of a master as written.

    Raises:
        ValueError: an unknown option or a malformed header, with file and line.
    """
    cells: list[Cell] = []
    lines: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        header = _HEADER.fullmatch(line)
        if header:
            _close(cells, lines)
            kind = "markdown" if header["markdown"] else "code"
            cells.append(Cell(kind, "", _options(header["options"], f"{path}:{number}"), number))
        elif cells:
            lines.append(line)
        elif line.strip() and not line.startswith("#"):
            raise ValueError(f"{path}:{number}: expected a cell header `# %%` first, got {line!r}")
    _close(cells, lines)
    return cells


def _close(cells: list[Cell], lines: list[str]) -> None:
    """Give the collected lines to the last cell."""
    if cells:
        text = [_uncomment(line) for line in lines] if cells[-1].kind == "markdown" else lines
        cells[-1].source = "\n".join(text).strip("\n")
    lines.clear()


def _uncomment(line: str) -> str:
    return line.removeprefix("# ") if line.startswith("# ") else line.removeprefix("#")


def _options(text: str, where: str) -> dict[str, Any]:
    rest = _OPTION.sub("", text).strip()
    options = {key: ast.literal_eval(value) for key, value in _OPTION.findall(text)}
    unknown = [*(set(options) - _OPTIONS), *([rest] if rest else [])]
    if unknown:
        raise ValueError(
            f"{where}: unknown in a cell header: {unknown[0]}; known are {', '.join(sorted(_OPTIONS))}"
        )
    return options


def source_cells(lesson: Lesson) -> list[dict[str, Any]]:
    """The lesson as notebook cells, solutions included, with nbgrader's metadata: what a course starts from.

    Raises:
        ValueError: master and test file do not fit each other; with file and line.
    """
    exercises = {item.name: item for item in outline(lesson.checks)}
    cells = read_master(lesson.master)
    _fit(lesson, cells, exercises)
    built = [_notice(lesson), *(_build(lesson, cell, exercises) for cell in cells)]
    return [_with_id(lesson, number, cell) for number, cell in enumerate(built)]


def _fit(lesson: Lesson, cells: list[Cell], exercises: dict[str, Outline]) -> None:
    """Every exercise has one answer and one check cell, and nothing else has."""
    for key in ("answer", "check"):
        named = {cell.options[key]: cell for cell in cells if key in cell.options}
        for name, cell in named.items():
            if name not in exercises:
                raise ValueError(
                    f"{lesson.master}:{cell.line}: {key} {name!r}: {lesson.checks.name} declares no such exercise"
                )
        missing = [name for name in exercises if name not in named]
        if missing:
            raise ValueError(
                f'{lesson.master}: no cell `# %% {key}="{missing[0]}"`, which {lesson.checks.name} asks for'
            )
    for cell in cells:
        if "answer" in cell.options and (BEGIN not in cell.source or END not in cell.source):
            raise ValueError(f"{lesson.master}:{cell.line}: the answer lacks {BEGIN} or {END}")


def _notice(lesson: Lesson) -> dict[str, Any]:
    text = (
        f"*This notebook is built from `solutions/{lesson.name}.py`. Your code goes where a cell says "
        "`# YOUR CODE HERE`; everything else may stay as it is.*"
    )
    return _cell("markdown", text)


def _build(lesson: Lesson, cell: Cell, exercises: dict[str, Outline]) -> dict[str, Any]:
    options = cell.options
    if "interview" in options:
        render = {"question": question_markdown, "answer": answer_markdown}[options["interview"]]
        return _cell("markdown", render(read_interview(lesson.interview)))
    if "answer" in options:
        return _cell("code", cell.source, _grading(options["answer"], solution=True))
    if "check" in options:
        name = options["check"]
        return _cell("code", f"check({name})", _grading(f"check_{name}", points=exercises[name].points))
    tags = {"tags": options["tags"]} if "tags" in options else {}
    return _cell(cell.kind, cell.source, tags)


def _grading(grade_id: str, *, solution: bool = False, points: int | None = None) -> dict[str, Any]:
    """nbgrader's metadata for an answer (solution) or a check (points)."""
    meta: dict[str, Any] = {
        "grade": points is not None, "grade_id": grade_id, "locked": not solution, "schema_version": 3,
        "solution": solution, "task": False,
    }  # fmt: skip
    return {"nbgrader": meta if points is None else {**meta, "points": points}}


def _cell(kind: str, source: str, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": metadata or {}, "source": source}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def _with_id(lesson: Lesson, number: int, cell: dict[str, Any]) -> dict[str, Any]:
    """A fixed id: the grade id, else a hash of lesson and position."""
    grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    position = hashlib.sha256(f"{lesson.name}:{number}".encode()).hexdigest()[:8]
    return {**cell, "id": grade_id.replace("_", "-")[:64] or position}
