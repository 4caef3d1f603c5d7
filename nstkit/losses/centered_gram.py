"""The Gram matrix around a given centre: second moments of F - m.

With the style's own channel means as the centre for both images, means and covariances are matched together
and neither can pay for the other: a plain Gram matrix may trade the mean against the variance (Risser et al.,
arXiv:1701.08893, Section 4.1).
"""

from torch import Tensor

from nstkit.losses.gram import gram_matrix


def channel_means(features: Tensor) -> Tensor:
    """Means over positions: (B, C, H, W) to (B, C, 1, 1)."""
    return features.mean((2, 3), keepdim=True)


def centered_gram_matrix(features: Tensor, center: Tensor, normalize: str = "chw") -> Tensor:
    """Second moments of the channels around `center`: (F - m)(F - m)ᵀ / Z.

    Args:
        features: (B, C, H, W).
        center: (B, C, 1, 1) or (1, C, 1, 1), usually `channel_means` of the style's features.
        normalize: as for `gram_matrix`.
    Returns:
        (B, C, C); with a zero centre, the Gram matrix itself.
    Raises:
        ValueError: a centre of another number of channels.
    """
    if center.shape[1:] != (features.shape[1], 1, 1):
        expected = f"(1, {features.shape[1]}, 1, 1)"
        raise ValueError(f"center: expected {expected}, got {tuple(center.shape)}; see channel_means")
    return gram_matrix(features - center, normalize)
