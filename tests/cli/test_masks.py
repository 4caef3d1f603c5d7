"""Masks on the command line: pictures drawn over the content or a style become what `stylize` takes."""

import json

import pytest
import torch

from nstkit.cli.masks import read_masks
from nstkit.cli.sources import picture
from nstkit.images import load_image, read_metadata, save_image
from nstkit.transfer import stylize

SHORT = ("--size", 112, "--coarsest", 112, "--steps", 2, "--encoder", "tiny", "-q")


@pytest.fixture
def drawn(here):
    """Left halves, white: of the photo's proportions and of a painting's; a square; and black."""
    for name, height, width in (("map.png", 144, 192), ("part.png", 64, 80), ("square.png", 50, 50)):
        save_image((torch.arange(width) < width // 2).float().expand(1, 3, height, width), here / name)
    save_image(torch.zeros(1, 3, 36, 48), here / "black.png")


def test_masks_have_the_size_of_what_they_are_drawn_over(drawn):
    content, styles = torch.rand(1, 3, 72, 96), [torch.rand(1, 3, 80, 100), torch.rand(1, 3, 30, 40)]
    named = {"masks": ["map.png", "map.png"], "content_map": "map.png", "style_masks": ["part.png", "-"]}
    found = read_masks(named, content, styles)
    assert found.keys() == named.keys()
    assert found["masks"].shape == (2, 72, 96)
    assert found["content_map"].shape == (1, 72, 96)
    assert found["style_masks"][0].shape == (1, 80, 100)
    assert found["style_masks"][1] is None
    for mask in (found["masks"][1], found["content_map"][0], found["style_masks"][0][0]):
        left = (torch.arange(mask.shape[1]) < mask.shape[1] // 2).float()
        assert float((mask - left).abs().mean()) < 0.02  # all but the edge
    assert read_masks({"size": 5}, content, styles) == {}


def test_the_picture_is_what_stylize_makes(nstkit, drawn, photo):
    words = ("transfer", photo, "mosaic", "ink_wash", "-o", "out.png", *SHORT)
    assert nstkit(
        *words, "--content-map", "map.png", "--style-masks", "part.png,all", "--match-color", "histogram"
    ) == (0, "", "")
    stored = read_metadata("out.png")
    assert (json.loads(stored["content_map"]), json.loads(stored["style_masks"])) == (
        "map.png",
        ["part.png", "all"],
    )
    assert json.loads(stored["options"])["match_color"] == "histogram"
    content, styles = picture(photo, 112, enlarge=True), [picture(n, 112) for n in ("mosaic", "ink_wash")]
    masks = read_masks({"content_map": "map.png", "style_masks": ["part.png", "-"]}, content, styles)
    image = stylize(
        content, styles, encoder="tiny", size=112, coarsest=112, steps=2, match_color="histogram", **masks
    ).image
    save_image(image, "expected.png")
    assert torch.equal(load_image("out.png"), load_image("expected.png"))


@pytest.mark.parametrize(("words", "message"), [
    (("--content-map", "square.png"), "--content-map: expected square.png in the content's proportions, 112 x 84 at "
     "this size, got 112 x 112; draw it over the content"),
    (("--content-map", "gone.png"), "--content-map: expected a picture; gone.png"),
    (("--content-map", "black.png"), "--content-map: expected a number above 0 somewhere, got zeros only"),
    (("--style-masks", "square.png"), "--style-masks: expected square.png in its style's proportions, 112 x 90 at "
     "this size, got 112 x 112; draw it over its style"),
    (("--style-masks", "part.png,-"), "--style-masks: expected one for each style, 1, got 2; - reads all of a style"),
    (("--match-color", "histogram", "--preserve-color", "luminance"), "--match-color: expected no preserve_color"),
    (("--match-color", "hue"), "--match-color: expected histogram or covariance, got 'hue'"),
])  # fmt: skip
def test_mistakes_are_one_sentence(nstkit, here, drawn, photo, words, message):
    code, out, err = nstkit("transfer", photo, "mosaic", "-o", "out.png", *SHORT, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (here / "out.png").exists()
