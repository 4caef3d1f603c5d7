"""The whitening-colouring transform: content features with the mean and covariance of a style.

Li, Fang, Yang, Wang, Lu & Yang, "Universal Style Transfer via Feature Transforms", NeurIPS 2017,
arXiv:1705.08086. A truncated root drops directions that do not vary, where `nstkit.domain.whiten_color_map` adds
a small variance to all; both use one symmetric root.
"""

from torch import Tensor

from nstkit.domain.feature_sets import mean_and_covariance
from nstkit.domain.matrix_root import symmetric_root


def wct(content: Tensor, style: Tensor, alpha: float = 1.0, tol: float = 1e-5) -> Tensor:
    """alpha · t + (1 − alpha) · content with t = E_s D_s^(1/2) E_sᵀ E_c D_c^(-1/2) E_cᵀ (F_c − m_c) + m_s.

    Args:
        content: (C, H, W), or (B, C, H, W).
        style: (C, H', W'), or (B, C, H', W') or (1, C, H', W'); its size is its own.
        alpha: 0 (content) … 1 (full transform).
        tol: Eigenvalues not above it are dropped, in the units of a variance of the features.

    Returns:
        The shape of `content`. At full rank its covariance (divisor N − 1) and mean are the style's.

    Raises:
        ValueError: C or the batches differ, fewer than 2 positions, or `alpha` outside 0 … 1.

    Source: Li et al. 2017, Eq. 1-3.
    """
    _check(content, style, alpha)
    rows, style_rows = content.flatten(-2).mT, style.flatten(-2).mT  # (…, N, C)
    mean, covariance = mean_and_covariance(rows)
    style_mean, style_covariance = mean_and_covariance(style_rows)
    whiten = symmetric_root(covariance, inverse=True, tol=tol)
    color = symmetric_root(style_covariance, tol=tol)
    transformed = (rows - mean) @ (whiten @ color) + style_mean  # (…, N, C)
    return alpha * transformed.mT.reshape(content.shape) + (1 - alpha) * content


def _check(content: Tensor, style: Tensor, alpha: float) -> None:
    for name, features in {"content": content, "style": style}.items():
        if features.ndim not in (3, 4) or features.shape[-3] == 0:
            raise ValueError(f"{name}: expected (C, H, W) or (B, C, H, W), got {tuple(features.shape)}")
        if features.shape[-2] * features.shape[-1] < 2:
            raise ValueError(f"{name}: expected at least 2 positions, got {tuple(features.shape)}")
    if content.ndim != style.ndim or content.shape[-3] != style.shape[-3]:
        raise ValueError(
            f"style: expected the axes and channels of content, {tuple(content.shape)}, got {tuple(style.shape)}; "
            "take both from one layer"
        )
    if content.ndim == 4 and len(style) not in (1, len(content)):
        raise ValueError(f"style: expected a batch of 1 or {len(content)} as in content, got {len(style)}")
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha: expected 0 to 1, got {alpha}; it blends and does not extrapolate")
