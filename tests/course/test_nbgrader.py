"""Stock nbgrader's commands on a course of ours: honest scores, whatever a class hands in."""

import copy
import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy_lesson import CHECKS, MASTER, RIGHT, interview

from nstkit.course.classes import grade_class
from nstkit.course.make import make_course, read_seed
from nstkit.grading.landlock import landlock_abi
from nstkit.lessons import find_lesson

pytestmark = [
    pytest.mark.skipif(
        landlock_abi() < 4, reason="coursework is graded on Linux with Landlock ABI 4 or later"
    ),
    pytest.mark.xdist_group("nbgrader"),  # one class is graded for all of these tests
]

LESSON = "07_toy"
WRONG = "def running_sum(a):\n    return a * 0 + a.sum()\n"


def nbgrader(course, *words):
    """One of nbgrader's own commands, in the course's folder."""
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *words], cwd=course, capture_output=True, text=True,
        env=os.environ | {"PATH": tools, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    root = tmp_path_factory.mktemp("school")
    folder = root / "lessons" / LESSON
    folder.mkdir(parents=True)
    (folder / f"test_{LESSON}.py").write_text(CHECKS)
    (folder / "interview.toml").write_text(interview(), "utf-8")
    (root / "solutions").mkdir()
    (root / "solutions" / f"{LESSON}.py").write_text(MASTER, "utf-8")
    return root


@pytest.fixture(scope="module")
def course(school):
    made = list(make_course(school / "course", [find_lesson(LESSON, school / "lessons")]))
    assert [line.split()[0] for line in made] == ["wrote", "drew", "built"]
    done = nbgrader(school / "course", "generate_assignment", LESSON)
    assert done.returncode == 0, done.stderr
    return school / "course"


def answers(notebook):
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("solution")
    }


def filled(course, **given):
    """The released notebook with answers in it."""
    notebook = json.loads((course / "release" / LESSON / f"{LESSON}.ipynb").read_text("utf-8"))
    for name, cell in answers(notebook).items():
        cell["source"] = (RIGHT | given)[name]
    return notebook


def copied(notebook):
    cell = answers(notebook)["running_sum"]
    stub = copy.deepcopy(cell) | {
        "id": "a-copy",
        "source": "def running_sum(a):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
    }
    notebook["cells"].insert(notebook["cells"].index(cell) + 1, stub)


def stripped(notebook):
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def without_checks(notebook):
    notebook["cells"] = [c for c in notebook["cells"] if not c["metadata"].get("nbgrader", {}).get("grade")]


