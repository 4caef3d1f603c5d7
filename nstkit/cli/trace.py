"""`--trace FILE.jsonl`: a run as JSON lines, readable at every moment, and its plot beside it.

The first line says what runs where, then comes one per step, and the last says how it ended. A resumed run appends
lines of its own, first line included; where a crash made steps run twice, the later line counts.
"""

import json
import math
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import torch

from nstkit import __version__
from nstkit.transfer import Step
from nstkit.transfer.loss_history import Reading
from nstkit.transfer.loss_plot import loss_figure

FORMAT = "nstkit-trace-1"


def plot_path(trace: Path) -> Path:
    """Where the plot lies; not FILE.png, which is often the picture's own name."""
    return trace.with_name(f"{trace.stem}.losses.png")


class Trace:
    """Writes the file; it is made with the first step, so that a run that is refused leaves none.

    Args:
        path: ends in .jsonl; its folder exists.
        asked: what the first line tells of the run beside versions and device.
        resume: append to a trace that is there.
        force: replace what is there.
        warn: told, once, if writing fails; the run goes on.
    Raises:
        ValueError: another suffix, no such folder, or a file to append to that is no trace.
        FileExistsError: the file or its plot exists.
    """

    def __init__(
        self, path: Path, asked: Mapping[str, Any], *, resume: bool, force: bool, warn: Callable[[str], None]
    ) -> None:
        _check(path, resume=resume, force=force)
        self.path, self._asked, self._warn = path, asked, warn
        self._append = resume and path.exists()
        self._file: TextIO | None = None
        self._working, self._done = True, 0

    def open(self, step: Step) -> None:
        """Begin the file, at the first step; later, nothing happens."""
        if self._file is None and self._working:
            self._guarded(lambda: self._begin(step))

    def _begin(self, step: Step) -> None:
        if self._append:
            _drop_torn_line(self.path)
        self._file = open(self.path, "a" if self._append else "w", encoding="utf-8")  # noqa: SIM115
        self._write(
            {
                "event": "start", "format": FORMAT, "time": datetime.now(UTC).isoformat(timespec="seconds"),
                **self._asked, "versions": _versions(), "device": _device(step), "first_step": step.done,
            }
        )  # fmt: skip

    def add(self, block: Iterable[Reading]) -> None:
        """Write the lines of some steps."""
        for reading in block:
            self._done = reading.done
            line = {
                "event": "step", "done": reading.done, "total": reading.total, "scale": reading.scale,
                "scales": reading.scales, "size": reading.size, "seconds": round(reading.seconds, 4),
                "losses": reading.losses,
            }  # fmt: skip
            self._guarded(lambda line=line: self._write(line))  # type: ignore[misc]

    def end(self, outcome: str, **details: Any) -> None:
        """Write the last line, close the file and draw the plot; nothing where no step was made."""
        if self._file is None:
            return
        self._guarded(
            lambda: self._write({"event": "end", "outcome": outcome, "done": self._done, **details})
        )
        self._file.close()
        self._file = None
        self._guarded(lambda: _plot(self.path))

    def _write(self, line: dict[str, Any]) -> None:
        assert self._file is not None
        self._file.write(json.dumps(_plain(line), ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()

    def _guarded(self, write: Callable[[], None]) -> None:
        if not self._working:
            return
        try:
            write()
        except OSError as error:
            self._working = False
            self._warn(f"could not write the trace: {error.strerror or error}")


def read_trace(path: Path) -> list[Reading]:
    """The steps of a trace in their order, each once: the last line of a step counts.

    Raises:
        ValueError: the file is no trace.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    if not _is_start(lines[0] if lines else ""):
        raise ValueError(f"{path}: expected a trace of `nstkit transfer --trace`, got another file")
    steps: dict[int, Reading] = {}
    for line in lines:
        event = _loaded(line)
        if event.get("event") == "start":  # where a crash lost steps, those after it are made again
            steps = {done: step for done, step in steps.items() if done < event["first_step"]}
        elif event.get("event") == "step":
            steps[event["done"]] = _reading(event)
    return list(steps.values())


def _reading(event: dict[str, Any]) -> Reading:
    losses = {name: math.nan if value is None else value for name, value in event["losses"].items()}
    height, width = event["size"]
    return Reading(
        event["done"], event["total"], event["scale"], event["scales"], (height, width), event["seconds"], losses
    )  # fmt: skip


def _check(path: Path, *, resume: bool, force: bool) -> None:
    if path.suffix.lower() != ".jsonl":
        raise ValueError(f"--trace: expected a name that ends in .jsonl, got {path}")
    if not path.parent.is_dir():
        raise ValueError(f"--trace: the folder {path.parent} does not exist; create it first")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"--trace: the folder {path.parent} may not be written to; choose another")
    if resume and path.exists():
        read_trace(path)
        return
    for there in (path, plot_path(path)):
        if there.exists() and not force:
            raise FileExistsError(
                f"{there}: exists already; choose another --trace, or replace it with --force"
            )


def _drop_torn_line(path: Path) -> None:
    """Cut off what a crash left of a line that it interrupted."""
    written = path.read_bytes()
    whole = written[: written.rfind(b"\n") + 1]
    if whole != written:
        os.truncate(path, len(whole))


def _plot(path: Path) -> None:
    steps = read_trace(path)
    if steps:
        loss_figure(steps, path.name).savefig(plot_path(path))


def _is_start(line: str) -> bool:
    return _loaded(line).get("format") == FORMAT


def _loaded(line: str) -> dict[str, Any]:
    """A line as a dictionary; an empty one where a crash cut it short."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null; paths become text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _versions() -> dict[str, str]:
    return {"nstkit": __version__, "torch": torch.__version__, "python": platform.python_version()}


def _device(step: Step) -> str:
    device = step.terms["total"].device
    if device.type == "cuda":
        return f"{device}: {torch.cuda.get_device_name(device)}"
    return f"{device}, {torch.get_num_threads()} threads"
