"""A transfer watched in a notebook: `stylize(content, style, on_step=LiveFigure())`."""

import io
import time
from typing import Any

from nstkit.images import resize
from nstkit.images.writing import to_bytes
from nstkit.transfer.loss_history import LossHistory
from nstkit.transfer.loss_plot import draw_losses
from nstkit.transfer.progress import Step

LONGEST = 512
"""Pixels of the picture's long side, as it is drawn."""


class LiveFigure:
    """The picture as it grows beside its loss curves, as one output of a notebook's cell that is replaced.

    Drawing takes at most a tenth of the time. Interrupting the kernel leaves the figure as it was last drawn. One
    figure is for one run. Of a batch the first picture is shown.

    Args:
        every: seconds between two drawings, at least.
    Raises:
        ImportError: there is no IPython.
    """

    def __init__(self, every: float = 0.3) -> None:
        try:
            from IPython.display import Image, display
        except ImportError as error:
            raise ImportError(
                "LiveFigure: expected a notebook, got a Python without IPython; `pip install ipython`, or use "
                "`nstkit transfer --preview`, which needs none"
            ) from error
        self._image, self._display = Image, display
        self._history, self._every = LossHistory(every), every
        self._handle: Any = None
        self._last, self._pause = -1e9, every

    def __call__(self, step: Step) -> None:
        """Note a step, and draw where it is time; never stops the run."""
        self._history.add(step)
        if time.monotonic() - self._last < self._pause and step.done != step.total:
            return
        started = time.monotonic()
        self._history.read()
        self._show(self._drawn(step), f"step {step.done} of {step.total}")
        self._last = time.monotonic()
        self._pause = max(self._every, 9 * (self._last - started))

    def _drawn(self, step: Step) -> bytes:
        """The figure as a PNG file."""
        from matplotlib.figure import Figure

        image = step.image()[:1]
        height, width = image.shape[-2:]
        shown = resize(image, LONGEST) if max(height, width) > LONGEST else image
        figure = Figure(figsize=(9, 3.6), dpi=100, layout="constrained")
        left, right = figure.subplots(1, 2)
        left.imshow(to_bytes(shown))
        left.set_title(f"step {step.done} of {step.total}, {width}x{height}", fontsize="medium")
        left.set_axis_off()
        draw_losses(right, self._history.readings)
        encoded = io.BytesIO()
        figure.savefig(encoded, format="png")
        return encoded.getvalue()

    def _show(self, png: bytes, words: str) -> None:
        output = self._image(data=png, alt=words)
        if self._handle is None:
            self._handle = self._display(output, display_id=True)
        else:
            self._handle.update(output)
