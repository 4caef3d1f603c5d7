"""L-BFGS on the device: limited-memory quasi-Newton steps without a line search or a host sync.

Nocedal, Mathematics of Computation 35 (1980): the two-loop recursion (Nocedal & Wright 2006, Algorithm 7.4).
The history lies in two flat buffers, written in a circle. Where a pair fails the curvature condition it is
stored as zeros by `torch.where`, so that nothing has to be read back to decide. As is usual in style
transfer there is no line search: the step is the learning rate, cut where it would move pixels too far.
"""

from typing import Any

import torch
from torch import Tensor


class LBFGS:
    """Minimise over one tensor. Feed `step` the gradient at the current point.

    Args:
        x: the variable, any shape, changed in place; contiguous.
        learning_rate: the length of a step along the quasi-Newton direction.
        history: pairs that are remembered.
        max_rms: the largest root-mean-square change of x in one step; None sets no bound.
    Raises:
        ValueError: x is not contiguous, history < 1, learning_rate or max_rms not positive.
    """

    def __init__(
        self, x: Tensor, *, learning_rate: float = 1.0, history: int = 10, max_rms: float | None = None
    ) -> None:
        if not x.is_contiguous():
            raise ValueError("x: expected a contiguous tensor; call contiguous() first")
        if history < 1:
            raise ValueError(f"history: expected at least 1, got {history}")
        if learning_rate <= 0 or (max_rms is not None and max_rms <= 0):
            raise ValueError(
                f"learning_rate, max_rms: expected positive numbers, got {learning_rate}, {max_rms}"
            )
        self.x, self.learning_rate, self.history, self.max_rms = x, learning_rate, history, max_rms
        count = x.numel()
        self._moves, self._turns = x.new_zeros(history, count), x.new_zeros(history, count)  # s and y
        self._inverse = x.new_zeros(history)  # 1 / (s · y), 0 for a pair that is not used
        self._scale = x.new_ones(())  # the initial Hessian's inverse: γ
        self._last_x, self._last_grad = x.new_zeros(count), x.new_zeros(count)
        self.steps = 0

    @torch.no_grad()
    def step(self, grad: Tensor) -> None:
        """Move x by one step, given the gradient at x."""
        flat, grad = self.x.view(-1), grad.reshape(-1)
        if self.steps:
            self._remember(flat - self._last_x, grad - self._last_grad)
        direction = -grad if self.steps == 0 else self._direction(grad)
        length = self._length(direction, grad)
        self._last_x.copy_(flat)
        self._last_grad.copy_(grad)
        flat.add_(direction * length)
        self.steps += 1

    def _remember(self, move: Tensor, turn: Tensor) -> None:
        slot = (self.steps - 1) % self.history
        curvature = move @ turn
        good = curvature > 1e-10
        self._moves[slot] = torch.where(good, move, 0)
        self._turns[slot] = torch.where(good, turn, 0)
        self._inverse[slot] = torch.where(good, 1 / curvature, 0)
        self._scale = torch.where(good, curvature / (turn @ turn), self._scale)

    def _direction(self, grad: Tensor) -> Tensor:
        """Two loops: newest to oldest, then oldest to newest."""
        newest = self.steps - 1
        slots = [k % self.history for k in range(newest, max(-1, newest - self.history), -1)]
        q, weights = grad.neg(), {}
        for slot in slots:
            weights[slot] = self._inverse[slot] * (self._moves[slot] @ q)
            q.sub_(self._turns[slot] * weights[slot])
        q.mul_(self._scale)
        for slot in reversed(slots):
            back = self._inverse[slot] * (self._turns[slot] @ q)
            q.add_(self._moves[slot] * (weights[slot] - back))
        return q

    def _length(self, direction: Tensor, grad: Tensor) -> Tensor:
        """The learning rate; at first no longer than 1/‖g‖₁, as torch.optim.LBFGS has it."""
        length = direction.new_full((), self.learning_rate)
        if self.steps == 0:
            length = length * torch.clamp(1 / grad.abs().sum(), max=1)
        if self.max_rms is None:
            return length
        rms = direction.square().mean().sqrt()
        return torch.minimum(length, self.max_rms / rms.clamp(min=1e-30))

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, but x: tensors, and the number of steps."""
        return {
            "moves": self._moves, "turns": self._turns, "inverse": self._inverse, "scale": self._scale,
            "last_x": self._last_x, "last_grad": self._last_grad, "steps": self.steps,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        for name in ("moves", "turns", "inverse", "last_x", "last_grad"):
            getattr(self, f"_{name}").copy_(state[name])
        self._scale = state["scale"].to(self.x).clone()
        self.steps = int(state["steps"])
