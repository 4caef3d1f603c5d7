"""Spotting: which points of a rubric a typed answer seems to make.

A suggestion and no more. A point is seen where one of its terms stands in the text; the person who answered
decides whether it was made.
"""

import re
import unicodedata
from collections.abc import Sequence

from nstkit.lessons.interview import Point

_WORD = re.compile(r"[a-z0-9_]+")


def seen_points(answer: str, rubric: Sequence[Point]) -> list[bool]:
    """For each point, whether one of its terms stands in the answer; case and width do not matter."""
    text = _plain(answer)
    return [any(_stands_in(_plain(term), text) for term in point.terms) for point in rubric]


def mentions(text: str, term: str) -> bool:
    """Whether a term stands in a text; case and width do not matter."""
    return _stands_in(_plain(term), _plain(text))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def _stands_in(term: str, text: str) -> bool:
    """Latin terms count as whole words, plural included; Chinese has no spaces, so there any place counts."""
    if not term:
        return False
    start = r"(?<![a-z0-9_])" if _WORD.match(term[0]) else ""
    end = r"(?:s|es)?(?![a-z0-9_])" if _WORD.match(term[-1]) else ""
    return re.search(start + re.escape(term) + end, text) is not None
