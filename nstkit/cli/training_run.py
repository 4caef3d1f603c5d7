"""One run of `nstkit train`: checked, watched, stored now and then, finished or left to go on from exactly."""

import math
import os
import shlex
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from nstkit.cli.console import Meter, meter
from nstkit.cli.encoders import encoder_line
from nstkit.cli.interrupt import Interrupt
from nstkit.cli.options import shown
from nstkit.cli.run_folder import RunFolder
from nstkit.cli.sources import picture
from nstkit.cli.train import ADAIN, CYCLEGAN, DCGAN, FAST
from nstkit.gan.cyclegan_training import train_cyclegan
from nstkit.gan.dcgan_training import train_dcgan
from nstkit.training import NonFiniteTraining
from nstkit.training.checks import check_number
from nstkit.training.on_folders import FolderStep, Trained
from nstkit.transfer.adain_folder_training import train_adain
from nstkit.transfer.fast_training import train_fast

TRAINERS: Mapping[str, Any] = {
    "fast": train_fast, "adain": train_adain, "dcgan": train_dcgan, "cyclegan": train_cyclegan,
}  # fmt: skip
OPTIONS = {"fast": FAST, "adain": ADAIN, "dcgan": DCGAN, "cyclegan": CYCLEGAN}
FREE = dict.fromkeys(("fast", "adain", "dcgan"), ("device", "steps")) | {"cyclegan": ("device",)}
"""Options that may change on resuming: a CycleGAN's learning rate falls with its number of steps."""

CHECKPOINT_SECONDS = 60.0
LOG_EVERY = 10
NAMED = 10
"""Passed-over files that are named; more are counted."""


