"""What the trainings on folders share: what they report and return, and how they are watched.

All of them can be watched and stopped by `on_step`, and resume exactly: weights, optimisers, schedules, random state
and the order of the data are in the checkpoint.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from nstkit.images.folder import PictureFolder
from nstkit.training.distributed import Team, agreed
from nstkit.training.fit import Fitted
from nstkit.training.fit import Step as FitStep


@dataclass(frozen=True)
class FolderStep:
    """Where a training stands after a step; `samples()` draws pictures (N, 3, S, S) in [0, 1].

    Attributes:
        step, steps: this step, from 1, of so many.
        terms: the losses, their mean over all processes.
        columns: how many samples belong on one row.
        passed_over: the files so far that are no pictures to learn from, and why.
        checkpoint: makes the checkpoint of this moment.
    """

    step: int
    steps: int
    terms: Mapping[str, Tensor | float]
    samples: Callable[[], Tensor]
    columns: int
    passed_over: tuple[str, ...]
    checkpoint: Callable[[], dict[str, Any]]

    @property
    def losses(self) -> dict[str, float]:
        """The terms as floats; reading them waits for the device."""
        return {name: float(value) for name, value in self.terms.items()}


@dataclass(frozen=True)
class Trained:
    """What a training came to: networks by name, passed-over files, and a checkpoint if it was stopped."""

    networks: Mapping[str, nn.Module]
    fitted: Fitted
    passed_over: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether all steps were done."""
        return self.fitted.finished


Watch = Callable[[FolderStep], bool | None]


def watching(
    on_step: Watch | None,
    samples: Callable[[], Tensor],
    columns: int,
    pictures: Sequence[PictureFolder],
    team: Team,
) -> Callable[[FitStep], bool | None] | None:
    """The `on_step` of `fit` that calls a training's own; all processes stop where one wants to."""
    if on_step is None:
        return None

    def watch(step: FitStep) -> bool | None:
        seen = FolderStep(
            step.step, step.steps, step.terms, samples, columns, all_passed_over(pictures), step.checkpoint
        )
        return agreed(bool(on_step(seen)), team)

    return watch


def all_passed_over(pictures: Sequence[PictureFolder]) -> tuple[str, ...]:
    """The files that were passed over, of all folders."""
    return tuple(line for found in pictures for line in found.passed_over)
