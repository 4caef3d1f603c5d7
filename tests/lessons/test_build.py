"""Notebooks are written whole, only where something changed, and never over a learner's work."""

import json
from pathlib import Path

import pytest
from study_folder import swap

from nstkit.lessons.build import build, changed_by_learner, staleness, stub_notebook, to_bytes, write_whole


def edit(path: Path, old: str, new: str) -> bytes:
    """A learner's edit, saved with another indent and sources as one text each; returns what is saved."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).replace(old, new)
    path.write_text(json.dumps(notebook), "utf-8")
    return path.read_bytes()


def test_building_twice_changes_nothing(sums):
    assert staleness(sums) == "missing"
    assert build(sums) == "built"
    assert build(sums) == "unchanged"
    assert staleness(sums) == ""
    assert sums.notebook.read_bytes() == to_bytes(stub_notebook(sums))
    assert sorted(path.name for path in sums.folder.iterdir()) == [
        "01_sums.ipynb",
        "interview.toml",
        "test_01_sums.py",
    ]


@pytest.mark.parametrize("part", ["master", "checks", "interview"])
def test_a_change_of_any_source_rebuilds_an_untouched_notebook(sums, part):
    build(sums)
    old, new = {
        "master": ("Sums", "Totals"),
        "checks": ("points=4", "points=5"),
        "interview": ("Because", "As"),
    }[part]
    swap(getattr(sums, part), old, new)
    assert staleness(sums) == "stale"
    assert build(sums) == "built"


@pytest.mark.parametrize("old", ["raise NotImplementedError()", "# 01 Sums", "check(last_sum)"])
def test_a_notebook_that_somebody_changed_is_kept(sums, old):
    build(sums)
    theirs = edit(sums.notebook, old, "something of mine")
    swap(sums.master, "print(np.arange(3))", "print(np.arange(4))")
    assert staleness(sums) == "changed"
    assert build(sums) == "kept"
    assert sums.notebook.read_bytes() == theirs


def test_a_deleted_cell_is_a_change_too(sums):
    build(sums)
    notebook = json.loads(sums.notebook.read_text("utf-8"))
    del notebook["cells"][2]
    sums.notebook.write_text(json.dumps(notebook), "utf-8")
    assert build(sums) == "kept"


def test_force_keeps_a_dated_copy_of_each(sums):
    theirs = set()
    for text in ("mine", "mine again"):
        build(sums)
        theirs.add(edit(sums.notebook, "raise NotImplementedError()", text))
        assert build(sums, force=True) == "replaced"
    copies = list(sums.folder.glob("01_sums.20??-??-??-*.ipynb"))
    assert {path.read_bytes() for path in copies} == theirs
    assert sums.notebook.read_bytes() == to_bytes(stub_notebook(sums))


def test_running_and_saving_is_no_change(sums):
    build(sums)
    notebook = json.loads(sums.notebook.read_text("utf-8"))
    notebook["metadata"]["language_info"]["version"] = "3.13"
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {
                "execution_count": 4,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}],
            }
    edit(sums.notebook, "nothing that is there", "")
    sums.notebook.write_text(json.dumps(notebook), "utf-8")
    assert not changed_by_learner(sums.notebook)
    assert build(sums) == "built"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"cells": []}', '{"metadata": {"nstkit": 3}, "cells": 1}', "\0"]
)
def test_what_cannot_be_read_is_somebodys_work(sums, text):
    sums.notebook.write_text(text)
    assert build(sums) == "kept"
    assert sums.notebook.read_text() == text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "folder" / "x.ipynb"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, "text")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]
