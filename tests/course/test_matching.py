"""Files are given to lessons by name, else by what they define."""

import json

from nstkit.course.matching import match_files
from nstkit.course.submissions import File
from nstkit.lessons import find_lesson


def notebook(*sources):
    cells = [{"cell_type": "code", "metadata": {}, "source": [source]} for source in sources]
    return json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}).encode()


LESSONS = [find_lesson("03"), find_lesson("04")]
GRAM, CONTENT = "def gram_matrix(f):\n    pass", "def content_loss(a, b):\n    pass"


def matched(*files):
    found = match_files([File(path, data) for path, data in files], LESSONS)
    return {lesson: file.path for lesson, file in found.files.items()}, found.notes


def test_by_name_with_what_platforms_and_browsers_add():
    for name in (
        "03_style_loss.ipynb",
        "03_style_loss-1.ipynb",
        "03_style_loss (2).ipynb",
        "ana 03_style_loss.ipynb",
    ):
        assert matched((name, notebook(GRAM)))[0] == {"03_style_loss": name}


def test_a_renamed_file_is_known_by_what_it_defines():
    files, notes = matched(("homework.ipynb", notebook("import torch", GRAM)))
    assert files == {"03_style_loss": "homework.ipynb"}
    assert notes == ("homework.ipynb: taken for 03_style_loss by what it defines",)


def test_what_it_defines_counts_more_than_a_wrong_name():
    assert matched(("03_style_loss.ipynb", notebook(CONTENT)))[0] == {
        "04_content_loss": "03_style_loss.ipynb"
    }


def test_the_exact_name_wins_and_the_other_is_named():
    files, notes = matched(("old 03_style_loss.py", GRAM.encode()), ("03_style_loss.ipynb", notebook(GRAM)))
    assert files == {"03_style_loss": "03_style_loss.ipynb"}
    assert notes == ("old 03_style_loss.py: not graded, since 03_style_loss.ipynb is 03_style_loss too",)


def test_a_file_that_fits_nothing_is_named():
    files, notes = matched(("plots.py", b"x = 1"), ("test_03_style_loss.py", b"x = 1"))
    assert files == {}
    assert notes == ("plots.py: fits no lesson, by its name or by what it defines; it was not graded",)


def test_broken_json_under_the_right_name_is_that_lesson():
    assert matched(("03_style_loss.ipynb", b"{broken"))[0] == {"03_style_loss": "03_style_loss.ipynb"}
