"""What a preview page is told of a run. The run writes it, the server's threads read it; neither waits for the other.

The picture is fetched from the device only where a page has asked, at most twice a second, and encoded by the
thread that serves the page.
"""

import io
import math
import threading
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from nstkit.cli.console import remaining, work_done
from nstkit.images import resize
from nstkit.images.writing import to_bytes
from nstkit.transfer import Step
from nstkit.transfer.loss_history import Reading

LONGEST = 1024
"""Pixels of the long side of the picture on the page."""
PAUSE = 0.5
"""Seconds between two pictures; more where fetching one takes more than a twentieth of that."""
PATIENCE = 3.0
"""Seconds that an open page has at the end to fetch it."""


class PreviewState:
    """The run as a page shows it.

    Args:
        title: the page's heading.
    """

    def __init__(self, title: str) -> None:
        self._changed = threading.Condition()
        self._facts: dict[str, Any] = {"title": title, "state": "starting", "note": ""}
        self._points: list[dict[str, Any]] = []
        self._started, self._first_share = time.monotonic(), 0.0
        self._wanted, self._fetched, self._pause = False, -1e9, PAUSE
        self._raw: np.ndarray | None = None
        self._jpeg, self._number, self._encoded = b"", 0, 0
        self._asked, self._seen_end, self._seen_picture = -1e9, False, 0

    # -- the run's side -------------------------------------------------------------------------

    def after(self, step: Step, block: Iterable[Reading]) -> None:
        """Take in a step, and the losses that were read at it."""
        share = work_done(step)
        points = [_point(reading) for reading in block]
        with self._changed:
            if self._facts["state"] == "starting":
                self._facts["state"], self._started, self._first_share = "running", time.monotonic(), share
            self._points += points
            made = (share - self._first_share) / max(1 - self._first_share, 1e-9)
            height, width = step.size
            self._facts |= {
                "done": step.done, "total": step.total, "scale": step.scale, "scales": step.scales,
                "width": width, "height": height, "share": share,
                "left": remaining(time.monotonic() - self._started, made),
            }  # fmt: skip
            fetch = self._wanted and time.monotonic() - self._fetched >= self._pause
        if fetch:
            self._fetch(step.image())

    def end(self, state: str, note: str, image: Tensor | None = None) -> None:
        """Say how the run ended: state is finished, stopped or failed; image is its last picture."""
        if image is not None:
            self._fetch(image)
        with self._changed:
            self._facts |= {"state": state, "note": note, "left": ""}
            self._changed.notify_all()

    def linger(self) -> None:
        """Wait until an open page has fetched the end, for a short while at most; not at all where none is open."""
        with self._changed:
            if time.monotonic() - self._asked < PATIENCE:
                self._changed.wait_for(
                    lambda: self._seen_end and self._seen_picture == self._number, PATIENCE
                )

    def _fetch(self, image: Tensor) -> None:
        started = time.monotonic()
        raw = to_bytes(resize(image[:1], LONGEST) if max(image.shape[-2:]) > LONGEST else image[:1])
        with self._changed:
            self._raw, self._number, self._wanted = raw, self._number + 1, False
            self._fetched = time.monotonic()
            self._pause = max(PAUSE, 20 * (self._fetched - started))
            self._changed.notify_all()

    @property
    def _ended(self) -> bool:
        return self._facts["state"] in ("finished", "stopped", "failed")

    # -- the page's side ------------------------------------------------------------------------

    def news(self, since: int) -> dict[str, Any]:
        """Where the run stands, and its losses from point number `since` on."""
        with self._changed:
            self._asked = time.monotonic()
            self._seen_end = self._ended
            self._changed.notify_all()
            return self._facts | {"points": self._points[since:], "picture": self._number}

    def picture(self, after: int) -> tuple[int, bytes | None]:
        """The number and JPEG file of a picture later than `after`, waiting a moment; None if none came."""
        with self._changed:
            self._asked, self._wanted = time.monotonic(), True
            self._changed.wait_for(lambda: self._number > after or self._ended, 1.0)
            number, raw, jpeg = self._number, self._raw, self._jpeg
            fresh = self._encoded == number
        if number <= after or raw is None:
            return after, None
        if not fresh:  # outside the lock, so that the run need not wait
            jpeg = _jpeg(raw)
        with self._changed:
            self._jpeg, self._encoded = jpeg, number
            self._seen_picture = max(self._seen_picture, number)
            self._changed.notify_all()
        return number, jpeg

    def stopping(self) -> None:
        """Note that the stop button was pressed."""
        with self._changed:
            if self._facts["state"] in ("starting", "running"):
                self._facts["state"] = "stopping"


def _point(reading: Reading) -> dict[str, Any]:
    height, width = reading.size
    losses = {name: value if math.isfinite(value) else None for name, value in reading.losses.items()}
    return {"done": reading.done, "scale": reading.scale, "size": f"{width} × {height}", "losses": losses}


def _jpeg(pixels: np.ndarray) -> bytes:
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG", quality=88)
    return encoded.getvalue()
