"""Where a style counts: everywhere, or where its mask says, with the statistics that it wants there.

Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, Section 4.1: the features are
multiplied by T, whose squares sum to 1, and the Gram matrix of the product is compared with the style's.
"""

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from nstkit.losses.guidance import check_mask, guidance


class Guide:
    """One style's mask, (H, W), averaged down to each layer's size on first use."""

    def __init__(self, mask: Tensor) -> None:
        self._mask = mask
        self._small: dict[tuple[int, int], Tensor] = {}

    def at(self, height: int, width: int) -> Tensor:
        """T·√(h·w), (h, w): a mask of ones is then no mask at all."""
        if (height, width) not in self._small:
            small = adaptive_avg_pool2d(self._mask[None], (height, width))[0]
            self._small[height, width] = guidance(small).detach() * (height * width) ** 0.5
        return self._small[height, width]


def check_masks(masks: Tensor, styles: int, content: Tensor) -> None:
    """Raise ValueError unless there is one mask of the content's size for each style, each finite and not empty."""
    expected = (styles, *content.shape[-2:])
    if tuple(masks.shape) != expected:
        raise ValueError(
            f"masks: expected {expected}, one of the content's size for each style, got {tuple(masks.shape)}"
        )
    for number, mask in enumerate(masks):
        check_mask(mask, f"masks[{number}]")
