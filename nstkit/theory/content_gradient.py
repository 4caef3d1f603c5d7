"""The gradient of Gatys' content loss through the ReLU that made the features.

A unit that is switched off passes nothing on, whatever the target wants of it.
"""

import numpy as np


def content_loss_grad(pre_activation: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The gradient of ½ Σ (relu(z) − P)² with respect to z: relu(z) − P where z > 0, else 0.

    Args:
        pre_activation: z, (N, M) or any other shape, floating: the input of the ReLU.
        target: P ≥ 0, the same shape: the content image's features after the ReLU.

    Returns:
        The shape and dtype of `pre_activation`.

    Raises:
        ValueError: The shapes differ, or `target` has a negative entry.

    Source: Gatys, Ecker & Bethge, CVPR 2016, Eq. 2.
    """
    if pre_activation.shape != target.shape:
        raise ValueError(
            f"target: expected the shape of pre_activation, {pre_activation.shape}, got {target.shape}; "
            "take both from one layer, for images of one size"
        )
    if (target < 0).any():
        raise ValueError(
            f"target: expected the output of a ReLU, ≥ 0, got {target.min()}; apply np.maximum(target, 0)"
        )
    off = pre_activation <= 0
    gradient = np.where(off, 0, pre_activation - target)  # where z > 0, relu(z) is z
    return gradient.astype(pre_activation.dtype, copy=False)
