"""Multi-scale detail: one gain for each band of a Laplacian pyramid, and none for what is too small to be detail.

Unsharp masking is the case of one band. Coring, a gain that falls to 1 for small amplitudes, keeps noise from being
boosted with the detail; the idea is from video coding (Rossi, "Digital Techniques for Reducing Television Noise",
SMPTE Journal 87, 1978).
"""

from collections.abc import Sequence

from torch import Tensor

from nstkit.enhance.pyramids import collapse_pyramid, laplacian_pyramid
from nstkit.filters.checks import check_gain


def boost_detail(image: Tensor, gains: Sequence[float], threshold: float = 0.0) -> Tensor:
    """Multiply each band value d by 1 + (g − 1) d² / (d² + threshold²), collapse, and clip to [0, 1].

    Args:
        image: (B, C, H, W), float32 or float64, in [0, 1].
        gains: g ≥ 0 by band, the finest first; the pyramid has one level more, the residual, which stays.
        threshold: amplitude at which half of the gain acts, in the unit of the image; 0 is the plain gain.

    Returns:
        (B, C, H, W) in [0, 1], the dtype and device of `image`; differentiable where nothing is clipped.

    Raises:
        ValueError: another shape or dtype, a gain or threshold below 0, an infinite gain, or more gains
            than the image has bands.
    """
    gains = [float(gain) for gain in gains]
    for gain in gains:
        check_gain(gain, "gains")
    if not threshold >= 0:
        raise ValueError(f"threshold: expected a number of at least 0, got {threshold}")
    *bands, residual = laplacian_pyramid(image, len(gains) + 1)
    boosted = [_boost(band, gain, threshold) for band, gain in zip(bands, gains, strict=True)]
    return collapse_pyramid([*boosted, residual]).clamp(0, 1)


def _boost(band: Tensor, gain: float, threshold: float) -> Tensor:
    if threshold == 0:
        return gain * band  # d² / d² is 1, and 0 / 0 never arises
    power = band.square()
    return band * (1 + (gain - 1) * power / (power + threshold**2))
