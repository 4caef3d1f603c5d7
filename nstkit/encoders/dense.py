"""Dense layers beside convolutions: one run as the other, and what each costs.

Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, arXiv:1411.4038,
Section 3.1.
"""

from torch import Tensor
from torch.nn import functional as F


def dense_as_conv(feat: Tensor, weight: Tensor, bias: Tensor, kernel_hw: tuple[int, int]) -> Tensor:
    """Apply a dense layer that was trained on (C, kh, kw) maps at every place of a larger one.

    Args:
        feat: (N, C, H, W).
        weight: (O, C·kh·kw), for maps flattened with the channel slowest and the column fastest.
        bias: (O,).
        kernel_hw: (kh, kw), the map the layer was trained on.

    Returns:
        (N, O, H − kh + 1, W − kw + 1): stride 1, no padding. Differentiable in all three tensors.

    Raises:
        ValueError: the weight's columns are not C·kh·kw, the bias does not fit, or the map is below the kernel.
    """
    if feat.ndim != 4:
        raise ValueError(
            f"feat: expected (N, C, H, W), got {tuple(feat.shape)}; add the batch axis with [None]"
        )
    height, width = kernel_hw
    if min(kernel_hw) < 1 or feat.shape[2] < height or feat.shape[3] < width:
        size = f"{feat.shape[2]} x {feat.shape[3]}"
        raise ValueError(
            f"kernel_hw: expected at least 1 x 1 and at most the map's {size}, got {height} x {width}"
        )
    columns = feat.shape[1] * height * width
    if weight.ndim != 2 or weight.shape[1] != columns:
        raise ValueError(
            f"weight: expected (O, {columns}) for {feat.shape[1]} channels of {height} x {width}, got "
            f"{tuple(weight.shape)}"
        )
    if bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias: expected ({len(weight)},), one for each row of weight, got {tuple(bias.shape)}"
        )
    return F.conv2d(feat, weight.unflatten(1, (feat.shape[1], height, width)), bias)


def layer_cost(h: int, w: int, c_in: int, c_out: int, k: int) -> dict[str, int]:
    """Parameters and multiplications of a dense layer and a k x k convolution, both (c_in, h, w) → (c_out, h, w).

    Multiplications with padding at the border count, additions of biases do not.

    Returns:
        "dense_params", "dense_macs", "conv_params", "conv_macs".

    Raises:
        ValueError: an argument below 1.
    """
    for name, value in {"h": h, "w": w, "c_in": c_in, "c_out": c_out, "k": k}.items():
        if value < 1:
            raise ValueError(f"{name}: expected at least 1, got {value}")
    inputs, outputs, taps = c_in * h * w, c_out * h * w, k * k * c_in
    return {
        "dense_params": (inputs + 1) * outputs,
        "dense_macs": inputs * outputs,
        "conv_params": (taps + 1) * c_out,
        "conv_macs": taps * outputs,
    }
