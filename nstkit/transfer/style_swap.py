"""Style-swap: rebuild the content's features from patches of the style's features.

Chen & Schmidt, "Fast Patch-based Style Transfer of Arbitrary Style", 2016, arXiv:1612.04337, Section 3.1. A decoder
turns the swapped features into an image.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

EPS = 1e-8
"""Added to the norm of a style patch, so that a silent patch scores zero."""
BLOCK = 4096
"""Content patches scored at once: bounds the table of scores to BLOCK x (number of style patches)."""


def style_swap(content: Tensor, style: Tensor, patch: int = 3) -> Tensor:
    """Replace every content patch c by the style patch s of largest ⟨c, s⟩ / (‖s‖ + 1e-8); average overlaps.

    Patches are patch x patch over all channels, stride 1, inside the map. Scored by their direction, pasted as they
    are. Among equals the first in row-major order wins.

    Args:
        content: (C, H, W), or (B, C, H, W).
        style: (C, H', W'); with a batch, (B, C, H', W') or (1, C, H', W').
        patch: odd side of a patch, in feature positions.

    Returns:
        The shape and dtype of `content`. Differentiable in `style`; the choice of patches is not.

    Raises:
        ValueError: an even patch, one larger than a map, other channels, or axes that do not fit.

    Source: Chen & Schmidt 2016, arXiv:1612.04337, Section 3.1.
    """
    _check(content, style, patch)
    if content.ndim == 3:
        return _swap(content, style, patch)
    styles = style.expand(len(content), -1, -1, -1)
    return torch.stack([_swap(c, s, patch) for c, s in zip(content, styles, strict=True)])


def _swap(content: Tensor, style: Tensor, patch: int) -> Tensor:
    choices = F.unfold(style[None], patch)[0]  # (C·p·p, M)
    pasted = choices[:, nearest_patches(content, style, patch).flatten()]  # (C·p·p, N)
    size = (content.shape[1], content.shape[2])
    covered = F.fold(torch.ones_like(pasted[None, : patch * patch]), size, patch)[0]  # (1, H, W)
    return F.fold(pasted[None], size, patch)[0] / covered


@torch.no_grad()
def nearest_patches(content: Tensor, style: Tensor, patch: int = 3) -> Tensor:
    """The style patch that each content patch is given: row-major numbers, (H − p + 1, W − p + 1), int64.

    Args and errors as for `style_swap`, for a single image.
    """
    _check(content, style, patch)
    choices = F.unfold(style[None], patch)[0]  # (C·p·p, M)
    directions = choices / (choices.norm(dim=0) + EPS)
    wanted = F.unfold(content[None], patch)[0]  # (C·p·p, N)
    best = [(directions.mT @ block).argmax(0) for block in wanted.split(BLOCK, dim=1)]
    return torch.cat(best).view(content.shape[-2] - patch + 1, content.shape[-1] - patch + 1)


def _check(content: Tensor, style: Tensor, patch: int) -> None:
    if content.ndim not in (3, 4) or style.ndim != content.ndim:
        raise ValueError(
            "content, style: expected (C, H, W) both, or (B, C, H, W) both, "
            f"got {tuple(content.shape)} and {tuple(style.shape)}"
        )
    if content.ndim == 4 and len(style) not in (1, len(content)):
        raise ValueError(f"style: expected a batch of 1 or {len(content)} as in content, got {len(style)}")
    if style.shape[-3] != content.shape[-3]:
        raise ValueError(
            f"style: expected {content.shape[-3]} channels as in content, got {style.shape[-3]}; "
            "take both from the same layer of one encoder"
        )
    if patch < 1 or patch % 2 == 0:
        raise ValueError(f"patch: expected an odd number of at least 1, got {patch}")
    smallest = min(*content.shape[-2:], *style.shape[-2:])
    if patch > smallest:
        raise ValueError(f"patch: expected at most {smallest}, the smallest side of the maps, got {patch}")
