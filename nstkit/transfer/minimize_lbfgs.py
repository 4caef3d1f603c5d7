"""L-BFGS with a line search on the pixels: Gatys' optimiser, through `torch.optim.LBFGS`.

Liu & Nocedal, Mathematical Programming 45 (1989); the line search asks for the strong Wolfe conditions. `stylize`
has its own L-BFGS, which trades the line search for speed; this one is for smooth objectives of any kind.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def minimize_lbfgs(
    objective: Callable[[Tensor], Tensor], init: Tensor, max_iter: int = 60, history_size: int = 10
) -> tuple[Tensor, list[float]]:
    """Minimise a deterministic objective; no bounds, so clamp the result, not the iterates.

    Args:
        objective: From a tensor like `init` to a 0-d loss. Networks in there get no gradients.
        init: Where to start, any shape and layout, floating; not changed.
        max_iter: Quasi-Newton steps, ≥ 1. Each may evaluate more than once; about 1.25 max_iter in all.
        history_size: Pairs that are remembered, ≥ 1: 2 · history_size copies of `init` in memory.

    Returns:
        The result, detached, in the shape of `init`; and the objective at every evaluation, the first at `init`.

    Raises:
        ValueError: max_iter or history_size below 1, or an objective that is not 0-d.
    """
    if max_iter < 1 or history_size < 1:
        raise ValueError(f"max_iter, history_size: expected at least 1, got {max_iter}, {history_size}")
    image = init.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image], lr=1, max_iter=max_iter, history_size=history_size, line_search_fn="strong_wolfe"
    )
    history: list[float] = []

    def closure() -> Tensor:
        loss = objective(image)  # torch's step enables gradients in here
        if loss.ndim:
            raise ValueError(
                f"objective: expected a 0-d tensor, got shape {tuple(loss.shape)}; reduce it with .sum() or .mean()"
            )
        (image.grad,) = torch.autograd.grad(loss, image)
        history.append(loss.item())
        return loss.detach()

    optimizer.step(closure)
    return image.detach(), history
