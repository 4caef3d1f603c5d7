"""The audit finds checks that cannot fail, misconceptions that pass, and variants that do not."""

import pytest

from nstkit.grading.audit import audits
from nstkit.grading.load import load_exercises


def complaints(lesson, name):
    exercise = load_exercises(lesson / "test_07_toy.py")[name]
    return {finding.name: finding.complaint() for finding in audits(exercise)}


def test_a_sound_exercise_has_no_complaint(lesson):
    for name in ("running_sum", "invert"):
        assert set(complaints(lesson, name).values()) == {""}


@pytest.mark.parametrize(("name", "addition", "question", "words"), [
    ("running_sum", "def right(a): return np.cumsum(a)", "rejects-right", "loses no point"),
    ("running_sum", "def again(a): return a * 0 + a.sum()", "rejects-again", "sentence of total_everywhere"),
])  # fmt: skip
def test_a_useless_misconception_is_found(lesson, name, addition, question, words):
    path = lesson / "test_07_toy.py"
    path.write_text(path.read_text() + f"\n@{name}.misconception('Never.')\n{addition}\n")
    assert words in complaints(lesson, name)[question]


def test_a_variant_that_is_wrong_is_found(lesson):
    path = lesson / "test_07_toy.py"
    path.write_text(path.read_text() + "\n@running_sum.accepts\ndef wrong(a): return a\n")
    assert "earns 0 of 3" in complaints(lesson, "running_sum")["accepts-wrong"]


def test_a_check_that_cannot_fail_is_found(lesson):
    path = lesson / "test_07_toy.py"
    blind = "def blind(answer, draw):\n    '''Nothing.'''\n    answer(draw.array(3))\n    return 1\n"
    path.write_text(path.read_text() + "\n@running_sum.check()\n" + blind)
    assert "blind" in complaints(lesson, "running_sum")["every-check-can-fail"]


def test_a_check_that_returns_its_own_verdict_is_found(lesson):
    path = lesson / "test_07_toy.py"
    gullible = "def gullible(answer, draw):\n    '''No error.'''\n    return bool(abs(answer(draw.array(3))[0]) < 9)\n"
    path.write_text(path.read_text() + "\n@running_sum.check()\n" + gullible)
    assert "gullible believed" in complaints(lesson, "running_sum")["liar-earns-none"]
