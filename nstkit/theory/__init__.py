"""Theory: closed forms and gradients derived by hand, in NumPy.

What teaches, and what the tests of the other rooms compare with; nobody transferring a style calls these.
"""

from nstkit.theory.content_gradient import content_loss_grad
from nstkit.theory.gram_gradient import gram_loss_grad
from nstkit.theory.linear_objective import linear_objective_minimizer

__all__ = ["content_loss_grad", "gram_loss_grad", "linear_objective_minimizer"]
