"""sRGB is a code for light: decode before adding light, encode before storing it.

IEC 61966-2-1 (1999): a straight piece near black, where a power would have infinite slope, then exponent 2.4.
"""

import torch
from torch import Tensor

from nstkit.images.contract import check_floats

DARK_CODE = 0.04045
"""Codes up to here are on the straight piece."""

DARK_LIGHT = 0.0031308
"""Intensities up to here are on the straight piece."""


def srgb_to_linear(image: Tensor) -> Tensor:
    """Decode sRGB values to light: c/12.92 up to 0.04045, ((c + 0.055)/1.055)^2.4 above.

    Args:
        image: any shape, float, sRGB in [0, 1].
    Returns:
        The same shape and dtype, linear intensity in [0, 1]; differentiable.
    Raises:
        TypeError: no tensor of floats.
    Source: IEC 61966-2-1.
    """
    check_floats(image, "image")
    bright = ((image.clamp(min=DARK_CODE) + 0.055) / 1.055) ** 2.4
    return torch.where(image <= DARK_CODE, image / 12.92, bright)


def linear_to_srgb(light: Tensor) -> Tensor:
    """Encode light as sRGB values: 12.92 l up to 0.0031308, 1.055 l^(1/2.4) - 0.055 above.

    Args:
        light: any shape, float, linear intensity in [0, 1]. Outside, the formula goes on: nothing is clipped.
    Returns:
        The same shape and dtype; differentiable, also at 0.
    Raises:
        TypeError: no tensor of floats.
    Source: IEC 61966-2-1.
    """
    check_floats(light, "light")
    bright = 1.055 * light.clamp(min=DARK_LIGHT) ** (1 / 2.4) - 0.055
    return torch.where(light <= DARK_LIGHT, light * 12.92, bright)
