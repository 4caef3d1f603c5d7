"""Pyramid blending: each band of detail crosses from one image to the other over a width of its own scale.

Burt & Adelson, "A Multiresolution Spline with Application to Image Mosaics", ACM TOG 2 (1983). A wide
transition shows both images at once, a narrow one shows a seam; bands need no compromise.
"""

from torch import Tensor

from nstkit.enhance.pyramids import collapse_pyramid, gaussian_pyramid, laplacian_pyramid
from nstkit.filters.checks import check_picture


def pyramid_blend(a: Tensor, b: Tensor, mask: Tensor, levels: int) -> Tensor:
    """Collapse m L_a + (1 − m) L_b, with Laplacian pyramids of the images and the Gaussian pyramid m of the mask.

    Args:
        a: (B, C, H, W), float32 or float64, any range.
        b: the shape and dtype of `a`.
        mask: (B, 1, H, W), or (1, 1, H, W) for all images, in [0, 1]; 1 selects `a`.
        levels: at least 1, which is the plain composite; see `laplacian_pyramid`.

    Returns:
        (B, C, H, W), not clipped; differentiable in all three.

    Raises:
        ValueError: shapes that do not fit, a mask out of [0, 1], or more levels than the image has.
    """
    check_picture(a, "a")
    if b.shape != a.shape:
        raise ValueError(f"b: expected the shape of a, {tuple(a.shape)}, got {tuple(b.shape)}")
    _check_mask(mask, a)
    weights = gaussian_pyramid(mask, levels)
    pairs = zip(laplacian_pyramid(a, levels), laplacian_pyramid(b, levels), weights, strict=True)
    return collapse_pyramid([other + weight * (one - other) for one, other, weight in pairs])


def _check_mask(mask: Tensor, image: Tensor) -> None:
    batch, _, height, width = image.shape
    if tuple(mask.shape) not in ((batch, 1, height, width), (1, 1, height, width)):
        raise ValueError(
            f"mask: expected (1, 1, {height}, {width}) or one for each of {batch} images, got {tuple(mask.shape)}"
        )
    if not (mask.min() >= 0 and mask.max() <= 1):
        raise ValueError(
            f"mask: expected values in [0, 1], got [{float(mask.min()):.4g}, {float(mask.max()):.4g}]"
        )