@dataclass(frozen=True)
class Order:
    """What was asked for.

    Attributes:
        given: the trainer's options that were named.
        words: the whole command line, to say how to go on.
        style: the picture whose style is learned, where there is one.
    """

    kind: str
    folders: tuple[Path, ...]
    output: Path
    sample_every: int
    resume: bool
    quiet: bool
    given: dict[str, Any]
    words: tuple[str, ...]
    style: str | None = None

    def described(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What options.json says."""
        folders = [str(folder.resolve()) for folder in self.folders]
        return {"kind": self.kind, "folders": [*self._style(), *folders], "options": options}

    def _style(self) -> list[str]:
        if self.style is None:
            return []
        return [str(Path(self.style).resolve()) if Path(self.style).exists() else self.style]


def carry_out(order: Order) -> None:
    """Do it; exits with 130 where Ctrl-C stopped it.

    Raises:
        ValueError, OSError: something cannot be, or cannot be written.
        NonFiniteTraining: a loss blew up; the latest good checkpoint is kept.
    """
    leader = int(os.environ.get("RANK", "0")) == 0
    folder = RunFolder(order.output)
    options = _agreed(order, folder)
    stored = folder.state() if order.resume else None
    sources, more = _sources(order, options)
    measured = "encoder" in OPTIONS[order.kind]
    opening = encoder_line(options.get("encoder", "auto"), options.get("weights")) if measured else ""
    with meter(order.quiet or not leader) as progress:
        with Interrupt(lambda: progress.say("finishing this step; Ctrl-C again quits at once")) as interrupt:
            watch = Watch(order, folder, progress, interrupt, options, opening)
            try:
                train = TRAINERS[order.kind]
                watched = watch if leader else watch.idle
                trained = train(*sources, **options, **more, on_step=watched, resume=stored)
            except NonFiniteTraining as error:
                raise NonFiniteTraining(f"{error}; {folder.left}") from error
        if leader:
            _end(order, folder, progress, trained)
        if not trained.finished:
            sys.exit(128 + (interrupt.number or 2))


def _agreed(order: Order, folder: RunFolder) -> dict[str, Any]:
    """The options of this run: those given, or those of the run in the folder, which they must not contradict."""
    inside = next((f for f in order.folders if order.output.resolve().is_relative_to(f.resolve())), None)
    if inside is not None:
        raise ValueError(
            f"--output: expected a folder outside of {inside}, or its samples become pictures to learn"
        )
    if not order.resume:
        folder.check_free()
        return dict(order.given)
    before = folder.described()
    if before["kind"] != order.kind:
        raise ValueError(f"--resume: {order.output} holds a run of {before['kind']}, not of {order.kind}")
    mine = order.described({})["folders"]
    if before["folders"] != mine:
        raise ValueError(
            f"--resume: the run in {order.output} learns from {', '.join(before['folders'])}; name that"
        )
    for name, value in order.given.items():
        was = before["options"].get(name, OPTIONS[order.kind][name].default)
        was = list(was) if isinstance(was, tuple) else was
        if value != was and name not in FREE[order.kind]:
            raise ValueError(
                f"{name}: the run in {order.output} has {shown(was)}, got {shown(value)}; leave it out"
            )
    options: dict[str, Any] = before["options"] | order.given
    return options


def _sources(order: Order, options: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What the trainer takes by place, and what beside its options."""
    if order.style is None:
        return list(order.folders), {}
    size = options.get("style_size", FAST["style_size"].default)
    check_number("style_size", size, positive=True)
    return [picture(order.style, size), *order.folders], {"style_name": Path(order.style).stem}


class Watch:
    """Shows, logs, samples and stores a run after each of its steps; True ends it.

    Args:
        opening: said once the first step is done, and with it every check passed.
    """

    def __init__(
        self,
        order: Order,
        folder: RunFolder,
        progress: Meter,
        interrupt: Interrupt,
        options: Mapping[str, Any],
        opening: str,
    ) -> None:
        self.order, self.folder, self.progress, self.interrupt = order, folder, progress, interrupt
        self.options, self._stored, self._first, self._named = options, time.monotonic(), 0, 0
        self._opening = opening

    def __call__(self, step: FolderStep) -> bool:
        """After a step."""
        stop, last = bool(self.interrupt.number), step.step == step.steps
        if not self._first:  # all was checked by now
            self._first = step.step
            self.folder.begin(self.order.described(self.options))
            if self._opening and not self.order.quiet:
                self.progress.say(self._opening)
        self._name(step.passed_over)
        if last or step.step % LOG_EVERY == 0:
            self.folder.add_to_log(step.step, step.losses)
        if last or step.step % self.order.sample_every == 0:
            self.folder.add_samples(step.step, step.samples(), step.columns)
        if stop or last or time.monotonic() - self._stored >= CHECKPOINT_SECONDS:
            self._store(step)
        if self.progress.due():
            self._show(step)
        return stop

    def idle(self, step: FolderStep) -> bool:
        """After a step, in a process that leaves all of that to another."""
        return bool(self.interrupt.number)

    def _show(self, step: FolderStep) -> None:
        share = (step.step - self._first + 1) / (step.steps - self._first + 1)
        losses = "  ".join(f"{name} {value:.3f}" for name, value in step.losses.items())
        self.progress.update(share, f"{step.step}/{step.steps}", losses)

    def _name(self, passed_over: tuple[str, ...]) -> None:
        for line in [] if self.order.quiet else passed_over[self._named : NAMED]:
            self.progress.say(f"passed over: {line}")
        if len(passed_over) > NAMED >= self._named and not self.order.quiet:
            self.progress.say(f"passed over: {len(passed_over) - NAMED} more")
        self._named = len(passed_over)

    def _store(self, step: FolderStep) -> None:
        """Store the state, unless it is broken already: the latest good one then stays."""
        checkpoint = step.checkpoint()
        if not _finite(checkpoint):
            raise NonFiniteTraining(f"the weights are not finite (step {step.step}); lower the learning rate")
        self.folder.store(checkpoint)
        self._stored = time.monotonic()


def _finite(tree: Any) -> bool:
    if isinstance(tree, Tensor):
        return not tree.is_floating_point() or bool(tree.isfinite().all())
    if isinstance(tree, Mapping):
        return all(map(_finite, tree.values()))
    if isinstance(tree, list | tuple):
        return all(map(_finite, tree))
    return not isinstance(tree, float) or math.isfinite(tree)


def _end(order: Order, folder: RunFolder, progress: Meter, trained: Trained) -> None:
    if not trained.finished:
        words = [word for word in order.words if word != "--resume"]
        progress.say(f"stopped at step {trained.fitted.step}, which is stored")
        progress.say(f"to go on: {shlex.join(['nstkit', *words, '--resume'])}")
        return
    folder.add_networks(order.kind, trained.networks)
    if not order.quiet:
        progress.say(f"done: {folder.samples} shows what it makes; the networks are beside it")
    if not order.quiet and "model" in trained.networks:
        style = "" if order.style is not None else " STYLE"
        progress.say(
            f"to use it: nstkit transfer PHOTO{style} -o OUT.png --model {folder.path / 'model.safetensors'}"
        )
