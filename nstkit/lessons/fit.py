"""What must hold between a master and its lesson before a notebook is built from them."""

import ast
import re
from collections.abc import Collection

from nstkit.lessons.contract import check_answer
from nstkit.lessons.find import Lesson, shown
from nstkit.lessons.master import PLACES, Cell
from nstkit.lessons.outline import Outline

_OUT_OF_REACH = ("nstkit", "matplotlib")
_DELIMITERS = re.compile("(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)|AUTOTEST")


def check_fit(lesson: Lesson, cells: list[Cell], exercises: dict[str, Outline]) -> None:
    """Make sure that every exercise has an answer and a check, the interview its places, and all cells a use.

    Raises:
        ValueError: the first thing that does not fit, with file and line.
    """
    answers = _by_name(lesson, cells, "answer", exercises)
    checks = _by_name(lesson, cells, "check", exercises)
    for name, item in exercises.items():
        if name not in answers or name not in checks:
            missing = f'# %% {"check" if name in answers else "answer"}="{name}"'
            raise ValueError(
                f"{shown(lesson.master)}: no cell `{missing}` for {shown(lesson.checks)}:{item.line}"
            )
        if checks[name].header < answers[name].header:
            raise checks[name].wrong(f"the check of {name} stands above its answer")
        check_answer(answers[name], name)
    for place in set(PLACES) - set(_by_name(lesson, cells, "interview", PLACES)):
        raise ValueError(f'{shown(lesson.master)}: no cell `# %% [markdown] interview="{place}"`')
    for cell in cells:
        _check_cell(cell)
    _check_import(cells)


def _by_name(lesson: Lesson, cells: list[Cell], key: str, names: Collection[str]) -> dict[str, Cell]:
    """The cells with the option `key`, by its value: each once, and none that the test file does not know."""
    found: dict[str, Cell] = {}
    for cell in cells:
        name = cell.options.get(key)
        if name is None:
            continue
        if name not in names:
            known = ", ".join(names) or "none"
            raise cell.wrong(f"{key}: expected an exercise of {lesson.checks.name} ({known}), got {name!r}")
        if name in found:
            raise cell.wrong(f'a second cell {key}="{name}"; the first is in line {found[name].header}')
        found[name] = cell
    return found


def _check_cell(cell: Cell) -> None:
    """A cell is empty where the build writes it, and says nothing that nbgrader or the sandbox stumbles over."""
    if cell.source and {"check", "interview"} & set(cell.options):
        raise cell.wrong("the build writes this cell; leave it empty", 0)
    if "answer" not in cell.options:
        for number, line in enumerate(cell.source.split("\n")):
            if found := _DELIMITERS.search(line):
                raise cell.wrong(f"nbgrader would take {found[0]!r} here for a mark of its own", number)
    if {"answer", "tags"} & set(cell.options):
        for name in _imports(cell):
            if name.split(".")[0] in _OUT_OF_REACH:
                raise cell.wrong(
                    f"{name}: graders run this cell without it; import it in a plain `# %%` cell"
                )


def _check_import(cells: list[Cell]) -> None:
    """The learner's check cells have a `check` to call."""
    for cell in cells:
        if "nstkit.grading.check" in _imports(cell):
            return
        if "check" in cell.options:
            raise cell.wrong("no cell above says `from nstkit.grading import check`")


def _imports(cell: Cell) -> set[str]:
    """The dotted names that a cell imports; none where it holds prose or a magic."""
    if cell.kind == "markdown":
        return set()
    try:
        nodes = list(ast.walk(ast.parse(cell.source)))
    except SyntaxError as error:
        if "tags" in cell.options:
            raise cell.wrong(error.msg, (error.lineno or 1) - 1) from None
        return set()
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return plain | {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
