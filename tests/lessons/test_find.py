"""Lessons are found from anywhere by any of their names, and a slip of the finger gets a suggestion."""

from pathlib import Path

import pytest

from nstkit.lessons import find_exercise, find_lesson, find_lessons, lessons_root
from nstkit.lessons.find import shown


@pytest.mark.parametrize(
    "key", ["2", "02", 2, "meter", "02_meter", "lessons/02_meter/02_meter.ipynb", "test_02_meter.py"]
)
def test_a_lesson_by_any_of_its_names(meter, lessons, key):
    assert find_lesson(key, lessons) == meter


@pytest.mark.parametrize(
    "part", ["lessons/02_meter", "lessons/02_meter/interview.toml", "solutions/02_meter.py"]
)
def test_a_path_leads_to_its_own_lesson_wherever_one_stands(study, meter, part):
    assert find_lesson(study / part) == meter
    assert find_lesson(str(study / part)) == meter


def test_a_lesson_knows_its_files(study, meter):
    assert (meter.number, meter.slug) == ("02", "meter")
    assert meter.master == study / "solutions" / "02_meter.py"
    assert meter.checks.exists()
    assert meter.interview.exists()


def test_the_study_folder_one_stands_in_comes_first(study, meter, lessons, monkeypatch):
    for place in (study, lessons, meter.folder):
        monkeypatch.chdir(place)
        assert lessons_root() == lessons
        assert [lesson.name for lesson in find_lessons()] == ["01_sums", "02_meter"]
    assert find_lesson(".") == meter


def test_elsewhere_the_lessons_of_the_package_are_found(tmp_path, monkeypatch):
    (tmp_path / "lessons" / "01_of_something_else").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "03_style_loss" in [lesson.name for lesson in find_lessons()]


def test_an_installed_package_brings_its_own(study, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    package = elsewhere / "site-packages" / "nstkit"
    package.mkdir(parents=True)
    study.rename(package / "_bundled")
    monkeypatch.setattr("nstkit.lessons.find._PACKAGE", package)
    monkeypatch.chdir(elsewhere)
    assert find_lesson("meter").master == package / "_bundled" / "solutions" / "02_meter.py"
    (package / "_bundled").rename(package / "lost")
    with pytest.raises(
        ValueError, match=r"lessons: found none in .* and none in the installation; reinstall nstkit"
    ):
        find_lessons()


def test_a_study_folder_without_masters_uses_those_of_the_package(study, sums):
    for master in (study / "solutions").iterdir():
        master.unlink()
    (study / "solutions").rmdir()
    assert sums.master.parent == Path(find_lessons.__code__.co_filename).parents[2] / "solutions"


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("metre", "expected one of 01_sums, 02_meter, got 'metre'; did you mean 02_meter[?]$"),
        ("22", "got '22'; did you mean 02_meter[?]$"),
        ("99", "expected one of 01_sums, 02_meter, got '99'$"),
        ("Meter", "got 'Meter'; Meter is an exercise of 02_meter$"),
        ("nowhere/99_x.ipynb", "got 'nowhere/99_x.ipynb'$"),
    ],
)
def test_an_unknown_lesson(lessons, key, words):
    with pytest.raises(ValueError, match=words):
        find_lesson(key, lessons)


def test_exercises_lead_to_their_lesson(lessons, meter):
    assert find_exercise("Meter", lessons) == meter
    with pytest.raises(ValueError, match=r"no exercise is called 'runing_sum'; did you mean running_sum\?"):
        find_exercise("runing_sum", lessons)
    with pytest.raises(
        ValueError, match="no exercise is called 'xyz'; there are running_sum, last_sum, Meter"
    ):
        find_exercise("xyz", lessons)


def test_paths_are_shown_from_where_one_stands(study, meter, monkeypatch):
    monkeypatch.chdir(study)
    assert shown(meter.checks) == "lessons/02_meter/test_02_meter.py"
    monkeypatch.chdir("/")
    assert shown(meter.folder / ".." / "x").startswith(str(study)[1:])
