"""Command-line options from what a function declares: each type, default and help text exists once.

Parameters with a default become options; their help comes from the docstring's Args. An option that is not given is
left out of the call, so that the function's own default applies and it is known which options were asked for.
"""

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

from nstkit.cli.declarations import Declaration
from nstkit.cli.option_kinds import FLAG, Kind, kind_of

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Option:
    """One option: its name in Python, its kind, its default and what help says about it."""

    name: str
    kind: Kind
    default: Any
    help: str

    @property
    def flag(self) -> str:
        """As it is written: --style-layers."""
        return "--" + self.name.replace("_", "-")

    def read(self, given: bool | str | list[str]) -> Any:
        """The value of what was given on the command line (ValueError, naming the flag, if it has none)."""
        if isinstance(given, bool):
            return given
        try:
            return self.kind.parse(given if isinstance(given, str) else ",".join(given))
        except ValueError as error:
            raise ValueError(f"{self.flag}: {error}") from None


def options_of(
    declared: Declaration, *, skip: Collection[str] = (), instead: Mapping[str, Kind] | None = None
) -> dict[str, Option]:
    """The options that a function's parameters make.

    Args:
        declared: parameters without a default are arguments, not options, and are passed over.
        skip: parameters that a command line cannot give, such as callbacks.
        instead: kinds that the command line has in place of the declared ones.
    Raises:
        TypeError: a parameter is of a type that no option can have; skip it or say what to use instead.
    """
    texts, kinds = help_texts(declared.doc), instead or {}
    options = {}
    for name, parameter in declared.parameters.items():
        if name in skip or (parameter.default is parameter.empty and name not in kinds):
            continue
        kind = kinds.get(name) or kind_of(parameter.annotation)
        if kind is None:
            raise TypeError(
                f"{name}: no option can be of type {parameter.annotation}; skip it, or use another kind"
            )
        options[name] = Option(name, kind, parameter.default, _help(texts.get(name, ""), parameter.default))
    return options


def help_texts(doc: str) -> dict[str, str]:
    """The Args section of a docstring, by parameter name, each on one line."""
    section = re.search(r"^Args:\n((?:[ ]{4}.*\n?|\n)*)", inspect.cleandoc(doc), re.M)
    entries = re.findall(r"^ {4}(\w[\w, ]*):\s*(.*(?:\n {8,}.*)*)", section[1] if section else "", re.M)
    return {name.strip(): " ".join(body.split()) for names, body in entries for name in names.split(",")}


def _help(text: str, default: Any) -> str:
    """From API to command line: nobody types None, or passes an object of a class."""
    text = re.sub(r",? or an? [A-Z]\w+(?=[;.,]|$)", "", text)
    text = re.sub(r"\bNone (?=[a-z])", "left out, it ", text).rstrip(".")
    return text if default in (None, inspect.Parameter.empty) else f"{text} [default: {shown(default)}]"


def shown(value: Any) -> str:
    """A value as one would type it."""
    if isinstance(value, Mapping):
        return ",".join(f"{name}={shown(weight)}" for name, weight in value.items())
    if isinstance(value, (list, tuple)):
        return ",".join(map(shown, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def takes_options(options: Mapping[str, Option]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a command whose last parameter is `given`: its other parameters stay, the options are added.

    The command gets in `given` those options that were named on the command line, as values. An error message of
    the library that starts with the name of an option's parameter comes out with the option's flag.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = [p for name, p in inspect.signature(command).parameters.items() if name != "given"]
        parameters = [*own, *map(_parameter, options.values())]

        def call(**values: Any) -> Any:
            asked = {name: values.pop(name) for name in options}
            given = {name: options[name].read(v) for name, v in asked.items() if v is not None and v != []}
            try:
                return command(**values, given=given)
            except (ValueError, TypeError, KeyError) as error:
                if error.args and not isinstance(error, OSError):
                    error.args = (_with_flag(str(error.args[0]), options), *error.args[1:])
                raise

        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        call.__doc__, call.__name__, call.__module__ = command.__doc__, command.__name__, command.__module__
        return call

    return decorate


def _parameter(option: Option) -> inspect.Parameter:
    flags: list[str] = [option.flag]
    kind: Any = str | None
    if option.kind is FLAG:
        flags, kind = [f"{option.flag}/--no-{option.flag[2:]}"], bool | None
    elif option.kind.many:
        kind = list[str] | None
    declared = typer.Option(*flags, help=option.help, metavar=option.kind.metavar or None, show_default=False)
    where = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(option.name, where, default=None, annotation=Annotated[kind, declared])


def _with_flag(message: str, options: Mapping[str, Option]) -> str:
    """The names before the colon, one or several, as flags."""

    def flag(name: re.Match[str]) -> str:
        return options[name[0]].flag if name[0] in options else name[0]

    return re.sub(r"^\w+(, \w+)*(?=[:\[])", lambda names: re.sub(r"\w+", flag, names[0]), message)
