'''Masters: the one place where a lesson's prose and worked answers are written.

A master `solutions/NN_slug.py` is a Python file in jupytext's percent format: it runs as it stands, and
JupyterLab with jupytext opens it as a notebook. A line `# %%` starts a cell and says what it is:

    # %% [markdown]                         prose: comment lines, or one string r"""…""" without the `# `
    # %% tags=["setup"]                     imports and helpers that the grader runs too: numpy, torch, not nstkit
    # %%                                    a demonstration or figure: uses the library, never the learner's code
    # %% answer="gram_matrix"               an answer: signature and docstring, and the solution between two marks
    # %% check="gram_matrix"                left empty: becomes `check(gram_matrix)`, worth the exercise's points
    # %% [markdown] interview="question"    left empty: question and follow-ups from interview.toml
    # %% [markdown] interview="answer"      left empty: model answer, rubric and wrong answers, folded

An answer; learners see a line that raises in the place of everything from mark to mark:

    # %% answer="gram_matrix"
    def gram_matrix(features: Tensor, normalize: str = "chw") -> Tensor:
        """The whole contract: shapes, dtype, range, formula, errors."""
        ### BEGIN SOLUTION
        flat = features.flatten(2)
        return flat @ flat.mT / flat[0].numel()
        ### END SOLUTION

A class keeps its public methods, each with a solution of its own between marks. One demonstration cell says
`from nstkit.grading import check`. All else (points, ids, nbgrader's metadata, the notice on top) the build adds.

This reader needs the standard library alone and keeps line numbers for messages and tracebacks; jupytext,
which has none, reads the same cells (tested).
'''

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from nstkit.lessons.find import shown

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
TAGS = ("setup",)
PLACES = ("question", "answer")
_OPTIONS = {"code": ("tags", "answer", "check"), "markdown": ("interview",)}
_HEADER = re.compile(r"#\s*%%")
_OPTION = re.compile(r'(\w+)=("[^"]*"|\[[^\]]*\])\s*')


@dataclass(frozen=True)
class Cell:
    """One cell: "code" or "markdown", its text, its options, and the lines of the file where each starts."""

    kind: str
    source: str
    options: Mapping[str, Any]
    path: Path
    header: int
    line: int

    def wrong(self, message: str, offset: int | None = None) -> ValueError:
        """The error to raise about the header, or about a line of the text counted from 0."""
        line = self.header if offset is None else self.line + offset
        return ValueError(f"{shown(self.path)}:{line}: {message}")


def read_master(path: Path) -> list[Cell]:
    """The cells of a master as written.

    Raises:
        ValueError: the file, a header or a prose cell cannot be read, with file and line.
    """
    try:
        lines = path.read_text("utf-8").split("\n")
    except FileNotFoundError:
        raise ValueError(f"{shown(path)}: no such file; a lesson's master belongs there") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{shown(path)}: expected UTF-8 ({error})") from None
    headers = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    for number, line in enumerate(lines[: headers[0] if headers else None], 1):
        if line.strip() and not line.startswith("#"):
            raise ValueError(f"{shown(path)}:{number}: expected a cell header `# %%` first, got {line!r}")
    return [_cell(path, start + 1, lines[start:end]) for start, end in pairwise([*headers, len(lines)])]


def _cell(path: Path, number: int, lines: list[str]) -> Cell:
    """The cell of `lines`: a header, in line `number` of the file, and a text."""
    text = "\n".join(lines[1:]).rstrip()
    source = text.lstrip("\n")
    bare = Cell("code", source, {}, path, number, number + 1 + len(text) - len(source))
    kind, options = _header(bare, _HEADER.sub("", lines[0], count=1).strip())
    return replace(bare, kind=kind, options=options, source=source if kind == "code" else _prose(bare))


def _header(cell: Cell, text: str) -> tuple[str, dict[str, Any]]:
    """The kind of cell and the options that a header asks for."""
    kind = "markdown" if text.startswith("[markdown]") else "code"
    rest, options = text.removeprefix("[markdown]").strip(), {}
    while rest:
        found = _OPTION.match(rest)
        if found is None or found[1] not in _OPTIONS[kind]:
            known = ", ".join(_OPTIONS[kind])
            raise cell.wrong(f"cannot read {rest!r} in the header of a {kind} cell; known: {known}")
        options[found[1]] = _value(cell, found[1], found[2])
        rest = rest[found.end() :]
    if len(options) > 1:
        raise cell.wrong(f"expected one of {', '.join(options)}; a cell is one thing")
    return kind, options


def _value(cell: Cell, key: str, text: str) -> Any:
    """The value of an option: one of a few words, or the name of an exercise."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if key == "tags" and not (isinstance(value, list) and value and set(value) <= set(TAGS)):
        raise cell.wrong(f'tags: expected ["setup"], got {text}')
    if key == "interview" and value not in PLACES:
        raise cell.wrong(f"interview: expected one of {', '.join(PLACES)}, got {text}")
    if key in ("answer", "check") and not isinstance(value, str):
        raise cell.wrong(f"{key}: expected the name of an exercise in quotes, got {text}")
    return value


def _prose(cell: Cell) -> str:
    """The text of a markdown cell without the comment signs or the quotes around it."""
    if cell.source.lstrip("r").startswith('"""'):
        try:
            return str(ast.literal_eval(cell.source)).strip("\n")
        except (ValueError, SyntaxError):
            raise cell.wrong('expected one string r"""…""" and nothing after it', 0) from None
    lines = cell.source.split("\n")
    for number, line in enumerate(lines):
        if line.strip() and not line.startswith("#"):
            raise cell.wrong(f"expected prose as comment lines `# …`, got {line!r}", number)
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines).strip("\n")
