"""What processes that share a folder's work tell each other: the plan, whose turn it is, what is done or went wrong.

Work is not dealt out before: whoever is free takes the next number, so that a slow picture, or a slow GPU, holds up
nobody. The numbers come from the store that connects the processes, which counts them once for all; nothing lies on the
disk that a killed run could leave behind. A process alone keeps the same books for itself.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

import torch.distributed as dist

from nstkit.training.distributed import Team

PAUSE = 0.1
"""Seconds between two looks at what another process has to say."""


class Ledger:
    """The books of one team. Use as a context: an error in the block is known to the others, who then take no more.

    Attributes:
        alone: whether there is no other process.
        leads: whether this process is the one that talks to the user.
    """

    def __init__(self, team: Team) -> None:
        self.alone, self.leads, self._world = team.world == 1, team.rank == 0, team.world
        self._store = dist.HashStore() if team.store is None else team.store
        self._read = 0

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(RuntimeError):  # the store may be what is gone
            if kind is not None:
                self._store.add("failed", 1)
            self._store.add("left", 1)

    def agreed(self, make: Callable[[], Any]) -> Any:
        """What the leading process makes of plain values, for all; they leave quietly where it fails.

        Raises:
            SystemExit: with 2, in the others, if `make` raised.
        """
        if self.leads:
            try:
                made = json.dumps(make())
            except BaseException:
                self._store.set("agreed", "")
                raise
            self._store.set("agreed", made)
            return json.loads(made)
        while not self._store.check(["agreed"]):
            time.sleep(PAUSE)
        text = self._store.get("agreed").decode()
        if not text:
            raise SystemExit(2)
        return json.loads(text)

    def turns(self, count: int) -> Iterator[int]:
        """The numbers below `count` that are this process's to do: each is some one's, and nobody else's."""
        while not self.failed:
            number = self._store.add("taken", 1) - 1
            if number >= count:
                return
            yield number

    def add_done(self, pictures: int = 1) -> None:
        """So many results were written."""
        self._store.add("done", pictures)

    def pass_over(self, why: str) -> None:
        """A picture was left out; the leading process will say why."""
        number = self._store.add("noted", 1) - 1
        self._store.set(f"note {number}", json.dumps(why))  # ASCII, whatever bytes a file name has
        self._store.add("passed", 1)

    def news(self) -> Iterator[str]:
        """Why pictures were passed over, those that this was not asked for yet."""
        while self._store.check([f"note {self._read}"]):
            self._read += 1
            yield json.loads(self._store.get(f"note {self._read - 1}"))

    @property
    def done(self) -> int:
        """Results that were written, by all."""
        return self._store.add("done", 0)

    @property
    def passed_over(self) -> int:
        """Pictures that were left out, by all."""
        return self._store.add("passed", 0)

    @property
    def failed(self) -> bool:
        """Whether a process ended with an error."""
        return self._store.add("failed", 0) > 0

    def others_at_work(self) -> bool:
        """Whether another process has not left yet, and none has failed."""
        return self._store.add("left", 0) < self._world - 1 and not self.failed
