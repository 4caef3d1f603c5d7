"""Training GANs on folders of pictures: `train_dcgan` on one, `train_cyclegan` on two.

Both return what they trained, can be watched and stopped by `on_step`, and resume exactly: weights, optimisers,
schedules, random state and the order of the data are in the checkpoint.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from nstkit.gan.cyclegan_networks import build_patch_discriminator, build_resnet_generator
from nstkit.gan.cyclegan_steps import cyclegan_discriminator_step, cyclegan_generator_step
from nstkit.gan.dcgan import build_dcgan, dcgan_init_
from nstkit.gan.distributed import Share, agreed, averaged, own_device, parallel, share_of, together
from nstkit.gan.image_pool import ImagePool
from nstkit.gan.steps import discriminator_step, generator_step
from nstkit.images.folder import PictureFolder, center_square, random_crop
from nstkit.training import Fitted, NonFiniteTraining, WeightEMA, fit, linear_decay_factor
from nstkit.training import Step as FitStep
from nstkit.transfer.options import fast_bfloat16, pick_device


@dataclass(frozen=True)
class GanStep:
    """Where a training stands after a step; `samples()` draws pictures (N, 3, S, S) in [0, 1].

    Attributes:
        step, steps: this step, from 1, of so many.
        losses: the mean over all processes.
        columns: how many samples belong on one row.
        checkpoint: makes the checkpoint of this moment.
    """

    step: int
    steps: int
    losses: Mapping[str, float]
    samples: Callable[[], Tensor]
    columns: int
    checkpoint: Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Trained:
    """What a training came to: generators by name, passed-over files, and a checkpoint if it was stopped."""

    generators: Mapping[str, nn.Module]
    fitted: Fitted
    passed_over: tuple[str, ...]

    @property
    def finished(self) -> bool:
        """Whether all steps were done."""
        return self.fitted.finished


Watch = Callable[[GanStep], bool | None]


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
        seed: of initialisation, noise and the order of the data.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: of the networks; auto is bfloat16 on a GPU that is fast at it.
        on_step: called after each step; returning True stops the run, which can be resumed.
        resume: the checkpoint of a run that was stopped.
    Returns:
        Trained, with the averaged generator as "generator".
    Raises:
        ValueError: an argument, a folder without pictures, or a checkpoint of another run.
        NonFiniteTraining: a loss became NaN or infinite, with its name and step.
    """
    with together() as (rank, world):
        place = own_device(pick_device(device), rank)
        pictures = PictureFolder(folder, size)
        random = torch.Generator().manual_seed(seed)
        generator, critic = (
            dcgan_init_(net, random).to(place)
            for net in _built(lambda: build_dcgan(size, 3, latent_dim, width), seed)
        )
        whole_g, whole_d = parallel(generator, world), parallel(critic, world)
        opt_g, opt_d = (
            torch.optim.Adam(net.parameters(), learning_rate, betas=(0.5, 0.999))
            for net in (generator, critic)
        )
        mean = WeightEMA(generator, average)
        shown = torch.randn(64, latent_dim, 1, 1, generator=random)

        def train_step(real: Tensor) -> dict[str, float]:
            z = share_of(torch.randn(batch_size, latent_dim, 1, 1, generator=random), rank, world).to(place)
            with _autocast(place, precision):
                fake = whole_g(z)
                d_loss = discriminator_step(whole_d, opt_d, real.to(place), fake)
                g_loss = generator_step(
                    critic, opt_g, fake
                )  # critic itself: its gradients are nobody's business here
            return averaged({"d_loss": d_loss, "g_loss": g_loss}, world)

        def samples() -> Tensor:
            with mean.averaged() as averaged_generator, torch.no_grad():
                return _to_unit(averaged_generator(shown.to(place)))

        data = Share(
            cast(Any, pictures), batch_size, seed=seed, transform=random_crop(size), workers=_workers(place)
        )
        parts: dict[str, Any] = {
            "generator": generator,
            "critic": critic,
            "opt_g": opt_g,
            "opt_d": opt_d,
            "mean": mean,
            "random": random,
        }
        fitted = fit(
            _checked(train_step), data.of(rank, world), parts, steps=steps,
            on_step=_watching(on_step, samples, 8, world), resume=resume,
        )  # fmt: skip
        with mean.averaged() as averaged_generator:
            weights = {
                name: value.detach().clone() for name, value in averaged_generator.state_dict().items()
            }
        generator.load_state_dict(weights)
        return Trained({"generator": generator}, fitted, tuple(pictures.passed_over))


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
    if size < 16 or size % 4:
        raise ValueError(f"size: expected a multiple of 4 from 16 up, got {size}")
    with together() as (rank, world):
        place = own_device(pick_device(device), rank)
        pictures = [PictureFolder(folder, size) for folder in (folder_a, folder_b)]
        random = torch.Generator().manual_seed(seed)
        nets = [
            dcgan_init_(net, random).to(place)
            for net in _built(lambda: _four(width, blocks, critic_width, critic_layers), seed)
        ]
        g_ab, g_ba, d_a, d_b = nets
        whole = [parallel(net, world) for net in nets]
        opt_g = torch.optim.Adam([*g_ab.parameters(), *g_ba.parameters()], learning_rate, betas=(0.5, 0.999))
        opt_a, opt_b = (
            torch.optim.Adam(d.parameters(), learning_rate, betas=(0.5, 0.999)) for d in (d_a, d_b)
        )
        half = max(1, steps // 2)
        schedules = [
            LambdaLR(o, lambda k: linear_decay_factor(k, half, max(1, steps - half)))
            for o in (opt_g, opt_a, opt_b)
        ]
        pools = [ImagePool(pool, torch.Generator().manual_seed(seed + 2 + k + 2 * rank)) for k in range(2)]

        def train_step(real_a: Tensor, real_b: Tensor) -> dict[str, float]:
            a, b = real_a.to(place), real_b.to(place)
            with _autocast(place, precision):
                report, fake_b, fake_a = cyclegan_generator_step(
                    whole[0], whole[1], d_a, d_b, opt_g, a, b, cycle_weight, identity_weight
                )
                loss_a = cyclegan_discriminator_step(whole[2], opt_a, a, pools[0].query(fake_a))
                loss_b = cyclegan_discriminator_step(whole[3], opt_b, b, pools[1].query(fake_b))
            return averaged(report | {"critic_a": loss_a, "critic_b": loss_b}, world)

        def samples() -> Tensor:
            return _translations(g_ab, g_ba, pictures, size, place)

        crop = random_crop(size, flip=flip)
        data = [
            Share(cast(Any, found), batch_size, seed=seed + k, transform=crop, workers=_workers(place)).of(
                rank, world
            )
            for k, found in enumerate(pictures)
        ]
        names = ("g_ab", "g_ba", "d_a", "d_b", "opt_g", "opt_a", "opt_b", "rate_g", "rate_a", "rate_b")
        parts: dict[str, Any] = dict(zip(names, [*nets, opt_g, opt_a, opt_b, *schedules], strict=True))
        parts |= {"pool_a": _PoolState(pools[0]), "pool_b": _PoolState(pools[1])}
        fitted = fit(
            _checked(train_step),
            data,
            parts,
            steps=steps,
            on_step=_watching(on_step, samples, 6, world),
            resume=resume,
        )
        passed_over = tuple(line for found in pictures for line in found.passed_over)
        return Trained({"a_to_b": g_ab, "b_to_a": g_ba}, fitted, passed_over)


def _four(width: int, blocks: int, critic_width: int, critic_layers: int) -> tuple[nn.Module, ...]:
    """Two generators and two discriminators."""
    return (
        build_resnet_generator(3, width, blocks), build_resnet_generator(3, width, blocks),
        build_patch_discriminator(3, critic_width, critic_layers),
        build_patch_discriminator(3, critic_width, critic_layers),
    )  # fmt: skip


def _built(build: Callable[[], tuple[nn.Module, ...]], seed: int) -> tuple[nn.Module, ...]:
    """Networks whose default initialisation leaves the global random state alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


@contextmanager
def _autocast(place: torch.device, precision: str) -> Iterator[None]:
    lower = precision == "bfloat16" or (precision == "auto" and place.type == "cuda" and fast_bfloat16(place))
    with torch.autocast(place.type, torch.bfloat16, enabled=lower):
        yield


def _workers(place: torch.device) -> int:
    """Threads that prepare batches: worth it where the processor would otherwise wait for a GPU."""
    return 4 if place.type == "cuda" else 0


def _checked(train_step: Callable[..., dict[str, float]]) -> Callable[..., dict[str, float]]:
    """The step, ending the run at once where a loss is no number: it is known without waiting here."""
    count = 0

    def step(*batches: Tensor) -> dict[str, float]:
        nonlocal count
        losses = train_step(*batches)
        count += 1
        for name, value in losses.items():
            if not math.isfinite(value):
                raise NonFiniteTraining(
                    f"the loss {name!r} is {value} at step {count} of this run; lower the learning rate"
                )
        return losses

    return step


def _watching(
    on_step: Watch | None, samples: Callable[[], Tensor], columns: int, world: int
) -> Callable[[FitStep], bool | None] | None:
    if on_step is None:
        return None

    def watch(step: FitStep) -> bool | None:
        stop = on_step(GanStep(step.step, step.steps, step.losses, samples, columns, step.checkpoint))
        return agreed(bool(stop), world)

    return watch


@torch.no_grad()
def _translations(
    g_ab: nn.Module, g_ba: nn.Module, pictures: list[PictureFolder], size: int, place: torch.device
) -> Tensor:
    """Rows of a, b made of it, a again; b, a made of it, b again: (24, 3, S, S)."""
    rows: list[Tensor] = []
    for number in range(4):
        for found, there, back in ((pictures[0], g_ab, g_ba), (pictures[1], g_ba, g_ab)):
            real = center_square(found[number % len(found)], size).to(place)
            fake = there(real)
            rows += [real, fake, back(fake)]
    return _to_unit(torch.cat(rows))


def _to_unit(pictures: Tensor) -> Tensor:
    """[-1, 1] to [0, 1]."""
    return ((pictures.float() + 1) / 2).clamp(0, 1).cpu()


class _PoolState:
    """An image pool as a part of a checkpoint."""

    def __init__(self, pool: ImagePool) -> None:
        self.pool = pool

    def state_dict(self) -> dict[str, Any]:
        generator = self.pool.generator
        return {"images": list(self.pool.images), "random": generator.get_state() if generator else None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        device = self.pool.images[0].device if self.pool.images else None
        self.pool.images = [image if device is None else image.to(device) for image in state["images"]]
        if self.pool.generator is not None and state["random"] is not None:
            self.pool.generator.set_state(state["random"])
