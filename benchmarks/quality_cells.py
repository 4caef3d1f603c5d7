"""The cells of a quality table: a pair of pictures, an encoder, a recipe; what is made for each, and what it is beside.

A finished cell is a PNG that remembers in its metadata all that it depends on, so that a run that was stopped goes on
with the next one, and a picture that was made otherwise is never taken for one of this run.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nstkit import __version__
from nstkit.color import lab_to_srgb, srgb_to_lab
from nstkit.encoders import Encoder, load_encoder
from nstkit.images import load_image, photograph, read_metadata, resize, save_image
from nstkit.paintings import paint
from nstkit.transfer import Step, adain, stylize
from nstkit.transfer.recipes import PUBLISHED, RECIPES, TINY

PAIRS = (
    ("chelsea", "stained_glass"), ("astronaut", "mosaic"), ("coffee", "pointillism"),
    ("grace_hopper", "swirls"), ("rocket", "woodcut"), ("motorcycle", "ink_wash"),
    ("motorcycle", "swirls"), ("grace_hopper", "woodcut"), ("rocket", "pointillism"),
    ("coffee", "mosaic"), ("astronaut", "ink_wash"), ("chelsea", "swirls"),
)  # fmt: skip
"""Photograph and painting. The first six have each painting once."""

DEFAULT = "default"
RECIPE_NAMES = (DEFAULT, *PUBLISHED)
STEPS = {"strotss2019": 40, "crowson2021": 200, "crowson2023": 200}
"""At each scale, where it is not stylize's own 80: the one costs ten times as much a step, the other averages them."""


class Mistake(ValueError):  # noqa: N818
    """Something that was asked for and cannot be; its sentence is what the user sees."""


@dataclass(frozen=True)
class Pair:
    """A photograph and a painting by name, long sides of `size` pixels."""

    photograph: str
    painting: str
    size: int

    @property
    def name(self) -> str:
        """Also the name of its files."""
        return f"{self.photograph}-{self.painting}"

    def content(self) -> Tensor:
        return photograph(self.photograph, size=self.size)

    def style(self, seed: int = 0) -> Tensor:
        """Another seed gives another painting by the same painter."""
        return paint(self.painting, round(0.8 * self.size), self.size, seed)


@dataclass(frozen=True)
class Network:
    """An encoder as asked for, NAME or NAME=WEIGHTS, weights being "random" or a file."""

    name: str
    weights: str | None

    @classmethod
    def parsed(cls, text: str) -> "Network":
        name, _, weights = text.partition("=")
        return cls(name, weights or None)

    @property
    def label(self) -> str:
        """For tables; a file by its name alone."""
        return self.name if self.weights is None else f"{self.name}={Path(self.weights).name}"

    def load(self, pooling: Any = None) -> Encoder:
        return load_encoder(self.name, weights=self.weights, pooling=pooling)


@dataclass(frozen=True)
class Cell:
    """One picture to make."""

    pair: Pair
    network: Network
    recipe: str
    steps: int
    seed: int = 0

    def path(self, folder: Path) -> Path:
        return folder / "cells" / f"{self.network.label}-{self.recipe}-{self.pair.name}.png"

    def depends_on(self) -> dict[str, Any]:
        """What the picture is made from, as plain values; weights and recipes by digest."""
        state = self.network.load().state_dict()
        plan = RECIPES.get(self.network.name, TINY) if self.recipe == DEFAULT else PUBLISHED[self.recipe]
        weights = b"".join(key.encode() + value.numpy().tobytes() for key, value in state.items())
        return asdict(self) | {
            "network": self.network.label,
            "weights": digest(weights),
            "plan": digest(repr(plan).encode()),
            "nstkit": __version__,
        }

    def make(self, folder: Path, on_step: Callable[[Step], bool | None]) -> bool:
        """Make the picture and store it; False where `on_step` stopped it, and nothing is stored."""
        clock, processor = time.perf_counter(), time.process_time()
        result = stylize(
            self.pair.content(), self.pair.style(), encoder=self.network.name, weights=self.network.weights,
            recipe=None if self.recipe == DEFAULT else self.recipe, size=self.pair.size, steps=self.steps,
            seed=self.seed, on_step=on_step,
        )  # fmt: skip
        if not result.finished:
            return False
        spent = {"clock": time.perf_counter() - clock, "processor": time.process_time() - processor}
        about = {"depends on": self.depends_on(), "options": result.options.to_json(), "seconds": spent}
        about["made with"] = {"torch": torch.__version__, "threads": torch.get_num_threads()}
        metadata = {key: json.dumps(value) for key, value in about.items()}
        save_image(result.image.cpu(), self.path(folder), metadata=metadata)
        return True

    def finished(self, folder: Path) -> bool:
        """Whether the picture is there.

        Raises:
            Mistake: there is one that was made otherwise.
        """
        path = self.path(folder)
        if not path.exists():
            return False
        theirs, ours = self.about(folder).get("depends on", {}), self.depends_on()
        differs = [key for key, value in ours.items() if theirs.get(key) != value]
        if differs:
            key = differs[0]
            raise Mistake(
                f"{path}: expected a picture with {key}={ours[key]!r}, got one with {theirs.get(key)!r}; "
                "name another folder with -o, or delete it"
            )
        return True

    def about(self, folder: Path) -> dict[str, Any]:
        """What the stored picture remembers."""
        return {key: json.loads(value) for key, value in read_metadata(self.path(folder)).items()}

    def picture(self, folder: Path) -> Tensor:
        """The stored picture: what is measured is the file, also where it was made a moment ago."""
        return load_image(self.path(folder))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def baselines(pair: Pair) -> dict[str, Tensor]:
    """What no transfer should do worse than, or can do better than; all of the content's size."""
    content, style = pair.content(), pair.style()
    return {
        "content": content,
        "colours alone": colors_alone(content, style),
        "same painter": covering(pair.style(seed=1), content),
        "style": covering(style, content),
    }


def colors_alone(content: Tensor, style: Tensor) -> Tensor:
    """The content with the style's mean and deviation of L*, a* and b*, after Reinhard et al., IEEE CG&A 2001."""
    return lab_to_srgb(adain(srgb_to_lab(content), srgb_to_lab(style)))


def covering(picture: Tensor, like: Tensor) -> Tensor:
    """The middle of a picture, enlarged as little as covers the other's size."""
    height, width = like.shape[2:]
    scale = max(height / picture.shape[2], width / picture.shape[3])
    if scale > 1:
        picture = resize(picture, (round(scale * picture.shape[2]), round(scale * picture.shape[3])))
    top, left = (picture.shape[2] - height) // 2, (picture.shape[3] - width) // 2
    return picture[..., top : top + height, left : left + width]
