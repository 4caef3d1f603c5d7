"""A trace is readable at every moment, complete at the end, and never written over something else."""

import json
import math
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from PIL import Image

from nstkit.cli import session
from nstkit.cli.sources import picture
from nstkit.cli.trace import read_trace
from nstkit.transfer import NonFiniteLoss, stylize

SHORT = ("--size", 112, "--coarsest", 56, "--steps", 4, "--encoder", "tiny")
"""Two scales of four steps."""


@pytest.fixture
def order(photo, style):
    return ("transfer", photo, style, "-o", "out.png", *SHORT, "--trace", "run.jsonl")


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


def events(path):
    def no_constant(name):
        raise AssertionError(f"{name} is not JSON")

    return [json.loads(line, parse_constant=no_constant) for line in path.read_text("utf-8").splitlines()]


def test_a_line_for_every_step_between_what_ran_and_how_it_ended(nstkit, here, photo, style, order):
    assert nstkit(*order, "-q") == (0, "", "")
    start, *steps, end = events(here / "run.jsonl")
    assert (start["event"], start["content"], start["styles"]) == ("start", photo, [style])
    assert (start["asked"]["steps"], start["asked"]["seed"]) == (4, 0)
    assert start["versions"]["torch"] == torch.__version__
    assert start["device"].startswith(("cpu", "cuda", "mps"))
    assert (end["event"], end["outcome"], end["done"]) == ("end", "finished", 8)
    assert end["options"]["style_weight"] > 0
    said = []
    stylize(
        picture(photo, 112, enlarge=True), [picture(style, 112)], encoder="tiny", size=112, coarsest=56, steps=4,
        on_step=lambda step: said.append([step.done, step.total, step.scale, list(step.size), step.losses]),
    )  # fmt: skip
    assert [[s[k] for k in ("done", "total", "scale", "size", "losses")] for s in steps] == said
    seconds = [step["seconds"] for step in steps]
    assert seconds == sorted(seconds)
    with Image.open(here / "run.losses.png") as plot:
        assert plot.size == (960, 540)


def test_a_resumed_run_appends_and_has_each_step_once(nstkit, here, order, stop_at):
    stop_at(3)
    assert nstkit(*order).code == 130
    end = events(here / "run.jsonl")[-1]
    assert (end["outcome"], end["done"]) == ("stopped", 3)
    assert any("--resume" in line and "--trace run.jsonl" in line for line in end["said"])
    with open(here / "run.jsonl", "a", encoding="utf-8") as file:  # as a crash would have left it
        file.write('{"event": "step", "done": 4, "total": 8, "scale": 1, "scales": 2, "size": [42, 56], ')
        file.write('"seconds": 1, "losses": {"total": 123}}\n{"event": "st')
    stop_at(None)
    assert nstkit(*order, "--resume").code == 0
    kinds = [
        event["event"] for event in events(here / "run.jsonl")
    ]  # the torn line is gone, the rest is whole
    assert kinds == ["start", *["step"] * 3, "end", "step", "start", *["step"] * 5, "end"]
    assert nstkit(*order[:4], "whole.png", *SHORT, "--trace", "whole.jsonl").code == 0
    resumed, whole = read_trace(here / "run.jsonl"), read_trace(here / "whole.jsonl")
    assert [(r.done, r.scale, r.size, r.losses) for r in resumed] == [
        (w.done, w.scale, w.size, w.losses) for w in whole
    ]


def test_what_is_there_is_not_replaced_unless_forced(nstkit, here, order, monkeypatch):
    for name in ("run.jsonl", "run.losses.png"):
        (here / name).write_bytes(b"precious")
        code, _, err = nstkit(*order)
        assert (code, err.count("\n")) == (2, 1)
        assert f"{name}: exists already; choose another --trace, or replace it with --force" in err
        assert (here / name).read_bytes() == b"precious"
        assert not (here / "out.png").exists()
        (here / name).unlink()
    (here / "run.jsonl").write_bytes(b"worthless")
    assert nstkit(*order, "--force").code == 0
    assert len(read_trace(here / "run.jsonl")) == 8


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.json", "--trace: expected a name that ends in .jsonl, got run.json"),
        ("gone/run.jsonl", "--trace: the folder gone does not exist; create it first"),
    ],
)
def test_a_bad_name_is_refused_before_any_work(nstkit, here, order, monkeypatch, name, message):
    monkeypatch.setattr(session, "picture", pytest.fail)
    code, _, err = nstkit(*order[:-1], name)
    assert (code, err) == (2, f"nstkit: {message}\n")


def test_another_file_is_not_appended_to(nstkit, here, order, stop_at):
    stop_at(3)
    nstkit(*order[:-2])
    (here / "run.jsonl").write_text('{"something": "else"}\n')
    code, _, err = nstkit(*order, "--resume")
    assert code == 2
    assert "run.jsonl: expected a trace of `nstkit transfer --trace`, got another file" in err
    assert (here / "run.jsonl").read_text() == '{"something": "else"}\n'


def test_a_refused_run_leaves_no_trace(nstkit, here, order):
    assert nstkit(*order, "--optimizer", "sgd").code == 2
    assert sorted(path.name for path in here.iterdir()) == ["photo.png", "style.png"]


def test_a_run_that_blows_up_says_so_in_its_trace(nstkit, here, order, monkeypatch):
    real = session.stylize

    def blown(*args, on_step, **kwargs):
        def watch(step):
            if step.done == 2:
                step.terms["style"].fill_(math.nan)
                on_step(step)
                raise NonFiniteLoss("the style term is not finite", torch.rand(1, 3, 20, 30))
            return on_step(step)

        return real(*args, on_step=watch, **kwargs)

    monkeypatch.setattr(session, "stylize", blown)
    assert nstkit(*order).code == 2
    *_, last, end = events(here / "run.jsonl")
    assert last["losses"]["style"] is None
    assert (end["outcome"], end["done"]) == ("failed", 2)
    assert "the style term is not finite; the last good picture is out.partial.png" in end["said"][0]
    assert math.isnan(read_trace(here / "run.jsonl")[-1].losses["style"])


def test_a_full_disk_ends_the_trace_and_not_the_run(nstkit, here, order, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nstkit.cli.trace.Trace._write", full)
    code, _, err = nstkit(*order)
    assert code == 0
    assert err.count("could not write the trace: No space left on device") == 1
    assert (here / "out.png").exists()


def test_a_killed_run_leaves_whole_lines(here, photo, style):
    words = [
        "transfer",
        photo,
        style,
        "-o",
        "out.png",
        "--size",
        "64",
        "--steps",
        "100000",
        "--encoder",
        "tiny",
    ]
    program = "import sys; from nstkit.cli import main; main(sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words, "--trace", "run.jsonl", "-q"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    end, path = time.monotonic() + 60, here / "run.jsonl"
    while not path.exists() or path.read_text().count("\n") < 8:
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    process.kill()
    process.wait()
    steps = read_trace(path)
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert len(steps) >= 7
