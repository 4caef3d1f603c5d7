"""A Gram matrix as a vector whose Euclidean distance is the Frobenius distance of the matrices.

A symmetric C x C matrix holds C(C + 1)/2 numbers. The half above the diagonal stands for both halves, so its
squares must count twice: each entry is multiplied by √2 (the half-vectorisation, made isometric).
"""

import math

import torch
from torch import Tensor


def gram_to_vector(gram: Tensor) -> Tensor:
    """The upper triangle row by row, off-diagonal entries times √2; G₁₁, √2·G₁₂, …, √2·G₁c, G₂₂, …

    Args:
        gram: (…, C, C), symmetric to 1e-8 of its largest entry (in float32: 1e-5).

    Returns:
        (…, C(C + 1)/2), with v(A)·v(B) = tr(A B); differentiable.

    Raises:
        ValueError: Not square, or not symmetric.
    """
    _check(gram)
    size = gram.shape[-1]
    rows, columns = torch.triu_indices(size, size, device=gram.device)
    return gram[..., rows, columns] * _weights(rows, columns, gram)


def vector_to_gram(v: Tensor) -> Tensor:
    """The symmetric matrices (…, C, C) of vectors (…, C(C + 1)/2): the inverse of `gram_to_vector`.

    Raises:
        ValueError: The length is not 1, 3, 6, 10, …
    """
    length = v.shape[-1] if v.ndim else 0
    size = (math.isqrt(8 * length + 1) - 1) // 2
    if length < 1 or size * (size + 1) // 2 != length:
        raise ValueError(f"v: expected a length of C(C + 1)/2, as 1, 3, 6, 10, …, got shape {tuple(v.shape)}")
    rows, columns = torch.triu_indices(size, size, device=v.device)
    places = torch.empty(size, size, dtype=torch.int64, device=v.device)
    places[rows, columns] = places[columns, rows] = torch.arange(length, device=v.device)
    return (v / _weights(rows, columns, v))[..., places]


def _weights(rows: Tensor, columns: Tensor, like: Tensor) -> Tensor:
    """1 on the diagonal, √2 off it."""
    weights = torch.full(rows.shape, math.sqrt(2), dtype=like.dtype, device=like.device)
    return weights.masked_fill_(rows == columns, 1)


def _check(gram: Tensor) -> None:
    if gram.ndim < 2 or gram.shape[-1] != gram.shape[-2] or not gram.numel():
        raise ValueError(f"gram: expected (…, C, C), got {tuple(gram.shape)}; see nstkit.losses.gram_matrix")
    tolerance = max(1e-8, 64 * torch.finfo(gram.dtype).eps)
    skew = (gram - gram.mT).detach().abs().amax((-2, -1))
    largest = gram.detach().abs().amax((-2, -1))
    if not bool((skew <= tolerance * largest).all()):
        worst = (skew / largest).max().item()
        raise ValueError(f"gram: expected a symmetric matrix, got a skewness of {worst:.1e} of its maximum")
