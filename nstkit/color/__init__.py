"""Colour: spaces to work in, and ways to keep a picture's colours or to give it another's."""

from nstkit.color.histograms import match_histograms
from nstkit.color.hsv import adjust_hsv, hsv_to_rgb, rgb_to_hsv
from nstkit.color.lab import lab_to_srgb, srgb_to_lab
from nstkit.color.linear_transfer import linear_color_transfer
from nstkit.color.srgb import linear_to_srgb, srgb_to_linear
from nstkit.color.yiq import luma, luminance_transfer, rgb_to_yiq, yiq_to_rgb

__all__ = [
    "adjust_hsv",
    "hsv_to_rgb",
    "lab_to_srgb",
    "linear_color_transfer",
    "linear_to_srgb",
    "luma",
    "luminance_transfer",
    "match_histograms",
    "rgb_to_hsv",
    "rgb_to_yiq",
    "srgb_to_lab",
    "srgb_to_linear",
    "yiq_to_rgb",
]
