"""Statistics: how the interviews went, what is known and what is due."""

from collections.abc import Sequence
from datetime import datetime

from rich.cells import set_cell_size

from nstkit.drill.bank import Question
from nstkit.drill.drills import history
from nstkit.drill.memory import Memory
from nstkit.drill.schedule import due, recall
from nstkit.drill.scorecard import percent
from nstkit.drill.titles import title
from nstkit.drill.words import say


def stats(memory: Memory, bank: Sequence[Question], now: datetime, language: str = "en") -> list[str]:
    """The lines of `nstkit drill --stats`."""
    past, cards = history(memory), memory.cards()
    lines = [say(language, "stats_interviews", n=len(past))]
    lines += [f"  {date[:10]}  {_bar(share)} {percent(share)}" for date, share in past[-10:]]
    waiting = set(memory.due(now))
    lines.append(say(language, "stats_seen", seen=len(cards), all=len(bank), due=len(waiting)))
    for question in sorted((q for q in bank if q.key in cards), key=lambda q: recall(cards[q.key], now)):
        card = cards[question.key]
        when = say(language, "stats_due") if question.key in waiting else f"{due(card):%Y-%m-%d}"
        share = f"{percent(recall(card, now)):>5}"
        name = set_cell_size(title(question.topic, language), 32)
        lines.append(f"  {name}  {say(language, 'stats_question', share=share, when=when)}")
    kind, strict, points = memory.calibration()
    if points:
        lines.append(say(language, "stats_calibration", points=points, kind=kind, strict=strict))
    return lines


def _bar(share: float, width: int = 20) -> str:
    filled = round(width * share)
    return "█" * filled + "░" * (width - filled)
