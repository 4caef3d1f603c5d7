"""The outline says what the loaded test file says, without running it."""

import subprocess
import sys

import pytest
from study_folder import swap

from nstkit.grading.load import load_exercises
from nstkit.lessons import find_lessons, outline


@pytest.mark.parametrize("name", [lesson.name for lesson in find_lessons()])
def test_outline_and_loaded_exercises_agree(name):
    (path,) = (lesson.checks for lesson in find_lessons() if lesson.name == name)
    for read, loaded in zip(outline(path), load_exercises(path).values(), strict=True):
        for field in ("name", "reference", "level", "minutes", "hints", "points"):
            assert getattr(read, field) == getattr(loaded, field)
        assert read.checks == tuple(check.name for check in loaded.checks)


def test_what_is_read(sums):
    first, second = outline(sums.checks)
    assert (first.name, first.points, first.checks, first.line) == (
        "running_sum",
        3,
        ("a_vector", "a_longer_one"),
        4,
    )
    assert first.hints == ("the idea", "the shape", "nearly there")
    assert (second.name, second.points, second.hints) == ("last_sum", 4, ())


def test_a_saved_change_is_read_again(sums):
    outline(sums.checks)
    swap(sums.checks, "points=4", "points=40")
    assert outline(sums.checks)[1].points == 40


def test_nothing_heavy_is_loaded(sums):
    script = (
        "import sys; from pathlib import Path; from nstkit.lessons import outline, find;"
        "import nstkit.lessons.build, nstkit.lessons.interview; outline(Path(sys.argv[1]));"
        "assert not {'torch', 'numpy', 'nbformat', 'jupytext', 'nbgrader'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script, str(sums.checks)], check=True)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("minutes=5", "minutes=5 * x", r"py:4: minutes: expected a literal, got 5 \* x; exercises are read unrun"),
    ("minutes=5", "minutes=True", r"py:4: minutes: expected a whole number, got True"),
    ('["the idea"', '[3, "the idea"', r"py:5: hints: expected a list of texts, got \[3, "),
    ("minutes=5", "minutes=(5", r"py:4: '\(' was never closed"),
    ("minutes=5", "minuts=5", "py:4: exercise: expected a name, then reference, level, minutes, hints by keyword"),
    ("minutes=5,", "", "py:4: exercise: minutes is missing"),
    ('"easy"', '"esay"', "py:4: level: expected one of easy, medium, hard, got 'esay'"),
    ('exercise("running_sum"', 'exercise("running sum"', "py:4: name: expected the name of a function or class"),
    ('exercise("last_sum"', 'exercise("running_sum"', "py:24: exercise: 'running_sum' is declared twice"),
    ("(points=4)", "(4)", r"py:26: expected `.check\(points=N\)`, got last.check\(4\)"),
    ("(points=4)", "(points=N)", "py:26: points: expected a literal, got N"),
    ("@last.check", "@lst.check", r"py:26: @lst.check: no exercise is called so; did you mean last\?"),
])  # fmt: skip
def test_what_cannot_be_read_is_said_with_its_line(sums, old, new, words):
    swap(sums.checks, old, new)
    with pytest.raises(ValueError, match=r"test_01_sums\." + words):
        outline(sums.checks)


def test_exercises_made_where_they_are_not_seen(sums):
    swap(sums.checks, "last = exercise(", "last = dict(a=exercise(")
    swap(sums.checks, "minutes=9)", "minutes=9))['a']")
    with pytest.raises(
        ValueError, match=r"py:24: exercise: expected `name = exercise\(…\)` at the top level"
    ):
        outline(sums.checks)
