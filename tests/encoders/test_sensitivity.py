"""content_sensitivity: the ratio written out, and its laws."""

import json

import pytest
import torch
from torch import nn

from nstkit.encoders import Encoder, content_sensitivity, load_encoder

LAYERS = ["relu1_1", "relu2_1", "relu4_1"]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("tiny", weights="random", seed=2)


@pytest.fixture
def image():
    return torch.rand(2, 3, 33, 41, generator=torch.Generator().manual_seed(0))


def linear_encoder():
    """No bias, no ReLU, no normalisation."""
    modules = {"first": nn.Conv2d(3, 5, 3, bias=False), "second": nn.Conv2d(5, 4, 3, stride=2, bias=False)}
    return Encoder("linear", modules, mean=(0.0,) * 3, deviation=(1.0,) * 3)


def test_against_a_written_out_loop(encoder, image):
    variants = {
        "noise": image + 0.1 * torch.randn_like(image),
        "gray": image.mean(1, keepdim=True).expand_as(image),
    }
    measured = content_sensitivity(encoder, image, variants, LAYERS)
    assert list(measured) == ["noise", "gray"]
    for name, variant in variants.items():
        assert list(measured[name]) == LAYERS
        for layer in LAYERS:
            x, v = encoder(image, [layer])[layer].double(), encoder(variant, [layer])[layer].double()
            change = sum(float((q - p) ** 2) for p, q in zip(x.flatten()[::1], v.flatten(), strict=True))
            energy = sum(float(p**2) for p in x.flatten())
            assert measured[name][layer] == pytest.approx(change / energy, rel=1e-4)


def test_an_unchanged_image_changes_nothing(encoder, image):
    measured = content_sensitivity(encoder, image, {"same": image.clone()}, LAYERS)
    assert measured == {"same": dict.fromkeys(LAYERS, 0.0)}


def test_a_linear_encoder_sees_a_doubled_image_as_exactly_one(image):
    measured = content_sensitivity(linear_encoder(), image, {"twice": 2 * image}, ["first", "second"])
    assert measured["twice"] == pytest.approx({"first": 1.0, "second": 1.0}, rel=1e-6)


def test_a_common_factor_cancels_in_a_linear_encoder(image):
    linear, variant = linear_encoder(), image.roll(3, dims=3)
    plain = content_sensitivity(linear, image, {"v": variant}, ["first", "second"])
    scaled = content_sensitivity(linear, 8 * image, {"v": 8 * variant}, ["first", "second"])
    assert scaled["v"] == pytest.approx(plain["v"], rel=1e-5)


def test_the_image_runs_once_and_every_variant_once(encoder, image):
    calls = []
    hook = encoder.register_forward_hook(lambda *_: calls.append(1))
    content_sensitivity(encoder, image, {"a": image, "b": image}, LAYERS)
    hook.remove()
    assert len(calls) == 3


def test_the_result_is_plain_floats(encoder, image):
    variant = image.clone().requires_grad_()
    assert json.loads(json.dumps(content_sensitivity(encoder, image, {"v": variant}, LAYERS)))


def test_an_unknown_layer(encoder, image):
    with pytest.raises(KeyError, match="has no 'relu9_1'"):
        content_sensitivity(encoder, image, {"v": image}, ["relu9_1"])


def test_any_callable_can_be_the_encoder(encoder, image):
    variants = {"v": image.flip(3)}
    measured = content_sensitivity(lambda x: encoder(x), image, variants, LAYERS)
    assert measured["v"] == pytest.approx(content_sensitivity(encoder, image, variants, LAYERS)["v"])
    with pytest.raises(KeyError, match=r"layers: the encoder gives no 'relu9_1'; it gives .*relu1_1, "):
        content_sensitivity(lambda x: encoder(x), image, variants, ["relu9_1"])


def test_a_variant_of_another_shape(encoder, image):
    with pytest.raises(
        ValueError,
        match=r"^variants: expected the image's shape \(2, 3, 33, 41\), got \(1, 3, 33, 41\) for 'half'$",
    ):
        content_sensitivity(encoder, image, {"half": image[:1]}, LAYERS)


def test_a_silent_layer(image):
    with pytest.raises(ValueError, match=r"^layers: first is zero everywhere on the image"):
        content_sensitivity(linear_encoder(), torch.zeros_like(image), {"v": image}, ["first"])
