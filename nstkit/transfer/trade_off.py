"""The trade-off between content and style: where the objective's minimum goes as β/α grows.

No ratio is right; each selects a point of this curve. Only points, never totals of different weights, compare.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from nstkit.transfer.pixel_descent import run_transfer

Loss = Callable[[Tensor], Tensor]


def trade_off_curve(
    content_fn: Loss,
    style_fn: Loss,
    init: Tensor,
    ratios: Sequence[float],
    steps: int = 40,
    lr: float = 0.02,
) -> list[tuple[float, float]]:
    """The raw (content, style) losses of the images that minimise content + r · style, one for each ratio r.

    Every ratio starts afresh, from `init` with a new Adam, and keeps the pixels in [0, 1] (see `run_transfer`).

    Args:
        content_fn: From an image to its content loss, 0-d.
        style_fn: From an image to its style loss, 0-d, unweighted.
        init: Where each run starts, any shape, floating; not changed.
        ratios: r = β/α > 0, at least one.
        steps: Updates per ratio, ≥ 0.
        lr: Adam's learning rate.

    Returns:
        (content, style) of each final image, floats, in the order of `ratios`.

    Raises:
        ValueError: `ratios` is empty or holds a number that is not above 0; as `run_transfer`.

    Source: the weighted sum of Gatys et al., CVPR 2016, Eq. 7, scanned over β/α.
    """
    if not len(ratios):
        raise ValueError("ratios: expected at least one, got none")
    for ratio in ratios:
        if not ratio > 0:
            raise ValueError(f"ratios: expected numbers above 0, got {ratio}")
    return [_end_point(content_fn, style_fn, init, ratio, steps, lr) for ratio in ratios]


def _end_point(
    content_fn: Loss, style_fn: Loss, init: Tensor, ratio: float, steps: int, lr: float
) -> tuple[float, float]:
    image, _ = run_transfer(lambda x: content_fn(x) + ratio * style_fn(x), init, steps, lr)
    with torch.no_grad():
        content, style = torch.stack([content_fn(image), style_fn(image)]).tolist()
    return content, style
