"""Command-line options from a function's signature: each type, default and help text exists once.

The keyword-only parameters of a function become options; their help comes from the docstring's Args. An
option that is not given is left out of the call, so that the function's own default applies and it is known
which options were asked for.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

import typer


@dataclass(frozen=True)
class Option:
    """One option: how it is written, what it means, and how its text becomes a value."""

    name: str
    kind: Any
    metavar: str | None
    help: str
    parse: Callable[[Any], Any]


def options_of(function: Callable[..., Any], skip: Collection[str] = ()) -> dict[str, Option]:
    """The options that a function's keyword-only parameters make, but those to skip."""
    hints, helps = typing.get_type_hints(function), help_texts(function)
    signature = inspect.signature(function).parameters
    return {
        name: _option(name, hints[name], parameter.default, helps.get(name, ""))
        for name, parameter in signature.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name not in skip
    }


def help_texts(function: Callable[..., Any]) -> dict[str, str]:
    """The Args section of a docstring, by parameter name."""
    text = inspect.getdoc(function) or ""
    section = re.search(r"^Args:\n((?:[ ]{4}.*\n?|\n)*)", text, re.M)
    entries = re.findall(r"^ {4}(\w[\w, ]*):\s*(.*(?:\n {8,}.*)*)", section[1] if section else "", re.M)
    return {name.strip(): " ".join(body.split()) for names, body in entries for name in names.split(",")}


def _option(name: str, hint: Any, default: Any, text: str) -> Option:
    kind = _without_none(hint)
    shown = "" if default is None or default is inspect.Parameter.empty else f" [{_show(default)}]"
    text = text.rstrip(".") + shown
    if kind is bool:
        return Option(name, bool | None, None, text, lambda value: value)
    if kind in (int, float, str):
        return Option(name, kind | None, None, text, lambda value: value)
    if get_origin(kind) is Literal:
        return Option(name, str | None, "|".join(map(str, get_args(kind))), text, lambda value: value)
    if get_origin(kind) is Mapping:
        return Option(name, list[str] | None, "NAME=WEIGHT", text, lambda value: _mapping(name, value))
    if get_origin(kind) is Sequence:
        return Option(name, str | None, "A,B,…", text, lambda value: _numbers(name, value))
    raise TypeError(f"{name}: no option for {hint}")


def _without_none(hint: Any) -> Any:
    """`int | None` to `int`; of a wider union, the part that a command line can say."""
    if get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    parts = [part for part in get_args(hint) if part is not type(None)]
    return next((part for part in parts if part is str or get_origin(part) is Literal), parts[0])


def _show(value: Any) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _mapping(name: str, entries: Sequence[str]) -> dict[str, float]:
    """["relu1_1=0.5,relu2_1=1", "relu3_1"] to a dict; a name alone weighs 1."""
    pairs = [entry.partition("=") for text in entries for entry in text.split(",") if entry]
    return {key.strip(): _number(name, value) if mark else 1.0 for key, mark, value in pairs}


def _numbers(name: str, text: str) -> list[float]:
    return [_number(name, part) for part in text.split(",") if part.strip()]


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name}: expected a number, got {text.strip()!r}") from None


def command_with_options(options: Mapping[str, Option]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a command that takes `given: dict` last: its other parameters stay, the options are added.

    The command receives in `given` those options that were named on the command line, parsed.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(command).parameters
        fixed = [parameter for name, parameter in own.items() if name != "given"]

        def call(**values: Any) -> Any:
            asked = {name: values.pop(name) for name in options}
            given = {name: options[name].parse(v) for name, v in asked.items() if v is not None and v != []}
            return command(**values, given=given)

        added = [_parameter(option) for option in options.values()]
        call.__signature__ = inspect.Signature([*fixed, *added])  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in [*fixed, *added]}
        call.__doc__, call.__name__, call.__module__ = command.__doc__, command.__name__, command.__module__
        return call

    return decorate


def _parameter(option: Option) -> inspect.Parameter:
    flag = "--" + option.name.replace("_", "-")
    names = (f"{flag}/--no-{flag[2:]}",) if option.kind == bool | None else (flag,)
    declared = typer.Option(*names, help=option.help, metavar=option.metavar, show_default=False)
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(option.name, kind, default=None, annotation=Annotated[option.kind, declared])
