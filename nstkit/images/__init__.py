"""Images: the contract of an image, and everything that makes, changes or stores one."""

from nstkit.images.patches import patch_shuffle
from nstkit.images.preprocess import deprocess, preprocess

__all__ = ["deprocess", "patch_shuffle", "preprocess"]
