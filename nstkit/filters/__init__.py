"""Filters: blurring and denoising of image tensors (B, C, H, W), on any device, with any border."""

from nstkit.filters.bilateral import bilateral_filter
from nstkit.filters.borders import BORDERS, pad_border
from nstkit.filters.box import box_mean
from nstkit.filters.gaussian import gaussian_blur, gaussian_taps
from nstkit.filters.guided import guided_filter
from nstkit.filters.median import median_filter, switching_median
from nstkit.filters.nonlocal_means import nl_means
from nstkit.filters.rof import tv_denoise
from nstkit.filters.scale_space import gaussian_scale_space
from nstkit.filters.spectrum import spectrum_projection

__all__ = [
    "BORDERS",
    "bilateral_filter",
    "box_mean",
    "gaussian_blur",
    "gaussian_scale_space",
    "gaussian_taps",
    "guided_filter",
    "median_filter",
    "nl_means",
    "pad_border",
    "spectrum_projection",
    "switching_median",
    "tv_denoise",
]
