"""`nstkit transfer FOLDER`: every picture once and as if alone; what is wrong with one concerns that one."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from nstkit.cli import folder_painters, folder_work
from nstkit.cli.sources import picture
from nstkit.images import ImageError, load_image, read_metadata, save_image
from nstkit.images.writing import to_bytes
from nstkit.paintings import paint
from nstkit.transfer import NonFiniteLoss, stylize
from nstkit.transfer.fast_network import FastNetwork
from nstkit.transfer.feed_forward import FastModel, load_model, save_model

FEW = ("--size", "56", "--steps", "3", "--encoder", "tiny", "--device", "cpu", "--style-layers", "color1=1,color2=1",
       "--content-layers", "luma2=1")  # fmt: skip
OPTIONS = {"size": 56, "steps": 3, "encoder": "tiny", "device": "cpu", "style_layers": {"color1": 1.0, "color2": 1.0},
           "content_layers": {"luma2": 1.0}}  # fmt: skip
WORK = ("transfer", "photos", "style.png", "-o", "out", *FEW)
NAMES = ["a.png", "b.jpg", "c.png", "d.bmp", "e.png"]


@pytest.fixture(scope="session")
def five(tmp_path_factory):
    """Five pictures of two sizes, one in a format that is not written."""
    folder = tmp_path_factory.mktemp("five")
    whole = paint("mosaic", 96, 200)
    for number, name in enumerate(NAMES):
        crop = whole[..., :60, 20 * number : 20 * number + (60 if name == "c.png" else 80)]
        if name.endswith("bmp"):
            Image.fromarray(to_bytes(crop)).save(folder / name)
        else:
            save_image(crop, folder / name)
    return folder


@pytest.fixture
def photos(here, style, five):
    """The same, in the current folder."""
    return Path(shutil.copytree(five, here / "photos"))


def target(name):
    return Path("out") / name.replace(".bmp", ".png")


def contents(folder="out"):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def alone(name):
    return stylize(picture(f"photos/{name}", 56, enlarge=True), picture("style.png", 56), **OPTIONS).image


def test_each_picture_is_what_it_is_alone(nstkit, photos):
    code, out, said = nstkit(*WORK)
    assert (code, out) == (0, "")
    assert "encoder: tiny" in said
    assert "wrote 5 pictures to out; " in said
    assert set(contents()) == {target(name).name for name in NAMES}
    for name in NAMES:
        save_image(alone(name), f"alone-{target(name).name}")
        assert torch.equal(load_image(target(name)), load_image(f"alone-{target(name).name}"))
        about = read_metadata(target(name))
        assert (about["command"], about["content"]) == ("transfer", name)
        assert '"steps": 3' in about["options"]


def watched(monkeypatch):
    """How many contents each call of `stylize` gets."""
    sizes = []

    def counting(content, styles, **options):
        sizes.append(len(content))
        return stylize(content, styles, **options)

    monkeypatch.setattr(folder_painters, "stylize", counting)
    return sizes


def test_a_batch_gives_what_each_gives_alone(nstkit, photos, monkeypatch):
    assert nstkit(*WORK, "-q") == (0, "", "")
    Path("out").rename("one")
    sizes = watched(monkeypatch)
    assert nstkit(*WORK, "-q", "--batch", "3") == (0, "", "")
    assert sizes == [3, 1, 1]
    assert set(contents("one")) == set(contents())
    for name in contents():
        gap = (load_image(f"out/{name}") - load_image(f"one/{name}")).abs()
        assert float(gap.mean()) < 0.2 / 255  # a few pixels round to the other level


def test_damaged_pictures_are_named_and_passed_over(nstkit, photos):
    whole = (photos / "b.jpg").read_bytes()
    (photos / "b.jpg").write_bytes(whole[: len(whole) // 2])  # its header is good
    (photos / "c.png").write_bytes(b"no picture")
    code, _, said = nstkit(*WORK, "-q", "--batch", "4")
    assert code == 1
    lines = said.splitlines()
    assert len(lines) == 2
    assert "passed over: photos/c.png: not a picture" in lines[0]
    assert "passed over: photos/b.jpg: damaged or incomplete" in lines[1]
    assert set(contents()) == {"a.png", "d.png", "e.png"}
    for name in ("a.png", "e.png"):
        assert float((load_image(target(name)) - alone(name)).abs().mean()) < 0.5 / 255
    code, _, said = nstkit(*WORK, "--resume")
    assert code == 1
    assert "wrote 0 pictures to out, 3 were there, 2 passed over" in said


def test_ctrl_c_keeps_what_is_finished_and_resume_comes_to_the_same(nstkit, photos, monkeypatch):
    assert nstkit(*WORK, "-q").code == 0
    whole = contents()
    Path("out").rename("whole")
    saved = []

    def save(*words, **options):
        save_image(*words, **options)
        saved.append(words[1].name)
        if len(saved) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(folder_work, "save_image", save)
        code, _, said = nstkit(*WORK)
    assert code == 130
    assert "stopping after this step; Ctrl-C again quits at once" in said
    assert "stopped: 2 of 5 pictures are in out" in said
    assert said.rstrip().endswith(f"to go on: nstkit {' '.join(WORK)} --resume")
    assert contents() == {name: whole[name] for name in saved}
    assert nstkit(*WORK, "--resume", "-q") == (0, "", "")
    assert contents() == whole


def test_a_full_disk_ends_the_work_and_says_how_to_go_on(nstkit, photos, monkeypatch):
    def save(image, path, **options):
        if Path(path).name == "c.png":
            raise ImageError(f"{path}: could not be written (No space left on device); nothing was changed")
        save_image(image, path, **options)

    monkeypatch.setattr(folder_work, "save_image", save)
    code, _, said = nstkit(*WORK, "-q")
    assert code == 2
    lines = said.splitlines()
    assert lines[0].startswith("stopped: ")
    assert lines[1].startswith("to go on: nstkit transfer photos")
    assert lines[2:] == [
        "nstkit: out/c.png: could not be written (No space left on device); nothing was changed"
    ]


def test_ctrl_c_within_a_picture_stops_after_the_step(nstkit, photos, monkeypatch):
    steps = []

    def interrupted(content, styles, *, on_step, **options):
        def after(step):
            steps.append(step.done)
            if len(steps) == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return on_step(step)

        return stylize(content, styles, on_step=after, **options)

    monkeypatch.setattr(folder_painters, "stylize", interrupted)
    code, _, said = nstkit(*WORK, "--batch", "2")
    assert code == 128 + signal.SIGTERM
    assert steps == [1, 2]
    assert "stopped: 0 of 5 pictures are in out" in said
    assert not Path("out").exists()


def test_a_loss_that_is_not_finite_concerns_its_picture_alone(nstkit, photos, monkeypatch):
    assert nstkit(*WORK, "-q").code == 0
    Path("out").rename("one")
    bad = picture("photos/b.jpg", 56, enlarge=True)

    def poisoned(content, styles, **options):
        if any(torch.equal(image[None], bad) for image in content):
            raise NonFiniteLoss("the style term is not finite", torch.full_like(content, 0.25))
        return stylize(content, styles, **options)

    monkeypatch.setattr(folder_painters, "stylize", poisoned)
    code, _, said = nstkit(*WORK, "-q", "--batch", "4")
    assert code == 1
    assert said == ("passed over: photos/b.jpg: the style term is not finite; the last good picture is "
                    "out/b.partial.jpg\n")  # fmt: skip
    assert set(contents()) == {"a.png", "c.png", "d.png", "e.png", "b.partial.jpg"}
    for name in ("a.png", "d.png", "e.png"):  # one after the other: to the bit
        assert contents()[name] == contents("one")[name]
    assert float((load_image("out/b.partial.jpg") - 0.25).abs().max()) < 2 / 255
    monkeypatch.undo()
    os.chdir(photos.parent)
    assert nstkit(*WORK, "-q", "--resume").code == 0
    assert set(contents()) == set(contents("one"))


def test_out_of_memory_names_what_would_fit_and_leaves_nothing(nstkit, photos, monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(folder_painters, "stylize", full)
    code, _, err = nstkit(*WORK, "--batch", "2", "-q")
    assert code == 2
    assert "out of memory at 56 x 42; " in err
    assert err.endswith("a smaller --batch would fit\n")
    assert not Path("out").exists()
    assert "--batch" not in nstkit(*WORK, "-q").err.partition("out of memory")[2]


def test_a_strip_is_passed_over_and_a_size_for_nobody_refused(nstkit, photos):
    save_image(paint("mosaic", 60, 400)[..., :18, :], photos / "a.png", overwrite=True)
    code, _, said = nstkit(*WORK, "-q")
    assert code == 1
    assert said.startswith("passed over: photos/a.png: content: expected at least ")
    assert set(contents()) == {"b.jpg", "c.png", "d.png", "e.png"}
    code, out, said = nstkit(*WORK, "-q", "--size", "30", "-o", "other")
    assert (code, out) == (2, "")
    assert said.startswith("nstkit: content: expected at least ")
    assert not Path("other").exists()


def test_masks_must_fit_every_picture(nstkit, photos):
    save_image(torch.ones(1, 3, 60, 80), "mask.png")
    code, _, said = nstkit(*WORK, "--masks", "mask.png")
    assert code == 2
    assert said.startswith("nstkit: --masks: expected mask.png in the content's proportions")
    assert said.endswith("(c.png)\n")
    assert not Path("out").exists()
    (photos / "c.png").unlink()
    assert nstkit(*WORK, "-q", "--batch", "2").code == 0
    Path("out").rename("unmasked")
    assert nstkit(*WORK, "-q", "--batch", "2", "--masks", "mask.png").code == 0  # ones are no masks
    for name in contents():
        assert torch.equal(load_image(f"out/{name}"), load_image(f"unmasked/{name}"))


def test_one_pass_through_a_model_for_each(nstkit, photos):
    torch.manual_seed(8)
    save_model(FastModel(FastNetwork(4, 1), "swirls"), Path("fast.safetensors"))
    words = ("transfer", "photos", "-o", "out", "--model", "fast.safetensors")
    code, _, said = nstkit(*words, "--batch", "2")
    assert code == 0
    assert "model: fast.safetensors, fast" in said
    assert "wrote 5 pictures to out; " in said
    model = load_model("fast.safetensors")
    for name in ("a.png", "c.png", "d.bmp"):
        expected = model.stylize(load_image(f"photos/{name}"))
        torch.testing.assert_close(load_image(target(name)), expected, rtol=0, atol=0.6 / 255)
        assert read_metadata(target(name))["model"].startswith("fast.safetensors ")
    save_image(torch.rand(1, 3, 300, 4), photos / "thin.png")
    code, _, said = nstkit(*words, "--resume", "--batch", "5")
    assert code == 1
    assert said.splitlines() == [
        "passed over: photos/thin.png: 4 x 300 pixels; a picture needs at least 16 on each side",
        "wrote 0 pictures to out, 5 were there, 1 passed over; done",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("empty style.png -o out", "empty: holds no picture; expected .png"),
        ("photos -o out", "missing argument 'STYLE', or --model"),
        ("photos style.png -o photos", "--output: expected another folder than photos"),
        ("photos style.png -o full", "full: is not empty; go on with --resume, or name a new folder"),
        ("photos style.png -o style.png", "--output: expected a folder, as photos is one, got style.png"),
        ("photos style.png -o out.jpg", "--output: expected a folder, as photos is one, got out.jpg"),
        ("photos style.png -o no/where", "no/where: the folder no does not exist"),
        (
            "photos style.png -o out --preview",
            "--preview: expected one picture as CONTENT, got the folder photos",
        ),
        (
            "photos style.png -o out --trace t.jsonl",
            "--trace: expected one picture as CONTENT, got the folder",
        ),
        ("photos style.png -o out --alpha 0.5", "--alpha: expected --model beside it"),
        ("photos style.png -o out --steps 0", "--steps: expected a positive number, got 0"),
        ("photos style.png -o out --size 0", "--size: expected a positive number, got 0"),
        ("photos style.png -o out --batch 0", "invalid value for '--batch'"),
        ("photos/a.png style.png -o out.png --batch 2", "--batch: expected a folder of pictures as CONTENT"),
        ("photos missing.png -o out", "missing.png: no such file"),
        ("photos style.png -o out --style-layers relu9_1=1", "--style-layers: tiny has no 'relu9_1'"),
        (
            "photos style.png -o out --model m.safetensors",
            "--encoder: one pass with --model has no such option",
        ),
    ],
)
def test_bad_orders_are_one_sentence_and_leave_nothing(nstkit, photos, words, message):
    (photos.parent / "empty").mkdir()
    (photos.parent / "full").mkdir()
    (photos.parent / "full" / "a.txt").write_text("mine")
    before = set(photos.parent.iterdir())
    code, out, said = nstkit("transfer", *words.split(), "--encoder", "tiny", "--device", "cpu")
    assert (code, out) == (2, "")
    assert said.startswith("nstkit: ")
    assert said.count("\n") == 1
    assert message in said
    assert set(photos.parent.iterdir()) == before


@pytest.mark.slow
def test_two_processes_do_each_picture_once_and_to_the_bit(nstkit, photos):
    """Slow: three processes import PyTorch."""
    assert nstkit(*WORK, "-q").code == 0
    whole = contents()
    Path("out").rename("whole")
    (photos / "f.png").write_bytes(b"no picture")
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "nstkit",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([*command, *WORK], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.count("passed over: photos/f.png") == 1
    assert done.stderr.count("wrote 5 pictures to out, 1 passed over; ") == 1
    assert contents() == whole


def test_a_folder_that_may_not_be_written_to_is_refused_before_any_work(nstkit, here, photo, monkeypatch):
    (here / "in").mkdir()
    (here / photo).rename(here / "in" / photo)
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a superuser may write everywhere
    ended = nstkit("transfer", "in", "swirls", "-o", "new")
    assert (ended.code, ended.err) == (2, "nstkit: new: may not be written to; choose another folder\n")
    assert not (here / "new").exists()
