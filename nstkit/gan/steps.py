"""One step of each player, and rounds made of them: the part of a training loop that every GAN shares.

The discriminator looks at real images and at detached fakes, in two calls, because batch norm would mix their
statistics in one. The generator learns through a frozen discriminator: it takes no step there and collects no
gradient that could leak into its next one. Losses are functions of raw scores; see `nstkit.gan.losses`.

Goodfellow et al., NeurIPS 2014, Algorithm 1; Radford, Metz & Chintala, ICLR 2016, arXiv:1511.06434.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from nstkit.gan.losses import gan_losses


@contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Let no parameter of `networks` collect a gradient; afterwards each has its own setting again."""
    before = [(parameter, parameter.requires_grad) for net in networks for parameter in net.parameters()]
    try:
        for parameter, _ in before:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter, setting in before:
            parameter.requires_grad_(setting)


def log_loss_of_discriminator(real_scores: Tensor, fake_scores: Tensor) -> Tensor:
    """The discriminator's side of the log losses."""
    return gan_losses(real_scores, fake_scores)[0]


def log_loss_of_generator(fake_scores: Tensor) -> Tensor:
    """The generator's side of the log losses, non-saturating."""
    return gan_losses(fake_scores, fake_scores)[1]


def discriminator_step(
    disc: nn.Module,
    opt_d: torch.optim.Optimizer,
    real: Tensor,
    fake: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor] = log_loss_of_discriminator,
    penalty: Callable[[nn.Module, Tensor, Tensor], Tensor] | None = None,
) -> float:
    """One update of the discriminator on real images and on fakes that are detached here.

    Args:
        disc: from images to raw scores.
        opt_d: the optimiser of its parameters; its old gradients are cleared first.
        real: (B, …).
        fake: (B', …), also straight from the generator.
        loss: from the scores of real and of fake to a scalar.
        penalty: added to the loss; called with (disc, real, fake).

    Returns:
        The loss before the update, with the penalty.
    """
    fake = fake.detach()
    opt_d.zero_grad(set_to_none=True)
    total = loss(disc(real), disc(fake))
    if penalty is not None:
        total = total + penalty(disc, real, fake)
    total.backward()
    opt_d.step()
    return total.item()


def generator_step(
    disc: nn.Module,
    opt_g: torch.optim.Optimizer,
    fake: Tensor,
    loss: Callable[[Tensor], Tensor] = log_loss_of_generator,
) -> float:
    """One update of the generator that made `fake`, through the frozen discriminator.

    Args:
        disc: from images to raw scores; its parameters and their gradients stay as they are.
        opt_g: the optimiser of the generator's parameters; their old gradients are cleared first.
        fake: (B, …) with its graph.
        loss: from the scores of the fakes to a scalar.

    Returns:
        The loss before the update.
    """
    opt_g.zero_grad(set_to_none=True)
    with frozen(disc):
        value = loss(disc(fake))
        value.backward()
    opt_g.step()
    return value.item()


def dcgan_train_step(
    gen: nn.Module,
    disc: nn.Module,
    opt_g: torch.optim.Optimizer,
    opt_d: torch.optim.Optimizer,
    real: Tensor,
    z: Tensor,
) -> dict[str, float]:
    """One iteration of a GAN with log losses: first the discriminator, then the generator on the same z.

    Args:
        gen, disc: the networks, in train mode. disc returns raw scores.
        opt_g, opt_d: their optimisers.
        real: (B, C, H, W) in [-1, 1].
        z: (B, latent, 1, 1), standard normal.

    Returns:
        "d_loss" and "g_loss", each before its own update; the generator's already with the new discriminator.

    Raises:
        ValueError: `real` and `z` have different batch sizes.

    Source: Goodfellow et al., NeurIPS 2014, Algorithm 1 with k = 1, and the loss of its Section 3.
    """
    if len(real) != len(z):
        raise ValueError(f"z: expected a batch of {len(real)} as in real, got {len(z)}")
    fake = gen(z)
    d_loss = discriminator_step(disc, opt_d, real, fake)
    return {"d_loss": d_loss, "g_loss": generator_step(disc, opt_g, fake)}


def adversarial_round(
    G: nn.Module,
    D: nn.Module,
    opt_g: torch.optim.Optimizer,
    opt_d: torch.optim.Optimizer,
    reals: Sequence[Tensor],
    inputs: Sequence[Tensor],
) -> dict[str, float]:
    """k updates of the discriminator, then one of the generator; log losses, non-saturating.

    Args:
        G: from inputs (noise or content images) to images.
        D: from images to raw scores.
        opt_g, opt_d: their optimisers.
        reals: k batches of real images.
        inputs: k + 1 batches for G: one for each update of D, the last for the update of G.

    Returns:
        "d", the mean of D's k losses, and "g"; each loss before its own update.

    Raises:
        ValueError: no batch of real images, or not one input more than those.

    Source: Goodfellow et al., NeurIPS 2014, Algorithm 1.
    """
    if not reals:
        raise ValueError("reals: expected at least one batch, got none")
    if len(inputs) != len(reals) + 1:
        raise ValueError(
            f"inputs: expected {len(reals) + 1}, one for each batch of reals and one for the generator's "
            f"update, got {len(inputs)}"
        )
    d_losses = []
    for real, x in zip(reals, inputs[:-1], strict=True):
        with torch.no_grad():
            fake = G(x)
        d_losses.append(discriminator_step(D, opt_d, real, fake))
    return {"d": sum(d_losses) / len(d_losses), "g": generator_step(D, opt_g, G(inputs[-1]))}
