"""The interview file of a lesson: one question in English and Chinese, with all that a mock interview needs."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LEVELS = ("easy", "medium", "hard")
WEIGHTS = ("must", "should", "bonus")
QUALITIES = ("weak", "mediocre", "strong")


@dataclass(frozen=True)
class Text:
    """The same in both languages."""

    en: str
    zh: str


@dataclass(frozen=True)
class FollowUp:
    """A further question, its difficulty from 1 to 5, and what a good answer says."""

    level: int
    question: Text
    answer: Text


@dataclass(frozen=True)
class Point:
    """A point of the rubric; `terms` in a typed answer suggest that it was made."""

    weight: str
    text: Text
    terms: tuple[str, ...]


@dataclass(frozen=True)
class WrongAnswer:
    """What people say, and why it is wrong."""

    text: Text
    why: Text


@dataclass(frozen=True)
class Score:
    """Whether a sample answer made a point, and why we say so."""

    point: int
    hit: bool
    why: Text


@dataclass(frozen=True)
class Sample:
    """A sample answer, scored point by point."""

    quality: str
    text: Text
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class Interview:
    """One lesson's question and everything around it."""

    level: str
    question: Text
    follow_ups: tuple[FollowUp, ...]
    rubric: tuple[Point, ...]
    wrong_answers: tuple[WrongAnswer, ...]
    model_answer: Text
    samples: tuple[Sample, ...]


def read_interview(path: Path) -> Interview:
    """Read and check an interview file.

    Raises:
        ValueError: what is missing or wrong, with file, table, number and key.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not valid TOML ({error})") from None
    return _Reader(path).interview(raw)


class _Reader:
    """Turns raw tables into dataclasses; knows how to name a place in a message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def interview(self, raw: Mapping[str, Any]) -> Interview:
        question = self.get(raw, "question", dict, "the file")
        rubric = tuple(self.point(table, where) for table, where in self.tables(raw, "rubric", 3))
        return Interview(
            self.choice(question, "level", LEVELS, "[question]"),
            self.text(question, "[question]"),
            tuple(self.follow_up(table, where) for table, where in self.tables(raw, "follow_ups", 4)),
            rubric,
            tuple(self.wrong_answer(table, where) for table, where in self.tables(raw, "wrong_answers", 2)),
            self.text(self.get(raw, "model_answer", dict, "the file"), "[model_answer]"),
            tuple(self.sample(table, where, len(rubric)) for table, where in self.tables(raw, "samples", 0)),
        )

    def follow_up(self, table: Mapping[str, Any], where: str) -> FollowUp:
        level = self.get(table, "level", int, where)
        if not 1 <= level <= 5:
            raise self.wrong(where, f"level: expected 1 to 5, got {level}")
        return FollowUp(level, self.text(table, where), self.text(table, where, "answer_"))

    def point(self, table: Mapping[str, Any], where: str) -> Point:
        terms = self.get(table, "terms", list, where)
        return Point(self.choice(table, "weight", WEIGHTS, where), self.text(table, where), tuple(terms))

    def wrong_answer(self, table: Mapping[str, Any], where: str) -> WrongAnswer:
        return WrongAnswer(self.text(table, where), self.text(table, where, "why_"))

    def sample(self, table: Mapping[str, Any], where: str, points: int) -> Sample:
        scores = tuple(
            Score(
                self.get(s, "point", int, where), self.get(s, "hit", bool, where), self.text(s, where, "why_")
            )
            for s in self.get(table, "scores", list, where)
        )
        if [score.point for score in scores] != list(range(1, points + 1)):
            raise self.wrong(where, f"scores: expected one for each of the {points} rubric points, in order")
        return Sample(self.choice(table, "quality", QUALITIES, where), self.text(table, where), scores)

    def text(self, table: Mapping[str, Any], where: str, prefix: str = "") -> Text:
        en, zh = (self.get(table, f"{prefix}{language}", str, where) for language in ("en", "zh"))
        if not en.strip() or not zh.strip():
            raise self.wrong(
                where, f"{prefix}en, {prefix}zh: expected text in both languages, got an empty one"
            )
        return Text(en.strip(), zh.strip())

    def tables(self, raw: Mapping[str, Any], name: str, least: int) -> list[tuple[Mapping[str, Any], str]]:
        found = raw.get(name, [])
        if len(found) < least:
            raise self.wrong(f"[[{name}]]", f"expected at least {least}, got {len(found)}")
        return [(table, f"[[{name}]] number {k}") for k, table in enumerate(found, 1)]

    def choice(self, table: Mapping[str, Any], key: str, allowed: tuple[str, ...], where: str) -> str:
        value: str = self.get(table, key, str, where)
        if value not in allowed:
            raise self.wrong(where, f"{key}: expected one of {', '.join(allowed)}, got {value!r}")
        return value

    def get(self, table: Mapping[str, Any], key: str, kind: type, where: str) -> Any:
        if key not in table:
            raise self.wrong(where, f"{key} is missing")
        if not isinstance(table[key], kind):
            raise self.wrong(where, f"{key}: expected {kind.__name__}, got {type(table[key]).__name__}")
        return table[key]

    def wrong(self, where: str, message: str) -> ValueError:
        return ValueError(f"{self.path}: {where}: {message}")


def question_markdown(interview: Interview) -> str:
    """The question and its follow-ups, for the top of a notebook."""
    head = [
        "## The interview question",
        "",
        f"**{interview.question.en}**",
        "",
        f"**{interview.question.zh}**",
        "",
    ]
    rows = [f"{k}. {f.question.en} / {f.question.zh}" for k, f in enumerate(interview.follow_ups, 1)]
    return "\n".join([*head, "Follow-ups, harder as they go:", "", *rows])


def answer_markdown(interview: Interview) -> str:
    """Model answer, follow-up answers, rubric and wrong answers, folded, for the end of a notebook."""
    answers = [
        _folded(f"Follow-up {k}: {f.question.en}", f"{f.answer.en}\n\n{f.answer.zh}")
        for k, f in enumerate(interview.follow_ups, 1)
    ]
    points = [f"- **{p.weight}** {p.text.en} / {p.text.zh}" for p in interview.rubric]
    wrong = [f"- “{w.text.en}” {w.why.en}\n  “{w.text.zh}”{w.why.zh}" for w in interview.wrong_answers]
    return "\n\n".join(
        [
            "## Say it aloud",
            "Set a timer to ninety seconds, answer the question as you would in the room, and only then unfold.",
            _folded("Model answer", f"{interview.model_answer.en}\n\n{interview.model_answer.zh}"),
            *answers,
            _folded("What an interviewer listens for", "\n".join(points)),
            _folded("Wrong answers that sound right", "\n".join(wrong)),
        ]
    )


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
