"""Backtracking until the decrease is worth the step.

Armijo, "Minimization of functions having Lipschitz continuous first partial derivatives", Pacific Journal of
Mathematics 16 (1966); Nocedal & Wright, "Numerical Optimization", 2nd ed. 2006, Algorithm 3.1.
"""

from collections.abc import Callable

import numpy as np


def armijo_line_search(
    f: Callable[[np.ndarray], float],
    x: np.ndarray,
    direction: np.ndarray,
    grad: np.ndarray,
    step: float = 1.0,
    shrink: float = 0.5,
    c1: float = 1e-4,
    max_trials: int = 30,
) -> tuple[float, int]:
    """The first s in step, step·shrink, step·shrink², … with f(x + s d) ≤ f(x) + c1 s gᵀd.

    Args:
        f: the objective; called once at x and once for each trial.
        x, direction, grad: of one shape; grad is f's gradient at x.

    Returns:
        s, and the number of trials that were rejected.

    Raises:
        ValueError: gᵀd ≥ 0, shrink or c1 outside (0, 1), step ≤ 0.
        RuntimeError: max_trials were rejected.
    """
    slope = float(np.vdot(grad, direction))
    if slope >= 0:
        raise ValueError(f"direction: expected one of descent, gᵀd < 0, got {slope}; try -grad")
    if not 0 < shrink < 1 or not 0 < c1 < 1 or step <= 0:
        raise ValueError(f"shrink, c1, step: expected (0, 1), (0, 1), positive, got {shrink}, {c1}, {step}")
    start = f(x)
    for rejected in range(max_trials):
        length = step * shrink**rejected
        if f(x + length * direction) <= start + c1 * length * slope:
            return length, rejected
    raise RuntimeError(f"max_trials: none of {max_trials} steps was short enough; check the gradient")
