"""Grading one exercise: observe the answer, compare it with the reference, say what is wrong."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from nstkit.grading.answers import Answers, Cell, UnreadableAnswers, read_cells, run_cells, source_cells
from nstkit.grading.compare import Difference, difference
from nstkit.grading.describe import describe
from nstkit.grading.diagnose import diagnose, referred, repeats
from nstkit.grading.draws import exercise_key
from nstkit.grading.exercises import Check, Exercise
from nstkit.grading.limits import limited
from nstkit.grading.load import load_exercises
from nstkit.grading.observation import Observation, describe_failure, observe, only_refusals, quiet
from nstkit.grading.results import CheckResult, Result, worst_state

Observer = Callable[[Exercise, Check], Observation]
PUBLIC_SEED = 0


def grade_implementation(exercise: Exercise, implementation: object, seed: int = PUBLIC_SEED) -> Result:
    """Grade a function or class that is at hand, in this process."""
    return grade_observed(exercise, observer_of(implementation, seed), seed)


def observer_of(implementation: object, seed: int = PUBLIC_SEED) -> Observer:
    """The observer that runs `implementation` in this process, within limits."""

    def observer(exercise: Exercise, check: Check) -> Observation:
        with limited():
            key = exercise_key(seed, exercise.name)
            return observe(check, key, implementation, may_modify=exercise.modifies)

    return observer


def grade_answers(exercise: Exercise, answers: Answers, seed: int = PUBLIC_SEED) -> Result:
    """Grade the exercise's answer among a learner's answers, in this process."""
    answer = answers.find(exercise.name)
    if answer is None:
        return missing_answer(exercise, answers.error_of(exercise.name))
    return grade_implementation(exercise, answer, seed)


def grade_observed(exercise: Exercise, observer: Observer, seed: int) -> Result:
    """Grade by an observer: it runs the answer in one check, wherever that may be."""
    observed = _observe_all(exercise, observer)
    judged = [judge(exercise, check, observed[check.name], seed) for check in exercise.checks]
    failed = {check.name for check in judged if check.state in ("wrong", "error")}
    known = diagnose(exercise, observed, failed, seed) if failed else None
    checks = tuple(_withhold_refusals(exercise, judged, seed))
    state = worst_state([check.state for check in checks])
    return Result(
        exercise.name,
        state,
        points=0 if state == "todo" else sum(check.points for check in checks),
        max_points=exercise.points,
        checks=checks,
        misconception=known.name if known else None,
        message=known.sentence if known else next((check.message for check in checks if check.message), ""),
        trace=_first_trace(observed.values()),
    )


def _observe_all(exercise: Exercise, observer: Observer) -> dict[str, Observation]:
    """Observe check after check; once one ran out of time, the rest are not waited for."""
    observed: dict[str, Observation] = {}
    late = None
    for check in exercise.checks:
        observed[check.name] = late or observer(exercise, check)
        failure = observed[check.name].failure
        late = late or (observed[check.name] if failure and failure.state == "timeout" else None)
    return observed


def _first_trace(observations: Iterable[Observation]) -> str:
    return next((seen.failure.trace for seen in observations if seen.failure and seen.failure.trace), "")


def judge(exercise: Exercise, check: Check, seen: Observation, seed: int) -> CheckResult:
    """The verdict on one check."""
    right = referred(exercise, check, seed)
    state, message, gap = "wrong", "", None
    if seen.failure:
        state, message = seen.failure.state, _failure_sentence(seen)
    elif seen.modified:
        message = f"your code changes its input ({', '.join(seen.modified)}); work on a copy"
    elif (gap := difference(list(seen.evidence), list(right.evidence), check.rtol, check.atol)) is not None:
        message = describe(_without_draw(gap))
    elif not repeats(seen, check):
        message = "the same call gives another result the second time; keep nothing between calls"
    elif seen.disturbed:
        message = (
            "your code changes the global random state; use the generator that is passed, or no randomness"
        )
    else:
        state = "passed"
    return CheckResult(
        check.name, check.title, state, check.points if state == "passed" else 0, check.points, message, gap
    )


def _failure_sentence(seen: Observation) -> str:
    failure = seen.failure
    assert failure is not None
    if failure.state != "error":
        return failure.text
    where = failure.trace.splitlines()[-2].strip().partition(" in ")[0] if failure.trace else ""
    first = (failure.text.splitlines() or [""])[0]
    return f"{failure.kind}: {first}" + (f" ({where})" if where else "")


def _without_draw(gap: Difference) -> Difference:
    """Drop the index of the draw from a difference's path: learners do not see the two draws."""
    return replace(gap, path=gap.path.replace("result[0]", "result", 1).replace("result[1]", "result", 1))


