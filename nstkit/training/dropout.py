"""Inverted dropout: entries vanish in training, the survivors make up for them, inference is the identity.

Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", JMLR 15 (2014); Section 10 has the inverted form, which scales in training instead of at test time.
"""

import torch
from torch import Tensor


def inverted_dropout(x: Tensor, p: float, training: bool, generator: torch.Generator | None = None) -> Tensor:
    """Drop each entry with probability p and multiply the others by 1/(1 − p), so that the mean stays.

    Args:
        x: Any shape, floating; not changed.
        p: The probability of being dropped, in [0, 1]; at 1 everything is dropped.
        training: False makes it the identity.
        generator: Draws the mask, on its own device; None uses torch's global generator.

    Returns:
        The shape and dtype of x; x itself where nothing is to be done. The gradient is the mask times 1/(1 − p).

    Raises:
        ValueError: p is outside [0, 1], in training or not.

    Source: Srivastava et al., JMLR 15 (2014), Section 10.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p: expected a probability in [0, 1], got {p}; it is the share that is dropped")
    if not training or p == 0:
        return x
    if p == 1:
        return torch.where(torch.zeros_like(x, dtype=torch.bool), x, 0)  # keeps the graph, and no 0 · inf
    place = x.device if generator is None else generator.device
    kept = torch.rand(x.shape, generator=generator, device=place).to(x.device) >= p
    return torch.where(kept, x / (1 - p), 0)
