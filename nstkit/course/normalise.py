"""Normalising: give the cells of a handed-in notebook the roles back that they had when it was handed out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_STUB = "# YOUR CODE HERE\n"


def normalise(cells: Sequence[Any], expected: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Mend nbgrader's metadata of notebook cells in place, saying what was done.

    Args:
        cells: notebook nodes, as submitted; changed in place.
        expected: the metadata of each graded or answer cell of the released notebook, and its `source`.
    """
    known = {str(entry["grade_id"]): entry for entry in expected}
    yield from _restore(cells, known)
    yield from _keep_one_of_each(cells)


def _restore(cells: Sequence[Any], known: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    present = {_grade_id(cell) for cell in cells}
    for grade_id, entry in known.items():
        if grade_id in present:
            continue
        found = _by_id(cells, grade_id) or (_by_definition(cells, grade_id) if entry["solution"] else None)
        if found is not None:
            found.metadata["nbgrader"] = {key: value for key, value in entry.items() if key != "source"}
            yield f"{grade_id}: the cell had lost its metadata; restored"
        elif entry["solution"]:
            yield f"{grade_id}: no cell answers it"


def _grade_id(cell: Any) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _by_id(cells: Sequence[Any], grade_id: str) -> Any:
    wanted = grade_id.replace("_", "-")
    return next((cell for cell in cells if cell.get("id") == wanted and not _grade_id(cell)), None)


def _by_definition(cells: Sequence[Any], name: str) -> Any:
    defines = re.compile(rf"^(?:async def|def|class) {re.escape(name)}\b", re.MULTILINE)
    free = (
        c for c in reversed(cells) if c.cell_type == "code" and not _grade_id(c) and defines.search(c.source)
    )
    return next(free, None)


def _keep_one_of_each(cells: Sequence[Any]) -> Iterator[str]:
    """Of several cells with one grade id the last that was worked on keeps it."""
    groups: dict[str, list[Any]] = {}
    for cell in cells:
        if grade_id := _grade_id(cell):
            groups.setdefault(grade_id, []).append(cell)
    for grade_id, copies in groups.items():
        worked = [cell for cell in copies if _STUB not in cell.source]
        for cell in copies:
            if cell is not (worked or copies)[-1]:
                del cell.metadata["nbgrader"]
        if len(copies) > 1:
            yield f"{grade_id}: {len(copies)} cells have this id; the last one that was worked on counts"
