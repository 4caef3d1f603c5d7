"""Training AdaIN's decoder on a folder of photographs and a folder of paintings; any style works afterwards.

Huang & Belongie, ICCV 2017, arXiv:1703.06868, Sections 5.2 and 6.1: Adam with 1e-4, batches of eight pairs of random
crops out of pictures brought to twice the crop's size. The encoder never changes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from nstkit.encoders import Encoder, load_encoder
from nstkit.images.folder import PictureFolder, center_square, random_crop
from nstkit.training import fit
from nstkit.training.checks import check_counts, check_number, check_rates
from nstkit.training.devices import lower_precision, pick_device, workers
from nstkit.training.distributed import Share, Team, averaged_terms, parallel, together
from nstkit.training.on_folders import Trained, Watch, all_passed_over, watching
from nstkit.training.unchanged import Unchanged
from nstkit.transfer.adain import adain
from nstkit.transfer.adain_decoder import AdaInDecoder
from nstkit.transfer.adain_training import adain_training_losses
from nstkit.transfer.feed_forward import AdaInModel

SHOWN = 4
"""Pairs of a grid of samples."""
ENLARGED = 2.0
"""Size of the pictures that crops are cut from, relative to the crop."""


def train_adain(
    content_folder: Path,
    style_folder: Path,
    *,
    steps: int = 40_000,
    size: int = 256,
    batch_size: int = 8,
    encoder: str = "auto",
    weights: str | None = None,
    layer: str = "relu4_1",
    style_layers: Sequence[str] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    style_weight: float = 10.0,
    learning_rate: float = 1e-4,
    flip: bool = True,
    seed: int = 0,
    device: str = "auto",
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    on_step: Watch | None = None,
    resume: Mapping[str, Any] | None = None,
) -> Trained:
    """Train a decoder with which any picture gives its style to any other, in one pass.

    Args:
        content_folder: of photographs, with its subfolders.
        style_folder: of paintings.
        steps: of training, those of a resumed run included.
        size: of the square crops, a multiple of the layer's stride.
        batch_size: pairs per step, over all processes.
        encoder: that is mirrored: auto, vgg19, vgg16 or tiny; auto is VGG-19 where its weights are at hand.
        weights: a weights file of the encoder, or a folder that holds it.
        layer: whose statistics are exchanged, and from which the decoder starts.
        style_layers: whose means and deviations the result should share with the style.
        style_weight: relative to the content term, which weighs 1.
        learning_rate: of Adam.
        flip: whether crops are mirrored at random.
        seed: of initialisation and the order of the data.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: of the networks; auto is bfloat16 on a GPU that is fast at it.
        on_step: called after each step; returning True stops the run, which can be resumed.
        resume: the checkpoint of a run that was stopped.
    Returns:
        Trained, with an `AdaInModel` as "model".
    Raises:
        KeyError: a layer that the encoder lacks.
        ValueError: an argument, a folder without pictures, or a checkpoint of another run.
        NonFiniteTraining: a loss became NaN or infinite, with its name and step.
    """
    check_counts(steps=steps, batch_size=batch_size)
    check_rates(learning_rate, precision)
    check_number("style_weight", style_weight)
    network = load_encoder(encoder, weights=weights).cut([layer, *style_layers])
    decoder = _decoder(network, layer, seed)
    _check_size(size, decoder, network)
    with together(pick_device(device)) as team:
        pictures = [PictureFolder(folder, size) for folder in (content_folder, style_folder)]
        crop = random_crop(size, enlarged=ENLARGED, flip=flip)
        data = [
            Share(found, batch_size, team, seed=seed + k, transform=crop, workers=workers(team.place))
            for k, found in enumerate(pictures)
        ]
        run = _Run(team, network, decoder, tuple(style_layers), style_weight, learning_rate, precision)
        watch = watching(on_step, lambda: run.samples(pictures, size), 3, pictures, team)
        fitted = fit(run.step, data, run.parts(), steps=steps, on_step=watch, resume=resume)
        return Trained({"model": run.model()}, fitted, all_passed_over(pictures))


def _decoder(network: Encoder, layer: str, seed: int) -> AdaInDecoder:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AdaInDecoder(network, layer)


def _check_size(size: int, decoder: AdaInDecoder, network: Encoder) -> None:
    least = max(network.minimum_size(), 2 * decoder.stride)
    if size < least or size % decoder.stride:
        raise ValueError(
            f"size: expected a multiple of {decoder.stride}, the stride of {decoder.layer}, from {least} up, got {size}"
        )


class _Run:
    """The decoder with its optimiser, before the frozen encoder, on one process of a team."""

    def __init__(
        self, team: Team, encoder: Encoder, decoder: AdaInDecoder, style_layers: tuple[str, ...], style_weight: float,
        learning_rate: float, precision: str,
    ) -> None:  # fmt: skip
        self.team, self.style_layers, self.style_weight = team, style_layers, style_weight
        self.precision = precision
        self.encoder, self.decoder = encoder.to(team.place), decoder.to(team.place)
        self.whole = parallel(self.decoder, team)
        self._same = Unchanged(encoder=self.encoder)
        self.optimizer = torch.optim.Adam(self.decoder.parameters(), learning_rate)

    def _features(self, image: Tensor) -> dict[str, Tensor]:
        wanted = list(dict.fromkeys([self.decoder.layer, *self.style_layers]))
        return {name: feature.float() for name, feature in self.encoder(image.float(), wanted).items()}

    def _images(self, batch: Tensor) -> Tensor:
        return (batch.to(self.team.place) + 1) / 2

    def step(self, content: Tensor, style: Tensor) -> dict[str, Tensor]:
        """One update; the weighted terms and their total."""
        self.optimizer.zero_grad(set_to_none=True)
        with lower_precision(self.team.place, self.precision):
            losses = adain_training_losses(
                self._features, self.whole, self._images(content), self._images(style),
                self.decoder.layer, self.style_layers,
            )  # fmt: skip
        terms = {"content": losses["content"], "style": self.style_weight * losses["style"]}
        total = terms["content"] + terms["style"]
        total.backward()
        self.optimizer.step()
        return averaged_terms(terms | {"total": total}, self.team)

    def parts(self) -> dict[str, Any]:
        """All that has a state."""
        return {"decoder": self.decoder, "optimizer": self.optimizer, "same": self._same}

    def model(self) -> AdaInModel:
        """The encoder and the decoder as it is now."""
        return AdaInModel(self.encoder, self.decoder)

    @torch.no_grad()
    def samples(self, pictures: Sequence[PictureFolder], size: int) -> Tensor:
        """Rows of a photograph, a painting, and the one in the style of the other: (12, 3, S, S)."""
        rows: list[Tensor] = []
        for number in range(SHOWN):
            content, style = (self._images(center_square(p[number % len(p)], size)) for p in pictures)
            base, target = (self._features(image)[self.decoder.layer] for image in (content, style))
            rows += [content, style, self.decoder(adain(base, target))]
        return torch.cat(rows).float().clamp(0, 1).cpu()
