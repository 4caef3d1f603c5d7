"""Total variation: how much neighbouring pixels differ.

Rudin, Osher & Fatemi, Physica D 60 (1992); in style transfer since Johnson et al., ECCV 2016, Section 3.2.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor


def total_variation(image: Tensor, kind: str = "anisotropic", eps: float = 1e-8) -> Tensor:
    """Sum the differences of neighbouring pixels over channels and positions, for each image.

    Args:
        image: (B, C, H, W), H and W at least 2.
        kind: "anisotropic" Σ|dx| + Σ|dy|; "squared" Σdx² + Σdy²; "isotropic" Σ√(dx² + dy² + eps) over the
            (H-1) x (W-1) cells where both differences exist, per channel.
        eps: keeps the gradient of the root finite on flat regions; used by "isotropic".
    Returns:
        (B,), a sum and no mean: it grows with the picture. Differentiable.
    Raises:
        ValueError: not 4-D, H or W below 2, or another kind.

    Source: "isotropic" is Rudin et al. (1992) with the root smoothed by eps; "anisotropic" sums the absolute
    differences, as `tf.image.total_variation` does; "squared" is Mahendran & Vedaldi, CVPR 2015,
    arXiv:1412.0035, with β = 2.
    """
    if image.ndim != 4 or min(image.shape[2:]) < 2:
        raise ValueError(
            f"image: expected (B, C, H, W) with H and W at least 2, got {tuple(image.shape)}; "
            "give a single image its batch axis with [None]"
        )
    if kind not in _KINDS:
        raise ValueError(f"kind: expected one of {', '.join(_KINDS)}, got {kind!r}")
    return _KINDS[kind](image.diff(dim=3), image.diff(dim=2), eps)


def nine_point_variation(image: Tensor) -> Tensor:
    """2 (mean dx² + mean dy²) / 3 + (mean d₁² + mean d₂²) / 6, where d₁ and d₂ are the differences along diagonals.

    Its gradient is a Laplacian of nine points, sides and corners as 4 to 1, whose error is the same in all directions.
    The edge is repeated by one pixel: dx has H·W values, of which those beyond the edge are 0, and d₁ (H+1)(W+1).

    Args:
        image: (B, C, H, W).
    Returns:
        (B,), a mean: on smooth images near Σ(dx² + dy²) / (C·H·W), whatever their size. Differentiable.
    Raises:
        ValueError: not 4-D.

    Source: crowsonkb/style-transfer-pytorch, since its commit 4937825.
    """
    if image.ndim != 4:
        raise ValueError(
            f"image: expected (B, C, H, W), got {tuple(image.shape)}; give a single image its batch axis with [None]"
        )
    padded = F.pad(image, (1, 1, 1, 1), mode="replicate")
    falling = padded[..., 1:, 1:] - padded[..., :-1, :-1]
    rising = padded[..., 1:, :-1] - padded[..., :-1, 1:]
    along = (image.diff(dim=3).square().sum((1, 2, 3)) + image.diff(dim=2).square().sum((1, 2, 3))) / image[
        0
    ].numel()
    across = (falling.square() + rising.square()).mean((1, 2, 3))
    return 2 * along / 3 + across / 6


def _anisotropic(dx: Tensor, dy: Tensor, eps: float) -> Tensor:
    return dx.abs().sum((1, 2, 3)) + dy.abs().sum((1, 2, 3))


def _squared(dx: Tensor, dy: Tensor, eps: float) -> Tensor:
    return dx.square().sum((1, 2, 3)) + dy.square().sum((1, 2, 3))


def _isotropic(dx: Tensor, dy: Tensor, eps: float) -> Tensor:
    return torch.sqrt(dx[:, :, :-1].square() + dy[:, :, :, :-1].square() + eps).sum((1, 2, 3))


_KINDS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "anisotropic": _anisotropic,
    "squared": _squared,
    "isotropic": _isotropic,
}
