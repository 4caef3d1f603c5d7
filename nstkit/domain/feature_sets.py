"""Sets of feature vectors, (n, d) with samples in rows: what two of them must have in common, and their moments.

A feature map (C, H, W) is such a set: `features.flatten(1).mT` has a row for each position.
"""

from torch import Tensor


def check_feature_sets(x: Tensor, y: Tensor, names: tuple[str, str] = ("x", "y"), least: int = 1) -> None:
    """Refuse sets that are not (n, d), have fewer than `least` samples, or differ in d (ValueError)."""
    for name, rows in zip(names, (x, y), strict=True):
        if rows.ndim != 2 or rows.shape[1] == 0:
            raise ValueError(
                f"{name}: expected (n, d), samples in rows, got {tuple(rows.shape)}; "
                "of a feature map (C, H, W) take .flatten(1).mT"
            )
        if len(rows) < least:
            raise ValueError(
                f"{name}: expected at least {least} sample{'s' * (least > 1)}, got {len(rows)}; "
                "one row is one sample"
            )
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"{names[1]}: expected vectors of length {x.shape[1]} as in {names[0]}, got {y.shape[1]}; "
            "take both from one layer"
        )


def mean_and_covariance(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The mean (…, 1, d) and the unbiased covariance (…, d, d), divisor n − 1, of rows (…, n, d), n ≥ 2."""
    mean = rows.mean(-2, keepdim=True)
    centred = rows - mean
    return mean, centred.mT @ centred / (rows.shape[-2] - 1)
