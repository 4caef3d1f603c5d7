"""The gradient of Gatys' style loss of one layer, derived by hand.

With E = 1/(4 N² M²) Σ_ij (G_ij − A_ij)² and G = F Fᵀ: dE/dG = (G − A)/(2 N² M²), and because F occurs twice in
F Fᵀ, dE/dF = (dE/dG + dE/dGᵀ) F. G and A are symmetric, so the two factors of 2 cancel the 4.
"""

import numpy as np


def gram_loss_grad(features: np.ndarray, target_gram: np.ndarray) -> np.ndarray:
    """The gradient of 1/(4 N² M²) Σ (F Fᵀ − A)² with respect to F: (F Fᵀ − A) F / (N² M²).

    Args:
        features: F, (N, M): N channels at M = H·W positions, float64.
        target_gram: A, (N, N), symmetric to 1e-8 of its largest entry, not normalised.

    Returns:
        (N, M), in the dtype of the inputs.

    Raises:
        ValueError: The shapes do not fit, or `target_gram` is not symmetric.

    Source: Gatys, Ecker & Bethge, CVPR 2016, Eq. 6, without the gate of the ReLU (see `content_loss_grad`).
    """
    _check(features, target_gram)
    return (features @ features.T - target_gram) @ features / features.size**2


def _check(features: np.ndarray, target_gram: np.ndarray) -> None:
    if features.ndim != 2 or not features.size:
        raise ValueError(f"features: expected (N, M), got {features.shape}; flatten the positions, (C, H·W)")
    n = len(features)
    if target_gram.shape != (n, n):
        raise ValueError(
            f"target_gram: expected ({n}, {n}) for {n} channels, got {target_gram.shape}; it is the F Fᵀ of the style"
        )
    if not np.allclose(target_gram, target_gram.T, rtol=0, atol=1e-8 * np.abs(target_gram).max()):
        raise ValueError("target_gram: expected a symmetric matrix, got one that differs from its transpose")
