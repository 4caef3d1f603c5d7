"""What becomes of an answer cell: the solution is cut out, the contract (signature and docstring) stays.

The cut is that of nbgrader's ClearSolutions, so that our stubs equal those of a course. nbgrader does not look
at what remains; `check_answer` does, before a learner meets a stub that cannot run or does not say what is asked.
"""

import ast
from collections.abc import Iterator

from nstkit.lessons.master import BEGIN, END, Cell

STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")


def without_solution(source: str) -> str:
    """An answer's text with a stub in the place of each stretch from mark to mark."""
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        if line.strip() == BEGIN:
            indent = line[: -len(line.lstrip())]
            kept += [indent + stub for stub in STUB]
            inside = True
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def without_marks(source: str) -> str:
    """An answer's text with the solution, without the marks around it."""
    return "\n".join(line for line in source.split("\n") if line.strip() not in (BEGIN, END))


def check_answer(cell: Cell, name: str) -> None:
    """Make sure that the stub of an answer cell is a contract that learners can work from.

    Raises:
        ValueError: the marks do not pair, either text is no Python, or the stub lost what it must keep: with line.
    """
    begins = _check_marks(cell)
    whole = _parse(cell, cell.source, "")
    stub = _parse(cell, without_solution(cell.source), "without its solution the cell is no Python: ")
    answer, left = _definition(whole, name), _definition(stub, name)
    if answer is None:
        raise cell.wrong(f"the cell defines no function or class {name}")
    inside = all(answer.lineno <= begin + 1 <= (answer.end_lineno or 0) for begin in begins)
    if not inside or left is None or len(whole.body) != len(stub.body):
        raise cell.wrong(f"the marks reach outside of {name}; put lines of its body alone between them")
    _check_contract(cell, answer, left)


def _check_marks(cell: Cell) -> list[int]:
    """The numbers of the lines that begin a solution; they and the lines that end one must alternate."""
    begins: list[int] = []
    inside = False
    for number, line in enumerate(cell.source.split("\n")):
        mark = line.strip()
        if mark not in (BEGIN, END):
            if "BEGIN SOLUTION" in line or "END SOLUTION" in line:
                raise cell.wrong(f"expected `{BEGIN}` or `{END}` on a line of its own, got {mark!r}", number)
            continue
        if inside == (mark == BEGIN):
            raise cell.wrong(f"a second `{mark}` without its other half", number)
        inside = mark == BEGIN
        begins += [number] if inside else []
    if inside or not begins:
        raise cell.wrong(f"the answer lacks `{END if inside else BEGIN}`", begins[-1] if begins else None)
    return begins


def _parse(cell: Cell, source: str, trouble: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise cell.wrong(trouble + error.msg, None if trouble else (error.lineno or 1) - 1) from None


_Definition = ast.FunctionDef | ast.ClassDef


def _definition(tree: ast.Module, name: str) -> _Definition | None:
    found = (node for node in tree.body if isinstance(node, _Definition) and node.name == name)
    return next(found, None)


def _check_contract(cell: Cell, answer: _Definition, left: _Definition) -> None:
    """Every public signature and docstring of the answer is still there in what is left of it."""
    if ast.get_docstring(answer) is None:
        raise cell.wrong(f"{answer.name} has no docstring, which is all that learners know of the task")
    kept = dict(_contracts(left))
    for name, docstring in _contracts(answer):
        if name not in kept:
            raise cell.wrong(f"{name} is cut out with the solution; keep its signature above `{BEGIN}`")
        if kept[name] != docstring:
            raise cell.wrong(f"the docstring of {name} is cut out; write it above `{BEGIN}`")
    if isinstance(left, ast.ClassDef) and any(isinstance(node, ast.Raise) for node in left.body):
        raise cell.wrong(f"the marks lie in the body of class {left.name}; put them inside its methods")


def _contracts(node: _Definition, outer: str = "") -> Iterator[tuple[str, str | None]]:
    """The names and docstrings of a function, or of a class and its public methods."""
    yield f"{outer}{node.name}", ast.get_docstring(node)
    for method in node.body if isinstance(node, ast.ClassDef) else ():
        if isinstance(method, _Definition) and (method.name.startswith("__") or method.name[0] != "_"):
            yield from _contracts(method, f"{node.name}.")
