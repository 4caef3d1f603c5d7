"""Weights files: found where they should be, refused with a clear sentence when something is wrong."""

import hashlib

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from nstkit.encoders import load_encoder
from nstkit.encoders.weights import check_hash, find_weights, places, random_weights, read_weights

NAME = "squeezenet1_1"


@pytest.fixture(scope="module")
def state():
    """A whole torchvision state dict, classifier included."""
    shapes = {k: v.shape for k, v in torchvision.models.squeezenet1_1(weights=None).state_dict().items()}
    return random_weights(shapes, seed=5)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """No weights at hand: an empty torch hub folder, no variable."""
    monkeypatch.delenv("NSTKIT_WEIGHTS", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path


def with_hash(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return path.rename(path.with_name(f"{path.stem}-{digest}{path.suffix}"))


def features(encoder):
    image = torch.rand(2, 3, 31, 40, generator=torch.Generator().manual_seed(0))
    return encoder(image, ["fire9"])["fire9"]


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("hashed", [True, False])
def test_every_kind_of_file_loads_and_the_classifier_is_ignored(tmp_path, state, kind, hashed):
    path = tmp_path / f"{NAME}.{'safetensors' if kind == 'safetensors' else 'pth'}"
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    path = with_hash(path) if hashed else path
    loaded = load_encoder(NAME, weights=path)
    network = torchvision.models.squeezenet1_1(weights=None)
    network.load_state_dict(state)
    torch.testing.assert_close(
        loaded.steps["fire5"].expand3x3.weight.data, network.features[7].expand3x3.weight.data
    )
    torch.testing.assert_close(features(load_encoder(NAME, weights=tmp_path)), features(loaded))
    assert loaded.weights == path.name


def test_half_precision_files_are_widened(tmp_path, state):
    save_file({key: value.half() for key, value in state.items()}, tmp_path / "w.safetensors")
    assert features(load_encoder(NAME, weights=tmp_path / "w.safetensors")).dtype == torch.float32


def test_the_variable_names_a_file_or_a_folder(nowhere, monkeypatch, state):
    torch.save(state, nowhere / "my.pt")
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(nowhere / "my.pt"))
    assert load_encoder(NAME).weights == "my.pt"
    (nowhere / "my.pt").rename(nowhere / f"{NAME}.pt")
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(nowhere))
    assert load_encoder(NAME).weights == f"{NAME}.pt"


def test_torchvisions_cache_is_searched_after_the_variable(nowhere, monkeypatch, state):
    cache = nowhere / "hub" / "checkpoints"
    torch.save(state, cache / f"{NAME}.pth")
    assert load_encoder(NAME).weights == f"{NAME}.pth"
    (nowhere / "elsewhere").mkdir()
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(nowhere / "elsewhere"))
    assert places() == [nowhere / "elsewhere", cache]
    assert load_encoder(NAME).weights == f"{NAME}.pth"


def test_a_variable_that_names_nothing_is_an_error_not_a_silent_tiny(nowhere, monkeypatch):
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(nowhere / "typo"))
    for name in ("auto", NAME):
        with pytest.raises(
            ValueError, match=r"^NSTKIT_WEIGHTS: expected a weights file .*typo does not exist$"
        ):
            load_encoder(name)
    assert load_encoder("tiny").name == "tiny"


def test_a_folder_without_the_network(tmp_path):
    with pytest.raises(
        ValueError, match=r"^weights: the folder .* has none of squeezenet1_1: no squeezenet1_1\*\.pth, "
    ):
        load_encoder(NAME, weights=tmp_path)


def test_files_of_other_networks_are_passed_over(tmp_path):
    for name in ("vgg16_features-amdegroot-88682ab5.pth", "vgg19_bn-c79401a0.pth", "vgg19-notes.txt"):
        (tmp_path / name).touch()
    assert find_weights("vgg16", tmp_path) is None
    assert find_weights("vgg19", tmp_path) is None
    assert find_weights("vgg19", tmp_path / "vgg16_features-amdegroot-88682ab5.pth") is None
    (tmp_path / "vgg19-dcbb9e9d.pth").touch()
    assert find_weights("vgg19", tmp_path) == tmp_path / "vgg19-dcbb9e9d.pth"


