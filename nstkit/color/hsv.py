"""HSV, the hexcone: hue as an angle around the gray axis, and two sliders.

A. R. Smith, "Color Gamut Transform Pairs", SIGGRAPH 1978. Easy to turn knobs in, and no model of what we see:
pure blue and pure yellow have the same V.
"""

import math

import torch
from torch import Tensor

from nstkit.images import check_image
from nstkit.images.contract import check_channels


def adjust_hsv(image: Tensor, hue_deg: float, sat_gain: float, val_gain: float) -> Tensor:
    """Turn the hue, multiply saturation and value, clip both to [0, 1].

    Args:
        image: (B, 3, H, W), sRGB in [0, 1].
        hue_deg: added to the hue, in degrees; any number, an angle has no end.
        sat_gain, val_gain: at least 0; 1 changes nothing.
    Returns:
        (B, 3, H, W), same dtype, in [0, 1]. Grays stay gray whatever the hue.
    Raises:
        ValueError, TypeError: not an image, or a gain that is negative or not finite.
    """
    if not math.isfinite(hue_deg):
        raise ValueError(f"hue_deg: expected a finite number of degrees, got {hue_deg}")
    for name, gain in (("sat_gain", sat_gain), ("val_gain", val_gain)):
        if not math.isfinite(gain) or gain < 0:
            raise ValueError(f"{name}: expected a number of at least 0, got {gain}; 1 changes nothing")
    hue, saturation, value = rgb_to_hsv(image).unbind(1)
    turned = (hue + hue_deg) % 360
    return hsv_to_rgb(
        torch.stack([turned, (saturation * sat_gain).clamp(0, 1), (value * val_gain).clamp(0, 1)], 1)
    )


def rgb_to_hsv(image: Tensor) -> Tensor:
    """(B, 3, H, W) RGB in [0, 1] to hue in degrees [0, 360), saturation and value in [0, 1].

    Gray has no hue; it is given 0, and saturation 0.
    """
    check_image(image)
    red, green, blue = image.unbind(1)
    value, low = image.amax(1), image.amin(1)
    spread = value - low
    safe = torch.where(spread > 0, spread, 1.0)
    of_red, of_green, of_blue = (green - blue) / safe, 2 + (blue - red) / safe, 4 + (red - green) / safe
    sector = torch.where(value == red, of_red, torch.where(value == green, of_green, of_blue))
    hue = torch.where(spread > 0, 60 * sector % 360, 0.0)
    saturation = spread / torch.where(value > 0, value, 1.0)
    return torch.stack([hue, saturation, value], 1)


def hsv_to_rgb(hsv: Tensor) -> Tensor:
    """(B, 3, H, W) hue in degrees, saturation and value in [0, 1], to RGB in [0, 1].

    Channel n is V - V·S·max(0, min(k, 4 - k, 1)) with k = (n + hue/60) mod 6 and n = 5, 3, 1.
    """
    check_channels(hsv, "hsv")
    hue, saturation, value = hsv.unbind(1)
    channels = []
    for start in (5, 3, 1):
        k = (start + hue / 60) % 6
        channels.append(value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, 1)
