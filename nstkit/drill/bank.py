"""The bank: every question a mock interview can ask, from the lessons and from beyond them."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nstkit.drill.spot import mentions
from nstkit.drill.titles import title
from nstkit.lessons import Lesson, find_lessons
from nstkit.lessons.interview import Interview, read_interview, read_interviews

BEYOND = Path(__file__).with_name("beyond.toml")


@dataclass(frozen=True)
class Question:
    """A question and where it comes from.

    Attributes:
        key: stable; under it the memory remembers how the question went: "03_style_loss", "beyond/video_flicker".
        topic: what one chooses questions by: "style_loss", "video_flicker".
        lesson: the lesson whose exercises go with it, or None.
    """

    key: str
    topic: str
    interview: Interview
    lesson: Lesson | None = None


def load_bank() -> list[Question]:
    """All questions: the lessons' in their order, then those beyond.

    Raises:
        ValueError: a file of questions has a mistake.
    """
    return [*_from_lessons(), *_beyond()]


def _from_lessons() -> list[Question]:
    there = [lesson for lesson in find_lessons() if lesson.interview.exists()]
    return [Question(lesson.name, lesson.slug, _read(lesson.interview), lesson) for lesson in there]


@lru_cache(maxsize=64)
def _read(path: Path) -> Interview:
    return read_interview(path)


@lru_cache(maxsize=1)
def _beyond() -> tuple[Question, ...]:
    found = read_interviews(BEYOND) if BEYOND.exists() else {}
    return tuple(Question(f"beyond/{name}", name, interview) for name, interview in found.items())


def choose_topics(bank: Sequence[Question], topics: Sequence[str]) -> list[Question]:
    """The questions that `topics` name: a lesson's number, a topic, a part of one, or "beyond"; all if none.

    A word that no topic has finds the questions that speak of it: "gram", "LoRA", "感受野".

    Raises:
        ValueError: a topic that no question has or speaks of; the nearest is suggested.
    """
    chosen: dict[str, Question] = {}
    for topic in topics:
        found = [q for q in bank if _fits(q, topic)] or [q for q in bank if _speaks_of(q, topic)]
        if not found:
            names = [*(q.topic for q in bank), "beyond"]
            near = difflib.get_close_matches(topic.lower().replace(" ", "_"), names, 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
            raise ValueError(f"--topic: no question is about {topic!r}; {hint}")
        chosen |= {question.key: question for question in found}
    return list(chosen.values()) if topics else list(bank)


def _fits(question: Question, topic: str) -> bool:
    word = topic.lower().strip().replace(" ", "_").replace("-", "_")
    if word.isdigit():
        return question.lesson is not None and question.lesson.number == word.zfill(2)
    return word in (question.key, question.topic, question.key.partition("/")[0]) or word in question.topic


def _speaks_of(question: Question, topic: str) -> bool:
    """Whether the question, its title or the terms of its rubric have the word."""
    asked = question.interview.question
    terms = (term for point in question.interview.rubric for term in point.terms)
    return any(mentions(text, topic) for text in (asked.en, asked.zh, title(question.topic, "zh"), *terms))
