"""Reading answers: a notebook or a plain Python file becomes a module, without starting a kernel.

From a notebook come the cells tagged `setup` and the answer cells (by nbgrader's cell metadata), compiled
each under its own file name `….ipynb[gram_matrix]`, so that a traceback names the cell and the line. Plots,
demonstrations and check cells are skipped. A cell that fails leaves the others standing. Of an answer cell that
was copied the untouched copies are skipped, and where a platform lost the metadata, an answer is the cell that
defines it.

This module runs inside the sandbox too: it needs nothing but the standard library.
"""

import __future__

import json
import linecache
import re
import sys
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FUTURE = 0
for _name in __future__.all_feature_names:
    FUTURE |= getattr(__future__, _name).compiler_flag
_HEADER = re.compile(r"# %%.*")
_STUB = "# YOUR CODE HERE\n"
_MAGIC = re.compile(r"^\s*(?:[%!]|\?)|\?\s*$")


class UnreadableAnswers(ValueError):  # noqa: N818
    """A notebook or answers file that cannot be read at all."""


@dataclass(frozen=True)
class Cell:
    """A piece of the learner's code: the exercise it answers ("" for setup), its file name, its source."""

    exercise: str
    filename: str
    source: str


@dataclass
class Answers:
    """The learner's namespace, and the errors of the cells that failed, by cell."""

    namespace: dict[str, Any]
    errors: dict[str, BaseException] = field(default_factory=dict)

    def find(self, exercise: str) -> Any:
        """The answer called `exercise`, or None if no cell defines it."""
        return self.namespace.get(exercise)

    def error_of(self, exercise: str) -> BaseException | None:
        """Why the answer is missing: its own cell's error, else that of a setup cell."""
        return self.errors.get(exercise) or self.errors.get("")


