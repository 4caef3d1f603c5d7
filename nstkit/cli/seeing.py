"""What shows a run of `nstkit transfer` beside its meter: the preview page and the trace, fed by one loss history."""

import contextlib
import json
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from nstkit.cli.console import Meter
from nstkit.cli.preview import PreviewServer
from nstkit.cli.preview_state import PreviewState
from nstkit.cli.trace import Trace
from nstkit.cli.transfer import OPTIONS
from nstkit.transfer import Result, Step
from nstkit.transfer.loss_history import LossHistory

if TYPE_CHECKING:
    from nstkit.cli.session import Order


class Seeing:
    """The views that an order asks for, possibly none; a context that tells them how the run ended.

    Args:
        options: of `stylize`, as asked for.
        on_stop: called, from another thread, when the page's stop button is pressed.
    Raises:
        ValueError, FileExistsError: a view cannot be had; nothing was written.
    """

    def __init__(
        self, order: "Order", options: dict[str, Any], progress: Meter, on_stop: Callable[[], None]
    ) -> None:
        self._history, self._ended = LossHistory(), False
        self._trace: Trace | None = None
        if order.trace is not None:
            self._trace = Trace(
                order.trace, _asked(order, options), resume=order.resume, force=order.force, warn=progress.say
            )
        self._state: PreviewState | None = None
        self._server: PreviewServer | None = None
        if order.preview:
            self._state = PreviewState(f"{order.content} → {order.output.name}")
            self._server = PreviewServer(self._state, on_stop, order.preview_port)
            progress.say(self._server.url if order.quiet else f"preview: {self._server.url}")

    def after(self, step: Step) -> None:
        """Take in a step."""
        if self._trace is None and self._state is None:
            return
        if self._trace is not None:
            self._trace.open(step)
        block = self._history.add(step)
        if self._trace is not None:
            self._trace.add(block)
        if self._state is not None:
            self._state.after(step, block)

    def end(self, outcome: str, said: Sequence[str], result: Result | None = None) -> None:
        """Tell the views how the run ended: finished, stopped or failed, and the lines that say more."""
        if self._ended:
            return
        self._ended = True
        if self._trace is not None:
            self._trace.add(self._history.read())
            settled = {} if result is None else {"options": result.options.to_json()}
            self._trace.end(outcome, said=list(said), **settled)
        if self._state is not None:
            self._state.end(outcome, "\n".join(said), None if result is None else result.image)

    def __enter__(self) -> "Seeing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.end("stopped", ["interrupted twice; what was stored before is kept"])
        elif error is not None:
            self.end(
                "failed", [" ".join(str(error.args[0] if isinstance(error, KeyError) else error).split())]
            )
        if self._server is not None:
            with contextlib.suppress(KeyboardInterrupt):  # an impatient Ctrl-C need not wait for the page
                self._server.close()


def _asked(order: "Order", options: dict[str, Any]) -> dict[str, Any]:
    """What a trace's first line tells of the order: pictures, and every option as asked for or by default."""
    defaults = {name: option.default for name, option in OPTIONS.items()}
    pictures = {"content": order.content, "styles": list(order.styles), "output": str(order.output)}
    return pictures | {"asked": json.loads(json.dumps(defaults | options, default=str))}
