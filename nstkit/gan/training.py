"""What the trainings of GANs share: how they start, and how their pictures become images."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from nstkit.gan.dcgan import dcgan_init_


def initialised(
    build: Callable[[], Sequence[nn.Module]], random: torch.Generator, place: torch.device
) -> list[nn.Module]:
    """The networks that `build` makes, with DCGAN's initialisation; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(random.initial_seed())
        networks = build()
    return [dcgan_init_(network, random).to(place) for network in networks]


def adam(networks: Sequence[nn.Module], learning_rate: float) -> torch.optim.Adam:
    """One optimiser for the parameters of several networks, with the beta1 of 0.5 that GANs need."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    return torch.optim.Adam(parameters, learning_rate, betas=(0.5, 0.999))


def to_unit(pictures: Tensor) -> Tensor:
    """[-1, 1] to [0, 1], as float32 on the CPU."""
    return ((pictures.float() + 1) / 2).clamp(0, 1).cpu()
