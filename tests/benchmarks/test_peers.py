"""The harness that times nstkit beside its peers: all sides have one objective, and what is missing is said."""

import json

import pytest
import torch
from peers import ours, plain
from peers.__main__ import main
from peers.problem import Problem, convolution_flops, write_weights
from peers.row import Comparison, Target, compared

from nstkit.transfer import stylize


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    weights = tmp_path_factory.mktemp("peers") / "vgg19.pth"
    write_weights(weights)
    return Problem(48, "cpu", str(weights), {}, 6)


def test_our_engine_has_the_judges_objective(problem):
    """Away from the content, where the balanced terms are 1 by construction."""
    content, style = problem.pictures()
    image, found = 0.7 * content + 0.3 * style.flip(3), []
    settings = ours.settings(problem) | {"steps": 1, "precision": "float32", "init": image}
    stylize(content, style, on_step=lambda step: found.append(step.losses["total"]), **settings)
    assert found == [pytest.approx(plain.judge(problem).value(image), rel=1e-4)]


def test_the_plain_loop_counts_its_evaluations_and_its_loss_falls(problem):
    step, image, losses = plain.loop(problem)
    for count in range(1, 7):
        step()
        assert len(losses) == count
    assert losses[-1] < losses[0] / 2
    assert plain.judge(problem).value(image) < losses[0] / 2
    assert not torch.equal(image, problem.pictures()[0])


def test_convolutions_are_counted_as_by_hand(problem):
    """Up to conv2_1, at 64 x 64: 3 -> 64 -> 64, halved, -> 128; a multiplication and an addition, forward and back."""
    by_hand = 64 * 64 * 9 * (3 * 64 + 64 * 64) + 32 * 32 * 9 * 64 * 128
    assert convolution_flops(64, last=[6]) == 4 * by_hand


def test_the_table_is_filled_and_says_what_is_missing(problem, tmp_path, capsys):
    options = f"--rows run wasserstein --size 48 --evaluations 8 --repeats 1 --threads 1 --weights {problem.weights}"
    places = ["--crowsonkb", str(tmp_path), "--json", str(tmp_path / "table.json")]
    assert main([*options.split(), "--device", "cpu", *places]) == 0
    told, table = capsys.readouterr().out, json.loads((tmp_path / "table.json").read_text("utf-8"))
    run, wasserstein = table["rows"]
    mine, other = run["medians"]["our run"], run["medians"]["plain run"]
    assert run["ratio"] == pytest.approx(mine["seconds"] / other["seconds"])
    assert mine["value"] <= other["value"]
    assert other["evaluations"] == 8
    assert wasserstein["verdict"] == "not measured"
    for text in (told, wasserstein["why_not"], table["peers"]["crowsonkb"]):
        assert "no style_transfer/__init__.py in the folder" in text
    assert f"torch {torch.__version__.partition('+')[0]}" in told


def test_verdicts():
    found = {"ours": {"seconds": 1.0}, "slow": {"seconds": 3.0}}
    faster = compared("seconds", Comparison("ours", "slow", Target(3.3)), found, {})
    assert (faster.ratio, faster.verdict) == (3.0, "miss")
    less = compared("seconds", Comparison("ours", "slow", Target(0.4, at_most=True), share=True), found, {})
    assert (less.ratio, less.verdict) == (1 / 3, "pass")
    missing = compared("seconds", Comparison("ours", "gone", Target(2)), found, {"gone": "not installed"})
    assert (missing.verdict, missing.why_not) == ("not measured", "gone: not installed")
