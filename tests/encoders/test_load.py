"""load_encoder: names, the automatic choice, random weights, and what ships."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors import safe_open

import nstkit.encoders
from nstkit.encoders import encoder_names, load_encoder
from nstkit.encoders.load import TINY_WEIGHTS
from nstkit.encoders.pooling import POOLINGS
from nstkit.encoders.procedural import draw_textures
from nstkit.encoders.weights import find_weights, places


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.delenv("NSTKIT_WEIGHTS", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    return tmp_path


def textures(count=6, size=70):
    return draw_textures(count, size, torch.Generator().manual_seed(9))[..., : size - 7]


def test_auto_is_tiny_without_vgg_weights(nowhere):
    encoder = load_encoder()
    assert (encoder.name, encoder.weights) == ("tiny", "tiny.safetensors")


def test_auto_is_vgg19_where_its_weights_are_at_hand(nowhere, monkeypatch):
    network = torchvision.models.vgg19(weights=None, init_weights=False)
    torch.save(
        {f"features.{key}": value.zero_() for key, value in network.features.state_dict().items()},
        nowhere / "v.pt",
    )
    (nowhere / "v.pt").rename(nowhere / "vgg19.pt")
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(nowhere))
    assert load_encoder("auto").name == "vgg19"
    assert load_encoder("auto", weights=nowhere / "vgg19.pt").name == "vgg19"


def test_a_damaged_vgg_is_not_silently_replaced_by_tiny(nowhere, monkeypatch):
    (nowhere / "vgg19-dcbb9e9d.pth").write_bytes(b"half a file")
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(nowhere))
    with pytest.raises(ValueError, match="its name says dcbb9e9d"):
        load_encoder()


def test_a_file_of_another_network_does_not_make_auto_vgg19(nowhere, monkeypatch):
    (nowhere / "vgg16-397923af.pth").touch()
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(nowhere / "vgg16-397923af.pth"))
    assert load_encoder().name == "tiny"


def test_downloading_goes_through_torch_hub_into_its_cache_with_the_hash(nowhere, monkeypatch):
    asked = []

    def fetch(url, path, hash_prefix, progress):
        asked.append((url, hash_prefix, progress))
        shapes = torchvision.models.squeezenet1_1(weights=None).state_dict()
        torch.save({key: torch.zeros_like(value) for key, value in shapes.items()}, path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    with pytest.raises(ValueError, match="its name says b8a52dc0"):  # ours is a fake, and the check sees it
        load_encoder("squeezenet1_1", download=True)
    url = torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.url
    assert asked == [(url, "b8a52dc0", False)]
    assert (nowhere / "checkpoints" / Path(url).name).exists()


def test_an_unknown_name_lists_the_known():
    with pytest.raises(
        ValueError, match=r"^encoder: expected one of auto, vgg19, vgg16, squeezenet1_1, tiny, got 'vgg'$"
    ):
        load_encoder("vgg")
    assert encoder_names() == ("auto", "vgg19", "vgg16", "squeezenet1_1", "tiny")


def test_random_weights_need_a_network_and_a_seed_needs_random_weights():
    with pytest.raises(
        ValueError, match=r"^encoder: random weights need a network's name, got 'auto'; name one"
    ):
        load_encoder(weights="random")
    with pytest.raises(
        ValueError, match=r"^seed: expected weights='random' beside seed=3, got weights=None$"
    ):
        load_encoder("tiny", seed=3)


@pytest.mark.parametrize("name", ["vgg19", "vgg16", "squeezenet1_1", "tiny"])
def test_random_activations_neither_die_nor_explode(name):
    features = load_encoder(name, weights="random", seed=11)(textures())
    for layer, values in features.items():
        assert 0.05 < values.std() < 20, layer
        assert (values != 0).float().mean() > 0.1, layer


def test_the_seed_decides_and_the_global_state_is_untouched():
    state = torch.random.get_rng_state()
    one, same, other = (load_encoder("tiny", weights="random", seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    layer = ["relu2_1"]
    torch.testing.assert_close(one(textures(), layer), same(textures(), layer), rtol=0, atol=0)
    assert not torch.equal(one(textures(), layer)["relu2_1"], other(textures(), layer)["relu2_1"])


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_is_replaced_everywhere(pooling):
    encoder = load_encoder("vgg16", weights="random", pooling=pooling)
    pools = [module for layer, module in encoder.steps.items() if layer.startswith("pool")]
    assert len(pools) == 5
    assert all(type(pool) is POOLINGS[pooling] for pool in pools)
    with pytest.raises(ValueError, match=r"^pooling: expected one of max"):
        load_encoder("vgg16", weights="random", pooling="none")


def test_importing_encoders_does_not_import_torchvision():
    code = "import sys, nstkit.encoders as e; e.load_encoder('tiny'); print('torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_name_exists():
    assert all(hasattr(nstkit.encoders, name) for name in nstkit.encoders.__all__)


def test_tinys_file_is_small_half_precision_and_finite():
    assert TINY_WEIGHTS.stat().st_size <= 5 * 2**20
    with safe_open(TINY_WEIGHTS, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    assert {value.dtype for value in tensors.values()} == {torch.float16}
    assert all(value.isfinite().all() for value in tensors.values())


def test_tinys_taps_have_nearly_unit_deviation_on_textures():
    """The calibration that lets one style weight serve all layers, on textures of another seed."""
    encoder = load_encoder("tiny")
    features = encoder(draw_textures(48, 96, torch.Generator().manual_seed(77))[..., :88])
    for layer, values in features.items():
        if not layer.startswith(("relu", "texture")) or layer.endswith("conv"):
            continue
        deviation = values.std((0, 2, 3))
        assert 0.7 < deviation.median() < 1.3, layer
        assert (deviation > 0.1).float().mean() > 0.9, f"{layer} has dead channels"


def test_tiny_says_what_it_was_trained_with():
    with safe_open(TINY_WEIGHTS, framework="pt") as file:
        assert {"steps", "seed", "size", "batch"} <= set(file.metadata())


@pytest.mark.weights
def test_the_real_vgg19_separates_a_texture_from_its_shuffle():
    """Real VGG-19: a grating and its pixel shuffle agree in mean colour, and differ more the deeper one looks."""
    if not any(find_weights("vgg19", place) for place in places()):
        pytest.skip("VGG-19's weights are not at hand: set NSTKIT_WEIGHTS or fill torchvision's cache")
    image = textures(2)
    order = torch.randperm(image[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    shuffled = image.flatten(2)[..., order].view_as(image)
    encoder = load_encoder("vgg19")
    a, b = encoder(image, ["relu1_1", "relu4_1"]), encoder(shuffled, ["relu1_1", "relu4_1"])
    change = {
        layer: ((a[layer].mean((2, 3)) - b[layer].mean((2, 3))).norm() / a[layer].mean((2, 3)).norm())
        for layer in a
    }
    assert change["relu4_1"] > change["relu1_1"]
