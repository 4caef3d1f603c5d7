"""The measures of benchmarks/quality.py against independent oracles, and its run on one small pair."""

import json

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import skimage.color
import torch
from quality import main
from quality_cells import Cell, Network, Pair, baselines, colors_alone, covering
from quality_measures import (
    Reference,
    color_distance,
    content_distance,
    gaussian_distance,
    gram_distance,
    random_judge,
    ssim,
    stroke_octave,
    wavelet_energies,
    wavelet_judge,
)
from quality_report import Column, Row, shown, sign_test, table


def draw(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def judges():
    return {"wavelets": wavelet_judge(), "random": random_judge()}


@pytest.fixture
def features():
    """Two layers of two pictures; channels correlated, sizes different where a measure allows it."""
    mix = draw(5, 5, seed=9)
    ours = {"a": torch.einsum("ij,bjhw->bihw", mix, draw(1, 5, 6, 11)), "b": draw(1, 3, 4, 7, seed=1)}
    theirs = {"a": draw(1, 5, 8, 9, seed=2) + 0.3, "b": 2 * draw(1, 3, 5, 6, seed=3)}
    return ours, theirs


def test_a_picture_is_no_distance_from_itself_and_like_itself(judges):
    image = draw(1, 3, 70, 93).float()
    found = Reference.of(image, image, judges).judged(image)
    assert found.pop("ssim") == pytest.approx(1, abs=1e-12)
    assert found == pytest.approx(dict.fromkeys(found, 0), abs=1e-4)


def test_gaussian_distance_is_that_of_scipys_matrix_root(features):
    expected = []
    for name in features[1]:
        x, y = (side[name][0].flatten(1).numpy() for side in features)
        a, b = np.cov(x), np.cov(y)
        root = scipy.linalg.sqrtm(scipy.linalg.sqrtm(b) @ a @ scipy.linalg.sqrtm(b)).real
        squared = np.sum((x.mean(1) - y.mean(1)) ** 2) + np.trace(a + b - 2 * root)
        expected.append(np.sqrt(squared / np.trace(b)))
    assert gaussian_distance(*features) == pytest.approx(np.mean(expected), rel=1e-9)


def test_gaussian_distance_of_shifted_and_widened_features_is_the_closed_form():
    theirs = draw(1, 4, 7, 9)
    ours = 3 * (theirs - theirs.mean((2, 3), keepdim=True)) + theirs.mean((2, 3), keepdim=True) + 0.5
    variance = theirs.var((2, 3)).sum()  # W₂² = |shift|² + (3 − 1)² · variance
    expected = ((4 * 0.5**2 + 4 * variance) / variance).sqrt()
    assert gaussian_distance({"a": ours}, {"a": theirs}) == pytest.approx(float(expected), rel=1e-9)


def test_gram_distance_is_the_loop_form(features):
    expected = []
    for name in features[1]:
        grams = []
        for side in features:
            maps = side[name][0].numpy()
            channels = range(len(maps))
            grams.append(np.array([[np.mean(maps[i] * maps[j]) for j in channels] for i in channels]))
        expected.append(np.sqrt(((grams[0] - grams[1]) ** 2).sum() / (grams[1] ** 2).sum()))
    assert gram_distance(*features) == pytest.approx(np.mean(expected), rel=1e-9)


def test_content_distance_is_one_for_flat_maps_and_root_two_for_unrelated_ones():
    target = {"a": draw(1, 5, 60, 71), "b": draw(1, 3, 40, 31, seed=1)}
    flat = {name: maps.mean((2, 3), keepdim=True).expand_as(maps) for name, maps in target.items()}
    unrelated = {name: draw(*maps.shape, seed=5) for name, maps in target.items()}
    assert content_distance(flat, target) == pytest.approx(1, rel=1e-12)
    assert content_distance(unrelated, target) == pytest.approx(2**0.5, rel=0.03)


def test_ssim_of_flat_pictures_is_the_closed_form():
    dark, bright = torch.full((1, 3, 40, 53), 0.2), torch.full((1, 3, 40, 53), 0.7)
    c1 = 0.01**2
    assert ssim(dark, bright) == pytest.approx((2 * 0.2 * 0.7 + c1) / (0.2**2 + 0.7**2 + c1), rel=1e-6)


def test_color_distance_of_grays_is_the_distance_of_their_sorted_lightness():
    ours, theirs = draw(1, 1, 20, 31) ** 2, draw(1, 1, 20, 31, seed=1)
    lightness = [
        np.sort(skimage.color.rgb2lab(plane[0].expand(3, -1, -1).permute(1, 2, 0).numpy())[..., 0], None)
        for plane in (ours, theirs)
    ]
    expected = np.sqrt(np.mean((lightness[0] - lightness[1]) ** 2))
    found = color_distance(ours.expand(-1, 3, -1, -1), theirs.expand(-1, 3, -1, -1))
    assert found == pytest.approx(expected, rel=1e-3)


def test_color_distance_is_blind_to_places_and_the_others_are_not():
    image = baselines(Pair("chelsea", "mosaic", 96))["style"]
    places = torch.randperm(image[0, 0].numel(), generator=torch.Generator().manual_seed(0))
    mixed = image.flatten(2)[..., places].view_as(image)
    assert color_distance(mixed, image) == pytest.approx(0, abs=1e-6)
    assert gram_distance(wavelet_energies(mixed), wavelet_energies(image)) > 0.2
    assert stroke_octave(mixed) < stroke_octave(image)


def test_a_grating_twice_as_coarse_lies_an_octave_higher():
    x = torch.arange(160.0).expand(1, 3, 128, 160)
    octaves = [stroke_octave(0.5 + 0.4 * torch.sin(2 * torch.pi * x / wave)) for wave in (8, 16, 32)]
    assert np.diff(octaves) == pytest.approx([1, 1], abs=0.1)


def test_the_style_comes_first_then_its_painter_then_colours_and_the_photograph_keeps_the_content(judges):
    pair = Pair("chelsea", "stained_glass", 96)
    reference = Reference.of(pair.content(), pair.style(), judges)
    found = {name: reference.judged(picture) for name, picture in baselines(pair).items()}
    ranked = ("style", "same painter", "colours alone", "content")
    for measure in ("color", *(f"{judge} {name}" for judge in judges for name in ("gram", "gaussian"))):
        values = [found[name][measure] for name in ranked]
        assert values[0] < values[2] < values[3], measure
        assert values[1] < values[2], measure
    for measure in ("wavelets content", "random content"):
        assert 0 == found["content"][measure] < found["colours alone"][measure] < found["style"][measure]
    assert found["content"]["ssim"] > found["colours alone"]["ssim"] > found["style"]["ssim"] + 0.2


def test_colors_alone_has_the_styles_mean_and_deviation_where_no_color_is_clipped():
    content, style = (0.45 + 0.1 * draw(1, 3, 19, 30, seed=k) for k in (0, 1))
    labs = [
        skimage.color.rgb2lab(picture[0].permute(1, 2, 0).numpy())
        for picture in (colors_alone(content, style), style)
    ]
    for statistic in (np.mean, np.std):
        ours, theirs = (statistic(lab, axis=(0, 1)) for lab in labs)
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 3, 30, 41), (1, 3, 80, 20), (1, 3, 9, 12)])
def test_covering_keeps_the_middle(shape):
    picture = torch.zeros(1, 3, 33, 44)
    picture[..., 16, 21:23] = 1
    found = covering(picture, torch.zeros(shape))
    assert found.shape == shape
    assert (
        found[..., shape[2] // 2 - 2 : shape[2] // 2 + 3, shape[3] // 2 - 2 : shape[3] // 2 + 3].max() > 0.5
    )


@pytest.mark.parametrize(("wins", "losses"), [(6, 0), (4, 2), (1, 5), (3, 3)])
def test_sign_test_is_scipys(wins, losses):
    expected = scipy.stats.binomtest(wins, wins + losses).pvalue
    assert sign_test(wins, losses) == pytest.approx(expected)


def test_shares_are_taken_pair_by_pair_before_the_median():
    base = Row("", "content", {"x": {"m": 2.0}, "y": {"m": 10.0}, "z": {"m": 4.0}})
    row = Row("tiny", "default", {"x": {"m": 1.0}, "y": {"m": 1.0}, "z": {"m": -1.0}}, 12.4)
    column = Column("m", "measure", "content", 2)
    assert shown(row, column, {"content": base}) == [0.5, 0.1, -0.25]
    assert table([row], [column], {"content": base}).splitlines()[-1] == "| tiny | default | 0.10 | 12 |"


def test_a_cell_that_is_stopped_leaves_no_file(tmp_path):
    (tmp_path / "cells").mkdir()
    cell = Cell(Pair("chelsea", "swirls", 64), Network("tiny", None), "default", 2)
    assert not cell.make(tmp_path, lambda step: True)
    assert not list((tmp_path / "cells").iterdir())


def test_a_run_is_kept_and_resumed_and_never_mixed_with_another(tmp_path, capsys):
    words = ["-o", str(tmp_path), "--pairs", "1", "--size", "96", "--steps", "1", "--recipes", "default"]
    encoders = ["--encoders", "tiny", "tiny=random"]
    assert main([*words, *encoders]) == 0
    printed = capsys.readouterr().out
    cells = sorted((tmp_path / "cells").iterdir())
    assert [cell.name for cell in cells] == [
        "tiny-default-chelsea-stained_glass.png", "tiny=random-default-chelsea-stained_glass.png",
    ]  # fmt: skip
    assert "| tiny=random | default |" in printed == (tmp_path / "table.md").read_text() + "\n"
    assert json.loads((tmp_path / "quality.json").read_text())["rows"][-1]["encoder"] == "tiny=random"

    assert main(words) == 2
    assert "go on with --resume" in capsys.readouterr().err

    kept, again = cells[0].stat().st_mtime_ns, cells[1].read_bytes()
    cells[1].unlink()
    assert main([*words, *encoders, "--resume"]) == 0
    assert capsys.readouterr().out == printed
    assert cells[0].stat().st_mtime_ns == kept
    assert len(cells[1].read_bytes()) == pytest.approx(len(again), abs=99)

    assert main([*words, "--resume", "--steps", "2"]) == 2
    assert "expected a picture with steps=2, got one with 1; name another folder" in capsys.readouterr().err


def test_mistakes_are_told_before_any_work(tmp_path, capsys):
    for words, told in (
        (["--pairs", "99"], "--pairs: expected 1 to 12, got 99"),
        (["--size", "64"], "--size: expected at least 96"),
        (["--encoders", "vgg91"], "encoder: expected one of"),
        (["--encoders", "tiny", "tiny"], "--encoders: expected each once"),
        (["--judges", "tiny"], "--judges: expected a network that no transfer used, got tiny"),
    ):
        assert main(["-o", str(tmp_path / "out"), *words]) == 2
        assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
