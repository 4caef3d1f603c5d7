"""Training a DCGAN on a folder of pictures.

What is kept and shown is the average of the generator's weights over the latest steps (Yazıcı et al., "The Unusual
Effectiveness of Averaging in GAN Training", ICLR 2019, arXiv:1806.04498), with batch norms that have the statistics
of those weights. Networks and losses: Radford, Metz & Chintala, ICLR 2016, arXiv:1511.06434.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nstkit.gan.dcgan import build_dcgan
from nstkit.gan.steps import discriminator_step, generator_step
from nstkit.gan.training import adam, initialised, to_unit
from nstkit.images.folder import PictureFolder, random_crop
from nstkit.training import WeightEMA, fit
from nstkit.training.checks import check_counts, check_rates
from nstkit.training.devices import lower_precision, pick_device, workers
from nstkit.training.distributed import Share, Team, averaged, parallel, share_of, together
from nstkit.training.on_folders import Trained, Watch, all_passed_over, watching

SHOWN, ROW = 64, 8
"""Samples of a grid, and on one row of it."""
CALIBRATION = 8
"""Batches of SHOWN pictures from which the batch norms of averaged weights get their statistics."""


def train_dcgan(
    folder: Path,
    *,
    steps: int = 20_000,
    size: int = 64,
    batch_size: int = 64,
    latent_dim: int = 100,
    width: int = 64,
    learning_rate: float = 2e-4,
    average: float = 0.999,
    flip: bool = True,
    seed: int = 0,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    on_step: Watch | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Trained:
    """Train a DCGAN on the pictures of a folder.

    Args:
        folder: of pictures, with its subfolders.
        steps: of training, those of a resumed run included.
        size: of the square pictures it makes, a power of two from 8 up.
        batch_size: pictures per step, over all processes.
        latent_dim: numbers that a picture is made from.
        width: maps at the widest size; doubled with each halving.
        learning_rate: of Adam, with beta1 = 0.5.
        average: decay of the average of the generator's weights that is kept for sampling.
        flip: whether crops are mirrored at random.
        seed: of initialisation, noise and the order of the data.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: of the networks; auto is bfloat16 on a GPU that is fast at it.
        on_step: called after each step; returning True stops the run, which can be resumed.
        resume: the checkpoint of a run that was stopped.
    Returns:
        Trained, with the averaged generator as "generator", in eval mode.
    Raises:
        ValueError: an argument, a folder without pictures, or a checkpoint of another run.
        NonFiniteTraining: a loss became NaN or infinite, with its name and step.
    """
    check_counts(steps=steps, batch_size=batch_size, latent_dim=latent_dim, width=width)
    check_rates(learning_rate, precision)
    if size < 8 or size & (size - 1):
        raise ValueError(f"size: expected a power of two from 8 up, got {size}")
    if not 0 <= average < 1:
        raise ValueError(f"average: expected a decay in [0, 1), got {average}")
    with together(pick_device(device)) as team:
        pictures = PictureFolder(folder, size)
        crop = random_crop(size, flip=flip)
        data = Share(pictures, batch_size, team, seed=seed, transform=crop, workers=workers(team.place))
        run = _Run(team, (size, 3, latent_dim, width), batch_size, learning_rate, average, seed, precision)
        watch = watching(on_step, run.samples, ROW, [pictures], team)
        fitted = fit(run.step, data, run.parts(), steps=steps, on_step=watch, resume=resume)
        return Trained({"generator": run.averaged()}, fitted, all_passed_over([pictures]))


class _Run:
    """Both networks with their optimisers, on one process of a team; `architecture` goes to `build_dcgan`."""

    def __init__(
        self, team: Team, architecture: tuple[int, int, int, int], batch_size: int, learning_rate: float,
        average: float, seed: int, precision: str,
    ) -> None:  # fmt: skip
        self.team, self.architecture, self.batch_size, self.precision = (
            team,
            architecture,
            batch_size,
            precision,
        )
        self.random = torch.Generator().manual_seed(seed)
        self.generator, self.critic = initialised(lambda: build_dcgan(*architecture), self.random, team.place)
        self.whole_generator, self.whole_critic = (parallel(n, team) for n in (self.generator, self.critic))
        self.opt_g, self.opt_d = (adam([n], learning_rate) for n in (self.generator, self.critic))
        self.mean = WeightEMA(self.generator, average)
        self.shown = self._noise(SHOWN, self.random)
        self.calibrating = [self._noise(SHOWN, self.random) for _ in range(CALIBRATION)]

    def _noise(self, count: int, random: torch.Generator) -> Tensor:
        return torch.randn(count, self.architecture[2], 1, 1, generator=random)

    def step(self, real: Tensor) -> dict[str, float]:
        """One update of the discriminator, then one of the generator, on the same noise."""
        z = share_of(
            self._noise(self.batch_size, self.random), self.team
        )  # all processes draw the joined batch
        with lower_precision(self.team.place, self.precision):
            fake = self.whole_generator(z)
            d_loss = discriminator_step(self.whole_critic, self.opt_d, real.to(self.team.place), fake)
            g_loss = generator_step(
                self.critic, self.opt_g, fake
            )  # the critic collects no gradients to average
        return averaged({"d_loss": d_loss, "g_loss": g_loss}, self.team)

    def parts(self) -> dict[str, Any]:
        """All that has a state."""
        return {
            "generator": self.generator, "critic": self.critic, "opt_g": self.opt_g, "opt_d": self.opt_d,
            "mean": self.mean, "random": self.random,
        }  # fmt: skip

    @torch.no_grad()
    def averaged(self) -> nn.Module:
        """A copy of the generator with the averaged weights, in eval mode.

        The running statistics of the one in training belong to its own weights of this moment, not to the average:
        here they are taken anew. The copy has ordinary batch norms, which wait for no other process.
        """
        fresh = torch.Generator()
        copy, _ = initialised(lambda: build_dcgan(*self.architecture), fresh, self.team.place)
        copy.load_state_dict(self.generator.state_dict() | self.mean.weights())
        for layer in copy.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.reset_running_stats()
                layer.momentum = None  # the plain mean over all batches
        for z in self.calibrating:
            copy(z.to(self.team.place))
        return copy.eval()

    @torch.no_grad()
    def samples(self) -> Tensor:
        """What the averaged generator makes of the same noise each time: (64, 3, S, S)."""
        return to_unit(self.averaged()(self.shown.to(self.team.place)))
