"""The image contract: a tensor (B, 3, H, W) of float32 or float64, sRGB, in [0, 1]. Checked here, nowhere else."""

import math

import torch
from torch import Tensor

SLACK = 1e-4
"""How far rounding may carry a pixel out of [0, 1]."""


def check_image(image: Tensor, name: str = "image") -> None:
    """Raise unless `image` keeps the contract; change nothing.

    Args:
        image: expected (B, 3, H, W), float32 or float64, finite, in [0, 1] up to rounding, on any device.
        name: what the message calls it.

    Raises:
        TypeError: not a tensor, or of another dtype.
        ValueError: another shape, an empty axis, pixels that are not finite or out of range.
    """
    check_channels(image, name)
    _check_range(image, name)


def check_channels(image: Tensor, name: str) -> None:
    """Raise unless `image` is (B, 3, H, W), float32 or float64, of any range; errors as `check_image`."""
    if not isinstance(image, Tensor):
        raise TypeError(
            f"{name}: expected a tensor (B, 3, H, W), got {type(image).__name__}; load_image makes one"
        )
    _check_dtype(image, name)
    _check_shape(image, name)


def check_floats(values: Tensor, name: str) -> None:
    """Raise TypeError unless `values` is a tensor of floats, of any shape and range: integers are not rescaled."""
    if not isinstance(values, Tensor) or not values.is_floating_point():
        got = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise TypeError(
            f"{name}: expected a tensor of floats, got {got}; convert 8-bit pixels with .float() / 255"
        )


def _check_dtype(image: Tensor, name: str) -> None:
    if image.dtype in (torch.float32, torch.float64):
        return
    way_out = (
        "convert with .float()" if image.is_floating_point() else "convert 8-bit pixels with .float() / 255"
    )
    raise TypeError(f"{name}: expected float32 or float64 in [0, 1], got {image.dtype}; {way_out}")


def _check_shape(image: Tensor, name: str) -> None:
    shape = tuple(image.shape)
    problem = f"{name}: expected (B, 3, H, W), got {shape}"
    if image.ndim == 3:
        raise ValueError(f"{problem}; add a batch axis")
    if image.ndim != 4:
        raise ValueError(f"{problem}; an image has four axes")
    if shape[1] != 3:
        raise ValueError(f"{problem}; {_way_to_three_channels(shape)}")
    if 0 in shape:
        raise ValueError(f"{problem}; an axis is empty")


def _way_to_three_channels(shape: tuple[int, ...]) -> str:
    if shape[3] == 3:
        return "move the channels forward with .permute(0, 3, 1, 2)"
    if shape[1] == 1:
        return "repeat the gray channel with .expand(-1, 3, -1, -1)"
    if shape[1] == 4:
        return "blend the alpha channel with a background first"
    return "an image has three channels"


def _check_range(image: Tensor, name: str) -> None:
    low, high = (bound.item() for bound in torch.aminmax(image.detach()))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name}: expected finite pixels in [0, 1], got NaN or infinity")
    if low < -SLACK or high > 1 + SLACK:
        way_out = "divide by 255" if low >= 0 and 2 < high <= 255 else "clamp or rescale first"
        raise ValueError(f"{name}: expected pixels in [0, 1], got [{low:.4g}, {high:.4g}]; {way_out}")
