"""The losses of every step, read from the device in blocks: to read each at its step would wait for the device."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from nstkit.transfer.progress import Step


@dataclass(frozen=True)
class Reading:
    """One step and what the objective was at it.

    Attributes:
        done, total: steps done and to do over all scales.
        scale, scales: the step's scale, from 1, of so many.
        size: (height, width) of that scale.
        seconds: since the history began.
        losses: the weighted terms and their "total".
    """

    done: int
    total: int
    scale: int
    scales: int
    size: tuple[int, int]
    seconds: float
    losses: dict[str, float]


class LossHistory:
    """Notes every step, and reads the noted ones together now and then.

    Args:
        every: seconds between two blocks; each block is one wait for the device.

    Attributes:
        readings: what has been read, in the order of the steps.
    """

    def __init__(self, every: float = 0.5) -> None:
        self.readings: list[Reading] = []
        self._every = every
        self._started = self._read_at = time.monotonic()
        self._waiting: list[tuple[Step, float, Tensor]] = []

    def add(self, step: Step) -> list[Reading]:
        """Note a step; the block that this made due, or an empty list."""
        now = time.monotonic()
        values = torch.stack([term.detach().float() for term in step.terms.values()])  # (terms,), a copy
        self._waiting.append((step, now - self._started, values))
        due = now - self._read_at >= self._every or step.done == step.total
        return self.read() if due else []

    def read(self) -> list[Reading]:
        """Read what has been noted since the last block, and return it."""
        waiting, self._waiting = self._waiting, []
        columns = torch.cat([values for *_, values in waiting]).tolist() if waiting else []
        block, start = [], 0
        for step, seconds, values in waiting:
            losses = dict(zip(step.terms, columns[start : start + len(values)], strict=True))
            start += len(values)
            block.append(Reading(step.done, step.total, step.scale, step.scales, step.size, seconds, losses))
        self.readings += block
        self._read_at = time.monotonic()
        return block
