"""Averages of weights over time: what a network is on the whole, without the jitter of its last step.

Polyak & Juditsky, SIAM J. Control and Optimization 30 (1992), for the idea; Kingma & Ba, ICLR 2015, Section 3, for the
correction of an average that starts at zero.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Values = TypeVar("Values", np.ndarray, Tensor)


def ema_weights(snapshots: Sequence[Values], decay: float) -> Values:
    """The bias-corrected exponential average e_T/(1 − decayᵀ), with e_t = decay e_{t−1} + (1 − decay) p_t, e_0 = 0.

    Args:
        snapshots: p_1 … p_T, arrays or tensors of one shape, oldest first; not changed.
        decay: 0 ≤ decay < 1; 0 gives the last snapshot.

    Returns:
        The average, in the snapshots' shape and dtype.

    Raises:
        ValueError: no snapshots, or a decay outside [0, 1).
    """
    if not len(snapshots):
        raise ValueError("snapshots: expected at least one, got none")
    _check_decay(decay)
    average = snapshots[0] * (1 - decay)
    for snapshot in snapshots[1:]:
        average = decay * average + (1 - decay) * snapshot
    return average / (1 - decay ** len(snapshots))


class WeightEMA:
    """The running average of a module's parameters; buffers are taken as they stand.

    Args:
        module: watched, not copied; call `update` after each step of its optimiser.
        decay: per update, in [0, 1); 0.999 remembers about a thousand steps.
    """

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        _check_decay(decay)
        self.module, self.decay, self.updates = module, decay, 0
        self._sums = {name: torch.zeros_like(p) for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the parameters as they are now."""
        self.updates += 1
        for name, parameter in self.module.named_parameters():
            self._sums[name].lerp_(parameter, 1 - self.decay)

    def weights(self) -> dict[str, Tensor]:
        """The corrected averages by parameter name; the parameters themselves before the first update."""
        if not self.updates:
            return {name: p.detach().clone() for name, p in self.module.named_parameters()}
        return {name: total / (1 - self.decay**self.updates) for name, total in self._sums.items()}

    @contextlib.contextmanager
    def averaged(self) -> Iterator[nn.Module]:
        """Lend the averages to the module: inside the block it computes with them."""
        parameters = dict(self.module.named_parameters())
        kept = {name: p.detach().clone() for name, p in parameters.items()}
        try:
            self._write(parameters, self.weights())
            yield self.module
        finally:
            self._write(parameters, kept)

    @staticmethod
    @torch.no_grad()
    def _write(parameters: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
        for name, parameter in parameters.items():
            parameter.copy_(values[name])

    def state_dict(self) -> dict[str, Any]:
        """The sums, uncorrected, and the number of updates."""
        return {"sums": dict(self._sums), "updates": self.updates, "decay": self.decay}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken (ValueError for another decay or other parameters)."""
        if state["decay"] != self.decay or state["sums"].keys() != self._sums.keys():
            raise ValueError("state: it belongs to another decay or to another module")
        for name, total in self._sums.items():
            total.copy_(state["sums"][name])
        self.updates = int(state["updates"])


def _check_decay(decay: float) -> None:
    if not 0 <= decay < 1:
        raise ValueError(f"decay: expected 0 <= decay < 1, got {decay}; 0.999 is usual")
