"""The symmetric root of a covariance, and its inverse: A^(1/2) and A^(-1/2) by eigendecomposition.

Of all R with Rᵀ R = A it is the only one that is itself symmetric and positive semidefinite. The derivative is
Daleckii and Krein's: in the basis of A's eigenvectors, dF_ij = dA_ij (f(λ_i) − f(λ_j)) / (λ_i − λ_j). Autograd
through `torch.linalg.eigh` divides by λ_i − λ_j instead and gives NaN where eigenvalues repeat, which they do in
every covariance of fewer samples than dimensions.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def symmetric_root(matrix: Tensor, *, inverse: bool = False, ridge: float = 0.0, tol: float = 0.0) -> Tensor:
    """(A + ridge·I)^(1/2), or with `inverse` (A + ridge·I)^(-1/2), for symmetric positive semidefinite A.

    Args:
        matrix: A, (…, d, d), float32 or float64. Only its lower triangle is read; eigenvalues that rounding made
            negative count as 0.
        inverse: Take the inverse root.
        ridge: ≥ 0, added to every eigenvalue; keeps the inverse finite.
        tol: Directions whose eigenvalue, ridge included, is not above this contribute 0: a truncated root, or the
            pseudo-inverse of one. Absolute, in the units of A.

    Returns:
        (…, d, d), symmetric, dtype and device of `matrix`; differentiable once, also where eigenvalues repeat.

    Raises:
        ValueError: Not square, or `ridge` or `tol` is negative.

    Source: Higham, "Functions of Matrices", SIAM 2008, Theorem 3.11 for the derivative.
    """
    if matrix.ndim < 2 or matrix.shape[-1] != matrix.shape[-2]:
        raise ValueError(f"matrix: expected (…, d, d), got {tuple(matrix.shape)}; give a covariance")
    if ridge < 0 or tol < 0:
        raise ValueError(f"ridge, tol: expected numbers of at least 0, got {ridge} and {tol}")
    root: Tensor = _SymmetricRoot.apply(matrix, inverse, ridge, tol)
    return root


class _SymmetricRoot(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor, inverse: bool, ridge: float, tol: float) -> Tensor:
        values, vectors = torch.linalg.eigh(matrix)
        values = values.clamp(min=0) + ridge
        kept = values > tol
        roots = torch.where(kept, values, 1).sqrt()
        ctx.inverse = inverse
        ctx.save_for_backward(values, vectors, roots, kept)
        powers = torch.where(kept, 1 / roots if inverse else roots, 0)
        return (vectors * powers[..., None, :]) @ vectors.mT

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        values, vectors, roots, kept = ctx.saved_tensors
        weights = _divided_differences(values, roots, kept, ctx.inverse)
        inner = vectors.mT @ (gradient + gradient.mT) @ vectors / 2
        return vectors @ (weights * inner) @ vectors.mT, None, None, None


def _divided_differences(values: Tensor, roots: Tensor, kept: Tensor, inverse: bool) -> Tensor:
    """(f(λ_i) − f(λ_j)) / (λ_i − λ_j), in a form that does not divide by the difference of two kept λ."""
    row, column = roots[..., :, None], roots[..., None, :]
    both = 1 / (row + column)
    if inverse:
        both = -both / (row * column)
    kept_row, kept_column = kept[..., :, None], kept[..., None, :]
    gap = torch.where(kept_row != kept_column, values[..., :, None] - values[..., None, :], 1)
    power = torch.where(kept, 1 / roots if inverse else roots, 0)
    one = (power[..., :, None] - power[..., None, :]) / gap
    return torch.where(kept_row & kept_column, both, torch.where(kept_row != kept_column, one, 0))
