"""The encoder: taps, cutting, minimum size, precision and the sentences of its errors."""

import pytest
import torch
from torch import nn

from nstkit.encoders import Encoder, load_encoder
from nstkit.encoders.pooling import L2Pool2d

NAMES = ("vgg16", "squeezenet1_1", "tiny")


@pytest.fixture(scope="module")
def encoders():
    return {name: load_encoder(name, weights="random", seed=3) for name in NAMES}


def picture(height=37, width=50, batch=2, dtype=torch.float32):
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=dtype)


@pytest.mark.parametrize("name", NAMES)
def test_one_pass_equals_layer_by_layer(encoders, name):
    encoder, image = encoders[name], picture()
    together = encoder(image)
    assert tuple(together) == encoder.layers
    for layer in encoder.layers[::3]:
        torch.testing.assert_close(encoder(image, [layer])[layer], together[layer])


@pytest.mark.parametrize("name", NAMES)
def test_features_come_in_the_order_asked(encoders, name):
    shallow, deep = encoders[name].layers[1], encoders[name].layers[-1]
    assert list(encoders[name](picture(), [deep, shallow])) == [deep, shallow]


def test_nothing_deeper_than_asked_runs(encoders):
    encoder, ran = encoders["vgg16"], []
    hooks = [
        module.register_forward_hook(lambda module, *_, layer=layer: ran.append(layer))
        for layer, module in encoder.steps.items()
    ]
    encoder(picture(), ["relu2_1", "relu1_2"])
    for hook in hooks:
        hook.remove()
    assert ran == list(encoder.layers[: encoder.layers.index("relu2_1") + 1])


@pytest.mark.parametrize(("name", "layers"), [("vgg16", ["relu2_2"]), ("tiny", ["relu3_1", "texture1"])])
def test_a_cut_encoder_agrees_shares_weights_and_is_smaller(encoders, name, layers):
    encoder, image = encoders[name], picture()
    shorter = encoder.cut(layers)
    for layer, features in encoder(image, layers).items():
        torch.testing.assert_close(shorter(image, layers)[layer], features, rtol=0, atol=0)
    shared = {id(parameter) for parameter in encoder.parameters()}
    assert all(id(parameter) in shared for parameter in shorter.parameters())
    assert len(list(shorter.parameters())) < len(shared)
    assert shorter.layers == tuple(layer for layer in encoder.layers if layer in shorter.layers)
    assert shorter.name == encoder.name


def test_a_branch_that_is_not_asked_is_cut(encoders):
    assert encoders["tiny"].cut(["relu2_1"]).layers == ("conv1_1", "relu1_1", "pool1", "conv2_1", "relu2_1")
    assert encoders["tiny"].cut(["texture2"]).layers[-1] == "texture2"
    assert "conv1_1" not in encoders["tiny"].cut(["texture2"]).layers


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("pooling", ["max", "average"])
def test_the_minimum_size_works_and_one_less_does_not(name, pooling):
    encoder = load_encoder(name, weights="random", pooling=pooling)
    for layer in encoder.layers[1::2]:
        least = encoder.minimum_size([layer])
        assert encoder(picture(least, least + 9), [layer])[layer].numel() > 0
        if least > 1:
            with pytest.raises(ValueError, match=f"give at least {least} x {least} or ask for shallower"):
                encoder(picture(least + 9, least - 1), [layer])
            with pytest.raises(RuntimeError):  # torch agrees: it is really impossible
                run_all(encoder, layer, least - 1)


def run_all(encoder, layer, size):
    path, maps = [layer], torch.rand(2, 3, size, size + 9)
    while encoder.reads[path[0]] != "image":
        path.insert(0, encoder.reads[path[0]])
    for step in path:
        maps = encoder.steps[step](maps)


def test_the_size_error_states_the_image_and_the_layer(encoders):
    with pytest.raises(
        ValueError, match=r"^image: 15 x 40 pixels are too few for vgg16's relu5_1; give at least 16"
    ):
        encoders["vgg16"](picture(15, 40), ["relu1_1", "relu5_1"])


def test_an_unknown_layer_names_the_nearest_and_all(encoders):
    with pytest.raises(
        KeyError, match=r"vgg16 has no 'relu41'; did you mean 'relu4_1'\? It has conv1_1, relu1_1"
    ):
        encoders["vgg16"](picture(), ["relu41"])
    with pytest.raises(KeyError, match="did you mean 'texture1'"):
        encoders["tiny"].cut(["texture_1"])


@pytest.mark.parametrize("layers", ["relu1_1", []])
def test_layers_must_be_a_list_of_names(encoders, layers):
    with pytest.raises(ValueError, match=r"^layers: expected a list of at least one layer's name, got"):
        encoders["vgg16"](picture(), layers)


def test_a_wrong_image_is_refused(encoders):
    with pytest.raises(ValueError, match=r"image: expected \(B, 3, H, W\), got \(3, 37, 50\)"):
        encoders["tiny"](picture()[0])
    with pytest.raises(ValueError, match=r"got \(2, 1, 37, 50\)"):
        encoders["tiny"](picture()[:, :1])
    with pytest.raises(
        TypeError, match=r"expected torch.float32 as the encoder's weights, got torch.float64"
    ):
        encoders["tiny"](picture(dtype=torch.float64))


def test_parameters_are_frozen_and_gradients_reach_the_image(encoders):
    image = picture().requires_grad_()
    encoders["tiny"](image, ["relu4_1", "texture2"])["relu4_1"].sum().backward()
    assert image.grad.isfinite().all()
    assert image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in encoders["tiny"].parameters())
    assert not encoders["tiny"].training


@pytest.mark.parametrize("name", NAMES)
def test_float64_and_channels_last_agree_with_float32(name):
    image = picture()
    encoder = load_encoder(name, weights="random", seed=3)
    plain = encoder(image)
    last = encoder.to(memory_format=torch.channels_last)(image.contiguous(memory_format=torch.channels_last))
    double = encoder.double()(image.double())
    for layer in encoder.layers:
        torch.testing.assert_close(last[layer], plain[layer], rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(double[layer], plain[layer].double(), rtol=1e-3, atol=1e-4)


def test_bfloat16_autocast_is_close(encoders):
    plain = encoders["tiny"](picture(), ["relu3_1"])["relu3_1"]
    with torch.autocast("cpu", torch.bfloat16):
        rounded = encoders["tiny"](picture(), ["relu3_1"])["relu3_1"]
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - plain).norm() < 0.02 * plain.norm()


def test_pixels_are_normalised_inside():
    encoder = Encoder("own", {"same": nn.Identity()}, mean=(0.1, 0.2, 0.3), deviation=(1.0, 2.0, 4.0))
    seen = encoder(picture(), ["same"])["same"]
    for channel, (mean, deviation) in enumerate([(0.1, 1.0), (0.2, 2.0), (0.3, 4.0)]):
        torch.testing.assert_close(seen[:, channel], (picture()[:, channel] - mean) / deviation)


def test_own_modules_make_an_encoder():
    modules = {"conv": nn.Conv2d(3, 5, 3), "pool": L2Pool2d(2, 2), "edges": nn.Conv2d(3, 7, 5, stride=2)}
    encoder = Encoder("own", modules, mean=(0, 0, 0), deviation=(1, 1, 1), reads={"edges": "image"})
    assert [encoder.minimum_size([layer]) for layer in encoder.layers] == [3, 4, 5]
    assert encoder(picture())["edges"].shape == (2, 7, 17, 23)
