"""Mistakes in a master are answered with file and line."""

import pytest

from nstkit.lessons.master import read_master, source_cells


def change(lesson, old, new):
    text = lesson.master.read_text("utf-8")
    assert old in text
    lesson.master.write_text(text.replace(old, new, 1), "utf-8")


ANSWER = '# %% answer="running_sum"'
END = "    ### END SOLUTION\n\n# %% check"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (ANSWER, '# %% anser="running_sum"', r"07_toy.py:14: unknown in a cell header: anser"),
        (
            ANSWER,
            '# %% answer="runing_sum"',
            r"07_toy.py:14: answer 'runing_sum': test_07_toy.py declares no",
        ),
        ('# %% check="invert"\n', "", r'no cell `# %% check="invert"`'),
        (END, "\n# %% check", r"07_toy.py:14: the answer lacks ### BEGIN SOLUTION or ### END SOLUTION"),
        ("# %% [markdown]\n# # A toy", "x = 1\n# %% [markdown]\n# # A toy", r"07_toy.py:1: expected a cell"),
        ("# %% answer", "# %% nonsense answer", r"unknown in a cell header: nonsense"),
    ],
)
def test_mistakes(lesson, old, new, words):
    change(lesson, old, new)
    with pytest.raises(ValueError, match=words):
        source_cells(lesson)


def test_cells_keep_their_kind_text_and_order(lesson):
    cells = read_master(lesson.master)
    assert [cell.kind for cell in cells[:4]] == ["markdown", "code", "code", "markdown"]
    assert cells[0].source == "# A toy lesson\n\nAdding up."
    assert cells[1].source == "import numpy as np"


def test_checks_carry_their_points_and_interviews_are_filled_in(lesson):
    cells = source_cells(lesson)
    grades = {c["metadata"]["nbgrader"]["grade_id"]: c for c in cells if "nbgrader" in c["metadata"]}
    assert grades["check_running_sum"]["metadata"]["nbgrader"]["points"] == 3
    assert grades["check_running_sum"]["source"] == "check(running_sum)"
    assert grades["invert"]["metadata"]["nbgrader"]["solution"]
    text = "\n".join(cell["source"] for cell in cells)
    assert "The interview question" in text
    assert "<details><summary>Model answer" in text
    assert len({cell["id"] for cell in cells}) == len(cells)
