"""Targets of means and (co)variances: moments and wasserstein."""

from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.losses.centered_gram import channel_means
from nstkit.losses.gram import gram_matrix
from nstkit.losses.wasserstein import wasserstein_to
from nstkit.transfer.regions import Guide
from nstkit.transfer.style_targets import MomentTarget

_FLAT = 1e-5
"""Added to variances, so that the gradient of a deviation is finite on flat channels."""


class MomentsTarget(MomentTarget):
    """1/C Σ (μ − μ_s)² + (σ − σ_s)², the styles' μ_s and σ_s averaged by weight. See `moment_matching_loss`."""

    needs_mean = True

    def __init__(
        self, features: Sequence[Tensor], weights: Sequence[float], guide: Guide | None = None
    ) -> None:
        center = torch.stack([w * channel_means(f) for w, f in zip(weights, features, strict=True)]).sum(0)
        super().__init__(center, guide)
        deviations = [w * _deviation(f) for w, f in zip(weights, features, strict=True)]
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

    def __init__(self, style: Tensor, guide: Guide | None = None) -> None:
        super().__init__(channel_means(style), guide)
        covariance = gram_matrix(self.shifted(style), "hw")
        values, self._vectors = torch.linalg.eigh(covariance)
        self._values = values.clamp(min=0)
        self.energy = style.square().mean((1, 2, 3))

    def gap_of_moments(self, mean: Tensor, second: Tensor, positions: int) -> Tensor:
        """See MomentTarget."""
        covariance = second - mean[:, :, None] * mean[:, None]
        distance = wasserstein_to(mean, covariance, torch.zeros_like(mean), self._values, self._vectors)
        return distance / mean.shape[1]


def _deviation(features: Tensor) -> Tensor:
    return (features.var((2, 3), correction=0) + _FLAT).sqrt()
