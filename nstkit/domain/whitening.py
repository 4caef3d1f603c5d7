"""Whitening and colouring: the linear map that gives one domain the mean and covariance of another.

Sun, Feng & Saenko, "Return of Frustratingly Easy Domain Adaptation", AAAI 2016, arXiv:1511.05547 (CORAL), in
closed form; as style transfer Li et al., NeurIPS 2017, arXiv:1705.08086 (`nstkit.transfer.wct`). The covariance
fixes the map only up to a rotation; both roots here are the symmetric ones, which mix the features least.
"""

from torch import Tensor

from nstkit.domain.feature_sets import check_feature_sets, mean_and_covariance
from nstkit.domain.matrix_root import symmetric_root


def whiten_color_map(source: Tensor, target: Tensor, eps: float = 1e-5) -> Tensor:
    """(S − μ_s)(C_s + eps·I)^(-1/2) (C_t + eps·I)^(1/2) + μ_t, with symmetric roots and unbiased covariances.

    Args:
        source: S, (n, d), samples in rows, n ≥ 2; n < d is fine.
        target: (m, d), m ≥ 2, dtype and device of `source`.
        eps: > 0, in the units of a variance. Directions in which the source hardly varies stay small.

    Returns:
        (n, d). Its mean is the target's; its covariance too, up to eps. Differentiable in both.

    Raises:
        ValueError: A set is not (n, d), has fewer than 2 samples, d differs, or `eps` is not positive.

    Source: Sun, Feng & Saenko 2016, Algorithm 1, with eps in place of 1 and the means matched as well.
    """
    check_feature_sets(source, target, ("source", "target"), least=2)
    if not eps > 0:
        raise ValueError(f"eps: expected a positive number, got {eps}; 1e-5 suits features of unit variance")
    source_mean, source_covariance = mean_and_covariance(source)
    target_mean, target_covariance = mean_and_covariance(target)
    whiten = symmetric_root(source_covariance, inverse=True, ridge=eps)
    color = symmetric_root(target_covariance, ridge=eps)
    return (source - source_mean) @ (whiten @ color) + target_mean