def test_no_weights_says_where_it_looked_and_what_to_do(nowhere):
    with pytest.raises(
        ValueError, match=r"^weights: found none of vgg16 in .*checkpoints; set NSTKIT_WEIGHTS .*"
    ):
        load_encoder("vgg16")
    with pytest.raises(ValueError, match=r"load_encoder\('vgg16', download=True\)"):
        load_encoder("vgg16")


def test_a_missing_file(tmp_path):
    with pytest.raises(
        ValueError, match=r"^weights: .*gone\.pth does not exist; give a weights file of squeezenet1_1"
    ):
        load_encoder(NAME, weights=tmp_path / "gone.pth")


def test_a_wrong_hash(tmp_path, state):
    path = tmp_path / f"{NAME}-deadbeef.pth"
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    with pytest.raises(ValueError, match=rf"has SHA-256 {digest}…, its name says deadbeef; it is damaged"):
        load_encoder(NAME, weights=path)


def test_the_hash_is_checked_over_the_whole_file(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(bytes(range(256)) * 9000)
    path = with_hash(path)
    check_hash(path)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ValueError, match="damaged or incomplete"):
        check_hash(path)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.97])
def test_a_truncated_file(tmp_path, state, name, share):
    path = tmp_path / name
    save_file(state, path) if name.endswith("safetensors") else torch.save(state, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"^weights: cannot read .*: it is damaged or no weights file \("):
        load_encoder(NAME, weights=path)


def test_a_text_file_with_a_weights_name(tmp_path):
    (tmp_path / "w.pth").write_text("<!DOCTYPE html>")
    way_out = r"it is damaged or no weights file; expected a state_dict, tensors alone, by torch\.save or safetensors"
    with pytest.raises(ValueError, match=rf"^weights: cannot read .*w\.pth: {way_out}$"):
        load_encoder(NAME, weights=tmp_path / "w.pth")


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    torch.save({"features.0.weight": print}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"^weights: cannot read") as caught:
        load_encoder(NAME, weights=tmp_path / "w.pth")
    assert "weights_only" not in str(
        caught.value
    )  # PyTorch's own advice is to read it without that protection


def test_something_else_than_a_state_dict(tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "w.pth")
    with pytest.raises(ValueError, match="holds a list, expected a dict of tensors"):
        load_encoder(NAME, weights=tmp_path / "w.pth")


def test_the_weights_of_another_network(tmp_path, state):
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(
        ValueError, match=r"features.0.weight in .*: expected \(64, 3, 3, 3\) for vgg16|has no tensor"
    ):
        load_encoder("vgg16", weights=tmp_path / "w.pth")


def test_wrong_shapes(tmp_path, state):
    torch.save({**state, "features.0.weight": torch.zeros(64, 3, 5, 5)}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"expected \(64, 3, 3, 3\) for squeezenet1_1, got \(64, 3, 5, 5\)"):
        load_encoder(NAME, weights=tmp_path / "w.pth")


def test_a_tensor_that_is_not_there(tmp_path, state):
    torch.save({key: value for key, value in state.items() if key != "features.0.bias"}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"has no tensor 'features.0.bias', which squeezenet1_1 needs"):
        load_encoder(NAME, weights=tmp_path / "w.pth")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite(tmp_path, state, value):
    spoilt = state["features.3.squeeze.weight"].clone()
    spoilt[2, 1] = value
    torch.save({**state, "features.3.squeeze.weight": spoilt}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"features.3.squeeze.weight in .* holds NaN or infinity"):
        load_encoder(NAME, weights=tmp_path / "w.pth")


def test_reading_returns_what_was_asked(tmp_path):
    torch.save({"a": torch.ones(2, 3), "b": torch.ones(4)}, tmp_path / "w.pth")
    read = read_weights(tmp_path / "w.pth", {"a": torch.Size((2, 3))}, "anything")
    assert list(read) == ["a"]


def test_random_weights_have_hes_variance_and_follow_the_seed():
    shapes = {"weight": torch.Size((64, 32, 3, 3)), "bias": torch.Size((64,))}
    one, same, other = random_weights(shapes, 1), random_weights(shapes, 1), random_weights(shapes, 2)
    assert one["weight"].var().item() == pytest.approx(2 / (32 * 9), rel=0.05)
    assert torch.equal(one["bias"], torch.zeros(64))
    assert torch.equal(one["weight"], same["weight"])
    assert not torch.equal(one["weight"], other["weight"])
