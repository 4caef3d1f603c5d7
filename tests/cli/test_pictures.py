"""`nstkit paint` and `nstkit pictures`."""

import torch

from nstkit.cli.pictures import in_columns
from nstkit.images import load_image, photograph_names, read_metadata, save_image
from nstkit.paintings import paint, painting_names


def test_paint_saves_what_paint_draws(nstkit, here):
    code, out, err = nstkit("paint", "mosaic", "-o", "a.png", "--height", 40, "--width", 56, "--seed", 2)
    assert (code, out, err) == (0, "", "wrote a.png, 56x40\n")
    save_image(paint("mosaic", 40, 56, 2), "b.png")
    assert torch.equal(load_image("a.png"), load_image("b.png"))
    assert read_metadata("a.png") | {"painting": "mosaic", "seed": "2", "height": "40"} == read_metadata(
        "a.png"
    )


def test_paint_replaces_nothing_unasked(nstkit, here):
    (here / "a.png").write_bytes(b"precious")
    words = ("paint", "mosaic", "-o", "a.png", "--height", 40, "--width", 56)
    assert nstkit(*words).code == 2
    assert (here / "a.png").read_bytes() == b"precious"
    assert nstkit(*words, "--force").code == 0


def test_what_cannot_be_painted_is_one_sentence(nstkit, here):
    for words, message in (
        (("mosiac", "-o", "a.png"), "did you mean 'mosaic'?"),
        (("mosaic", "-o", "a.png", "--height", 8), "at least 32 pixels"),
        (("mosaic", "-o", "a.txt"), "expected a name that ends in"),
    ):
        code, out, err = nstkit("paint", *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert message in err
    assert list(here.iterdir()) == []


def test_all_names_are_listed(nstkit, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    code, out, err = nstkit("pictures")
    assert (code, err) == (0, "")
    assert set(photograph_names()) | set(painting_names()) <= set(out.split())


def test_columns_fit_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    lines = in_columns([f"picture_{number}" for number in range(12)]).splitlines()
    assert len(lines) > 1
    assert all(len(line) <= 40 for line in lines)
