"""Data-parallel training: each process takes its share of a joined batch, and gradients are averaged.

Start with `torchrun --nproc-per-node=N`; alone, everything here does nothing. The batch is the same for any number
of processes, so a run on two comes to what a run on one comes to, up to rounding (instance norm; batch norm
synchronises its statistics on GPUs, and on CPUs each process has its own).
"""

import atexit
import gc
import inspect
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nstkit.training.batches import Batches, Items


@dataclass(frozen=True)
class Team:
    """This process among those that train together.

    Attributes:
        place: the device of this process.
        rank: the number of this process, from 0.
        world: how many there are.
        store: what all of them can write to and read; None alone.
    """

    place: torch.device
    rank: int = 0
    world: int = 1
    store: dist.Store | None = None


@contextmanager
def together(device: torch.device) -> Iterator[Team]:
    """This process's team, while its processes are connected; a team of one outside of torchrun.

    Raises:
        ValueError: several processes, and fewer GPUs than that.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Team(device)
        return
    place = _own_device(device)
    # Wrapped networks refer to themselves; one that is still there while Python shuts down lets its threads abort.
    atexit.register(gc.collect)
    store = _connect("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Team(place, dist.get_rank(), world, store)
    finally:
        dist.destroy_process_group()


_teams = itertools.count()


def _connect(backend: str) -> dist.Store:
    """Connect the processes under a name of their own; their store.

    torchrun's store outlives a group, and torch gives every default group the same name in it: the second training
    of a script would read the addresses that the first one left there, and wait for a peer that is gone.
    """
    store, rank, world = next(dist.rendezvous("env://"))
    named = dist.PrefixStore(f"nstkit {next(_teams)}", store)
    dist.init_process_group(backend, store=named, rank=rank, world_size=world)
    return dist.PrefixStore("team", named)


def _own_device(device: torch.device) -> torch.device:
    """The GPU of this process alone."""
    if device.type != "cuda":
        return device
    local, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if processes > count:
        raise ValueError(
            f"device: expected a GPU for each of {processes} processes, found {count}; start fewer"
        )
    torch.cuda.set_device(local)
    return torch.device("cuda", local)


class Share(Batches):
    """A team member's part of each batch: every `world`-th item, from number `rank` on.

    Args:
        items, seed, transform, workers: as for `Batches`.
        batch_size: of the joined batch, a multiple of the number of processes.
    """

    def __init__(
        self, items: Items, batch_size: int, team: Team, *, seed: int = 0,
        transform: Callable[..., Tensor] | None = None, workers: int = 0,
    ) -> None:  # fmt: skip
        if batch_size % team.world:
            raise ValueError(
                f"batch_size: expected a multiple of the {team.world} processes, got {batch_size}"
            )
        super().__init__(items, batch_size, seed=seed, transform=transform, workers=workers)
        self._team = team

    def _picks(self, number: int) -> list[tuple[int, int]]:
        return super()._picks(number)[self._team.rank :: self._team.world]


def share_of(batch: Tensor, team: Team) -> Tensor:
    """The share of a joined batch that belongs to this process, on its device."""
    return batch[team.rank :: team.world].to(team.place)


def parallel(module: nn.Module, team: Team) -> nn.Module:
    """The module with its gradients averaged over all processes; itself where there is one alone.

    On GPUs the module's own batch norms are replaced by synchronised ones, in place.
    """
    if team.world == 1:
        return module
    if team.place.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    parameters = inspect.signature(DistributedDataParallel).parameters  # torch 2.14 renamed one
    renamed = "forward_sync_buffers" in parameters
    unsynced: Any = {"forward_sync_buffers" if renamed else "broadcast_buffers": False}
    return DistributedDataParallel(module, **unsynced)


def averaged(losses: Mapping[str, float], team: Team) -> dict[str, float]:
    """The mean of each loss over all processes."""
    if team.world == 1:
        return dict(losses)
    sums = _summed(list(losses.values()), team)
    return {name: value / team.world for name, value in zip(losses, sums, strict=True)}


def averaged_terms(terms: Mapping[str, Tensor], team: Team) -> dict[str, Tensor]:
    """The mean of each 0-d tensor over all processes, without graphs; waits for no device."""
    values = torch.stack([term.detach().float() for term in terms.values()])
    if team.world > 1:
        dist.all_reduce(values)
    return dict(zip(terms, (values / team.world).unbind(), strict=True))


def agreed(stop: bool, team: Team) -> bool:
    """Whether any process wants to stop: all must at the same step, or the others wait for it forever."""
    return stop if team.world == 1 else _summed([float(stop)], team)[0] > 0


def _summed(values: list[float], team: Team) -> list[float]:
    """Each value's sum over all processes."""
    tensor = torch.tensor(values, dtype=torch.float64, device=team.place)
    dist.all_reduce(tensor)
    found: list[float] = tensor.tolist()
    return found
