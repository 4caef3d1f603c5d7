"""GANs: a style learned from a collection, by a generator and the discriminator that it has to convince.

Images are (B, C, H, W) in [-1, 1] here, the range of tanh. Discriminators return raw scores.
"""

from nstkit.gan.cycle import cycle_losses
from nstkit.gan.feature_matching import feature_matching_loss, multiscale_feature_matching
from nstkit.gan.losses import adversarial_losses, gan_losses
from nstkit.gan.patch_nce import patch_nce_loss
from nstkit.gan.penalties import r1_penalty, wgan_gradient_penalty
from nstkit.gan.quantization import quantization_gap
from nstkit.gan.steps import adversarial_round, dcgan_train_step, discriminator_step, generator_step

__all__ = [
    "adversarial_losses", "adversarial_round", "cycle_losses", "dcgan_train_step", "discriminator_step",
    "feature_matching_loss", "gan_losses", "generator_step", "multiscale_feature_matching", "patch_nce_loss",
    "quantization_gap", "r1_penalty", "wgan_gradient_penalty",
]  # fmt: skip
