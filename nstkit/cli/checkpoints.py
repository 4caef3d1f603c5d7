"""What an interrupted `nstkit transfer` leaves behind, and how the next one takes it up."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nstkit.cli.options import Option, shown
from nstkit.transfer import Step, load_checkpoint, save_checkpoint

EVERY = 20.0
"""Seconds between checkpoints; more where writing one takes more than a twentieth of that."""

FREE = ("device",)
"""Options that may change on resuming, because the result does not depend on them but for rounding."""


def resume_path(output: Path) -> Path:
    """Where the checkpoint of an interrupted run lies."""
    return output.with_name(f"{output.name}.resume.safetensors")


def partial_path(output: Path) -> Path:
    """Where the picture of an interrupted run lies."""
    return output.with_name(f"{output.stem}.partial{output.suffix}")


def stored_run(output: Path, *, resume: bool, force: bool) -> dict[str, Any] | None:
    """The checkpoint to go on from, or None to start.

    Raises:
        ValueError: there is nothing to resume, or it is damaged.
        FileExistsError: starting would put an interrupted run's checkpoint at risk.
    """
    path = resume_path(output)
    if resume and not path.exists():
        raise ValueError(
            f"--resume: there is no interrupted run, {path} does not exist; leave --resume out to start"
        )
    if resume:
        return load_checkpoint(path)
    if path.exists() and not force:
        raise FileExistsError(
            f"{path}: an interrupted run is stored here; go on with --resume, or start anew with --force"
        )
    return None


def agreed_options(
    given: Mapping[str, Any], stored: Mapping[str, Any] | None, options: Mapping[str, Option]
) -> dict[str, Any]:
    """The options of this run: those given, or those of the stored run, which those given must not contradict."""
    if stored is None:
        return dict(given)
    before: dict[str, Any] = json.loads(stored["extra"]["options"])
    for name, value in given.items():
        was = before.get(name, options[name].default)
        if value != was and name not in FREE:
            raise ValueError(
                f"{name}: the interrupted run has {shown(was)}, got {shown(value)}; "
                "leave it out, or start anew with --force"
            )
    return before | {name: given[name] for name in FREE if name in given}


class Keeper:
    """Stores a checkpoint now and then, so that a crash costs little.

    Args:
        output: the picture that the run is to write; the checkpoint lies beside it.
        given: the options that were named on the command line.
        warn: told, once, if storing fails; the run goes on.

    Attributes:
        working: False once storing has failed.
    """

    def __init__(self, output: Path, given: Mapping[str, Any], warn: Callable[[str], None]) -> None:
        self._path, self._extra, self._warn = resume_path(output), {"options": json.dumps(given)}, warn
        self._last, self._pause = time.monotonic(), EVERY
        self.working = True

    def after(self, step: Step) -> None:
        """Store a checkpoint if the last one is old enough."""
        if self.working and time.monotonic() - self._last >= self._pause:
            self.store(step)

    def store(self, step: Step) -> None:
        """Store a checkpoint."""
        started = time.monotonic()
        try:
            save_checkpoint(step.checkpoint(), self._path, self._extra)
        except OSError as error:
            self.working = False
            self._warn(f"could not store a checkpoint: {error.strerror or error}")
        self._last = time.monotonic()
        self._pause = max(EVERY, 20 * (self._last - started))
