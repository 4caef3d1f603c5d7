"""A checkpoint is written whole or not at all."""

import resource

import pytest
import torch

from nstkit.transfer import load_checkpoint, save_checkpoint


def checkpoint(values):
    return {"tensors": {"x": torch.rand(2, values // 2)}, "plain": {"step": 3}, "options": {"size": 64}}


def test_it_comes_back(tmp_path):
    stored = checkpoint(1000)
    save_checkpoint(stored, tmp_path / "run", {"command": "transfer"})
    found = load_checkpoint(tmp_path / "run")
    assert torch.equal(found["tensors"]["x"], stored["tensors"]["x"])
    assert (found["plain"], found["options"], found["extra"]) == (
        {"step": 3},
        {"size": 64},
        {"command": "transfer"},
    )


def test_a_full_disk_leaves_the_older_one_and_nothing_beside_it(tmp_path):
    older = checkpoint(1000)
    save_checkpoint(older, tmp_path / "run")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))  # no file grows beyond 64 KiB
    try:
        with pytest.raises(OSError, match="run: could not be written"):
            save_checkpoint(checkpoint(2**18), tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert torch.equal(load_checkpoint(tmp_path / "run")["tensors"]["x"], older["tensors"]["x"])
