"""Keep the content's colours through a transfer: prepare the pictures before it, or take its brightness alone after it.

Gatys, Bethge, Hertzmann & Shechtman, "Preserving Color in Neural Artistic Style Transfer", arXiv:1606.05897 (2016).
"""

import torch
from torch import Tensor

from nstkit.color import linear_color_transfer, luma, luminance_transfer, match_histograms
from nstkit.images import resize

COLOR_KEEPERS = ("luminance", "histogram", "covariance")


def prepare_colors(content: Tensor, styles: list[Tensor], how: str | None) -> tuple[Tensor, list[Tensor]]:
    """The pictures to run the transfer on.

    "luminance": all gray, each style's luma shifted and scaled to the content's mean and deviation. "histogram",
    "covariance": styles recoloured with the content's histograms, or with its mean and covariance (the map of least
    displacement); the content as it is.

    Args:
        content: (B, 3, H, W) in [0, 1].
        styles: images (1, 3, h, w) in [0, 1].
        how: one of COLOR_KEEPERS, or None to change nothing.
    Returns:
        Content and styles; each style is (B, 3, h, w) where it depends on the content.
    """
    if how is None:
        return content, styles
    if how == "luminance":
        gray = luma(content)
        return gray.expand_as(content), [
            _matched(luma(style), gray).expand(-1, 3, -1, -1) for style in styles
        ]
    spread = [style.expand(len(content), -1, -1, -1) for style in styles]
    if how == "histogram":
        return content, [match_histograms(style, content).clamp(0, 1) for style in spread]
    return content, [linear_color_transfer(style, content, "mk").clamp(0, 1) for style in spread]


def restore_colors(image: Tensor, content: Tensor, how: str | None) -> Tensor:
    """The picture to show: with "luminance" the brightness of `image` and the colours of `content`, else `image`."""
    if how != "luminance":
        return image
    return luminance_transfer(image, resize(content, (image.shape[-2], image.shape[-1])).clamp(0, 1))


def _matched(style: Tensor, content: Tensor) -> Tensor:
    """(1, 1, h, w) with mean and deviation of each content (B, 1, H, W), clipped to [0, 1]: (B, 1, h, w)."""
    deviation, mean = torch.std_mean(content, (2, 3), correction=0, keepdim=True)
    own_deviation, own_mean = torch.std_mean(style, (2, 3), correction=0, keepdim=True)
    return ((style - own_mean) * (deviation / own_deviation.clamp(min=1e-6)) + mean).clamp(0, 1)
