"""Memory that is free is what the machine, its control groups and the process's own limit leave."""

import resource
import sys

import pytest
import torch

from nstkit.training import free_memory
from nstkit.training.free_memory import peak, room

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
CPU = torch.device("cpu")
OWN = "Name:\tpython\nVmSize:\t    5000 kB\nVmHWM:\t    1200 kB\nVmRSS:\t    1000 kB\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 4000 KiB free for a process of 1000 KiB, in no group that is limited."""
    (tmp_path / "status").write_text(OWN)
    (tmp_path / "meminfo").write_text("MemTotal:  9000 kB\nMemFree:  100 kB\nMemAvailable:  4000 kB\n")
    (tmp_path / "groups").mkdir()
    monkeypatch.setattr(free_memory, "_OWN", tmp_path / "status")
    monkeypatch.setattr(free_memory, "_MACHINE", tmp_path / "meminfo")
    monkeypatch.setattr(free_memory, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(free_memory, "_groups", lambda: iter([tmp_path / "groups"]))
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)
    return tmp_path / "groups"


def test_what_is_available_and_what_one_has(machine):
    assert room(CPU) == 5000 * 1024
    assert peak(CPU) == 1200 * 1024


@pytest.mark.parametrize(
    "names", [("max", "current", "inactive_file"), ("limit", "usage", "total_inactive_file")]
)
def test_a_group_that_is_limited_further_counts(machine, names):
    version2 = names[0] == "max"
    (machine / ("memory.max" if version2 else "memory.limit_in_bytes")).write_text("3000000\n")
    (machine / ("memory.current" if version2 else "memory.usage_in_bytes")).write_text("2500000\n")
    (machine / "memory.stat").write_text(f"anon 1\n{names[2]} 200000\n")
    assert room(CPU) == 1000 * 1024 + 3000000 - 2500000 + 200000


def test_a_group_without_a_limit_does_not(machine):
    for name, text in (("max", "max\n"), ("current", "2500000\n"), ("stat", "inactive_file 0\n")):
        (machine / f"memory.{name}").write_text(text)
    assert room(CPU) == 5000 * 1024


def test_a_limit_of_addresses_counts(machine, monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (5500 * 1024, resource.RLIM_INFINITY))
    assert room(CPU) == (1000 + 500) * 1024
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (4500 * 1024, resource.RLIM_INFINITY))
    assert room(CPU) == 1000 * 1024


def test_the_groups_are_those_of_this_process_and_those_around_them(tmp_path, monkeypatch):
    listed = tmp_path / "cgroup"
    listed.write_text("4:memory:/a/b\n3:cpu:/c\n0::/d\n")
    monkeypatch.setattr(free_memory, "_LISTED", listed)
    monkeypatch.setattr(free_memory, "_CGROUPS", tmp_path)
    assert [str(folder.relative_to(tmp_path)) for folder in free_memory._groups()] == [
        "memory/a/b", "memory/a", "memory", "d", ".",
    ]  # fmt: skip


def test_on_this_machine():
    before, most = room(CPU), peak(CPU)
    assert before > 2**27
    held = torch.ones(2**24)  # 64 MiB
    assert held.sum() == 2**24
    assert peak(CPU) >= most
    assert peak(CPU) > 2**27


def test_nobody_can_tell(machine, monkeypatch):
    (machine.parent / "status").unlink()
    assert room(CPU) is None
    assert peak(CPU) is None
    assert room(torch.device("meta")) is None
    assert peak(torch.device("meta")) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu():
    place = torch.device("cuda")
    held = torch.ones(2**24, device=place)
    assert peak(place) >= held.nbytes
    assert room(place) >= held.nbytes
