"""Cutting a lesson's test file down to what the sandbox may see: exercises, probes and what these need.

Misconceptions, accepted variants, hints and references are cut out of the syntax tree, and with them every
helper that only they use, so that no right answer lies in a learner's process.
"""

import ast
from collections.abc import Iterator


def probes_only(source: str) -> str:
    """The test module's source with nothing in it but imports, exercises, checks and their helpers."""
    tree = ast.parse(source)
    definitions = [node for node in tree.body if not _is_import(node)]
    needed = [node for node in definitions if _is_check(node) or _is_exercise(node)]
    names = set().union(*(_names_used(node) for node in needed)) if needed else set()
    while True:
        more = [n for n in definitions if n not in needed and not _is_answer(n) and _names_made(n) & names]
        if not more:
            break
        needed += more
        names |= set().union(*(_names_used(node) for node in more))
    body = [_bare(node) for node in tree.body if _is_import(node) or node in needed]
    return ast.unparse(ast.Module(body, type_ignores=[]))


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _decorators(node: ast.stmt) -> Iterator[str]:
    """The method names of decorators like `@gram_matrix.check(points=2)`."""
    for decorator in getattr(node, "decorator_list", []):
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(call, ast.Attribute):
            yield call.attr


def _is_check(node: ast.stmt) -> bool:
    return "check" in _decorators(node)


def _is_answer(node: ast.stmt) -> bool:
    return bool({"misconception", "accepts"} & set(_decorators(node)))


def _is_exercise(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Assign) else None
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "exercise"


def _names_used(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _names_made(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _bare(node: ast.stmt) -> ast.stmt:
    """An exercise without its hints and with an empty reference; anything else as it is."""
    if _is_exercise(node) and isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
        kept = [k for k in node.value.keywords if k.arg not in ("hints", "reference")]
        node.value.keywords = [*kept, ast.keyword("reference", ast.Constant(""))]
    return node
