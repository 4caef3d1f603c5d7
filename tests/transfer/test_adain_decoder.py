"""The encoder in a mirror: widths, sizes, and layers that have no mirror image."""

import pytest
import torch
from torch import nn

from nstkit.encoders import Encoder, load_encoder
from nstkit.transfer.adain_decoder import AdaInDecoder


def convolutions(decoder):
    return [(m.in_channels, m.out_channels) for m in decoder.modules() if isinstance(m, nn.Conv2d)]


@pytest.fixture
def encoder():
    """Two halvings, kernels of 3 and 5, and a branch that starts at the image."""
    torch.manual_seed(4)
    modules = {
        "side_conv": nn.Conv2d(3, 6, 5, padding=2), "side": nn.ReLU(),
        "conv1": nn.Conv2d(3, 5, 3, padding=1), "relu1": nn.ReLU(), "pool1": nn.AvgPool2d(4, 2, 1),
        "conv2": nn.Conv2d(5, 7, 5, padding=2), "relu2": nn.ReLU(), "pool2": nn.MaxPool2d(2),
        "conv3": nn.Conv2d(7, 4, 3, padding=1),
    }  # fmt: skip
    reads = {"conv1": "image"}
    return Encoder("toy", modules, mean=[0.5] * 3, deviation=[0.25] * 3, reads=reads)


@pytest.mark.parametrize(
    ("layer", "stride", "widths"),
    [
        ("side", 1, [(6, 3)]),
        ("relu1", 1, [(5, 3)]),
        ("pool1", 2, [(5, 3)]),
        ("conv2", 2, [(7, 5), (5, 3)]),
        ("conv3", 4, [(4, 7), (7, 5), (5, 3)]),
    ],
)
def test_the_widths_in_reverse(encoder, layer, stride, widths):
    decoder = AdaInDecoder(encoder, layer)
    assert convolutions(decoder) == widths
    assert decoder.stride == stride
    features = encoder(torch.rand(2, 3, 12, 20), [layer])[layer]
    assert decoder(features).shape == (2, 3, 12, 20)


def test_kernels_keep_their_size(encoder):
    sizes = [m.kernel_size for m in AdaInDecoder(encoder, "conv3").body if isinstance(m, nn.Conv2d)]
    assert sizes == [(3, 3), (5, 5), (3, 3)]


def test_the_decoder_of_the_paper():
    """relu4_1 of VGG: nine convolutions, three enlargements between them, ReLU after all but the last."""
    with torch.device("meta"):
        decoder = AdaInDecoder(load_encoder("vgg19", weights="random"), "relu4_1")
    assert convolutions(decoder) == [
        (512, 256), (256, 256), (256, 256), (256, 256), (256, 128), (128, 128), (128, 64), (64, 64), (64, 3),
    ]  # fmt: skip
    kinds = "".join({"Conv2d": "c", "ReLU": "r", "Upsample": "u"}[type(m).__name__] for m in decoder.body)
    assert kinds == "cru" + "cr" * 4 + "u" + "cr" * 2 + "u" + "crc"


def test_an_untrained_decoder_starts_around_gray(encoder):
    out = AdaInDecoder(encoder, "conv3")(torch.zeros(2, 4, 4, 6))
    assert (out.mean((0, 2, 3)) - 0.5).abs().max() < 0.3


def test_borders_are_reflected(encoder):
    """A flat map stays flat up to the border."""
    out = AdaInDecoder(encoder, "conv3")(torch.ones(2, 4, 3, 5))
    assert (out.amax((2, 3)) - out.amin((2, 3))).max() < 1e-5


def test_layers_without_a_mirror_image_are_refused(encoder):
    with pytest.raises(KeyError, match="layers: toy has no 'conv9'; did you mean 'conv"):
        AdaInDecoder(encoder, "conv9")
    squeezenet = load_encoder("squeezenet1_1", weights="random")
    with pytest.raises(ValueError, match="layer: squeezenet1_1's fire5 has no mirror image"):
        AdaInDecoder(squeezenet, "fire5")
    with pytest.raises(ValueError, match="layer: squeezenet1_1's conv1 has no mirror image"):
        AdaInDecoder(squeezenet, "relu1")
