"""Targets of means and (co)variances: moments and wasserstein."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.losses.gram import gram_matrix
from nstkit.losses.wasserstein import principal, wasserstein_to
from nstkit.transfer.regions import Guide
from nstkit.transfer.style_targets import MomentTarget, guided, means

_FLAT = 1e-5
"""Added to variances, so that the gradient of a deviation is finite on flat channels."""


class MomentsTarget(MomentTarget):
    """1/C Σ (μ − μ_s)² + (σ − σ_s)², the styles' μ_s and σ_s averaged by weight. See `moment_matching_loss`."""

    needs_mean = True

    def __init__(
        self,
        features: Sequence[Tensor],
        weights: Sequence[float],
        guide: Guide | None = None,
        sources: Sequence[Guide | None] | None = None,
    ) -> None:
        read = list(zip(weights, features, sources or [None] * len(features), strict=True))
        center = torch.stack([w * means(f, source) for w, f, source in read]).sum(0)
        super().__init__(center, guide)
        deviations = [w * _deviation(f, source) for w, f, source in read]
        self._deviation = torch.stack(deviations).sum(0)  # (1, C)
        self.energy = (center.square().flatten(1) + self._deviation.square()).mean(1)

    def gap_of_moments(self, mean: Tensor, second: Tensor, positions: int) -> Tensor:
        """See MomentTarget."""
        variance = (second.diagonal(dim1=1, dim2=2) - mean.square()).clamp(min=0)
        deviation = (variance + _FLAT).sqrt()
        return (mean.square() + (deviation - self._deviation).square()).mean(1)


class WassersteinTarget(MomentTarget):
    """W₂² / C to one style's Gaussian. See `wasserstein_loss`."""

    needs_mean = True

    def __init__(self, style: Tensor, guide: Guide | None = None, source: Guide | None = None) -> None:
        super().__init__(means(style, source), guide)
        covariance = gram_matrix(guided(self.shifted(style), source), "hw")
        self._values, self._vectors = principal(covariance, style[0, 0].numel())
        self.energy = guided(style, source).square().mean((1, 2, 3))

    def gap_of_moments(self, mean: Tensor, second: Tensor, positions: int) -> Tensor:
        """See MomentTarget."""
        covariance = second - mean[:, :, None] * mean[:, None]
        rounded = mean.square().sum(1)  # ‖mean meanᵀ‖, which was subtracted
        distance = wasserstein_to(
            mean, covariance, torch.zeros_like(mean), self._values, self._vectors, rounded
        )
        return distance / mean.shape[1]


def _deviation(features: Tensor, source: Guide | None) -> Tensor:
    """(B, C)."""
    around = guided(features - means(features, source), source)
    return (around.square().mean((2, 3)) + _FLAT).sqrt()
