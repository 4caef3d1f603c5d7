"""Three losses that go by the name of blur loss, side by side.

The formula in circulation, ‖g − B(g)‖², never sees the content and rewards smooth images; its description in words,
‖B(g) − c‖², is solved by an over-sharpened c; ‖B(g) − B(c)‖² asks for agreement at low frequencies alone, as the
colour loss of Ignatov et al. does ("DSLR-Quality Photos on Mobile Devices with Deep Convolutional Networks", ICCV
2017, arXiv:1704.02470). None of them measures how blurred an image is: see `sharpness_gap`.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from nstkit.filters.borders import pad_border
from nstkit.losses.features import check_features, check_same_shape


def blur_losses(generated: Tensor, content: Tensor, kernel: Tensor) -> dict[str, Tensor]:
    """Sums of squares over C, H and W, means over the batch, of g − B(g), B(g) − c and B(g) − B(c).

    B convolves each channel by itself with `kernel`, with the border "reflect-101" (dcb|abcd|cba).

    Args:
        generated: g, (B, C, H, W).
        content: c, the same shape. A constant: no gradient reaches it.
        kernel: (kh, kw), odd sides, sum 1; convolved, so it is turned by 180° against `conv2d`.

    Returns:
        "self_blur", "blurred_vs_content" and "low_frequency", 0-d each, differentiable in `generated`.

    Raises:
        ValueError: the shapes differ, a side of the kernel is even or reaches beyond the image (k//2 ≥ H or W), or
            its sum is further than 1e-5 from 1.

    Source: "low_frequency" is the colour loss of Ignatov et al., ICCV 2017.
    """
    check_features(generated, "generated")
    check_same_shape(generated, content, "generated", "content")
    _check_kernel(kernel, generated)
    content = content.detach()
    blurred = _blurred(generated, kernel)
    return {
        "self_blur": _energy(generated - blurred),
        "blurred_vs_content": _energy(blurred - content),
        "low_frequency": _energy(blurred - _blurred(content, kernel)),
    }


def _energy(difference: Tensor) -> Tensor:
    return difference.square().sum((1, 2, 3)).mean()


def _blurred(image: Tensor, kernel: Tensor) -> Tensor:
    rows, columns = (side // 2 for side in kernel.shape)
    channels = image.shape[1]
    taps = kernel.to(image).flip(0, 1).expand(channels, 1, *kernel.shape)  # (C, 1, kh, kw)
    return conv2d(pad_border(image, rows, columns, "reflect-101"), taps, groups=channels)


def _check_kernel(kernel: Tensor, image: Tensor) -> None:
    if kernel.ndim != 2 or any(side % 2 == 0 for side in kernel.shape):
        raise ValueError(f"kernel: expected (kh, kw) with odd sides, got {tuple(kernel.shape)}")
    total = float(kernel.detach().sum(dtype=torch.float64))
    if not abs(total - 1) <= 1e-5:
        raise ValueError(f"kernel: expected a sum of 1, got {total:.6g}; divide it by its sum")
    if any(side // 2 >= length for side, length in zip(kernel.shape, image.shape[2:], strict=True)):
        raise ValueError(
            f"kernel: expected half its sides below {tuple(image.shape[2:])}, got {tuple(kernel.shape)}; "
            "a mirrored border cannot be wider than the image"
        )
