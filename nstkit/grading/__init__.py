"""Grading: run an answer and the reference through the same probes, compare, and say what is wrong.

`exercise`, `outcome` and `gradient` are for the lessons' test files, `check` for the notebooks, `grade_source`
for tools. Names load on first use, so that importing this package costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nstkit.grading.evidence import gradient, outcome
    from nstkit.grading.exercises import exercise
    from nstkit.grading.notebook import check
    from nstkit.grading.results import CheckResult, Result
    from nstkit.grading.source import grade_source

_HOMES = {
    "exercise": "exercises",
    "outcome": "evidence",
    "gradient": "evidence",
    "check": "notebook",
    "Result": "results",
    "CheckResult": "results",
    "grade_source": "source",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["CheckResult", "Result", "check", "exercise", "grade_source", "gradient", "outcome"]
