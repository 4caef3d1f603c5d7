"""The audit: can the checks of an exercise fail, and do they say the right thing when they do?

For every exercise: the reference and each accepted variant earn all points; each misconception loses points
and is answered with its own sentence; the untouched stub earns none; for every check there is some wrong
answer that it catches; an object that agrees to whatever it is asked earns nothing.

The reference and the misconceptions are run by the grader itself, to compare answers with. The audit grades what
was seen there, and runs one again only where a second run might differ: see `_says_it_all`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from nstkit.grading.diagnose import misconceived, reference, referred, repeats
from nstkit.grading.exercises import Check, Exercise, Misconception, Variant
from nstkit.grading.grade import PUBLIC_SEED, Observer, grade_implementation, grade_observed, observer_of
from nstkit.grading.limits import SECONDS
from nstkit.grading.observation import Observation
from nstkit.grading.results import Result


@dataclass(frozen=True)
class AuditFinding:
    """One question to an exercise's checks; `complaint()` is the answer, "" when all is well."""

    name: str
    complaint: Callable[[], str]


def audits(exercise: Exercise) -> Iterator[AuditFinding]:
    """All questions to one exercise."""
    yield AuditFinding("reference-earns-all", lambda: _reference_earns_all(exercise))
    yield AuditFinding("stub-earns-none", lambda: _stub_earns_none(exercise))
    yield AuditFinding("every-check-can-fail", lambda: _every_check_can_fail(exercise))
    yield AuditFinding("liar-earns-none", lambda: _liar_earns_none(exercise))
    for variant in exercise.variants:
        yield AuditFinding(f"accepts-{variant.name}", _bind(_accepts, exercise, variant))
    for misconception in exercise.misconceptions:
        yield AuditFinding(f"rejects-{misconception.name}", _bind(_rejects, exercise, misconception))


def _bind(question: Callable[..., str], *args: Any) -> Callable[[], str]:
    return lambda: question(*args)


def _reference_earns_all(exercise: Exercise) -> str:
    def known(exercise: Exercise, check: Check) -> Observation:
        return referred(exercise, check, PUBLIC_SEED)

    return _earns_all(exercise, _grade_known(exercise, reference(exercise), known))


def _earns_all(exercise: Exercise, result: Result) -> str:
    if result.state == "passed" and result.points == exercise.points > 0:
        return ""
    lost = [f"{c.name}: {c.message}" for c in result.checks if c.state != "passed"]
    return f"{exercise.name}: a right answer earns {result.points} of {exercise.points}: {'; '.join(lost)}"


def _accepts(exercise: Exercise, variant: Variant) -> str:
    return _earns_all(exercise, grade_implementation(exercise, variant.implementation))


def _rejects(exercise: Exercise, misconception: Misconception) -> str:
    result = graded_misconception(exercise, misconception)
    if result.points >= exercise.points:
        return f"{exercise.name}: {misconception.name} loses no point"
    if result.misconception != misconception.name:
        got = result.misconception or f"no misconception ({result.message})"
        return f"{exercise.name}: {misconception.name} is answered with the sentence of {got}"
    return ""


@lru_cache(maxsize=1024)
def graded_misconception(exercise: Exercise, misconception: Misconception) -> Result:
    """What a misconception earns and hears."""

    def known(exercise: Exercise, check: Check) -> Observation:
        return misconceived(exercise, check, misconception, PUBLIC_SEED)

    return _grade_known(exercise, misconception.implementation, known)


def _grade_known(exercise: Exercise, implementation: Any, known: Observer) -> Result:
    """Grade an implementation by what the grader knows of it; observe it anew where that does not say it all."""
    anew = observer_of(implementation)

    def observer(exercise: Exercise, check: Check) -> Observation:
        seen = known(exercise, check)
        return seen if _says_it_all(seen, check) else anew(exercise, check)

    return grade_observed(exercise, observer, PUBLIC_SEED)


def _says_it_all(seen: Observation, check: Check) -> bool:
    """Whether a second observation must show the same: it came back in time, without chance, and did it twice."""
    in_time = seen.failure is None and seen.seconds < SECONDS
    return in_time and not seen.disturbed and repeats(seen, check)


def _stub_earns_none(exercise: Exercise) -> str:
    def stub(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError

    result = grade_implementation(exercise, stub)
    return (
        ""
        if (result.state, result.points) == ("todo", 0)
        else f"{exercise.name}: the stub earns {result.points}"
    )


class Liar:
    """An answer that is any function, number and array, and says yes to every question.

    It unmasks a check that returns its own verdict: `bool(answer(x).abs().max() < 1e-12)` holds for a Liar.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> "Liar":
        """Itself, whatever is asked."""
        return self

    def __getattr__(self, name: str) -> "Liar":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    __getitem__ = __call__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __call__
    __matmul__ = __rmatmul__ = __pow__ = __neg__ = __abs__ = __call__

    def __bool__(self, *args: Any) -> bool:
        return True

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__
    __eq__ = __ne__ = __bool__

    def __float__(self) -> float:
        return 0.0

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator["Liar"]:
        return iter((self,))


def _liar_earns_none(exercise: Exercise) -> str:
    result = grade_implementation(exercise, Liar())
    fooled = [check.name for check in result.checks if check.points]
    return (
        f"{exercise.name}: {', '.join(fooled)} believed an object that says yes to everything; return the values "
        "themselves as evidence, and let the grader compare them"
        if fooled
        else ""
    )


def _every_check_can_fail(exercise: Exercise) -> str:
    """Every check fails for some misconception, or for an answer that returns None for everything."""
    results = [graded_misconception(exercise, m) for m in exercise.misconceptions]
    results.append(grade_implementation(exercise, lambda *args, **kwargs: None))
    caught = {c.name for result in results for c in result.checks if c.state != "passed"}
    uncaught = [check.name for check in exercise.checks if check.name not in caught]
    return f"{exercise.name}: nothing wrong was caught by {', '.join(uncaught)}" if uncaught else ""
