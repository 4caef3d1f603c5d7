"""How the text of an option becomes a value of the type that a function declares.

`kind_of` covers numbers, text, paths, Literal choices, sequences, mappings to numbers and unions of these. Of a union,
what a command line cannot say (tensors, callables, generators) is left out.
"""

import difflib
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin


@dataclass(frozen=True)
class Kind:
    """One kind of value.

    Attributes:
        metavar: how help writes the value; empty for a flag that takes none.
        parse: from text to the value; raises ValueError with what was expected and got.
        many: the option may be repeated, or its parts separated by commas.
    """

    metavar: str
    parse: Callable[[str], Any]
    many: bool = False


FLAG = Kind("", bool)


def kind_of(hint: Any) -> Kind | None:
    """The kind of an annotation; None where a command line cannot say such a value."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        return _any_of([kind for part in get_args(hint) if (kind := kind_of(part)) is not None])
    if get_origin(hint) is Literal:
        return _choice(get_args(hint))
    if isinstance(hint, type) and hint in _PLAIN:
        return _PLAIN[hint]
    if get_origin(hint) in (Mapping, dict):
        return _mapping(kind_of(get_args(hint)[1]))
    if get_origin(hint) in (Sequence, list):
        return _sequence(kind_of(get_args(hint)[0]))
    if get_origin(hint) is tuple:
        return _tuple(
            [kind_of(part) for part in get_args(hint) if part is not Ellipsis], ... in get_args(hint)
        )
    return None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, got {text!r}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number, got {text!r}") from None


_PLAIN: dict[type, Kind] = {
    bool: FLAG,
    int: Kind("N", _integer),
    float: Kind("X", _number),
    str: Kind("TEXT", str),
    Path: Kind("PATH", Path),
}


def _choice(values: tuple[Any, ...]) -> Kind:
    by_text = {str(value): value for value in values}

    def parse(text: str) -> Any:
        if text in by_text:
            return by_text[text]
        near = difflib.get_close_matches(text, by_text, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"expected {' or '.join(by_text)}, got {text!r}{hint}")

    return Kind("|".join(by_text), parse)


def _any_of(kinds: list[Kind]) -> Kind | None:
    """The first kind that accepts the text; what the last one says where none does."""

    def parse(text: str) -> Any:
        for kind in kinds[:-1]:
            try:
                return kind.parse(text)
            except ValueError:
                continue
        return kinds[-1].parse(text)

    if len(kinds) < 2:
        return kinds[0] if kinds else None
    return Kind("|".join(kind.metavar for kind in kinds), parse, any(kind.many for kind in kinds))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _sequence(item: Kind | None) -> Kind | None:
    if item is None:
        return None
    return Kind(f"{item.metavar},…", lambda text: [item.parse(part) for part in _parts(text)], many=True)


def _tuple(items: list[Kind | None], endless: bool) -> Kind | None:
    kinds = [item for item in items if item is not None]
    if len(kinds) < len(items):
        return None
    if endless:
        return Kind(f"{kinds[0].metavar},…", lambda text: tuple(map(kinds[0].parse, _parts(text))), many=True)

    def parse(text: str) -> tuple[Any, ...]:
        parts = _parts(text)
        if len(parts) != len(kinds):
            raise ValueError(f"expected {len(kinds)} values separated by commas, got {text!r}")
        return tuple(kind.parse(part) for kind, part in zip(kinds, parts, strict=True))

    return Kind(",".join(kind.metavar for kind in kinds), parse)


def _mapping(weight: Kind | None) -> Kind | None:
    """NAME=VALUE, and for numbers also NAME alone, which weighs 1."""
    if weight is None:
        return None

    def parse(text: str) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        for part in _parts(text):
            name, mark, value = (piece.strip() for piece in part.partition("="))
            if not name or name in pairs:
                raise ValueError(f"expected each name once, as NAME={weight.metavar}, got {text!r}")
            pairs[name] = weight.parse(value) if mark else weight.parse("1")
        return pairs

    return Kind(f"NAME={weight.metavar},…", parse, many=True)
