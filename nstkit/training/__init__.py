"""Training: what moves tensors downhill."""

from nstkit.training.lbfgs import LBFGS

__all__ = ["LBFGS"]
