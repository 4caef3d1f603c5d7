"""The training loop: steps, schedules and averages in their order, watched, stopped, stored and taken up.

A run that was stopped and resumed comes to the same weights, bit by bit, as one that was not (on one machine, with
deterministic operations): a checkpoint holds every part's state, the random state, and where the data stood.
"""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from nstkit.training.batches import Batches
from nstkit.training.checkpoint import save_training
from nstkit.training.ema import WeightEMA
from nstkit.training.random_state import random_state, restore_random_state

CHECK_EVERY = 20
"""Steps between two looks at whether losses in tensors are finite: each look waits for the device."""


class Stateful(Protocol):
    """A module, an optimiser, a schedule, a `WeightEMA`, or anything else with these two."""

    def state_dict(self) -> Mapping[str, Any]:
        """Everything that its future depends on: tensors and plain data."""

    def load_state_dict(self, state: Any) -> Any:
        """Go on where `state_dict` was taken."""


class NonFiniteTraining(RuntimeError):  # noqa: N818
    """A loss became NaN or infinite."""


@dataclass(frozen=True)
class Step:
    """Where a run stands after a step. Reading `losses` waits for the device; the rest does not.

    Attributes:
        step, steps: this step, from 1, of so many.
        terms: what the train step returned.
        checkpoint: makes the checkpoint of this moment, for `save_training` or `resume`.
    """

    step: int
    steps: int
    terms: Mapping[str, Tensor | float]
    checkpoint: Callable[[], dict[str, Any]]

    @property
    def losses(self) -> dict[str, float]:
        """The terms as floats."""
        return {name: float(value) for name, value in self.terms.items()}


@dataclass(frozen=True)
class Fitted:
    """What a run came to: whether it is finished, the last losses, and a checkpoint where it was stopped."""

    finished: bool
    step: int
    losses: Mapping[str, float]
    checkpoint: Mapping[str, Any] | None


def fit(
    train_step: Callable[..., Mapping[str, Tensor | float]],
    data: Batches | Sequence[Batches],
    parts: Mapping[str, Stateful | torch.Generator],
    *,
    steps: int,
    on_step: Callable[[Step], bool | None] | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Fitted:
    """Train for `steps` steps.

    Args:
        train_step: gets one batch per source of data, updates the weights, returns losses without graphs.
        data: one source of batches, or several (two for unpaired images).
        parts: everything with a state, by name: modules, optimisers, schedules, `WeightEMA`s, image pools,
            generators. After each step schedules are stepped and averages updated, in this order.
        steps: in all, those of the stored run included.
        on_step: called after each step; returning True stops the run, which can be resumed.
        resume: the checkpoint of a run that was stopped, with equal parts and data.

    Raises:
        ValueError: `resume` belongs to other parts, other data, or a longer run.
        NonFiniteTraining: a loss is not finite.
    """
    sources = [data] if isinstance(data, Batches) else list(data)
    done = 0 if resume is None else _restore(resume, parts, sources, steps)
    terms: Mapping[str, Tensor | float] = {}

    def checkpoint() -> dict[str, Any]:
        return _checkpoint(done, parts, sources)

    stopped = False
    while done < steps and not stopped:
        terms = train_step(*(source[done] for source in sources))
        done += 1
        _after_step(parts)
        at_hand = not any(isinstance(value, Tensor) for value in terms.values())
        if at_hand or done % CHECK_EVERY == 0 or done == steps:
            _check_finite(
                terms, f"step {done}" if at_hand else f"step {done} or up to {CHECK_EVERY - 1} before"
            )
        stopped = bool(on_step(Step(done, steps, terms, checkpoint))) if on_step is not None else False
    losses = {name: float(value) for name, value in terms.items()}
    return Fitted(done == steps, done, losses, None if done == steps else checkpoint())


def keep_checkpoints(path: str | os.PathLike[str], seconds: float = 60.0) -> Callable[[Step], None]:
    """An `on_step` that writes the checkpoint to a file now and then, and after the last step."""
    last = time.monotonic()

    def keep(step: Step) -> None:
        nonlocal last
        if step.step == step.steps or time.monotonic() - last >= seconds:
            save_training(step.checkpoint(), path)
            last = time.monotonic()

    return keep


def _after_step(parts: Mapping[str, Any]) -> None:
    for part in parts.values():
        if isinstance(part, LRScheduler):
            part.step()
    for part in parts.values():
        if isinstance(part, WeightEMA):
            part.update()


def _check_finite(terms: Mapping[str, Tensor | float], where: str) -> None:
    bad = [name for name, value in terms.items() if not math.isfinite(float(value))]
    if bad:
        raise NonFiniteTraining(f"the loss {bad[0]!r} is not finite ({where}); lower the learning rate")


def _checkpoint(done: int, parts: Mapping[str, Any], sources: Sequence[Batches]) -> dict[str, Any]:
    """A copy of everything: what happens afterwards does not change it."""
    return {
        "step": done,
        "parts": {name: _copied(_state(part)) for name, part in parts.items()},
        "data": [source.fingerprint() for source in sources],
        "random": random_state(),
    }


def _restore(
    stored: Mapping[str, Any], parts: Mapping[str, Any], sources: Sequence[Batches], steps: int
) -> int:
    if stored["parts"].keys() != parts.keys():
        theirs, mine = ", ".join(stored["parts"]), ", ".join(parts)
        raise ValueError(f"resume: the stored run has the parts {theirs}, this one {mine}")
    fingerprints = [source.fingerprint() for source in sources]
    if stored["data"] != fingerprints:
        raise ValueError(f"resume: the stored run had the data {stored['data']}, this one {fingerprints}")
    if stored["step"] > steps:
        raise ValueError(f"resume: the stored run has done {stored['step']} steps, more than steps={steps}")
    for name, part in parts.items():
        state = _copied(stored["parts"][name])
        part.set_state(state["state"]) if isinstance(part, torch.Generator) else part.load_state_dict(state)
    restore_random_state(stored["random"])
    return int(stored["step"])


def _state(part: Any) -> Any:
    return {"state": part.get_state()} if isinstance(part, torch.Generator) else part.state_dict()


def _copied(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return tree.detach().clone()
    if isinstance(tree, Mapping):
        return {key: _copied(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_copied(item) for item in tree)
    return tree
