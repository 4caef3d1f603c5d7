"""What image minimises the blur loss that the prose describes: a sharpened content.

"Blur the generated image and compare it with the content" is ‖k∗g − c‖²: its minimiser is the image that *becomes* c
when blurred, a deconvolution. With a term λ‖g − c‖² it has a closed form, frequency by frequency.
"""

import math

import numpy as np


def prose_blur_minimizer(content: np.ndarray, kernel: np.ndarray, lam: float) -> np.ndarray:
    """The g that minimises ‖k∗g − c‖² + λ‖g − c‖²: ĝ = (conj(b) + λ) ĉ / (|b|² + λ), b the kernel's spectrum.

    For a symmetric kernel with 0 ≤ b ≤ 1, a Gaussian's, no frequency is lowered: (b + λ)/(b² + λ) ≥ 1.

    Args:
        content: c, (H, W), any real dtype; periodic beyond its edges.
        kernel: k, (kh, kw), odd sides, its origin at [kh//2, kw//2]; any real values.
        lam: λ > 0.

    Returns:
        g, (H, W), float64.

    Raises:
        ValueError: not 2-D, an even side, a kernel larger than the image, or λ not above 0.

    Source: least squares, diagonal in the Fourier basis because the border is circular.
    """
    _check(content, kernel, lam)
    spectrum = np.fft.rfft2(_at_origin(kernel, content.shape))
    gain = (spectrum.conj() + lam) / (np.abs(spectrum) ** 2 + lam)
    return np.fft.irfft2(gain * np.fft.rfft2(content.astype(np.float64)), s=content.shape)


def _at_origin(kernel: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The kernel in an image of zeros, rolled so that its centre lies at [0, 0]."""
    field = np.zeros(shape)
    rows, columns = kernel.shape
    field[:rows, :columns] = kernel
    return np.roll(field, (-(rows // 2), -(columns // 2)), axis=(0, 1))


def _check(content: np.ndarray, kernel: np.ndarray, lam: float) -> None:
    for name, array in {"content": content, "kernel": kernel}.items():
        if array.ndim != 2 or not array.size:
            raise ValueError(f"{name}: expected two axes and no empty one, got {array.shape}")
    if any(side % 2 == 0 for side in kernel.shape):
        raise ValueError(f"kernel: expected odd sides, got {kernel.shape}; an even one has no centre")
    if any(side > length for side, length in zip(kernel.shape, content.shape, strict=True)):
        raise ValueError(f"kernel: expected at most {content.shape}, the image's size, got {kernel.shape}")
    if not 0 < lam < math.inf:
        raise ValueError(f"lam: expected a finite number above 0, got {lam}; at 0 weak frequencies explode")
