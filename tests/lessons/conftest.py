"""The study folder with two small lessons."""

from pathlib import Path

import pytest
from study_folder import make_study

from nstkit.lessons import Lesson, find_lesson


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return make_study(tmp_path)


@pytest.fixture
def lessons(study: Path) -> Path:
    return study / "lessons"


@pytest.fixture
def sums(lessons: Path) -> Lesson:
    """The lesson with two functions."""
    return find_lesson("sums", lessons)


@pytest.fixture
def meter(lessons: Path) -> Lesson:
    """The lesson with a class."""
    return find_lesson("meter", lessons)
