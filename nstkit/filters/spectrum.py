"""Projection on a spectrum: the image of given frequencies that is nearest to another one.

Galerne, Gousseau & Morel, "Random Phase Textures: Theory and Synthesis", IEEE TIP 20 (2011), for the common phase of
colour channels; Liu, Gousseau & Xia, "Texture Synthesis Through Convolutional Neural Networks and Spectrum
Constraints", ICPR 2016, arXiv:1605.01141, for the constraint beside a Gram loss.
"""

import torch
from torch import Tensor

from nstkit.filters.checks import check_picture, check_tensor

SILENT = 1e-12
"""Below this, two images share nothing at a frequency, and the exemplar's phase is kept."""


def spectrum_projection(image: Tensor, exemplar: Tensor) -> Tensor:
    """The nearest image to `image` among all with the exemplar's power and cross-channel spectra.

    With Fourier transforms X, U of each channel: z = Σ_c X_c conj(U_c), one phase z/|z| for all channels, result
    F⁻¹(z/|z| · U_c). As a texture loss take ½‖x − P(x)‖² with P(x) held constant; its gradient is x − P(x).

    Args:
        image: (B, C, H, W), float32 or float64, any range.
        exemplar: (B, C, H, W) or (1, C, H, W).

    Returns:
        (B, C, H, W), not clipped: it may leave the range of both.

    Raises:
        ValueError: other axes, or C, H, W differ.

    Source: Liu et al., ICPR 2016, arXiv:1605.01141, Section III.
    """
    for name, picture in (("image", image), ("exemplar", exemplar)):
        check_tensor(picture, name)
    fits = image.ndim == exemplar.ndim == 4 and image.shape[1:] == exemplar.shape[1:]
    if not fits or len(exemplar) not in (1, len(image)):
        raise ValueError(
            "image, exemplar: expected (B, C, H, W) with equal C, H, W and one exemplar or B of them, "
            f"got {tuple(image.shape)} and {tuple(exemplar.shape)}; crop or resize one of them"
        )
    check_picture(image)
    check_picture(exemplar, "exemplar")
    theirs, goal = torch.fft.rfft2(image), torch.fft.rfft2(exemplar)
    common = (theirs * goal.conj()).sum(1, keepdim=True)  # (B, 1, H, W//2 + 1)
    size = common.abs()
    phase = torch.where(size < SILENT, torch.ones_like(common), common / size.clamp_min(SILENT))
    return torch.fft.irfft2(phase * goal, s=image.shape[-2:])
