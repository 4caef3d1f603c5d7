"""Views: a large picture read part by part, so that features of one part alone are in memory.

Each view is a core and a halo around it. The cores share out the picture; the halo is as wide as the receptive field
asks, so that every feature of a core is what it would be in the whole picture, and the padding that a network adds is
seen at the picture's own edges only. Cores begin at multiples of the network's stride, where its pooling grids agree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nstkit.encoders import Encoder
from nstkit.encoders.receptive_field import along_height
from nstkit.transfer.taps import COLOR_LAYERS, LUMA_LAYERS, TappedEncoder

Slices = tuple[slice, slice]


@dataclass(frozen=True)
class Reach:
    """What a feature sees along an axis: feature i reads the pixels i·jump − before … i·jump − before + extent − 1."""

    extent: int = 1
    jump: int = 1
    before: int = 0

    def through(self, kernel: int, stride: int, padding: int) -> "Reach":
        """The same after one more layer (Araujo, Norris & Sim, Distill 2019, Eq. 2, and the padding beside it)."""
        return Reach(
            self.extent + (kernel - 1) * self.jump, self.jump * stride, self.before + padding * self.jump
        )

    @property
    def halo(self) -> int:
        """Pixels that a core needs around it, on the side that needs more."""
        return max(self.before, self.extent - self.before - self.jump)


@dataclass(frozen=True)
class View:
    """A part of the picture that is read at once.

    Attributes:
        rows, columns: of pixels, halo included.
        layers: that are read here.
        cores: by layer, the rows and columns of its features that belong to this view, counted within the view.
        starts: by layer, where they begin in the map of the whole picture.
    """

    rows: slice
    columns: slice
    layers: tuple[str, ...]
    cores: Mapping[str, Slices]
    starts: Mapping[str, tuple[int, int]]


def views(encoder: TappedEncoder, layers: Sequence[str], size: tuple[int, int], tile: int) -> list[View]:
    """The views of a picture of `size` (height, width), none larger than `tile` pixels on a side.

    The luma bands are one channel: they are read from the whole picture.

    Raises:
        ValueError: `tile` leaves no core between the halos of these layers; the message says the minimum.
    """
    reaches = _reaches(encoder, layers)
    whole = tuple(layer for layer in layers if layer in LUMA_LAYERS)
    found = []
    if reaches:
        rows, columns = (_spans(length, tile, reaches) for length in size)
        found = [_view(reaches, row, column) for row in rows for column in columns]
    if whole:
        everything = {layer: (slice(None), slice(None)) for layer in whole}
        starts = dict.fromkeys(whole, (0, 0))
        found.append(View(slice(None), slice(None), whole, everything, starts))
    return found


def strips(
    encoder: TappedEncoder, layers: Sequence[str], size: tuple[int, int], tile: int
) -> list[tuple[int, int]]:
    """Two pictures of one row or column of tiles as large as those of a picture of `size`, one a tile longer.

    What they take of memory tells what the picture does. Sizes (height, width); none where it has few tiles.
    """
    spans = [_spans(length, tile, _reaches(encoder, layers)) for length in size]
    if len(spans[0]) * len(spans[1]) <= FEW:
        return []
    along = int(len(spans[1]) >= len(spans[0]))
    across = max(span.stop - span.start for span in spans[1 - along])
    core = size[along] / len(spans[along])
    least = max(3, int(tile / core) + 1)  # two with one halo, one between them with two
    lengths = [round(count * core) for count in (least, least + 1)]
    return [(across, length) if along else (length, across) for length in lengths]


FEW = 9
"""Tiles up to which a picture's memory is found from the picture itself."""


@dataclass(frozen=True)
class _Span:
    """A view along one axis: pixels `start` to `stop`, of which `first` to `last` are its own (None: to the end)."""

    start: int
    stop: int
    first: int
    last: int | None

    def core(self, jump: int) -> slice:
        """Of features that are `jump` pixels apart."""
        end = None if self.last is None else (self.last - self.start) // jump
        return slice((self.first - self.start) // jump, end)


def _spans(length: int, tile: int, reaches: Mapping[str, Reach]) -> list[_Span]:
    stride = max(reach.jump for reach in reaches.values())
    halo = -(-max(reach.halo for reach in reaches.values()) // stride) * stride
    room = tile - 2 * halo - stride  # cores are rounded to the stride
    if length > tile and room < stride:
        raise ValueError(
            f"tile: expected at least {2 * (halo + stride)} pixels for these layers, got {tile}; ask for more, or "
            "leave the deepest layers out"
        )
    count = 1 if length <= tile else -(-length // room)
    firsts = [round(k * length / count / stride) * stride for k in range(count)]
    spans = [_Span(max(0, a - halo), min(length, b + halo), a, b) for a, b in pairwise(firsts)]
    return [*spans, _Span(max(0, firsts[-1] - halo), length, firsts[-1], None)]


def _view(reaches: Mapping[str, Reach], row: _Span, column: _Span) -> View:
    jumps = {layer: reach.jump for layer, reach in reaches.items()}
    return View(
        slice(row.start, row.stop),
        slice(column.start, column.stop),
        tuple(reaches),
        {layer: (row.core(jump), column.core(jump)) for layer, jump in jumps.items()},
        {layer: (row.first // jump, column.first // jump) for layer, jump in jumps.items()},
    )


def _reaches(encoder: TappedEncoder, layers: Sequence[str]) -> dict[str, Reach]:
    return {layer: _reach(encoder, layer) for layer in layers if layer not in LUMA_LAYERS}


def _reach(encoder: TappedEncoder, layer: str) -> Reach:
    if encoder.encoder is not None and layer in encoder.encoder.layers:
        return _through_network(encoder.encoder, layer)
    reach = Reach()
    halvings = COLOR_LAYERS.index(layer) if layer in COLOR_LAYERS else 0
    for _ in range(halvings):
        reach = reach.through(4, 2, 1)
    return reach


def _through_network(encoder: Encoder, layer: str) -> Reach:
    reach = Reach()
    for part in encoder.cut([layer]).modules():  # branches side by side count one after the other
        if hasattr(part, "kernel_size"):
            windows = (along_height(part, name) for name in ("kernel_size", "stride", "padding"))
            reach = reach.through(*windows)
    return reach
