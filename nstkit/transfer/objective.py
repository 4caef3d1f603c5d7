"""The objective of one scale: what it costs an image to differ from the content and from the styles.

Targets are computed once, without gradients. The features may be bfloat16; every statistic and every
sum is float32, because a Gram matrix in half precision overflows or loses the small channels.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nstkit.losses.centered_gram import centered_gram_matrix, channel_means
from nstkit.losses.total_variation import total_variation
from nstkit.transfer.options import Options
from nstkit.transfer.regions import Region
from nstkit.transfer.taps import TappedEncoder


class Objective:
    """The weighted terms of one scale, as a function of the image.

    Args:
        encoder: answers for all layers of the options.
        content: (B, 3, H, W), at this scale.
        styles: images (1, 3, h, w), at this scale.
        weights: one per style, summing to 1.
        masks: (K, H, W), where each style counts; None for everywhere.
    """

    def __init__(
        self,
        encoder: TappedEncoder,
        content: Tensor,
        styles: Sequence[Tensor],
        weights: Sequence[float],
        options: Options,
        masks: Tensor | None = None,
    ) -> None:
        self.encoder, self.options = encoder, options
        with torch.no_grad():
            features = self._features(content)
            self._content = {name: features[name] for name in options.content_layers}
            targets = [self._features(style) for style in styles]
            self._regions = self._style_regions(targets, weights, masks)
            self._content_scale = {k: self._content_divisor(f) for k, f in self._content.items()}
            self._style_scale = {k: self._style_divisor(features[k], k) for k in options.style_layers}

    def _style_regions(
        self, features: list[dict[str, Tensor]], weights: Sequence[float], masks: Tensor | None
    ) -> list[Region]:
        """Without masks one target for all styles: matching the mean of several Gram matrices is the same as
        matching each, because Σ w‖G - A‖² = ‖G - Σ w A‖² + constant for weights that sum to 1."""
        if masks is None:
            return [Region(1.0, *self._targets(features, weights))]
        return [
            Region(w, *self._targets([f], [1.0]), mask)
            for f, w, mask in zip(features, weights, masks, strict=True)
        ]

    def _targets(
        self, features: list[dict[str, Tensor]], weights: Sequence[float]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Centres and second moments by layer, the weighted mean over styles."""
        centers, grams = {}, {}
        for name in self.options.style_layers:
            maps = [f[name] for f in features]
            center = torch.stack([w * channel_means(m) for w, m in zip(weights, maps, strict=True)]).sum(0)
            centered = self.options.style_loss == "centered_gram"
            centers[name] = center if centered else torch.zeros_like(center)
            moments = [centered_gram_matrix(m, centers[name], self.options.normalize) for m in maps]
            grams[name] = torch.stack([w * g for w, g in zip(weights, moments, strict=True)]).sum(0)
        return centers, grams

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms and their "total", 0-d float32 tensors; differentiable."""
        options, features = self.options, self._features(image)
        zero = image.new_zeros(())
        content = sum(
            (w * self._content_term(features[k], k) for k, w in options.content_layers.items()), zero
        )
        style = sum((w * self._style_term(features[k], k) for k, w in options.style_layers.items()), zero)
        terms = {"content": options.content_weight * content, "style": options.style_weight * style}
        if options.tv_weight:
            terms["tv"] = options.tv_weight * total_variation(image, "squared").sum() / image[0].numel()
        return terms | {"total": sum(terms.values(), zero)}

    def _features(self, image: Tensor) -> dict[str, Tensor]:
        lower = self.options.precision == "bfloat16"
        with torch.autocast(image.device.type, torch.bfloat16, enabled=lower):
            features = self.encoder(image)
        return {name: feature.float() for name, feature in features.items()}

    def _style_gap(self, features: Tensor, layer: str) -> Tensor:
        """Σ over regions of ‖G - A‖²/(4 C²), for each image."""
        gaps = [region.gap(features, layer, self.options.normalize) for region in self._regions]
        return torch.stack(gaps).sum(0) / (4 * features.shape[1] ** 2)

    def _content_term(self, features: Tensor, layer: str) -> Tensor:
        gap = (features - self._content[layer]).square().mean((1, 2, 3))
        return (gap / self._content_scale[layer]).sum()

    def _style_term(self, features: Tensor, layer: str) -> Tensor:
        return (self._style_gap(features, layer) / self._style_scale[layer]).sum()

    def _content_divisor(self, target: Tensor) -> Tensor:
        """1, or the target's own mean square: the term is then a share of the content's energy."""
        if self.options.balance == "none":
            return target.new_ones(())
        return target.square().mean((1, 2, 3)).clamp(min=1e-12)

    def _style_divisor(self, features: Tensor, layer: str) -> Tensor:
        """1, or the term's value for the untouched content: every layer then starts at 1."""
        if self.options.balance == "none":
            return features.new_ones(())
        return self._style_gap(features, layer).clamp(min=self._floor(layer, features.shape[1]))

    def _floor(self, layer: str, channels: int) -> float:
        """A millionth of the target's energy, so that content equal to the style does not divide by zero."""
        energy = sum(float(region.weight * region.grams[layer].square().sum()) for region in self._regions)
        return 1e-6 * energy / (4 * channels**2) + 1e-20


def normalized(weights: Sequence[float]) -> list[float]:
    """The same weights, summing to 1."""
    total = sum(weights)
    return [weight / total for weight in weights]


def read(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """The terms as floats: one host sync for all of them."""
    values = torch.stack(list(terms.values())).tolist()
    return dict(zip(terms, values, strict=True))
