"""Images: the contract of an image, and everything that makes, changes or stores one."""

from nstkit.images.contact_sheet import contact_sheet
from nstkit.images.contract import check_image
from nstkit.images.glcm import glcm_features
from nstkit.images.metadata import read_metadata
from nstkit.images.opening import ImageError, ImageNotFoundError
from nstkit.images.patches import patch_shuffle
from nstkit.images.photographs import photograph, photograph_names, photograph_path
from nstkit.images.preprocess import deprocess, preprocess
from nstkit.images.reading import load_image
from nstkit.images.resizing import fitted_size, resize
from nstkit.images.writing import check_target, save_image

__all__ = [
    "ImageError",
    "ImageNotFoundError",
    "check_image",
    "check_target",
    "contact_sheet",
    "deprocess",
    "fitted_size",
    "glcm_features",
    "load_image",
    "patch_shuffle",
    "photograph",
    "photograph_names",
    "photograph_path",
    "preprocess",
    "read_metadata",
    "resize",
    "save_image",
]
