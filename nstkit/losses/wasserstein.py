"""The squared 2-Wasserstein distance between features, each image's taken for a Gaussian: means and covariances.

‖μ₁ − μ₂‖² + tr A + tr B − 2 tr (A^½ B A^½)^½ (Dowson & Landau, Journal of Multivariate Analysis 12, 1982). Only the
last trace is hard. The coupled Newton-Schulz recurrence gives the root of a matrix and, in the same products, its
inverse root (Higham, "Functions of Matrices", SIAM 2008, Chapter 6); and half of the inverse root is the trace's
gradient, so that backward needs no second solve. A covariance of few positions has few directions: the products are
as small as the target's rank.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from nstkit.losses.gram import gram_matrix
from nstkit.losses.moments import check_styles


def wasserstein_loss(generated: Tensor, style: Tensor) -> Tensor:
    """W₂² between the Gaussians with the moments of the two feature maps, divided by C; the mean over the batch.

    Moments are of the population (divided by H·W) and never in less than float32. Maps of fewer positions than channels
    are fine.

    Args:
        generated: (B, C, H, W).
        style: (B, C, H', W'), any size. A constant: no gradient reaches it.

    Returns:
        0-d, float32 or the wider dtype of `generated`; differentiable once in `generated`.

    Raises:
        ValueError: not 4-D, or B or C differ.
    """
    check_styles(generated, style)
    with torch.autocast(generated.device.type, enabled=False):
        (mean, covariance), (style_mean, style_covariance) = map(_moments, (generated, style.detach()))
        target = principal(style_covariance, style[0, 0].numel())
        distance = wasserstein_to(mean, covariance, style_mean, *target)
    return distance.mean() / generated.shape[1]


def gaussian_wasserstein(
    mean: Tensor, covariance: Tensor, target_mean: Tensor, target_covariance: Tensor
) -> Tensor:
    """W₂² of two Gaussians, batched.

    Exact up to directions in which the product of the covariances is below about 10ε of its norm (ε: the dtype's
    rounding): there the root comes out too small, and its gradient, infinite at 0, is bounded.

    Args:
        mean: (B, C), float32 or float64.
        covariance: (B, C, C), symmetric, positive semidefinite up to rounding.
        target_mean, target_covariance: likewise, or of batch 1. Constants.

    Returns:
        (B,), ≥ 0 up to rounding; differentiable once in `mean` and `covariance`.
    """
    target = principal(target_covariance.detach(), target_covariance.shape[-1])
    return wasserstein_to(mean, covariance, target_mean.detach(), *target)


def principal(covariance: Tensor, positions: int) -> tuple[Tensor, Tensor]:
    """Eigenvalues (B, R), ≥ 0, and eigenvectors (B, C, R) of a covariance (B, C, C) over so many positions.

    R is C, or `positions` where they are fewer: the other eigenvalues are 0.
    """
    values, vectors = _eigen(covariance)
    rank = min(positions, covariance.shape[-1])
    return values[..., -rank:].clamp(min=0), vectors[..., -rank:].contiguous()


def _eigen(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and eigenvectors: in float64 where LAPACK gives up in float32, as on some of low rank.

    It says so, or returns NaN: of what rounding leaves of flat pixels, for one.
    """
    try:
        values, vectors = torch.linalg.eigh(matrix)
        trouble = (~values.isfinite()).any() | (~vectors.isfinite()).any()
        failed = bool(trouble)  # usually no, which is also the answer of tensors without values
    except torch.linalg.LinAlgError:
        failed = True
    if failed:
        values, vectors = (part.to(matrix) for part in torch.linalg.eigh(matrix.cpu().double()))
    return values, vectors


def wasserstein_to(
    mean: Tensor,
    covariance: Tensor,
    target_mean: Tensor,
    values: Tensor,
    vectors: Tensor,
    rounded: Tensor | None = None,
) -> Tensor:
    """`gaussian_wasserstein` to a target whose covariance comes as from `principal`.

    Args:
        rounded: (B,), the size of what `covariance` was rounded at, where it is a difference of larger numbers: of a
            flat map nothing but rounding errors are left, of either sign, and those have no root.
    """
    roots = values.sqrt()
    rotated = vectors.mT @ covariance @ vectors
    product = roots[..., :, None] * rotated * roots[..., None, :]  # A^½ B A^½ in A's eigenvectors
    least = product.new_zeros(()) if rounded is None else (rounded * values[..., -1]).detach()
    cross: Tensor = _TraceOfRoot.apply(product, least)
    traces = diagonal_of(covariance).sum(-1) + values.sum(-1)
    return (mean - target_mean).square().sum(-1) + traces - 2 * cross


def diagonal_of(matrix: Tensor) -> Tensor:
    """The diagonal, (B, C)."""
    return matrix.diagonal(dim1=-2, dim2=-1)


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, C) and population covariance (B, C, C)."""
    features = features if features.dtype == torch.float64 else features.float()
    mean = features.mean((2, 3), keepdim=True)
    return mean[..., 0, 0], gram_matrix(features - mean, "hw")


class _TraceOfRoot(torch.autograd.Function):
    """tr S^½ of symmetric positive semidefinite S (B, C, C); the gradient is S^(-½)/2."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, least: Tensor) -> Tensor:
        root, inverse = _newton_schulz(matrix, least)
        ctx.save_for_backward(inverse)
        return diagonal_of(root).sum(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (inverse,) = ctx.saved_tensors
        return gradient[..., None, None] * inverse / 2, None


def _newton_schulz(matrix: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """S^½ and S^(-½): Y ← Y T, Z ← T Z with T = ρ(3I − ρ²ZY)/2, from Y = S/‖S‖ and Z = I.

    The factors ρ are known beforehand, so that nothing has to be read back to decide. ‖S‖ is taken to be at least
    `least`, (B,) or 0-d: rounding errors, ε of that, then stay small.
    """
    norm = torch.maximum(torch.linalg.matrix_norm(matrix), least)[..., None, None].clamp(min=1e-20)
    three = 3 * torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    first, *others = _scales(torch.finfo(matrix.dtype).eps)
    y = matrix / norm
    z = (three - first**2 * y) * (first / 2)
    y = y @ z
    for scale in others:
        factor = (three - scale**2 * (z @ y)) * (scale / 2)
        y, z = y @ factor, factor @ z
    return y * norm.sqrt(), (z + z.mT) / 2 / norm.sqrt()


def _scales(eps: float) -> Iterator[float]:
    """The ρ of each step, for roots σ of eigenvalues in [ℓ, 1], of which it makes ρσ(3 − ρ²σ²)/2.

    ρ² = 3/(1 + ℓ + ℓ²) takes ℓ and 1 to the same value, the least; it is near 1 at the end. ℓ² starts at 300ε, below
    which eigenvalues are not resolved; steps end where eigenvalues of ε, rounding errors of either sign, would not
    stay small. That is 9 steps in float32 in place of 16 without ρ, 20 in place of 41 in float64, to the same accuracy.

    Source: Chen & Chow, "A stable scaling of Newton-Schulz for improving the sign function computation of a Hermitian
    matrix", Argonne preprint, 2014.
    """
    least, growth = math.sqrt(300 * eps), eps
    while True:
        square = 3 / (1 + least + least**2)
        growth *= 2.25 * square
        if growth > 0.1:
            return
        yield math.sqrt(square)
        least = math.sqrt(square) * least * (3 - square * least**2) / 2
