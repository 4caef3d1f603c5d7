"""Jobs: one learner's answers to one lesson, graded in the sandbox of the process that takes the job.

A job is plain data and its record is plain data, so that it can run in a worker on this machine or on another.
"""

import base64
import hashlib
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nstkit import __version__
from nstkit.grading.answers import UnreadableAnswers, notebook_cells, source_cells
from nstkit.grading.isolate import grade_cells_isolated
from nstkit.grading.results import Result
from nstkit.grading.sandbox import Sandbox
from nstkit.lessons import find_lesson, outline

LARGEST_PICTURE = 60_000
"""Bytes of the largest picture that goes into a record."""
LONGEST_MESSAGE = 1_000

Record = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What a worker needs to know; `digest` changes when the verdict might."""

    learner: str
    lesson: str
    path: str
    data: bytes
    seed: int
    digest: str


def make_job(learner: str, lesson: str, path: str, data: bytes, seed: int) -> Job:
    """A job with the digest of everything that its record depends on."""
    return Job(learner, lesson, path, data, seed, digest_of(lesson, path, data, seed))


def digest_of(lesson: str, path: str, data: bytes, seed: int) -> str:
    """A digest of the answers, the lesson's checks, the seed and the version."""
    checks = _checks_digest(find_lesson(lesson).checks)
    parts = (__version__, lesson, path, checks, str(seed), hashlib.sha256(data).hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


@cache
def _checks_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def grade_job(job: Job) -> Record:
    """Grade a job; the record says who, what, how many points and why, or why it could not be graded."""
    started, lesson = time.perf_counter(), find_lesson(job.lesson)
    record: Record = {"learner": job.learner, "lesson": job.lesson, "digest": job.digest, "path": job.path}
    try:
        text = job.data.decode("utf-8")
        names = [item.name for item in outline(lesson.checks)]
        notebook = job.path.endswith(".ipynb")
        cells = notebook_cells(text, job.path, names) if notebook else source_cells(text, job.path)
    except UnicodeDecodeError as error:
        return record | {"ungraded": f"{job.path}: cannot be read ({error})", "exercises": []}
    except UnreadableAnswers as error:
        return record | {"ungraded": str(error), "exercises": []}
    results = grade_cells_isolated(lesson.checks, cells, sandbox(), seed=job.seed)
    rows = [_row(result) for result in results.values()]
    return record | {"ungraded": "", "exercises": rows, "seconds": round(time.perf_counter() - started, 3)}


@cache
def sandbox() -> Sandbox:
    """This process's own sandbox, warm from its first job on."""
    return Sandbox()


def _row(result: Result) -> dict[str, Any]:
    plain = result.to_json()
    plain["message"] = plain["message"][:LONGEST_MESSAGE]
    plain["trace"] = plain["trace"][: 2 * LONGEST_MESSAGE]
    for check in plain["checks"]:
        check["message"] = check["message"][:LONGEST_MESSAGE]
    return plain | {"picture": _picture(result)}


def _picture(result: Result) -> str:
    """Yours beside the target as a PNG in base64, where that helps; "" elsewhere."""
    from nstkit.grading.notebook import picture_pair, side_by_side

    pair = next((p for row in result.checks if (p := picture_pair(row.difference)) is not None), None)
    if pair is None or max(*pair[0].shape[:2], *pair[1].shape[:2]) > 512:
        return ""
    picture = side_by_side(*pair)
    return base64.b64encode(picture).decode() if len(picture) <= LARGEST_PICTURE else ""
