"""How a command ends when something is wrong: one sentence for the user's mistakes, a traceback for ours."""

import linecache
import os
import signal
import sys
from collections.abc import Callable

TRACEBACK = "--traceback"
VARIABLE = "NSTKIT_TRACEBACK"
TOO_LITTLE_MEMORY = "out of memory; --tile 1024 reads a picture in parts, and a smaller --size needs less"
"""Where it is not known what would fit; `nstkit transfer` knows (see `cli/memory.py`)."""


def ended(call: Callable[[], object], *, traceback: bool = False) -> int:
    """Call, and return an exit code: 0, 2 after a user's mistake, 130 after Ctrl-C.

    Args:
        traceback: let every exception through.
    """
    try:
        call()
    except KeyboardInterrupt:
        if traceback:
            raise
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the program ends; an impatient second one adds nothing
        print("\nnstkit: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if _is_exit(error):
            return int(error.exit_code)  # type: ignore[attr-defined]
        text = None if traceback else sentence(error)
        if text is None:
            raise
        print(f"nstkit: {text}", file=sys.stderr)
        return 2
    return 0


def sentence(error: Exception) -> str | None:
    """What a user is told about an error; None where it is a defect of the program, which needs a traceback."""
    if _is_usage(error):
        return _usage(error)
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror or error}"
    if type(error).__module__.startswith("nstkit.") or _raised_by_nstkit(error):
        return " ".join(str(error.args[0] if isinstance(error, KeyError) else error).split())
    return TOO_LITTLE_MEMORY if out_of_memory(error) else None


# Typer brings its own copy of click or uses the installed one, by version: their exceptions are told by their looks.


def _is_exit(error: Exception) -> bool:
    return hasattr(error, "exit_code") and not hasattr(error, "format_message")


def _is_usage(error: Exception) -> bool:
    return hasattr(error, "format_message")


def _usage(error: Exception) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "nstkit"
    return f"{message[:1].lower()}{message[1:]}; see `{path} --help`"


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left, on the CPU (PyTorch's has no class of its own) or a GPU."""
    said = any(words in str(error).lower() for words in ("out of memory", "can't allocate memory"))
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and said)


def _raised_by_nstkit(error: Exception) -> bool:
    """Whether a `raise` of ours complains about an argument, rather than something we called about ours."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None or not isinstance(error, (ValueError, TypeError, KeyError, OSError)):
        return False
    module, file = place.tb_frame.f_globals.get("__name__", ""), place.tb_frame.f_code.co_filename
    return module.startswith("nstkit.") and linecache.getline(file, place.tb_lineno).lstrip().startswith(
        "raise"
    )
