"""A transfer as a run of steps over a pyramid of scales: it can be watched, stopped, stored and taken up.

Coarse to fine: large forms settle where they are cheap, then each finer scale starts from the enlarged result.
The contents of a batch know nothing of each other: each comes to what it would come to alone, up to rounding.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from nstkit.images import resize
from nstkit.transfer.color_keeping import prepare_colors, restore_colors
from nstkit.transfer.color_matching import match_colors, palette_of
from nstkit.transfer.objective import Objective, normalized
from nstkit.transfer.optimizers import enlarged, make_optimizer
from nstkit.transfer.options import ADDED, Options
from nstkit.transfer.progress import NonFiniteLoss, Step
from nstkit.transfer.pyramid import pyramid
from nstkit.transfer.regions import EVERYWHERE, Regions
from nstkit.transfer.taps import TappedEncoder
from nstkit.transfer.tiled_objective import TiledObjective, check_tiles

CHECK_EVERY = 10
"""Steps between two looks at whether all terms are finite: each look is a host sync."""


class Run:
    """One transfer in progress. `stylize` makes one and drives it."""

    def __init__(
        self, encoder: TappedEncoder, content: Tensor, styles: Sequence[Tensor], start: Tensor | None,
        options: Options, generator: torch.Generator | None, regions: Regions = EVERYWHERE,
    ) -> None:  # fmt: skip
        self.encoder, self.options = encoder, options
        self.content, self.styles, self.start, self.regions = content, styles, start, regions
        self.weights = normalized(options.style_weights)
        self._working = prepare_colors(content, list(styles), options.preserve_color)
        self._start = start
        if options.match_color is not None:
            palette = palette_of(styles, self.weights, regions.style_masks)
            self._working = match_colors(content, palette, options.match_color), self._working[1]
            self._start = None if start is None else match_colors(start, palette, options.match_color)
        shape, least = (content.shape[-2], content.shape[-1]), encoder.minimum_size()
        self.sizes = pyramid(shape, options.size, options.coarsest, least, options.scale_factor)
        if self._tiled(self.sizes[-1]):
            check_tiles(encoder, options, self.sizes[-1])  # now, and not after the smaller scales
        self.generator = generator
        self.scale = self.step = 0
        self.terms: dict[str, Tensor] = {}
        self._enter_scale(None)

    # -- scales ---------------------------------------------------------------------------------

    def _enter_scale(self, previous: Tensor | None, moments: Mapping[str, Any] | None = None) -> None:
        size = self.sizes[self.scale]
        content = resize(self._working[0], size)
        styles = [self._at_this_scale(style) for style in self._working[1]]
        kind = TiledObjective if self._tiled(size) else Objective
        self.objective = kind(self.encoder, content, styles, self.weights, self.options, self.regions)
        image = self._first(content) if previous is None else resize(previous, size)
        self.x = image.detach().clone(memory_format=torch.contiguous_format)
        self.optimizer = make_optimizer(self.x, self.options)
        if moments:
            self.optimizer.load_state_dict(enlarged(moments, size))
        self._average = torch.zeros_like(self.x) if self.options.average else None
        self._good = self.x.clone()
        self._trouble: Tensor | None = None

    def _tiled(self, size: tuple[int, int]) -> bool:
        return self.options.tile is not None and max(size) > self.options.tile

    def _at_this_scale(self, style: Tensor) -> Tensor:
        """A style at the content's scale times style_scale; never enlarged, never below what the layers need."""
        longest, shortest = max(style.shape[-2:]), min(style.shape[-2:])
        wanted = max(self.sizes[self.scale]) * self.options.style_scale
        least = self.encoder.minimum_size() * longest / shortest
        target = math.ceil(max(wanted, least))
        return resize(style, target) if target < longest else style

    def _first(self, content: Tensor) -> Tensor:
        if self._start is not None:
            return resize(self._start, (content.shape[-2], content.shape[-1]))
        if self.options.init == "gray":
            return torch.full_like(content, 0.5)
        return self._noise(content) if self.options.init == "noise" else content

    def _noise(self, content: Tensor) -> Tensor:
        """What each image alone would start from: the seed's noise, or the generator's next."""
        own = self.generator or torch.Generator().manual_seed(self.options.seed)
        count = 1 if self.generator is None else len(content)
        noise = [torch.rand(content.shape[1:], generator=own, device=own.device) for _ in range(count)]
        return torch.stack(noise).to(content).expand_as(content)

    # -- steps ----------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps of this scale."""
        return self.options.steps_at(self.scale)

    @property
    def finished(self) -> bool:
        """Whether the last step of the last scale is done."""
        return self.scale == len(self.sizes) - 1 and self.step == self.steps

    def advance(self) -> Step:
        """Take one step, entering the next scale first where the last one is done."""
        if self.step == self.steps:
            previous = self._iterate()
            moments = self.optimizer.state_dict() if self.options.carry_over else None
            self.scale, self.step = self.scale + 1, 0
            self._enter_scale(previous, moments)
        self.objective.step = self.step
        self.terms, gradient = self.objective.value_and_gradient(self.x)
        self.optimizer.step(gradient)
        self.x.clamp_(0, 1)
        self._after_step()
        return self._report()

    def _after_step(self) -> None:
        self.step += 1
        if self._average is not None:
            self._average.lerp_(self.x, 1 - self.options.average)
        bad = ~torch.isfinite(torch.stack(list(self.terms.values())))
        self._trouble = bad if self._trouble is None else self._trouble | bad
        if self.step % CHECK_EVERY == 0 or self.step == self.steps:
            self._check_finite()

    def _check_finite(self) -> None:
        assert self._trouble is not None
        bad = [name for name, flag in zip(self.terms, self._trouble.tolist(), strict=True) if flag]
        if bad:
            where = f"scale {self.scale + 1} of {len(self.sizes)}, step {self.step} or up to {CHECK_EVERY - 1} before"
            message = f"the {bad[0]} term is not finite ({where}); lower learning_rate"
            raise NonFiniteLoss(message, self._shown(self._good))
        self._good.copy_(self.x)

    def image(self) -> Tensor:
        """The image as it stands, with the content's colours where they are to be kept, on the run's device."""
        return self._shown(self._iterate())

    def _shown(self, image: Tensor) -> Tensor:
        return restore_colors(image, self.content, self.options.preserve_color)

    def _iterate(self) -> Tensor:
        """What is optimised: the average of iterates where one is kept."""
        if self._average is None or self.step == 0:
            return self.x.detach().clone()
        return (self._average / (1 - self.options.average**self.step)).clamp(0, 1)

    def _report(self) -> Step:
        each = [self.options.steps_at(scale) for scale in range(len(self.sizes))]
        return Step(
            self.scale + 1, len(self.sizes), self.step, self.steps, sum(each[: self.scale]) + self.step, sum(each),
            self.sizes[self.scale], self.terms, self.image, self.checkpoint,
        )  # fmt: skip

    # -- store and take up ----------------------------------------------------------------------

    def checkpoint(self) -> dict[str, Any]:
        """Everything that the rest of the run depends on: tensors on the CPU, and plain values."""
        tensors = {"x": self.x, **{f"optimizer.{k}": v for k, v in self.optimizer.state_dict().items()}}
        if self._average is not None:
            tensors["average"] = self._average
        plain = {k: v for k, v in tensors.items() if not isinstance(v, Tensor)}
        return {
            "tensors": {k: v.detach().cpu().clone() for k, v in tensors.items() if isinstance(v, Tensor)},
            "plain": plain | {"scale": self.scale, "step": self.step, "pictures": self.fingerprint()},
            "options": self.options.to_json(),
        }

    def resume(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on where `checkpoint` was taken.

        Raises:
            ValueError: it belongs to other options or other pictures; the message names what differs.
        """
        stored, mine = ADDED | dict(checkpoint["options"]), self.options.to_json()
        differs = [name for name in mine if stored.get(name) != mine[name]]
        if differs:
            name = differs[0]
            raise ValueError(
                f"resume: the stored run has {name}={stored.get(name)!r}, this one {mine[name]!r}"
            )
        if checkpoint["plain"]["pictures"] != self.fingerprint():
            raise ValueError(
                "resume: the stored run had other pictures; give the same content, styles, masks and content_map"
            )
        self.scale, self.step = int(checkpoint["plain"]["scale"]), int(checkpoint["plain"]["step"])
        tensors = {k: v.to(self.x.device) for k, v in checkpoint["tensors"].items()}
        self._enter_scale(tensors["x"])
        state = {**tensors, **checkpoint["plain"]}
        self.optimizer.load_state_dict({k[10:]: v for k, v in state.items() if k.startswith("optimizer.")})
        if self._average is not None:
            self._average.copy_(tensors["average"])

    def fingerprint(self) -> str:
        """A digest of the pictures the run started from."""
        digest = hashlib.sha256()
        for picture in (self.content, *self.styles, *([] if self.start is None else [self.start])):
            _add(digest, picture)
        for name, picture in self.regions.pictures():
            digest.update(b"" if name == "masks" else name.encode())  # checkpoints of 0.1 know no other name
            _add(digest, picture)
        return digest.hexdigest()


def _add(digest: Any, picture: Tensor) -> None:
    digest.update(repr(tuple(picture.shape)).encode())
    digest.update(picture.detach().cpu().contiguous().numpy().tobytes())
