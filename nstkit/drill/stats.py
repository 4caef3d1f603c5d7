"""Statistics: how the interviews went, what is known and what is due."""

from collections.abc import Sequence
from datetime import datetime

from nstkit.drill.bank import Question
from nstkit.drill.drills import history
from nstkit.drill.memory import Memory
from nstkit.drill.schedule import due, recall
from nstkit.drill.scorecard import percent


def stats(memory: Memory, bank: Sequence[Question], now: datetime) -> list[str]:
    """The lines of `nstkit drill --stats`."""
    past, cards = history(memory), memory.cards()
    lines = [f"interviews: {len(past)}"]
    lines += [f"  {date[:10]}  {_bar(share)} {percent(share)}" for date, share in past[-10:]]
    waiting = set(memory.due(now))
    lines.append(f"questions seen: {len(cards)} of {len(bank)}; due now: {len(waiting)}")
    for question in sorted((q for q in bank if q.key in cards), key=lambda q: recall(cards[q.key], now)):
        card = cards[question.key]
        when = "due" if question.key in waiting else f"{due(card):%Y-%m-%d}"
        share = recall(card, now)
        lines.append(f"  {question.topic.replace('_', ' '):<32.32}  recall {percent(share):>5}  again {when}")
    kind, strict, points = memory.calibration()
    if points:
        lines.append(f"calibration: {points} points scored, too kind {kind}, too strict {strict}")
    return lines


def _bar(share: float, width: int = 20) -> str:
    filled = round(width * share)
    return "█" * filled + "░" * (width - filled)
