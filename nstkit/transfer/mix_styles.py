"""Several styles at once: one AdaIN per style of the same content, and a weighted mean of the results.

Huang & Belongie, ICCV 2017, Eq. 15. The mean is linear in the styles' means and *deviations*: it is one AdaIN towards
Σ w μ_k and Σ w σ_k.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from nstkit.transfer.adain import adain


def mix_styles(
    content: Tensor, styles: Sequence[Tensor], weights: Sequence[float], eps: float = 1e-5
) -> Tensor:
    """Σ_k w_k · adain(content, style_k), with the weights divided by their sum.

    Args:
        content: (B, C, H, W).
        styles: K feature maps (B, C, H_k, W_k), of any size.
        weights: K numbers of at least 0, not all 0.
        eps: as in `adain`.
    Returns:
        (B, C, H, W), differentiable in content and styles.
    Raises:
        ValueError: no styles, another number of weights, negative ones, or a sum of 0; B or C differ.
    Source: Huang & Belongie, ICCV 2017, Eq. 15.
    """
    if not len(styles) or len(weights) != len(styles):
        raise ValueError(
            f"weights: expected one for each of {len(styles)} styles, at least one, got {len(weights)}"
        )
    values = [float(weight) for weight in weights]
    if not all(math.isfinite(v) and v >= 0 for v in values) or not sum(values) > 0:
        raise ValueError(f"weights: expected numbers of at least 0 with a positive sum, got {values}")
    total = sum(values)
    terms = [w / total * adain(content, style, 1.0, eps) for w, style in zip(values, styles, strict=True)]
    return torch.stack(terms).sum(0)
