"""Where a style counts: everywhere, or where its mask says, with the statistics that it wants there.

Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, Section 4.1: the features are
multiplied by T, whose squares sum to 1, and the Gram matrix of the product is compared with the style's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from nstkit.losses.centered_gram import centered_gram_matrix
from nstkit.losses.gram import gram_matrix
from nstkit.losses.guidance import check_mask, guidance


@dataclass
class Region:
    """One target of the style term.

    Attributes:
        weight: of this region in the style term.
        centers: by layer, (B, C, 1, 1): what is subtracted before second moments are taken.
        grams: by layer, (B, C, C): the second moments that are wanted.
        mask: (H, W), or None for everywhere; averaged down to each layer on first use.
    """

    weight: float
    centers: Mapping[str, Tensor]
    grams: Mapping[str, Tensor]
    mask: Tensor | None = None
    _guides: dict[str, Tensor] = field(default_factory=dict)

    def gap(self, features: Tensor, layer: str, normalize: str) -> Tensor:
        """‖G - A‖² for each image, (B,), weighted."""
        center = self.centers[layer]
        if self.mask is None:
            gram = centered_gram_matrix(features, center, normalize)
        else:
            gram = gram_matrix((features - center) * self._guide(features, layer), normalize)
        return self.weight * (gram - self.grams[layer]).square().sum((1, 2))

    def _guide(self, features: Tensor, layer: str) -> Tensor:
        """T·√(H·W): a mask of ones is then no mask at all."""
        if layer not in self._guides:
            assert self.mask is not None
            height, width = features.shape[2:]
            small = adaptive_avg_pool2d(self.mask[None], (height, width))[0]
            self._guides[layer] = guidance(small).detach() * (height * width) ** 0.5
        return self._guides[layer]


def check_masks(masks: Tensor, styles: int, content: Tensor) -> None:
    """Raise ValueError unless there is one mask of the content's size for each style, each finite and not empty."""
    expected = (styles, *content.shape[-2:])
    if tuple(masks.shape) != expected:
        raise ValueError(
            f"masks: expected {expected}, one of the content's size for each style, got {tuple(masks.shape)}"
        )
    for number, mask in enumerate(masks):
        check_mask(mask, f"masks[{number}]")
