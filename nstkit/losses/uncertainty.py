"""Uncertainty weighting: one learned log-variance per loss sets its weight.

Kendall, Gal & Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and Semantics",
CVPR 2018, arXiv:1705.07115, Eq. 7.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def uncertainty_weighted_loss(losses: Sequence[Tensor], log_vars: Tensor) -> Tensor:
    """Σ_i ½ exp(−s_i) L_i + ½ s_i, with s_i = ln σ_i², the negative log-likelihood of Gaussian errors.

    For a fixed L_i > 0 the best s_i is ln L_i. What is left is ½ Σ (1 + ln L_i), the logarithm of the *product* of the
    losses: constant factors in front of them, a user's weights included, no longer matter.

    Args:
        losses: K losses, 0-d each.
        log_vars: s, (K,), learned together with the rest.

    Returns:
        0-d, differentiable in the losses and in `log_vars`.

    Raises:
        ValueError: no losses, another number of `log_vars`, or a loss that is not 0-d.

    Source: Kendall et al., CVPR 2018, Eq. 7; the log-variance as the variable is their Section 3.2.
    """
    if not losses:
        raise ValueError("losses: expected at least one, got none")
    for number, loss in enumerate(losses):
        if loss.ndim:
            raise ValueError(
                f"losses: expected 0-d tensors, got {tuple(loss.shape)} at {number}; reduce it with .sum() or .mean()"
            )
    if log_vars.shape != (len(losses),):
        raise ValueError(f"log_vars: expected ({len(losses)},), one per loss, got {tuple(log_vars.shape)}")
    return 0.5 * (torch.exp(-log_vars) * torch.stack(tuple(losses)) + log_vars).sum()
