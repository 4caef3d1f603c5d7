"""Step through a loop that one cannot enter, only watch through its callback: it waits there for its next turn."""

import threading
from collections.abc import Callable
from typing import Any

import torch


class Turns:
    """A blocking function in a thread, advanced from one call of its callback to the next.

    Args:
        function: is given the callback, and calls it once for each iteration.
        device: is waited for before an iteration counts as done.
    """

    def __init__(self, function: Callable[[Callable[..., bool]], Any], device: str) -> None:
        self._function, self._device = function, device
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._error: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()
        self._wait()  # for the first iteration, which includes all that comes before it

    def step(self) -> None:
        """Let the function run to its next callback."""
        self._go.release()
        self._wait()

    def _run(self) -> None:
        try:
            self._function(self._callback)
            raise RuntimeError("the loop came to its end")
        except BaseException as error:
            self._error = error
            self._done.release()

    def _callback(self, *_: Any) -> bool:
        wait_for(self._device)
        self._done.release()
        self._go.acquire()
        return False

    def _wait(self) -> None:
        self._done.acquire()
        if self._error is not None:
            raise self._error


def wait_for(device: str) -> None:
    """Until the device has done all that it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