def _withhold_refusals(exercise: Exercise, checks: list[CheckResult], seed: int) -> list[CheckResult]:
    """Refusing bad input earns nothing until one good input is handled: `raise ValueError` is no answer."""
    refusing = {c.name for c in exercise.checks if only_refusals(referred(exercise, c, seed).evidence)}
    if len(refusing) == len(checks) or any(c.state == "passed" for c in checks if c.name not in refusing):
        return checks
    message = "counts once a check with valid input passes"
    return [
        CheckResult(c.name, c.title, "wrong", 0, c.max_points, message)
        if c.name in refusing and c.points
        else c
        for c in checks
    ]


def missing_answer(exercise: Exercise, error: BaseException | None = None) -> Result:
    """The result of an exercise whose answer is not defined."""
    if error is None:
        state, message, trace = "todo", f"no answer defines {exercise.name}", ""
    else:
        failure = describe_failure(error)
        state, trace = failure.state, failure.trace
        message = _failure_sentence(Observation(failure=failure))
    checks = tuple(CheckResult(c.name, c.title, state, 0, c.points) for c in exercise.checks)
    return Result(exercise.name, state, 0, exercise.points, checks, None, message, trace)


def unreadable(exercises: Iterable[Exercise], error: UnreadableAnswers) -> dict[str, Result]:
    """The results of a lesson whose answers cannot be read at all: the one sentence, for every exercise."""
    return {
        e.name: Result(
            e.name, "error", 0, e.points,
            tuple(CheckResult(c.name, c.title, "error", 0, c.points) for c in e.checks), None, str(error),
        )
        for e in exercises
    }  # fmt: skip


def run_guarded(cells: list[Cell]) -> Answers:
    """Run a learner's cells in this process, quietly and within limits."""
    with quiet():
        return run_cells(cells, limited)


def grade_file(
    checks: Path, answers: Path, *, exercise: str | None = None, seed: int = PUBLIC_SEED
) -> dict[str, Result]:
    """Grade a notebook or Python file against a lesson's test file, in this process."""
    exercises = choose(load_exercises(checks), exercise)
    try:
        cells = read_cells(answers, names=exercises)
    except UnreadableAnswers as error:
        return unreadable(exercises.values(), error)
    given = run_guarded(cells)
    return {name: grade_answers(e, given, seed) for name, e in exercises.items()}


def grade_text(
    checks: Path, source: str, shown: str, *, exercise: str | None = None, seed: int = PUBLIC_SEED
) -> dict[str, Result]:
    """Grade Python text as in an answers file, in this process."""
    exercises = choose(load_exercises(checks), exercise)
    given = run_guarded(source_cells(source, shown))
    return {name: grade_answers(e, given, seed) for name, e in exercises.items()}


def choose(exercises: dict[str, Exercise], name: str | None) -> dict[str, Exercise]:
    """All exercises, or the one called `name`; ValueError where there is none of that name."""
    if name is None:
        return exercises
    if name not in exercises:
        raise ValueError(f"exercise: expected one of {', '.join(exercises)}, got {name!r}")
    return {name: exercises[name]}
