"""Conditional instance normalisation: a style code chooses scale and shift of every channel.

Dumoulin, Shlens & Kudlur, "A Learned Representation for Artistic Style", ICLR 2017, arXiv:1610.07629, Eq. 5: one row
of (γ, β) per style, a dense layer on a one-hot code. Ghiasi et al., BMVC 2017, arXiv:1705.06830, predict the code
from the style image.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nstkit.losses.features import check_features
from nstkit.transfer.adain import mean_and_deviation


def style_modulation(x: Tensor, code: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """γ x̂ + β with x̂ = (x − μ)/√(var + eps) per sample and channel, and (γ, β) = code · weightᵀ + bias.

    Args:
        x: (N, C, H, W).
        code: (N, S), one for each sample.
        weight: (2C, S); the first C outputs are γ, the last C are β.
        bias: (2C,).
        eps: positive; inside the root, beside the population variance.

    Returns:
        (N, C, H, W); β where H = W = 1. γ multiplies directly, without 1 +. Differentiable in all tensors.

    Raises:
        ValueError: weight or bias do not have 2C rows, batches or S differ, or eps is not positive.

    Source: Dumoulin et al., ICLR 2017, Eq. 5.
    """
    _check(x, code, weight, bias, eps)
    mean, deviation = mean_and_deviation(x, eps)
    scale, shift = F.linear(code, weight, bias)[..., None, None].chunk(2, 1)  # (N, C, 1, 1) each
    return scale * ((x - mean) / deviation) + shift


class ConditionalInstanceNorm(nn.Module):
    """A layer of a transfer network that normalises its input and gives it the scale and shift of a style.

    Starts as plain instance normalisation for every code: γ = 1, β = 0.

    Args:
        channels: C of the maps that it gets.
        code_size: S of the codes; the number of styles for one-hot codes.
    """

    def __init__(self, channels: int, code_size: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(2 * channels, code_size))
        self.bias = nn.Parameter(torch.cat([torch.ones(channels), torch.zeros(channels)]))

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """(N, C, H, W) and (N, S) to (N, C, H, W)."""
        return style_modulation(x, code, self.weight, self.bias, self.eps)


def _check(x: Tensor, code: Tensor, weight: Tensor, bias: Tensor, eps: float) -> None:
    check_features(x, "x")
    if code.ndim != 2 or len(code) != len(x):
        raise ValueError(f"code: expected ({len(x)}, S), one row for each sample, got {tuple(code.shape)}")
    rows = 2 * x.shape[1]
    if weight.shape != (rows, code.shape[1]):
        expected = f"({rows}, {code.shape[1]}) for {x.shape[1]} channels"
        raise ValueError(f"weight: expected {expected}, got {tuple(weight.shape)}; γ first, then β")
    if bias.shape != (rows,):
        raise ValueError(f"bias: expected ({rows},), got {tuple(bias.shape)}")
    if eps <= 0:
        raise ValueError(f"eps: expected a positive number, got {eps}")
