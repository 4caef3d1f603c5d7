"""The audit finds checks that cannot fail, misconceptions that pass, and variants that do not."""

import sys

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


COUNTED = """
calls = []

@running_sum.misconception("You kept the numbers; add them up.")
def counted(a):
    calls.append(a)
    return a.copy()
"""

RANDOM = """
@running_sum.misconception("You added noise.")
def noisy(a):
    return a + np.random.normal(size=a.shape)
"""

STATEFUL = """
calls = []

@running_sum.misconception("You counted your calls; keep nothing between calls.")
def remembers(a):
    calls.append(a)
    return a + len(calls)
"""

FAILING = """
seen = set()

@running_sum.misconception("You failed once.")
def fails_at_first(a):
    if a.dtype not in seen:
        seen.add(a.dtype)
        raise ValueError("the first call")
    return a.copy()
"""


def audited(lesson, addition):
    path = lesson / "test_07_toy.py"
    path.write_text(path.read_text() + addition)
    found = complaints(lesson, "running_sum")
    return found, sys.modules["nstkit_checks_test_07_toy"]


def test_a_wrong_answer_is_observed_once_for_all_questions(lesson):
    found, module = audited(lesson, COUNTED)
    assert set(found.values()) == {""}
    assert len(module.calls) == 2 * 3  # two checks, and an observation is three runs


def test_a_wrong_answer_that_may_be_too_slow_is_observed_again_within_limits(lesson, monkeypatch):
    monkeypatch.setattr("nstkit.grading.audit.SECONDS", 0.0)
    found, module = audited(lesson, COUNTED)
    assert set(found.values()) == {""}
    assert len(module.calls) == 2 * 2 * 3


@pytest.mark.parametrize(("addition", "name"), [
    (RANDOM, "noisy"), (STATEFUL, "remembers"), (FAILING, "fails_at_first"),
])  # fmt: skip
def test_a_wrong_answer_that_the_next_learner_would_not_give_is_found(lesson, addition, name):
    found, _ = audited(lesson, addition)
    assert "is answered with the sentence of no misconception" in found[f"rejects-{name}"]
