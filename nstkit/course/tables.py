"""Tables: the results as rows, for spreadsheets and scripts.

`results.csv` and `results.jsonl` have a row per learner and exercise, `summary.csv` a row per learner. What could
not be graded has the state `ungraded` and no points, which is not the same as 0.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nstkit.lessons import find_lesson, outline
from nstkit.lessons.build import write_whole

COLUMNS = ("learner", "lesson", "exercise", "state", "points", "max_points", "misconception", "message")


@dataclass(frozen=True)
class Learner:
    """One learner: a record for each lesson that was handed in, and what else there is to say."""

    name: str
    records: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """Earned in what could be graded."""
        return sum(e["points"] for record in self.records for e in record["exercises"])

    @property
    def max_points(self) -> int:
        """Possible in what could be graded."""
        return sum(e["max_points"] for record in self.records for e in record["exercises"])

    @property
    def ungraded(self) -> tuple[str, ...]:
        """Why something could not be graded, a sentence each; nothing handed in counts too."""
        reasons = tuple(record["ungraded"] for record in self.records if record["ungraded"])
        return reasons or (() if self.records else ("no file that answers a lesson was handed in",))

    @property
    def explained(self) -> tuple[str, ...]:
        """`ungraded`; where nothing was handed in, with the notes, which say what became of the files."""
        return self.ungraded if self.records else ("; ".join([*self.ungraded, *self.notes]),)


def rows(learners: Iterable[Learner]) -> Iterator[dict[str, Any]]:
    """A row per learner and exercise."""
    for learner in learners:
        for record in learner.records:
            base = {"learner": learner.name, "lesson": record["lesson"]}
            yield from (base | {key: e[key] for key in COLUMNS[2:]} for e in record["exercises"])
            if record["ungraded"]:
                yield from (base | row for row in _ungraded(record["lesson"], record["ungraded"]))
        if not learner.records:
            yield {"learner": learner.name, "lesson": "", **_blank("", learner.explained[0])}


def _ungraded(lesson: str, reason: str) -> Iterator[dict[str, Any]]:
    for item in outline(find_lesson(lesson).checks):
        yield _blank(item.name, reason) | {"max_points": item.points}


def _blank(exercise: str, reason: str) -> dict[str, Any]:
    return {
        "exercise": exercise, "state": "ungraded", "points": None, "max_points": None, "misconception": None,
        "message": reason,
    }  # fmt: skip


def write_tables(results: Path, learners: Sequence[Learner]) -> None:
    """Write results.csv, results.jsonl and summary.csv, each whole or not at all."""
    found = list(rows(learners))
    write_whole(results / "results.csv", _csv(COLUMNS, found))
    lines = (json.dumps({key: row[key] for key in COLUMNS}, ensure_ascii=False) + "\n" for row in found)
    write_whole(results / "results.jsonl", "".join(lines).encode())
    lessons = sorted({record["lesson"] for learner in learners for record in learner.records})
    columns = ("learner", "points", "max_points", *lessons, "ungraded")
    write_whole(results / "summary.csv", _csv(columns, [_summary(learner, lessons) for learner in learners]))


def _summary(learner: Learner, lessons: Iterable[str]) -> dict[str, Any]:
    points = {
        record["lesson"]: None if record["ungraded"] else sum(e["points"] for e in record["exercises"])
        for record in learner.records
    }
    graded = any(value is not None for value in points.values())
    return {
        "learner": learner.name,
        "points": learner.points if graded else None,
        "max_points": learner.max_points if graded else None,
        **{lesson: points.get(lesson) for lesson in lessons},
        "ungraded": "; ".join(learner.explained),
    }


def _csv(columns: Sequence[str], lines: Iterable[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for line in lines:
        writer.writerow([harmless(line[column]) for column in columns])
    return text.getvalue().encode("utf-8-sig")  # the mark lets spreadsheets read Chinese names


def harmless(value: Any) -> Any:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
