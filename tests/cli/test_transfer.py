"""`nstkit transfer` as a program of its own: real signals, a real terminal, every option of `stylize`, bad input."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import time
import zlib

import pytest
import torch

from nstkit.cli.declarations import declaration
from nstkit.cli.transfer import OPTIONS
from nstkit.images import load_image
from nstkit.transfer import stylize

PROGRAM = "import sys; from nstkit.cli import checkpoints, main; checkpoints.EVERY = 0.1; main(sys.argv[1:])"
LONG = ("--size", "64", "--steps", "150", "--encoder", "tiny")
"""A few seconds of work."""


def environment():
    return os.environ | {
        "OMP_NUM_THREADS": "1",
        "TERM": "xterm-256color",
        "NO_COLOR": "1",
        "NSTKIT_WEIGHTS": "",
    }


def started(*words, **streams):
    command = [sys.executable, "-c", PROGRAM, "transfer", "photo.png", "style.png", "-o", "out.png", *words]
    return subprocess.Popen(command, env=environment(), **streams)


def files(here):
    return sorted(path.name for path in here.iterdir())


def waited_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the program ended too early"
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(paintings):
    """The picture of the run that nothing interrupted, by a program of its own."""
    command = [sys.executable, "-c", PROGRAM, "transfer", "photo.png", "style.png", "-o", "whole.png", *LONG]
    subprocess.run([*command, "-q"], cwd=paintings, env=environment(), check=True)
    return load_image(paintings / "whole.png")


def test_ctrl_c_in_a_terminal_then_resume_ends_where_the_uninterrupted_run_ends(
    nstkit, here, photo, style, whole
):
    terminal, end = pty.openpty()
    process = started(
        *LONG, stdin=end, stdout=end, stderr=end, start_new_session=True, preexec_fn=take_terminal
    )
    os.close(end)
    shown = read_until(terminal, b"/150")
    os.write(terminal, b"\x03")  # what the key sends
    shown += read_until(terminal, None)
    assert process.wait(30) == 130
    text = shown.decode()
    assert "finishing this step; Ctrl-C again quits at once" in text
    assert "to go on: nstkit transfer --resume photo.png style.png -o out.png" in text
    assert re.search(r"\x1b\[(\d+;)*[349]\d", text) is None, "NO_COLOR is set, and there is colour"
    assert {"out.partial.png", "out.png.resume.safetensors"} < set(files(here))
    assert nstkit("transfer", "--resume", "photo.png", "style.png", "-o", "out.png", "-q") == (0, "", "")
    assert torch.equal(load_image("out.png"), whole)


def take_terminal():
    """Make standard input the controlling terminal, so that its Ctrl-C becomes a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def read_until(terminal, mark, seconds=60):
    """What the terminal shows up to a mark, or up to its end."""
    shown, end = b"", time.monotonic() + seconds
    while (mark is None or mark not in shown) and time.monotonic() < end:
        if select.select([terminal], [], [], 0.5)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other side is closed
                break
            shown += piece
    return shown


def test_a_killed_run_is_taken_up_from_its_last_checkpoint(nstkit, here, photo, style, whole):
    process = started(*LONG, "-q")
    waited_for((here / "out.png.resume.safetensors").exists, process)
    process.kill()
    process.wait(30)
    assert not (here / "out.png").exists()
    code, _, err = nstkit("transfer", "--resume", "photo.png", "style.png", "-o", "out.png")
    assert code == 0
    assert int(re.search(r"(\d+)/150", err)[1]) > 1
    assert torch.equal(load_image("out.png"), whole)
    assert "out.png.resume.safetensors" not in files(here)


def test_a_run_in_tiles_that_was_killed_ends_in_the_same_picture_bit_for_bit(nstkit, here, photo, style):
    tiled = ("--size", "96", "--tile", "64", "--steps", "60", *LONG[-2:], "--style-layers", "relu1_1,relu2_1")
    assert nstkit("transfer", photo, style, "-o", "whole.png", *tiled, "-q") == (0, "", "")
    process = started(*tiled, "-q")
    waited_for((here / "out.png.resume.safetensors").exists, process)
    process.kill()
    assert process.wait(30) == -signal.SIGKILL
    assert not (here / "out.png").exists()
    code, _, err = nstkit("transfer", "--resume", "photo.png", "style.png", "-o", "out.png")
    assert code == 0
    assert int(re.search(r"(\d+)/60", err)[1]) > 1
    assert torch.equal(load_image("out.png"), load_image("whole.png"))


def test_a_second_ctrl_c_ends_at_once_and_harms_nothing(here, photo, style):
    (here / "out.png").write_bytes(b"precious")
    process = started(*LONG, "--force", stderr=subprocess.PIPE, text=True)
    first = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert first.startswith("encoder: tiny")
    assert "Traceback" not in rest
    assert (here / "out.png").read_bytes() == b"precious"
    assert not [name for name in files(here) if name.endswith(".part")]


