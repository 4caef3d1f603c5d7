"""Transfer: give one picture the style of others. Start at `stylize`."""

from nstkit.transfer.adain import adain
from nstkit.transfer.checkpoint import load_checkpoint, save_checkpoint
from nstkit.transfer.gradient import image_gradient
from nstkit.transfer.pixel_descent import run_transfer
from nstkit.transfer.recipes import Recipe
from nstkit.transfer.run import NonFiniteLoss, Result, Step
from nstkit.transfer.style_swap import style_swap
from nstkit.transfer.stylize import stylize
from nstkit.transfer.targets import precompute_targets
from nstkit.transfer.trade_off import trade_off_curve

__all__ = [
    "NonFiniteLoss",
    "Recipe",
    "Result",
    "Step",
    "adain",
    "image_gradient",
    "load_checkpoint",
    "precompute_targets",
    "run_transfer",
    "save_checkpoint",
    "style_swap",
    "stylize",
    "trade_off_curve",
]
