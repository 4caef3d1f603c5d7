"""Cells get back the roles that copying, pasting and platforms took from them."""

import nbformat.v4 as nb
import pytest

from nstkit.course.normalise import normalise

STUB = "def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


def entry(grade_id, solution=True):
    roles = {"solution": solution, "grade": not solution, "locked": not solution, "task": False}
    return {"grade_id": grade_id, "source": "…", "schema_version": 3, **roles}


EXPECTED = [entry("f"), entry("check_f", solution=False)]


def cell(source, grade_id=None, id=None):
    made = nb.new_code_cell(source, **({"id": id} if id else {}))
    if grade_id:
        made.metadata["nbgrader"] = {k: v for k, v in entry(grade_id).items() if k != "source"}
    return made


def roles(cells):
    return [c.metadata.get("nbgrader", {}).get("grade_id") for c in cells]


def test_a_notebook_in_order_is_left_alone():
    cells = [cell("def f(x): return x", "f"), cell("check(f)", "check_f")]
    assert list(normalise(cells, EXPECTED)) == []
    assert roles(cells) == ["f", "check_f"]


@pytest.mark.parametrize(("sources", "kept"), [
    (["def f(x): return 1", "def f(x): return 2"], 1),
    (["def f(x): return 1", STUB], 0),
    ([STUB, STUB], 1),
])  # fmt: skip
def test_of_copies_the_last_one_that_was_worked_on_counts(sources, kept):
    cells = [cell(source, "f") for source in sources]
    said = list(normalise(cells, [entry("f")]))
    assert [place for place, role in enumerate(roles(cells)) if role] == [kept]
    assert said == ["f: 2 cells have this id; the last one that was worked on counts"]


def test_lost_metadata_comes_back_by_id_and_by_definition():
    cells = [cell("def f(x): return x"), cell("check(f)", id="check-f")]
    said = list(normalise(cells, EXPECTED))
    assert roles(cells) == ["f", "check_f"]
    assert cells[0].metadata["nbgrader"]["solution"]
    assert "source" not in cells[0].metadata["nbgrader"]
    assert said == [
        "f: the cell had lost its metadata; restored",
        "check_f: the cell had lost its metadata; restored",
    ]


def test_an_answer_that_is_gone_is_said():
    assert list(normalise([cell("x = 1")], [entry("f")])) == ["f: no cell answers it"]
