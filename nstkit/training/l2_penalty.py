"""The L2 penalty on a network's weights, as a term of the loss.

For plain SGD it is the same as weight decay; under Adam it is not (Loshchilov & Hutter, "Decoupled Weight Decay
Regularization", ICLR 2019, arXiv:1711.05101, Propositions 1 and 2).
"""

import math

import torch
from torch import Tensor, nn


def l2_penalty(model: nn.Module, lam: float) -> Tensor:
    """λ Σ ‖W‖² over the trainable weight matrices and kernels; ∂/∂W = 2λW, there is no ½.

    Biases and the scales of normalisation layers have one dimension and are left out, as is usual: pulling them to 0
    makes no function simpler. A frozen weight is left out too: it would add a constant.

    Args:
        model: Its parameters with `requires_grad` and at least 2 dimensions count, each once.
        lam: λ ≥ 0. SGD with `weight_decay = 2λ` on the same weights takes the same steps.

    Returns:
        0-d, in the model's dtype and on its device, differentiable; a constant 0 if no parameter counts.

    Raises:
        ValueError: `lam` is negative or not finite.

    Source: Krogh & Hertz, "A Simple Weight Decay Can Improve Generalization", NIPS 1991.
    """
    if not 0 <= lam < math.inf:
        raise ValueError(
            f"lam: expected a finite number ≥ 0, got {lam}; a negative one would make weights grow"
        )
    squares = [p.square().sum() for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    if not squares:
        return _zero_like(model)
    return lam * torch.stack(squares).sum()


def _zero_like(model: nn.Module) -> Tensor:
    """A 0 with the dtype and device of the model's parameters, or of its buffers if it has none."""
    tensors = (t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point())
    like = next(tensors, None)
    return torch.zeros(()) if like is None else torch.zeros((), dtype=like.dtype, device=like.device)
