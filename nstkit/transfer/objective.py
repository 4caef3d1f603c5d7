"""The objective of one scale: what it costs an image to differ from the content and from the styles.

Targets are computed once, without gradients. The features may be bfloat16; every statistic and every
sum is float32, because a Gram matrix in half precision overflows or loses the small channels.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from nstkit.transfer.column_targets import SelfSimilarity
from nstkit.transfer.draws import Draw
from nstkit.transfer.options import Options
from nstkit.transfer.regions import EVERYWHERE, ContentMap, Regions
from nstkit.transfer.roughness import ROUGHNESS
from nstkit.transfer.style_copies import copied_patches
from nstkit.transfer.style_losses import OF_MOMENTS, StyleTerm, style_terms
from nstkit.transfer.style_targets import scaled_square
from nstkit.transfer.taps import TappedEncoder


class Objective:
    """The weighted terms of one scale, as a function of the image.

    Args:
        encoder: answers for all layers of the options.
        content: (B, 3, H, W), at this scale.
        styles: images (1, 3, h, w), at this scale.
        weights: one per style, summing to 1.
        regions: what counts where.
    Attributes:
        step: steps done at this scale; what is drawn at random depends on it.
        style_terms: one for each layer, or for each loss of each layer.
    """

    def __init__(
        self,
        encoder: TappedEncoder,
        content: Tensor,
        styles: Sequence[Tensor],
        weights: Sequence[float],
        options: Options,
        regions: Regions = EVERYWHERE,
    ) -> None:
        self.encoder, self.options = encoder, options
        self.step = 0
        self._map = None if regions.content_map is None else ContentMap(regions.content_map)
        self._as_computed = _only_for_moments(options)
        with torch.no_grad():
            features = self._features(content)
            self._content = {name: features[name] for name in options.content_layers}
            painted = [
                {name: f.to(style.dtype) for name, f in self._features(style).items()} for style in styles
            ]
            copies = self._copies(styles, regions)
            self.style_terms = style_terms(painted, weights, options, regions, copies)
            self._similarity = SelfSimilarity(list(self._content.values())) if self._content else None
            self._content_scale = {k: self._content_divisor(f) for k, f in self._content.items()}
            self._style_scale = {term.name: self._style_divisor(features, term) for term in self.style_terms}

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms and their "total", 0-d float32 tensors; differentiable."""
        options, features = self.options, self._features(image)
        zero = image.new_zeros(())
        content = self.content_term(features, zero)
        style = sum((term.weight * self._style_term(features, term) for term in self.style_terms), zero)
        terms = {"content": options.content_weight * content, "style": options.style_weight * style}
        if options.tv_weight:
            terms["tv"] = options.tv_weight * ROUGHNESS[options.tv_loss](image).sum()
        return terms | {"total": sum(terms.values(), zero)}

    def value_and_gradient(self, image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The terms, detached, and the total's gradient, of the image's shape."""
        leaf = image.detach().requires_grad_()
        terms = self.terms(leaf)
        (gradient,) = torch.autograd.grad(terms["total"], leaf)
        return {name: term.detach() for name, term in terms.items()}, gradient

    def _features(self, image: Tensor, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
        lower = self.options.precision == "bfloat16"
        with torch.autocast(image.device.type, torch.bfloat16, enabled=lower):
            features = self.encoder(image, layers)
        return {name: f if name in self._as_computed else f.to(image.dtype) for name, f in features.items()}

    def _copies(self, styles: Sequence[Tensor], regions: Regions) -> list[dict[str, list[Tensor]]]:
        """Of each style, patches of its turned and scaled copies, by layer."""
        options = self.options
        layers = [layer for layer in options.style_layers if "patch" in options.losses_of(layer)]
        least, parts = self.encoder.minimum_size(), regions.style_masks or (None,) * len(styles)
        return [
            copied_patches(lambda copy: self._features(copy, layers), style, mask, layers, options, least)
            for style, mask in zip(styles, parts, strict=True)
        ]

    def _draw(self) -> Draw:
        return Draw(self.options.seed, self.step if self.options.draws_anew else 0)

    def content_term(self, features: Mapping[str, Tensor], zero: Tensor) -> Tensor:
        """The unweighted content term, 0-d."""
        layers = self.options.content_layers
        if self.options.content_loss == "self_similarity":
            if self._similarity is None:
                return zero
            gap = self._similarity.gap([features[k] for k in layers], self._draw().at("content"))
            return sum(layers.values()) * gap.sum()
        return sum((w * self._content_gap(features[k], k) for k, w in layers.items()), zero)

    def _content_gap(self, features: Tensor, layer: str) -> Tensor:
        difference = features - self._content[layer]
        where = None if self._map is None else self._map.at(features.shape[2], features.shape[3])
        if self.options.balance == "gradient":
            return scaled_square(difference, where).sum()
        squares = difference.square()
        gap = (squares if where is None else squares * where).mean((1, 2, 3))
        if self.options.content_loss == "half_sum":
            gap = gap * (features[0].numel() / 2)
        return (gap / self._content_scale[layer]).sum()

    def _style_term(self, features: Mapping[str, Tensor], term: StyleTerm) -> Tensor:
        return (term.gap(features, self._draw()) / self._style_scale[term.name]).sum()

    def _content_divisor(self, target: Tensor) -> Tensor:
        """1, or the target's own mean square: the term is then a share of the content's energy."""
        if self.options.balance != "start":
            return target.new_ones(())
        return target.square().mean((1, 2, 3)).clamp(min=1e-12)

    def _style_divisor(self, features: Mapping[str, Tensor], term: StyleTerm) -> Tensor:
        """1, or the term's value for the untouched content: every term then starts at its `start`.

        At least a millionth of the target's energy, so that content equal to the style does not divide by zero.
        """
        if self.options.balance != "start":
            return features[term.layers[0]].new_ones(())
        energy = torch.stack([w * target.energy for w, target in term.targets]).sum(0)
        return term.gap(features, self._draw()).clamp(min=1e-6 * energy + 1e-20) / term.start


def _only_for_moments(options: Options) -> set[str]:
    """The layers of which only moments are taken: those are float32, whatever the features are."""
    return {
        layer
        for layer in options.style_layers
        if layer not in options.content_layers and set(options.losses_of(layer)) <= set(OF_MOMENTS)
    }


def normalized(weights: Sequence[float]) -> list[float]:
    """The same weights, summing to 1."""
    total = sum(weights)
    return [weight / total for weight in weights]


def read(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """The terms as floats: one host sync for all of them."""
    values = torch.stack(list(terms.values())).tolist()
    return dict(zip(terms, values, strict=True))
