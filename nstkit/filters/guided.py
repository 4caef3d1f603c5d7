"""Guided filter: in every window the output is a straight line of the guide.

He, Sun & Tang, "Guided Image Filtering", TPAMI 35 (2013), Eq. 5, 6 and 8. Where the guide has an edge the output has
one; where the guide is flat the output is a mean. Box means make the cost of a pixel the same for every radius.
"""

from torch import Tensor

from nstkit.filters.box import box_mean
from nstkit.filters.checks import check_picture, check_positive, check_radius


def guided_filter(guide: Tensor, src: Tensor, radius: int, eps: float) -> Tensor:
    """Smooth `src` so that its edges are those of `guide`: mean(a) · I + mean(b) over the windows around a pixel.

    In each window a = cov(I, p) / (var(I) + eps) and b = mean(p) - a · mean(I), the ridge regression of p on I.

    Args:
        guide: I, (B, C, H, W) or (B, 1, H, W) for one guide for all channels; float.
        src: p, (B, C, H, W).
        radius: half the window's width without its centre, at least 1; windows end at the border.
        eps: above 0, in squared units of the guide: variances below it count as flat.
    Returns:
        (B, C, H, W), same dtype; differentiable in both.
    Raises:
        ValueError: shapes that do not fit, another dtype, a radius below 1, or eps not above 0.
    """
    check_picture(guide, "guide")
    check_picture(src, "src")
    check_radius(radius)
    check_positive(eps, "eps")
    if guide.shape != src.shape and guide.shape != (len(src), 1, *src.shape[2:]):
        raise ValueError(
            f"guide: expected the shape of src, {tuple(src.shape)}, or one channel of it, got {tuple(guide.shape)}"
        )
    mean_i, mean_p = box_mean(guide, radius), box_mean(src, radius)
    # Variance of what is left of the mean of the whole picture: the same, but not a difference of large numbers.
    base = guide.mean((2, 3), keepdim=True)
    centered, offset = guide - base, mean_i - base
    covariance = box_mean(centered * src, radius) - offset * mean_p
    variance = box_mean(centered.square(), radius) - offset.square()
    a = covariance / (variance.clamp(min=0) + eps)
    b = mean_p - a * mean_i
    return box_mean(a.expand_as(src), radius) * guide + box_mean(b, radius)
