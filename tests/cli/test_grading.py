"""`nstkit check` and `nstkit watch`: exit codes, sentences, JSON, and a clean terminal."""

import json

import pytest
from study_folder import make_study

from nstkit.cli.grading import saves
from nstkit.cli.study import read_progress
from nstkit.grading.landlock import landlock_abi

RIGHT = "import numpy as np\ndef running_sum(a):\n    return np.cumsum(a)\ndef last_sum(a):\n    return np.sum(a)\n"
WRONG = RIGHT.replace("np.cumsum(a)", "a.sum()")
on_linux = pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")


@pytest.fixture
def study(here):
    make_study(here)
    (here / "right").mkdir()
    (here / "wrong").mkdir()
    (here / "right" / "01_sums.py").write_text(RIGHT)
    (here / "wrong" / "01_sums.py").write_text(WRONG)
    return here


def test_right_answers_end_with_zero(study, nstkit):
    code, out, err = nstkit("check", "sums", "--answers", "right")
    assert (code, err) == (0, "")
    assert "7/7" in out
    assert "every exercise passed" in out


def test_a_wrong_answer_gets_its_sentence_and_ends_with_one(study, nstkit):
    code, out, err = nstkit("check", "1", "--answers", "wrong")
    assert (code, err) == (1, "")
    assert "You returned the total; add up step by step." in out
    assert "4/7" in out


def test_json_is_all_there_is_on_standard_output(study, nstkit):
    code, out, err = nstkit("check", "1", "--answers", "wrong", "--json")
    assert (code, err) == (1, "")
    graded = json.loads(out)["01_sums"]
    assert (graded["running_sum"]["state"], graded["last_sum"]["state"]) == ("wrong", "passed")
    assert graded["running_sum"]["misconception"] == "total"


def test_only_ones_own_notebooks_are_remembered(study, nstkit):
    nstkit("check", "1", "--answers", "right")
    assert read_progress() == {}
    nstkit("build", "1")
    assert nstkit("check", "1").code == 1
    assert read_progress()["01_sums"]["running_sum"]["state"] == "todo"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("7",), "lesson: expected one of 01_sums, 02_meter"),
        (("1", "--answers", "nowhere"), "--answers: expected a folder"),
        (("1", "--answers", "lessons"), "--answers: expected 01_sums.py or .ipynb in lessons, found neither"),
        (("--answers", "lessons"), "such as 01_sums.py, found none in lessons"),
    ],
)
def test_what_cannot_be_is_one_sentence(study, nstkit, words, message):
    code, out, err = nstkit("check", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_of_a_folder_of_answers_only_the_lessons_in_it_are_graded(study, nstkit):
    code, out, err = nstkit("check", "--answers", "right")
    assert (code, err) == (0, "")
    assert "01_sums" in out
    assert "02_meter" not in out


@on_linux
def test_watch_grades_at_once_and_writes_no_control_characters_into_a_pipe(study, nstkit):
    code, out, err = nstkit("watch", "1", "--answers", "wrong", "--rounds", 1)
    assert (code, err) == (0, "")
    assert out.startswith("01_sums.py\n")
    assert "add up step by step" in out
    assert "\x1b" not in out


def test_there_is_a_round_at_once_and_one_for_each_save(study):
    path = study / "right" / "01_sums.py"
    rounds = saves(path, 3)
    assert next(rounds) == 1
    for number in (2, 3):
        path.write_text(RIGHT + f"# {number}\n")
        assert next(rounds) == number
    assert list(rounds) == []
