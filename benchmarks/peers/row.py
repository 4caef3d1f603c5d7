"""One line of the table, and the medians that it is made of."""

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Answers = dict[str, dict[str, float]]
"""Medians by side and by name of what was measured."""


@dataclass(frozen=True)
class Target:
    """What a ratio should be."""

    value: float
    at_most: bool = False

    def met(self, ratio: float) -> bool:
        """Whether it is."""
        return ratio <= self.value if self.at_most else ratio >= self.value

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.value:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        ours, theirs: what was measured, with units; None where it was not.
        ratio: theirs by ours, or ours by theirs of a share; without a target the line is for information.
        why_not: why there is no ratio.
        medians: all that both sides answered; seconds by the clock and of processor time, bytes.
    """

    measure: str
    mine: str
    other: str
    ours: str | None = None
    theirs: str | None = None
    ratio: float | None = None
    target: Target | None = None
    why_not: str = ""
    medians: Answers = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """pass, miss, or nothing where there is nothing to judge."""
        if self.ratio is None:
            return "not measured"
        return "" if self.target is None else "pass" if self.target.met(self.ratio) else "miss"


@dataclass(frozen=True)
class Comparison:
    """Two sides, and what their ratio should be.

    Attributes:
        share: whether the ratio is ours by theirs; by itself it is theirs by ours.
    """

    mine: str
    other: str
    target: Target | None = None
    share: bool = False


def compared(
    measure: str,
    pair: Comparison,
    found: Answers,
    failed: Mapping[str, str],
    key: str = "seconds",
    told: Callable[[float], str] = "{:.4g} s".format,
) -> Row:
    """The row of two sides."""
    for side in (pair.other, pair.mine):
        if side not in found:
            return Row(measure, pair.mine, pair.other, target=pair.target, why_not=f"{side}: {failed[side]}")
    ours, theirs = found[pair.mine][key], found[pair.other][key]
    ratio = ours / theirs if pair.share else theirs / ours
    both = {side: found[side] for side in (pair.mine, pair.other)}
    return Row(measure, pair.mine, pair.other, told(ours), told(theirs), ratio, pair.target, medians=both)


def medians(answers: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of every number that all answers have."""
    names = set.intersection(*(set(answer) for answer in answers))
    return {name: statistics.median(answer[name] for answer in answers) for name in sorted(names)}


def say(text: str) -> None:
    """Progress, beside the table."""
    print(text, file=sys.stderr, flush=True)
