"""A DCGAN that trains in a second: 16 x 16 gray images, a handful of filters, the rules of the big one.

Radford, Metz & Chintala, ICLR 2016, arXiv:1511.06434, Section 4 (Adam with β₁ = 0.5).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nstkit.gan.dcgan import build_dcgan, dcgan_init_
from nstkit.gan.steps import dcgan_train_step

LATENT_DIM = 8


def fit_toy_dcgan(
    sampler: Callable[[int, torch.Generator], Tensor],
    steps: int,
    seed: int,
    batch_size: int = 32,
    lr: float = 2e-3,
) -> tuple[nn.Module, list[dict[str, float]]]:
    """Train `build_dcgan(16, 1, 8, 16)` on what `sampler` draws; independent of the global random state.

    Args:
        sampler: from a count and a generator to real images (count, 1, 16, 16) in [-1, 1]; called once per step.
            `nstkit.gan.two_blobs` is one.
        steps: iterations, each one update of the discriminator and one of the generator.
        seed: of initialisation, noise and data; the same seed gives the same networks.
        batch_size: images per step.
        lr: Adam's learning rate, ten times DCGAN's, for a run this short.

    Returns:
        The generator, from (B, 8, 1, 1) to (B, 1, 16, 16), in train mode; and "d_loss" and "g_loss" of each step.

    Raises:
        ValueError: `steps` is negative, `batch_size` or `lr` not positive.

    Source: Radford et al., ICLR 2016, Section 4.
    """
    if steps < 0 or batch_size < 1 or not lr > 0:
        raise ValueError(
            f"steps, batch_size, lr: expected ≥ 0, ≥ 1 and > 0, got {steps}, {batch_size} and {lr}"
        )
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # building draws an initialisation that is thrown away
        gen, disc = build_dcgan(16, 1, LATENT_DIM, 16)
    opt_g, opt_d = (
        torch.optim.Adam(dcgan_init_(net, random).parameters(), lr=lr, betas=(0.5, 0.999))
        for net in (gen, disc)
    )
    history = []
    for _ in range(steps):
        real = sampler(batch_size, random)
        z = torch.randn(batch_size, LATENT_DIM, 1, 1, generator=random)
        history.append(dcgan_train_step(gen, disc, opt_g, opt_d, real, z))
    return gen, history
