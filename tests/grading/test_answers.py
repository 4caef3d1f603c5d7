"""Notebooks and plain files become answers, whatever learners did to them."""

import json

import pytest
from toy_lesson import write_notebook

from nstkit.grading.answers import (
    Cell,
    UnreadableAnswers,
    notebook_cells,
    read_cells,
    run_cells,
    without_magics,
)


def run(source, *more):
    return run_cells([Cell(name, f"x.ipynb[{name}]", text) for name, text in (("first", source), *more)])


def test_only_setup_and_answer_cells_run(lesson):
    cells = read_cells(lesson / "07_toy.ipynb")
    assert [cell.exercise for cell in cells] == ["", "running_sum", "invert"]
    answers = run_cells(cells)
    assert answers.errors == {}
    assert list(answers.find("running_sum")([1, 2])) == [1, 3]


def test_a_plain_file_needs_no_notebook(tmp_path):
    path = tmp_path / "07_toy.py"
    path.write_text("x = 3\ndef f():\n    return x\n")
    assert run_cells(read_cells(path)).find("f")() == 3


@pytest.mark.parametrize(("text", "words"), [
    ("", "the file is empty"),
    ("{", "broken JSON"),
    ("[]", "broken JSON"),
    ('{"cells": []}', "broken JSON"),
    ('{"cells": [], "nbformat": 3}', "version 4"),
    ('{"cells": [], "nbformat": 4, "metadata": {"kernelspec": {"language": "R"}}}', "one for R"),
])  # fmt: skip
def test_what_is_no_notebook_gets_a_sentence(text, words):
    with pytest.raises(UnreadableAnswers, match=words):
        notebook_cells(text, "x.ipynb")


def test_a_missing_file_and_a_folder_get_a_sentence(tmp_path):
    with pytest.raises(UnreadableAnswers, match="no such file"):
        read_cells(tmp_path / "x.ipynb")
    with pytest.raises(UnreadableAnswers, match="cannot be read"):
        read_cells(tmp_path)


def test_a_failing_cell_leaves_the_others_standing():
    answers = run("def f(:\n", ("second", "def g():\n    return 1\n"), ("third", "1 / 0"))
    assert answers.find("g")() == 1
    assert isinstance(answers.error_of("first"), SyntaxError)
    assert isinstance(answers.error_of("third"), ZeroDivisionError)


@pytest.mark.parametrize("source", [
    "%matplotlib inline\nx = 1", "!ls\nx = 1", "import math\nmath.sin?\nx = 1", "if True:\n    %time 3\nx = 1",
    "x = (7\n% 4) - 2", "# %magic in a comment\nx = 1", "display(3)\ncheck(print)\nx = 1",
])  # fmt: skip
def test_magics_are_left_out_and_python_is_not(source):
    answers = run(source)
    assert answers.errors == {}
    assert answers.find("x") == 1


def test_a_cell_magic_blanks_the_cell_and_keeps_the_lines():
    assert without_magics("%%time\nx = 1\ny") == "\n\n"


def test_line_numbers_survive_magics():
    answers = run("%matplotlib inline\n\n1 / 0")
    error = answers.error_of("first")
    assert error.__traceback__.tb_next.tb_lineno == 3


def test_future_imports_last_and_dataclasses_find_their_module():
    second = "from dataclasses import dataclass\n@dataclass\nclass Box:\n    size: Missing\n"
    answers = run("from __future__ import annotations\n", ("second", second))
    assert answers.errors == {}
    assert answers.find("Box")(3).size == 3


def test_exit_in_a_cell_is_an_error_like_any_other():
    assert isinstance(run("import sys\nsys.exit()").error_of("first"), SystemExit)


def test_a_failing_setup_cell_explains_missing_answers(tmp_path):
    path = write_notebook(
        tmp_path / "07_toy.ipynb", {"f": "def f():\n    return np\n"}, setup="import no_such_module\n"
    )
    answers = run_cells(read_cells(path))
    assert isinstance(answers.error_of("g"), ModuleNotFoundError)


def test_where_the_metadata_was_lost_an_answer_is_the_cell_that_defines_it(tmp_path):
    path = write_notebook(tmp_path / "x.ipynb", {"f": "def f(): pass"})
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    path.write_text(json.dumps(notebook))
    assert [cell.exercise for cell in read_cells(path)] == [""]  # the setup comes first
    assert [cell.exercise for cell in read_cells(path, names=["f", "g"])] == ["", "f"]


def test_an_untouched_copy_of_an_answer_is_skipped(tmp_path):
    stub = "def f():\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    path = write_notebook(tmp_path / "x.ipynb", {"f": "def f(): return 1"})
    notebook = json.loads(path.read_text())
    notebook["cells"].insert(2, notebook["cells"][1] | {"source": stub})
    path.write_text(json.dumps(notebook))
    assert run_cells(read_cells(path)).find("f")() == 1
