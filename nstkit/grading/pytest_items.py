"""Pytest's view of a lesson: a file of exercises, an exercise of checks, a check that passes or says why."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from nstkit.grading.answers import UnreadableAnswers, read_cells
from nstkit.grading.audit import AuditFinding, audits
from nstkit.grading.exercises import Check, Exercise
from nstkit.grading.grade import grade_answers, run_guarded, unreadable
from nstkit.grading.load import load_exercises
from nstkit.grading.results import CheckResult, Result


class NotPassed(Exception):  # noqa: N818
    """A check that did not pass; its text is what the learner reads."""


class LessonFile(pytest.File):
    """lessons/NN_slug/test_NN_slug.py"""

    @property
    def lesson(self) -> str:
        """NN_slug."""
        return self.path.parent.name

    @cached_property
    def answers_path(self) -> Path:
        """The notebook beside the test file, or the file of that name under --answers."""
        folder = self.config.getoption("--answers")
        if folder is None:
            return self.path.parent / f"{self.lesson}.ipynb"
        candidates = [Path(folder) / f"{self.lesson}{suffix}" for suffix in (".py", ".ipynb")]
        return next((path for path in candidates if path.exists()), candidates[0])

    @cached_property
    def results(self) -> dict[str, Result]:
        """All exercises, graded once."""
        exercises, seed = load_exercises(self.path), self.config.getoption("--seed")
        if self.config.getoption("--isolate"):
            from nstkit.grading.isolate import grade_file_isolated

            return grade_file_isolated(self.path, self.answers_path, seed=seed)
        try:
            answers = run_guarded(read_cells(self.answers_path, names=exercises))
        except UnreadableAnswers as error:
            return unreadable(exercises.values(), error)
        return {name: grade_answers(exercise, answers, seed) for name, exercise in exercises.items()}

    def collect(self) -> Iterator["ExerciseNode"]:
        """One node per exercise."""
        for order, exercise in enumerate(load_exercises(self.path).values()):
            yield ExerciseNode.from_parent(self, name=exercise.name, exercise=exercise, order=order)


class ExerciseNode(pytest.Collector):
    """An exercise; its items are its checks, or the audit of its checks."""

    parent: LessonFile

    def __init__(self, name: str, parent: LessonFile, exercise: Exercise, order: int) -> None:
        super().__init__(name, parent)
        self.exercise, self.order = exercise, order

    def collect(self) -> Iterator[pytest.Item]:
        """One item per check, or per audit question."""
        if self.config.getoption("--audit"):
            for finding in audits(self.exercise):
                yield AuditItem.from_parent(self, name=finding.name, finding=finding)
            return
        for check in self.exercise.checks:
            yield CheckItem.from_parent(self, name=check.name, check=check)


class CheckItem(pytest.Item):
    """One check of one exercise."""

    parent: ExerciseNode

    def __init__(self, name: str, parent: ExerciseNode, check: Check) -> None:
        super().__init__(name, parent)
        self.check = check

    def runtest(self) -> None:
        """Grade (once per exercise and process) and report this check."""
        result = self.parent.parent.results[self.parent.name]
        mine = next(c for c in result.checks if c.name == self.name)
        row = {"lesson": self.parent.parent.lesson, "exercise": result.exercise, "order": self.parent.order}
        row |= {"state": mine.state, "points": mine.points, "max_points": mine.max_points}
        self.user_properties += [("nstkit_check", row), ("nstkit_state", mine.state)]
        if mine.state != "passed":
            raise NotPassed(failure_text(result, mine))

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        """The sentence, without a Python traceback of the grader."""
        return (
            str(excinfo.value) if isinstance(excinfo.value, NotPassed) else str(super().repr_failure(excinfo))
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        """What pytest shows as the item's headline."""
        return self.path, 0, f"{self.parent.parent.lesson} · {self.parent.name} · {self.check.title}"


class AuditItem(pytest.Item):
    """One question to the checks themselves."""

    def __init__(self, name: str, parent: ExerciseNode, finding: AuditFinding) -> None:
        super().__init__(name, parent)
        self.finding = finding

    def runtest(self) -> None:
        """Ask it."""
        complaint = self.finding.complaint()
        if complaint:
            raise NotPassed(complaint)

    def repr_failure(self, excinfo: Any, style: Any = None) -> str:
        """The complaint, without a traceback."""
        return (
            str(excinfo.value) if isinstance(excinfo.value, NotPassed) else str(super().repr_failure(excinfo))
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        """What pytest shows as the item's headline."""
        return self.path, 0, f"{self.path.parent.name} · {self.finding.name}"


def failure_text(result: Result, check: CheckResult) -> str:
    """What a learner reads below a check that did not pass."""
    first = next(c.name for c in result.checks if c.state != "passed") == check.name
    lines = [result.message] if first else []
    if check.message != result.message or not first:
        lines.append(f"seen here: {check.message}")
    if result.trace and first:
        lines += result.trace.splitlines()
    return "\n".join(f"  {line}" for line in lines)
