"""What a lesson's test file asks for, read from its syntax tree: quick, and without importing torch."""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from nstkit.lessons.find import shown

LEVELS = ("easy", "medium", "hard")
_KINDS = {"name": str, "reference": str, "level": str, "minutes": int, "hints": (list, tuple)}
_WORDS = {str: "a text", int: "a whole number", (list, tuple): "a list of texts"}


@dataclass(frozen=True)
class Outline:
    """One exercise as declared; `line` is where, `checks` are the names of its probes."""

    name: str
    reference: str
    level: str
    minutes: int
    hints: tuple[str, ...]
    points: int
    checks: tuple[str, ...]
    line: int


def outline(path: Path) -> tuple[Outline, ...]:
    """The exercises that a `test_NN_slug.py` declares, in order.

    Raises:
        ValueError: the file does not parse, or a declaration cannot be read unrun; with file and line.
    """
    return _outline(path.resolve(), path.stat().st_mtime_ns)


@lru_cache(maxsize=128)
def _outline(path: Path, modified: int) -> tuple[Outline, ...]:
    return _Reader(path).outline()


class _Reader:
    """Reads one test file; knows how to name a place in a message."""

    def __init__(self, path: Path) -> None:
        self.path = path
        text = path.read_text("utf-8")
        self.lines = text.split("\n")
        try:
            self.tree = ast.parse(text)
        except SyntaxError as error:
            raise ValueError(f"{shown(path)}:{error.lineno}: {error.msg}") from None

    def outline(self) -> tuple[Outline, ...]:
        declared = self.declarations()
        checks: dict[str, list[tuple[str, int]]] = {variable: [] for variable in declared}
        for variable, call, function in self.decorated():
            if variable not in declared:
                self.wrong(call, f"@{variable}.check: no exercise is called so{_nearest(variable, declared)}")
            checks[variable].append((function.name, self.points(call)))
        return tuple(
            Outline(
                **fields,
                points=sum(points for _, points in checks[variable]),
                checks=tuple(name for name, _ in checks[variable]),
            )
            for variable, fields in declared.items()
        )

    def declarations(self) -> dict[str, dict[str, Any]]:
        """The fields of each `variable = exercise(…)`, by variable."""
        found: dict[str, dict[str, Any]] = {}
        plain = {id(node.value): node for node in self.tree.body if isinstance(node, ast.Assign)}
        for call in self.calls("exercise"):
            target = plain[id(call)].targets[0] if id(call) in plain else None
            if not isinstance(target, ast.Name):
                self.wrong(call, "exercise: expected `name = exercise(…)` at the top level of the file")
            fields = self.fields(call)
            if fields["name"] in [other["name"] for other in found.values()]:
                self.wrong(call, f"exercise: {fields['name']!r} is declared twice")
            found[target.id] = fields
        return found

    def fields(self, call: ast.Call) -> dict[str, Any]:
        """The arguments of `exercise(…)`, checked."""
        given = {keyword.arg or "**": keyword.value for keyword in call.keywords}
        if call.args:
            given = {"name": call.args[0], **given}
        if len(call.args) > 1 or not given.keys() <= _KINDS.keys():
            self.wrong(call, f"exercise: expected a name, then {', '.join([*_KINDS][1:])} by keyword")
        values: dict[str, Any] = {"hints": ()} | {key: self.literal(key, node) for key, node in given.items()}
        missing = [key for key in _KINDS if key not in values]
        if missing:
            self.wrong(call, f"exercise: {missing[0]} is missing")
        level, name = values["level"], values["name"]
        if level not in LEVELS:
            self.wrong(given["level"], f"level: expected one of {', '.join(LEVELS)}, got {level!r}")
        if not (name.isidentifier() and name.isascii()):
            self.wrong(given["name"], f"name: expected the name of a function or class, got {name!r}")
        return {**values, "hints": tuple(values["hints"]), "line": call.lineno}

    def decorated(self) -> Iterator[tuple[str, ast.expr, ast.FunctionDef]]:
        """Each `@variable.check(…)`: the variable, the decorator, the function below."""
        for function in self.nodes(".check"):
            if not isinstance(function, ast.FunctionDef):
                continue
            for decorator in function.decorator_list:
                method = decorator.func if isinstance(decorator, ast.Call) else decorator
                if isinstance(method, ast.Attribute) and method.attr == "check":
                    yield ast.unparse(method.value), decorator, function

    def points(self, decorator: ast.expr) -> int:
        """The points that `@variable.check(points=N)` is worth; 1 where it does not say."""
        if not isinstance(decorator, ast.Call) or decorator.args:
            self.wrong(decorator, f"expected `.check(points=N)`, got {ast.unparse(decorator)}")
        given = [self.literal("points", k.value, int) for k in decorator.keywords if k.arg == "points"]
        return given[0] if given else 1

    def literal(self, key: str, node: ast.expr, kind: Any = None) -> Any:
        """The value of an argument that is written out, of the kind that it should be."""
        kind = kind or _KINDS[key]
        try:
            value = ast.literal_eval(node)
        except ValueError:
            text = ast.unparse(node)
            self.wrong(node, f"{key}: expected a literal, got {text}; exercises are read unrun")
        if not _is(value, kind):
            self.wrong(node, f"{key}: expected {_WORDS[kind]}, got {value!r}")
        return value

    def calls(self, name: str) -> list[ast.Call]:
        """The calls of a function by its bare name, in the order of the file."""
        calls = [node for node in self.nodes(name) if isinstance(node, ast.Call)]
        named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]
        return sorted(named, key=lambda call: call.lineno)

    def nodes(self, word: str) -> Iterator[ast.AST]:
        """All nodes of the statements whose text has that word in it: most have not, and walking is slow."""
        for statement in self.tree.body:
            decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
            first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
            if any(word in line for line in self.lines[first - 1 : statement.end_lineno]):
                yield from ast.walk(statement)

    def wrong(self, node: ast.expr, message: str) -> NoReturn:
        raise ValueError(f"{shown(self.path)}:{node.lineno}: {message}")


def _is(value: Any, kind: Any) -> bool:
    items = value if isinstance(value, (list, tuple)) else ()
    return isinstance(value, kind) and not isinstance(value, bool) and all(isinstance(x, str) for x in items)


def _nearest(word: str, known: dict[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else ""
