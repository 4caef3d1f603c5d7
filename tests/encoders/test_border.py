"""A repeated border: NumPy's padding by hand, in the layers that read the image and in no others."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nstkit.encoders import Encoder, load_encoder, repeat_border

IMAGE = torch.rand(2, 3, 21, 26, generator=torch.Generator().manual_seed(0))


def padded_by_hand(encoder, layer, image):
    conv, image = encoder.steps[layer], (image - encoder.mean) / encoder.deviation
    width = conv.padding[0]
    edge = np.pad(image.numpy(), ((0, 0), (0, 0), (width, width), (width, width)), mode="edge")
    return F.conv2d(torch.from_numpy(edge), conv.weight, conv.bias)


@pytest.fixture
def toy():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        modules = {
            "conv1": nn.Conv2d(3, 4, 3, padding=1),
            "relu1": nn.ReLU(),
            "conv2": nn.Conv2d(4, 5, 3, padding=1),
        }
        return Encoder("toy", modules, mean=[0.5] * 3, deviation=[0.25] * 3)


@pytest.mark.parametrize("first", ["conv1_1", "texture1_conv"])
def test_what_reads_the_image_sees_its_edge_again(first):
    encoder = load_encoder("tiny")
    found = repeat_border(encoder)(IMAGE, [first])[first]
    torch.testing.assert_close(found, padded_by_hand(encoder, first, IMAGE), rtol=1e-5, atol=1e-5)
    assert (found - encoder(IMAGE, [first])[first]).abs().max() > 1e-2


def test_layers_above_pad_with_zeros_as_before(toy):
    found = repeat_border(toy)(IMAGE)
    expected = F.conv2d(
        F.pad(found["relu1"], (1, 1, 1, 1)), toy.steps["conv2"].weight, toy.steps["conv2"].bias
    )
    torch.testing.assert_close(found["conv2"], expected, rtol=1e-5, atol=1e-5)


def test_away_from_the_border_nothing_changes():
    encoder = load_encoder("tiny")
    plain, repeated = (e(IMAGE, ["texture1"])["texture1"] for e in (encoder, repeat_border(encoder)))
    torch.testing.assert_close(repeated[..., 2:-2, 2:-2], plain[..., 2:-2, 2:-2], rtol=1e-5, atol=1e-6)


def test_a_picture_of_one_color_has_no_edge(toy):
    flat = torch.tensor([0.9, 0.2, 0.6]).view(1, 3, 1, 1).expand(2, 3, 9, 12)
    assert toy(flat, ["conv1"])["conv1"].std((2, 3)).max() > 1e-2
    assert repeat_border(toy)(flat, ["conv1"])["conv1"].std((2, 3)).max() < 1e-5


def test_weights_are_shared_and_the_given_encoder_is_left_alone():
    encoder = load_encoder("tiny")
    before = encoder(IMAGE, ["relu1_1"])["relu1_1"]
    repeated = repeat_border(encoder)
    assert {id(p) for p in repeated.parameters()} == {id(p) for p in encoder.parameters()}
    assert (repeated.layers, repeated.reads, repeated.name) == (encoder.layers, encoder.reads, encoder.name)
    assert repeated.weights == encoder.weights
    assert torch.equal(encoder(IMAGE, ["relu1_1"])["relu1_1"], before)
    twice = repeat_border(repeat_border(encoder))
    assert torch.equal(
        twice(IMAGE, ["conv1_1"])["conv1_1"], repeat_border(encoder)(IMAGE, ["conv1_1"])["conv1_1"]
    )


def test_without_padding_or_convolution_there_is_no_border_to_repeat():
    modules = {"pool": nn.AvgPool2d(2), "conv": nn.Conv2d(3, 4, 3, padding=1), "bare": nn.Conv2d(3, 5, 3)}
    encoder = Encoder("toy", modules, mean=[0.5] * 3, deviation=[0.25] * 3, reads={"bare": "image"})
    layers = ["conv", "bare"]
    found, expected = repeat_border(encoder)(IMAGE, layers), encoder(IMAGE, layers)
    assert all(torch.equal(found[layer], expected[layer]) for layer in layers)
