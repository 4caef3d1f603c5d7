"""Shifted Gram matrices: which channel follows which at a given distance.

A Gram matrix compares the channels at one and the same place. With a shift between the two factors it also sees how
far apart things repeat: Berger & Memisevic, "Incorporating long-range consistency in CNN-based texture generation",
ICLR 2017, arXiv:1606.01286.
"""

from torch import Tensor

from nstkit.losses.features import check_features


def shifted_gram(features: Tensor, dy: int, dx: int) -> Tensor:
    """G_ij = 1/(C (H−dy)(W−dx)) · Σ_p F_i(p) F_j(p + (dy, dx)), over the positions p where both exist.

    Channel i is taken unshifted, j shifted; in general G is not symmetric. At shift (0, 0) it is `gram_matrix`.

    Args:
        features: (B, C, H, W), any floating dtype.
        dy, dx: the shift in rows and columns of the feature map, 0 ≤ dy < H and 0 ≤ dx < W.

    Returns:
        (B, C, C), dtype and device of `features`, differentiable.

    Raises:
        ValueError: `features` is not (B, C, H, W), or the shift is negative or leaves no overlap.

    Source: Berger & Memisevic, ICLR 2017, arXiv:1606.01286, Section 3; normalised as Johnson's Gram matrix.
    """
    check_features(features, "features")
    height, width = features.shape[2:]
    for name, shift, size in (("dy", dy, height), ("dx", dx, width)):
        if not 0 <= shift < size:
            raise ValueError(
                f"{name}: expected 0 … {size - 1}, a shift inside the map, got {shift}; for a shift the other way "
                "transpose the result, or flip the features along one axis"
            )
    here = features[:, :, : height - dy, : width - dx].flatten(2)  # (B, C, N)
    there = features[:, :, dy:, dx:].flatten(2)  # (B, C, N)
    divisor = here.shape[1] * here.shape[2]
    return (here / divisor) @ there.mT  # divided first: float16 would overflow
