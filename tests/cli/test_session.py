"""A run ends with the picture, or with everything that is needed to go on; never with less than there was before."""

import json
import os
import signal

import pytest
import torch

from nstkit.cli import session
from nstkit.cli.sources import picture
from nstkit.images import ImageError, load_image, read_metadata, save_image
from nstkit.transfer import NonFiniteLoss, stylize

SHORT = ("--size", 112, "--coarsest", 56, "--steps", 4, "--encoder", "tiny")
"""Two scales of four steps."""


@pytest.fixture
def order(photo, style):
    """The words of a short transfer to out.png."""
    return ("transfer", photo, style, "-o", "out.png", *SHORT)


@pytest.fixture
def stop_at(monkeypatch):
    """`stop_at(n)`: Ctrl-C arrives during step n of every run to come; None, never."""
    real, place = session.stylize, [None]

    def interrupted(*args, on_step, **kwargs):
        def watch(step):
            if step.done == place[0]:
                os.kill(os.getpid(), signal.SIGINT)
            return on_step(step)

        return real(*args, on_step=watch, **kwargs)

    monkeypatch.setattr(session, "stylize", interrupted)
    return lambda number: place.__setitem__(0, number)


def files(here):
    return sorted(path.name for path in here.iterdir())


def test_the_picture_is_what_stylize_makes(nstkit, here, photo, style, order):
    code, out, err = nstkit(*order)
    assert (code, out) == (0, "")
    assert [line.split()[0] for line in err.splitlines()] == ["encoder:", "5", "100", "wrote"]
    content, styles = picture(photo, 112, enlarge=True), [picture(style, 112)]
    image = stylize(content, styles, encoder="tiny", size=112, coarsest=56, steps=4).image
    save_image(image, "expected.png")
    assert torch.equal(load_image("out.png"), load_image("expected.png"))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tiff", ".webp"])
def test_every_format_remembers_how_it_was_made(nstkit, here, photo, style, suffix):
    words = (
        "--seed",
        3,
        "--init",
        "noise",
        "--size",
        64,
        "--steps",
        1,
        "--style-layers",
        "relu1_1=0.5,relu2_1",
    )
    assert nstkit("transfer", photo, style, "-o", f"out{suffix}", *words, "-q") == (0, "", "")
    stored = read_metadata(f"out{suffix}")
    assert (stored["content"], json.loads(stored["styles"])) == (photo, [style])
    options = json.loads(stored["options"])
    assert (options["seed"], options["init"], options["size"]) == (3, "noise", 64)
    assert options["style_layers"] == {"relu1_1": 0.5, "relu2_1": 1.0}


def test_several_styles_with_weights(nstkit, photo, style):
    assert (
        nstkit(
            "transfer", photo, style, "mosaic", "-o", "out.png", "--style-weights", "3,1", *SHORT, "-q"
        ).code
        == 0
    )
    assert json.loads(read_metadata("out.png")["options"])["style_weights"] == [3.0, 1.0]


def test_a_file_to_start_from_is_used(nstkit, here, order, photo):
    for init in ("gray", photo):
        assert nstkit(*order, "--init", init, "--steps", 1, "--force", "-q").code == 0
        (here / "out.png").rename(here / f"{init}-out.png")
    assert not torch.equal(load_image("gray-out.png"), load_image("photo.png-out.png"))


def halves(here):
    """The left and the right half of the photo, as pictures of its proportions."""
    left = (torch.arange(96) < 48).float().expand(1, 3, 72, 96)
    save_image(left, here / "left.png")
    save_image(1 - left, here / "right.png")
    return "left.png", "right.png"


def test_masks_are_pictures_one_for_each_style(nstkit, here, photo, style, stop_at):
    words = ("transfer", photo, style, "ink_wash", "-o", "out.png", *SHORT, "-q")
    masked = (*words, "--masks", ",".join(halves(here)))
    assert nstkit(*masked).code == 0
    assert json.loads(read_metadata("out.png")["masks"]) == ["left.png", "right.png"]
    content = picture(photo, 112, enlarge=True)
    masks = torch.cat([picture(name, 112, enlarge=True)[:, 0] for name in ("left.png", "right.png")])
    styles = [picture(style, 112), picture("ink_wash", 112)]
    image = stylize(content, styles, encoder="tiny", size=112, coarsest=56, steps=4, masks=masks).image
    assert float((load_image("out.png") - image).abs().mean()) < 0.01
    (here / "out.png").rename("whole.png")
    stop_at(3)
    assert nstkit(*masked).code == 130
    stop_at(None)
    assert nstkit(*words, "--resume").code == 0
    assert torch.equal(load_image("out.png"), load_image("whole.png"))
    assert read_metadata("out.png") == read_metadata("whole.png")


