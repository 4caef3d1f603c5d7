"""L-BFGS on the device: limited-memory quasi-Newton steps without a line search or a host sync.

Nocedal, Mathematics of Computation 35 (1980): the two-loop recursion (Nocedal & Wright 2006, Algorithm 7.4).
The history lies in two flat buffers, written in a circle. Where a pair fails the curvature condition it is
stored as zeros by `torch.where`, so that nothing has to be read back to decide. As is usual in style
transfer there is no line search: the step is the learning rate, cut where it would move pixels too far.

A batch can be minimised image by image, at once: every product and every limit is then taken over one image's part
of the buffers, so that the images know nothing of each other.
"""

from collections.abc import Mapping
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
        first_rms: that of the first step, times the learning rate, however large the gradient is, so that a factor
            before the function changes nothing; None takes min(1, 1/‖g‖₁) times the gradient, as torch.optim.LBFGS.
        per_image: x is a batch (B, …) of which each item is a problem of its own: it takes the steps that it would
            take alone. Without, x is one variable.
    Raises:
        ValueError: x is not contiguous or, per image, has no items; history < 1, learning_rate or max_rms not positive.
    """

    def __init__(
        self, x: Tensor, *, learning_rate: float = 1.0, history: int = 10, max_rms: float | None = None,
        first_rms: float | None = None, per_image: bool = False,
    ) -> None:  # fmt: skip
        if not x.is_contiguous():
            raise ValueError("x: expected a contiguous tensor; call contiguous() first")
        if per_image and (x.ndim < 2 or not len(x)):
            raise ValueError(f"x: expected a batch (B, …) of items with per_image, got {tuple(x.shape)}")
        if history < 1:
            raise ValueError(f"history: expected at least 1, got {history}")
        lengths = {"learning_rate": learning_rate, "max_rms": max_rms, "first_rms": first_rms}
        for name, value in lengths.items():
            if value is not None and value <= 0:
                raise ValueError(f"{name}: expected a positive number, got {value}")
        self.x, self.learning_rate, self.history = x, learning_rate, history
        self.max_rms, self.first_rms = max_rms, first_rms
        items = len(x) if per_image else 1
        self._shape = (items, x.numel() // items)  # B, N
        self._moves, self._turns = (x.new_zeros(history, *self._shape) for _ in range(2))  # s and y
        self._inverse = x.new_zeros(history, items, 1)  # 1 / (s · y), 0 for a pair that is not used
        self._scale = x.new_ones(items, 1)  # the initial Hessian's inverse: γ
        self._last_x, self._last_grad = x.new_zeros(self._shape), x.new_zeros(self._shape)
        self.steps = 0

    @torch.no_grad()
    def step(self, grad: Tensor) -> None:
        """Move x by one step, given the gradient at x."""
        flat, grad = self.x.view(self._shape), grad.reshape(self._shape)
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
        curvature = _dots(move, turn)
        good = curvature > 1e-10
        self._moves[slot] = torch.where(good, move, 0)
        self._turns[slot] = torch.where(good, turn, 0)
        self._inverse[slot] = torch.where(good, 1 / curvature, 0)
        self._scale = torch.where(good, curvature / _dots(turn, turn), self._scale)

    def _direction(self, grad: Tensor) -> Tensor:
        """Two loops: newest to oldest, then oldest to newest."""
        newest = self.steps - 1
        slots = [k % self.history for k in range(newest, max(-1, newest - self.history), -1)]
        q, weights = grad.neg(), {}
        for slot in slots:
            weights[slot] = self._inverse[slot] * _dots(self._moves[slot], q)
            q.sub_(self._turns[slot] * weights[slot])
        q.mul_(self._scale)
        for slot in reversed(slots):
            back = self._inverse[slot] * _dots(self._turns[slot], q)
            q.add_(self._moves[slot] * (weights[slot] - back))
        return q

    def _length(self, direction: Tensor, grad: Tensor) -> Tensor:
        """The learning rate, (B, 1); other at the first step, and cut where x would move too far."""
        length = direction.new_full((len(direction), 1), self.learning_rate)
        rms = direction.square().mean(1, keepdim=True).sqrt().clamp(min=1e-30)
        if self.steps == 0 and self.first_rms is not None:
            length = length * self.first_rms / rms
        elif self.steps == 0:
            length = length * torch.clamp(1 / grad.abs().sum(1, keepdim=True), max=1)
        return length if self.max_rms is None else torch.minimum(length, self.max_rms / rms)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on, but x: tensors, and the number of steps."""
        return {
            "moves": self._moves, "turns": self._turns, "inverse": self._inverse, "scale": self._scale,
            "last_x": self._last_x, "last_grad": self._last_grad, "steps": self.steps,
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises:
            ValueError: the state is of another variable, another history, or a batch that was minimised as one.
        """
        for name in ("moves", "turns", "inverse", "scale", "last_x", "last_grad"):
            own, stored = getattr(self, f"_{name}"), state[name]
            if own.numel() != stored.numel():
                raise ValueError(
                    f"state: expected {own.numel()} values of {name}, got {stored.numel()}; start anew"
                )
            own.copy_(stored.view_as(own))  # those of 0.1 had no axis of images
        self.steps = int(state["steps"])


def _dots(a: Tensor, b: Tensor) -> Tensor:
    """The inner product of each image's rows, (B, N) and (B, N) to (B, 1).

    Row by row: so an image gets, bit by bit, what it would get alone, and nothing of the size of N is made.
    """
    return torch.stack([row @ other for row, other in zip(a, b, strict=True)])[:, None]
