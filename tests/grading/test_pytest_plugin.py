"""`pytest lessons/` as a learner meets it, in a process of its own."""

import re
import subprocess
import sys

import pytest
from toy_lesson import RIGHT, write_notebook

STUB = "def running_sum(a):\n    raise NotImplementedError()\n"


def run(lesson, *options):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "lessons",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        *options,
    ]
    done = subprocess.run(command, cwd=lesson.parents[1], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout


def test_untouched_stubs_are_todo_without_tracebacks(lesson):
    write_notebook(
        lesson / "07_toy.ipynb", {"running_sum": STUB, "invert": STUB.replace("running_sum", "invert")}
    )
    code, text = run(lesson)
    assert code == 1
    assert "4 todo" in text
    assert "Traceback" not in text
    assert "FAILURES" not in text
    assert "07_toy    0/5" in text
    assert "next: answer running_sum in lesson 07" in text


def test_right_answers_pass(lesson):
    code, text = run(lesson, "-n", "2")
    assert code == 0
    assert "07_toy    5/5" in text
    assert "4 passed" in text


def test_a_mistake_is_answered_with_its_sentence(lesson):
    write_notebook(
        lesson / "07_toy.ipynb", RIGHT | {"running_sum": "def running_sum(a):\n    return a * 0 + a.sum()\n"}
    )
    code, text = run(lesson)
    assert code == 1
    failures, _, _ = text.partition(
        "short test summary info"
    )  # which pytest cuts off, but not where CI is set
    assert failures.count("You returned the total everywhere; add up step by step.") == 1
    assert "07_toy    2/5" in text
    assert "next: mend running_sum" in text


def test_an_error_shows_the_notebooks_cell_and_line(lesson):
    write_notebook(
        lesson / "07_toy.ipynb",
        RIGHT | {"running_sum": "def running_sum(a):\n    x = 1\n    return a / nope\n"},
    )
    _, text = run(lesson)
    assert "lessons/07_toy/07_toy.ipynb[running_sum]:3" in text
    assert "return a / nope" in text


def test_answers_from_a_folder_of_plain_files(lesson, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "07_toy.py").write_text("import numpy as np\n" + RIGHT["invert"])
    code, text = run(lesson, "--answers", str(folder))
    assert code == 1
    assert "07_toy    2/5" in text


def test_audit_and_isolation(lesson):
    code, text = run(lesson, "--audit")
    assert (code, "failed" in text) == (0, False)
    code, text = run(lesson, "--isolate", "--seed", "5")
    assert code == 0
    assert "07_toy    5/5" in text


def test_an_audit_asks_all_about_one_exercise_in_one_process(lesson):
    code, text = run(lesson, "--audit", "-n", "2", "-v")
    assert code == 0
    workers = re.findall(r"\[(gw\d)\] .*PASSED \S+::(\w+)::[\w-]+", text)
    assert len(workers) == 7 + 5
    assert len({exercise for _, exercise in workers}) == len(set(workers)) == 2


def test_the_plugin_is_inert_elsewhere(tmp_path):
    (tmp_path / "test_plain.py").write_text(
        "import sys\n\ndef test_light():\n    assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "scoreboard" not in done.stdout


@pytest.mark.parametrize("name", ["test_7_toy.py", "test_07_other.py"])
def test_other_files_in_lessons_are_ordinary_tests(lesson, name):
    (lesson / name).write_text("def test_ordinary():\n    assert True is not False\n")
    code, text = run(lesson)
    assert code == 0
    assert "5 passed" in text
