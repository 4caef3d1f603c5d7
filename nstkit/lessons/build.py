"""Building notebooks from masters: byte-reproducible, and never over a learner's work.

One master makes three notebooks: the *source* (solutions in, for an nbgrader course), the *stub* in
lessons/ (what stock nbgrader's generate_assignment makes of the source), and the *solved* one.
"""

import hashlib
import json
import os
import re
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from nstkit.lessons.find import Lesson
from nstkit.lessons.master import BEGIN, END, source_cells

_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"


def source_notebook(lesson: Lesson) -> dict[str, Any]:
    """The notebook an instructor's course starts from: solutions in, nbgrader's metadata."""
    return _notebook(lesson, source_cells(lesson))


def stub_notebook(lesson: Lesson) -> dict[str, Any]:
    """The notebook a learner opens: solutions cut, cells locked, checksums set, as nbgrader does it."""
    return _notebook(lesson, [_sealed(_without_solution(cell)) for cell in source_cells(lesson)])


def solved_notebook(lesson: Lesson) -> dict[str, Any]:
    """The notebook with the worked answers and without the marks around them."""
    return _notebook(lesson, [_sealed(_without_marks(cell)) for cell in source_cells(lesson)])


def _notebook(lesson: Lesson, cells: list[dict[str, Any]]) -> dict[str, Any]:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {
        "kernelspec": kernel,
        "language_info": {"name": "python"},
        "nstkit": {"lesson": lesson.name, "digest": digest(cells)},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _without_solution(cell: dict[str, Any]) -> dict[str, Any]:
    if not cell["metadata"].get("nbgrader", {}).get("solution"):
        return cell
    pattern = rf"^([ \t]*){re.escape(BEGIN)}.*?{re.escape(END)}[^\n]*"
    stub = re.sub(pattern, lambda m: _indent(_STUB, m[1]), cell["source"], flags=re.S | re.M)
    return {**cell, "source": stub}


def _without_marks(cell: dict[str, Any]) -> dict[str, Any]:
    lines = [line for line in cell["source"].split("\n") if line.strip() not in (BEGIN, END)]
    return {**cell, "source": "\n".join(lines)}


def _indent(text: str, by: str) -> str:
    return "\n".join(by + line for line in text.split("\n"))


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


def digest(cells: list[dict[str, Any]]) -> str:
    """A digest of the cells' texts: it changes when a learner writes something, not when they run something."""
    texts = [[cell["cell_type"], _text(cell)] for cell in cells]
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False).encode()).hexdigest()[:16]


def _text(cell: dict[str, Any]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def to_bytes(notebook: dict[str, Any]) -> bytes:
    """A notebook as nbformat writes it: sorted keys, one space of indent, sources as lists of lines."""
    cells = [{**cell, "source": cell["source"].splitlines(True)} for cell in notebook["cells"]]
    text = json.dumps({**notebook, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True)
    return (text + "\n").encode()


def changed_by_learner(path: Path) -> bool:
    """Whether a notebook's texts are no longer what the build wrote; unreadable counts as changed."""
    try:
        notebook = json.loads(path.read_text("utf-8"))
        stored: str = notebook["metadata"]["nstkit"]["digest"]
        return digest(notebook["cells"]) != stored
    except (OSError, ValueError, KeyError, TypeError):
        return True


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def keep_copy(path: Path) -> Path:
    """Copy a file beside itself under today's date and time, and return the copy's path."""
    stamp = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    copy = path.with_name(f"{path.stem}.{stamp}{path.suffix}")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.stem}.{stamp}-{number}{path.suffix}")
    write_whole(copy, path.read_bytes())
    return copy


def build(lesson: Lesson, *, force: bool = False) -> str:
    """Write a lesson's stub notebook; returns "built", "unchanged" or "kept" (a learner's work is there).

    Args:
        force: replace a learner's notebook, keeping a dated copy beside it.
    """
    data, path = to_bytes(stub_notebook(lesson)), lesson.notebook
    if path.exists():
        if path.read_bytes() == data:
            return "unchanged"
        if changed_by_learner(path):
            if not force:
                return "kept"
            keep_copy(path)
    write_whole(path, data)
    return "built"


def is_stale(lesson: Lesson) -> bool:
    """Whether the committed notebook is not what the master builds now."""
    return not lesson.notebook.exists() or lesson.notebook.read_bytes() != to_bytes(stub_notebook(lesson))
