"""Grading in the sandbox: the same judgement as in process, with the answers observed from outside."""

from pathlib import Path

from nstkit.grading.answers import Cell, UnreadableAnswers, read_cells, source_cells
from nstkit.grading.exercises import Check, Exercise
from nstkit.grading.grade import choose, grade_observed, missing_answer, unreadable
from nstkit.grading.load import load_exercises
from nstkit.grading.observation import Observation
from nstkit.grading.results import Result
from nstkit.grading.sandbox import Sandbox


def grade_cells_isolated(
    checks: Path, cells: list[Cell], sandbox: Sandbox, *, exercise: str | None = None, seed: int = 0
) -> dict[str, Result]:
    """Grade a learner's cells in a sandbox that is already there."""
    source = checks.read_text("utf-8")
    chosen = choose(load_exercises(checks), exercise)
    return {name: _grade(e, sandbox.observe(e, cells, source, seed), seed) for name, e in chosen.items()}


def _grade(exercise: Exercise, observed: dict[str, Observation], seed: int) -> Result:
    first = next(iter(observed.values())).failure
    if first is not None and first.kind == "missing":
        return missing_answer(exercise, None)

    def observer(exercise: Exercise, check: Check) -> Observation:
        return observed[check.name]

    return grade_observed(exercise, observer, seed)


def grade_file_isolated(
    checks: Path, answers: Path, *, exercise: str | None = None, seed: int = 0, sandbox: Sandbox | None = None
) -> dict[str, Result]:
    """Grade a notebook or Python file in a sandbox; one is started where none is passed."""
    exercises = choose(load_exercises(checks), exercise)
    try:
        cells = read_cells(answers, names=exercises)
    except UnreadableAnswers as error:
        return unreadable(exercises.values(), error)
    with sandbox_or_new(sandbox) as place:
        return grade_cells_isolated(checks, cells, place, exercise=exercise, seed=seed)


def grade_text_isolated(
    checks: Path, source: str, shown: str, *, exercise: str | None = None, seed: int = 0
) -> dict[str, Result]:
    """Grade Python text in a sandbox of its own."""
    with Sandbox() as place:
        return grade_cells_isolated(checks, source_cells(source, shown), place, exercise=exercise, seed=seed)


class sandbox_or_new:  # noqa: N801
    """A context that lends the given sandbox, or makes one and closes it afterwards."""

    def __init__(self, given: Sandbox | None) -> None:
        self.given, self.own = given, None if given else Sandbox()

    def __enter__(self) -> Sandbox:
        place = self.given or self.own
        assert place is not None
        return place

    def __exit__(self, *error: object) -> None:
        if self.own:
            self.own.close()
