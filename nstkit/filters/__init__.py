"""Filters: blurring and denoising of image tensors (B, C, H, W), on any device, with any border."""

from nstkit.filters.borders import BORDERS, pad_border
from nstkit.filters.box import box_mean
from nstkit.filters.gaussian import gaussian_blur, gaussian_taps
from nstkit.filters.guided import guided_filter

__all__ = ["BORDERS", "box_mean", "gaussian_blur", "gaussian_taps", "guided_filter", "pad_border"]
