"""tiny's layers: names, sizes and what they see."""

import pytest
import torch
from torch import nn

from nstkit.encoders import load_encoder
from nstkit.encoders.tiny_network import DEPTHS, TEXTURE_WIDTHS, WIDTHS, texture_modules, trunk_modules


def test_blocks_have_vggs_names_and_the_stated_widths():
    trunk = trunk_modules()
    for block, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True), start=1):
        for index in range(1, depth + 1):
            assert trunk[f"conv{block}_{index}"].out_channels == width
            assert isinstance(trunk[f"relu{block}_{index}"], nn.ReLU)
    assert [name for name in trunk if name.startswith("pool")] == ["pool1", "pool2", "pool3", "pool4"]


def test_batch_norm_stands_between_convolution_and_relu_in_training_only():
    names = list(trunk_modules(batch_norm=True))
    for index, name in enumerate(names):
        if name.startswith("conv"):
            assert names[index + 1 : index + 3] == [
                name.replace("conv", "norm"),
                name.replace("conv", "relu"),
            ]
    assert [name for name in names if not name.startswith("norm")] == list(trunk_modules())


def test_every_tap_has_its_scale():
    features = load_encoder("tiny", weights="random")(torch.rand(2, 3, 48, 80))
    for block, width in enumerate(WIDTHS, start=1):
        assert features[f"relu{block}_1"].shape == (2, width, 48 >> (block - 1), 80 >> (block - 1))
    for index, width in enumerate(TEXTURE_WIDTHS, start=1):
        assert features[f"texture{index}"].shape == (2, width, 48, 80)
    assert list(texture_modules()) == ["texture1_conv", "texture1", "texture2_conv", "texture2"]


@pytest.mark.parametrize(
    ("layer", "span"),
    [
        ("texture1", 5),
        ("texture2", 7),
        ("relu1_1", 3),
        ("relu2_1", 10),
        ("relu3_1", 24),
        ("relu4_1", 60),
        ("relu5_1", 132),
    ],
)
def test_taps_see_as_many_pixels_as_the_model_card_says(layer, span):
    """A window of k at a spacing of s adds (k - 1) s pixels; the gradient shows the same."""
    encoder = load_encoder("tiny", weights="random").double()
    image = torch.rand(2, 3, 191, 193, dtype=torch.float64).requires_grad_()
    features = encoder(image, [layer])[layer]
    row, column = features.shape[2] // 2, features.shape[3] // 2
    (gradient,) = torch.autograd.grad(features[:, :, row, column].sum(), image)
    touched = gradient.abs().sum((0, 1, 2)).nonzero()
    assert int(touched.max() - touched.min()) + 1 == span
