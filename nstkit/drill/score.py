"""Scores: what an interview comes to, by a rule that is published in docs/drill.md.

Points weigh 3 (must), 2 (should) and 1 (bonus). A bonus can lift a dimension but nothing is lost without one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nstkit.lessons.interview import Point

WEIGHTS = {"must": 3.0, "should": 2.0, "bonus": 1.0}
MARKS = {"good": 1.0, "partly": 0.5, "missed": 0.0}
DIMENSIONS = ("concepts", "mathematics", "code", "communication")
VERDICTS = ("strong hire", "hire", "lean hire", "lean no hire", "no hire")
_RULE = (
    ("strong hire", 0.85, 0.9),
    ("hire", 0.7, 0.75),
    ("lean hire", 0.55, 0.6),
    ("lean no hire", 0.4, 0.0),
)
ENOUGH = 2
"""Questions from which on a verdict is given: one question says too little about anybody."""


@dataclass(frozen=True)
class FollowUpMark:
    """A follow-up that was asked, and how it went by one's own mark."""

    level: int
    mark: str


@dataclass
class Outcome:
    """How one question went.

    Attributes:
        hits: for each point of the rubric, whether it was made; empty for a question of code alone.
        communication: one's own mark from 1 to 5, or None.
        code: points earned and possible of each exercise.
        seconds: time it took.
    """

    key: str
    rubric: Sequence[Point] = ()
    hits: Sequence[bool] = ()
    follow_ups: Sequence[FollowUpMark] = ()
    communication: int | None = None
    code: Sequence[tuple[int, int]] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Score:
    """An interview's scores: shares from 0 to 1 by dimension (those that were asked), overall, and the verdict."""

    dimensions: dict[str, float] = field(default_factory=dict)
    musts: float | None = None
    overall: float | None = None
    verdict: str = ""


def rubric_share(rubric: Sequence[Point], hits: Sequence[bool]) -> float | None:
    """The share of a rubric that was made; None where there is nothing in it but bonus points."""
    possible = sum(WEIGHTS[p.weight] for p in rubric if p.weight != "bonus")
    earned = sum(WEIGHTS[p.weight] for p, hit in zip(rubric, hits, strict=True) if hit)
    return min(1.0, earned / possible) if possible else None


def question_share(outcome: Outcome) -> float:
    """One number for how a question went, for the scheduler: rubric, follow-ups and code, as far as asked."""
    parts = [rubric_share(outcome.rubric, outcome.hits)] if outcome.hits else []
    if outcome.follow_ups:
        parts.append(_weighted((MARKS[f.mark], f.level) for f in outcome.follow_ups))
    parts += [earned / possible for earned, possible in outcome.code if possible]
    known = [part for part in parts if part is not None]
    return sum(known) / len(known) if known else 0.0


def score(outcomes: Sequence[Outcome]) -> Score:
    """The scores of an interview."""
    dimensions: dict[str, float] = {}
    for name in ("concepts", "mathematics"):
        share = _dimension(outcomes, name)
        if share is not None:
            dimensions[name] = share
    code = [pair for outcome in outcomes for pair in outcome.code]
    if sum(possible for _, possible in code):
        dimensions["code"] = sum(earned for earned, _ in code) / sum(possible for _, possible in code)
    marks = [outcome.communication for outcome in outcomes if outcome.communication]
    if marks:
        dimensions["communication"] = (sum(marks) / len(marks) - 1) / 4
    musts = _musts(outcomes)
    overall = sum(dimensions.values()) / len(dimensions) if dimensions else None
    return Score(dimensions, musts, overall, verdict(overall, musts, len(outcomes)))


def verdict(overall: float | None, musts: float | None, questions: int) -> str:
    """The first verdict whose two bars are cleared: the overall share, and the share of must points."""
    if overall is None or questions < ENOUGH:
        return f"too little to say: fewer than {ENOUGH} questions"
    for name, least, least_musts in _RULE:
        if overall >= least and (musts is None or musts >= least_musts):
            return name
    return VERDICTS[-1]


def _dimension(outcomes: Iterable[Outcome], name: str) -> float | None:
    """Rubric points of a dimension; follow-ups count as concepts, by their level."""
    earned = possible = 0.0
    for outcome in outcomes:
        for point, hit in zip(outcome.rubric, outcome.hits, strict=False):
            if point.dimension == name:
                possible += WEIGHTS[point.weight] if point.weight != "bonus" else 0.0
                earned += WEIGHTS[point.weight] if hit else 0.0
        for follow_up in outcome.follow_ups if name == "concepts" else ():
            possible += follow_up.level
            earned += follow_up.level * MARKS[follow_up.mark]
    return min(1.0, earned / possible) if possible else None


def _musts(outcomes: Iterable[Outcome]) -> float | None:
    hits = [hit for o in outcomes for p, hit in zip(o.rubric, o.hits, strict=False) if p.weight == "must"]
    return sum(hits) / len(hits) if hits else None


def _weighted(pairs: Iterable[tuple[float, float]]) -> float:
    found = list(pairs)
    return sum(value * weight for value, weight in found) / sum(weight for _, weight in found)
