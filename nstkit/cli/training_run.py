"""One run of `nstkit train`: watched, stored now and then, resumed exactly.

RUN/options.json           what the run was started with
RUN/checkpoint.safetensors the latest good state
RUN/log.jsonl              the losses, every few steps
RUN/samples/000500.png     what it makes
RUN/generator.safetensors  the networks at the end (a_to_b and b_to_a for CycleGAN)
"""

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from nstkit.cli.console import Meter, meter, remaining
from nstkit.cli.interrupt import Interrupt
from nstkit.gan.training import GanStep, Trained, train_cyclegan, train_dcgan
from nstkit.images import save_image
from nstkit.lessons.build import write_whole
from nstkit.training import load_training, save_training

TRAINERS: Mapping[str, Any] = {"dcgan": train_dcgan, "cyclegan": train_cyclegan}
CHECKPOINT_SECONDS = 60.0
LOG_EVERY = 10


@dataclass(frozen=True)
class Order:
    """What was asked for; `given` are the trainer's options that were named."""

    kind: str
    folders: tuple[Path, ...]
    output: Path
    sample_every: int
    resume: bool
    quiet: bool
    given: dict[str, Any]

    @property
    def checkpoint(self) -> Path:
        """Where the state is kept."""
        return self.output / "checkpoint.safetensors"

    def described(self) -> dict[str, Any]:
        """What options.json says."""
        return {"kind": self.kind, "folders": [str(f.resolve()) for f in self.folders], "options": self.given}


def carry_out(order: Order) -> None:
    """Do it; exits with 130 where Ctrl-C stopped it.

    Raises:
        ValueError, OSError, NonFiniteTraining: in one sentence; the latest good checkpoint is kept.
    """
    leader = int(os.environ.get("RANK", "0")) == 0
    stored, given = _prepared(order, leader)
    with meter(order.quiet or not leader) as progress:
        with Interrupt(lambda: progress.say("finishing this step; Ctrl-C again quits at once")) as interrupt:
            watch = Watch(order, progress, interrupt, leader)
            trained = TRAINERS[order.kind](*order.folders, **given, on_step=watch, resume=stored)
        if leader:
            _end(order, progress, trained)
        if not trained.finished:
            sys.exit(128 + interrupt.number)


def _prepared(order: Order, leader: bool) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The state to go on from, if any, and the options of the run."""
    path = order.output / "options.json"
    if order.resume:
        if not path.exists():
            raise ValueError(f"--resume: {order.output} holds no run of `nstkit train`")
        before = json.loads(path.read_text("utf-8"))
        if before["kind"] != order.kind:
            raise ValueError(f"--resume: {order.output} holds a run of {before['kind']}, not of {order.kind}")
        given = before["options"] | order.given
        changed = [
            n
            for n, v in order.given.items()
            if n not in ("steps", "device") and before["options"].get(n) != v
        ]
        if changed:
            raise ValueError(
                f"--{changed[0].replace('_', '-')}: the run in {order.output} has another; leave it out"
            )
        return (load_training(order.checkpoint) if order.checkpoint.exists() else None), given
    if order.output.exists() and any(order.output.iterdir()):
        raise FileExistsError(f"{order.output}: is not empty; go on with --resume, or name a new folder")
    if leader:
        (order.output / "samples").mkdir(parents=True, exist_ok=True)
        write_whole(path, (json.dumps(order.described(), indent=1) + "\n").encode())
    return None, dict(order.given)


class Watch:
    """Shows, logs, samples and stores a run after each of its steps; True ends it."""

    def __init__(self, order: Order, progress: Meter, interrupt: Interrupt, leader: bool) -> None:
        self.order, self.progress, self.interrupt, self.leader = order, progress, interrupt, leader
        self._stored = time.monotonic()
        self._first = 0

    def __call__(self, step: GanStep) -> bool:
        """After a step."""
        stop = bool(self.interrupt.number)
        if not self.leader:
            return stop
        self._first = self._first or step.step
        self._log(step)
        if step.step % self.order.sample_every == 0 or step.step == step.steps:
            save_samples(step.samples(), step.columns, self.order.output / "samples" / f"{step.step:06}.png")
        if stop or step.step == step.steps or time.monotonic() - self._stored >= CHECKPOINT_SECONDS:
            self._store(step)
        if self.progress.due():
            share = (step.step - self._first + 1) / (step.steps - self._first + 1)
            detail = "  ".join(f"{name} {value:.3f}" for name, value in step.losses.items())
            left = remaining(self.progress.elapsed, share)
            self.progress.update(share, f"{step.step}/{step.steps}", f"{detail}  {left}")
        return stop

    def _log(self, step: GanStep) -> None:
        if step.step % LOG_EVERY and step.step != step.steps:
            return
        with open(self.order.output / "log.jsonl", "a", encoding="utf-8") as log:
            log.write(
                json.dumps({"step": step.step, **{k: round(v, 6) for k, v in step.losses.items()}}) + "\n"
            )

    def _store(self, step: GanStep) -> None:
        """Store the state, unless it is broken already: the latest good one then stays."""
        checkpoint = step.checkpoint()
        if _finite(checkpoint):
            save_training(checkpoint, self.order.checkpoint)
        self._stored = time.monotonic()


def _finite(tree: Any) -> bool:
    if isinstance(tree, Tensor):
        return not tree.is_floating_point() or bool(tree.isfinite().all())
    if isinstance(tree, Mapping):
        return all(map(_finite, tree.values()))
    if isinstance(tree, list | tuple):
        return all(map(_finite, tree))
    return not isinstance(tree, float) or math.isfinite(tree)


def save_samples(pictures: Tensor, columns: int, path: Path) -> None:
    """Write pictures (N, 3, S, S) in [0, 1] as one grid."""
    from torchvision.utils import make_grid

    save_image(make_grid(pictures, nrow=columns, padding=2, pad_value=1.0)[None], path, overwrite=True)


def _end(order: Order, progress: Meter, trained: Trained) -> None:
    for line in trained.passed_over:
        progress.say(f"passed over: {line}")
    if not trained.finished:
        progress.say(
            f"stopped at step {trained.fitted.step}; the same command with --resume goes on from there"
        )
        return
    for name, network in trained.generators.items():
        weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
        write_whole(
            order.output / f"{name}.safetensors",
            save(weights, {"kind": order.kind, "torch": torch.__version__}),
        )
    progress.say(f"done: {order.output}/samples shows what it makes; the networks are beside it")
