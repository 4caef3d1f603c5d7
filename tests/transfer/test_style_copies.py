"""Turned and scaled copies of a style: geometry against SciPy, and the patches that come of them."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from nstkit.encoders import load_encoder
from nstkit.images import resize
from nstkit.paintings import paint
from nstkit.transfer import style_copies, stylize
from nstkit.transfer.draws import Draw
from nstkit.transfer.matching_targets import drawn_patches
from nstkit.transfer.options import Options
from nstkit.transfer.style_copies import copied_patches, copies_of, turned

pytestmark = pytest.mark.usefixtures("one_thread")

STYLE = paint("mosaic", height=46, width=60)
OPTIONS = Options(
    encoder="tiny", content_layers={}, style_layers={"relu2_1": 1.0, "relu3_1": 1.0}, style_weights=(1.0,),
    content_weight=0.0, style_weight=1.0, tv_weight=0.0, style_loss="patch", normalize="hw", balance="none",
    style_scale=1.0, size=60, coarsest=60, steps=1, optimizer="adam", learning_rate=0.1, history=2, average=0.0,
    init="content", seed=3, precision="float32", channels_last=False, patch_sizes=(0.8,), patch_turns=(10.0,),
)  # fmt: skip


def noise(seed, *shape):
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("degrees", [-15.0, 7.5, 80.0, 200.0])
def test_a_turned_picture_is_read_at_turned_places(degrees):
    picture = noise(0, 2, 3, 31, 44)
    found = turned(picture, degrees)
    height, width = found.shape[2:]
    angle = np.deg2rad(degrees)
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2]).reshape(2, 1, 1)
    rows = 15 + np.sin(angle) * x + np.cos(angle) * y
    columns = 21.5 + np.cos(angle) * x - np.sin(angle) * y
    assert rows.min() > -0.5  # nothing is read beyond the picture
    assert rows.max() < 30.5
    assert columns.min() > -0.5
    assert columns.max() < 43.5
    assert abs(height / width - 31 / 44) < 1 / min(height, width)
    for image, copy in zip(picture.numpy(), found.numpy(), strict=True):
        expected = [map_coordinates(channel, [rows, columns], order=1, mode="nearest") for channel in image]
        np.testing.assert_allclose(copy, expected, atol=1e-9)


def test_right_angles_are_exact_and_anticlockwise():
    square = noise(1, 2, 3, 7, 7)
    for quarter in (1, 2, 3):
        torch.testing.assert_close(turned(square, 90.0 * quarter), square.rot90(quarter, (2, 3)))
    assert turned(square, 0) is square


def test_every_size_with_every_turn_but_the_style_as_it_is():
    found = [copy for copy, _ in copies_of(STYLE, None, (0.5, 2.0), (30.0, 0.0), 1)]
    sizes = {1.0: (46, 60), 0.5: (23, 30), 2.0: (92, 120)}
    expected = [
        turned(resize(STYLE, sizes[size]), turn)
        for size in (1.0, 0.5, 2.0)
        for turn in (0.0, 30.0)
        if (size, turn) != (1, 0)
    ]
    assert len(found) == len(expected) == 5
    for copy, wanted in zip(found, expected, strict=True):
        assert torch.equal(copy, wanted)
    assert not list(copies_of(STYLE, None, (1.0,), (0.0,), 1))
    assert [min(copy.shape[2:]) for copy, _ in copies_of(STYLE, None, (0.5, 2.0), (), 40)] == [
        92
    ]  # the other is small


def test_masks_turn_with_their_style_and_an_empty_one_leaves_its_copy_out():
    mask = (STYLE[0, 0] > 0.5).float()
    for copy, part in copies_of(STYLE, mask, (), (20.0, -140.0), 1):
        assert part.shape == copy.shape[2:]
    assert torch.equal(part, turned(mask[None, None], -140.0)[0, 0])
    corner = torch.zeros(46, 60)
    corner[0, 0] = 1
    assert [copy.shape[2:] for copy, _ in copies_of(STYLE, corner, (0.5,), (45.0,), 1)] == [(23, 30)]


def test_the_patches_of_copies_are_those_of_their_features(monkeypatch):
    monkeypatch.setattr(style_copies, "COPIED", 40)
    network, layers = load_encoder("tiny"), ["relu2_1", "relu3_1"]
    found = copied_patches(network, STYLE, None, layers, OPTIONS, 16)
    copies = [copy for copy, _ in copies_of(STYLE, None, (0.8,), (10.0,), 16)]
    assert len(copies) == 3
    for number, copy in enumerate(copies):
        for layer in layers:
            features = network(copy)[layer]
            expected = drawn_patches(features, Draw(3, 0, f"{layer}:copy{number}"), 3, 40)
            assert torch.equal(found[layer][number], expected)
            height, width = features.shape[2:]
            assert expected.shape[2] == min(40, (height - 2) * (width - 2))


@pytest.mark.parametrize("masked", [False, True])
def test_a_content_that_is_the_style_turned_has_nothing_to_learn(masked):
    style = paint("mosaic", height=60, width=76)
    content, seen = turned(style, 15), []
    regions = (
        {"masks": torch.ones(1, *content.shape[2:]), "style_masks": [torch.ones(60, 76)]} if masked else {}
    )
    for turns in ([15.0, -30.0], [-30.0]):
        stylize(
            content, style, encoder="tiny", size=58, coarsest=58, steps=1, device="cpu", style_scale=76 / 58,
            style_layers={"relu3_1": 1.0}, style_loss="patch", patch_turns=turns, balance="none",
            on_step=lambda s: seen.append(s.losses["style"]), **regions,
        )  # fmt: skip
    assert seen[0] < 1e-9
    assert seen[1] > 0.01
