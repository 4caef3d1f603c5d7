"""Losses: how far a picture's features are from the content, and their statistics from the style.

Pure functions of tensors. Those that sum over layers take the mappings that an encoder returns.
"""

from nstkit.losses.gram import gram_matrix

__all__ = ["gram_matrix"]
