"""The `nstkit` command.

Commands live in modules that are imported when they are called, so that `nstkit --help` loads no torch.
A user's mistake ends as one sentence on standard error and exit code 2; NSTKIT_TRACEBACK=1 shows where.
"""

import difflib
import functools
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Show what it does: two photographs, two styles, lessons graded."),
    "transfer": ("transfer", "Render a picture in the style of others."),
    "paint": ("pictures", "Draw a style painting and save it."),
    "pictures": ("pictures", "List the photographs and paintings that are at hand."),
    "encoders": ("pictures", "List the encoders, and which of them have weights here."),
    "init": ("study", "Make a study folder with fresh notebooks."),
    "status": ("study", "Show the points of each lesson, as last graded."),
    "check": ("grading", "Grade your answers."),
    "watch": ("grading", "Grade a lesson again each time you save it."),
    "hint": ("study", "Give a hint for an exercise: the idea, the shape, nearly there."),
    "solution": ("study", "Show the worked answer of an exercise you have passed."),
    "reset": ("study", "Bring a lesson's notebook back, keeping a dated copy of yours."),
    "build": ("build", "Build the lesson notebooks from their masters."),
}
OWN_MISTAKES = (
    ValueError,
    TypeError,
    KeyError,
    FileExistsError,
    FileNotFoundError,
    PermissionError,
    RuntimeError,
)


def main() -> None:
    """Run the command line; the console script's entry."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from nstkit import __version__

        print(f"nstkit {__version__}")
        return
    asked = next((word for word in sys.argv[1:] if not word.startswith("-")), None)
    if asked is not None and asked not in COMMANDS:
        near = difflib.get_close_matches(asked, COMMANDS, 1)
        hint = f"did you mean `nstkit {near[0]}`?" if near else f"there are {', '.join(COMMANDS)}"
        fail(f"no command {asked!r}; {hint}")
    app(asked)()


def app(asked: str | None) -> Any:
    """The Typer app: the command `asked` for real, the others as a name and a line of help."""
    import typer

    root = typer.Typer(
        help="Neural style transfer to use, to read, and to prepare interviews with.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    root.callback()(_root)
    for name, (module, summary) in COMMANDS.items():
        function = getattr(import_module(f"nstkit.cli.{module}"), name) if name == asked else _named(summary)
        root.command(name, help=None if name == asked else summary)(guarded(function))
    return root


def _root() -> None:
    """Neural style transfer to use, to read, and to prepare interviews with."""


def _named(summary: str) -> Callable[[], None]:
    def command() -> None: ...

    command.__doc__ = summary
    return command


def guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The command with users' mistakes turned into one sentence and exit code 2, Ctrl-C into 130."""

    @functools.wraps(function)
    def command(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            print("\nstopped", file=sys.stderr)
            raise SystemExit(130) from None
        except OWN_MISTAKES as error:
            if os.environ.get("NSTKIT_TRACEBACK"):
                raise
            fail(sentence(error))

    return command


def sentence(error: BaseException) -> str:
    """The message of an error as a user reads it."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def fail(message: str, code: int = 2) -> NoReturn:
    """Write one sentence to standard error and exit."""
    print(f"nstkit: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)
