"""Style targets, and those of means and second moments: gram and centered_gram.

A target is made once, from the features of the styles at one layer, and afterwards says how far other features are
from it. What these targets ask of an image are the first two moments of its features, around `center`; so they can
be masked, and gathered from tiles of an image that does not fit into memory.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from nstkit.losses.centered_gram import channel_means
from nstkit.losses.gram import gram_matrix, moments_around, second_moments
from nstkit.transfer.draws import Draw
from nstkit.transfer.regions import Guide


class StyleTarget(ABC):
    """What a layer's features should be like.

    Attributes:
        of_moments: whether `gap` depends on means and second moments over the whole image alone; if so the target is
            a `MomentTarget`.
        energy: (1,), or (B,) for a style that has one version for each content; > 0 unless it is blank: what counts
            as a large gap.
    """

    of_moments: ClassVar[bool] = False
    energy: Tensor

    @abstractmethod
    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """How far float32 features (B, C, h, w) are from the target: (B,), ≥ 0, differentiable."""


class MomentTarget(StyleTarget):
    """A target that asks for moments only.

    Attributes:
        center: (1, C, 1, 1), subtracted from features before moments are taken; None for zeros.
    """

    of_moments = True
    needs_mean: ClassVar[bool] = False

    def __init__(self, center: Tensor | None, guide: Guide | None) -> None:
        self.center, self._guide = center, guide

    def gap(self, features: Tensor, draw: Draw) -> Tensor:
        """As for any target; nothing is drawn."""
        height, width = features.shape[2:]
        mean, second = self.moments(features, self.guide(height, width), height * width)
        return self.gap_of_moments(mean, second, height * width)

    def guide(self, height: int, width: int) -> Tensor | None:
        """Where the style counts, (h, w), its squares with mean 1; None for everywhere."""
        if self._guide is None or self._guide.everywhere(height, width):
            return None
        return self._guide.at(height, width)

    def moments(self, features: Tensor, guide: Tensor | None, positions: int) -> tuple[Tensor, Tensor]:
        """What these features add to the moments over `positions`, which may be those of a larger map.

        Args:
            features: (B, C, h, w), float32 or as the network computed them; moments are float32.
            guide: (h, w), or None.
        Returns:
            Σ F / positions, (B, C), zeros unless `needs_mean`; and Σ F Fᵀ / positions, (B, C, C); F around `center`.
        """
        if guide is None:
            return moments_around(features, self.center, 1 / positions, mean=self.needs_mean)
        shifted = self.shifted(features)
        mean = shifted.new_zeros(features.shape[:2])
        if self.needs_mean:
            mean = (shifted * guide.square()).sum((2, 3)) / positions
        return mean, second_moments((shifted * guide).flatten(2), 1 / positions)

    def shifted(self, features: Tensor) -> Tensor:
        """The features around `center`."""
        return features if self.center is None else features - self.center

    @abstractmethod
    def gap_of_moments(self, mean: Tensor, second: Tensor, positions: int) -> Tensor:
        """The gap, (B,), of the moments of features − center.

        Args:
            mean: (B, C), read only if `needs_mean`.
            second: (B, C, C), F Fᵀ / (H·W).
            positions: H·W of the whole layer.
        """


class GramTarget(MomentTarget):
    """‖G − A‖² / (4 C²), A the weighted mean over styles of F Fᵀ / Z, F around `center` where centered.

    Without masks one target serves all styles: matching the mean of several Gram matrices is the same as matching
    each, because Σ w‖G − A‖² = ‖G − Σ w A‖² + constant for weights that sum to 1.

    `sources` say which part of each style is read: F is then T ∘ F, and the mean is weighted by T².

    With `scaled` it is ‖G − A‖² / ‖G − A‖₁ in its place, whose gradient in G has an L1 norm near 1, as crowsonkb's
    style-transfer-pytorch has it.

    Source: Gatys et al., CVPR 2016, Eq. 4.
    """

    def __init__(
        self,
        features: Sequence[Tensor],
        weights: Sequence[float],
        *,
        normalize: str = "hw",
        centered: bool = False,
        guide: Guide | None = None,
        sources: Sequence[Guide | None] | None = None,
        scaled: bool = False,
    ) -> None:
        read = list(zip(weights, features, sources or [None] * len(features), strict=True))
        center = torch.stack([w * means(f, source) for w, f, source in read]).sum(0)
        super().__init__(center if centered else None, guide)
        self._normalize, self._scaled = normalize, scaled
        grams = [w * gram_matrix(guided(self.shifted(f), s), normalize) for w, f, s in read]
        self.gram = torch.stack(grams).sum(0)
        self.energy = self.gram.square().sum((1, 2)) / (4 * self.gram.shape[1] ** 2)

    def gap_of_moments(self, mean: Tensor, second: Tensor, positions: int) -> Tensor:
        """See MomentTarget."""
        channels = second.shape[1]
        factor = {"hw": 1.0, "chw": 1.0 / channels, "none": float(positions)}[self._normalize]
        difference = factor * second - self.gram
        if self._scaled:
            return scaled_square(difference)
        return difference.square().sum((1, 2)) / (4 * channels**2)


def guided(features: Tensor, source: Guide | None) -> Tensor:
    """T·√(h·w) ∘ F, (B, C, h, w): its second moments are those of the part that `source` shows."""
    return features if source is None else features * source.at(features.shape[2], features.shape[3])


def means(features: Tensor, source: Guide | None) -> Tensor:
    """Means of the part that `source` shows, weighted by T² as second moments are: (B, C, 1, 1)."""
    if source is None:
        return channel_means(features)
    return channel_means(features * source.at(features.shape[2], features.shape[3]).square())


def scaled_square(difference: Tensor, where: Tensor | None = None) -> Tensor:
    """Σ w d² / Σ w |d| of each image, (B,); w is 1, or `where`."""
    squares, sizes = difference.square(), difference.abs()
    if where is not None:
        squares, sizes = squares * where, sizes * where
    return squares.flatten(1).sum(1) / (sizes.flatten(1).sum(1) + 1e-8)


def each(features: Tensor, style: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Every image's part of (B, …) with the style's, of batch B or one for all."""
    yield from zip(features, style.expand(len(features), *style.shape[1:]), strict=True)
