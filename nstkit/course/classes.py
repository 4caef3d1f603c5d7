"""A whole class, graded: find the submissions, grade what changed, write the results.

    for progress in grade_class(Path("submissions"), Path("results")):
        print(progress.learner, progress.points)

Each learner's record is on disk before it is reported, so a run that ends at any moment goes on where it was.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nstkit.course.formats import FORMATS
from nstkit.course.jobs import Job, Record, digest_of, make_job
from nstkit.course.matching import match_files
from nstkit.course.pages import write_pages
from nstkit.course.records import Records
from nstkit.course.runners import Runner, cores, run_here, run_on_cluster
from nstkit.course.submissions import Submissions
from nstkit.course.tables import Learner, write_tables
from nstkit.grading.sandbox import missing_protections
from nstkit.lessons import Lesson, find_lessons


class Unprotected(ValueError):  # noqa: N818
    """This machine lacks a protection that coursework needs."""


@dataclass(frozen=True)
class Progress:
    """A learner of whom everything is graded, and how far the class is."""

    learner: Learner
    done: int
    total: int
    regraded: bool


@dataclass
class _Roster:
    """Who handed in what: digests by learner and lesson, lessons still to be graded, and notes."""

    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    waiting: dict[str, set[str]] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)


def check_protections(*, allow_unprotected: bool = False) -> list[str]:
    """The protections that this machine lacks.

    Raises:
        Unprotected: it lacks one, and nobody allowed that.
    """
    missing = missing_protections()
    if missing and not allow_unprotected:
        raise Unprotected(
            f"{'; '.join(missing)}; learners' code could read the solutions or harm this machine; use a Linux "
            "machine with Landlock, or pass --allow-unprotected if you trust every learner"
        )
    return missing


def grade_class(
    submissions: Path, results: Path, *, lessons: Sequence[Lesson] | None = None, seed: int = 0,
    workers: int | None = None, scheduler: str | None = None, regrade: bool = False,
    allow_unprotected: bool = False, formats: Sequence[str] = (),
) -> Iterator[Progress]:  # fmt: skip
    """Grade every submission, yielding a Progress as each learner is done; then write the tables and pages.

    Args:
        submissions: a folder or .zip with a folder, archive, notebook or .py file per learner.
        results: a new folder, or one that an earlier call wrote; what did not change is not graded again.
        lessons: the lessons to grade; None is all of them.
        seed: draws other inputs than the public ones.
        workers: processes; None is one per core.
        scheduler: address of a dask scheduler, to grade on its workers instead.
        regrade: grade everything again.
        allow_unprotected: grade even where this machine cannot lock answers in.
        formats: of nstkit.course.formats.FORMATS, to write beside the tables and pages.
    Raises:
        ValueError: nothing to grade, a folder that is not ours, or a protection that is missing.
    """
    check_protections(allow_unprotected=allow_unprotected)
    chosen = list(lessons or find_lessons())
    found = Submissions(submissions)
    run: Runner = (
        (lambda jobs: run_on_cluster(jobs, scheduler))
        if scheduler
        else (lambda jobs: run_here(jobs, workers or cores()))
    )
    with Records(results) as records:
        roster = _Roster()
        jobs = _jobs(found, chosen, seed, roster, records, regrade)
        yield from _graded(found, chosen, run(jobs), roster, records)
        learners = [_learner(name, roster, records) for name in found.learners]
        write_tables(results, learners)
        write_pages(results, learners)
        for name in formats:
            FORMATS[name](results, learners)


def _jobs(
    found: Submissions, lessons: list[Lesson], seed: int, roster: _Roster, records: Records, regrade: bool
) -> Iterator[Job]:
    """The jobs that have no record yet; each learner's files are read when it is their turn."""
    for name in found.learners:
        submission = found.read(name)
        matched = match_files(submission.files, lessons)
        digests, fresh = {}, []
        for lesson, file in matched.files.items():
            digests[lesson] = digest_of(lesson, file.path, file.data, seed)
            if regrade or records.of(name, lesson, digests[lesson]) is None:
                fresh.append(make_job(name, lesson, file.path, file.data, seed))
        roster.digests[name] = digests
        roster.waiting[name] = {job.lesson for job in fresh}
        roster.notes[name] = (*submission.notes, *matched.notes)
        yield from fresh


def _graded(
    found: Submissions, lessons: list[Lesson], graded: Iterable[Record], roster: _Roster, records: Records
) -> Iterator[Progress]:
    """Keep records as they come; report a learner once the last lesson is there."""
    total, reported, fresh = len(found.learners), set[str](), set[str]()

    def complete() -> Iterator[Progress]:
        for name in [
            name for name, waiting in roster.waiting.items() if not waiting and name not in reported
        ]:
            reported.add(name)
            yield Progress(_learner(name, roster, records), len(reported), total, name in fresh)

    for record in graded:
        records.add(record)
        fresh.add(record["learner"])
        roster.waiting[record["learner"]].discard(record["lesson"])
        yield from complete()
    yield from complete()


def _learner(name: str, roster: _Roster, records: Records) -> Learner:
    found = (records.of(name, lesson) for lesson in roster.digests.get(name, ()))
    return Learner(name, tuple(r for r in found if r is not None), roster.notes.get(name, ()))
