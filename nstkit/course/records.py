"""Records: what was graded, one line of JSON per job, on disk before anybody is told.

A line is whole or it does not count, so a run that is killed at any moment loses the job it was at, no more.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nstkit.course.jobs import Record

FOLDER = ".nstkit"


class Records:
    """The records of a results folder, by learner and lesson; the latest counts. Use it as a context manager.

    Raises:
        ValueError: the folder holds something else, or another run is writing into it.
    """

    def __init__(self, results: Path) -> None:
        self.path = results / FOLDER / "records.jsonl"
        if results.exists() and any(results.iterdir()) and not self.path.parent.is_dir():
            raise ValueError(
                f"{results}: holds something that `nstkit grade` did not write; name another folder"
            )
        self.path.parent.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "Records":
        self._file = open(self.path, "ab")  # noqa: SIM115  (closed in __exit__)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise ValueError(f"{self.path.parents[1]}: another `nstkit grade` is writing there") from None
        self._known = {(r["learner"], r["lesson"]): r for r in self._lines()}
        self._end_line()
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def _lines(self) -> Iterator[Record]:
        with open(self.path, "rb") as lines:
            for line in lines:
                try:
                    record: Any = json.loads(line)
                    record["learner"], record["lesson"], record["digest"], record["exercises"]
                except (ValueError, KeyError, TypeError):
                    continue  # cut short by a kill
                yield record

    def _end_line(self) -> None:
        """Begin a new line after one that was cut short."""
        with open(self.path, "rb") as lines:
            lines.seek(0, os.SEEK_END)
            if lines.tell():
                lines.seek(-1, os.SEEK_END)
                if lines.read(1) != b"\n":
                    self._file.write(b"\n")

    def of(self, learner: str, lesson: str, digest: str | None = None) -> Record | None:
        """The record of a learner's lesson, if there is one, and of just that digest if one is given."""
        record = self._known.get((learner, lesson))
        return record if record is not None and digest in (None, record["digest"]) else None

    def add(self, record: Record) -> None:
        """Write a record; once this returns it is on disk."""
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._known[record["learner"], record["lesson"]] = record
