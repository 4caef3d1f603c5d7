"""What grading comes to: a Result per exercise, with one CheckResult per check."""

from dataclasses import asdict, dataclass
from typing import Any

from nstkit.grading.compare import Difference

SEVERITY = ("crashed", "memory", "timeout", "error", "wrong", "todo", "passed")


@dataclass(frozen=True)
class CheckResult:
    """One check: its state, what it earned of what it is worth, and why it earned no more."""

    name: str
    title: str
    state: str
    points: int
    max_points: int
    message: str = ""
    difference: Difference | None = None


@dataclass(frozen=True)
class Result:
    """One exercise.

    Attributes:
        state: "todo", "passed", "wrong", "error", "timeout", "memory" or "crashed".
        points, max_points: earned, and all that can be.
        checks: one CheckResult per check, in order.
        misconception: name of the known mistake that explains the answer, or None.
        message: one sentence for the learner; empty when passed.
        trace: the learner's lines that an error came through, or "".
    """

    exercise: str
    state: str
    points: int
    max_points: int
    checks: tuple[CheckResult, ...] = ()
    misconception: str | None = None
    message: str = ""
    trace: str = ""

    def to_json(self) -> dict[str, Any]:
        """The same fields as JSON-able values; differences are left out (their sentence is in `message`)."""
        fields = asdict(self)
        fields["checks"] = [
            {k: v for k, v in asdict(check).items() if k != "difference"} for check in _bare(self.checks)
        ]
        return fields


def _bare(checks: tuple[CheckResult, ...]) -> list[CheckResult]:
    return [CheckResult(c.name, c.title, c.state, c.points, c.max_points, c.message) for c in checks]


def worst_state(states: list[str]) -> str:
    """The state that stands for several: the worst one, but `todo` only where nothing was tried."""
    return min(states, key=SEVERITY.index, default="todo")
