"""How commands talk: messages on standard error, progress that suits the terminal, colour only where wanted."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


def messages() -> Console:
    """The console for messages; rich honours NO_COLOR and knows when it is no terminal."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


class Meter:
    """Progress of a run of steps: a bar in a terminal, a line now and then elsewhere, or nothing."""

    def __init__(self, bar: Progress | None, quiet: bool) -> None:
        self._bar, self._quiet = bar, quiet
        self._task = bar.add_task("", total=None) if bar is not None else None
        self._last = 0.0

    def due(self, seconds: float) -> bool:
        """Whether the last update is `seconds` ago: reading losses waits for the device, so do it seldom."""
        return time.monotonic() - self._last >= seconds

    def update(self, label: str, done: int, total: int, detail: str = "") -> None:
        """Show where the run stands."""
        self._last = time.monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task, completed=done, total=total, description=f"{label}  [dim]{detail}[/]"
            )
        elif not self._quiet:
            print(f"{label}  {done}/{total}  {detail}".rstrip(), file=sys.stderr, flush=True)

    @property
    def interval(self) -> float:
        """Seconds between updates that suit this kind of output."""
        return 0.25 if self._bar is not None else 10.0


@contextmanager
def meter(quiet: bool = False) -> Iterator[Meter]:
    """A Meter for the length of a block."""
    console = messages()
    if quiet or not console.is_terminal:
        yield Meter(None, quiet)
        return
    columns: list[Any] = [BarColumn(bar_width=max(8, min(30, console.width // 4)))]
    if console.width >= 60:
        columns.append(TextColumn("{task.completed}/{task.total}"))
        columns.append(TimeRemainingColumn(compact=True))
    columns.append(TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        yield Meter(bar, quiet)
