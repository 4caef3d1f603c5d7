"""The outline says what the loaded test file says, without running it."""

import subprocess
import sys

import pytest

from nstkit.grading.load import load_exercises
from nstkit.lessons import find_lessons, outline


@pytest.mark.parametrize("name", [lesson.name for lesson in find_lessons()])
def test_outline_and_loaded_exercises_agree(name):
    (path,) = (lesson.checks for lesson in find_lessons() if lesson.name == name)
    for item, exercise in zip(outline(path), load_exercises(path).values(), strict=True):
        declared = (
            exercise.name,
            exercise.reference,
            exercise.level,
            exercise.minutes,
            exercise.hints,
            exercise.points,
        )
        assert (item.name, item.reference, item.level, item.minutes, item.hints, item.points) == declared
        assert item.checks == tuple(check.name for check in exercise.checks)


def test_no_torch_is_loaded(lesson):
    script = "import sys; from pathlib import Path; from nstkit.lessons import outline; outline(Path(sys.argv[1]));"
    script += "assert 'torch' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script, str(lesson.checks)], check=True)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("minutes=5", "minutes=5 * x", r"test_07_toy.py:\d+: expected a literal, got 5 \* x"),
    ("minutes=5", "minutes=(5", r"test_07_toy.py:\d+:"),
])  # fmt: skip
def test_what_cannot_be_read_unrun_is_said(lesson, old, new, words):
    lesson.checks.write_text(lesson.checks.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(ValueError, match=words):
        outline(lesson.checks)
