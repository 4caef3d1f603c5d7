"""The backward pass of a two-layer perceptron, by hand.

Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", Nature 323 (1986).
"""

import numpy as np


def mlp_backward(
    x: np.ndarray, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray, dy: np.ndarray
) -> dict[str, np.ndarray]:
    """Gradients of L for y = relu(x w1ᵀ + b1) w2ᵀ + b2, given dy = dL/dy.

    Args:
        x: (N, D).
        w1, b1: (H, D) and (H,).
        w2, b2: (O, H) and (O,).
        dy: (N, O), with any averaging over the batch already inside.

    Returns:
        "x", "w1", "b1", "w2", "b2": each in its argument's shape. relu'(0) = 0.

    Raises:
        ValueError: shapes that do not fit together.
    """
    _check(x, w1, b1, w2, b2, dy)
    before = x @ w1.T + b1  # (N, H)
    hidden = np.maximum(before, 0)
    dbefore = (dy @ w2) * (before > 0)  # (N, H)
    return {
        "x": dbefore @ w1,
        "w1": dbefore.T @ x,
        "b1": dbefore.sum(0),
        "w2": dy.T @ hidden,
        "b2": dy.sum(0),
    }


def _check(
    x: np.ndarray, w1: np.ndarray, b1: np.ndarray, w2: np.ndarray, b2: np.ndarray, dy: np.ndarray
) -> None:
    if x.ndim != 2 or w1.ndim != 2 or w2.ndim != 2:
        raise ValueError(f"x, w1, w2: expected matrices, got {x.shape}, {w1.shape}, {w2.shape}")
    (batch, inputs), hidden, outputs = x.shape, len(w1), len(w2)
    expected = {
        "w1": (w1, (hidden, inputs)), "b1": (b1, (hidden,)), "w2": (w2, (outputs, hidden)),
        "b2": (b2, (outputs,)), "dy": (dy, (batch, outputs)),
    }  # fmt: skip
    for name, (value, shape) in expected.items():
        if value.shape != shape:
            raise ValueError(f"{name}: expected {shape}, got {value.shape}; see the shapes in the docstring")
