"""Training: what moves tensors downhill."""

from nstkit.training.dropout import inverted_dropout
from nstkit.training.l2_penalty import l2_penalty
from nstkit.training.lbfgs import LBFGS
from nstkit.training.schedules import linear_decay_factor

__all__ = [
    "LBFGS",
    "inverted_dropout",
    "l2_penalty",
    "linear_decay_factor",
]
