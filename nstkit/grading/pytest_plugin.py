"""The pytest plugin: `pytest lessons/` grades the notebooks, one item per check.

Registered as an entry point, so it is loaded by every pytest run on the machine: here are only the hooks,
nothing heavy. What grades lives in `pytest_items`, loaded once a lesson's test file is met.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

LESSON_TESTS = re.compile(r"test_(\d\d_\w+)\.py$")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --answers, --seed, --audit and --isolate."""
    group = parser.getgroup("nstkit", "nstkit lessons")
    group.addoption(
        "--answers",
        metavar="DIR",
        help="grade the answers in DIR (NN_slug.py or .ipynb) instead of the notebooks",
    )
    group.addoption("--seed", type=int, default=0, metavar="N", help="draw other inputs than the public ones")
    group.addoption(
        "--audit", action="store_true", help="audit the checks themselves: can each of them fail?"
    )
    group.addoption("--isolate", action="store_true", help="run answers in the sandbox (Linux)")


def is_lesson(path: Path) -> bool:
    """Whether a file is a lesson's test file: lessons/NN_slug/test_NN_slug.py."""
    found = LESSON_TESTS.fullmatch(path.name)
    return found is not None and path.parent.name == found[1] and path.parent.parent.name == "lessons"


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> Any:
    """Collect a lesson's test file as exercises and checks."""
    if not is_lesson(module_path):
        return None
    if "PYTEST_XDIST_WORKER" in os.environ:
        # NumPy is loaded next, and its threads would wait for cores that other workers have
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from nstkit.grading.pytest_items import LessonFile

    return LessonFile.from_parent(parent, path=module_path)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Under --audit -n, keep the questions to one exercise in one process: it runs each wrong answer once."""
    if not config.getoption("audit") or config.getoption("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False  # as collected, the longest exercises do not come last
    return LoadScopeScheduling(config, log)


def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """Show an unanswered exercise as `todo`."""
    state = dict(report.user_properties).get("nstkit_state") if hasattr(report, "user_properties") else None
    if state == "todo" and report.when == "call":
        return "todo", "t", "TODO"
    return None


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """End with the scoreboard."""
    from nstkit.grading.pytest_board import write_board

    write_board(terminalreporter, config)
