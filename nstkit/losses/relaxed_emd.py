"""STROTSS: style by relaxed optimal transport between sampled features, content by their similarity to each other.

Kolkin, Salavon & Shakhnarovich, "Style Transfer by Relaxed Optimal Transport and Self-Similarity", CVPR 2019,
arXiv:1904.12785. Features are columns (B, C, N), one for each of N points; `hypercolumns` takes them from all layers.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

_LEAST = 1e-8
"""Below this a column has no direction: it then is at distance 1 from everything."""


def hypercolumns(features: Sequence[Tensor], points: Tensor) -> Tensor:
    """What all layers say at the same points of the image, interpolated bilinearly and joined.

    Args:
        features: maps (B, C_l, h_l, w_l) of one image.
        points: (N, 2), x and y in [0, 1] of the image's width and height.
    Returns:
        (B, Σ C_l, N), differentiable in `features`.
    Source: Kolkin et al. 2019, Section 3.1.
    """
    grid = (2 * points - 1)[None, :, None].expand(len(features[0]), -1, -1, -1)  # (B, N, 1, 2)
    return torch.cat(
        [
            F.grid_sample(f, grid.to(f), mode="bilinear", padding_mode="border", align_corners=False)[..., 0]
            for f in features
        ],
        dim=1,
    )


def relaxed_emd_loss(x: Tensor, y: Tensor) -> Tensor:
    """max( mean_i min_j d_ij , mean_j min_i d_ij ), d the cosine distance: a lower bound of the earth mover's.

    Args:
        x: (B, C, N), one column per point.
        y: (B, C, M), the target. A constant: no gradient reaches it.
    Returns:
        0-d, the mean over the batch, 0 to 2; differentiable in `x`. Needs memory for N·M distances.
    Raises:
        ValueError: not 3-D, or B or C differ.
    Source: Kolkin et al. 2019, Section 3.2.
    """
    _check(x, y)
    return relaxed(cosine_distances(x, y.detach())).mean()


def relaxed(distances: Tensor) -> Tensor:
    """The larger of the two one-sided matchings, (B, N, M) to (B,)."""
    return torch.maximum(distances.amin(2).mean(1), distances.amin(1).mean(1))


def cosine_distances(x: Tensor, y: Tensor) -> Tensor:
    """1 − cos of every pair of columns, (B, N, M)."""
    return 1 - F.normalize(x, dim=1, eps=_LEAST).mT @ F.normalize(y, dim=1, eps=_LEAST)


def absolute_moment_loss(x: Tensor, y: Tensor) -> Tensor:
    """1/C ‖μ_x − μ_y‖₁ + 1/C² ‖Σ_x − Σ_y‖₁ : what a distance of directions leaves open.

    Args:
        x: (B, C, N).
        y: (B, C, M). A constant. Covariances are of the population.
    Returns:
        0-d, the mean over the batch; differentiable in `x`.
    Raises:
        ValueError: not 3-D, or B or C differ.
    Source: Kolkin et al. 2019, Section 3.2.
    """
    _check(x, y)
    (mean, covariance), (wanted_mean, wanted) = map(_moments, (x, y.detach()))
    return (mean - wanted_mean).abs().mean() + (covariance - wanted).abs().mean()


def self_similarity_loss(x: Tensor, content: Tensor) -> Tensor:
    """How far the pattern of similarities within x is from that within the content, at the same points.

    With D the cosine distances between all pairs of columns, each column of D divided by its sum: the sum over pairs of
    |D^x − D^c| / N. Nothing is said about the features themselves, so that they may take on a style.

    Args:
        x: (B, C, N), N at least 2.
        content: (B, C', N), the same points. A constant.
    Returns:
        0-d, the mean over the batch, 0 to 2; differentiable in `x`.
    Raises:
        ValueError: not 3-D, another batch, or another number of points.
    Source: Kolkin et al. 2019, Section 3.3, with 1/N for their 1/N² as in their published code.
    """
    if x.ndim != 3 or content.ndim != 3 or x.shape[::2] != content.shape[::2] or x.shape[2] < 2:
        raise ValueError(
            f"content: expected (B, C, N) at the points of x, {tuple(x.shape)}, N at least 2, "
            f"got {tuple(content.shape)}; sample both at the same points"
        )
    patterns = [_pattern(columns) for columns in (x, content.detach())]
    return (patterns[0] - patterns[1]).abs().sum((1, 2)).mean() / x.shape[2]


def _pattern(columns: Tensor) -> Tensor:
    distances = cosine_distances(columns, columns).clamp(min=0)
    return distances / distances.sum(1, keepdim=True).clamp(min=_LEAST)


def _moments(columns: Tensor) -> tuple[Tensor, Tensor]:
    mean = columns.mean(2, keepdim=True)
    centred = columns - mean
    return mean, centred @ centred.mT / columns.shape[2]


def _check(x: Tensor, y: Tensor) -> None:
    if x.ndim != 3 or y.ndim != 3 or 0 in (*x.shape, *y.shape) or x.shape[:2] != y.shape[:2]:
        raise ValueError(
            f"x, y: expected (B, C, N) and (B, C, M), no axis empty, got {tuple(x.shape)} and {tuple(y.shape)}; "
            "take both from one layer, flatten(2) joins height and width"
        )
