"""Enhancement: tone, local contrast and detail, before or after a transfer."""

from nstkit.enhance.brightness import on_brightness
from nstkit.enhance.clahe import clahe
from nstkit.enhance.equalize import equalize_hist
from nstkit.enhance.screened_poisson import screened_poisson
from nstkit.enhance.stretch import contrast_stretch
from nstkit.enhance.unsharp import unsharp_mask

__all__ = [
    "clahe",
    "contrast_stretch",
    "equalize_hist",
    "on_brightness",
    "screened_poisson",
    "unsharp_mask",
]
