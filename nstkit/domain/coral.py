"""CORAL: how far the covariances of two domains are apart, as a loss.

Sun & Saenko, "Deep CORAL: Correlation Alignment for Deep Domain Adaptation", ECCV 2016 Workshops,
arXiv:1607.01719, Eq. 1. Where the Gram loss of lesson 3 compares raw second moments, this one compares centred
ones: it does not see the means at all.
"""

from torch import Tensor

from nstkit.domain.feature_sets import check_feature_sets, mean_and_covariance


def coral_loss(source: Tensor, target: Tensor) -> Tensor:
    """‖C_S − C_T‖_F² / (4 d²), with the unbiased covariance of each domain.

    Args:
        source: (n, d), samples in rows, n ≥ 2.
        target: (m, d), m ≥ 2, dtype and device of `source`; m may differ from n.

    Returns:
        0-d, ≥ 0, differentiable in both.

    Raises:
        ValueError: A set is not (n, d), has fewer than 2 samples, or d differs.

    Source: Sun & Saenko 2016, arXiv:1607.01719, Eq. 1.
    """
    check_feature_sets(source, target, ("source", "target"), least=2)
    difference = mean_and_covariance(source)[1] - mean_and_covariance(target)[1]  # (d, d)
    return difference.square().sum() / (4 * source.shape[1] ** 2)
