"""Temporal consistency without optical flow: a camera that moves a little must not make the result flicker.

Eilertsen, Mantiuk & Unger, "Single-frame Regularization for Temporally Stable CNNs", CVPR 2019, arXiv:1902.10424:
the transform invariance ‖f(T(x)) − T(f(x))‖, for small translations T; noise on T(x) as in the stability training of
Zheng, Song, Leung & Goodfellow, CVPR 2016, arXiv:1604.04326.
"""

from collections.abc import Callable

from torch import Tensor


def temporal_loss(
    net: Callable[[Tensor], Tensor],
    image: Tensor,
    output: Tensor,
    offset: tuple[int, int],
    noise: Tensor,
) -> Tensor:
    """The mean of (net(T(x) + n) − T(net(x)))², where T cuts a window out of the frame at `offset`.

    The window is what a camera that has moved sees. Zero without noise for a net that commutes with translations; a
    net that decides by where a pixel lies on its grid of halvings pays for it.

    Args:
        net: from images to images of the same size.
        image: x, (B, 3, H, W).
        output: net(x), (B, 3, H, W); gets gradients as the other side does.
        offset: rows and columns from the top left, from 0 to H − h and W − w.
        noise: n, (B, 3, h, w), of the size of the window.
    Returns:
        0-d, differentiable.
    Raises:
        ValueError: the window does not fit into the image, or the shapes do not.
    """
    (top, left), (height, width) = offset, noise.shape[-2:]
    if output.shape != image.shape or noise.shape[:2] != image.shape[:2]:
        got = f"{tuple(output.shape)} and {tuple(noise.shape)}"
        raise ValueError(f"output, noise: expected the batch of image, {tuple(image.shape)}, got {got}")
    if min(top, left) < 0 or top + height > image.shape[2] or left + width > image.shape[3]:
        raise ValueError(
            f"offset: expected a window of {height} x {width} inside of {image.shape[2]} x {image.shape[3]}, "
            f"got one at {tuple(offset)}"
        )
    window = (..., slice(top, top + height), slice(left, left + width))
    return (net(image[window] + noise) - output[window]).square().mean()
