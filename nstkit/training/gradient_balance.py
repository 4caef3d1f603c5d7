"""Balancing two losses by the gradients they send to the image, not by their values.

The idea of GradNorm (Chen, Badrinarayanan, Lee & Rabinovich, ICML 2018, arXiv:1711.02257) with two terms, in closed
form: the weight that brings the two gradient norms into a given ratio. GradNorm learns its weights and also looks at
the speed at which each task improves.
"""

import math

import torch
from torch import Tensor


def gradient_balanced_weight(
    content_loss: Tensor, style_loss: Tensor, image: Tensor, ratio: float = 1.0, eps: float = 1e-12
) -> float:
    """The β with ‖β ∇L_style‖₂ = ratio · ‖∇L_content‖₂, gradients with respect to all pixels.

    Args:
        content_loss: 0-d, computed from `image`; its graph stays usable.
        style_loss: 0-d, computed from `image`; its graph stays usable.
        image: Any shape, requires a gradient; its `.grad` is not touched.
        ratio: > 0, how strong style shall pull against content.
        eps: Added to the norm of the style gradient, which may be zero at the start of a run.

    Returns:
        β, a plain float: a constant for the optimiser.

    Raises:
        ValueError: `ratio` is not above 0, or `image` does not require a gradient.

    Source: after Chen et al., ICML 2018, Section 3; the closed form for two terms is ours.
    """
    if not 0 < ratio < math.inf:
        raise ValueError(f"ratio: expected a finite number above 0, got {ratio}")
    if not image.requires_grad:
        raise ValueError(
            "image: expected a tensor that requires a gradient; call image.requires_grad_() first"
        )
    (by_content,) = torch.autograd.grad(content_loss, image, retain_graph=True)
    (by_style,) = torch.autograd.grad(style_loss, image, retain_graph=True)
    norms = torch.stack([torch.linalg.vector_norm(by_content), torch.linalg.vector_norm(by_style)])
    content_norm, style_norm = norms.tolist()  # one transfer from the GPU for both
    return float(ratio * content_norm / (style_norm + eps))
