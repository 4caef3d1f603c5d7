"""A style loss is a statistic and a distance, and the two are separate choices.

L1 and L2 are ways to compare numbers; a Gram matrix is what is compared. Applied to feature maps themselves, L1 and L2
compare layouts, which is a content loss.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from nstkit.losses.centered_gram import centered_gram_matrix, channel_means
from nstkit.losses.gram import gram_matrix
from nstkit.losses.moments import check_styles, mean_and_std

_STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda f: f.mean((2, 3)),  # (B, C)
    "mean_std": lambda f: torch.cat(mean_and_std(f, 1e-5), dim=1),  # (B, 2C)
    "gram": lambda f: gram_matrix(f, "hw"),  # (B, C, C)
    "covariance": lambda f: centered_gram_matrix(f, channel_means(f), "hw"),  # (B, C, C)
}
_METRICS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "l1": lambda d, eps: d.abs(),
    "l2": lambda d, eps: d.square(),
    "charbonnier": lambda d, eps: torch.sqrt(d.square() + eps**2),
}


def style_distance(
    generated: Tensor, style: Tensor, statistic: str = "gram", metric: str = "l2", eps: float = 1e-3
) -> Tensor:
    """The mean of |d|, d² or √(d² + eps²) over the entries d of a difference of statistics.

    Args:
        generated: (B, C, H, W).
        style: (B, C, H', W'), any size. A constant: no gradient reaches it.
        statistic: "mean" (C numbers for each image), "mean_std" (2C), "gram" F Fᵀ/HW or "covariance" (C² both).
        metric: "l1", "l2" or "charbonnier", which is eps at d = 0 and |d| far from it.
        eps: > 0, used by "charbonnier".

    Returns:
        0-d, the mean over entries and images; differentiable in `generated`.

    Raises:
        ValueError: another name, `eps` not above 0, not 4-D, or B or C differ.

    Source: "charbonnier" is Charbonnier, Blanc-Féraud, Aubert & Barlaud, ICIP 1994.
    """
    for name, value, known in (("statistic", statistic, _STATISTICS), ("metric", metric, _METRICS)):
        if value not in known:
            raise ValueError(f"{name}: expected one of {', '.join(map(repr, known))}, got {value!r}")
    if not eps > 0:
        raise ValueError(f"eps: expected a number above 0, got {eps}")
    check_styles(generated, style)
    summary = _STATISTICS[statistic]
    return _METRICS[metric](summary(generated) - summary(style.detach()), eps).mean()
