"""Training: what moves tensors downhill."""

from nstkit.training.accumulate import accumulate_gradients
from nstkit.training.batches import Batches
from nstkit.training.checkpoint import load_training, save_training
from nstkit.training.dropout import inverted_dropout
from nstkit.training.early_stopping import EarlyStopping, early_stopping
from nstkit.training.ema import WeightEMA, ema_weights
from nstkit.training.fit import Fitted, NonFiniteTraining, Step, fit, keep_checkpoints
from nstkit.training.gradient_balance import gradient_balanced_weight
from nstkit.training.l2_penalty import l2_penalty
from nstkit.training.lbfgs import LBFGS
from nstkit.training.schedules import linear_decay_factor
from nstkit.training.weight_schedule import weight_schedule

__all__ = [
    "LBFGS",
    "Batches",
    "EarlyStopping",
    "Fitted",
    "NonFiniteTraining",
    "Step",
    "WeightEMA",
    "accumulate_gradients",
    "early_stopping",
    "ema_weights",
    "fit",
    "gradient_balanced_weight",
    "inverted_dropout",
    "keep_checkpoints",
    "l2_penalty",
    "linear_decay_factor",
    "load_training",
    "save_training",
    "weight_schedule",
]
