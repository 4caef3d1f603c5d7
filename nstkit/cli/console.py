"""How commands talk: messages on standard error, progress that suits the terminal, colour only where wanted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from nstkit.transfer import Step

WIDE = 60
"""Columns from which on the bar has room for numbers and words."""


def messages() -> Console:
    """The console for messages; rich honours NO_COLOR and knows when it is no terminal."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


class Meter:
    """Progress of a long run: a bar in a terminal, a line now and then elsewhere, nothing if quiet."""

    def __init__(self, console: Console, bar: Progress | None, quiet: bool) -> None:
        self._console, self._bar, self.quiet = console, bar, quiet
        self._task = bar.add_task("", total=1.0, step="") if bar is not None else None
        self._interval = 0.25 if bar is not None else 10.0
        self._started, self._shown = time.monotonic(), -1e9

    def due(self) -> bool:
        """Whether it is time for an update; what it shows is read from the device, so that costs a wait."""
        return not self.quiet and time.monotonic() - self._shown >= self._interval

    def update(self, share: float, step: str, detail: str = "") -> None:
        """Show where the run stands.

        Args:
            share: of the work that is done, in [0, 1].
            step: where that is, in a few characters.
                detail: whatever else; left out where the terminal is narrow.
        """
        self._shown = time.monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=share, description=detail, step=step)
        elif not self.quiet:
            left = remaining(self.elapsed, share)
            self.say("  ".join(part for part in (f"{100 * share:3.0f} %", step, detail, left) if part))

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    def say(self, line: str) -> None:
        """Print a line above the bar, quiet or not."""
        self._console.print(line)


def remaining(elapsed: float, share: float) -> str:
    """How long a run will still take, in words; nothing as long as that would be a guess."""
    if elapsed < 5 or not 0 < share < 1:
        return ""
    seconds = elapsed * (1 - share) / share
    return f"about {seconds:.0f} s left" if seconds < 100 else f"about {seconds / 60:.0f} min left"


def work_done(step: "Step") -> float:
    """The share of a transfer's work that is done: a step costs as its pixels do, four times more at each scale."""
    costs = [4.0**scale for scale in range(step.scales)]
    return (sum(costs[: step.scale - 1]) + costs[step.scale - 1] * step.step / step.steps) / sum(costs)


@contextmanager
def meter(quiet: bool = False) -> Iterator[Meter]:
    """A Meter for the length of a block."""
    console = messages()
    if quiet or not console.is_terminal:
        yield Meter(console, None, quiet)
        return
    with Progress(*_columns(console.width), console=console, transient=True) as bar:
        yield Meter(console, bar, quiet)


def _columns(width: int) -> list[ProgressColumn]:
    bar, left = BarColumn(bar_width=max(6, min(30, width // 5))), TimeRemainingColumn(compact=True)
    step = TextColumn("{task.fields[step]}", markup=False)
    detail: list[Any] = [TextColumn("{task.description}", style="dim", markup=False)] if width >= WIDE else []
    return [bar, left, step, *detail]
