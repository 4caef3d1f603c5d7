"""Gradient accumulation: the gradient of a large batch with the memory of a small one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def accumulate_gradients(
    loss_fn: Callable[[Tensor], Tensor], parameters: Sequence[Tensor], pieces: Sequence[Tensor]
) -> Tensor:
    """Fill `.grad` with the gradient of the mean loss over the rows of all pieces: Σ n_k/n ∇L_k.

    One backward pass per piece, whose graph is freed before the next; no optimiser step. Other leaves that the
    loss depends on get no gradient. Batch statistics (batch norm) still see one piece at a time.

    Args:
        loss_fn: from a piece to the mean loss over its rows, 0-d.
        parameters: leaves; what they held in `.grad` is dropped. One that no loss uses keeps None.
        pieces: parts of the batch, rows first, of any lengths.

    Returns:
        The mean loss over all rows, 0-d, detached.

    Raises:
        ValueError: no pieces, an empty piece, or a loss that is not 0-d.
    """
    rows = [len(piece) for piece in pieces]
    if not rows or 0 in rows:
        raise ValueError(f"pieces: expected at least one, each with rows, got lengths {rows}")
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in parameters:
        parameter.grad = None
    total = []
    for piece, count in zip(pieces, rows, strict=True):
        with torch.enable_grad():
            loss = loss_fn(piece)
            _check_scalar(loss)
            share = loss * (count / sum(rows))
        if share.requires_grad:
            share.backward(inputs=trained)
        total.append(share.detach())
    return torch.stack(total).sum()


def _check_scalar(loss: Tensor) -> None:
    if loss.ndim:
        raise ValueError(f"loss_fn: expected a 0-d tensor, got {tuple(loss.shape)}; reduce it with .mean()")
