"""Putting built notebooks on disk: whole or not at all, and never over what somebody wrote."""

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Literal

from nstkit.lessons.find import Lesson
from nstkit.lessons.notebooks import (
    Notebook,
    digest,
    solved_notebook,
    source_notebook,
    stub_notebook,
    to_bytes,
)

__all__ = [
    "build", "changed_by_learner", "keep_copy", "solved_notebook", "source_notebook", "staleness", "stub_notebook",
    "to_bytes", "write_notebook", "write_whole",
]  # fmt: skip

Outcome = Literal["built", "unchanged", "kept", "replaced"]


def build(lesson: Lesson, *, force: bool = False) -> Outcome:
    """Write a lesson's stub notebook to its place in lessons/; as `write_notebook`."""
    return write_notebook(lesson.notebook, stub_notebook(lesson), force=force)


def write_notebook(path: Path, notebook: Notebook, *, force: bool = False) -> Outcome:
    """Write a notebook, unless somebody changed the one that is there.

    Args:
        force: replace a changed notebook too, keeping a dated copy beside it.
    Returns:
        "built", "unchanged" (it was there already), "kept" (a changed one is there, and stays) or "replaced"
        (a changed one was there, and is now the copy).
    """
    data = to_bytes(notebook)
    if path.exists():
        if path.read_bytes() == data:
            return "unchanged"
        if changed_by_learner(path):
            if force:
                keep_copy(path)
                write_whole(path, data)
            return "replaced" if force else "kept"
    write_whole(path, data)
    return "built"


def staleness(lesson: Lesson) -> Literal["", "missing", "changed", "stale"]:
    """Why a lesson's notebook is not what its master builds now, or "" where it is."""
    wanted = to_bytes(stub_notebook(lesson))
    if not lesson.notebook.exists():
        return "missing"
    if lesson.notebook.read_bytes() == wanted:
        return ""
    return "changed" if changed_by_learner(lesson.notebook) else "stale"


def changed_by_learner(path: Path) -> bool:
    """Whether a notebook's texts are no longer what the build wrote; unreadable counts as changed."""
    try:
        notebook = json.loads(path.read_text("utf-8"))
        stored: str = notebook["metadata"]["nstkit"]["digest"]
        return digest(notebook["cells"]) != stored
    except (OSError, ValueError, KeyError, TypeError):
        return True


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
