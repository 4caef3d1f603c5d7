"""`nstkit transfer --frames`: all frames under their names, taken up where it stopped, odd ones named."""

import os
import signal

import pytest
import torch

from nstkit.cli import frames as frames_module
from nstkit.cli.frames import numbered
from nstkit.images import load_image, read_metadata, save_image
from nstkit.paintings import paint
from nstkit.transfer.fast_network import FastNetwork
from nstkit.transfer.feed_forward import FastModel, load_model, save_model

PASS = ("transfer", "video", "--frames", "--model", "fast.safetensors", "-o", "out")
SLOW = ("transfer", "video", "style.png", "--frames", "-o", "out", "--size", "56", "--steps", "2",
        "--encoder", "tiny", "--device", "cpu", "-q")  # fmt: skip
NAMES = ["shot2_8.png", "shot2_9.png", "shot2_10.png"]


@pytest.fixture
def video(here, style):
    """Three frames of a camera that moves, and a model that nobody trained."""
    torch.manual_seed(8)
    (here / "video").mkdir()
    whole = paint("mosaic", 64, 96)
    for number, name in enumerate(NAMES):
        save_image(whole[..., :48, 4 * number : 4 * number + 56], here / "video" / name)
    (here / "video" / "notes.txt").write_text("no frame")
    save_model(FastModel(FastNetwork(4, 1), "swirls"), here / "fast.safetensors")
    return here


def one_sentence(ended):
    """The error of a command: exit code 2 and one line."""
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("nstkit: ")
    assert ended.err.count("\n") == 1
    return ended.err


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_frames_come_in_the_order_of_their_numbers(video):
    assert [path.name for path in numbered(video / "video")] == NAMES


def test_each_frame_is_one_pass_under_its_own_name(nstkit, video):
    code, _, said = nstkit(*PASS)
    assert code == 0
    assert "wrote 3 frames to out; " in said
    assert "frames/s" in said or "s a frame" in said
    assert {path.name for path in (video / "out").iterdir()} == set(NAMES)
    model = load_model("fast.safetensors")
    for name in NAMES:
        expected = model.stylize(load_image(f"video/{name}"))
        torch.testing.assert_close(load_image(f"out/{name}"), expected, rtol=0, atol=0.51 / 255)
        assert read_metadata(f"out/{name}")["content"] == name


def test_frames_that_are_there_are_kept(nstkit, video):
    assert nstkit(*PASS, "-q") == (0, "", "")
    whole = contents(video / "out")
    (video / "out" / NAMES[1]).unlink()
    times = {name: os.stat(f"out/{name}").st_mtime_ns for name in (NAMES[0], NAMES[2])}
    code, _, said = nstkit(*PASS, "--resume")
    assert code == 0
    assert "wrote 1 frames to out, 2 were there" in said
    assert {name: os.stat(f"out/{name}").st_mtime_ns for name in times} == times
    assert contents(video / "out") == whole


def interrupting(after):
    """A save_image that sends Ctrl-C once it has written so many frames."""
    written = []

    def save(*words, **options):
        save_image(*words, **options)
        written.append(words[1])
        if len(written) == after:
            os.kill(os.getpid(), signal.SIGINT)

    return save


def test_ctrl_c_ends_after_a_frame_and_resume_comes_to_the_same(nstkit, video, monkeypatch):
    """Optimised frames depend on the one before: also on one that an earlier run has made."""
    assert nstkit(*SLOW).code == 0
    whole = contents(video / "out")
    (video / "out").rename(video / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(frames_module, "save_image", interrupting(2))
        code, _, said = nstkit(*SLOW)
    assert code == 130
    assert "finishing this frame; Ctrl-C again quits at once" in said
    assert "stopped: 2 of 3 frames are in out" in said
    assert said.rstrip().endswith("--resume")
    assert set(contents(video / "out")) == set(NAMES[:2])
    assert nstkit(*SLOW, "--resume").code == 0
    assert contents(video / "out") == whole


def test_an_optimised_frame_starts_from_the_last_result(nstkit, video, monkeypatch):
    starts = []
    stylize = frames_module.stylize

    def watched(content, styles, **options):
        starts.append(options.get("init"))
        return stylize(content, styles, **options)

    monkeypatch.setattr(frames_module, "stylize", watched)
    code, _, said = nstkit(*SLOW[:-1])
    assert code == 0
    assert "each frame starts from the last result; there is no optical flow" in said
    assert starts[0] is None
    for start, name in zip(starts[1:], NAMES, strict=False):
        assert torch.equal(start, load_image(f"out/{name}"))


def test_the_first_frame_of_another_size_is_named(nstkit, video):
    for name in ("shot2_11.png", "shot2_12.png"):
        save_image(torch.rand(1, 3, 48, 60), video / "video" / name)
    said = one_sentence(nstkit(*PASS))
    assert "video/shot2_11.png: 60 x 48 pixels, but shot2_8.png has 56 x 48; frames of one video" in said
    assert not (video / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("nowhere -o out --model fast.safetensors", "nowhere: expected a folder of numbered frames"),
        ("style.png -o out --model fast.safetensors", "style.png: expected a folder of numbered frames"),
        ("empty -o out --model fast.safetensors", "empty: holds no frames; expected pictures such as 0001.png"),
        ("named -o out --model fast.safetensors", "named/first.png: a frame needs a number in its name"),
        ("twice -o out --model fast.safetensors", "twice/1.png: has the number of 01.png; which comes first?"),
        ("video -o video --model fast.safetensors", "--output: expected another folder than video"),
        ("video -o style.png --model fast.safetensors", "style.png: is a file; name a folder"),
        ("video -o no/where --model fast.safetensors", "no/where: the folder no does not exist"),
        ("video -o named --model fast.safetensors", "named: is not empty; go on with --resume"),
        ("video style.png -o out --model fast.safetensors", "the model paints one style, swirls"),
        ("video -o out", "missing argument 'STYLE', or --model"),
        ("video style.png -o out --init noise", "--init: a frame starts from the last result"),
        ("video style.png -o out --alpha 0.5", "--alpha: expected --model beside it"),
    ],
)  # fmt: skip
def test_bad_orders_are_one_sentence_and_leave_nothing(nstkit, video, words, message):
    for folder, names in (("empty", ()), ("named", ("first.png",)), ("twice", ("1.png", "01.png"))):
        (video / folder).mkdir()
        for name in names:
            save_image(torch.rand(1, 3, 48, 56), video / folder / name)
    assert message in one_sentence(nstkit("transfer", *words.split(), "--frames"))
    assert not (video / "out").exists()


def test_frames_of_another_run_are_not_kept(nstkit, video):
    assert nstkit(*PASS, "-q").code == 0
    before = contents(video / "out")
    said = one_sentence(nstkit(*PASS, "--resume", "--size", "48"))
    assert "--resume: out/shot2_10.png was made with other options, or by others" in said
    assert contents(video / "out") == before
    assert nstkit(*PASS, "--force", "--size", "48", "-q").code == 0
    assert load_image(f"out/{NAMES[0]}").shape == (1, 3, 41, 48)
