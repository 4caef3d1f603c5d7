"""GANs: a style learned from a collection, by a generator and the discriminator that it has to convince.

Images are (B, C, H, W) in [-1, 1] here, the range of tanh. Discriminators return raw scores.
"""

from nstkit.gan.cycle import cycle_losses
from nstkit.gan.cyclegan_networks import build_patch_discriminator, build_resnet_generator
from nstkit.gan.cyclegan_steps import cyclegan_discriminator_step, cyclegan_generator_step
from nstkit.gan.dcgan import build_dcgan, dcgan_init_
from nstkit.gan.feature_matching import feature_matching_loss, multiscale_feature_matching
from nstkit.gan.image_pool import ImagePool
from nstkit.gan.losses import adversarial_losses, gan_losses
from nstkit.gan.patch_nce import patch_nce_loss
from nstkit.gan.penalties import r1_penalty, wgan_gradient_penalty
from nstkit.gan.quantization import quantization_gap
from nstkit.gan.steps import adversarial_round, dcgan_train_step, discriminator_step, generator_step
from nstkit.gan.stylization_loss import stylization_generator_loss
from nstkit.gan.toy_data import stripes, two_blobs
from nstkit.gan.toy_dcgan import fit_toy_dcgan

__all__ = [
    "ImagePool", "adversarial_losses", "adversarial_round", "build_dcgan", "build_patch_discriminator",
    "build_resnet_generator", "cycle_losses", "cyclegan_discriminator_step", "cyclegan_generator_step", "dcgan_init_",
    "dcgan_train_step", "discriminator_step", "feature_matching_loss", "fit_toy_dcgan", "gan_losses",
    "generator_step", "multiscale_feature_matching", "patch_nce_loss", "quantization_gap", "r1_penalty", "stripes",
    "stylization_generator_loss", "two_blobs", "wgan_gradient_penalty",
]  # fmt: skip
