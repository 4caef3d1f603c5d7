"""The GAN's game over a finite set: its best discriminator and the value there, in closed form.

Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014, Proposition 1 and Theorem 1.
"""

import numpy as np


def gan_value_at_optimum(p_data: np.ndarray, p_gen: np.ndarray) -> tuple[np.ndarray, float]:
    """D* = p/(p + q) and V(D*) = Σ p ln D* + Σ q ln(1 - D*) = 2·JSD(p‖q) - ln 4.

    Args:
        p_data: p, (K,), ≥ 0, sums to 1.
        p_gen: q, (K,), ≥ 0, sums to 1.

    Returns:
        D*, (K,) float64, ½ where neither distribution puts mass; and V in nats, with 0·ln 0 = 0. V is -ln 4 for
        equal distributions and 0 for disjoint ones.

    Raises:
        ValueError: The shapes differ or are not (K,), an entry is negative, or a sum is off by more than 1e-8.

    Source: Goodfellow et al., NeurIPS 2014, Eq. 2 and Theorem 1.
    """
    _check_distribution(p_data, "p_data")
    _check_distribution(p_gen, "p_gen")
    if p_data.shape != p_gen.shape:
        raise ValueError(f"p_gen: expected the shape of p_data, {p_data.shape}, got {p_gen.shape}")
    mass = p_data + p_gen
    seen = mass > 0
    best = np.divide(p_data, mass, out=np.full(mass.shape, 0.5), where=seen)
    rest = np.divide(p_gen, mass, out=np.full(mass.shape, 0.5), where=seen)  # 1 - D*, exact near 0
    return best, float(_times_log(p_data, best) + _times_log(p_gen, rest))


def _times_log(weights: np.ndarray, values: np.ndarray) -> float:
    """Σ w ln v over the entries with w > 0."""
    used = weights > 0
    return float(np.sum(weights[used] * np.log(values[used])))


def _check_distribution(values: np.ndarray, name: str) -> None:
    if values.ndim != 1 or not values.size:
        raise ValueError(f"{name}: expected probabilities (K,), got shape {values.shape}")
    if not (values >= 0).all():
        raise ValueError(f"{name}: expected no negative entry, got {values.min()}")
    if abs(values.sum() - 1) > 1e-8:
        raise ValueError(f"{name}: expected a sum of 1, got {values.sum()}")
