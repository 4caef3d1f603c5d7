"""Lessons are found from anywhere, and a slip of the finger gets a suggestion."""

import pytest

from nstkit.lessons import find_exercise, find_lesson, find_lessons, lessons_root


@pytest.mark.parametrize(
    "key", ["7", "07", 7, "toy", "07_toy", "lessons/07_toy/07_toy.ipynb", "test_07_toy.py"]
)
def test_a_lesson_by_any_of_its_names(lesson, key):
    assert find_lesson(key, lesson.folder.parent) == lesson


def test_the_study_folder_one_stands_in_comes_first(lesson, monkeypatch):
    for place in (lesson.folder, lesson.folder.parent, lesson.folder.parents[1]):
        monkeypatch.chdir(place)
        assert lessons_root() == lesson.folder.parent
        assert find_lessons() == [lesson]


def test_elsewhere_the_lessons_of_the_package_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "03_style_loss" in [lesson.name for lesson in find_lessons()]


@pytest.mark.parametrize(
    ("key", "words"), [("tyo", "did you mean 'toy'"), ("99", "expected one of 07_toy, got '99'")]
)
def test_an_unknown_lesson(lesson, key, words):
    with pytest.raises(ValueError, match=words):
        find_lesson(key, lesson.folder.parent)


def test_exercises_lead_to_their_lesson(lesson):
    assert find_exercise("invert", lesson.folder.parent) == lesson
    with pytest.raises(ValueError, match="did you mean running_sum"):
        find_exercise("runing_sum", lesson.folder.parent)
