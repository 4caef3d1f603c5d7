"""Built notebooks equal nbgrader's own, byte for byte the same every time, and never cost a learner's work."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from nstkit.lessons.build import (
    build,
    changed_by_learner,
    is_stale,
    solved_notebook,
    source_notebook,
    stub_notebook,
    to_bytes,
)


def test_the_stub_equals_what_nbgrader_makes(lesson, tmp_path):
    course = tmp_path / "course"
    source = course / "source" / "07" / "07_toy.ipynb"
    source.parent.mkdir(parents=True)
    source.write_bytes(to_bytes(source_notebook(lesson)))
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'toy'\n")
    path = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ["PATH"]]
    )  # nbgrader calls alembic by name
    environment = {
        **os.environ,
        "PATH": path,
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "HOME": str(tmp_path),
    }
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "07", "--create"]
    done = subprocess.run(command, cwd=course, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    theirs = nbformat.read(course / "release" / "07" / "07_toy.ipynb", as_version=4)
    ours = nbformat.from_dict(stub_notebook(lesson))
    for mine, stock in zip(ours.cells, theirs.cells, strict=True):
        assert dict(mine) == dict(stock)


def test_every_notebook_is_valid(lesson):
    for make in (source_notebook, stub_notebook, solved_notebook):
        nbformat.validate(nbformat.from_dict(make(lesson)))
        text = to_bytes(make(lesson)).decode()
        assert text == nbformat.writes(nbformat.reads(text, as_version=4)) + "\n"


def test_two_processes_write_the_same_bytes(lesson):
    script = (
        "import sys; from pathlib import Path; from nstkit.lessons import Lesson;"
        "from nstkit.lessons.build import to_bytes, stub_notebook;"
        "sys.stdout.buffer.write(to_bytes(stub_notebook(Lesson('07_toy', Path(sys.argv[1])))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script, str(lesson.folder)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {to_bytes(stub_notebook(lesson))}


def test_stub_and_solution(lesson):
    stub = "\n".join(cell["source"] for cell in stub_notebook(lesson)["cells"])
    solved = "\n".join(cell["source"] for cell in solved_notebook(lesson)["cells"])
    assert "np.cumsum(a)" not in stub
    assert stub.count("raise NotImplementedError()") == 3
    assert '"""Partial sums of a vector (n,)."""' in stub
    assert "return np.cumsum(a)" in solved
    assert "SOLUTION" not in stub + solved


def test_building_twice_changes_nothing(lesson):
    assert build(lesson) == "built"
    assert build(lesson) == "unchanged"
    assert not is_stale(lesson)


def test_a_changed_master_rebuilds_an_untouched_notebook(lesson):
    build(lesson)
    lesson.master.write_text(lesson.master.read_text("utf-8").replace("Adding up", "Summing"), "utf-8")
    assert is_stale(lesson)
    assert build(lesson) == "built"


def edit(path: Path, text: str) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][5]["source"] = text
    path.write_text(json.dumps(notebook), "utf-8")


def test_a_learners_notebook_is_kept(lesson):
    build(lesson)
    edit(lesson.notebook, "def running_sum(a):\n    return a")
    before = lesson.notebook.read_bytes()
    assert build(lesson) == "kept"
    assert lesson.notebook.read_bytes() == before


def test_force_keeps_a_dated_copy(lesson):
    build(lesson)
    edit(lesson.notebook, "mine")
    before = lesson.notebook.read_bytes()
    assert build(lesson, force=True) == "built"
    copies = list(lesson.folder.glob("07_toy.2*.ipynb"))
    assert [path.read_bytes() for path in copies] == [before]


def test_running_cells_is_no_change(lesson):
    build(lesson)
    notebook = json.loads(lesson.notebook.read_text("utf-8"))
    notebook["cells"][3]["execution_count"] = 4
    notebook["cells"][3]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    lesson.notebook.write_text(json.dumps(notebook), "utf-8")
    assert not changed_by_learner(lesson.notebook)
    assert build(lesson) == "built"


@pytest.mark.parametrize("text", ["", "{", '{"cells": []}'])
def test_what_cannot_be_read_is_somebodys_work(lesson, text):
    lesson.notebook.write_text(text)
    assert build(lesson) == "kept"
