"""A convolution as one matrix product: patches become columns, kernels become rows.

Chellapilla, Puri & Simard, "High Performance Convolutional Neural Networks for Document Processing", IWFHR 2006.
"""

import numpy as np


def conv2d_im2col(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None = None, stride: int = 1, padding: int = 0
) -> np.ndarray:
    """Cross-correlate with zero padding, as the layers of a network do: the kernel is not flipped.

    Args:
        x: (N, C, H, W).
        weight: (O, C, kh, kw).
        bias: (O,), or None for none.
        stride: step along both axes, ≥ 1.
        padding: zeros on each side, ≥ 0.

    Returns:
        (N, O, H', W') with H' = ⌊(H + 2 padding − kh) / stride⌋ + 1, in the dtype of x.

    Raises:
        ValueError: channels or bias do not fit, stride < 1, padding < 0, or the kernel exceeds the padded image.
    """
    _check(x, weight, bias, stride, padding)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], (2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, H', W', kh, kw)
    batch, _, height, width = windows.shape[:4]
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(batch * height * width, -1)  # (N·H'·W', C·kh·kw)
    product = columns @ weight.reshape(len(weight), -1).T  # (N·H'·W', O)
    if bias is not None:
        product = product + bias
    return product.reshape(batch, height, width, -1).transpose(0, 3, 1, 2).astype(x.dtype)


def _check(x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, stride: int, padding: int) -> None:
    if x.ndim != 4 or weight.ndim != 4 or x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"weight: expected (O, C, kh, kw) for x of (N, C, H, W), got {weight.shape} for {x.shape}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias: expected ({len(weight)},), one value for each output channel, got {bias.shape}"
        )
    if stride < 1 or padding < 0:
        raise ValueError(f"stride, padding: expected at least 1 and at least 0, got {stride}, {padding}")
    kernel, room = weight.shape[2:], tuple(n + 2 * padding for n in x.shape[2:])
    if kernel[0] > room[0] or kernel[1] > room[1]:
        raise ValueError(f"weight: expected a kernel within the padded image's {room}, got {kernel}")
