"""A checkpoint comes back from its file as it was, with its types, or not at all."""

import math
import pickle

import pytest
import torch
from safetensors.torch import save_file

from nstkit.training import load_training, save_training

TREE = {
    "step": 7, "none": None, "flag": True, "text": "é", "huge": 2**70, "float": 0.1 + 0.2, "inf": math.inf,
    "list": [1, [2.5], {}], "tuple": (1, (2,)), "keys": {0: "int", "0": "text"}, "empty": [],
    "tensors": {"a.b": torch.arange(6.0).view(2, 3), "half": torch.ones(3, dtype=torch.bfloat16),
                "bytes": torch.arange(5, dtype=torch.uint8), "scalar": torch.tensor(3.5, dtype=torch.float64),
                "bool": torch.tensor([True, False]), "none long": torch.zeros(0, 2)},
}  # fmt: skip


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_trees_come_back(tmp_path):
    save_training(TREE, tmp_path / "run")
    assert same(load_training(tmp_path / "run"), TREE)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_shared_strided_and_trained_tensors(tmp_path):
    weight = torch.arange(12.0).view(3, 4).requires_grad_()
    tree = {
        "a": weight,
        "b": weight,
        "view": weight.T,
        "last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    }
    save_training(tree, tmp_path / "run")
    back = load_training(tmp_path / "run")
    assert all(torch.equal(back[k], tree[k]) for k in tree)
    assert not back["a"].requires_grad


def test_what_is_no_data_is_refused_by_its_place_and_the_old_file_stays(tmp_path):
    save_training({"x": 1}, tmp_path / "run")
    with pytest.raises(
        TypeError, match=r"checkpoint\.parts\.schedule\[1\]: expected tensors and plain data, got function"
    ):
        save_training({"parts": {"schedule": [1, lambda: 0]}}, tmp_path / "run")
    assert load_training(tmp_path / "run") == {"x": 1}


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    save_training({"x": 1}, tmp_path / "run")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_training({"x": 2}, tmp_path / "run")
    assert load_training(tmp_path / "run") == {"x": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_other_and_damaged_files_are_refused(tmp_path):
    save_training(TREE, tmp_path / "run")
    whole = (tmp_path / "run").read_bytes()
    files = {"short": whole[: len(whole) // 2], "pickle": pickle.dumps({}), "empty": b""}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    save_file({"x": torch.ones(2)}, tmp_path / "weights")
    for name in (*files, "weights"):
        with pytest.raises(ValueError, match=f"{name}: damaged, or no training checkpoint"):
            load_training(tmp_path / name)
    with pytest.raises(ValueError, match="nowhere: no such checkpoint"):
        load_training(tmp_path / "nowhere")
