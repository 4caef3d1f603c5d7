"""Content loss: squared differences of features, position by position.

Gatys, Ecker & Bethge, CVPR 2016, Eq. 1 (half the sum); Johnson, Alahi & Fei-Fei, ECCV 2016, Eq. 2 (the mean).
"""

from torch import Tensor
from torch.nn.functional import mse_loss

from nstkit.losses.features import check_features, check_same_shape

_FACTORS = {  # from the mean over C, H and W to the reduction
    "gatys": lambda features: features[0].numel() / 2,
    "mean": lambda features: 1,
}


def content_loss(generated: Tensor, target: Tensor, reduction: str = "gatys") -> Tensor:
    """½ Σ (F − P)² or the mean of (F − P)² over C, H and W; the mean over the batch in both.

    The two differ by C·H·W/2, so a content weight cannot be carried from one to the other.

    Args:
        generated: F, (B, C, H, W), the features of the image that is optimised.
        target: P, exactly the same shape. A constant: no gradient reaches it.
        reduction: "gatys" for half the sum, "mean" for the mean (Johnson).

    Returns:
        0-d, differentiable in `generated`.

    Raises:
        ValueError: The shapes differ or are not (B, C, H, W), or `reduction` is another name.

    Source: Gatys et al., CVPR 2016, Eq. 1; Johnson et al., ECCV 2016, Eq. 2.
    """
    check_features(generated, "generated")
    check_same_shape(generated, target, "generated", "target")
    if reduction not in _FACTORS:
        raise ValueError(f"reduction: expected one of {', '.join(map(repr, _FACTORS))}, got {reduction!r}")
    return mse_loss(generated, target.detach()) * _FACTORS[reduction](generated)
