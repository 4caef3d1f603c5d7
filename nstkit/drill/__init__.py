"""Drills: mock interviews with a clock, follow-ups, code and an honest scorecard; and what to see next.

`nstkit drill` is the way in; in a notebook, `interview("03")` asks a lesson's questions inline. Names load on
first use.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nstkit.drill.bank import Question, load_bank
    from nstkit.drill.inline import interview
    from nstkit.drill.memory import Memory

_HOMES = {"Memory": "memory", "Question": "bank", "interview": "inline", "load_bank": "bank"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["Memory", "Question", "interview", "load_bank"]
