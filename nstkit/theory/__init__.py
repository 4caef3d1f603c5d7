"""Theory: closed forms and gradients derived by hand, in NumPy.

What teaches, and what the tests of the other rooms compare with; nobody transferring a style calls these.
"""

from nstkit.theory.adam import adam_step
from nstkit.theory.audit_loss import audit_loss
from nstkit.theory.content_gradient import content_loss_grad
from nstkit.theory.gan_value import gan_value_at_optimum
from nstkit.theory.gram_gradient import gram_loss_grad
from nstkit.theory.im2col import conv2d_im2col
from nstkit.theory.lbfgs_two_loops import lbfgs_direction
from nstkit.theory.line_search import armijo_line_search
from nstkit.theory.linear_objective import linear_objective_minimizer
from nstkit.theory.mlp_gradient import mlp_backward
from nstkit.theory.prose_blur import prose_blur_minimizer

__all__ = [
    "adam_step",
    "armijo_line_search",
    "audit_loss",
    "content_loss_grad",
    "conv2d_im2col",
    "gan_value_at_optimum",
    "gram_loss_grad",
    "lbfgs_direction",
    "linear_objective_minimizer",
    "mlp_backward",
    "prose_blur_minimizer",
]