def test_every_option_of_stylize_is_there_and_help_tells_its_default(nstkit):
    parameters = declaration(stylize).parameters
    options = {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert set(OPTIONS) == options - {"on_step", "resume", "generator"}
    assert all(OPTIONS[name].default == parameters[name].default for name in OPTIONS)
    shown = " ".join(nstkit("transfer", "--help").out.split())
    for option in OPTIONS.values():
        assert option.flag in shown
    assert f"[default: {parameters['size'].default}]" in shown
    assert "chelsea" in shown
    assert "a file of that name wins" in shown


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height):
    """A PNG that claims a size and holds next to nothing."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\1\2\3")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("role", ["content", "style", "init"])
@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.png", b"", "empty.png: the file is empty"),
        ("text.png", b"hello", "text.png: not a picture"),
        ("cut.png", None, "cut.png: damaged or incomplete"),
        ("huge.png", png(30000, 30000), "huge.png: claims"),
        ("pixel.png", png(1, 1), "pixel.png: 1 x 1 pixels"),
        ("folder.png", "folder", "folder.png: a folder, not a picture"),
        ("missing.png", "missing", "missing.png: no such file"),
        ("mosiac", "missing", "did you mean mosaic?"),
    ],
)
def test_a_bad_picture_is_one_sentence(nstkit, here, photo, style, role, name, data, message):
    if data == "folder":
        (here / name).mkdir()
        message = "expected a folder, as folder.png is one" if role == "content" else message
    elif data != "missing":
        (here / name).write_bytes((here / photo).read_bytes()[:900] if data is None else data)
    words = {
        "content": (name, style), "style": (photo, style, name), "init": (photo, style, "--init", name),
    }[role]  # fmt: skip
    refused(nstkit, here, words, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--style-layers relu3_9", "--style-layers: tiny has no 'relu3_9'; did you mean 'relu3_"),
        ("--content-layers relu3_1=nan", "--content-layers['relu3_1']: expected a number of at least 0, got nan"),
        ("--content-weight nan", "--content-weight: expected a number of at least 0, got nan"),
        ("--tv-weight -1", "--tv-weight: expected a number of at least 0, got -1"),
        ("--style-weights 1,2", "--style-weights: expected one per style, 1, got 2"),
        ("--style-weights nan", "nan"),
        ("--device gpu", "--device: expected auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
        ("--encoder vgg", "--encoder: expected one of auto, vgg19"),
        ("--encoder vgg16", "fetch them with `nstkit encoders --download vgg16`"),
        ("--encoder vgg19 --weights vgg19-00000000.pth", "--weights: vgg19-00000000.pth has SHA-256"),
        ("--encoder vgg19 --weights other.safetensors", "has no tensor"),
        ("--encoder vgg19 --weights missing.pth", "--weights: missing.pth does not exist"),
        ("--size 0", "--size: expected a positive number, got 0"),
        ("--size 8", "these layers"),
        ("--style-scale nan", "--style-scale: expected a positive number, got nan"),
        ("--init grey", "--init: expected content, noise, gray or a picture; grey: no such file"),
        ("--masks nowhere.png", "--masks: expected one picture for each style; nowhere.png"),
        ("--masks photo.png,photo.png", "--masks: expected (1, "),
        ("--preserve-color hue", "--preserve-color: expected luminance or histogram or covariance, got 'hue'"),
        ("--optimizer sgd", "--optimizer: expected lbfgs or adam, got 'sgd'"),
        ("--steps many", "--steps: expected a whole number, got 'many'"),
        ("--resume", "--resume: there is no interrupted run"),
        ("-o out.gif", "out.gif: expected a name that ends in .png"),
        ("-o nowhere/out.png", "the folder nowhere does not exist"),
        pytest.param(
            "--device cuda", "--device: cuda was asked for, but this machine has only",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA"),
        ),
    ],
)  # fmt: skip
def test_a_bad_option_is_one_sentence(nstkit, here, photo, style, words, message):
    (here / "vgg19-00000000.pth").write_bytes(b"x")
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2, 3)}, here / "other.safetensors")
    refused(nstkit, here, (photo, style, *words.split()), message)


def test_no_style_is_one_sentence(nstkit, here, photo):
    refused(nstkit, here, (photo,), "missing argument 'STYLE'")


def refused(nstkit, here, words, message):
    """Exit code 2, one line that holds the message, and not a file more or less."""
    before = files(here)
    output = () if "-o" in words else ("-o", "out.png")
    code, out, err = nstkit("transfer", *words, *output)
    assert (code, out) == (2, "")
    assert err.startswith("nstkit: ")
    assert err.count("\n") == 1
    assert message in err
    assert files(here) == before
