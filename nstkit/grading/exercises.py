"""Exercises and their checks, as a lesson's test file declares them.

    gram_matrix = exercise("gram_matrix", reference="nstkit.losses:gram_matrix", level="easy", minutes=10,
                           hints=["the idea", "the shape", "nearly there"])

    @gram_matrix.check(points=2)
    def a_batch_of_two(answer, draw):
        '''Two images; C, H and W all different.'''
        return answer(draw.features(2, 5, 4, 7))

A check is a probe: it runs *an implementation* and returns evidence. It holds no expected value; the grader
runs the same probe on the reference and compares. This module runs inside the sandbox too, where only the
declarations and the probes exist: misconceptions, accepted variants and hints are cut out before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nstkit.grading.draws import Draw

Probe = Callable[[Any, Draw], Any]


@dataclass(frozen=True)
class Check:
    """One probe, the points it is worth, and how closely its numbers must agree (None: by dtype)."""

    name: str
    title: str
    points: int
    probe: Probe
    rtol: float | None = None
    atol: float | None = None


@dataclass(frozen=True)
class Misconception:
    """A wrong implementation that people write, and the sentence that answers it."""

    name: str
    sentence: str
    implementation: Any


@dataclass(frozen=True)
class Variant:
    """Another right implementation: it must earn every point."""

    name: str
    implementation: Any


@dataclass(eq=False)
class Exercise:
    """What one function or class is asked for. Make one with `exercise(...)`."""

    name: str
    reference: str
    level: str
    minutes: int
    hints: tuple[str, ...] = ()
    checks: list[Check] = field(default_factory=list)
    misconceptions: list[Misconception] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)

    @property
    def points(self) -> int:
        """All that can be earned."""
        return sum(check.points for check in self.checks)

    @property
    def modifies(self) -> bool:
        """Whether the function may change its inputs: its name ends in "_"."""
        return self.name.endswith("_")

    def check(
        self, *, points: int = 1, rtol: float | None = None, atol: float | None = None
    ) -> Callable[[Probe], Probe]:
        """Declare a probe. Its docstring's first line is the title that a learner sees."""

        def declare(probe: Probe) -> Probe:
            title = (probe.__doc__ or "").strip().splitlines()
            if not title:
                raise ValueError(f"{self.name}.{probe.__name__}: expected a docstring with the check's title")
            self.checks.append(Check(probe.__name__, title[0].rstrip("."), points, probe, rtol, atol))
            return probe

        return declare

    def misconception(self, sentence: str) -> Callable[[Any], Any]:
        """Declare a wrong implementation: what was done, then what to do, in one breath."""

        def declare(implementation: Any) -> Any:
            self.misconceptions.append(Misconception(implementation.__name__, sentence, implementation))
            return implementation

        return declare

    def accepts(self, implementation: Any) -> Any:
        """Declare another right implementation."""
        self.variants.append(Variant(implementation.__name__, implementation))
        return implementation


def exercise(name: str, *, reference: str, level: str, minutes: int, hints: Sequence[str] = ()) -> Exercise:
    """Declare an exercise.

    Args:
        name: the function or class that the learner defines.
        reference: where the right behaviour lives, as "package.module:name"; resolved only by the grader.
        level: "easy", "medium" or "hard".
        minutes: an honest estimate.
        hints: three: the idea, the shape, nearly there.
    """
    if level not in LEVELS:
        raise ValueError(f"level: expected one of {', '.join(LEVELS)}, got {level!r}")
    return Exercise(name, reference, level, minutes, tuple(hints))


LEVELS = ("easy", "medium", "hard")
