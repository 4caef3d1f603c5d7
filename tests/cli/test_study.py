"""A study folder: made, asked about, helped with, reset; and the installation's own lessons left alone."""

import json

import pytest
from study_folder import make_study, swap

from nstkit.cli.study import PROGRESS, read_progress, write_progress
from nstkit.lessons import find_lesson


@pytest.fixture
def study(here):
    """A study folder, which is the current one."""
    return make_study(here)


def lines_of(text, word):
    return [line for line in text.splitlines() if word in line]


def test_init_makes_a_folder_to_study_in(study, nstkit, monkeypatch):
    code, out, err = nstkit("init", "mine")
    assert (code, err) == (0, "")
    assert "made mine with 2 lessons" in out
    monkeypatch.chdir(study / "mine")
    for name in ("01_sums", "02_meter"):
        folder = study / "mine" / "lessons" / name
        assert sorted(path.name for path in folder.iterdir()) == [
            f"{name}.ipynb",
            "interview.toml",
            f"test_{name}.py",
        ]
        assert "raise NotImplementedError" in (folder / f"{name}.ipynb").read_text()
    assert lines_of(nstkit("status").out, "total")[0].split()[1] == "0/10"


def test_init_leaves_a_used_folder_alone(study, nstkit):
    code, _, err = nstkit("init", ".")
    assert (code, err) == (2, "nstkit: .: is not empty; name a new folder\n")


def test_status_shows_what_was_last_graded(study, nstkit):
    write_progress(find_lesson("sums"), {"running_sum": {"state": "passed", "points": 3}})
    out = nstkit("status").out
    assert lines_of(out, "01_sums")[0].split()[1] == "3/7"
    assert lines_of(out, "next:") == ["next: answer last_sum in lesson 01 · nstkit hint last_sum"]


def test_a_damaged_memory_is_an_empty_one(study, nstkit):
    for text in ("{", "[1]", ""):
        (study / PROGRESS).write_text(text)
        assert read_progress() == {}
        assert nstkit("status").code == 0


def test_hints_come_one_by_one_and_the_last_one_stays(study, nstkit):
    shown = [nstkit("hint", "running_sum").out.splitlines()[2] for _ in range(4)]
    assert shown == ["the idea", "the shape", "nearly there", "nearly there"]
    assert "the idea" in nstkit("hint", "running_sum", "--step", 1).out


def test_grading_does_not_forget_the_hints(study, nstkit):
    nstkit("hint", "running_sum")
    write_progress(find_lesson("sums"), {"running_sum": {"state": "wrong", "points": 0}})
    assert "the shape" in nstkit("hint", "running_sum").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("hint", "runing_sum"), "did you mean running_sum?"),
        (("hint", "last_sum"), "last_sum: has no hints"),
        (("hint", "running_sum", "--step", 4), "--step"),
        (("solution", "running_sum"), "running_sum is not passed yet; `nstkit hint running_sum` helps"),
        (("solution", "sums"), "no exercise is called 'sums'"),
        (("reset", "9"), "lesson: expected one of 01_sums, 02_meter, got '9'"),
        (("reset", "smus"), "did you mean 01_sums?"),
    ],
)
def test_what_cannot_be_is_one_sentence(study, nstkit, words, message):
    code, out, err = nstkit(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize("command", ["init", "course"])
def test_a_file_is_no_place_for_a_folder(here, nstkit, command):
    (here / "mine").write_text("precious")
    assert nstkit(command, "mine").err == "nstkit: mine: is a file; name a new folder\n"
    assert (here / "mine").read_text() == "precious"


@pytest.mark.parametrize("passed", [True, False])
def test_the_solution_is_shown_after_a_pass_or_anyway(study, nstkit, passed):
    if passed:
        write_progress(find_lesson("sums"), {"running_sum": {"state": "passed", "points": 3}})
    out = nstkit("solution", "running_sum", *([] if passed else ["--anyway"])).out
    assert "return np.cumsum(a) + start" in out
    assert "###" not in out


def test_reset_brings_a_fresh_notebook_and_keeps_the_old_one(study, nstkit):
    nstkit("reset", "sums")
    notebook = find_lesson("sums").notebook
    fresh = notebook.read_bytes()
    swap(notebook, "raise NotImplementedError()", "return 7")
    changed = notebook.read_bytes()
    code, out, _ = nstkit("reset", 1)
    assert code == 0
    assert "kept yours as lessons/01_sums/01_sums.2" in out
    assert notebook.read_bytes() == fresh
    (copy,) = [path for path in notebook.parent.glob("*.ipynb") if path != notebook]
    assert copy.read_bytes() == changed


def test_outside_of_a_study_folder_nothing_is_written(here, nstkit):
    lesson = find_lesson("3")
    before = sorted(path.name for path in lesson.folder.parent.parent.iterdir())
    write_progress(lesson, {"gram_matrix": {"state": "passed"}})
    code, _, err = nstkit("reset", "3")
    assert (code, err.count("\n")) == (2, 1)
    assert "there is no study folder here" in err
    assert sorted(path.name for path in lesson.folder.parent.parent.iterdir()) == before


def test_a_folder_that_cannot_be_written_is_no_error(study, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nstkit.cli.study.write_whole", full)
    write_progress(find_lesson("sums"), {"running_sum": {"state": "passed"}})
    assert not (study / PROGRESS).exists()


def test_the_memory_is_plain_json(study):
    write_progress(find_lesson("sums"), {"running_sum": {"state": "passed", "points": 3}})
    assert json.loads((study / PROGRESS).read_text()) == {
        "01_sums": {"running_sum": {"points": 3, "state": "passed"}}
    }
