"""Data-parallel training: each process takes its share of a joined batch, and gradients are averaged.

Start with `torchrun --nproc-per-node=N`; alone, everything here does nothing. The batch is the same for any number
of processes, so a run on two comes to what a run on one comes to, up to rounding (instance norm; batch norm
synchronises its statistics on GPUs, and on CPUs each process has its own).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from nstkit.training import Batches


@contextmanager
def together() -> Iterator[tuple[int, int]]:
    """The rank of this process and the number of processes, while they are connected."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1 or dist.is_initialized():
        yield (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield dist.get_rank(), world
    finally:
        dist.destroy_process_group()


def own_device(device: torch.device, rank: int) -> torch.device:
    """The GPU of this process, where there are several."""
    if device.type == "cuda" and device.index is None and torch.cuda.device_count() > 1:
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", rank)) % torch.cuda.device_count())
    return device


class Share(Batches):
    """This process's part of each batch: every `world`-th item, from number `rank` on."""

    rank, world = 0, 1

    def of(self, rank: int, world: int) -> "Share":
        """Take the share of process `rank` of `world`; the batch size must be a multiple of `world`."""
        if self.batch_size % world:
            raise ValueError(
                f"batch_size: expected a multiple of the {world} processes, got {self.batch_size}"
            )
        self.rank, self.world = rank, world
        return self

    def _picks(self, number: int) -> list[tuple[int, int]]:
        return super()._picks(number)[self.rank :: self.world]


def parallel(module: nn.Module, world: int) -> nn.Module:
    """The module with its gradients averaged over all processes; itself where there is one alone."""
    if world == 1:
        return module
    if next(module.parameters()).is_cuda:
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
    return DistributedDataParallel(module, broadcast_buffers=False)


def averaged(losses: Mapping[str, float], world: int) -> dict[str, float]:
    """The mean of each loss over all processes."""
    if world == 1:
        return dict(losses)
    return dict(zip(losses, [value / world for value in _summed(list(losses.values()))], strict=True))


def agreed(stop: bool, world: int) -> bool:
    """Whether any process wants to stop: all must at the same step, or the others wait for it forever."""
    return stop if world == 1 else _summed([float(stop)])[0] > 0


def _summed(values: list[float]) -> list[float]:
    """Each value's sum over all processes."""
    tensor = torch.tensor(values, dtype=torch.float64)
    tensor = tensor.cuda() if dist.get_backend() == "nccl" else tensor
    dist.all_reduce(tensor)
    found: list[float] = tensor.tolist()
    return found


def share_of(batch: Tensor, rank: int, world: int) -> Tensor:
    """The share of a joined batch that belongs to this process."""
    return batch[rank::world]
