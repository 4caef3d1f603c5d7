"""Exact feature distribution matching: every quantile of the style, at the ranks of the content.

Zhang, Li, Li, Jia & Zhang, "Exact Feature Distribution Matching for Arbitrary Style Transfer and Domain
Generalization", CVPR 2022, arXiv:2203.07740. AdaIN matches two moments of a channel, this all of them.
"""

from torch import Tensor

from nstkit.losses.features import check_features, check_same_shape


def efdm(content: Tensor, style: Tensor) -> Tensor:
    """Replace the k-th smallest value of each channel of each sample by the style's k-th smallest.

    Args:
        content: (B, C, H, W). Equal values are ranked in the order in which they stand.
        style: the same shape. A constant: no gradient reaches it.
    Returns:
        (B, C, H, W). The gradient with respect to content is the identity (straight through the ranking).
    Raises:
        ValueError: shapes that differ or are not 4-D.
    Source: Zhang et al., CVPR 2022.
    """
    check_features(content, "content")
    check_same_shape(content, style, "content", "style")
    flat = content.detach().flatten(2)  # (B, C, H·W)
    order = flat.argsort(dim=-1, stable=True)
    values = style.detach().flatten(2).sort(-1).values
    target = flat.scatter(-1, order, values).view_as(content)
    return target + (content - content.detach())  # the bracket is 0 and has gradient 1
