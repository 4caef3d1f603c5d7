"""How far two feature maps are apart, in place (content) and wherever it happens (style).

The two statistics of one layer that neural style transfer is about; neither argument is a target here, so both
get gradients. The losses to optimise with are `content_loss` and `gatys_style_loss`.
"""

from torch import Tensor
from torch.nn.functional import mse_loss

from nstkit.losses.features import check_features, check_same_shape
from nstkit.losses.gram import gram_matrix


def content_style_gap(feat_a: Tensor, feat_b: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared difference of the features, and of their Gram matrices G = F Fᵀ / (H·W).

    Shuffling the positions of one argument changes the first number and leaves the second.

    Args:
        feat_a: (C, H, W), the features of one image.
        feat_b: (C, H, W), the same shape.

    Returns:
        content: 0-d, mean over C, H and W.
        style: 0-d, mean over C x C. Both differentiable in both arguments.

    Raises:
        ValueError: An argument is not (C, H, W), or the shapes differ.

    Source: the terms of Gatys et al., CVPR 2016, Eq. 1 and 4, as means.
    """
    check_features(feat_a, "feat_a", "CHW")
    check_features(feat_b, "feat_b", "CHW")
    check_same_shape(feat_a, feat_b, "feat_a", "feat_b")
    return mse_loss(feat_a, feat_b), mse_loss(
        gram_matrix(feat_a[None], "hw"), gram_matrix(feat_b[None], "hw")
    )
