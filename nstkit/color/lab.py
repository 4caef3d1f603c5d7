"""CIE L*a*b*: lightness and two opponent axes, in which equal steps look about equal.

sRGB code → light → XYZ → divided by the white → a cube root with a straight piece near black → L*, a*, b*.
CIE 15:2004; the constants 216/24389 and 24389/27 are the exact forms of 0.008856 and 903.3.
"""

import torch
from torch import Tensor

from nstkit.color.srgb import linear_to_srgb, srgb_to_linear
from nstkit.images import check_image
from nstkit.images.contract import check_channels

XYZ_OF_RGB = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
"""Linear sRGB to XYZ, white D65, 2 degree observer."""

WHITE = (0.95047, 1.0, 1.08883)
"""XYZ of D65, the white of sRGB."""

EPSILON, KAPPA = 216 / 24389, 24389 / 27


def srgb_to_lab(image: Tensor) -> Tensor:
    """CIE L*a*b* of an sRGB image.

    Args:
        image: (B, 3, H, W), sRGB in [0, 1].
    Returns:
        (B, 3, H, W), same dtype: L* in [0, 100], a* (green to red) and b* (blue to yellow) signed, about ±110.
        Differentiable.
    Raises:
        ValueError, TypeError: not an image (see `check_image`).
    Source: CIE 15:2004; IEC 61966-2-1.
    """
    check_image(image)
    xyz = _mix(_matrix(image), srgb_to_linear(image))
    x, y, z = _compress(xyz / _white(image)).unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lab_to_srgb(lab: Tensor) -> Tensor:
    """The sRGB image of CIE L*a*b* values; what no screen can show is clipped.

    Args:
        lab: (B, 3, H, W), L* in [0, 100].
    Returns:
        (B, 3, H, W), same dtype, in [0, 1]; differentiable where nothing is clipped.
    Raises:
        ValueError, TypeError: not (B, 3, H, W), or no float32 or float64.
    """
    check_channels(lab, "lab")
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    xyz = _expand(torch.stack([y + a / 500, y, y - b / 200], 1)) * _white(lab)
    return linear_to_srgb(_mix(torch.linalg.inv(_matrix(lab)), xyz)).clamp(0, 1)


def _compress(t: Tensor) -> Tensor:
    """f(t): a cube root, continued as a line below 216/24389, where its slope would grow without bound."""
    return torch.where(t > EPSILON, t.clamp(min=EPSILON) ** (1 / 3), (KAPPA * t + 16) / 116)


def _expand(f: Tensor) -> Tensor:
    cube = f**3
    return torch.where(cube > EPSILON, cube, (116 * f - 16) / KAPPA)


def _matrix(like: Tensor) -> Tensor:
    return like.new_tensor(XYZ_OF_RGB)


def _white(like: Tensor) -> Tensor:
    return like.new_tensor(WHITE).view(1, 3, 1, 1)


def _mix(matrix: Tensor, image: Tensor) -> Tensor:
    return torch.einsum("ij,bjhw->bihw", matrix, image)
