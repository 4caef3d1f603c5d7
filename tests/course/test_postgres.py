"""A course whose gradebook is a PostgreSQL server: two autogrades at once, every score in it."""

import csv
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from toy_lesson import CHECKS, MASTER, RIGHT, interview

from nstkit.course.make import make_course
from nstkit.grading.landlock import landlock_abi
from nstkit.lessons import find_lesson

LESSON = "07_toy"
PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(PROGRAMS is None, reason="needs a PostgreSQL server (Debian's package postgresql)"),
    pytest.mark.skipif(
        landlock_abi() < 4, reason="coursework is graded on Linux with Landlock ABI 4 or later"
    ),
]


def as_owner(*words):
    """A command of the server's owner: it refuses to run as root."""
    prefix = ["runuser", "-u", "postgres", "--"] if getpass.getuser() == "root" else []
    done = subprocess.run([*prefix, *map(str, words)], capture_output=True, text=True, cwd="/tmp")
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def database():
    """The URL of an empty database on a server of its own."""
    pytest.importorskip("psycopg2", reason="needs psycopg2 (pip install psycopg2-binary)")
    folder = Path(tempfile.mkdtemp(prefix="nstkit-pg-", dir="/tmp"))
    if getpass.getuser() == "root":
        shutil.chown(folder, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    as_owner(PROGRAMS / "initdb", "-D", data, "-U", "grader", "--auth=trust", "-E", "UTF8")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    as_owner(PROGRAMS / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w", "start")
    try:
        as_owner(PROGRAMS / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "grader", "gradebook")
        yield f"postgresql+psycopg2://grader@127.0.0.1:{port}/gradebook"
    finally:
        as_owner(PROGRAMS / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def start(course, *words):
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": tools, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "nbgrader", *words]
    return subprocess.Popen(
        command, cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(process):
    said, _ = process.communicate()
    assert process.returncode == 0, said[-3000:]


def test_two_autogrades_at_once(database, tmp_path):
    folder = tmp_path / "lessons" / LESSON
    folder.mkdir(parents=True)
    (folder / f"test_{LESSON}.py").write_text(CHECKS)
    (folder / "interview.toml").write_text(interview(), "utf-8")
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / f"{LESSON}.py").write_text(MASTER, "utf-8")
    course = tmp_path / "course"
    list(make_course(course, [find_lesson(LESSON, tmp_path / "lessons")], database=database))
    finished(start(course, "generate_assignment", LESSON))
    for name in ("ana", "ben", "cem", "dai"):
        notebook = json.loads((course / "release" / LESSON / f"{LESSON}.ipynb").read_text("utf-8"))
        for cell in notebook["cells"]:
            grading = cell["metadata"].get("nbgrader", {})
            if grading.get("solution") and name != "dai":
                cell["source"] = RIGHT[grading["grade_id"]]
        path = course / "submitted" / name / LESSON / f"{LESSON}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), "utf-8")
    both = [start(course, "autograde", LESSON, "--student", pattern) for pattern in ("[ab]*", "[cd]*")]
    for process in both:
        finished(process)
    finished(start(course, "export"))
    with open(course / "grades.csv", encoding="utf-8-sig") as file:
        scores = {row["student_id"]: row["score"] for row in csv.DictReader(file)}
    assert scores == {"ana": "5.0", "ben": "5.0", "cem": "5.0", "dai": "0.0"}
    assert not (course / "gradebook.db").exists()
