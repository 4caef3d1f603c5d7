"""Plans: which questions an interview of so many minutes asks. Due ones first, then unseen, then the rest."""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from nstkit.drill.bank import Question
from nstkit.lessons import outline
from nstkit.lessons.outline import Outline

MODES = ("talk", "code", "mixed")
LENGTHS = (15, 30, 45, 60)
TALK_MINUTES = 7.5
"""A question with its follow-ups and the look at the rubric."""


@dataclass(frozen=True)
class Item:
    """One item of a plan: a question to talk about, or an exercise of its lesson to code."""

    question: str
    exercise: str = ""

    def to_json(self) -> list[str]:
        """As it is stored."""
        return [self.question, self.exercise]

    @classmethod
    def from_json(cls, stored: Any) -> "Item":
        """As it was stored."""
        return cls(str(stored[0]), str(stored[1]))


def plan(
    questions: Sequence[Question], *, minutes: float, mode: str, level: str | None, seed: int,
    due: Collection[str] = (), seen: Collection[str] = (),
) -> list[Item]:  # fmt: skip
    """The items of an interview, at least one, in the order they are asked.

    Args:
        questions: to choose from.
        minutes: how long it is to last.
        mode: "talk", "code" or "mixed", which alternates.
        level: "easy", "medium" or "hard" alone; None takes all.
        seed: of the order within the due, the unseen and the rest.
        due, seen: keys of questions that are due, and of those ever seen.
    Raises:
        ValueError: no question or exercise fits.
    """
    chance = random.Random(seed)
    shuffled = sorted(questions, key=lambda question: question.key)
    chance.shuffle(shuffled)
    shuffled.sort(key=lambda question: (question.key not in due, question.key in seen))
    talks = [(Item(q.key), TALK_MINUTES) for q in shuffled if level in (None, q.interview.level)]
    codes = [(Item(q.key, e.name), float(e.minutes)) for q in shuffled if (e := _exercise(q, level, chance))]
    items = {"talk": talks, "code": codes, "mixed": _alternating(talks, codes)}[mode]
    if not items:
        raise ValueError(
            f"drill: no {mode} question of level {level or 'any'} is about these topics; widen one of them"
        )
    return _fitting(items, minutes)


def _exercise(question: Question, level: str | None, chance: random.Random) -> Outline | None:
    """One exercise of a question's lesson at that level."""
    if question.lesson is None or not question.lesson.master.exists():
        return None
    fits = [item for item in outline(question.lesson.checks) if level in (None, item.level)]
    return chance.choice(fits) if fits else None


def _alternating(
    talks: list[tuple[Item, float]], codes: list[tuple[Item, float]]
) -> list[tuple[Item, float]]:
    """Talk, code, talk, …; the code is of other lessons than the talk just before it, where there are others."""
    found, left = [], list(codes)
    for number, talk in enumerate(talks):
        found.append(talk)
        if number % 2 == 0 and left:
            other = next((code for code in left if code[0].question != talk[0].question), left[0])
            left.remove(other)
            found.append(other)
    return found or codes


def _fitting(items: list[tuple[Item, float]], minutes: float) -> list[Item]:
    """Items from the front as long as they fit; one always does."""
    chosen: list[Item] = []
    used = 0.0
    for item, cost in items:
        if chosen and used + cost > 1.2 * minutes:
            continue
        chosen.append(item)
        used += cost
        if used >= minutes:
            break
    return chosen
