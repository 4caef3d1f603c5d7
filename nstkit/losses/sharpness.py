"""Sharpness without a reference, and how far two images are apart in it.

The variance of the Laplacian is large where an image has fine edges, and falls as it is blurred (Pech-Pacheco,
Cristóbal, Chamorro-Martínez & Fernández-Valdivia, "Diatom autofocusing in brightfield microscopy: a comparative study",
ICPR 2000).
"""

import torch
from torch import Tensor

from nstkit.filters.borders import pad_border
from nstkit.losses.features import check_features


def laplacian_variance(image: Tensor) -> Tensor:
    """The population variance over positions of the 4-neighbour Laplacian of the channel mean.

    Args:
        image: (B, C, H, W); the border is "reflect-101" (dcb|abcd|cba).

    Returns:
        (B,), in the square of the image's unit; differentiable.

    Raises:
        ValueError: not 4-D, or H or W below 2.

    Source: Pech-Pacheco et al., ICPR 2000.
    """
    return _laplacian_variance(image, "image")


def sharpness_gap(generated: Tensor, content: Tensor, eps: float = 1e-8) -> Tensor:
    """(ln(v_g + eps) − ln(v_c + eps))² with v = `laplacian_variance`, the mean over the batch.

    The logarithm makes it a gap between *ratios*: s times the contrast costs (2 ln s)², whatever the contrast was.

    Args:
        generated: (B, C, H, W).
        content: (B, C', H', W'), any size.
        eps: Keeps the logarithm of a flat image finite.

    Returns:
        0-d, differentiable in both; symmetric.

    Raises:
        ValueError: not 4-D, H or W below 2, or another batch.

    Source: the measure is Pech-Pacheco et al., ICPR 2000; the gap is ours.
    """
    v_generated = _laplacian_variance(generated, "generated")
    v_content = _laplacian_variance(content, "content")
    if len(generated) != len(content):
        raise ValueError(f"content: expected a batch of {len(generated)} as in generated, got {len(content)}")
    return (torch.log(v_generated + eps) - torch.log(v_content + eps)).square().mean()


def _laplacian_variance(image: Tensor, name: str) -> Tensor:
    check_features(image, name)
    if min(image.shape[2:]) < 2:
        raise ValueError(
            f"{name}: expected H and W at least 2, got {tuple(image.shape[2:])}; a border needs two"
        )
    x = pad_border(image.mean(1), 1, 1, "reflect-101")  # (B, H + 2, W + 2)
    neighbours = x[:, :-2, 1:-1] + x[:, 2:, 1:-1] + x[:, 1:-1, :-2] + x[:, 1:-1, 2:]
    return (neighbours - 4 * x[:, 1:-1, 1:-1]).flatten(1).var(1, correction=0)
