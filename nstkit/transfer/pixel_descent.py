"""The loop of style transfer in its plainest form: Adam on the pixels, which are clamped after every step.

Gatys, Ecker & Bethge (CVPR 2016, Section 2) change the pixels of one image by its gradient; they use L-BFGS.
`nstkit.transfer.stylize` is the loop for real pictures; this one takes any objective and is the reference of lesson 2.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def run_transfer(
    objective: Callable[[Tensor], Tensor],
    init: Tensor,
    steps: int,
    lr: float = 0.05,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[Tensor, list[float]]:
    """Minimise `objective` over the pixels by Adam, projected to `bounds` after each step.

    Args:
        objective: From an image to a 0-d loss. What it holds (encoder, targets) gets no gradients.
        init: Where to start, any shape, floating; not changed.
        steps: Number of updates, ≥ 0.
        lr: Adam's learning rate, in units of the pixels; the rest as in `torch.optim.Adam`.
        bounds: The lowest and highest pixel value, increasing.

    Returns:
        The image, detached, and the objective before each update, `steps` floats.

    Raises:
        ValueError: `steps` is negative, `bounds` do not increase, or the objective is not 0-d.

    Source: Kingma & Ba, ICLR 2015, arXiv:1412.6980, Algorithm 1, for the update.
    """
    _check(steps, bounds)
    image = init.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([image], lr=lr)
    losses: list[Tensor] = []
    for _ in range(steps):
        with torch.enable_grad():
            loss = objective(image)
        _check_scalar(loss)
        losses.append(loss.detach().clone())  # an objective may return a view of the image
        (image.grad,) = torch.autograd.grad(
            loss, image
        )  # for the image alone: a network in there stays clean
        optimizer.step()
        with torch.no_grad():
            image.clamp_(*bounds)
    history = (
        torch.stack(losses).tolist() if losses else []
    )  # at the end: asking every step would stall a GPU
    return image.detach(), history


def _check(steps: int, bounds: tuple[float, float]) -> None:
    if steps < 0:
        raise ValueError(f"steps: expected 0 or more, got {steps}")
    lower, upper = bounds
    if not lower < upper:
        raise ValueError(f"bounds: expected (lower, upper) with lower < upper, got ({lower}, {upper})")


def _check_scalar(loss: Tensor) -> None:
    if not isinstance(loss, Tensor) or loss.ndim:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"objective: expected a 0-d tensor, got {got}; reduce it with .sum() or .mean()")
