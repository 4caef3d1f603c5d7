"""What a lesson's test file asks for, read from its syntax tree: quick, and without importing torch."""

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outline:
    """One exercise as declared."""

    name: str
    reference: str
    level: str
    minutes: int
    hints: tuple[str, ...]
    points: int
    checks: tuple[str, ...]


def outline(path: Path) -> tuple[Outline, ...]:
    """The exercises that a `test_NN_slug.py` declares, in order.

    Raises:
        ValueError: a declaration's argument is no literal, or the file does not parse; with file and line.
    """
    return _outline(path.resolve(), path.stat().st_mtime_ns)


@lru_cache(maxsize=128)
def _outline(path: Path, modified: int) -> tuple[Outline, ...]:
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except SyntaxError as error:
        raise ValueError(f"{path}:{error.lineno}: {error.msg}") from None
    declared = [d for node in tree.body if (d := _declaration(node, path)) is not None]
    points: dict[str, list[tuple[str, int]]] = {variable: [] for variable, _ in declared}
    for node in tree.body:
        for variable, check in _checks(node, path):
            points.setdefault(variable, []).append(check)
    return tuple(
        Outline(
            fields["name"], fields["reference"], fields["level"], fields["minutes"], tuple(fields.get("hints", ())),
            sum(worth for _, worth in points[variable]), tuple(name for name, _ in points[variable]),
        )
        for variable, fields in declared
    )  # fmt: skip


def _declaration(node: ast.stmt, path: Path) -> tuple[str, dict[str, Any]] | None:
    """`variable = exercise("name", reference=…, …)` as the variable and its arguments."""
    call = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != "exercise":
        return None
    assert isinstance(node, ast.Assign)
    target = node.targets[0]
    variable = target.id if isinstance(target, ast.Name) else ""
    fields = {keyword.arg: _literal(keyword.value, path) for keyword in call.keywords if keyword.arg}
    return variable, {"name": _literal(call.args[0], path), **fields}


def _checks(node: ast.stmt, path: Path) -> list[tuple[str, tuple[str, int]]]:
    """`@variable.check(points=N) def name` as (variable, (name, N))."""
    found = []
    for decorator in getattr(node, "decorator_list", []):
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            continue
        owner = decorator.func.value
        if decorator.func.attr == "check" and isinstance(owner, ast.Name):
            points = [_literal(k.value, path) for k in decorator.keywords if k.arg == "points"] or [1]
            found.append((owner.id, (node.name, points[0])))  # type: ignore[attr-defined]
    return found


def _literal(node: ast.expr, path: Path) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        text = ast.unparse(node)
        raise ValueError(
            f"{path}:{node.lineno}: expected a literal, got {text}; exercises are read unrun"
        ) from None
