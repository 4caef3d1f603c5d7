"""`nstkit encoders`: what is at hand, where it looked, how to get more."""

import urllib.error

import pytest
import torch

from nstkit.cli.encoders import encoder_line
from nstkit.encoders import encoder_names, load_encoder


def test_without_weights_tiny_is_the_default_and_vgg_is_one_command_away(nstkit, here):
    code, out, err = nstkit("encoders")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert set(encoder_names()) - {"auto"} < set(rows)
    assert rows["tiny"].split(maxsplit=1)[1] == "ships with nstkit, the default"
    assert "not here" in rows["vgg19"]
    assert str(here / "no-weights" / "checkpoints") in out
    assert "nstkit encoders --download vgg19" in out


def test_weights_at_hand_are_found_and_make_vgg_the_default(nstkit, here, monkeypatch):
    (here / "vgg19-mine.pth").write_bytes(b"x")
    monkeypatch.setenv("NSTKIT_WEIGHTS", str(here))
    out = nstkit("encoders").out
    assert f"{here / 'vgg19-mine.pth'}, the default\n" in out
    assert "--download" not in out
    assert encoder_line("auto", None) == f"encoder: vgg19, from {here / 'vgg19-mine.pth'}"


def test_the_default_shown_is_the_one_that_auto_loads(here):
    assert encoder_line("auto", None).startswith(f"encoder: {load_encoder('auto').name},")


def test_a_download_that_fails_is_one_sentence(nstkit, monkeypatch):
    def offline(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    code, out, err = nstkit("encoders", "--download", "vgg16")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--download vgg16: could not be fetched (no network)" in err


@pytest.mark.parametrize(
    ("words", "variable", "message"),
    [
        (("--download", "vgg"), "", "--download: expected one of vgg19, vgg16, squeezenet1_1, got 'vgg'"),
        (("--download", "tiny"), "", "got 'tiny'; it ships with nstkit"),
        ((), "/nonexistent/weights", "NSTKIT_WEIGHTS: expected a weights file or a folder"),
    ],
)
def test_what_cannot_be_is_one_sentence(nstkit, monkeypatch, words, variable, message):
    monkeypatch.setenv("NSTKIT_WEIGHTS", variable)
    code, out, err = nstkit("encoders", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
