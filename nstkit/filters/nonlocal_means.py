"""Non-local means: a mean over the pixels whose neighbourhoods look alike.

Buades, Coll & Morel, "A Non-Local Algorithm for Image Denoising", CVPR 2005. A repeated texture is its own second
photograph: averaging over its repetitions lowers the noise and not the texture. Two noisy copies of one patch differ by
2σ² on average; that much is subtracted, as in their later "Non-Local Means Denoising", IPOL 2011.
"""

from torch import Tensor

from nstkit.filters.bilateral import WeightedMean
from nstkit.filters.borders import pad_border
from nstkit.filters.checks import check_picture, check_positive, check_radius
from nstkit.filters.windows import half_window, in_bands, sliding_sum


def nl_means(
    image: Tensor,
    patch_radius: int,
    search_radius: int,
    h: float,
    sigma: float = 0.0,
    *,
    border: str = "symmetric",
) -> Tensor:
    """Σ_t w I(x + t) / Σ_t w with w = exp(−max(d² − 2σ², 0) / h²), over a square search window.

    d² is the mean squared difference of the patches around x + t and x, over their pixels and channels, all alike.

    Args:
        image: (B, C, H, W), float32 or float64; one weight for all channels.
        patch_radius: patches are (2·patch_radius + 1)².
        search_radius: t runs over (2·search_radius + 1)² offsets, t = 0 included.
        h: how different a patch may be to count, in the unit of the image; above 0. About 0.4 to 1 times σ.
        sigma: standard deviation of the noise, at least 0.
        border: symmetric, reflect-101, edge, wrap or zero, as `nstkit.filters.borders` says.

    Returns:
        (B, C, H, W), the dtype and device of `image`; differentiable, also through the weights.

    Raises:
        ValueError: another shape, dtype or border; a radius no whole number of
            at least 1, or more than twice the image's longer side; `h` ≤ 0 or `sigma` < 0.

    Source: Buades, Coll & Morel, CVPR 2005, with a flat patch window in place of their Gaussian one.
    """
    check_picture(image)
    check_radius(patch_radius, "patch_radius", image=image)
    check_radius(search_radius, "search_radius", image=image)
    check_positive(h, "h")
    if not 0 <= sigma < float("inf"):
        raise ValueError(f"sigma: expected a finite number of at least 0, got {sigma}")
    margin = patch_radius + search_radius
    padded = pad_border(image, margin, margin, border)
    return in_bands(lambda band: _filter(band, patch_radius, search_radius, h, sigma), padded, margin)


def _filter(padded: Tensor, patch_radius: int, search_radius: int, h: float, sigma: float) -> Tensor:
    side = 2 * patch_radius + 1
    inner = (..., slice(patch_radius, -patch_radius), slice(patch_radius, -patch_radius))
    mean = WeightedMean(padded, patch_radius + search_radius)
    for dy, dx in half_window(search_radius):
        difference = mean.differences(dy, dx, patch_radius)
        squared = difference.square()
        squared = squared if len(squared[0]) == 1 else squared.mean(1, keepdim=True)
        distance = sliding_sum(sliding_sum(squared, side, -2), side, -1).div(side**2)
        excess = distance.sub_(2 * sigma**2).clamp_(min=0) if sigma else distance
        mean.add(dy, dx, difference[inner], excess.mul_(-1 / h**2).exp_())
    return mean.result()
