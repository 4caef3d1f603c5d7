"""Enhance the brightness of a colour picture and leave its colours alone."""

from collections.abc import Callable

from torch import Tensor

from nstkit.color import luma


def on_brightness(image: Tensor, enhance: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply `enhance` to the luma of a picture and add the change to red, green and blue alike, clipped to [0, 1].

    Args:
        image: (B, 3, H, W), sRGB in [0, 1].
        enhance: from (B, 1, H, W) in [0, 1] to the same, such as `equalize_hist`.
    Returns:
        (B, 3, H, W) in [0, 1], same dtype.
    """
    before = luma(image).clamp(0, 1)
    return (image + (enhance(before) - before)).clamp(0, 1)
