"""What the trainings on folders share: what they report and return, how they check, start and watch.

The trainings themselves are `nstkit.gan.dcgan_training` and `nstkit.gan.cyclegan_training`. Both return what they
trained, can be watched and stopped by `on_step`, and resume exactly: weights, optimisers, schedules, random state
and the order of the data are in the checkpoint.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nstkit.gan.dcgan import dcgan_init_
from nstkit.gan.distributed import Team, agreed
from nstkit.images.folder import PictureFolder
from nstkit.training import Fitted
from nstkit.training import Step as FitStep
from nstkit.transfer.options import PRECISIONS, check_number, choose, fast_bfloat16


@dataclass(frozen=True)
class GanStep:
    """Where a training stands after a step; `samples()` draws pictures (N, 3, S, S) in [0, 1].

    Attributes:
        step, steps: this step, from 1, of so many.
        losses: the mean over all processes.
        columns: how many samples belong on one row.
        passed_over: the files so far that are no pictures to learn from, and why.
        checkpoint: makes the checkpoint of this moment.
    """

    step: int
    steps: int
    losses: Mapping[str, float]
    samples: Callable[[], Tensor]
    columns: int
    passed_over: tuple[str, ...]
    checkpoint: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Trained:
    """What a training came to: generators by name, passed-over files, and a checkpoint if it was stopped."""

    generators: Mapping[str, nn.Module]
    fitted: Fitted
    passed_over: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether all steps were done."""
        return self.fitted.finished


Watch = Callable[[GanStep], bool | None]


def check_counts(**counts: int) -> None:
    """Raise ValueError unless all are at least 1."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, got {count}")


def check_rates(learning_rate: float, precision: str) -> None:
    """Raise ValueError unless these two, which every training has, can be."""
    check_number("learning_rate", learning_rate, positive=True)
    choose("precision", precision, PRECISIONS)


def initialised(
    build: Callable[[], Sequence[nn.Module]], random: torch.Generator, place: torch.device
) -> list[nn.Module]:
    """The networks that `build` makes, with DCGAN's initialisation; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random.initial_seed())
        networks = build()
    return [dcgan_init_(network, random).to(place) for network in networks]


def adam(networks: Sequence[nn.Module], learning_rate: float) -> torch.optim.Adam:
    """One optimiser for the parameters of several networks, with the beta1 of 0.5 that GANs need."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    return torch.optim.Adam(parameters, learning_rate, betas=(0.5, 0.999))


@contextmanager
def lower_precision(place: torch.device, precision: str) -> Iterator[None]:
    """Compute in bfloat16 where that was asked for, or is fast."""
    lower = precision == "bfloat16" or (precision == "auto" and place.type == "cuda" and fast_bfloat16(place))
    with torch.autocast(place.type, torch.bfloat16, enabled=lower):
        yield


def workers(place: torch.device) -> int:
    """Threads that prepare batches: worth it where the processor would otherwise wait for a GPU."""
    return 4 if place.type == "cuda" else 0


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
        seen = GanStep(
            step.step, step.steps, step.losses, samples, columns, all_passed_over(pictures), step.checkpoint
        )
        return agreed(bool(on_step(seen)), team)

    return watch


def all_passed_over(pictures: Sequence[PictureFolder]) -> tuple[str, ...]:
    """The files that were passed over, of all folders."""
    return tuple(line for found in pictures for line in found.passed_over)


def to_unit(pictures: Tensor) -> Tensor:
    """[-1, 1] to [0, 1], as float32 on the CPU."""
    return ((pictures.float() + 1) / 2).clamp(0, 1).cpu()
