"""The toy lesson as a folder."""

from pathlib import Path

import pytest
from toy_lesson import CHECKS, RIGHT, write_notebook


@pytest.fixture
def lesson(tmp_path: Path) -> Path:
    """A folder lessons/07_toy with the test file and the right answers in a notebook."""
    folder = tmp_path / "lessons" / "07_toy"
    folder.mkdir(parents=True)
    (folder / "test_07_toy.py").write_text(CHECKS)
    write_notebook(folder / "07_toy.ipynb", RIGHT)
    return folder