def test_a_mask_of_other_proportions_is_refused(nstkit, here, photo, style, order):
    code, _, err = nstkit(*order, "--masks", style, "-q")
    assert code == 0  # 80 x 60 has the proportions of 96 x 72
    save_image(torch.ones(1, 3, 72, 72), here / "square.png")
    code, _, err = nstkit(*order, "--masks", "square.png", "--force")
    assert code == 2
    assert (
        "--masks: expected square.png in the content's proportions, 112 x 84 at this size, got 112 x 112"
        in err
    )


def test_the_contents_colours_are_kept_where_asked(nstkit, here, photo, order):
    from nstkit.color import rgb_to_yiq

    assert nstkit(*order, "--preserve-color", "luminance", "-q").code == 0
    assert json.loads(read_metadata("out.png")["options"])["preserve_color"] == "luminance"
    gap = rgb_to_yiq(load_image("out.png")) - rgb_to_yiq(picture(photo, 112, enlarge=True).clamp(0, 1))
    assert float(gap[:, 1:].square().mean().sqrt()) < 0.05  # what is clipped


def test_an_existing_file_is_refused_before_any_work(nstkit, here, order, monkeypatch):
    monkeypatch.setattr(session, "picture", pytest.fail)
    (here / "out.png").write_bytes(b"precious")
    code, _, err = nstkit(*order)
    assert (code, err.count("\n")) == (2, 1)
    assert "out.png: exists already" in err
    assert "--force" in err
    assert (here / "out.png").read_bytes() == b"precious"


def test_force_replaces_it(nstkit, here, order):
    (here / "out.png").write_bytes(b"worthless")
    assert nstkit(*order, "--force").code == 0
    assert load_image("out.png").shape == (1, 3, 84, 112)


@pytest.mark.parametrize("place", [1, 4, 6])
def test_interrupted_and_resumed_is_as_if_uninterrupted(nstkit, here, order, stop_at, place):
    stop_at(place)
    code, out, err = nstkit(*order)
    assert (code, out) == (130, "")
    assert f"stopped at step {place}/8; the picture so far is out.partial.png" in err
    assert f"to go on: nstkit transfer --resume {' '.join(map(str, order[1:]))}" in err
    assert files(here) == ["out.partial.png", "out.png.resume.safetensors", "photo.png", "style.png"]
    stop_at(None)
    assert nstkit("transfer", "--resume", "photo.png", "style.png", "-o", "out.png").code == 0
    assert files(here) == ["out.png", "photo.png", "style.png"]
    assert nstkit(*order[:4], "whole.png", *SHORT).code == 0
    assert (here / "out.png").read_bytes() == (here / "whole.png").read_bytes()


def test_a_run_may_be_interrupted_again_and_again(nstkit, here, order, stop_at):
    for place, resume in ((2, ()), (5, ("--resume",)), (7, ("--resume",))):
        stop_at(place)
        code, _, err = nstkit(*order, *resume)
        assert code == 130
        assert err.count("--resume") == 1
    stop_at(None)
    assert nstkit(*order, "--resume").code == 0
    assert nstkit(*order[:4], "whole.png", *SHORT).code == 0
    assert torch.equal(load_image("out.png"), load_image("whole.png"))


def test_an_interruption_at_the_last_step_is_none(nstkit, here, order, stop_at):
    stop_at(8)
    assert nstkit(*order).code == 0
    assert files(here) == ["out.png", "photo.png", "style.png"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--resume", "--steps", 5), "--steps: the interrupted run has 4, got 5"),
        ((), "go on with --resume, or start anew with --force"),
    ],
)
def test_a_stored_run_is_not_lost_by_a_slip(nstkit, here, order, stop_at, words, message):
    stop_at(3)
    nstkit(*order)
    before = {name: (here / name).read_bytes() for name in files(here)}
    code, _, err = nstkit(*order, *words)
    assert (code, err.count("\n")) == (2, 1)
    assert message in err
    assert before == {name: (here / name).read_bytes() for name in files(here)}


