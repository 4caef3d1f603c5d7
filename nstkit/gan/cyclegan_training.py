"""Training a CycleGAN on two folders of pictures that need not correspond.

Zhu, Park, Isola & Efros, ICCV 2017, arXiv:1703.10593, Section 4: batches of 1, a pool of 50 older fakes, Adam with
2e-4, constant for the first half of the training and falling to 0 over the second.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from nstkit.gan.cyclegan_networks import build_patch_discriminator, build_resnet_generator
from nstkit.gan.cyclegan_steps import cyclegan_discriminator_step, cyclegan_generator_step
from nstkit.gan.image_pool import ImagePool
from nstkit.gan.training import adam, initialised, to_unit
from nstkit.images.folder import PictureFolder, center_square, random_crop
from nstkit.training import fit, linear_decay_factor
from nstkit.training.checks import check_counts, check_number, check_rates
from nstkit.training.devices import lower_precision, pick_device, workers
from nstkit.training.distributed import Share, Team, averaged, parallel, together
from nstkit.training.on_folders import Trained, Watch, all_passed_over, watching

SHOWN = 4
"""Pictures of each kind that a grid of samples shows, there and back."""


def train_cyclegan(
    folder_a: Path,
    folder_b: Path,
    *,
    steps: int = 40_000,
    size: int = 128,
    batch_size: int = 1,
    width: int = 64,
    blocks: int = 6,
    critic_width: int = 64,
    critic_layers: int = 3,
    cycle_weight: float = 10.0,
    identity_weight: float = 0.5,
    pool: int = 50,
    learning_rate: float = 2e-4,
    flip: bool = True,
    seed: int = 0,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    on_step: Watch | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Trained:
    """Train a CycleGAN between the pictures of two folders, which need not correspond.

    Args:
        folder_a: of the one kind of pictures, with its subfolders.
        folder_b: of the other kind.
        steps: of training; the learning rate is constant for the first half and falls to 0 over the second.
        size: of the square crops, a multiple of 4 from 16 up.
        batch_size: pictures of each kind per step, over all processes.
        width: maps after the generators' first layer.
        blocks: residual blocks of the generators; the paper has 6 for 128 and 9 for 256 pixels.
        critic_width: maps after the discriminators' first layer.
        critic_layers: of stride 2 in the discriminators; 3 judges patches of 70 pixels.
        cycle_weight: of the way there and back.
        identity_weight: relative to cycle_weight; keeps colours where they fit already.
        pool: older fakes that the discriminators are shown.
        learning_rate: of Adam, with beta1 = 0.5.
        flip: whether crops are mirrored at random.
        seed: of initialisation and the order of the data.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: of the networks; auto is bfloat16 on a GPU that is fast at it.
        on_step: called after each step; returning True stops the run, which can be resumed.
        resume: the checkpoint of a run that was stopped.
    Returns:
        Trained, with the generators "a_to_b" and "b_to_a".
    Raises:
        ValueError: an argument, a folder without pictures, or a checkpoint of another run.
        NonFiniteTraining: a loss became NaN or infinite, with its name and step.
    """
    _check_size(size, critic_layers)
    check_counts(steps=steps, batch_size=batch_size, width=width, blocks=blocks, critic_width=critic_width)
    check_rates(learning_rate, precision)
    for name, weight in {
        "cycle_weight": cycle_weight,
        "identity_weight": identity_weight,
        "pool": pool,
    }.items():
        check_number(name, weight)
    with together(pick_device(device)) as team:
        pictures = [PictureFolder(folder, size) for folder in (folder_a, folder_b)]
        crop = random_crop(size, flip=flip)
        data = [
            Share(found, batch_size, team, seed=seed + k, transform=crop, workers=workers(team.place))
            for k, found in enumerate(pictures)
        ]
        nets = _Networks(team, width, blocks, critic_width, critic_layers, seed)
        run = _Run(
            nets, pictures, size, pool, (cycle_weight, identity_weight), learning_rate, steps, precision
        )
        watch = watching(on_step, run.samples, 6, pictures, team)
        fitted = fit(run.step, data, run.parts(), steps=steps, on_step=watch, resume=resume)
        return Trained({"a_to_b": nets.g_ab, "b_to_a": nets.g_ba}, fitted, all_passed_over(pictures))


def _check_size(size: int, critic_layers: int) -> None:
    check_counts(critic_layers=critic_layers)
    if size < 16 or size % 4:
        raise ValueError(f"size: expected a multiple of 4 from 16 up, got {size}")
    if size < 3 * 2**critic_layers:
        raise ValueError(
            f"size: expected at least {3 * 2**critic_layers}, which critic_layers={critic_layers} halvings need, "
            f"got {size}"
        )


class _Networks:
    """Two generators and two discriminators, on one process of a team; `whole` are the same, averaging gradients."""

    def __init__(
        self, team: Team, width: int, blocks: int, critic_width: int, critic_layers: int, seed: int
    ) -> None:
        def build() -> list[nn.Module]:
            generators = [build_resnet_generator(3, width, blocks) for _ in range(2)]
            return [
                *generators,
                *(build_patch_discriminator(3, critic_width, critic_layers) for _ in range(2)),
            ]

        self.team, self.seed = team, seed
        found = initialised(build, torch.Generator().manual_seed(seed), team.place)
        self.g_ab, self.g_ba, self.d_a, self.d_b = found
        self.whole = [parallel(network, team) for network in found]


class _Run:
    """The networks with their optimisers, schedules and pools."""

    def __init__(
        self, nets: _Networks, pictures: list[PictureFolder], size: int, pool: int, weights: tuple[float, float],
        learning_rate: float, steps: int, precision: str,
    ) -> None:  # fmt: skip
        self.nets, self.pictures, self.size, self.weights, self.precision = (
            nets,
            pictures,
            size,
            weights,
            precision,
        )
        players = ([nets.g_ab, nets.g_ba], [nets.d_a], [nets.d_b])
        self.opt_g, self.opt_a, self.opt_b = (adam(player, learning_rate) for player in players)
        half = max(1, steps // 2)
        self.schedules = [
            LambdaLR(optimizer, lambda k: linear_decay_factor(k, half, max(1, steps - half)))
            for optimizer in (self.opt_g, self.opt_a, self.opt_b)
        ]
        seeds = [nets.seed + 2 + k + 2 * nets.team.rank for k in range(2)]
        self.pool_a, self.pool_b = (ImagePool(pool, torch.Generator().manual_seed(seed)) for seed in seeds)

    def step(self, real_a: Tensor, real_b: Tensor) -> dict[str, float]:
        """One update of both generators, then one of each discriminator."""
        nets, place = self.nets, self.nets.team.place
        a, b = real_a.to(place), real_b.to(place)
        g_ab, g_ba, d_a, d_b = nets.whole
        with lower_precision(place, self.precision):
            report, fake_b, fake_a = cyclegan_generator_step(
                g_ab, g_ba, nets.d_a, nets.d_b, self.opt_g, a, b, *self.weights
            )
            loss_a = cyclegan_discriminator_step(d_a, self.opt_a, a, self.pool_a.query(fake_a))
            loss_b = cyclegan_discriminator_step(d_b, self.opt_b, b, self.pool_b.query(fake_b))
        return averaged(report | {"critic_a": loss_a, "critic_b": loss_b}, nets.team)

    def parts(self) -> dict[str, Any]:
        """All that has a state."""
        nets, rates = self.nets, dict(zip(("rate_g", "rate_a", "rate_b"), self.schedules, strict=True))
        return {
            "g_ab": nets.g_ab, "g_ba": nets.g_ba, "d_a": nets.d_a, "d_b": nets.d_b,
            "opt_g": self.opt_g, "opt_a": self.opt_a, "opt_b": self.opt_b, **rates,
            "pool_a": self.pool_a, "pool_b": self.pool_b,
        }  # fmt: skip

    @torch.no_grad()
    def samples(self) -> Tensor:
        """Rows of a, b made of it, a again; b, a made of it, b again: (24, 3, S, S)."""
        (pictures_a, pictures_b), (g_ab, g_ba) = self.pictures, (self.nets.g_ab, self.nets.g_ba)
        rows: list[Tensor] = []
        for number in range(SHOWN):
            for found, there, back in ((pictures_a, g_ab, g_ba), (pictures_b, g_ba, g_ab)):
                real = center_square(found[number % len(found)], self.size).to(self.nets.team.place)
                fake = there(real)
                rows += [real, fake, back(fake)]
        return to_unit(torch.cat(rows))
