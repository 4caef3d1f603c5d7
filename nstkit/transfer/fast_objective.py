"""What a network learns from, in training to paint one style: any content, one style, a frozen encoder.

Johnson, Alahi & Fei-Fei, ECCV 2016, arXiv:1603.08155, Eq. 2 to 5, with the layers and moments of the encoder's recipe.
Differs from it in the scales: each layer's content term is a share of the content's energy, and each style term a
share of what the untouched photographs have, so that the weights mean the same for every encoder.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from nstkit.losses.centered_gram import centered_gram_matrix, channel_means
from nstkit.transfer.recipes import Recipe
from nstkit.transfer.taps import TappedEncoder


class FastObjective:
    """Content and style terms of a batch.

    Args:
        encoder: frozen, cut to the recipe's layers.
        style: (1, 3, h, w) in [0, 1].
        recipe: layers with their weights; the kind of second moments.
    Attributes:
        scales: what each style layer's gap is divided by; see `gaps`.
    """

    def __init__(self, encoder: TappedEncoder, style: Tensor, recipe: Recipe) -> None:
        self.encoder, self.recipe = encoder, recipe
        self.scales: Mapping[str, float] = dict.fromkeys(recipe.style_layers, 1.0)
        centered = recipe.style_loss != "gram"
        with torch.no_grad():
            features = self._features(style, tuple(recipe.style_layers))
            means = {name: channel_means(f) for name, f in features.items()}
            self._centers = {k: m if centered else torch.zeros_like(m) for k, m in means.items()}
            self._moments = {k: self._moment(f, k) for k, f in features.items()}

    def terms(self, content: Tensor, output: Tensor) -> dict[str, Tensor]:
        """The terms "content" and "style", unweighted and 0-d; gradients go to `output` alone."""
        with torch.no_grad():
            wanted = self._features(content, tuple(self.recipe.content_layers))
        features = self._features(output, self.encoder.layers)
        contents = [w * _share(features[k], wanted[k]) for k, w in self.recipe.content_layers.items()]
        styles = [w * self._gap(features[k], k) / self.scales[k] for k, w in self.recipe.style_layers.items()]
        return {"content": torch.stack(contents).sum(), "style": torch.stack(styles).sum()}

    @torch.no_grad()
    def gaps(self, content: Tensor) -> dict[str, float]:
        """How far untouched pictures are from the style, by layer: the scales to divide by."""
        features = self._features(content, tuple(self.recipe.style_layers))
        return {name: max(float(self._gap(f, name)), 1e-12) for name, f in features.items()}

    def _features(self, image: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        found = self.encoder(image)
        return {name: found[name].float() for name in layers}

    def _moment(self, features: Tensor, layer: str) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):  # 16 bits are too few for sums of squares
            return centered_gram_matrix(features, self._centers[layer], "hw")

    def _gap(self, features: Tensor, layer: str) -> Tensor:
        return (self._moment(features, layer) - self._moments[layer]).square().mean()


def _share(features: Tensor, target: Tensor) -> Tensor:
    """The squared distance as a share of each picture's energy, the mean over the batch."""
    energy = target.square().mean((1, 2, 3)).clamp(min=1e-12)
    return ((features - target).square().mean((1, 2, 3)) / energy).mean()
