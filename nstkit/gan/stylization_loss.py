"""What a stylising generator minimises: look like the style's domain, and keep the features of the content.

Chen, Lai & Liu, "CartoonGAN: Generative Adversarial Networks for Photo Cartoonization", CVPR 2018, Eq. 1 and
its content loss: the L1 distance of VGG features. Matching distributions alone would let the generator draw
any picture of the style.
"""

from torch import Tensor

from nstkit.gan.losses import gan_losses


def stylization_generator_loss(
    fake_logits: Tensor, fake_features: Tensor, content_features: Tensor, content_weight: float
) -> tuple[Tensor, dict[str, float]]:
    """E softplus(-D(G(c))) + ω · E|φ(G(c)) - φ(c)|, means over all entries.

    Args:
        fake_logits: raw scores of the generated images, any shape, also a map of patches (B, 1, h, w).
        fake_features: φ(G(c)), (B, C, H, W).
        content_features: φ(c), the same shape. Constants: no gradient reaches them.
        content_weight: ω ≥ 0.

    Returns:
        The loss, 0-d, differentiable in `fake_logits` and `fake_features`; and floats "adversarial", "content"
        (without ω) and "total".

    Raises:
        ValueError: The features differ in shape, ω is negative, or there are no scores.

    Source: Chen et al., CVPR 2018, with the non-saturating loss of Goodfellow et al., NeurIPS 2014.
    """
    if fake_features.shape != content_features.shape:
        raise ValueError(
            f"content_features: expected the shape of fake_features, {tuple(fake_features.shape)}, "
            f"got {tuple(content_features.shape)}"
        )
    if not content_weight >= 0:
        raise ValueError(f"content_weight: expected a number of at least 0, got {content_weight}")
    adversarial = gan_losses(fake_logits, fake_logits)[1]
    content = (fake_features - content_features.detach()).abs().mean()
    total = adversarial + content_weight * content
    return total, {"adversarial": adversarial.item(), "content": content.item(), "total": total.item()}
