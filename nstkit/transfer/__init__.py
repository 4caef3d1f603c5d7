"""Transfer: give one picture the style of others. Start at `stylize`."""

from nstkit.transfer.adain import adain
from nstkit.transfer.adain_training import adain_training_losses
from nstkit.transfer.channel_pca import channel_pca
from nstkit.transfer.checkpoint import load_checkpoint, save_checkpoint
from nstkit.transfer.efdm import efdm
from nstkit.transfer.fast_nst import fast_nst_step
from nstkit.transfer.gradient import image_gradient
from nstkit.transfer.gram_vector import gram_to_vector, vector_to_gram
from nstkit.transfer.live import LiveFigure
from nstkit.transfer.minimize_lbfgs import minimize_lbfgs
from nstkit.transfer.mix_styles import mix_styles
from nstkit.transfer.pixel_descent import run_transfer
from nstkit.transfer.progress import NonFiniteLoss, Result, Step
from nstkit.transfer.recipes import Recipe
from nstkit.transfer.regional_adain import regional_adain
from nstkit.transfer.style_modulation import ConditionalInstanceNorm, style_modulation
from nstkit.transfer.style_pca import style_pca
from nstkit.transfer.style_swap import style_swap
from nstkit.transfer.stylize import stylize
from nstkit.transfer.targets import precompute_targets
from nstkit.transfer.trade_off import trade_off_curve
from nstkit.transfer.wct import wct

__all__ = [
    "ConditionalInstanceNorm",
    "LiveFigure",
    "NonFiniteLoss",
    "Recipe",
    "Result",
    "Step",
    "adain",
    "adain_training_losses",
    "channel_pca",
    "efdm",
    "fast_nst_step",
    "gram_to_vector",
    "image_gradient",
    "load_checkpoint",
    "minimize_lbfgs",
    "mix_styles",
    "precompute_targets",
    "regional_adain",
    "run_transfer",
    "save_checkpoint",
    "style_modulation",
    "style_pca",
    "style_swap",
    "stylize",
    "trade_off_curve",
    "vector_to_gram",
    "wct",
]
