"""The receptive field is the extent of the input gradient of one output."""

import pytest
import torch
from torch import nn

from nstkit.encoders import Encoder, layer_windows, load_encoder, receptive_field

VGG19_RELU4_2 = (
    [(3, 1, 1)] * 2 + [(2, 2, 1)] + [(3, 1, 1)] * 2 + [(2, 2, 1)] + [(3, 1, 1)] * 4 + [(2, 2, 1)] + [(3, 1, 1)] * 2
)  # fmt: skip


def seen(layers, length=400):
    """Where two neighbouring outputs of a stack of all-ones convolutions look: extent and shift."""
    spans = []
    for offset in (0, 1):
        x = torch.zeros(1, 1, length, dtype=torch.float64, requires_grad=True)
        y = x
        for kernel, stride, dilation in layers:
            y = nn.functional.conv1d(
                y, torch.ones(1, 1, kernel, dtype=y.dtype), stride=stride, dilation=dilation
            )
        y[0, 0, offset].backward()
        hit = x.grad[0, 0].nonzero().ravel()
        spans.append((int(hit[0]), int(hit[-1])))
    return spans[0][1] - spans[0][0] + 1, spans[1][0] - spans[0][0]


@pytest.mark.parametrize("layers", [
    [], [(3, 1, 1)], [(1, 2, 3)], [(3, 2, 1), (3, 1, 1)], [(2, 2, 1), (3, 2, 2), (5, 1, 3)], VGG19_RELU4_2,
    [(4, 2, 1)] * 3 + [(4, 1, 1)] * 2,
], ids=str)  # fmt: skip
def test_it_is_the_extent_of_the_gradient(layers):
    assert receptive_field(layers) == seen(layers)


def test_known_networks():
    assert receptive_field(VGG19_RELU4_2) == (84, 8)
    relu5_1 = [*VGG19_RELU4_2, *[(3, 1, 1)] * 2, (2, 2, 1), (3, 1, 1)]
    assert receptive_field(relu5_1) == (156, 16)
    assert receptive_field([(4, 2, 1)] * 3 + [(4, 1, 1)] * 2) == (70, 8)  # PatchGAN


@pytest.mark.parametrize(("layers", "words"), [
    ([(3, 1, 1), (0, 1, 1)], r"layers\[1\]: expected \(kernel, stride, dilation\), each at least 1, got \(0, 1, 1\)"),
    ([(3, 0, 1)], r"layers\[0\]"),
    ([(3, 1, -1)], r"layers\[0\]"),
    ([(3, 1)], r"got \(3, 1\)"),
])  # fmt: skip
def test_mistakes_are_named(layers, words):
    with pytest.raises(ValueError, match=words):
        receptive_field(layers)


def test_the_windows_of_vgg19():
    encoder = load_encoder("vgg19", weights="random")
    assert receptive_field(layer_windows(encoder, "relu4_2")) == (84, 8)
    assert receptive_field(layer_windows(encoder, "relu5_1")) == (156, 16)


def test_the_windows_of_a_branch_start_at_its_own_source():
    encoder = load_encoder("tiny")
    assert receptive_field(layer_windows(encoder, "relu1_1")) == (3, 1)


def test_the_windows_of_rectangular_kernels_are_the_height():
    modules = {"a": nn.Conv2d(3, 4, (5, 3), stride=(2, 1), dilation=(3, 1)), "b": nn.ReLU()}
    encoder = Encoder("own", modules, mean=(0, 0, 0), deviation=(1, 1, 1))
    assert [w for w in layer_windows(encoder, "b") if w != (1, 1, 1)] == [(5, 2, 3)]


def test_unknown_and_composite_layers_are_refused():
    with pytest.raises(KeyError, match="tiny has no 'relu9'"):
        layer_windows(load_encoder("tiny"), "relu9")
    with pytest.raises(ValueError, match="fire2 is made of several layers"):
        layer_windows(load_encoder("squeezenet1_1", weights="random"), "fire2")
