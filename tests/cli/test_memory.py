"""What a transfer says about memory is true, in time, and names what would fit."""

import re
import subprocess
import sys

import pytest
import torch

from nstkit.cli import memory, session
from nstkit.transfer.memory import estimate

SHORT = ("--size", 112, "--coarsest", 112, "--steps", 1, "--encoder", "tiny", "--optimizer", "adam")


@pytest.fixture
def order(photo, style, monkeypatch):
    """The words of a transfer that is small, and told about none the less."""
    monkeypatch.setattr(memory, "SMALL", 0)
    return ("transfer", photo, style, "-o", "out.png", *SHORT)


def files(here):
    return sorted(path.name for path in here.iterdir())


def foretold(size=112):
    """What the run that `order` asks for takes."""
    pictures = torch.empty(1, 3, 84, 112), torch.empty(1, 3, 60, 80)
    return estimate(*pictures, encoder="tiny", size=size, optimizer="adam", device="cpu")


def test_the_memory_is_told_before_and_after(nstkit, order):
    code, _, err = nstkit(*order)
    lines = err.splitlines()
    assert code == 0
    assert lines[0] == f"memory: about {foretold().bytes / 2**30:.1f} GiB at 112 x 84"
    assert lines[1].startswith("encoder: ")
    if sys.platform.startswith("linux"):
        most = re.search(r"wrote out\.png, 112x84, in \d+ s; peak memory (\d+\.\d) GiB$", lines[-1])
        assert float(most[1]) >= 0.3  # Python and PyTorch alone


def test_quiet_says_nothing_and_small_pictures_need_no_word(nstkit, photo, style, order, monkeypatch):
    assert nstkit(*order, "-q") == (0, "", "")
    monkeypatch.setattr(memory, "SMALL", 2**17)
    assert "memory: about" not in nstkit(*order, "--force").err


def test_a_run_that_will_not_fit_is_warned_of_and_not_refused(nstkit, order, monkeypatch):
    found = foretold()
    free = found.fixed + 2 * found.pictures // 3
    monkeypatch.setattr(memory, "room", lambda place: free)
    monkeypatch.setattr(memory, "SLACK", 1)
    code, _, err = nstkit(*order)
    assert code == 0
    said = rf"that is more than there is, {free / 2**30:.1f} GiB; --size (\d+) would fit"
    size = int(re.fullmatch(said, err.splitlines()[1])[1])
    assert foretold(size).bytes <= free
    assert foretold(size + 16).bytes > free


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
              torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")],
)  # fmt: skip
def test_out_of_memory_names_the_size_that_would_fit(nstkit, here, order, monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(session, "stylize", full)
    monkeypatch.setattr(memory, "TILES", (104,))
    before = files(here)
    code, _, err = nstkit(*order, "-q", "--style-layers", "relu1_1", "--content-layers", "relu1_1")
    assert (code, err.count("\n")) == (2, 1)
    said = r"nstkit: out of memory at 112 x 84; --size (\d+) would fit, and so would --tile 104"
    assert int(re.match(said, err)[1]) < 112
    assert files(here) == before


def test_a_defect_is_no_lack_of_memory(nstkit, order, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(session, "stylize", broken)
    with pytest.raises(RuntimeError, match="mat1"):
        nstkit(*order, "-q")


LIMITED = """
import re, resource, sys
import torch
torch.set_num_threads(1)
from nstkit.cli import main, session
from nstkit.transfer.memory import estimate

estimate(torch.empty(1, 3, 64, 64), torch.empty(1, 3, 64, 64), encoder="tiny", size=64)  # what it loads is loaded
taken = 1024 * int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
resource.setrlimit(resource.RLIMIT_AS, (taken + 700 * 2**20,) * 2)
main(sys.argv[1:])
"""


@pytest.mark.slow  # four processes, pictures of up to 1024 pixels
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space are Linux's")
def test_what_the_message_names_runs_in_the_memory_there_is(here, photo, style):
    words = "transfer", photo, style, "-o", "out.png", "--coarsest", "1024", *map(str, SHORT[4:])

    def limited(*more):
        command = [sys.executable, "-c", LIMITED, *words, *more]
        return subprocess.run(command, capture_output=True, text=True, cwd=here)

    failed = limited("--size", "1024", "-q")
    assert failed.returncode == 2, failed.stderr
    named = re.fullmatch(
        r"nstkit: out of memory at 1024 x 768; --size (\d+) would fit, and so would --tile (\d+)\n",
        failed.stderr,
    )
    assert named is not None, failed.stderr
    assert files(here) == ["photo.png", "style.png"]
    smaller = limited("--size", named[1], "-q")
    assert (smaller.returncode, smaller.stderr) == (0, "")
    tiled = limited("--size", "1024", "--tile", named[2], "-q", "--force")
    assert (tiled.returncode, tiled.stderr) == (0, "")
