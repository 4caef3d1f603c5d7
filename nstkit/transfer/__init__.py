"""Transfer: give one picture the style of others."""

from nstkit.transfer.gradient import image_gradient
from nstkit.transfer.pixel_descent import run_transfer
from nstkit.transfer.targets import precompute_targets
from nstkit.transfer.trade_off import trade_off_curve

__all__ = ["image_gradient", "precompute_targets", "run_transfer", "trade_off_curve"]
