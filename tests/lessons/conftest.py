"""A toy lesson with a master and an interview file, in a study folder of its own."""

from pathlib import Path

import pytest
from toy_lesson import CHECKS, MASTER, interview

from nstkit.lessons import Lesson


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    folder = tmp_path / "lessons" / "07_toy"
    folder.mkdir(parents=True)
    (tmp_path / "solutions").mkdir()
    (folder / "test_07_toy.py").write_text(CHECKS, "utf-8")
    (folder / "interview.toml").write_text(interview(), "utf-8")
    (tmp_path / "solutions" / "07_toy.py").write_text(MASTER, "utf-8")
    return Lesson("07_toy", folder)
