"""Gaussian scale space: one image at a series of blurs, without subsampling.

Variances add, so a level needs only the blur that the one before it lacks: √(σ_k² − σ_{k−1}²). (Witkin, "Scale-Space
Filtering", IJCAI 1983; Lindeberg 1994.)
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from nstkit.filters.checks import check_positive
from nstkit.filters.gaussian import gaussian_blur

_SHORTEST_STEP = 0.8
"""Below this sigma, taps sampled at whole pixels are no good Gaussian: such a level starts from the image again."""


def gaussian_scale_space(image: Tensor, sigmas: Sequence[float], *, border: str = "symmetric") -> Tensor:
    """The image blurred to each total sigma.

    Args:
        image: (B, C, H, W), float32 or float64.
        sigmas: standard deviations in pixels, above 0 and strictly increasing; not empty.
        border: a name of `nstkit.filters.borders`.

    Returns:
        (K, B, C, H, W): all levels have the size of the image; differentiable.

    Raises:
        ValueError: another shape, dtype or border; `sigmas` empty, not positive, or not increasing.
    """
    sigmas = [float(sigma) for sigma in sigmas]
    if not sigmas:
        raise ValueError("sigmas: expected at least one, got none")
    for sigma in sigmas:
        check_positive(sigma, "sigmas")
    if any(after <= before for before, after in pairwise(sigmas)):
        raise ValueError(f"sigmas: expected them strictly increasing, got {sigmas}")
    levels = [gaussian_blur(image, sigmas[0], border=border)]
    for before, after in pairwise(sigmas):
        step = math.sqrt(after**2 - before**2)
        source, sigma = (levels[-1], step) if step >= _SHORTEST_STEP else (image, after)
        levels.append(gaussian_blur(source, sigma, border=border))
    return torch.stack(levels)
