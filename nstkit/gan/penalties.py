"""Gradient penalties: hold the slope of the critic, on lines between real and fake or at the real images.

Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS 2017, arXiv:1704.00028, Eq. 3 (WGAN-GP);
Mescheder, Geiger & Nowozin, "Which Training Methods for GANs do actually Converge?", ICML 2018,
arXiv:1801.04406, Section 4.1 (R1).

Both take the gradient sample by sample, which a batch norm in the critic breaks: its scores depend on the
whole batch. Use instance norm, layer norm or none.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


def wgan_gradient_penalty(critic: Critic, real: Tensor, fake: Tensor, u: Tensor, lam: float = 10.0) -> Tensor:
    """λ · mean over n of (‖∇ critic(x̂)ₙ‖₂ - 1)² at x̂ = u·real + (1 - u)·fake; two-sided.

    Args:
        critic: from samples (N, …) to raw scores; of several scores per sample the sum counts.
        real: (N, …), a constant.
        fake: the shape of `real`, a constant.
        u: (N,) in [0, 1], one place between fake and real for each sample; draw it uniformly.
        lam: λ ≥ 0.

    Returns:
        0-d, differentiable in the critic's parameters (by a second backward pass).

    Raises:
        ValueError: The shapes differ, the batch is empty, `u` is not (N,), or `lam` is negative.

    Source: Gulrajani et al., NeurIPS 2017, Eq. 3 and Algorithm 1.
    """
    _check_batch(real, "real")
    _check_weight(lam, "lam")
    if fake.shape != real.shape:
        raise ValueError(f"fake: expected the shape of real, {tuple(real.shape)}, got {tuple(fake.shape)}")
    if u.shape != real.shape[:1]:
        raise ValueError(f"u: expected ({len(real)},), one number per sample, got {tuple(u.shape)}")
    share = u.detach().to(real).reshape(-1, *[1] * (real.ndim - 1))  # (N, 1, …)
    between = share * real.detach() + (1 - share) * fake.detach()
    slopes = torch.linalg.vector_norm(_sample_gradients(critic, between), dim=1)  # (N,)
    return lam * (slopes - 1).square().mean()


def r1_penalty(critic: Critic, real: Tensor, gamma: float = 10.0) -> Tensor:
    """γ/2 · mean over n of ‖∇ critic(xₙ)‖₂² at the real samples.

    Args:
        critic: from samples (N, …) to raw scores; of several scores per sample the sum counts.
        real: (N, …), a constant; its `requires_grad` stays what it was.
        gamma: γ ≥ 0.

    Returns:
        0-d, differentiable in the critic's parameters (by a second backward pass).

    Raises:
        ValueError: The batch is empty or `gamma` is negative.

    Source: Mescheder et al., ICML 2018, Section 4.1.
    """
    _check_batch(real, "real")
    _check_weight(gamma, "gamma")
    return gamma / 2 * _sample_gradients(critic, real.detach()).square().sum(1).mean()


def _sample_gradients(critic: Critic, samples: Tensor) -> Tensor:
    """∇ of each sample's summed score by that sample, (N, D); part of the graph of the critic's parameters.

    The gradient of the sum over the batch is enough: other samples' scores do not depend on this sample.
    """
    with torch.enable_grad():
        leaf = samples.clone().requires_grad_()
        scores = critic(leaf)
        (slopes,) = torch.autograd.grad(scores.sum(), leaf, create_graph=True)
    return slopes.flatten(1)


def _check_batch(samples: Tensor, name: str) -> None:
    if samples.ndim < 2 or samples.numel() == 0:
        raise ValueError(f"{name}: expected samples (N, …), none empty, got {tuple(samples.shape)}")


def _check_weight(weight: float, name: str) -> None:
    if not weight >= 0:
        raise ValueError(f"{name}: expected a number of at least 0, got {weight}")
