"""Built notebooks are valid, equal nbgrader's own cell by cell, and are the same bytes every time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from study_folder import swap

from nstkit.lessons import find_lessons
from nstkit.lessons.notebooks import solved_notebook, source_notebook, stub_notebook, to_bytes

FINISHED = [lesson for lesson in find_lessons() if lesson.master.exists()]
RELEASE = """
import sys
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

config = Config()
config.CourseDirectory.root, config.CourseDirectory.course_id = sys.argv[1], "example"
api = NbGraderAPI(config=config)
for assignment in sys.argv[2:]:
    done = api.generate_assignment(assignment, create=True)
    assert done["success"], done
"""


def test_stubs_equal_what_nbgrader_makes_of_the_source(sums, meter, tmp_path):
    course, lessons = tmp_path / "course", [sums, meter, *FINISHED]
    for lesson in lessons:
        source = course / "source" / lesson.name / f"{lesson.name}.ipynb"
        source.parent.mkdir(parents=True)
        source.write_bytes(to_bytes(source_notebook(lesson)))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it calls alembic by name
    folders = {name: str(tmp_path) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    subprocess.run(
        [sys.executable, "-c", RELEASE, str(course), *(lesson.name for lesson in lessons)],
        env={**os.environ, "PATH": path, **folders}, check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    for lesson in lessons:
        theirs = nbformat.read(course / "release" / lesson.name / f"{lesson.name}.ipynb", as_version=4)
        ours = nbformat.from_dict(stub_notebook(lesson))
        assert [dict(cell) for cell in ours.cells] == [dict(cell) for cell in theirs.cells]
        for notebook in (ours, theirs):
            del notebook.metadata["nstkit"]["digest"]  # each is that of its own texts
        assert ours.metadata == theirs.metadata


@pytest.mark.parametrize("make", [source_notebook, stub_notebook, solved_notebook])
def test_notebooks_are_valid_and_written_as_nbformat_writes_them(sums, meter, make):
    for lesson in (sums, meter):
        text = to_bytes(make(lesson)).decode()
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
        assert text == nbformat.writes(notebook) + "\n"
        assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells)


def test_two_processes_write_the_same_bytes(sums):
    script = (
        "import sys; from pathlib import Path; from nstkit.lessons import find_lesson;"
        "from nstkit.lessons.notebooks import to_bytes, source_notebook, stub_notebook, solved_notebook;"
        "made = [make(find_lesson(sys.argv[1])) for make in (source_notebook, stub_notebook, solved_notebook)];"
        "sys.stdout.buffer.write(b''.join(map(to_bytes, made)))"
    )
    command = [sys.executable, "-c", script, str(sums.folder)]
    runs = [
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True)
        for seed in ("1", "2")
    ]
    made = (source_notebook(sums), stub_notebook(sums), solved_notebook(sums))
    assert {run.stdout for run in runs} == {b"".join(map(to_bytes, made))}


def graded(notebook):
    found = {}
    for cell in notebook["cells"]:
        if "nbgrader" in cell["metadata"]:
            found[cell["metadata"]["nbgrader"]["grade_id"]] = cell
    return found


def test_each_exercise_has_an_answer_and_a_check_worth_its_points(sums, meter):
    cells = graded(stub_notebook(sums)) | graded(stub_notebook(meter))
    assert list(cells) == [
        "running_sum",
        "check_running_sum",
        "last_sum",
        "check_last_sum",
        "Meter",
        "check_Meter",
    ]
    points = {name: cell["metadata"]["nbgrader"].get("points") for name, cell in cells.items()}
    assert points == {
        "running_sum": None, "check_running_sum": 3, "last_sum": None, "check_last_sum": 4, "Meter": None,
        "check_Meter": 3,
    }  # fmt: skip
    assert cells["check_running_sum"]["source"] == "check(running_sum)"
    assert cells["check_running_sum"]["metadata"]["editable"] is False
    assert cells["running_sum"]["id"] == "running-sum"


def texts(notebook):
    return "\n".join(cell["source"] for cell in notebook["cells"])


def test_what_each_of_the_three_holds(sums):
    source, stub, solved = (texts(make(sums)) for make in (source_notebook, stub_notebook, solved_notebook))
    assert "### BEGIN SOLUTION\n    return np.cumsum(a) + start" in source
    assert "np.cumsum" not in stub
    assert stub.count("raise NotImplementedError()") == 3
    assert '"""Partial sums of a vector (n,)."""\n    if a.ndim != 1:\n        # YOUR CODE HERE' in stub
    assert (
        '"""Partial sums of a vector (n,)."""\n    if a.ndim != 1:\n        raise ValueError("a")' in solved
    )
    assert "SOLUTION" not in stub + solved


def test_the_first_cell_says_where_the_notebook_comes_from(sums):
    first = stub_notebook(sums)["cells"][0]
    assert first["cell_type"] == "markdown"
    assert "`solutions/01_sums.py`" in first["source"]
    assert "`# YOUR CODE HERE`" in first["source"]
    assert "\n" not in first["source"]


def test_setup_cells_keep_their_tag_and_the_interview_is_filled_in(meter):
    cells = stub_notebook(meter)["cells"]
    assert [c["source"] for c in cells if "tags" in c["metadata"]] == ["from collections import Counter"]
    assert "The interview question" in cells[1]["source"]
    assert "Model answer" in texts(stub_notebook(meter))


def test_an_edit_moves_no_other_ids(sums):
    before = [cell["id"] for cell in stub_notebook(sums)["cells"]]
    swap(sums.master, "# # 01 Sums", "# # 01 Adding up")
    swap(sums.master, "# %% check=", "# %%\nprint('a new cell')\n\n# %% check=")
    after = [cell["id"] for cell in stub_notebook(sums)["cells"]]
    assert len(set(after) - set(before)) == 2
    assert len(set(before) - set(after)) == 1


def test_no_outputs(sums):
    stub = json.loads(to_bytes(stub_notebook(sums)))
    assert all(cell["outputs"] == [] and cell["execution_count"] is None
               for cell in stub["cells"] if cell["cell_type"] == "code")  # fmt: skip
