"""Early stopping: keep the best epoch, and stop when nothing better has come for a while.

Prechelt, "Early Stopping - But When?", in Neural Networks: Tricks of the Trade, 1998.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any


class EarlyStopping:
    """Fed with one value per epoch, lower being better; says when to stop.

    A value improves if it lies below the best so far by more than `min_delta`; NaN never does.

    Args:
        patience: stop at this many epochs in a row without improvement, ≥ 1.
        min_delta: gains up to this count as none, ≥ 0.

    Attributes:
        best: the best value; best_epoch: when it came, from 0; epochs: values seen so far.
    """

    def __init__(self, patience: int, min_delta: float = 0.0) -> None:
        if patience < 1:
            raise ValueError(f"patience: expected at least 1, got {patience}")
        if not min_delta >= 0:
            raise ValueError(f"min_delta: expected at least 0, got {min_delta}")
        self.patience, self.min_delta = patience, min_delta
        self.best, self.best_epoch, self.epochs = math.inf, 0, 0

    def update(self, value: float) -> bool:
        """Take in an epoch's value; True where training should stop now."""
        if value < self.best - self.min_delta:
            self.best, self.best_epoch = value, self.epochs
            waited = 0
        else:
            waited = self.epochs - self.best_epoch if self.best < math.inf else self.epochs + 1
        self.epochs += 1
        return waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """What `update` depends on."""
        return {"best": self.best, "best_epoch": self.best_epoch, "epochs": self.epochs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self.best, self.best_epoch, self.epochs = state["best"], state["best_epoch"], state["epochs"]


def early_stopping(values: Sequence[float], patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """The best epoch and the epoch at which training stops, both from 0, for a curve that is known in full.

    Args:
        values: one per epoch, lower is better.

    Returns:
        (best_epoch, stop_epoch); the last epoch where patience never ran out.

    Raises:
        ValueError: no values, patience < 1, or min_delta < 0.
    """
    watch = EarlyStopping(patience, min_delta)
    if not len(values):
        raise ValueError("values: expected at least one, got none")
    for epoch, value in enumerate(values):
        if watch.update(value):
            return watch.best_epoch, epoch
    return watch.best_epoch, len(values) - 1