def test_other_pictures_cannot_go_on(nstkit, here, order, stop_at):
    stop_at(3)
    nstkit(*order)
    code, _, err = nstkit("transfer", "--resume", "style.png", "photo.png", "-o", "out.png")
    assert code == 2
    assert "the stored run had other pictures" in err


def test_somebodys_partial_picture_is_not_replaced(nstkit, here, order):
    (here / "out.partial.png").write_bytes(b"precious")
    code, _, err = nstkit(*order)
    assert (code, err.count("\n")) == (2, 1)
    assert "out.partial.png: exists, and `nstkit transfer` did not make it" in err


def test_a_run_that_blows_up_keeps_its_last_good_picture(nstkit, here, order, monkeypatch):
    def blown(*_, **__):
        raise NonFiniteLoss("the style term is not finite; lower learning_rate", torch.rand(1, 3, 20, 30))

    monkeypatch.setattr(session, "stylize", blown)
    code, _, err = nstkit(*order)
    assert (code, err.count("\n")) == (2, 1)
    assert "not finite; lower learning_rate; the last good picture is out.partial.png" in err
    assert load_image("out.partial.png").shape == (1, 3, 20, 30)


def test_a_full_disk_on_ctrl_c_still_leaves_the_picture(nstkit, here, order, stop_at, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nstkit.cli.checkpoints.save_checkpoint", full)
    stop_at(3)
    code, _, err = nstkit(*order)
    assert code == 130
    assert "could not store a checkpoint: No space left on device" in err
    assert "the picture so far is out.partial.png" in err
    assert "--resume" not in err
    assert files(here) == ["out.partial.png", "photo.png", "style.png"]


def test_a_file_that_appeared_meanwhile_is_not_replaced(nstkit, here, order, monkeypatch):
    def slow(*args, **kwargs):
        (here / "out.png").write_bytes(b"precious")
        return stylize(*args, **kwargs)

    monkeypatch.setattr(session, "stylize", slow)
    code, _, err = nstkit(*order, "-q")
    assert (code, err.count("\n")) == (2, 1)
    assert "out.png: exists already" in err
    assert "the result is out.partial.png" in err
    assert (here / "out.png").read_bytes() == b"precious"
    assert load_image("out.partial.png").shape == (1, 3, 84, 112)


def test_a_picture_that_cannot_be_written_leaves_the_checkpoint(nstkit, here, order, stop_at, monkeypatch):
    stop_at(3)
    nstkit(*order)
    stop_at(None)

    def full(*_, **__):
        raise OSError(28, "No space left on device", "out.png")

    monkeypatch.setattr(session, "save_image", full)
    assert nstkit(*order, "--resume").err.endswith("nstkit: out.png: No space left on device\n")
    assert "out.png.resume.safetensors" in files(here)


def test_without_vgg_the_encoder_line_says_how_to_get_it(nstkit, photo, style):
    first = nstkit("transfer", photo, style, "-o", "out.png", "--size", 64, "--steps", 1).err.splitlines()[0]
    assert first == "encoder: tiny, built in; for VGG-19, which paints better, see `nstkit encoders`"


def test_a_picture_that_cannot_be_written_at_the_end_is_kept_somewhere_else(
    nstkit, here, monkeypatch, tmp_path_factory, order
):
    elsewhere, expected = tmp_path_factory.mktemp("elsewhere"), "expected.png"
    monkeypatch.setattr(session.tempfile, "tempdir", str(elsewhere))
    assert nstkit(*[expected if word == "out.png" else word for word in order]).code == 0
    real = session.save_image

    def full(image, path, **options):
        if str(path) == "out.png":
            raise ImageError("out.png: could not be written (No space left on device); nothing was changed")
        real(image, path, **options)

    monkeypatch.setattr(session, "save_image", full)
    code, _, err = nstkit(*order)
    kept = next(elsewhere.glob("*/out.png"))
    assert (code, err.splitlines()[-1]) == (
        2,
        f"nstkit: out.png: could not be written (No space left on device); nothing was changed; the result is {kept}",
    )
    assert torch.equal(load_image(kept), load_image(expected))
    assert read_metadata(kept) == read_metadata(expected)
