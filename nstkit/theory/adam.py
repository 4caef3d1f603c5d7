"""One step of Adam as a pure function.

Kingma & Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, Algorithm 1; Loshchilov &
Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101, for the decoupled decay (AdamW).
"""

from typing import Any

import numpy as np


def adam_step(
    theta: np.ndarray,
    grad: np.ndarray,
    state: dict[str, Any] | None,
    lr: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> tuple[np.ndarray, dict[str, Any]]:
    """θ ← θ − lr m̂ / (√v̂ + eps), with bias-corrected moments; nothing is changed in place.

    Args:
        theta, grad: of one shape.
        state: what the last step returned, or None before the first.
        weight_decay: added to the gradient as wd·θ, or, if `decoupled`, θ shrinks by (1 − lr·wd) beforehand.

    Returns:
        The new θ and the new state.

    Raises:
        ValueError: shapes differ, lr < 0, or a beta outside [0, 1).
    """
    if theta.shape != grad.shape:
        raise ValueError(f"grad: expected {theta.shape} as theta, got {grad.shape}")
    if lr < 0 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"lr, betas: expected lr of at least 0 and betas in [0, 1), got {lr}, {betas}")
    mean, square, t = (state["mean"], state["square"], state["t"]) if state else (0.0, 0.0, 0)
    if decoupled:
        theta = theta - lr * weight_decay * theta
    else:
        grad = grad + weight_decay * theta
    beta1, beta2 = betas
    mean = beta1 * mean + (1 - beta1) * grad
    square = beta2 * square + (1 - beta2) * grad**2
    corrected = np.sqrt(square / (1 - beta2 ** (t + 1)))
    step = lr * mean / (1 - beta1 ** (t + 1)) / (corrected + eps)
    return theta - step, {"mean": mean, "square": square, "t": t + 1}
