"""Ctrl-C that ends a run in good order."""

import signal
from collections.abc import Callable
from types import FrameType


class Interrupt:
    """While active, the first Ctrl-C or SIGTERM is noted, for the run to end after its step; a second ends it at once.

    Args:
        on_first: called at the first one.

    Attributes:
        number: of the signal that was noted; 0 if none was.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, on_first: Callable[[], None]) -> None:
        self._on_first, self.number = on_first, 0

    def __enter__(self) -> "Interrupt":
        self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def ask(self) -> None:
        """End the run as the first Ctrl-C does; asked again, nothing more happens. Any thread may ask."""
        if not self.number:
            self.number = signal.SIGINT
            self._on_first()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise KeyboardInterrupt
        self.number = number
        self._on_first()
