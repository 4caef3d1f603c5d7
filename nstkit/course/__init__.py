"""Courses: a ready nbgrader course from the masters, and grading of whole classes without nbgrader.

`make_course` writes a course; `nstkit.course.nbgrader` holds what its configuration plugs into nbgrader;
`grade_class` grades folders and archives of submissions in parallel. Names load on first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nstkit.course.classes import grade_class
    from nstkit.course.make import make_course

_HOMES = {"grade_class": "classes", "make_course": "make"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["grade_class", "make_course"]
