"""What a function declares: parameters, annotations, defaults and docstring.

`declaration_in_source` reads them without importing the module, so that `nstkit transfer --help` and a mistyped
option need not wait two seconds for torch. A test compares it with `declaration` for every command that uses it.
"""

import ast
import builtins
import collections.abc
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nstkit


@dataclass(frozen=True)
class Declaration:
    """A function without its body."""

    parameters: Mapping[str, inspect.Parameter]
    doc: str


def declaration(function: Callable[..., Any]) -> Declaration:
    """What an imported function declares."""
    hints = typing.get_type_hints(function)
    parameters = inspect.signature(function).parameters
    typed = {name: p.replace(annotation=hints.get(name, p.annotation)) for name, p in parameters.items()}
    return Declaration(typed, inspect.getdoc(function) or "")


def declaration_in_source(module: str, name: str) -> Declaration:
    """What a function declares, read from its source.

    Path, and what builtins, `typing`, `collections.abc` and the module's own assignments explain, is itself; any other
    name, such as Tensor, becomes a `Foreign` class of that name.

    Args:
        module: dotted, inside nstkit.
        name: of a function at its top level.
    Raises:
        LookupError: the module has no such function.
    """
    path = Path(nstkit.__path__[0], *module.split(".")[1:]).with_suffix(".py")
    body = ast.parse(path.read_text("utf-8"), str(path)).body
    found = [node for node in body if isinstance(node, ast.FunctionDef) and node.name == name]
    if not found:
        raise LookupError(f"{module}: has no function {name!r} at its top level")
    return Declaration(_parameters(found[0].args, _Names(body)), ast.get_docstring(found[0]) or "")


class Foreign(type):
    """The class of what was not imported; whatever is looked up in one of these is another one."""

    def __getattr__(cls, name: str) -> "Foreign":
        if name.startswith("__"):
            raise AttributeError(name)
        return Foreign(name, (), {})

    def __getitem__(cls, item: object) -> "Foreign":
        return cls


class _Names(dict[str, Any]):
    """The names that a module's annotations and defaults may use."""

    def __init__(self, body: list[ast.stmt]) -> None:
        super().__init__(vars(builtins) | vars(typing) | vars(collections.abc) | {"Path": Path})
        self._assigned: dict[str, ast.expr] = {}
        for node in body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._assigned[node.targets[0].id] = node.value

    def __missing__(self, name: str) -> Any:
        if name.startswith("__"):
            raise KeyError(name)
        return self.value(self._assigned[name]) if name in self._assigned else Foreign(name, (), {})

    def value(self, node: ast.expr | None) -> Any:
        """What an expression of the module stands for; an absent one stands for "not given"."""
        if node is None:
            return inspect.Parameter.empty
        return eval(compile(ast.Expression(node), "<declaration>", "eval"), {"__builtins__": {}}, self)


def _parameters(arguments: ast.arguments, names: _Names) -> dict[str, inspect.Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    absent: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    rows = [
        (inspect.Parameter.POSITIONAL_OR_KEYWORD, positional, [*absent, *arguments.defaults]),
        (inspect.Parameter.KEYWORD_ONLY, arguments.kwonlyargs, arguments.kw_defaults),
    ]
    return {
        a.arg: inspect.Parameter(
            a.arg, kind, default=names.value(default), annotation=names.value(a.annotation)
        )
        for kind, args, defaults in rows
        for a, default in zip(args, defaults, strict=True)
    }
