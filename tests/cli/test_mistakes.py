"""Users' mistakes are sentences, the program's defects are tracebacks, Ctrl-C is a word."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch

from nstkit.cli import main
from nstkit.cli.mistakes import ended, sentence
from nstkit.images import load_image
from nstkit.paintings import paint
from nstkit.transfer import NonFiniteLoss


def raised(call, *args, **kwargs):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call(*args, **kwargs)
    return caught.value


def raises(error):
    def call():
        raise error

    return call


def test_an_output_that_lacks_a_character_gets_a_question_mark(monkeypatch):
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, encoding="cp1252"))  # as into a file on Windows
    with pytest.raises(SystemExit) as caught:
        main(["filter", "bilateral_filter", "--help"])
    sys.stdout.flush()
    assert caught.value.code == 0
    assert b"?_s in pixels, above 0" in pipe.getvalue()


def test_what_the_library_raises_is_a_sentence():
    text = sentence(raised(paint, "swirl"))
    assert text is not None
    assert text.startswith("name: expected one of")
    assert (
        sentence(raised(load_image, "missing.png"))
        == "missing.png: no such file; check the name and the folder"
    )
    assert (
        sentence(NonFiniteLoss("the style term is not finite", torch.zeros(1)))
        == "the style term is not finite"
    )


def test_a_key_error_has_no_quotes_around_it():
    from nstkit.encoders import load_encoder

    text = sentence(raised(load_encoder("tiny"), torch.rand(2, 3, 40, 48), ["relu9_9"]))
    assert text is not None
    assert text[0] not in "'\""


def test_an_os_error_names_its_file():
    assert sentence(raised(open, "/nonexistent/x")) == "/nonexistent/x: No such file or directory"


@pytest.mark.parametrize(
    "call",
    [
        raises(ZeroDivisionError("division by zero")),
        raises(ValueError("raised outside of nstkit")),
        lambda: np.zeros(3).reshape(2, 2),
        lambda: torch.zeros(3) @ torch.zeros(4),
        lambda: paint(nme="swirls"),
        lambda: paint("swirls", height="tall"),
    ],
)
def test_a_defect_is_let_through(call, capsys):
    raised(ended, call)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: …")]
)
def test_too_little_memory_is_a_sentence(error):
    said = "out of memory; --tile 1024 reads a picture in parts, and a smaller --size needs less"
    assert sentence(error) == said


def test_exit_codes(capsys):
    assert ended(lambda: None) == 0
    assert ended(lambda: paint("swirl")) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert ended(raises(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err.strip() == "nstkit: stopped"


def test_a_traceback_is_shown_on_demand(nstkit, monkeypatch):
    wrong = ("paint", "swirl", "-o", "a.png")
    assert nstkit(*wrong).code == 2
    from nstkit.cli import main

    with pytest.raises(ValueError, match="name: expected one of"):
        main([*wrong, "--traceback"])
    monkeypatch.setenv("NSTKIT_TRACEBACK", "1")
    with pytest.raises(ValueError, match="name: expected one of"):
        main(list(wrong))


def test_a_reader_that_leaves_is_no_error():
    command = f"{sys.executable} -u -c 'from nstkit.cli import main; main([\"--help\"])' | true"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout.strip() in ("0", "141")
