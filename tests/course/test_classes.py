"""A class from submissions to results: right, resumable, and out of reach of what a learner hands in."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from nstkit.course.classes import Unprotected, grade_class

WRONG = "def running_sum(a):\n    return a * 0 + a.sum()\n"
STUB = "def running_sum(a):\n    # YOUR CODE HERE\n    raise NotImplementedError()\n"


def grade(school, **options):
    progress = list(grade_class(school / "submissions", school / "results", workers=1, **options))
    with open(school / "results" / "summary.csv", encoding="utf-8-sig") as file:
        return {row["learner"]: row for row in csv.DictReader(file)}, [
            p.learner.name for p in progress if p.regraded
        ]


def results(school):
    lines = (school / "results" / "results.jsonl").read_text("utf-8").splitlines()
    return {(row["learner"], row["exercise"]): row for row in map(json.loads, lines)}


def test_a_class_of_many_kinds(school, hand_in):
    hand_in("right")
    hand_in("wrong", running_sum=WRONG)
    hand_in("todo", running_sum=STUB)
    hand_in("in an editor", "answers.py")
    hand_in("renamed", "homework final.ipynb")
    hand_in(
        "noisy",
        running_sum="import warnings\nwarnings.warn('x')\nprint('y')\ndef running_sum(a):\n    return np.cumsum(a)",
    )
    hand_in("loops", running_sum="def running_sum(a):\n    return 1 / 0\n")
    hand_in("broken").write_text("{not json")
    (school / "submissions" / "empty").mkdir()
    hand_in("packed").rename(school / "packed.ipynb")
    with zipfile.ZipFile(school / "submissions" / "packed.zip", "w") as target:
        target.write(school / "packed.ipynb", "deep/er/07_toy.ipynb")
    (school / "submissions" / "packed").rmdir()
    summary, regraded = grade(school)
    points = {name: row["points"] for name, row in summary.items()}
    assert points == {
        "right": "5", "wrong": "2", "todo": "2", "in an editor": "5", "renamed": "5", "noisy": "5", "loops": "2",
        "broken": "", "empty": "", "packed": "5",
    }  # fmt: skip
    assert summary["broken"]["ungraded"].startswith("07_toy.ipynb: not a notebook (broken JSON)")
    assert set(regraded) == set(points) - {"empty"}
    row = results(school)["wrong", "running_sum"]
    assert (row["state"], row["misconception"]) == ("wrong", "total_everywhere")
    assert row["message"] == "You returned the total everywhere; add up step by step."
    assert {p.name for p in (school / "results" / "learners").iterdir()} == {
        f"{n.replace(' ', '-')}.html" for n in points
    }


def test_only_what_changed_is_graded_again(school, hand_in):
    hand_in("a"), hand_in("b")
    assert grade(school)[1] == ["a", "b"]
    assert grade(school)[1] == []
    hand_in("b", running_sum=WRONG)
    summary, regraded = grade(school)
    assert regraded == ["b"]
    assert [summary[name]["points"] for name in "ab"] == ["5", "2"]
    assert grade(school, regrade=True)[1] == ["a", "b"]
    assert grade(school, seed=5)[1] == ["a", "b"]


def test_a_learner_who_is_gone_is_not_in_the_results(school, hand_in):
    hand_in("a"), hand_in("b")
    grade(school)
    (school / "submissions" / "b" / "07_toy.ipynb").unlink()
    (school / "submissions" / "b").rmdir()
    assert list(grade(school)[0]) == ["a"]


HOSTILE = {
    "exits": "import os\n    os._exit(0)",
    "kills its parent": "import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)",
    "forks": "import os\n    while True: os.fork()",
    "writes": "open('/tmp/nstkit_hostile', 'w').write('x')",
    "reads a neighbour": "return len(open('{other}').read())",
    "patches": "import numpy; numpy.allclose = lambda *x: True\n    return a",
}


@pytest.mark.timeout(200)
def test_hostile_answers_cost_their_authors_alone(school, hand_in):
    for name, body in HOSTILE.items():
        other = school / "submissions" / "right" / "07_toy.ipynb"
        hand_in(name, running_sum=f"def running_sum(a):\n    {body.replace('{other}', str(other))}\n")
    hand_in("right")
    summary, _ = grade(school)
    points = {name: row["points"] for name, row in summary.items()}
    assert points.pop("right") == "5"
    assert set(points.values()) == {"2"}  # their other answer is right, and counts
    assert not Path("/tmp/nstkit_hostile").exists()


def test_names_do_no_harm(school, hand_in):
    names = ['O\'Brien "x"', "李娜", "<b>x</b>".replace("/", "_"), "=cmd()", "a b"]
    for name in names:
        hand_in(name)
    summary, _ = grade(school)
    assert set(summary) == {name if name != "=cmd()" else "'=cmd()" for name in names}
    assert "<b>" not in (school / "results" / "index.html").read_text("utf-8")


def test_without_a_lock_coursework_is_refused(school, hand_in, monkeypatch):
    hand_in("a")
    monkeypatch.setattr("nstkit.grading.sandbox.landlock_abi", lambda: 0)
    with pytest.raises(Unprotected, match=r"no Landlock; .*--allow-unprotected"):
        list(grade_class(school / "submissions", school / "results"))


COMMAND = [
    sys.executable,
    "-c",
    "from nstkit.cli import main; main()",
    "grade",
    "submissions",
    "-o",
    "results",
]


@pytest.mark.timeout(240)
def test_killed_at_any_moment_it_goes_on_and_grades_each_learner_once(school, hand_in):
    slow = "import time\ndef running_sum(a):\n    time.sleep(0.05)\n    return np.cumsum(a)\n"
    for number in range(10):
        hand_in(f"learner {number}", running_sum=slow)
    records = school / "results" / ".nstkit" / "records.jsonl"
    command = [*COMMAND, "--lessons", "07", "--workers", "1"]
    for enough in (2, 6):
        run = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while run.poll() is None and (not records.exists() or records.read_bytes().count(b"\n") < enough):
            time.sleep(0.01)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    subprocess.run(command, check=True, capture_output=True)
    learners = [
        json.loads(line)["learner"] for line in records.read_text().splitlines() if line.endswith("}")
    ]
    assert sorted(learners) == [f"learner {number}" for number in range(10)]
    assert {row["points"] for row in results(school).values() if row["exercise"] == "running_sum"} == {3}
    assert not _processes_of(school)


def _processes_of(folder):
    found = []
    for process in Path("/proc").iterdir():
        try:
            if (
                process.name.isdigit()
                and Path(os.readlink(process / "cwd")) == folder
                and int(process.name) != os.getpid()
            ):
                found.append(process.name)
        except OSError:
            continue
    return found


def test_the_command_says_how_each_learner_did(school, hand_in):
    hand_in("Ana"), hand_in("Ben\x1b[2J", running_sum=WRONG)
    done = subprocess.run([*COMMAND, "--lessons", "07"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "5/5  Ana" in done.stderr
    assert "2/5  Ben?[2J" in done.stderr
    assert "results/index.html shows the class" in done.stdout


@pytest.mark.parametrize(("words", "sentence"), [
    (["nowhere", "-o", "r"], "nowhere: expected a folder"),
    (["submissions", "-o", "lessons"], "lessons: holds something that `nstkit grade` did not write"),
    (["submissions", "-o", "r", "--lessons", "99"], "did you mean|expected one of"),
    (["submissions", "-o", "r", "--format", "moodle"], "--format: expected one of gradescope, github-classroom"),
    (["submissions", "-o", "r", "--seed-file", "none.txt"], "none.txt: no such file"),
    (["submissions", "-o", "r", "--lessons", "07", "--scheduler", "tcp://127.0.0.1:9"], "no dask scheduler answers"),
])  # fmt: skip
def test_mistakes_end_in_one_sentence(school, hand_in, words, sentence):
    hand_in("Ana")
    done = subprocess.run([*COMMAND[:4], *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert any(part in done.stderr for part in sentence.split("|"))
    assert "Traceback" not in done.stderr
