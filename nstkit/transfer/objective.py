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
from nstkit.transfer.taps import TappedEncoder


class Objective:
    """The weighted terms of one scale, as a function of the image.

    Args:
        encoder: answers for all layers of the options.
        content: (B, 3, H, W), at this scale.
        styles: images (1, 3, h, w), at this scale.
        weights: one per style, summing to 1.
    """

    def __init__(
        self,
        encoder: TappedEncoder,
        content: Tensor,
        styles: Sequence[Tensor],
        weights: Sequence[float],
        options: Options,
    ) -> None:
        self.encoder, self.options = encoder, options
        with torch.no_grad():
            features = self._features(content)
            self._content = {name: features[name] for name in options.content_layers}
            self._set_style([self._features(style) for style in styles], weights)
            self._content_scale = {k: self._content_divisor(f) for k, f in self._content.items()}
            self._style_scale = {k: self._style_divisor(features[k], k) for k in options.style_layers}

    def _set_style(self, features: list[dict[str, Tensor]], weights: Sequence[float]) -> None:
        """One target per layer: matching the mean of several Gram matrices is the same as matching each,
        because Σ w‖G - A‖² = ‖G - Σ w A‖² + constant for weights that sum to 1."""
        self._centers: dict[str, Tensor] = {}
        self._grams: dict[str, Tensor] = {}
        for name in self.options.style_layers:
            maps = [f[name] for f in features]
            center = torch.stack([w * channel_means(m) for w, m in zip(weights, maps, strict=True)]).sum(0)
            self._centers[name] = (
                center if self.options.style_loss == "centered_gram" else torch.zeros_like(center)
            )
            grams = [w * self._gram(m, name) for w, m in zip(weights, maps, strict=True)]
            self._grams[name] = torch.stack(grams).sum(0)

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

    def _gram(self, features: Tensor, layer: str) -> Tensor:
        return centered_gram_matrix(features, self._centers[layer], self.options.normalize)

    def _content_term(self, features: Tensor, layer: str) -> Tensor:
        gap = (features - self._content[layer]).square().mean((1, 2, 3))
        return (gap / self._content_scale[layer]).sum()

    def _style_term(self, features: Tensor, layer: str) -> Tensor:
        gap = (self._gram(features, layer) - self._grams[layer]).square().sum((1, 2))
        return (gap / (4 * features.shape[1] ** 2) / self._style_scale[layer]).sum()

    def _content_divisor(self, target: Tensor) -> Tensor:
        """1, or the target's own mean square: the term is then a share of the content's energy."""
        if self.options.balance == "none":
            return target.new_ones(())
        return target.square().mean((1, 2, 3)).clamp(min=1e-12)

    def _style_divisor(self, features: Tensor, layer: str) -> Tensor:
        """1, or the term's value for the untouched content: every layer then starts at 1."""
        if self.options.balance == "none":
            return features.new_ones(())
        gap = (self._gram(features, layer) - self._grams[layer]).square().sum((1, 2))
        return (gap / (4 * features.shape[1] ** 2)).clamp(min=self._floor(layer, features.shape[1]))

    def _floor(self, layer: str, channels: int) -> float:
        """A millionth of the target's energy, so that content equal to the style does not divide by zero."""
        return 1e-6 * float(self._grams[layer].square().sum()) / (4 * channels**2) + 1e-20


def normalized(weights: Sequence[float]) -> list[float]:
    """The same weights, summing to 1."""
    total = sum(weights)
    return [weight / total for weight in weights]


def read(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """The terms as floats: one host sync for all of them."""
    values = torch.stack(list(terms.values())).tolist()
    return dict(zip(terms, values, strict=True))
