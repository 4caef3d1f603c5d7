"""Gray-level co-occurrence: how often two gray levels meet at a given distance, and four numbers about it.

Haralick, Shanmugam & Dinstein, "Textural Features for Image Classification", IEEE Transactions on Systems, Man, and
Cybernetics SMC-3 (1973). It measures texture without any network.
"""

import torch
from torch import Tensor


def glcm_features(levels_map: Tensor, dy: int, dx: int, levels: int) -> dict[str, Tensor]:
    """Co-occurrence of the levels at p and p + (dy, dx), both directions counted, and its features.

    contrast Σ P (i−j)²; homogeneity Σ P / (1 + (i−j)²); energy √Σ P²; correlation Σ P (i−μ)(j−μ)/σ², 1 where σ = 0.

    Args:
        levels_map: (B, H, W), integers in 0 … levels − 1.
        dy, dx: offset in rows and columns; may be negative.
        levels: number of gray levels L.

    Returns:
        "matrix" (B, L, L), symmetric, sums to 1; "contrast", "homogeneity", "energy", "correlation" (B,); float64.

    Raises:
        ValueError: not (B, H, W) of integers, a level out of range, or an offset without overlap.

    Source: Haralick et al. 1973; energy is the root of the angular second moment.
    """
    _check(levels_map, dy, dx, levels)
    height, width = levels_map.shape[1:]
    first = levels_map[:, max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
    second = levels_map[:, max(0, dy) : height - max(0, -dy), max(0, dx) : width - max(0, -dx)]
    matrix = _count(first.flatten(1).long(), second.flatten(1).long(), levels)
    return {"matrix": matrix, **_features(matrix)}


def _count(first: Tensor, second: Tensor, levels: int) -> Tensor:
    """(B, N) twice to (B, L, L): symmetric relative frequencies."""
    batch = len(first)
    image = torch.arange(batch, device=first.device)[:, None]
    cells = (image * levels + first) * levels + second
    counts = torch.bincount(cells.flatten(), minlength=batch * levels**2).view(batch, levels, levels).double()
    return (counts + counts.mT) / (2 * first.shape[1])


def _features(matrix: Tensor) -> dict[str, Tensor]:
    level = torch.arange(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    squares = (level[:, None] - level).square()
    share = matrix.sum(2)  # (B, L); rows and columns have the same sums
    centered = level - (share * level).sum(1, keepdim=True)  # (B, L)
    variance = (share * centered.square()).sum(1)
    covariance = torch.einsum("bij,bi,bj->b", matrix, centered, centered)
    flat = variance == 0
    return {
        "contrast": (matrix * squares).sum((1, 2)),
        "homogeneity": (matrix / (1 + squares)).sum((1, 2)),
        "energy": matrix.square().sum((1, 2)).sqrt(),
        "correlation": torch.where(flat, 1.0, covariance / torch.where(flat, 1.0, variance)),
    }


def _check(levels_map: Tensor, dy: int, dx: int, levels: int) -> None:
    if levels_map.ndim != 3 or levels_map.is_floating_point() or 0 in levels_map.shape:
        raise ValueError(
            f"levels_map: expected integers (B, H, W), got {levels_map.dtype} of shape {tuple(levels_map.shape)}; "
            "quantise a gray image with (gray * levels).long().clamp(max=levels - 1)"
        )
    low, high = (int(bound) for bound in torch.aminmax(levels_map))
    if low < 0 or high >= levels:
        raise ValueError(f"levels_map: expected values in 0 … {levels - 1}, got {low} … {high}")
    for name, shift, size in (("dy", dy, levels_map.shape[1]), ("dx", dx, levels_map.shape[2])):
        if abs(shift) >= size:
            raise ValueError(
                f"{name}: expected an offset of less than {size} pixels, so that pairs exist, got {shift}"
            )