def read_cells(path: Path, shown: str | None = None, names: Iterable[str] = ()) -> list[Cell]:
    """The setup and answer cells of a notebook, or the one cell that a Python file is.

    Args:
        path: an .ipynb or .py file.
        shown: the file name that tracebacks show; default the path relative to the current folder.
        names: the lesson's exercises, to find answers whose cells have lost their metadata.
    Raises:
        UnreadableAnswers: missing, empty, broken JSON, not version 4, another language than Python.
    """
    shown = shown or _short(path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise UnreadableAnswers(
            f"{shown}: no such file; `nstkit reset` brings the lesson's notebook back"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableAnswers(f"{shown}: cannot be read ({error})") from None
    return source_cells(text, shown) if path.suffix == ".py" else notebook_cells(text, shown, names)


def source_cells(text: str, shown: str) -> list[Cell]:
    """A Python file as one cell; of a lesson's master, the setup and answer cells alone.

    A cell keeps its place in the file, so that line numbers in tracebacks are the file's own.
    """
    headers = [
        (number, match) for number, line in enumerate(text.split("\n")) if (match := _HEADER.match(line))
    ]
    if not any("answer=" in match[0] for _, match in headers):
        return [Cell("", shown, text)]
    lines, cells = text.split("\n"), []
    for (start, match), end in zip(
        headers, [*(number for number, _ in headers[1:]), len(lines)], strict=True
    ):
        answer = re.search(r'answer="(\w+)"', match[0])
        if answer or '"setup"' in match[0]:
            cells.append(Cell(answer[1] if answer else "", shown, "\n" * start + "\n".join(lines[start:end])))
    return cells


def notebook_cells(text: str, shown: str, names: Iterable[str] = ()) -> list[Cell]:
    """The setup and answer cells of a notebook given as JSON text."""
    raw = _raw_cells(text, shown)
    cells = [_cell(cell, shown) for cell in raw]
    found = {cell.exercise for cell in cells if cell is not None}
    for name in names:
        if name not in found:
            _adopt(
                cells, raw, name, f"{shown}[{name}]", re.compile(rf"^(?:async def|def|class) {name}\b", re.M)
            )
    if "" not in found and raw and cells[0] is None:
        cells[0] = Cell("", f"{shown}[setup]", _source(raw[0]))  # the setup comes first in every lesson
    return _without_untouched_copies([cell for cell in cells if cell is not None])


def _adopt(
    cells: list[Cell | None], raw: list[dict[str, Any]], name: str, filename: str, defines: re.Pattern[str]
) -> None:
    """Take the last cell without a role that defines `name` for its answer."""
    for place in reversed(range(len(cells))):
        if cells[place] is None and defines.search(_source(raw[place])):
            cells[place] = Cell(name, filename, _source(raw[place]))
            return


def _without_untouched_copies(cells: list[Cell]) -> list[Cell]:
    """The cells without those that still hold the stub, where another cell answers the same exercise."""
    answered = {cell.exercise for cell in cells if cell.exercise and _STUB not in cell.source}
    return [cell for cell in cells if cell.exercise not in answered or _STUB not in cell.source]


def _raw_cells(text: str, shown: str) -> list[dict[str, Any]]:
    if not text.strip():
        raise UnreadableAnswers(
            f"{shown}: the file is empty; `nstkit reset` brings the lesson's notebook back"
        )
    try:
        notebook = json.loads(text)
        cells, version = notebook["cells"], notebook["nbformat"]
        language = notebook.get("metadata", {}).get("kernelspec", {}).get("language", "python")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableAnswers(
            f"{shown}: not a notebook (broken JSON); `nstkit reset` brings it back"
        ) from None
    if version != 4:
        raise UnreadableAnswers(
            f"{shown}: expected a version 4 notebook, got {version}; open and save it in Jupyter"
        )
    if str(language).lower() not in ("python", "python3"):
        raise UnreadableAnswers(f"{shown}: expected a Python notebook, got one for {language}")
    return [cell for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def _cell(raw: dict[str, Any], shown: str) -> Cell | None:
    meta = raw.get("metadata") or {}
    grading = meta.get("nbgrader") or {}
    text = _source(raw)
    if grading.get("solution"):
        name = str(grading.get("grade_id", ""))
        return Cell(name, f"{shown}[{name}]", text)
    if "setup" in meta.get("tags", ()):
        return Cell("", f"{shown}[setup]", text)
    return None


def _source(raw: dict[str, Any]) -> str:
    source = raw.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def run_cells(cells: list[Cell], guard: Callable[[], Any] | None = None) -> Answers:
    """Run cells in order in one fresh module; a failing cell is noted under its exercise.

    Args:
        cells: from `read_cells`.
        guard: makes a context manager that each cell runs in (time limits, silence).
    """
    module = types.ModuleType(f"nstkit_answers_{len(sys.modules)}")
    sys.modules[module.__name__] = module  # dataclasses with string annotations look their module up
    namespace = module.__dict__
    namespace.update(display=_ignore, check=_ignore)
    answers, flags = Answers(namespace), 0
    for cell in cells:
        try:
            code, flags = _compile(cell, flags)
            with guard() if guard else _no_guard():
                exec(code, namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  (learners raise anything)
            answers.errors[cell.exercise] = error
    return answers


def _compile(cell: Cell, flags: int) -> tuple[types.CodeType, int]:
    remember_source(cell)
    try:
        code = compile(cell.source, cell.filename, "exec", flags, dont_inherit=True)
    except SyntaxError as error:  # only now look for magics: `a = (7\n% 4)` is plain Python
        try:
            code = compile(without_magics(cell.source), cell.filename, "exec", flags, dont_inherit=True)
        except SyntaxError:
            raise error from None
    return code, flags | (code.co_flags & FUTURE)  # like IPython, a __future__ import lasts


def remember_source(cell: Cell) -> None:
    """Let tracebacks show the cell's lines."""
    linecache.cache[cell.filename] = (len(cell.source), None, cell.source.splitlines(True), cell.filename)


def without_magics(source: str) -> str:
    """The source with IPython's magics, shell lines and `name?` blanked, keeping the line count."""
    lines = source.split("\n")
    if source.lstrip().startswith("%%"):
        return "\n".join("" for _ in lines)
    return "\n".join(
        _blank(line) if _MAGIC.search(line) and not line.lstrip().startswith("#") else line for line in lines
    )


def _blank(line: str) -> str:
    return line[: len(line) - len(line.lstrip())] + "pass"


def _ignore(*args: Any, **kwargs: Any) -> None:
    """Stand in for `display` and `check` while grading."""


class _no_guard:  # noqa: N801
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...


def _short(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
