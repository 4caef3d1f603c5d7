"""Training: what moves tensors downhill."""

from nstkit.training.dropout import inverted_dropout
from nstkit.training.l2_penalty import l2_penalty
from nstkit.training.lbfgs import LBFGS

__all__ = [
    "LBFGS",
    "inverted_dropout",
    "l2_penalty",
]
