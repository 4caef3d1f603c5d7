"""Desks: where an interview takes place. The interviewer shows and asks; a desk is a terminal, or a script.

A desk is asked with a clock, so that it can keep the time in view while one thinks.
"""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TextIO

from nstkit.drill.words import bracketed, clock_words, gap, say
from nstkit.drill.wrap import wrapped


class EndOfReplies(Exception):  # noqa: N818
    """Nobody answers any more: the script is at its end, or the input was closed."""


class Clock:
    """The seconds of an interview: those of earlier sittings, and those since. It never runs backwards."""

    def __init__(
        self, minutes: float, elapsed: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.total, self._before, self._now = 60.0 * minutes, elapsed, now
        self._start = now()

    @property
    def elapsed(self) -> float:
        """Seconds used so far."""
        return self._before + max(0.0, self._now() - self._start)

    @property
    def left(self) -> float:
        """Seconds left; negative once time is up."""
        return self.total - self.elapsed

    def words(self, language: str) -> str:
        """What is left, or how much over."""
        return say(language, "left" if self.left >= 0 else "over", clock=clock_words(abs(self.left)))


class Desk(Protocol):
    """What an interviewer needs of the place; it speaks one language."""

    language: str

    def show(self, text: str, *, style: str = "") -> None:
        """Show a paragraph; styles are "head", "quiet", "good" and "bad"."""

    def ask(self, prompt: str, clock: Clock, *, long: bool = False) -> str:
        """One reply; a long one ends with an empty line. EndOfReplies where there is nobody."""

    def edit(self, path: Path, clock: Clock) -> None:
        """Let a file be written; returns when it may be read."""


class Script:
    """A desk whose replies come from a list; a file has one reply per line, as text or as a JSON string."""

    def __init__(self, replies: Sequence[str], language: str = "en", out: TextIO | None = None) -> None:
        self._replies, self.language, self._out = iter(replies), language, out or sys.stdout

    @classmethod
    def from_file(cls, path: Path, language: str) -> "Script":
        """Read the replies; ValueError where the file is not there."""
        try:
            lines = path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"--answers: {path} cannot be read ({error})") from None
        return cls([_reply(line) for line in lines], language)

    def show(self, text: str, *, style: str = "") -> None:
        """Print it."""
        print(text, file=self._out, flush=True)

    def ask(self, prompt: str, clock: Clock, *, long: bool = False) -> str:
        """The next reply of the script."""
        reply = next(self._replies, None)
        if reply is None:
            raise EndOfReplies
        self.show(f"{prompt}: {reply}")
        return reply

    def edit(self, path: Path, clock: Clock) -> None:
        """The next reply is the name of a file to copy into place; an empty one leaves the stub."""
        reply = self.ask(str(path), clock)
        if reply:
            path.write_text(Path(reply).read_text("utf-8"), "utf-8")


def _reply(line: str) -> str:
    if line.startswith('"'):
        with contextlib.suppress(ValueError):
            return str(json.loads(line))
    return line


class Terminal:
    """A desk in a terminal, with the clock in its last line; plain for screen readers and pipes."""

    def __init__(self, language: str, *, plain: bool = False) -> None:
        from rich.console import Console

        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")  # a locale without UTF-8 shows ? and goes on
        self.language, self.plain = language, plain or os.environ.get("TERM") == "dumb"
        self._console = Console(highlight=False, markup=False, no_color=self.plain or None)

    def show(self, text: str, *, style: str = "") -> None:
        """Print a paragraph, wrapped to the terminal."""
        look = {"head": "bold", "quiet": "dim", "good": "green", "bad": "yellow"}.get(style, "")
        if self.language == "zh" and not self.plain:
            text = wrapped(text, self._console.width)
        self._console.print(text, style="" if self.plain else look)

    def ask(self, prompt: str, clock: Clock, *, long: bool = False) -> str:
        """Read a reply from the keyboard."""
        try:
            return self._plain(prompt, clock, long) if self.plain else self._live(prompt, clock, long)
        except EOFError:
            raise EndOfReplies from None

    def _plain(self, prompt: str, clock: Clock, long: bool) -> str:
        self.show(f"{prompt}{gap(self.language)}{bracketed(self.language, clock.words(self.language))}")
        lines = [input("> ")]
        while long and lines[-1] and not lines[0].startswith(":"):
            lines.append(input("> "))
        return "\n".join(lines).strip()

    def _live(self, prompt: str, clock: Clock, long: bool) -> str:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.output.color_depth import ColorDepth

        depth = ColorDepth.MONOCHROME if os.environ.get("NO_COLOR") else None
        self.show(prompt, style="quiet")
        session: Any = PromptSession(
            "> ", multiline=long, key_bindings=_end_with_an_empty_line() if long else None,
            prompt_continuation="  ", bottom_toolbar=lambda: f" {clock.words(self.language)} ",
            refresh_interval=1.0, color_depth=depth,
        )  # fmt: skip
        return str(session.prompt()).strip()

    def edit(self, path: Path, clock: Clock) -> None:
        """Open the user's editor, or say where the file is and wait."""
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        self.show(say(self.language, "code_file", path=path))
        if editor:
            problem = _run_editor(editor, path)
            if problem is None:
                return
            self.show(say(self.language, "editor_failed", editor=editor, why=problem), style="bad")
        self.ask(say(self.language, "code_ready"), clock)


def _run_editor(editor: str, path: Path) -> str | None:
    """Run an editor on a file; why that failed, or None."""
    try:
        done = subprocess.run([*shlex.split(editor), str(path)])
    except (OSError, ValueError) as error:
        return str(error)
    return f"exit code {done.returncode}" if done.returncode else None


def _end_with_an_empty_line() -> Any:
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    @bindings.add("enter")
    def enter(event: Any) -> None:
        buffer = event.current_buffer
        if buffer.document.current_line.strip() and not buffer.text.startswith(":"):
            buffer.newline(copy_margin=False)
        else:
            buffer.validate_and_handle()

    return bindings


@contextlib.contextmanager
def at_a_terminal() -> Iterator[None]:
    """Raise ValueError unless somebody can read and type here."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ValueError("drill: needs a terminal; `--answers FILE` replays a session without one")
    yield
