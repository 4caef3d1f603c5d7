"""The `nstkit` command.

Commands live in modules that are imported when they are called, so that `nstkit --help` loads no torch. A user's
mistake ends as one sentence on standard error and exit code 2; --traceback or NSTKIT_TRACEBACK=1 shows where.
"""

import difflib
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer
from typer.main import get_command

from nstkit import __version__
from nstkit.cli.mistakes import TRACEBACK, VARIABLE, ended

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Show what it does: two photographs, two styles, lessons graded."),
    "transfer": ("transfer", "Render a picture in the style of others."),
    "filter": ("operations", "Blur, smooth or denoise pictures."),
    "enhance": ("operations", "Sharpen pictures, or stretch and equalise their tones."),
    "color": ("operations", "Change the colours of pictures, or take them from another."),
    "paint": ("pictures", "Draw a style painting and save it."),
    "pictures": ("pictures", "List the photographs and paintings that are at hand."),
    "encoders": ("encoders", "List the encoders, and which of them have weights here."),
    "init": ("study", "Make a study folder with fresh notebooks."),
    "status": ("study", "Show the points of each lesson, as last graded."),
    "check": ("grading", "Grade your answers."),
    "watch": ("grading", "Grade a lesson again each time you save it."),
    "hint": ("study", "Give a hint for an exercise: the idea, the shape, nearly there."),
    "solution": ("study", "Show the worked answer of an exercise you have passed."),
    "reset": ("study", "Bring a lesson's notebook back, keeping a dated copy of yours."),
    "train": ("train", "Train GANs and one-pass transfers on folders of pictures."),
    "drill": ("drill", "Hold a mock interview, with a clock and a scorecard."),
    "anki": ("drill", "Write the interview questions as an Anki deck."),
    "course": ("course", "Make a ready nbgrader course."),
    "grade": ("course", "Grade the submissions of a whole class."),
    "build": ("build", "Build the lesson notebooks from their masters."),
}
"""Each command: its module in here, which has a function of its name, and its line in `nstkit --help`."""

GROUPS = ("filter", "enhance", "color", "train")
"""Commands that have commands of their own: their module's function `group` makes them."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; the console script's entry.

    Args:
        arguments: in place of the program's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    traceback = TRACEBACK in words or bool(os.environ.get(VARIABLE))
    words = [word for word in words if word != TRACEBACK]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # ? for what a terminal or a pipe on Windows has no code for
    sys.exit(ended(lambda: run(words or ["--help"]), traceback=traceback))


def run(words: Sequence[str]) -> None:
    """Parse and execute; exceptions come out as they are."""
    command = get_command(app(_asked(words)))
    with command.make_context("nstkit", list(words), obj=tuple(words)) as context:
        command.invoke(context)


def _asked(words: Sequence[str]) -> str | None:
    """The command that the words name, if any (ValueError with the nearest if there is none of that name)."""
    name = next((word for word in words if not word.startswith("-")), None)
    if name is None or name in COMMANDS:
        return name
    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean `nstkit {near[0]}`?" if near else f"there are {', '.join(COMMANDS)}"
    raise ValueError(f"no command {name!r}; {hint}")


def app(asked: str | None) -> typer.Typer:
    """The Typer app: the command `asked` for real, the others as a name and a line of help."""
    root = typer.Typer(
        help="Neural style transfer to use, to read, and to prepare interviews with.",
        epilog=f"A mistake ends in one sentence; {TRACEBACK} shows where it was noticed.",
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    root.callback()(_root)
    for name, (module, summary) in COMMANDS.items():
        real = name == asked
        if real and name in GROUPS:
            root.add_typer(import_module(f"nstkit.cli.{module}").group(name), name=name)
            continue
        function = getattr(import_module(f"nstkit.cli.{module}"), name) if real else _named
        root.command(name, help=None if real else summary)(function)
    return root


def _print_version(asked: bool) -> None:
    if asked:
        print(f"nstkit {__version__}")
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", "-V", is_eager=True, callback=_print_version, help="Show the version.")
]


def _root(version: _Version = False) -> None: ...


def _named() -> None: ...
