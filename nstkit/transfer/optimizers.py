"""The optimisers of a run behind one face: fed with gradients, stored and taken up; Adam also from scale to scale."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from nstkit.training import LBFGS
from nstkit.transfer.options import Options

FIRST = 0.01
"""Of white: how far L-BFGS moves pixels at the first step of a scale. The gradient's own length, a millionth, would
tell it nothing about curvature but rounding errors."""


class Adam:
    """Adam on one tensor, fed with gradients (Kingma & Ba, ICLR 2015, Algorithm 1), through torch.optim.

    Args:
        x: the variable, changed in place.
        beta2: decay of the second moments; the first moments' is 0.9.
    """

    def __init__(self, x: Tensor, learning_rate: float, beta2: float = 0.999) -> None:
        self.x = x
        self._adam = torch.optim.Adam([x], lr=learning_rate, betas=(0.9, beta2))

    def step(self, grad: Tensor) -> None:
        """Move x by one step, given the gradient at x."""
        self.x.grad = grad
        self._adam.step()
        self.x.grad = None

    def state_dict(self) -> dict[str, Any]:
        """The moments and the number of steps."""
        return dict(self._adam.state_dict()["state"].get(0, {}))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        whole = self._adam.state_dict()
        whole["state"] = {0: dict(state)} if state else {}
        self._adam.load_state_dict(whole)


def make_optimizer(x: Tensor, options: Options) -> LBFGS | Adam:
    """The optimiser that the options name."""
    if options.optimizer == "adam":
        return Adam(x, options.learning_rate, options.beta2)
    return LBFGS(
        x,
        learning_rate=options.learning_rate,
        history=options.history,
        max_rms=0.2,
        first_rms=FIRST,
        per_image=True,
    )


def enlarged(state: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """Adam's state for a picture of another size: moments (B, 3, H, W) interpolated, the number of steps as it is.

    First moments by cubics; second moments by lines, which leave them at 0 or above.

    Source: crowsonkb/style-transfer-pytorch, e7e2c71, which warm-starts Adam so at each scale.
    """
    first = F.interpolate(state["exp_avg"], size, mode="bicubic", align_corners=False)
    second = F.interpolate(state["exp_avg_sq"], size, mode="bilinear", align_corners=False)
    return {**state, "exp_avg": first, "exp_avg_sq": second}
