"""The contextual loss: every target feature should be the clear favourite of some feature, wherever that is.

Mechrez, Talmi & Zelnik-Manor, "The Contextual Loss for Image Transformation with Non-Aligned Data", ECCV 2018,
arXiv:1803.02077.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def contextual_loss(x: Tensor, y: Tensor, h: float = 0.5, eps: float = 1e-5) -> Tensor:
    """−log( mean over j of max over i of CX_ij ), CX the relative similarity of x_i and y_j.

    d_ij = 1 − cos(x_i − m, y_j − m), m the mean of y; divided by min_k d_ik + eps; w_ij = exp((1 − d_ij)/h);
    CX_ij = w_ij / Σ_k w_ik.

    Args:
        x: (C, N), one column per feature, or (B, C, N); `features.flatten(2)` makes one. Differentiable.
        y: (C, M) or (B, C, M), the target; M may differ from N. A constant, no gradient reaches it.
        h: bandwidth; a small one lets only the best match count.
        eps: keeps a perfect match from dividing by zero.

    Returns:
        0-d, the mean over the batch. Needs memory for N·M similarities.

    Raises:
        ValueError: axes or C do not fit, a side is empty, or `h` is not positive.

    Source: Mechrez et al., ECCV 2018, arXiv:1803.02077, Eq. 1-4 and Section 3.2.
    """
    _check(x, y, h)
    y = y.detach()
    center = y.mean(-1, keepdim=True)
    a, b = (F.normalize(side - center, dim=-2, eps=1e-12) for side in (x, y))
    distance = 1 - a.mT @ b  # (..., N, M)
    relative = distance / (distance.amin(-1, keepdim=True) + eps)
    similarity = torch.softmax(-relative / h, dim=-1)  # exp(1/h) cancels
    return -similarity.amax(-2).mean(-1).log().mean()


def _check(x: Tensor, y: Tensor, h: float) -> None:
    if x.ndim not in (2, 3) or y.ndim != x.ndim or 0 in (*x.shape, *y.shape):
        raise ValueError(
            "x, y: expected (C, N) and (C, M), or (B, C, N) and (B, C, M), no axis empty, "
            f"got {tuple(x.shape)} and {tuple(y.shape)}; flatten(2) joins height and width"
        )
    if x.shape[:-1] != y.shape[:-1]:
        raise ValueError(
            f"y: expected {tuple(x.shape[:-1])} before the last axis as in x, got {tuple(y.shape)}"
        )
    if h <= 0:
        raise ValueError(f"h: expected a positive bandwidth, got {h}")
