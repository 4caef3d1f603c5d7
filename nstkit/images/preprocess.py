"""From 8-bit pictures to what a pretrained network expects, and back without losing a level.

The encoders of `nstkit.encoders` normalise inside and take images in [0, 1]; these two are for networks that
leave it to their callers, as torchvision's do.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def preprocess(image: np.ndarray, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Scale to [0, 1], normalise each channel and move the channels to the front: (v/255 − mean)/std.

    Args:
        image: (H, W, 3), uint8, RGB.
        mean: Of red, green and blue in [0, 1], as in the network's training.
        std: The standard deviations, likewise.

    Returns:
        (1, 3, H, W), float32.

    Raises:
        TypeError: `image` is not a uint8 array.
        ValueError: `image` is not (H, W, 3), or `mean` or `std` is not three numbers.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"image: expected a uint8 array, got {kind}; load it with 8 bits per channel")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image: expected (H, W, 3), got {image.shape}; convert it to RGB")
    planes = np.array(image.transpose(2, 0, 1), order="C")  # (3, H, W), a copy
    x = torch.from_numpy(planes).to(torch.float32).div_(255)
    return x.sub_(_per_channel(mean, "mean", x)).div_(_per_channel(std, "std", x)).unsqueeze(0)


def deprocess(x: Tensor, mean: Sequence[float], std: Sequence[float]) -> np.ndarray:
    """Undo `preprocess`: x·std + mean, clipped to [0, 1], times 255, rounded half to even.

    Args:
        x: (1, 3, H, W), floating, on any device.
        mean: As in `preprocess`.
        std: As in `preprocess`.

    Returns:
        (H, W, 3), uint8, RGB.

    Raises:
        TypeError: `x` is not floating.
        ValueError: `x` is not (1, 3, H, W), or `mean` or `std` is not three numbers.
    """
    if not x.is_floating_point():
        raise TypeError(f"x: expected a floating tensor, got {x.dtype}; give what preprocess returned")
    if x.ndim != 4 or x.shape[:2] != (1, 3):
        raise ValueError(
            f"x: expected (1, 3, H, W), got {tuple(x.shape)}; take one image of a batch with [:1]"
        )
    image = x.detach()[0] * _per_channel(std, "std", x) + _per_channel(mean, "mean", x)  # (3, H, W)
    levels = image.clamp_(0, 1).mul_(255).round_().to(torch.uint8)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy()


def _per_channel(values: Sequence[float], name: str, like: Tensor) -> Tensor:
    """Three numbers as (3, 1, 1), in the dtype and on the device of `like`."""
    if len(values) != 3:
        raise ValueError(f"{name}: expected three numbers, red, green and blue, got {len(values)}")
    return like.new_tensor(values).view(3, 1, 1)
