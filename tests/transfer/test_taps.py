"""Colour taps and luma bands beside an encoder's own layers."""

import pytest
import torch

from nstkit.encoders import load_encoder
from nstkit.transfer.taps import COLOR_LAYERS, LUMA_LAYERS, TappedEncoder

IMAGE = torch.rand(2, 3, 64, 80, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def tapped():
    return TappedEncoder(load_encoder("tiny"), ["relu2_1", *COLOR_LAYERS, *LUMA_LAYERS])


def test_names_and_sizes(tapped):
    sizes = {name: tuple(f.shape[2:]) for name, f in tapped(IMAGE).items()}
    assert sizes == {
        "relu2_1": (32, 40), "color1": (64, 80), "color2": (32, 40), "color4": (16, 20),
        "luma2": (32, 40), "luma4": (16, 20), "luma8": (8, 10),
    }  # fmt: skip


def test_luma_is_linear_and_blind_to_brightness_and_to_colour_of_one_luma(tapped):
    one, two = tapped(IMAGE), tapped(0.5 * IMAGE + 0.25)
    for name in LUMA_LAYERS:
        torch.testing.assert_close(two[name], 0.5 * one[name], atol=1e-5, rtol=1e-4)
    recolored = IMAGE.clone()
    recolored[:, 0] += 0.114 * 0.3
    recolored[:, 2] -= 0.299 * 0.3
    for name in LUMA_LAYERS:
        torch.testing.assert_close(tapped(recolored)[name], one[name], atol=1e-5, rtol=1e-4)


def test_colour_taps_forget_places_but_not_colours(tapped):
    order = torch.randperm(64 * 80, generator=torch.Generator().manual_seed(1))
    shuffled = IMAGE.flatten(2)[..., order].view_as(IMAGE)
    one, two = tapped(IMAGE)["color1"].flatten(2), tapped(shuffled)["color1"].flatten(2)
    torch.testing.assert_close(one @ one.mT, two @ two.mT, rtol=1e-4, atol=1e-2)
    other = tapped(IMAGE.flip(1))["color1"].flatten(2)
    assert float((one @ one.mT - other @ other.mT).norm() / (one @ one.mT).norm()) > 0.05


def test_the_minimum_size_is_enough_and_one_less_is_not(tapped):
    least = tapped.minimum_size()
    tapped(IMAGE[..., :least, :least])
    assert TappedEncoder(load_encoder("tiny"), ["relu1_1"]).minimum_size() < least


def test_only_what_is_asked_for_is_kept():
    tapped = TappedEncoder(load_encoder("tiny"), ["relu1_1"])
    assert list(tapped(IMAGE)) == ["relu1_1"]
    assert tapped.encoder.layers[-1] == "relu1_1"
    assert TappedEncoder(load_encoder("tiny"), ["color2"]).encoder is None
