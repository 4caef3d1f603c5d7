"""The interview file of a lesson: one question in English and Chinese, with all that a mock interview needs.

A file of several questions (`read_interviews`) has each of them under a name of its own, `[name.question]` and so on.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nstkit.lessons.find import shown
from nstkit.lessons.outline import LEVELS

WEIGHTS = ("must", "should", "bonus")
QUALITIES = ("weak", "mediocre", "strong")
DIMENSIONS = ("concepts", "mathematics")
_CHINESE = re.compile("[\u4e00-\u9fff]")
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


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
    dimension: str = "concepts"


@dataclass(frozen=True)
class WrongAnswer:
    """What people say, and why it is wrong."""

    text: Text
    why: Text


@dataclass(frozen=True)
class Score:
    """Whether a sample answer made a point (numbered from 1), and why we say so."""

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
    """One lesson's question and everything around it; `samples` may be empty."""

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
    return _interview(_Table(_toml(path), f"{shown(path)}: ", _TABLES))


def read_interviews(path: Path) -> dict[str, Interview]:
    """Read and check a file of several questions, by name.

    Raises:
        ValueError: what is missing or wrong, with file, question, table, number and key.
    """
    raw = _toml(path)
    if not raw or not all(isinstance(table, dict) for table in raw.values()):
        raise ValueError(f"{shown(path)}: expected a table [name.question] and so on for each question")
    return {name: _interview(_Table(raw[name], f"{shown(path)}: {name}: ", _TABLES)) for name in raw}


_TABLES = ("question", "follow_ups", "rubric", "wrong_answers", "model_answer", "samples")


def _interview(file: "_Table") -> Interview:
    question = file.table("question", ("level", "en", "zh"))
    keys = ("weight", "en", "zh", "terms", "dimension")
    rubric = tuple(_point(t) for t in file.tables("rubric", keys, 1))
    return Interview(
        level=question.choice("level", LEVELS),
        question=question.text(),
        follow_ups=_follow_ups(file),
        rubric=rubric,
        wrong_answers=tuple(
            WrongAnswer(t.text(), t.text("why_"))
            for t in file.tables("wrong_answers", ("en", "zh", "why_en", "why_zh"), 1)
        ),
        model_answer=file.table("model_answer", ("en", "zh")).text(),
        samples=_samples(file, len(rubric)),
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{shown(path)}: no such file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{shown(path)}: not valid TOML: {error}") from None


def _follow_ups(file: "_Table") -> tuple[FollowUp, ...]:
    found: list[FollowUp] = []
    for t in file.tables("follow_ups", ("level", "en", "zh", "answer_en", "answer_zh"), 4):
        easiest, level = found[-1].level if found else 1, t.get("level", int)
        if not easiest <= level <= 5:
            raise t.wrong(f"level: expected {easiest} to 5, since they get harder, got {level}")
        found.append(FollowUp(level, t.text(), t.text("answer_")))
    return tuple(found)


def _point(t: "_Table") -> Point:
    terms = t.get("terms", list)
    if not terms or not all(isinstance(term, str) and term.strip() for term in terms):
        raise t.wrong(f"terms: expected words to look for, got {terms}")
    dimension = t.choice("dimension", DIMENSIONS) if "dimension" in t.raw else DIMENSIONS[0]
    return Point(t.choice("weight", WEIGHTS), t.text(), tuple(terms), dimension)


def _samples(file: "_Table", points: int) -> tuple[Sample, ...]:
    tables = file.tables("samples", ("quality", "en", "zh", "scores"), 0)
    found = tuple(Sample(t.choice("quality", QUALITIES), t.text(), _scores(t, points)) for t in tables)
    if found and sorted(s.quality for s in found) != sorted(QUALITIES):
        got = ", ".join(sample.quality for sample in found)
        raise file.wrong(f"[[samples]]: expected one each of {', '.join(QUALITIES)}, got {got}")
    return found


def _scores(sample: "_Table", points: int) -> tuple[Score, ...]:
    tables = sample.tables("scores", ("point", "hit", "why_en", "why_zh"), 0)
    scores = tuple(Score(t.get("point", int), t.get("hit", bool), t.text("why_")) for t in tables)
    if [score.point for score in scores] != list(range(1, points + 1)):
        raise sample.wrong(f"scores: expected one for each of the {points} rubric points, in their order")
    return scores


class _Table:
    """A table of the file that knows its place, for messages, and which keys it may have."""

    def __init__(self, raw: Mapping[str, Any], place: str, known: Sequence[str]) -> None:
        self.raw, self.place = raw, place
        for key in raw:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise self.wrong(f"unknown key {key}; {hint}")

    def get(self, key: str, kind: type) -> Any:
        """The value of a key that must be there and of that type."""
        value = self.raw.get(key)
        if value is None:
            raise self.wrong(f"{key} is missing")
        if type(value) is not kind:
            raise self.wrong(f"{key}: expected {_WORDS[kind]}, got {value!r}")
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """A text that must be one of a few."""
        value: str = self.get(key, str)
        if value not in choices:
            raise self.wrong(f"{key}: expected one of {', '.join(choices)}, got {value!r}")
        return value

    def text(self, prefix: str = "") -> Text:
        """The text under `en` and `zh`, complete in both languages."""
        en, zh = (self.get(f"{prefix}{language}", str).strip() for language in ("en", "zh"))
        if not en or _CHINESE.search(en):
            raise self.wrong(f"{prefix}en: expected English, got {en!r}")
        if not _CHINESE.search(zh):
            raise self.wrong(f"{prefix}zh: expected Chinese, got {zh!r}")
        return Text(en, zh)

    def table(self, name: str, known: Sequence[str]) -> "_Table":
        """The table `[name]`."""
        return _Table(self.get(name, dict), f"{self.place}[{name}]: ", known)

    def tables(self, name: str, known: Sequence[str], least: int) -> list["_Table"]:
        """The tables `[[name]]`, numbered from 1."""
        raw = self.get(name, list) if name in self.raw or least else []
        if len(raw) < least or not all(isinstance(table, dict) for table in raw):
            raise self.wrong(f"[[{name}]]: expected at least {least} tables, got {len(raw)} entries")
        return [
            _Table(table, f"{self.place}[[{name}]] number {k}: ", known) for k, table in enumerate(raw, 1)
        ]

    def wrong(self, message: str) -> ValueError:
        """The error to raise, naming file and table."""
        return ValueError(self.place + message)
