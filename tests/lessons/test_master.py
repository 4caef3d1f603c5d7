"""Masters are read as jupytext reads them, and mistakes in them are answered with file and line."""

import jupytext
import pytest
from study_folder import swap

from nstkit.lessons import find_lessons
from nstkit.lessons.master import read_master

FINISHED = [lesson for lesson in find_lessons() if lesson.master.exists()]


def as_jupytext_reads(path):
    notebook = jupytext.read(path)
    kept = ("tags", "answer", "check", "interview")
    return [
        (c.cell_type, c.source, {k: v for k, v in c.metadata.items() if k in kept}) for c in notebook.cells
    ]


def as_we_read(path):
    return [(cell.kind, cell.source, dict(cell.options)) for cell in read_master(path)]


def test_cells_are_those_of_jupytext(sums, meter):
    for lesson in (sums, meter, *FINISHED):
        assert as_we_read(lesson.master) == as_jupytext_reads(lesson.master)


def test_what_jupyterlab_saves_is_still_a_master(sums, meter, tmp_path):
    for lesson in (sums, meter):
        saved = tmp_path / "saved.py"
        jupytext.write(jupytext.read(lesson.master), saved, fmt="py:percent")
        assert as_we_read(saved) == as_we_read(lesson.master)


def test_texts_know_their_lines(sums, meter):
    for lesson in (sums, meter):
        lines = lesson.master.read_text("utf-8").split("\n")
        for cell in read_master(lesson.master):
            assert lines[cell.header - 1].startswith("# %%")
            if cell.kind == "code" and cell.source:
                assert lines[cell.line - 1] == cell.source.split("\n")[0]


@pytest.mark.parametrize(("old", "new", "words"), [
    ("answer=", "anser=", r"py:16: cannot read 'anser=\"running_sum\"' in the header of a code cell; "
                          "known: tags, answer, check"),
    ("# %% answer=", "#%%capture answer=", "py:16: cannot read 'capture answer="),
    ("# %% answer=", "# %% Running sums answer=", "py:16: cannot read 'Running sums answer="),
    ('answer="running_sum"', "answer=running_sum", "py:16: cannot read 'answer=running_sum'"),
    ('answer="running_sum"', "answer=[1]", r"py:16: answer: expected the name of an exercise in quotes, got \[1\]"),
    ('answer="running_sum"', 'answer="a" check="a"', "py:16: expected one of answer, check; a cell is one thing"),
    ('tags=["setup"]', 'tags=["stup"]', r'py:6: tags: expected \["setup"\], got \["stup"\]'),
    ('tags=["setup"]', "tags=[setup]", r'py:6: tags: expected \["setup"\], got \[setup\]'),
    ('interview="question"', 'interview="questions"', "py:14: interview: expected one of question, answer, got"),
    ("# Where", "Where", r"py:4: expected prose as comment lines `# …`, got 'Where"),
    ("- a list\n\"\"\"", '- a list\n"""\nx = 1', r'py:34: expected one string r"""…""" and nothing after it'),
    ("# %% [markdown]\n# # 01", "x = 1\n# %% [markdown]\n# # 01", "py:1: expected a cell header `# %%` first, got"),
])  # fmt: skip
def test_mistakes(sums, old, new, words):
    swap(sums.master, old, new)
    with pytest.raises(ValueError, match=r"solutions.01_sums\." + words):
        read_master(sums.master)


def test_no_master(sums):
    sums.master.unlink()
    with pytest.raises(ValueError, match=r"01_sums\.py: no such file; a lesson's master belongs there"):
        read_master(sums.master)


def test_another_encoding(sums):
    sums.master.write_bytes("# %%\nx = 'é'".encode("latin-1"))
    with pytest.raises(ValueError, match=r"01_sums.py: expected UTF-8 \("):
        read_master(sums.master)
