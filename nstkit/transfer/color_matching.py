"""Give the content the styles' colours before a transfer, so that they need not be found by it.

The reverse of `color_keeping`, by two of its ways: there styles are recoloured as the content (Gatys et al.,
arXiv:1606.05897), here the content as the styles.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.color import linear_color_transfer, match_histograms

COLOR_MATCHERS = ("histogram", "covariance")
PALETTE = 2**18
"""Pixels of a palette that is drawn together from several styles, or from parts of them."""


def match_colors(images: Tensor, palette: Tensor, how: str) -> Tensor:
    """The images with the palette's histograms, or with its mean and covariance (the map of least displacement).

    Args:
        images: (B, 3, H, W) in [0, 1].
        palette: (1, 3, h, w) in [0, 1].
        how: one of COLOR_MATCHERS.
    Returns:
        (B, 3, H, W) in [0, 1]; what covariance carries out of it is clipped.
    """
    if how == "histogram":
        return match_histograms(images, palette).clamp(0, 1)
    return linear_color_transfer(images, palette, "mk").clamp(0, 1)


def palette_of(
    styles: Sequence[Tensor], weights: Sequence[float], parts: Sequence[Tensor | None] | None = None
) -> Tensor:
    """A picture whose colours are the styles', each in proportion to its weight.

    Args:
        styles: images (1, 3, h, w).
        weights: one per style, summing to 1.
        parts: which part of each is read, (h, w) ≥ 0 each; None is all of it.
    Returns:
        The style itself if it is the only one that counts and all of it does; else (1, 3, 1, N), of `PALETTE` pixels
        evenly spaced along the styles: of a style of weight w, a share of w, and of a pixel as its squared part says,
        as in the moments of features.
    """
    read = list(zip(styles, weights, parts or [None] * len(styles), strict=True))
    read = [(style, weight, part) for style, weight, part in read if weight > 0]
    if len(read) == 1 and read[0][2] is None:
        return read[0][0]
    pixels = torch.cat([style[0].flatten(1) for style, _, _ in read], 1)  # (3, N)
    shares = torch.cat([weight * _shares(style, part) for style, weight, part in read])
    edges = shares.cumsum(0)
    places = (torch.arange(PALETTE, dtype=edges.dtype, device=edges.device) + 0.5) / PALETTE * edges[-1]
    chosen = torch.searchsorted(edges, places).clamp(max=len(edges) - 1)
    return pixels[:, chosen][None, :, None]


def _shares(style: Tensor, part: Tensor | None) -> Tensor:
    """What each pixel counts, (h·w,), summing to 1."""
    exact = torch.float32 if style.device.type == "mps" else torch.float64
    if part is None:
        return torch.full_like(style[0, 0], 1 / style[0, 0].numel(), dtype=exact).flatten()
    squares = (part / part.amax()).to(exact).square().flatten()
    return squares / squares.sum()