def cheating(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["source"] = "5.0"


def long_winded(notebook):
    notebook["cells"].append(
        {"cell_type": "markdown", "id": "long", "metadata": {}, "source": "x" * 2_000_000}
    )


CLASS = {
    "right": ({}, None, 5),
    "wrong": ({"running_sum": WRONG}, None, 2),
    "warns": ({"running_sum": "import warnings\nwarnings.warn('x')\n" + RIGHT["running_sum"]}, None, 5),
    "patches": (
        {"running_sum": "def running_sum(a):\n    np.allclose = lambda *x: True\n    return a\n"},
        None,
        2,
    ),
    "exits": ({"running_sum": "def running_sum(a):\n    import os; os._exit(0)\n"}, None, 2),
    "prints": (
        {"running_sum": "def running_sum(a):\n    print('x' * 10**6)\n    return np.cumsum(a)\n"},
        None,
        5,
    ),
    "typo": ({"running_sum": "def running_sum(a:\n    return 1\n"}, None, 2),
    "steals": ({"running_sum": "def running_sum(a):\n    return len(open('{seed}').read()) * a\n"}, None, 2),
    "copied": ({}, copied, 5),
    "stripped": ({}, stripped, 5),
    "without_checks": ({}, without_checks, 5),
    "cheating": ({"running_sum": WRONG}, cheating, 2),
    "long_winded": ({}, long_winded, 5),
    "李娜 o'x": ({}, None, 5),
}


@pytest.fixture(scope="module")
def graded(course):
    """A class that was handed in, autograded, and given feedback."""
    for name, (given, change, _) in CLASS.items():
        given = {key: text.replace("{seed}", str(course / "seed.txt")) for key, text in given.items()}
        notebook = filled(course, **given)
        if change:
            change(notebook)
        put(course, name, json.dumps(notebook))
    put(course, "renamed", json.dumps(filled(course)), "my homework.ipynb")
    put(course, "broken", "{not json")
    done = nbgrader(course, "autograde", LESSON)
    assert nbgrader(course, "generate_feedback", LESSON).returncode == 0
    assert nbgrader(course, "export").returncode == 0
    return done


def put(course, learner, text, name=f"{LESSON}.ipynb"):
    path = course / "submitted" / learner / LESSON / name
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")


def exported(course):
    with open(course / "grades.csv", encoding="utf-8-sig") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


@pytest.mark.timeout(400)
def test_every_learner_gets_the_score_that_is_theirs(course, graded):
    scores = {name: row["score"] for name, row in exported(course).items()}
    expected = {name: f"{float(points)}" for name, (_, _, points) in CLASS.items()}
    assert scores == expected | {"renamed": "5.0", "broken": ""}


def test_only_the_unreadable_one_is_left_ungraded(course, graded):
    assert graded.stderr.count("There was an error processing assignment '07_toy' for student") == 1
    assert exported(course)["broken"]["ungraded"] == "check_running_sum; check_invert"
    assert exported(course)["right"]["ungraded"] == ""


def test_feedback_says_what_was_wrong_and_stays_small(course, graded):
    pages = {path.parts[-3]: path for path in (course / "feedback").glob("*/*/*.html")}
    assert set(pages) == {*CLASS, "renamed"}
    assert max(page.stat().st_size for page in pages.values()) <= 500_000
    wrong = pages["wrong"].read_text("utf-8")
    assert "You returned the total everywhere; add up step by step." in wrong
    assert "A vector of seven" in wrong
    assert "PermissionError" in pages["steals"].read_text("utf-8")


def test_the_same_class_without_nbgrader_gets_the_same_scores(school, course, graded, monkeypatch):
    monkeypatch.chdir(school)
    progress = grade_class(
        course / "submitted", school / "results", seed=read_seed(course / "seed.txt"), workers=1
    )
    points = {step.learner.name: step.learner.points for step in progress if step.learner.max_points}
    assert points == {name: points for name, (_, _, points) in CLASS.items()} | {"renamed": 5}


def test_the_seed_and_the_answers_are_not_in_the_release(course):
    seed = (course / "seed.txt").read_text().strip()
    released = [path.read_text("utf-8") for path in (course / "release").rglob("*") if path.is_file()]
    assert released
    assert not any(seed in text or "np.cumsum" in text for text in released)
    assert (course / "seed.txt").stat().st_mode & 0o077 == 0


def test_a_second_call_keeps_what_is_there(school, course):
    before = {path: path.read_bytes() for path in course.glob("*.*")}
    lines = list(make_course(course, [find_lesson(LESSON, school / "lessons")]))
    assert lines == [line for line in lines if line.startswith("unchanged")]
    assert {path: path.read_bytes() for path in course.glob("*.*")} == before


def test_reseeding_keeps_the_old_seed(tmp_path, school):
    lesson = [find_lesson(LESSON, school / "lessons")]
    list(make_course(tmp_path / "c", lesson))
    old = read_seed(tmp_path / "c" / "seed.txt")
    list(make_course(tmp_path / "c", lesson, reseed=True))
    kept = [read_seed(path) for path in (tmp_path / "c").glob("seed.*.txt")]
    assert kept == [old]
    assert read_seed(tmp_path / "c" / "seed.txt") != old


def test_another_folder_is_left_alone(tmp_path, school):
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(ValueError, match="no course of ours"):
        list(make_course(tmp_path, [find_lesson(LESSON, school / "lessons")]))
