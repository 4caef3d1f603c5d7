"""A drill from beginning to end: plan, interview, score, remember, write the scorecard."""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nstkit.drill.bank import Question, choose_topics
from nstkit.drill.desk import Desk
from nstkit.drill.interviewer import Interviewer, Told
from nstkit.drill.memory import Memory, Session
from nstkit.drill.plan import Item, plan
from nstkit.drill.schedule import due, reviewed, utc_now
from nstkit.drill.score import question_share, score
from nstkit.drill.scorecard import Card, markdown, page
from nstkit.lessons.build import write_whole


@dataclass(frozen=True)
class Wish:
    """What somebody wants to be asked."""

    minutes: float = 30
    topics: tuple[str, ...] = ()
    level: str | None = None
    mode: str = "talk"
    language: str = "en"
    seed: int | None = None
    due_only: bool = False


class NothingDue(ValueError):  # noqa: N818
    """No question is due."""


def begin(memory: Memory, bank: Sequence[Question], wish: Wish, *, now: datetime | None = None) -> Session:
    """Plan an interview and note that it began.

    Raises:
        NothingDue: only due questions were asked for, and there are none.
        ValueError: no question fits the wish.
    """
    moment = now or utc_now()
    waiting = memory.due(moment)
    questions = choose_topics(bank, wish.topics)
    if wish.due_only:
        questions = [question for question in questions if question.key in waiting]
        if not questions:
            raise NothingDue(_next_due(memory))
    seed = wish.seed if wish.seed is not None else random.SystemRandom().randrange(2**31)
    items = plan(
        questions,
        minutes=wish.minutes,
        mode=wish.mode,
        level=wish.level,
        seed=seed,
        due=waiting,
        seen=memory.cards(),
    )
    options = asdict(wish) | {"seed": seed, "items": [item.to_json() for item in items]}
    number = memory.begin(options)
    return next(session for session in memory.sessions() if session.id == number)


def _next_due(memory: Memory) -> str:
    dates = sorted(due(card) for card in memory.cards().values())
    if not dates:
        return "nothing is due: no question was seen yet; begin with `nstkit drill`"
    return f"nothing is due before {dates[0]:%Y-%m-%d %H:%M} UTC; `nstkit drill` asks all the same"


def run(
    desk: Desk, memory: Memory, bank: Sequence[Question], session: Session, *,
    on_confirmed: Callable[[str], None] | None = None, now: datetime | None = None,
) -> Card:  # fmt: skip
    """Hold (or go on with) an interview, score it, and write its scorecard.

    Raises:
        Paused: it is not over; the same session can be run again.
    """
    options = session.options
    known = {question.key for question in bank}
    items = [item for item in map(Item.from_json, options["items"]) if item.question in known]
    interviewer = Interviewer(
        desk, memory, session.id, bank, items, minutes=options["minutes"], language=options["language"],
        on_confirmed=on_confirmed,
    )  # fmt: skip
    told = interviewer.run()
    return _finish(memory, bank, session, told, interviewer.clock.elapsed, now or utc_now())


def _finish(
    memory: Memory,
    bank: Sequence[Question],
    session: Session,
    told: list[Told],
    seconds: float,
    now: datetime,
) -> Card:
    by_key = {question.key: question for question in bank}
    outcomes = [one.outcome(by_key) for one in told]
    result = score(outcomes)
    cards, shares = memory.cards(), dict[str, list[float]]()
    for outcome in outcomes:
        shares.setdefault(outcome.key, []).append(question_share(outcome))
    reviews: dict[str, tuple[float, str, datetime]] = {}
    for key, parts in shares.items():
        share = sum(parts) / len(parts)
        card = reviewed(cards.get(key), share, now)
        reviews[key] = (share, card, due(card))
    stored: dict[str, Any] = {
        "overall": result.overall, "musts": result.musts, "verdict": result.verdict, "seconds": seconds,
        "dimensions": result.dimensions, "told": [asdict(one) for one in told],
    }  # fmt: skip
    memory.finish(session.id, stored, reviews)
    return Card(
        session.options["language"], datetime.fromisoformat(session.started), seconds, result, told, by_key,
        history(memory), {key: when for key, (_, _, when) in reviews.items()},
    )  # fmt: skip


def history(memory: Memory) -> list[tuple[str, float]]:
    """Date and overall share of the interviews that came to something."""
    finished = (s for s in memory.sessions() if s.result and s.result["overall"] is not None)
    return [(session.started, float((session.result or {})["overall"])) for session in finished]


def write_scorecard(card: Card, folder: Path) -> Path:
    """Write scorecard.md and scorecard.html; returns the page's path."""
    write_whole(folder / "scorecard.md", markdown(card).encode())
    write_whole(folder / "scorecard.html", page(card).encode())
    return folder / "scorecard.html"
