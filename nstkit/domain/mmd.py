"""Gram matching is distribution matching: the MMD between sets of feature vectors with a quadratic kernel.

Li, Wang, Liu & Hou, "Demystifying Neural Style Transfer", IJCAI 2017, arXiv:1701.01036.
"""

from torch import Tensor


def gram_mmd2(x: Tensor, y: Tensor) -> Tensor:
    """Biased MMD²: mean k(x, x') + mean k(y, y') − 2 mean k(x, y) over all pairs, k(a, b) = (aᵀb)².

    Computed as ‖xᵀx/M − yᵀy/K‖², which is the same number: Gram matching is this MMD, and Gatys' loss of a layer
    is MMD²/(4C²). This form costs (M + K)·C² instead of (M + K)²·C and cannot become negative by rounding.

    Args:
        x: (M, C), one feature vector per position: `features.flatten(2).mT[b]` for image b.
        y: (K, C), dtype and device of `x`.

    Returns:
        0-d, ≥ 0, differentiable in both arguments.

    Raises:
        ValueError: A set is not (positions, C) or is empty, or C differs.

    Source: Li et al., IJCAI 2017, arXiv:1701.01036.
    """
    _check_sets(x, y)
    return (x.mT @ x / len(x) - y.mT @ y / len(y)).square().sum()  # the difference is (C, C)


def _check_sets(x: Tensor, y: Tensor) -> None:
    for name, vectors in {"x": x, "y": y}.items():
        if vectors.ndim != 2 or 0 in vectors.shape:
            raise ValueError(
                f"{name}: expected at least one feature vector, (positions, C), got {tuple(vectors.shape)}"
            )
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"y: expected vectors of length {x.shape[1]} as in x, got {y.shape[1]}")
