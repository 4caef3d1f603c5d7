"""Move a cloud of colours onto another by one affine map: x' = A (x - μ_s) + μ_r.

Infinitely many A give the reference's covariance: with one of them, A Q does it for every Q that leaves C_s as it
is. "mk" is the one that moves the colours least (Pitié & Kokaram, "The linear Monge-Kantorovitch linear colour
mapping for example-based colour transfer", CVMP 2007).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from nstkit.images import check_image

RIDGE = 1e-8
"""Added to variances, so that a gray picture can be divided by."""


def linear_color_transfer(source: Tensor, reference: Tensor, method: str = "mk") -> Tensor:
    """Give the colours of `source` the mean and the spread of `reference`'s; nothing is clipped.

    A by method, C = covariance with divisor N plus 1e-8 I:
        mean_std:  diag(σ_r / σ_s), each channel by itself (the step of Reinhard et al. 2001, who take it in lαβ)
        cholesky:  L_r L_s⁻¹ with C = L Lᵀ
        symmetric: C_r^½ C_s^-½
        mk:        C_s^-½ (C_s^½ C_r C_s^½)^½ C_s^-½, symmetric, of least mean squared displacement

    Args:
        source: (B, 3, H, W) in [0, 1].
        reference: (B, 3, H', W') or (1, 3, H', W'), of any size.
        method: mean_std, cholesky, symmetric or mk.
    Returns:
        (B, 3, H, W), same dtype; may leave [0, 1]. Statistics are float64 where the device has it. Differentiable,
        but for roots of covariances with equal eigenvalues, as those of gray pictures.
    Raises:
        ValueError, TypeError: no images, batches that do not fit, or another method.
    """
    check_image(source, "source")
    check_image(reference, "reference")
    if len(reference) not in (1, len(source)):
        raise ValueError(
            f"reference: expected a batch of 1 or {len(source)} as in source, got {len(reference)}"
        )
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    rows = _exact(source).flatten(2)  # (B, 3, N)
    mean_s, cov_s = _moments(rows)
    mean_r, cov_r = _moments(_exact(reference).flatten(2))
    moved = METHODS[method](cov_s, cov_r) @ (rows - mean_s) + mean_r
    return moved.unflatten(2, source.shape[2:]).to(source.dtype)


def _mean_std(cov_s: Tensor, cov_r: Tensor) -> Tensor:
    std_s, std_r = (_without_ridge(c).clamp(min=0).sqrt() + RIDGE for c in (cov_s, cov_r))
    return torch.diag_embed(std_r / std_s)


def _cholesky(cov_s: Tensor, cov_r: Tensor) -> Tensor:
    lower_s, lower_r = torch.linalg.cholesky(cov_s), torch.linalg.cholesky(cov_r)
    return torch.linalg.solve_triangular(lower_s, lower_r, upper=False, left=False)  # X L_s = L_r


def _symmetric(cov_s: Tensor, cov_r: Tensor) -> Tensor:
    return _power(cov_r, 0.5) @ _power(cov_s, -0.5)


def _monge_kantorovich(cov_s: Tensor, cov_r: Tensor) -> Tensor:
    root, inverse = _power(cov_s, 0.5), _power(cov_s, -0.5)
    return inverse @ _power(root @ cov_r @ root, 0.5) @ inverse


METHODS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean_std": _mean_std,
    "cholesky": _cholesky,
    "symmetric": _symmetric,
    "mk": _monge_kantorovich,
}


def _exact(image: Tensor) -> Tensor:
    return image if image.device.type == "mps" else image.double()


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (B, 3, 1) and covariance (B, 3, 3) of rows (B, 3, N), with the ridge."""
    mean = rows.mean(2, keepdim=True)
    centered = rows - mean
    ridge = RIDGE * torch.eye(3, dtype=rows.dtype, device=rows.device)
    return mean, centered @ centered.mT / rows.shape[2] + ridge


def _without_ridge(covariance: Tensor) -> Tensor:
    return covariance.diagonal(dim1=1, dim2=2) - RIDGE


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """A power of a symmetric positive definite matrix; color lies below the rooms that have a general one."""
    values, vectors = torch.linalg.eigh(matrix)
    return (
        vectors @ torch.diag_embed(values.clamp(min=torch.finfo(matrix.dtype).tiny) ** exponent) @ vectors.mT
    )
