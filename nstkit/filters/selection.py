"""Medians by selection networks: a fixed list of minima and maxima, the same for every pixel.

A network has no branches, so one instruction serves a whole plane of pixels. Sort each column of the window (that work
is shared by all windows that contain the column), then each row of the result: now the entry in row i and column j has
at least (i + 1)(j + 1) − 1 entries below it and (n − i)(n − j) − 1 above it, and what cannot be in the middle is
dropped. From the rest, the least and the greatest are dropped in turn ("forgetful selection", Paeth, "Median Finding
on a 3×3 Grid", Graphics Gems, 1990). What the median does not depend on is never computed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor


@dataclass
class Network:
    """Operations ("min" or "max", operand, operand); a value is the number of an input or, after these, of a result."""

    inputs: int
    outputs: list[int] = field(default_factory=list)
    operations: list[tuple[str, int, int]] = field(default_factory=list)

    def run(self, planes: Sequence[Tensor]) -> list[Tensor]:
        """The outputs for these inputs, all of one shape."""
        values = dict(enumerate(planes))
        last = {number: place for place, (_, *pair) in enumerate(self.operations) for number in pair}
        for place, (kind, a, b) in enumerate(self.operations):
            values[self.inputs + place] = _OPERATIONS[kind](values[a], values[b])
            for number in (a, b):
                if last[number] == place and number not in self.outputs:
                    del values[number]  # what stays alive falls out of the cache
        return [values[number] for number in self.outputs]

    def exchange(self, values: list[int], low: int, high: int) -> None:
        """Put the lesser of two values at place `low`, the greater at place `high`."""
        pair, result = (values[low], values[high]), self.inputs + len(self.operations)
        self.operations += [("min", *pair), ("max", *pair)]
        values[low], values[high] = result, result + 1

    def sort(self, values: list[int]) -> None:
        """Batcher's odd-even merge sort, for any number of values (AFIPS 1968)."""
        n = len(values)
        for merge in _powers_below(n):
            for step in reversed(_powers_below(merge + 1)):
                for start in range(step % merge, n - step, 2 * step):
                    for low in range(start, min(start + step, n - step)):
                        if low // (2 * merge) == (low + step) // (2 * merge):
                            self.exchange(values, low, low + step)

    def without_extremes(self, values: list[int]) -> list[int]:
        """All but the least and the greatest, by three exchanges for each two values."""
        n = len(values)
        half = n // 2
        for k in range(half):
            self.exchange(values, k, n - 1 - k)
        for k in range(1, n - half):
            self.exchange(values, 0, k)
        for k in range(half, n - 1):
            self.exchange(values, k, n - 1)
        return values[1:-1]


_OPERATIONS = {"min": torch.minimum, "max": torch.maximum}


def _powers_below(n: int) -> list[int]:
    return [1 << k for k in range((n - 1).bit_length())]


@lru_cache(maxsize=16)
def sorting_network(n: int) -> Network:
    """n inputs to n outputs in rising order."""
    network, values = Network(n), list(range(n))
    network.sort(values)
    network.outputs = values
    return network


@lru_cache(maxsize=16)
def median_network(n: int) -> Network:
    """n × n inputs, n odd, row after row, each column rising from row to row, to their median."""
    network, left = Network(n * n), []
    for i in range(n):
        row = list(range(i * n, (i + 1) * n))
        network.sort(row)
        left += [row[j] for j in range(n) if max((i + 1) * (j + 1), (n - i) * (n - j)) <= (n * n + 1) // 2]
    chosen, later = left[: len(left) // 2 + 2], left[len(left) // 2 + 2 :]
    for value in later:
        chosen = [*network.without_extremes(chosen), value]
    while len(chosen) > 1:
        chosen = network.without_extremes(chosen)
    network.outputs = chosen
    return _needed(network)


def _needed(network: Network) -> Network:
    """The same outputs by the operations on which they depend, and no others."""
    needed, kept = set(network.outputs), []
    for number in reversed(range(len(network.operations))):
        if network.inputs + number in needed:
            needed.update(network.operations[number][1:])
            kept.append(number)
    kept.reverse()
    new = {network.inputs + number: network.inputs + place for place, number in enumerate(kept)}
    operations = [network.operations[number] for number in kept]
    return Network(
        network.inputs,
        [new.get(number, number) for number in network.outputs],
        [(kind, new.get(a, a), new.get(b, b)) for kind, a, b in operations],
    )
