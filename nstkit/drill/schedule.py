"""Scheduling: when to see a question again, by FSRS (the library `fsrs`, Ye et al., KDD 2022).

The scheduler models how likely a question is remembered, and asks for it when that falls to 90 %. Without fuzz,
so that the same reviews always give the same dates.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any

RETENTION = 0.9
_RATINGS = ((0.85, "Easy"), (0.6, "Good"), (0.35, "Hard"))


@cache
def _scheduler() -> Any:
    from fsrs import Scheduler

    return Scheduler(
        desired_retention=RETENTION, learning_steps=(), relearning_steps=(), enable_fuzzing=False
    )


def rating(share: float) -> str:
    """Again, Hard, Good or Easy, for how much of a question went right (0 to 1)."""
    return next((name for least, name in _RATINGS if share >= least), "Again")


def reviewed(card: str | None, share: float, now: datetime) -> str:
    """The card after a review, as JSON; None is a question never seen.

    A clock that was set back counts as the time of the last review: memory does not run backwards.
    """
    from fsrs import Card, Rating

    before = Card.from_json(card) if card is not None else Card(card_id=0)
    moment = max(now, before.last_review) if before.last_review else now
    after, _ = _scheduler().review_card(before, getattr(Rating, rating(share)), moment)
    return str(after.to_json())


def due(card: str) -> datetime:
    """When a card's question is to be seen again."""
    from fsrs import Card

    moment: datetime = Card.from_json(card).due
    return moment


def recall(card: str, now: datetime) -> float:
    """How likely the question is remembered now, by the scheduler's own model."""
    from fsrs import Card

    return float(_scheduler().get_card_retrievability(Card.from_json(card), now))


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)
