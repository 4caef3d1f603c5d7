"""What a transfer will take of memory, before it starts: two steps at its last scale, with tensors that have no values.

What `stylize` would do is done operator by operator, and what is alive is counted: features kept for the backward pass
in the precision they are kept in, tiles with their halos, targets, gradients, the optimiser's state. Pictures beyond
about a megapixel, and beyond nine tiles, are read off two smaller ones: what grows, grows with the pixels.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor, nn

from nstkit.images import fitted_size
from nstkit.training.devices import pick_device
from nstkit.transfer.live_tensors import rehearsal
from nstkit.transfer.options import Options
from nstkit.transfer.pyramid import pyramid
from nstkit.transfer.recipes import Recipe
from nstkit.transfer.regions import Regions
from nstkit.transfer.run import Run
from nstkit.transfer.settled import settled_network, settled_options, tapped
from nstkit.transfer.stylize import stylize
from nstkit.transfer.taps import TappedEncoder
from nstkit.transfer.tiles import strips

PROCESS = int(0.7 * 2**30)
"""Bytes of a process on the CPU beside tensors: Python, PyTorch, and what its first steps load. Measured, see "Large
pictures" in docs/engine.md. On other devices tensors alone are counted."""
EXACT = 2**20
"""Pixels up to which a picture that is read whole is rehearsed at its own size."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Estimate:
    """What a run will take at its last scale, in bytes.

    Attributes:
        size: (height, width) of that scale.
        weights: of the encoder, whole and as it is cut.
        held: from step to step: pictures, targets, the optimiser's state.
        step: beside that while a step is taken: features kept for the backward pass, gradients.
        stored: beside that while a checkpoint is stored: a copy of the optimiser's state.
        process: what the process takes without tensors.
    """

    size: Size
    weights: int
    held: int
    step: int
    stored: int
    process: int

    @property
    def fixed(self) -> int:
        """What does not depend on the pictures."""
        return self.process + self.weights

    @property
    def pictures(self) -> int:
        """The most that there will be at once of what does."""
        return self.held + max(self.step, self.stored)

    @property
    def bytes(self) -> int:
        """The most that there will be at once."""
        return self.fixed + self.pictures


def estimate(content: Tensor, styles: Tensor | Sequence[Tensor], **options: Any) -> Estimate:
    """What `stylize` with the same arguments would take of memory; takes about a second.

    Args:
        content, styles: as for `stylize`; only their shapes count, so that they may be on the device "meta".
        options: as for `stylize`; `on_step`, `resume` and `generator` are passed over.
    Raises:
        ValueError, TypeError, KeyError: an option that `stylize` would refuse.
    """
    asked = _defaults() | options
    place = pick_device(asked["device"])
    pictures = [styles] if isinstance(styles, Tensor) else list(styles)
    network, plan = settled_network(asked["encoder"], _weights(asked), asked["pooling"], asked["recipe"])
    settled = _settled(asked, plan, len(pictures), place)
    encoder = tapped(network, settled, place)
    shape = (content.shape[-2], content.shape[-1])
    size = pyramid(shape, settled.size, settled.size, encoder.minimum_size())[-1]
    given = [p for p in (asked["init"],) if isinstance(p, Tensor)] + ([content] if shape != size else [])
    parts = [None if part is None else part.reshape(part.shape[-2:]) for part in asked["style_masks"] or ()]
    regions = Regions(asked["masks"], asked["content_map"], tuple(parts) or None)
    case = _Case(encoder, settled, place, len(content), pictures, regions, size)
    held, step, stored = _extended([(at, case.cost(at)) for at in _samples(encoder, settled, size)], size)
    on_cpu = place.type == "cpu"
    return Estimate(
        size,
        _bytes(encoder) + (_bytes(network) if on_cpu else 0),
        held + sum(4 * picture.numel() for picture in given),
        step,
        stored if on_cpu else 0,
        PROCESS if on_cpu else 0,
    )


def largest_size(content: Tensor, styles: Tensor | Sequence[Tensor], room: int, **options: Any) -> int | None:
    """A long side, the largest up to a few percent, at which `stylize` takes no more than `room` bytes.

    Args:
        content, styles, options: as for `estimate`; the size that they name, or that is the default, is the most.
    Returns:
        A multiple of 16 unless it is the size asked for; None where even the smallest picture takes more.
    """
    size = int(options.get("size", _defaults()["size"]))
    while True:
        try:
            found = estimate(content, styles, **options | {"size": size})
        except ValueError:  # smaller than the layers allow, or than one tile
            return None
        if found.bytes <= room:
            return size
        share = (room - found.fixed) / found.pictures
        if share <= 0:
            return None
        size = min(int(size * share**0.5) // 16 * 16, (size - 1) // 16 * 16)
        if not size:
            return None


@dataclass(frozen=True)
class _Case:
    """A run whose last scale can be rehearsed at any size. Styles are as large as they are at `size`."""

    encoder: TappedEncoder
    options: Options
    place: torch.device
    batch: int
    styles: Sequence[Tensor]
    regions: Regions
    size: Size

    def cost(self, size: Size) -> tuple[int, int, int]:
        """Bytes held, more in a step, and of a checkpoint, for a picture of this (height, width)."""
        longest = max(size)
        scale = self.options.style_scale * max(self.size) / longest
        options = replace(self.options, size=longest, coarsest=longest, style_scale=scale)
        with rehearsal() as tensors:
            content, *styles = (
                torch.empty(shape, device=self.place)
                for shape in ((self.batch, 3, *size), *(style.shape for style in self.styles))
            )
            regions = self.regions.each(lambda mask: self._mask(mask, size))
            run = Run(self.encoder, content, styles, None, options, None, regions)
            run.advance()
            run.advance()
            held = tensors.now
            state = [run.x, *run.optimizer.state_dict().values()]
            stored = sum(value.nbytes for value in state if isinstance(value, Tensor))
        return held, tensors.most - held, stored

    def _mask(self, given: Tensor, size: Size) -> Tensor:
        """One like it; those of the content's size are of `size`."""
        shape = (len(given), *size) if given.ndim == 3 else given.shape
        return torch.empty(shape, device=self.place)


