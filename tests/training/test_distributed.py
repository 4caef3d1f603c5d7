"""A team's shares are the joined batch; alone, nothing changes."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from nstkit.training import Batches
from nstkit.training.distributed import Share, Team, agreed, averaged, parallel, share_of, together

CPU = torch.device("cpu")
ITEMS = torch.arange(10.0)[:, None] * torch.ones(2)


def jittered(item, generator):
    return item + torch.rand((), generator=generator)


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_shares_of_all_are_the_joined_batch_bit_by_bit(world, workers):
    joined = Batches(ITEMS, 6, seed=3, transform=jittered)
    shares = [
        Share(ITEMS, 6, Team(CPU, rank, world), seed=3, transform=jittered, workers=workers)
        for rank in range(world)
    ]
    for number in (0, 1, 4):
        parts = [share[number] for share in shares]
        together_again = torch.stack(parts, 1).flatten(0, 1)  # rank r has the items r, r + world, …
        assert torch.equal(together_again, joined[number])
        for rank, part in enumerate(parts):
            assert torch.equal(share_of(joined[number], Team(CPU, rank, world)), part)


def test_a_share_says_of_itself_what_the_joined_batches_say():
    """So a run may be resumed on another number of processes."""
    assert Share(ITEMS, 6, Team(CPU, 1, 2), seed=3).fingerprint() == Batches(ITEMS, 6, seed=3).fingerprint()


def test_a_batch_that_cannot_be_shared_out_is_refused():
    with pytest.raises(ValueError, match="batch_size: expected a multiple of the 4 processes, got 6"):
        Share(ITEMS, 6, Team(CPU, 0, 4))


def test_alone_nothing_changes(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with together(CPU) as team:
        assert team == Team(CPU, 0, 1)
        module = nn.Linear(2, 2)
        assert parallel(module, team) is module
        assert averaged({"a": 1.5}, team) == {"a": 1.5}
        assert agreed(True, team) is True
        assert agreed(False, team) is False
    assert not torch.distributed.is_initialized()


TWO = """
import sys, time, torch
from torch import nn
from nstkit.training.distributed import agreed, averaged, parallel, together
def work():
    with together(torch.device("cpu")) as team:
        assert averaged({"a": 1.0 + team.rank, "b": -4.0 * team.rank}, team) == {"a": 1.5, "b": -2.0}
        assert agreed(team.rank == 1, team) and not agreed(False, team)
        linear = nn.Linear(3, 1, bias=False)
        with torch.no_grad():
            linear.weight.fill_(1.0)
        x = torch.tensor([[1.0, 2.0, 3.0]]) * (1 + 2 * team.rank)
        whole = parallel(linear, team)  # it averages for as long as it lives
        whole(x).sum().backward()
        assert torch.equal(linear.weight.grad, torch.tensor([[2.0, 4.0, 6.0]]))  # the mean of 1 and 3 times that
work()
assert not torch.distributed.is_initialized()
for late in (0, 1):  # the other connects again at once, and must not find what was left of the connection before
    with together(torch.device("cpu")) as team:
        averaged({"a": 1.0}, team)
    time.sleep(float(team.rank == late))
work()
"""


@pytest.mark.slow
def test_two_processes_average_and_stop_together_and_connect_again(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(script),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="this machine has several GPUs")
def test_fewer_gpus_than_processes_are_refused(monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    said = r"device: expected a GPU for each of 2 processes, found [01]; start fewer"
    with pytest.raises(ValueError, match=said), together(torch.device("cuda")):
        pass
