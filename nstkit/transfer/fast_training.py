"""Training a network that paints one style in one pass, on a folder of photographs.

Johnson, Alahi & Fei-Fei, ECCV 2016, arXiv:1603.08155, Section 3: a frozen encoder measures, the network learns. With
`temporal_weight` the result also has to hold still where a video's camera moves (see `nstkit.losses.temporal`).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

from nstkit.encoders import load_encoder
from nstkit.images import check_image, resize
from nstkit.images.folder import PictureFolder, center_square, random_crop
from nstkit.losses.temporal import temporal_loss
from nstkit.losses.total_variation import total_variation
from nstkit.training import fit
from nstkit.training.checks import check_counts, check_number, check_rates
from nstkit.training.devices import lower_precision, pick_device, workers
from nstkit.training.distributed import Share, Team, averaged, averaged_terms, parallel, share_of, together
from nstkit.training.on_folders import Trained, Watch, all_passed_over, watching
from nstkit.training.unchanged import Unchanged
from nstkit.transfer.fast_network import FastNetwork
from nstkit.transfer.fast_objective import FastObjective
from nstkit.transfer.feed_forward import FastModel
from nstkit.transfer.options import check_weights
from nstkit.transfer.recipes import RECIPES, TINY, Recipe
from nstkit.transfer.taps import TappedEncoder, check_layers

Module = TypeVar("Module", bound=nn.Module)

SHOWN = 4
"""Pictures of a grid of samples."""
SHIFT, NOISE = 8, 0.02
"""Pixels that the camera moves in training at most, and the deviation of its noise, for temporal_weight."""


def train_fast(
    style: Tensor,
    folder: Path,
    *,
    steps: int = 20_000,
    size: int = 256,
    batch_size: int = 4,
    width: int = 32,
    blocks: int = 5,
    encoder: str = "auto",
    weights: str | None = None,
    style_size: int = 512,
    content_layers: Mapping[str, float] | None = None,
    style_layers: Mapping[str, float] | None = None,
    content_weight: float = 1.0,
    style_weight: float = 10.0,
    tv_weight: float = 0.0,
    temporal_weight: float = 0.0,
    learning_rate: float = 1e-3,
    flip: bool = True,
    seed: int = 0,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    style_name: str = "",
    on_step: Watch | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Trained:
    """Train a network that paints photographs in one style, in one pass.

    Args:
        style: (1, 3, h, w) in [0, 1].
        folder: of photographs, with its subfolders.
        steps: of training, those of a resumed run included.
        size: of the square crops.
        batch_size: pictures per step, over all processes.
        width: maps after the first layer, four times as many in the middle; half of it is about four times as fast.
        blocks: residual blocks.
        encoder: that measures: auto, vgg19, vgg16, squeezenet1_1 or tiny; auto is VGG-19 where its weights are.
        weights: a weights file of the encoder, or a folder that holds it.
        style_size: long side in pixels to shrink the style to; larger gives larger strokes.
        content_layers: layers of the content term and their weights; None takes the encoder's recipe.
        style_layers: layers of the style term and their weights; None takes the encoder's recipe.
        content_weight: of the distance to the photograph.
        style_weight: of the distance to the style.
        tv_weight: of squared total variation, which smooths.
        temporal_weight: of the flicker where the camera moves, for video; 100 is a start; costs half as much again.
        learning_rate: of Adam.
        flip: whether crops are mirrored at random.
        seed: of initialisation, noise and the order of the data.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: of the networks; auto is bfloat16 on a GPU that is fast at it.
        style_name: what the model's file says that it paints.
        on_step: called after each step; returning True stops the run, which can be resumed.
        resume: the checkpoint of a run that was stopped.
    Returns:
        Trained, with a `FastModel` as "model".
    Raises:
        ValueError: an argument, a folder without pictures, or a checkpoint of another run.
        NonFiniteTraining: a loss became NaN or infinite, with its name and step.
    """
    check_image(style, "style")
    check_counts(steps=steps, batch_size=batch_size, width=width, blocks=blocks, style_size=style_size)
    check_rates(learning_rate, precision)
    shares = {
        "content": content_weight, "style": style_weight, "tv": tv_weight, "temporal": temporal_weight,
    }  # fmt: skip
    for name, weight in shares.items():
        check_number(f"{name}_weight", weight)
    measure, recipe = _measure(encoder, weights, content_layers, style_layers)
    least = max(measure.minimum_size(), 4 * SHIFT)
    if size < least:
        raise ValueError(f"size: expected at least {least}, which the encoder's layers need, got {size}")
    style = _fitted(style, style_size, measure.minimum_size())
    with together(pick_device(device)) as team:
        pictures, place = PictureFolder(folder, size), team.place
        crop = random_crop(size, flip=flip)
        data = Share(pictures, batch_size, team, seed=seed, transform=crop, workers=workers(place))
        objective = FastObjective(_laid_out(measure, place), style.to(place), recipe)
        run = _Run(
            team,
            objective,
            pictures,
            (width, blocks),
            (size, batch_size),
            shares,
            learning_rate,
            seed,
            precision,
        )
        run.settle(data[0], style)
        watch = watching(on_step, run.samples, 2, [pictures], team)
        fitted = fit(run.step, data, run.parts(), steps=steps, on_step=watch, resume=resume)
        return Trained({"model": FastModel(run.network, style_name)}, fitted, all_passed_over([pictures]))


def _measure(
    encoder: str,
    weights: str | None,
    content_layers: Mapping[str, float] | None,
    style_layers: Mapping[str, float] | None,
) -> tuple[TappedEncoder, Recipe]:
    """The frozen encoder with the layers asked for, or those of its recipe."""
    network = load_encoder(encoder, weights=weights)
    recipe = RECIPES.get(network.name, TINY)
    if recipe.pooling is not None:
        network = load_encoder(network.name, weights=weights, pooling=recipe.pooling)  # type: ignore[arg-type]
    recipe = replace(
        recipe,
        content_layers=recipe.content_layers if content_layers is None else content_layers,
        style_layers=recipe.style_layers if style_layers is None else style_layers,
    )
    check_weights("content_layers", recipe.content_layers.items())
    check_weights("style_layers", recipe.style_layers.items())
    check_layers(network, list(recipe.content_layers), "content_layers")
    check_layers(network, list(recipe.style_layers), "style_layers")
    return TappedEncoder(network, [*recipe.content_layers, *recipe.style_layers]), recipe


def _laid_out(module: Module, place: torch.device) -> Module:
    """On the device, with the channels of a pixel side by side, which convolutions like better nearly everywhere."""
    return module.to(place).to(memory_format=torch.channels_last)


def _fitted(style: Tensor, style_size: int, least: int) -> Tensor:
    if style.shape[0] != 1 or min(style.shape[2:]) < least:
        got = tuple(style.shape)
        raise ValueError(f"style: expected (1, 3, h, w) of at least {least} x {least} pixels, got {got}")
    target = max(style_size, -(-least * max(style.shape[2:]) // min(style.shape[2:])))
    return resize(style.float(), min(target, max(style.shape[2:])))


class _Run:
    """The network with its optimiser and its objective, on one process of a team."""

    def __init__(
        self, team: Team, objective: FastObjective, pictures: PictureFolder, architecture: tuple[int, int],
        sizes: tuple[int, int], shares: Mapping[str, float], learning_rate: float, seed: int, precision: str,
    ) -> None:  # fmt: skip
        self.team, self.objective, self.pictures, self.sizes = team, objective, pictures, sizes
        self.shares, self.precision = shares, precision
        self.random = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = _laid_out(FastNetwork(*architecture), team.place)
        self.whole = parallel(self.network, team)
        self.optimizer = torch.optim.Adam(self.network.parameters(), learning_rate)

    def settle(self, batch: Tensor, style: Tensor) -> None:
        """Scale the objective by the first photographs, which a resumed run sees again."""
        self._same = Unchanged(style=style, encoder=self.objective.encoder)
        self.objective.scales = averaged(self.objective.gaps(self._images(batch)), self.team)

    def _images(self, batch: Tensor) -> Tensor:
        return (batch.to(self.team.place) + 1) / 2

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """One update; the weighted terms and their total."""
        image = self._images(batch)
        self.optimizer.zero_grad(set_to_none=True)
        with lower_precision(self.team.place, self.precision):
            output = self.whole(image).float()  # as the encoder expects
            terms = self.objective.terms(image, output)
            if self.shares["tv"]:
                terms["tv"] = total_variation(output, "squared").sum() / output.numel()
            if self.shares["temporal"]:
                offset, noise = self._camera()
                terms["temporal"] = temporal_loss(self.whole, image, output, offset, noise)
        terms = {name: self.shares[name] * term for name, term in terms.items()}
        total = torch.stack(list(terms.values())).sum()
        total.backward()
        self.optimizer.step()
        return averaged_terms(terms | {"total": total}, self.team)

    def _camera(self) -> tuple[tuple[int, int], Tensor]:
        """Where it moved, and its noise; all processes draw the joined batch."""
        size, count = self.sizes
        top, left = torch.randint(SHIFT + 1, (2,), generator=self.random).tolist()
        noise = NOISE * torch.randn(count, 3, size - SHIFT, size - SHIFT, generator=self.random)
        return (top, left), share_of(noise, self.team)

    def parts(self) -> dict[str, Any]:
        """All that has a state."""
        return {
            "network": self.network, "optimizer": self.optimizer, "random": self.random, "same": self._same,
        }  # fmt: skip

    @torch.no_grad()
    def samples(self) -> Tensor:
        """Photographs, each with what becomes of it: (8, 3, S, S)."""
        numbers = [number % len(self.pictures) for number in range(SHOWN)]
        squares = [self._images(center_square(self.pictures[k], self.sizes[0])) for k in numbers]
        return torch.cat([torch.cat([s, self.network(s)]) for s in squares]).float().cpu()