def _samples(encoder: TappedEncoder, options: Options, size: Size) -> list[Size]:
    """The picture's own size, or two smaller ones that what it takes can be read off."""
    if options.tile is not None and max(size) > options.tile:
        return strips(encoder, encoder.layers, size, options.tile) or [size]
    pixels = size[0] * size[1]
    if pixels <= EXACT:
        return [size]
    return [fitted_size(*size, round(max(size) * (share * EXACT / pixels) ** 0.5)) for share in (0.5, 1.0)]


def _extended(costs: Sequence[tuple[Size, tuple[int, int, int]]], size: Size) -> tuple[int, int, int]:
    """The line through two costs, read at a size; or the only cost."""
    (first, low), (second, high) = costs[0], costs[-1]
    if first == second:
        return low
    pixels, start, end = (height * width for height, width in (size, first, second))
    share = (pixels - start) / (end - start)
    held, step, stored = (round(a + share * (b - a)) for a, b in zip(low, high, strict=True))
    return held, step, stored


def _defaults() -> dict[str, Any]:
    parameters = inspect.signature(stylize).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def _weights(asked: Mapping[str, Any]) -> str | None:
    """Random ones take as much memory as any."""
    return asked["weights"] if asked["encoder"] == "auto" else "random"


def _settled(asked: Mapping[str, Any], plan: Recipe, styles: int, place: torch.device) -> Options:
    """The options, for two steps. Colours that are changed before the first step alone stay as they are."""
    names = {field.name for field in fields(Options)} - {"encoder", "style_weights"}
    weights = tuple(asked["style_weights"] or [1.0] * styles)
    settled = settled_options(
        plan, place, encoder="", style_weights=weights, **{name: asked[name] for name in names}
    )
    keeper = settled.preserve_color if settled.preserve_color == "luminance" else None
    return replace(settled, steps=2, first_steps=None, preserve_color=keeper, match_color=None)


def _bytes(module: nn.Module) -> int:
    return sum(t.nbytes for t in (*module.parameters(), *module.buffers()))
