"""What a run tells of itself: where it stands after a step, what it came to, and that a loss is no number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from nstkit.transfer.objective import read
from nstkit.transfer.options import Options


class NonFiniteLoss(RuntimeError):  # noqa: N818
    """A term of the objective became NaN or infinite. `image` is the last good image."""

    def __init__(self, message: str, image: Tensor) -> None:
        super().__init__(message)
        self.image = image


@dataclass(frozen=True)
class Step:
    """Where a run stands, after a step. Reading `losses` or `image()` waits for the device; the rest does not.

    Attributes:
        scale, scales: this scale, from 1, of so many.
        step, steps: this step, from 1, of so many at this scale.
        done, total: steps done and to do over all scales.
        size: (height, width) of this scale.
    """

    scale: int
    scales: int
    step: int
    steps: int
    done: int
    total: int
    size: tuple[int, int]
    terms: Mapping[str, Tensor]
    image: Callable[[], Tensor]
    checkpoint: Callable[[], dict[str, Any]]

    @property
    def losses(self) -> dict[str, float]:
        """The weighted terms and their "total", as floats: sums over the images of a batch."""
        return read(self.terms)


@dataclass(frozen=True)
class Result:
    """What a run came to.

    Attributes:
        image: (B, 3, H, W) in [0, 1].
        finished: False where `on_step` stopped the run.
        losses: the weighted terms at the last step.
        checkpoint: where to go on from, for a run that was stopped; None for a finished one.
        options: everything the run depended on beside its pictures.
    """

    image: Tensor
    finished: bool
    losses: Mapping[str, float]
    checkpoint: Mapping[str, Any] | None
    options: Options
