"""Memory: interviews, answers and what to see next, in one SQLite file that survives whatever ends a session.

Every confirmed answer is one transaction. The file has a schema version; it is copied before a migration, moved
aside where it is damaged, and left alone where a newer nstkit wrote it.
"""

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nstkit.drill.schedule import utc_now

VERSION = 2
FILE = "drill.sqlite3"

_MIGRATIONS: dict[int, str] = {
    1: """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY, started TEXT NOT NULL, ended TEXT, options TEXT NOT NULL, result TEXT
        );
        CREATE TABLE answers (
            session INTEGER NOT NULL REFERENCES sessions (id), step TEXT NOT NULL, reply TEXT NOT NULL,
            elapsed REAL NOT NULL, at TEXT NOT NULL, PRIMARY KEY (session, step)
        );
        CREATE TABLE cards (question TEXT PRIMARY KEY, card TEXT NOT NULL, due TEXT NOT NULL);
    """,
    2: """
        CREATE TABLE reviews (question TEXT NOT NULL, at TEXT NOT NULL, share REAL NOT NULL, session INTEGER);
        CREATE TABLE calibrations (
            question TEXT NOT NULL, quality TEXT NOT NULL, at TEXT NOT NULL, kind INTEGER NOT NULL,
            strict INTEGER NOT NULL, points INTEGER NOT NULL
        );
    """,
}


class MemoryUnusable(ValueError):  # noqa: N818
    """The file of the memory cannot be used, and why."""


@dataclass(frozen=True)
class Session:
    """A stored interview: options as they were chosen, when it began and ended, and what it came to."""

    id: int
    started: str
    ended: str | None
    options: dict[str, Any]
    result: dict[str, Any] | None


def data_folder(given: Path | None = None) -> Path:
    """Where the memory lies: `given`, else NSTKIT_DATA, else the system's place for a user's data."""
    if given is not None:
        return given
    if place := os.environ.get("NSTKIT_DATA"):
        return Path(place)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "nstkit"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "nstkit"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "nstkit"


class Memory:
    """The memory in a folder. Use it as a context manager, or `close()` it.

    Attributes:
        notes: what happened to the file on opening, a sentence each, for the user.

    Raises:
        MemoryUnusable: the folder cannot be written, or a newer nstkit wrote the file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / FILE
        self.notes: list[str] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise MemoryUnusable(
                f"{folder}: cannot be written ({error}); name another folder with --data DIR"
            ) from None

    def __enter__(self) -> "Memory":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # -- the file -------------------------------------------------------------------------------

    def _open(self) -> None:
        existed = self.path.exists()
        try:
            self._connect()
            version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            healthy = not existed or self._connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            healthy, version = False, 0
        if not healthy:
            self._move_aside()
            version = 0
        if version > VERSION:
            self.close()
            raise MemoryUnusable(
                f"{self.path}: was written by a newer nstkit (schema {version}, this one knows {VERSION}); it is left "
                "as it is; update nstkit, or name another folder with --data DIR"
            )
        if version < VERSION:
            self._migrate(version)

    def _connect(self) -> None:
        self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def _move_aside(self) -> None:
        self._connection.close()
        kept = self._free(f"{FILE}.damaged")
        os.replace(self.path, kept)
        for suffix in ("-wal", "-shm"):
            self.path.with_name(FILE + suffix).unlink(missing_ok=True)
        self._connect()
        self.notes.append(f"{self.path} was damaged; it is kept as {kept.name}, and a new one was begun")

    def _migrate(self, version: int) -> None:
        if version:
            kept = self._free(f"{FILE}.version-{version}")
            with closing(sqlite3.connect(kept)) as copy:
                self._connection.backup(copy)
            self.notes.append(
                f"{self.path} was brought to schema {VERSION}; the old one is kept as {kept.name}"
            )
        with self._transaction():
            for step in range(version + 1, VERSION + 1):
                for statement in filter(str.strip, _MIGRATIONS[step].split(";")):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _free(self, name: str) -> Path:
        path, number = self.path.with_name(name), 1
        while path.exists():
            number += 1
            path = self.path.with_name(f"{name}-{number}")
        return path

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # -- sessions and answers -------------------------------------------------------------------

    def begin(self, options: dict[str, Any]) -> int:
        """Note that an interview began; returns its number."""
        done = self._connection.execute(
            "INSERT INTO sessions (started, options) VALUES (?, ?)",
            (utc_now().isoformat(), json.dumps(options, ensure_ascii=False)),
        )
        return int(done.lastrowid or 0)

    def confirm(self, session: int, step: str, reply: str, elapsed: float) -> None:
        """Keep a confirmed reply; once this returns, nothing short of a broken disk loses it."""
        self._connection.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)",
            (session, step, reply, elapsed, utc_now().isoformat()),
        )

    def replies(self, session: int) -> dict[str, tuple[str, float]]:
        """The confirmed replies of an interview by step, each with the seconds on the clock."""
        rows = self._connection.execute(
            "SELECT step, reply, elapsed FROM answers WHERE session = ? ORDER BY rowid", (session,)
        )
        return {step: (reply, elapsed) for step, reply, elapsed in rows}

    def finish(
        self, session: int, result: dict[str, Any], reviews: dict[str, tuple[float, str, datetime]]
    ) -> None:
        """Note an interview's result, and each question's share, card and due date, all or nothing."""
        now = utc_now().isoformat()
        with self._transaction():
            self._connection.execute(
                "UPDATE sessions SET ended = ?, result = ? WHERE id = ?",
                (now, json.dumps(result, ensure_ascii=False), session),
            )
            for question, (share, card, due) in reviews.items():
                self._connection.execute(
                    "INSERT OR REPLACE INTO cards VALUES (?, ?, ?)", (question, card, due.isoformat())
                )
                self._connection.execute(
                    "INSERT INTO reviews VALUES (?, ?, ?, ?)", (question, now, share, session)
                )

    def sessions(self) -> list[Session]:
        """All interviews, oldest first."""
        rows = self._connection.execute(
            "SELECT id, started, ended, options, result FROM sessions ORDER BY id"
        )
        return [
            Session(i, started, ended, json.loads(options), json.loads(result) if result else None)
            for i, started, ended, options, result in rows
        ]

    def unfinished(self) -> Session | None:
        """The latest interview, if it was not finished."""
        found = self.sessions()
        return found[-1] if found and found[-1].ended is None else None

    # -- what to see next -----------------------------------------------------------------------

    def cards(self) -> dict[str, str]:
        """Each seen question's card."""
        return dict(self._connection.execute("SELECT question, card FROM cards"))

    def due(self, now: datetime) -> list[str]:
        """The questions that are due, the most overdue first."""
        rows = self._connection.execute("SELECT question, due FROM cards")
        found = sorted((datetime.fromisoformat(due), question) for question, due in rows)
        return [question for due, question in found if due <= now]

    # -- calibration ----------------------------------------------------------------------------

    def calibrated(self, question: str, quality: str, too_kind: int, too_strict: int, points: int) -> None:
        """Note how one scored a sample answer beside us."""
        self._connection.execute(
            "INSERT INTO calibrations VALUES (?, ?, ?, ?, ?, ?)",
            (question, quality, utc_now().isoformat(), too_kind, too_strict, points),
        )

    def calibration(self) -> tuple[int, int, int]:
        """Points too kind, points too strict, and points scored, over all calibrations."""
        row = self._connection.execute(
            "SELECT sum(kind), sum(strict), sum(points) FROM calibrations"
        ).fetchone()
        kind, strict, points = (int(value or 0) for value in row)
        return kind, strict, points
