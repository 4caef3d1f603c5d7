"""Style transfer with linear features: a weighted compromise that has a closed form.

Gatys' objective (CVPR 2016, Eq. 7) has no closed form, because features are not linear in the pixels. With
features A x and B x it becomes weighted least squares, where what α and β do can be computed.
"""

import math

import numpy as np


def linear_objective_minimizer(
    A: np.ndarray, p: np.ndarray, B: np.ndarray, q: np.ndarray, alpha: float, beta: float
) -> np.ndarray:
    """The x that minimises α‖Ax − p‖² + β‖Bx − q‖²; of several, the one of smallest norm.

    It solves (αAᵀA + βBᵀB) x = αAᵀp + βBᵀq. Rows scaled by √α and √β turn the sum into one least-squares problem,
    which spares the squared condition number of AᵀA. Only α/β matters.

    Args:
        A: (m, n), the content features.
        p: (m,), their target.
        B: (k, n), the style features.
        q: (k,), their target.
        alpha: ≥ 0, the weight of the content.
        beta: ≥ 0, the weight of the style; not both 0.

    Returns:
        (n,), float64.

    Raises:
        ValueError: The shapes do not fit, a weight is negative, or both are 0.

    Source: the normal equations of weighted least squares; the objective is Gatys et al., CVPR 2016, Eq. 7.
    """
    _check_shapes(A, p, B, q)
    _check_weights(alpha, beta)
    rows = np.concatenate([A, B], dtype=np.float64)  # (m + k, n)
    values = np.concatenate([p, q], dtype=np.float64)  # (m + k,)
    scale = np.sqrt(np.repeat([alpha, beta], [len(A), len(B)]))  # (m + k,)
    return np.linalg.lstsq(scale[:, None] * rows, scale * values, rcond=None)[0]


def _check_shapes(A: np.ndarray, p: np.ndarray, B: np.ndarray, q: np.ndarray) -> None:
    for name, rows in {"A": A, "B": B}.items():
        if rows.ndim != 2:
            raise ValueError(f"{name}: expected a matrix (rows, n), got {rows.shape}")
    if A.shape[1] != B.shape[1]:
        raise ValueError(f"B: expected {A.shape[1]} columns as in A, got {B.shape[1]}; both act on one x")
    for name, values, rows in (("p", p, A), ("q", q, B)):
        if values.shape != rows.shape[:1]:
            raise ValueError(f"{name}: expected ({len(rows)},), one value per row, got {values.shape}")


def _check_weights(alpha: float, beta: float) -> None:
    for name, weight in {"alpha": alpha, "beta": beta}.items():
        if not 0 <= weight < math.inf:
            raise ValueError(f"{name}: expected a finite number ≥ 0, got {weight}")
    if alpha == beta == 0:
        raise ValueError("alpha, beta: expected at least one above 0, got 0 and 0")
