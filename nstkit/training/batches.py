"""Batches in an order that depends on seed and number alone, so that a resumed run sees what it would have seen.

All epochs' permutations form one endless stream; batch k is its k-th stretch. No item is left out, no batch is short,
and a set smaller than a batch works too.
"""

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import torch
from torch import Tensor


class Items(Protocol):
    """Anything with a length and items by number."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, number: int, /) -> Any:
        """The item of that number, from 0."""


class Batches:
    """`batches[k]` is batch k, (B, ...), for any k ≥ 0.

    Args:
        items: anything with a length and items by number: tensors of one shape, or a folder of pictures.
        batch_size: B ≥ 1.
        seed: of the order and of the transforms.
        transform: from an item and its own `torch.Generator` to a tensor; random crops belong here. The generator
            is seeded by (seed, place in the stream), so it does not matter who runs it, or when.
        workers: threads that prepare the next batches while this one is used; 0 prepares on demand.
    """

    def __init__(
        self, items: Items, batch_size: int, *, seed: int = 0,
        transform: Callable[[Any, torch.Generator], Tensor] | None = None, workers: int = 0,
    ) -> None:  # fmt: skip
        if not len(items) or batch_size < 1:
            raise ValueError(
                f"items, batch_size: expected at least one item and a batch of 1, got {len(items)}, {batch_size}"
            )
        self.items, self.batch_size, self.seed, self.transform = items, batch_size, seed, transform
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._ahead, self._waiting = 2 * workers, OrderedDict[int, Future[Tensor]]()
        self._order: tuple[int, list[int]] = (-1, [])

    def __getitem__(self, number: int) -> Tensor:
        if number < 0:
            raise IndexError(f"batches: expected a number of at least 0, got {number}")
        if self._pool is None:
            return self._prepare(self._picks(number))
        for k in range(number, number + 1 + self._ahead):
            if k not in self._waiting:
                self._waiting[k] = self._pool.submit(self._prepare, self._picks(k))
        batch = self._waiting.pop(number).result()
        for k in [k for k in self._waiting if not number < k <= number + self._ahead]:
            self._waiting.pop(k).cancel()
        return batch

    def fingerprint(self) -> dict[str, int]:
        """What the order depends on."""
        return {"items": len(self.items), "batch_size": self.batch_size, "seed": self.seed}

    def _picks(self, number: int) -> list[tuple[int, int]]:
        """The places in the stream of batch `number`, and the items that stand there."""
        start = number * self.batch_size
        return [(place, self._item(place)) for place in range(start, start + self.batch_size)]

    def _item(self, place: int) -> int:
        epoch, position = divmod(place, len(self.items))
        if self._order[0] != epoch:
            generator = torch.Generator().manual_seed(_mixed(self.seed, epoch, 0))
            self._order = epoch, torch.randperm(len(self.items), generator=generator).tolist()
        return self._order[1][position]

    def _prepare(self, picks: list[tuple[int, int]]) -> Tensor:
        return torch.stack([self._load(place, item) for place, item in picks])

    def _load(self, place: int, item: int) -> Tensor:
        value = self.items[item]
        if self.transform is None:
            return torch.as_tensor(value)
        return self.transform(value, torch.Generator().manual_seed(_mixed(self.seed, place, 1)))


def _mixed(seed: int, number: int, purpose: int) -> int:
    """One seed out of three numbers; neighbours do not resemble each other (the mixer of SplitMix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + 2 * number + purpose + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = ((z ^ (z >> shift)) * factor) & 0xFFFFFFFFFFFFFFFF
    return (z ^ (z >> 31)) & 0x7FFFFFFFFFFFFFFF
