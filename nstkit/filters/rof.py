"""Total-variation denoising: the image nearest to the noisy one among those with few differences between neighbours.

Rudin, Osher & Fatemi, "Nonlinear Total Variation Based Noise Removal Algorithms", Physica D 60 (1992), minimise
½ Σ (u − f)² + λ Σ |∇u|. Chambolle (JMIV 20, 2004) solves the dual problem: u = f − λ div p with |p| ≤ 1 everywhere. We
take his dual by projected gradient steps with Nesterov's momentum (Beck & Teboulle, IEEE TIP 18, 2009): the same
minimiser, reached in a fraction of the iterations. Isotropic; the loss of lesson 12 is anisotropic.
"""

import math

import torch
from torch import Tensor

from nstkit.filters.checks import check_picture, check_positive, is_whole

_STEP = 1 / 8
"""1 / ‖grad‖²: each pixel takes part in four differences, and (a − b)² ≤ 2a² + 2b²."""


def tv_denoise(image: Tensor, lam: float, n_iter: int = 300) -> Tensor:
    """The minimiser u of ½ Σ (u − f)² + λ Σ |∇u|₂, for each channel by itself.

    ∇ takes forward differences, 0 in the last row and column. A jump between two plateaus loses contrast: a plateau of
    N pixels behind an edge of length L moves by λ L / N.

    Args:
        image: f, (B, C, H, W), float32 or float64, any range.
        lam: λ in the unit of the image, above 0.
        n_iter: iterations, at least 1; the larger λ, the more are needed.

    Returns:
        u, (B, C, H, W), the dtype and device of `image`; the same mean; differentiable by unrolling.

    Raises:
        ValueError: another shape or dtype; `lam` not above 0; `n_iter` no whole number of at least 1.
    """
    check_picture(image)
    check_positive(lam, "lam")
    if not is_whole(n_iter) or n_iter < 1:
        raise ValueError(f"n_iter: expected a whole number of at least 1, got {n_iter}")
    scaled = image / lam
    dual = ahead = (torch.zeros_like(image), torch.zeros_like(image))
    momentum = 1.0
    for _ in range(int(n_iter)):
        before, dual = dual, _project(ahead, _gradient(_divergence(*ahead).sub_(scaled)))
        faster = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        share = (momentum - 1) / faster
        ahead = (before[0].lerp_(dual[0], 1 + share), before[1].lerp_(dual[1], 1 + share))
        momentum = faster
    return image - lam * _divergence(*dual)


def _gradient(values: Tensor) -> tuple[Tensor, Tensor]:
    """Forward differences down and to the right, 0 where there is no next pixel."""
    down, right = torch.zeros_like(values), torch.zeros_like(values)
    down[..., :-1, :] = values[..., 1:, :]
    down[..., :-1, :] -= values[..., :-1, :]
    right[..., :-1] = values[..., 1:]
    right[..., :-1] -= values[..., :-1]
    return down, right


def _divergence(down: Tensor, right: Tensor) -> Tensor:
    """Minus the transpose of `_gradient`, for fields that are 0 in the last row and column."""
    total = down + right
    total[..., 1:, :] -= down[..., :-1, :]
    total[..., 1:] -= right[..., :-1]
    return total


def _project(field: tuple[Tensor, Tensor], gradient: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A step along the gradient, then back to |p| ≤ 1."""
    down, right = (g.mul_(_STEP).add_(p) for p, g in zip(field, gradient, strict=True))
    length = down.square().addcmul_(right, right).clamp_(min=1).sqrt_()
    return down / length, right / length
