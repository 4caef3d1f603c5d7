"""Training: what moves tensors downhill."""

from nstkit.training.accumulate import accumulate_gradients
from nstkit.training.dropout import inverted_dropout
from nstkit.training.gradient_balance import gradient_balanced_weight
from nstkit.training.l2_penalty import l2_penalty
from nstkit.training.lbfgs import LBFGS
from nstkit.training.schedules import linear_decay_factor
from nstkit.training.weight_schedule import weight_schedule

__all__ = [
    "LBFGS",
    "accumulate_gradients",
    "gradient_balanced_weight",
    "inverted_dropout",
    "l2_penalty",
    "linear_decay_factor",
    "weight_schedule",
]
