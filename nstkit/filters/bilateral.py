"""Bilateral filter: a mean over the neighbours that look like the pixel.

Tomasi & Manduchi, "Bilateral Filtering for Gray and Color Images", ICCV 1998. The weight of a neighbour falls with its
distance in the image and with its distance in colour, so the mean does not reach across an edge that is high against
sigma_range. Neither linear nor separable. For the same reason an outlier stays: it has no neighbour that looks like it.
"""

import math

import torch
from torch import Tensor

from nstkit.filters.borders import pad_border
from nstkit.filters.checks import check_picture, check_positive, check_radius
from nstkit.filters.windows import half_window, in_bands


def bilateral_filter(
    image: Tensor, sigma_space: float, sigma_range: float, radius: int, *, border: str = "symmetric"
) -> Tensor:
    """Σ_q w I(q) / Σ_q w with w = exp(−|q − p|² / 2σ_s²) · exp(−‖I(q) − I(p)‖² / 2σ_r²), over a disc.

    Args:
        image: (B, C, H, W), float32 or float64; one weight for all channels, from their Euclidean distance.
        sigma_space: σ_s in pixels, above 0.
        sigma_range: σ_r in the unit of the image, above 0.
        radius: the disc holds the offsets with dy² + dx² ≤ radius².
        border: symmetric, reflect-101, edge, wrap or zero, as `nstkit.filters.borders` says.

    Returns:
        (B, C, H, W), the dtype and device of `image`; differentiable, also through the weights.

    Raises:
        ValueError: another shape, dtype or border; a sigma not above 0; `radius` no whole
            number of at least 1, or more than twice the image's longer side.

    Source: Tomasi & Manduchi, ICCV 1998, Eq. 7; for one channel OpenCV's `bilateralFilter` agrees. With colour, OpenCV
    adds absolute differences, and we measure the Euclidean distance.
    """
    check_picture(image)
    check_positive(sigma_space, "sigma_space")
    check_positive(sigma_range, "sigma_range")
    check_radius(radius, image=image)
    padded = pad_border(image, radius, radius, border)
    return in_bands(lambda band: _filter(band, sigma_space, sigma_range, radius), padded, radius)


def _filter(padded: Tensor, sigma_space: float, sigma_range: float, radius: int) -> Tensor:
    disc = [(dy, dx) for dy, dx in half_window(radius) if dy**2 + dx**2 <= radius**2]
    steepness = -0.5 / sigma_range**2
    mean = WeightedMean(padded, radius)
    for dy, dx in disc:
        difference = mean.differences(dy, dx)
        squared = difference.square()
        distance = squared if len(squared[0]) == 1 else squared.sum(1, keepdim=True)
        spatial = math.exp(-(dy**2 + dx**2) / (2 * sigma_space**2))
        mean.add(dy, dx, difference, distance.mul_(steepness).exp_(), spatial)
    return mean.result()


class WeightedMean:
    """p + Σ_q w (I(q) − I(p)) / Σ_q w over pairs of offsets ±t, where w(p, q) = w(q, p).

    Each pair of pixels is weighed once and serves both. Adding differences in place of values keeps a constant image
    exactly as it is. The pixel itself has weight 1.
    """

    def __init__(self, padded: Tensor, margin: int) -> None:
        self.padded, self.margin = padded, margin
        self.height, self.width = padded.shape[-2] - 2 * margin, padded.shape[-1] - 2 * margin
        self.centre = padded[..., margin : margin + self.height, margin : margin + self.width]
        self.change = torch.zeros_like(self.centre)
        self.weight = torch.ones_like(self.centre[:, :1])

    def differences(self, dy: int, dx: int, around: int = 0) -> Tensor:
        """I(p + t) − I(p) for every p with p or p + t inside, and `around` pixels more: dy ≥ 0.

        (B, C, H + dy + 2·around, W + |dx| + 2·around).
        """
        top, left = self.margin - dy - around, self.margin - max(dx, 0) - around
        height, width = self.height + dy + 2 * around, self.width + abs(dx) + 2 * around
        return (
            self.padded[..., top + dy : top + dy + height, left + dx : left + dx + width]
            - self.padded[..., top : top + height, left : left + width]
        )

    def add(self, dy: int, dx: int, difference: Tensor, weight: Tensor, factor: float = 1.0) -> None:
        """Count the neighbours at t and at −t, with `factor` times the weights (B, 1, H + dy, W + |dx|)."""
        for y, x, sign in ((dy, max(dx, 0), factor), (0, max(-dx, 0), -factor)):
            part = (..., slice(y, y + self.height), slice(x, x + self.width))
            self.change.addcmul_(weight[part], difference[part], value=sign)
            self.weight.add_(weight[part], alpha=factor)

    def result(self) -> Tensor:
        """(B, C, H, W)."""
        return self.centre + self.change / self.weight
