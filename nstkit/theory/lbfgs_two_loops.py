"""The two-loop recursion of L-BFGS: −H g from the last few pairs, without a matrix.

Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", Mathematics of Computation 35 (1980); Nocedal &
Wright, "Numerical Optimization", 2nd ed. 2006, Algorithm 7.4 and Eq. 7.20 for γ. `nstkit.training.LBFGS` does the
same on a device, on one flat buffer.
"""

from collections.abc import Sequence

import numpy as np


def lbfgs_direction(
    grad: np.ndarray, s_list: Sequence[np.ndarray], y_list: Sequence[np.ndarray]
) -> np.ndarray:
    """The quasi-Newton direction d = −H g.

    Args:
        grad: g, (n,).
        s_list: differences of points, (n,) each, oldest first.
        y_list: differences of gradients that belong to them.

    Returns:
        (n,). Pairs with yᵀs ≤ 1e-10 are skipped; H₀ = γ I with γ = sᵀy / yᵀy of the newest that is not; −g if
        none is left.

    Raises:
        ValueError: lists or arrays of unequal lengths.
    """
    if len(s_list) != len(y_list):
        raise ValueError(f"y_list: expected {len(s_list)} arrays as s_list, got {len(y_list)}")
    for name, arrays in (("s_list", s_list), ("y_list", y_list)):
        if any(item.shape != grad.shape for item in arrays):
            raise ValueError(f"{name}: expected arrays of grad's shape {grad.shape}")
    pairs = [(s, y, 1 / (y @ s)) for s, y in zip(s_list, y_list, strict=True) if y @ s > 1e-10]
    if not pairs:
        return -grad
    r, weights = grad, []
    for s, y, rho in reversed(pairs):
        weights.append(rho * (s @ r))
        r = r - weights[-1] * y
    s, y, _ = pairs[-1]
    r = (s @ y) / (y @ y) * r
    for (s, y, rho), weight in zip(pairs, reversed(weights), strict=True):
        r = r + (weight - rho * (y @ r)) * s
    return -r
