"""The three notebooks of one master, each a plain dict in notebook format 4.5.

*source*: solutions in, with nbgrader's metadata, what a course starts from; *stub*: what a learner opens, cell
by cell what stock nbgrader's generate_assignment makes of the source; *solved*: the worked answers to read and run.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from nstkit.lessons.contract import without_marks, without_solution
from nstkit.lessons.find import Lesson
from nstkit.lessons.fit import check_fit
from nstkit.lessons.interview import read_interview
from nstkit.lessons.interview_cells import answer_markdown, question_markdown
from nstkit.lessons.master import Cell, read_master
from nstkit.lessons.outline import Outline, outline

Notebook = dict[str, Any]
_STUB_NOTICE = (
    "*Built from `solutions/{name}.py`. Write your answers where a cell says `# YOUR CODE HERE`, in place of the "
    "line that raises; `nstkit reset {number}` brings a fresh notebook.*"
)
_SOLVED_NOTICE = "*Built from `solutions/{name}.py`, with the worked answers filled in.*"
_INTERVIEW = {"question": question_markdown, "answer": answer_markdown}


def source_notebook(lesson: Lesson) -> Notebook:
    """The notebook an instructor's course starts from.

    Raises:
        ValueError: the master has a mistake, or does not fit its test file; with file and line.
    """
    return _notebook(lesson, _cells(lesson, _STUB_NOTICE))


def stub_notebook(lesson: Lesson) -> Notebook:
    """The notebook a learner opens: solutions cut, cells locked, checksums set."""
    cells = _cells(lesson, _STUB_NOTICE)
    return _notebook(lesson, [_sealed(_rewrite(cell, without_solution)) for cell in cells])


def solved_notebook(lesson: Lesson) -> Notebook:
    """The notebook with the worked answers, without the marks around them."""
    cells = _cells(lesson, _SOLVED_NOTICE)
    return _notebook(lesson, [_sealed(_rewrite(cell, without_marks)) for cell in cells])


def to_bytes(notebook: Notebook) -> bytes:
    """A notebook as nbformat writes it: sorted keys, one space of indent, sources as lists of lines."""
    cells = [{**cell, "source": cell["source"].splitlines(True)} for cell in notebook["cells"]]
    text = json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True)
    return (text + "\n").encode()


def digest(cells: list[dict[str, Any]]) -> str:
    """A digest of the cells' texts: it changes when a learner writes something, not when they run something."""
    texts = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()[:16]


def _notebook(lesson: Lesson, cells: list[dict[str, Any]]) -> Notebook:
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "nstkit": {"lesson": lesson.name, "digest": digest(cells)},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _cells(lesson: Lesson, notice: str) -> list[dict[str, Any]]:
    """The notice and the master's cells, solutions included, each with a fixed id of its own."""
    exercises = {item.name: item for item in outline(lesson.checks)}
    cells = read_master(lesson.master)
    check_fit(lesson, cells, exercises)
    first = _cell("markdown", notice.format(name=lesson.name, number=lesson.number), {})
    return _with_ids([first, *(_build(lesson, cell, exercises) for cell in cells)])


def _build(lesson: Lesson, cell: Cell, exercises: dict[str, Outline]) -> dict[str, Any]:
    """One cell of the master as a notebook's cell."""
    match dict(cell.options):
        case {"answer": name}:
            return _cell("code", cell.source, _grading(name, solution=True))
        case {"check": name}:
            return _cell("code", f"check({name})", _grading(f"check_{name}", points=exercises[name].points))
        case {"interview": place}:
            return _cell("markdown", _INTERVIEW[place](read_interview(lesson.interview)), {})
        case {"tags": tags}:
            return _cell("code", cell.source, {"tags": tags})
        case _:
            return _cell(cell.kind, cell.source, {})


def _grading(grade_id: str, *, solution: bool = False, points: int | None = None) -> dict[str, Any]:
    """nbgrader's metadata for an answer (solution) or a check (points)."""
    roles = {"grade": not solution, "locked": not solution, "solution": solution, "task": False}
    worth = {} if points is None else {"points": points}
    return {"nbgrader": {"grade_id": grade_id, "schema_version": 3, **roles, **worth}}


def _cell(kind: str, source: str, metadata: dict[str, Any]) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "metadata": metadata, "source": source}
    return cell if kind == "markdown" else {**cell, "execution_count": None, "outputs": []}


def _with_ids(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cells with fixed ids: the grade id, else a hash of the text, so that an edit changes one id alone."""
    found: dict[str, dict[str, Any]] = {}
    for cell in cells:
        text = cell["cell_type"] + cell["source"]
        name = cell["metadata"].get("nbgrader", {}).get("grade_id", "").replace("_", "-")[:64]
        while not name or name in found:
            text += "+"  # the same text a second time
            name = hashlib.sha256(text.encode()).hexdigest()[:8]
        found[name] = {**cell, "id": name}
    return list(found.values())


def _rewrite(cell: dict[str, Any], cut: Callable[[str], str]) -> dict[str, Any]:
    """An answer cell with its source cut; other cells as they are."""
    answer = cell["metadata"].get("nbgrader", {}).get("solution")
    return {**cell, "source": cut(cell["source"])} if answer else cell


def _sealed(cell: dict[str, Any]) -> dict[str, Any]:
    """What nbgrader's LockCells and ComputeChecksums add; `cell_type` is how it notices a changed type."""
    grading = cell["metadata"].get("nbgrader")
    if not grading:
        return cell
    grading = {**grading, "cell_type": cell["cell_type"], "checksum": _checksum(cell)}
    metadata = {**cell["metadata"], "nbgrader": grading, "deletable": False}
    return {**cell, "metadata": metadata if grading["solution"] else {**metadata, "editable": False}}


def _checksum(cell: dict[str, Any]) -> str:
    """The fingerprint by which nbgrader 0.9 notices a changed cell: text, kind, roles, id, points."""
    grading = cell["metadata"]["nbgrader"]
    parts = [cell["source"], cell["cell_type"], grading["grade"], grading["solution"], grading["locked"]]
    parts.append(grading["grade_id"])
    if grading["grade"]:
        parts.append(float(grading["points"]))
    return hashlib.md5("".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
