"""Content loss with a map of what matters: faces and letters more, sky less.

The map is divided by its own mean, so that a mask moves the weight about and does not change how much there is.
"""

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from nstkit.losses.features import check_features, check_same_shape
from nstkit.losses.guidance import check_mask


def weighted_content_loss(feat: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Mean over all elements of m (F - P)², with m the weight shrunk to the layer by area and divided by its mean.

    Args:
        feat: F, (B, C, h, w), the features of the image that is optimised.
        target: P, the same shape. A constant: no gradient reaches it.
        weight: (H, W) >= 0 at image size, not all zero; only its proportions count. A constant too.
    Returns:
        0-d, differentiable in `feat`. A constant weight gives the plain mean square.
    Raises:
        ValueError: shapes that differ, or a weight that is not 2-D, negative, not finite, or zero everywhere.
    """
    check_features(feat, "feat")
    check_same_shape(feat, target, "feat", "target")
    check_mask(weight, "weight")
    shrunk = adaptive_avg_pool2d(weight.detach().to(feat)[None], (feat.shape[2], feat.shape[3]))  # (1, h, w)
    return (shrunk / shrunk.mean() * (feat - target.detach()).square()).mean()
