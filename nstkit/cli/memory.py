"""What a transfer says about memory: before the start, at the end, and where there was too little of it."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from torch import Tensor

from nstkit.cli.mistakes import TOO_LITTLE_MEMORY, out_of_memory
from nstkit.training.devices import pick_device
from nstkit.training.free_memory import peak, room
from nstkit.transfer.memory import Estimate, estimate, largest_size

SMALL = 2**17
"""Pixels up to which a picture takes hardly more than the process does, and nothing is foretold."""
TILES = (1024, 512)
"""What is tried in the place of reading a picture whole, or in larger tiles."""
SLACK = 0.95
"""How much of what is free is proposed to be taken: estimates are off by a few percent."""


class TooLittleMemory(MemoryError):  # noqa: N818
    """A run took more memory than there is; the message names what would fit."""


class Memory:
    """One transfer's memory.

    Args:
        content, styles, options: as `stylize` gets them.
    """

    def __init__(self, content: Tensor, styles: Sequence[Tensor], options: Mapping[str, Any]) -> None:
        self._content, self._styles, self._options = content, styles, dict(options)
        self._place = pick_device(options.get("device", "auto"))
        self._advice = ""

    def foretold(self) -> list[str]:
        """What to say before the start: how much it will take and, where that is more than there is, the way out."""
        size = self._options.get("size")
        found = None if size is not None and size**2 <= SMALL else self._estimate()
        if found is None or found.size[0] * found.size[1] <= SMALL:
            return []
        said = [f"memory: about {gibibytes(found.bytes)} at {_shown(found)}"]
        free = room(self._place)
        if free is not None and found.bytes > free:
            self._advice = self._way_out(int(SLACK * free))
            said.append(f"that is more than there is, {gibibytes(free)}; {self._advice}")
        return said

    def taken(self) -> str:
        """The most that the process has taken, to be added to a line; nothing where nobody can tell."""
        most = peak(self._place)
        return "" if most is None else f"; peak memory {gibibytes(most)}"

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within it, running out of memory becomes TooLittleMemory."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            traceback.clear_frames(error.__traceback__)  # what the run held is free again
            raise TooLittleMemory(self._failed()) from None

    def _failed(self) -> str:
        found, free = self._estimate(), room(self._place)
        if found is None:
            return TOO_LITTLE_MEMORY
        if self._advice:
            return f"out of memory at {_shown(found)}; {self._advice}"
        if free is None or found.bytes <= free:  # it should have fitted
            return f"out of memory at {_shown(found)}; {self._way_out(found.fixed + found.pictures * 3 // 4)}"
        return f"out of memory at {_shown(found)}; {self._way_out(int(SLACK * free))}"

    def _estimate(self, **changes: Any) -> Estimate | None:
        """What a run would take; None where that cannot be told, or the run would be refused."""
        with suppress(Exception):  # it is the run's business to complain about its options
            return estimate(self._content, self._styles, **self._options | changes)
        return None

    def _way_out(self, free: int) -> str:
        """The size that would fit, the tile, and whether a smaller batch would."""
        size = largest_size(self._content, self._styles, free, **self._options)
        tile = self._tile(free)
        ways = ([f"--size {size}"] if size else []) + ([f"--tile {tile}"] if tile else [])
        ways += ["a smaller --batch"] if self._one_would_fit(free) else []
        if not ways:
            return "no smaller --size and no --tile would fit either; free some memory first"
        return f"{' would fit, and so would '.join(ways)}{'' if len(ways) > 1 else ' would fit'}"

    def _one_would_fit(self, free: int) -> bool:
        """Whether the first of several contents would, by itself."""
        with suppress(Exception):
            alone = estimate(self._content[:1], self._styles, **self._options)
            return len(self._content) > 1 and alone.bytes <= free
        return False

    def _tile(self, free: int) -> int | None:
        whole = self._estimate()
        side = max(whole.size) if whole is not None else 0
        now = self._options.get("tile") or side
        for tile in TILES:
            found = self._estimate(tile=tile) if tile < min(now, side) else None
            if found is not None and found.bytes <= free:
                return tile
        return None


def gibibytes(count: float) -> str:
    """As people say it."""
    return f"{count / 2**30:.1f} GiB"


def _shown(found: Estimate) -> str:
    height, width = found.size
    return f"{width} x {height}"
