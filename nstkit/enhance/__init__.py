"""Enhancement: tone, local contrast and detail, before or after a transfer."""

from nstkit.enhance.blending import pyramid_blend
from nstkit.enhance.brightness import on_brightness
from nstkit.enhance.clahe import clahe
from nstkit.enhance.detail import boost_detail
from nstkit.enhance.equalize import equalize_hist
from nstkit.enhance.halo_free import halo_free_sharpen, local_range
from nstkit.enhance.pyramids import (
    collapse_pyramid,
    gaussian_pyramid,
    laplacian_pyramid,
    pyramid_expand,
    pyramid_reduce,
)
from nstkit.enhance.screened_poisson import screened_poisson
from nstkit.enhance.stretch import contrast_stretch
from nstkit.enhance.unsharp import unsharp_mask

__all__ = [
    "boost_detail",
    "clahe",
    "collapse_pyramid",
    "contrast_stretch",
    "equalize_hist",
    "gaussian_pyramid",
    "halo_free_sharpen",
    "laplacian_pyramid",
    "local_range",
    "on_brightness",
    "pyramid_blend",
    "pyramid_expand",
    "pyramid_reduce",
    "screened_poisson",
    "unsharp_mask",
]
