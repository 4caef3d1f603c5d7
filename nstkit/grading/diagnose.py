"""Diagnosis: which known mistake explains an answer.

A misconception explains an answer where it behaves the same: same evidence, same error, same side effects.
One that agrees with the answer in every check is preferred; else the one that explains the most failures.
"""

import importlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from nstkit.grading.compare import difference
from nstkit.grading.draws import exercise_key
from nstkit.grading.exercises import Check, Exercise, Misconception
from nstkit.grading.observation import Observation, observe


def diagnose(
    exercise: Exercise, observed: Mapping[str, Observation], failed: set[str], seed: int
) -> Misconception | None:
    """The misconception that explains the failed checks best, or None.

    Args:
        observed: what the answer did, by check name.
        failed: the names of the checks that it did not pass.
    """
    best, best_score = None, (False, 0)
    for misconception in exercise.misconceptions:
        agreed, explained = set(), 0
        for check in exercise.checks:
            wrong = misconceived(exercise, check, misconception, seed)
            if same_behaviour(observed[check.name], wrong, check):
                agreed.add(check.name)
                explained += check.name in failed and not same_behaviour(
                    wrong, referred(exercise, check, seed), check
                )
        score = (len(agreed) == len(exercise.checks), explained)
        if explained and score > best_score:
            best, best_score = misconception, score
    return best


def same_behaviour(a: Observation, b: Observation, check: Check) -> bool:
    """Whether two implementations did the same in one check."""
    if a.failure is not None and b.failure is not None:
        return (a.failure.state, a.failure.kind) == (b.failure.state, b.failure.kind)
    if a.failure is not None or b.failure is not None:
        return False
    if (bool(a.modified), a.disturbed) != (bool(b.modified), b.disturbed):
        return False
    if difference(list(a.evidence), list(b.evidence), check.rtol, check.atol) is not None:
        return False
    return repeats(a, check) == repeats(b, check)


def repeats(observation: Observation, check: Check) -> bool:
    """Whether the first draw gave the same evidence again after the second."""
    return difference(observation.repeatable, observation.evidence[0], check.rtol, check.atol) is None


@lru_cache(maxsize=4096)
def misconceived(exercise: Exercise, check: Check, misconception: Misconception, seed: int) -> Observation:
    """What a misconception does in a check."""
    return observe(
        check, exercise_key(seed, exercise.name), misconception.implementation, may_modify=exercise.modifies
    )


@lru_cache(maxsize=1024)
def referred(exercise: Exercise, check: Check, seed: int) -> Observation:
    """What the reference does in a check.

    Raises:
        RuntimeError: the reference itself fails or changes its input: the check or the library is broken.
    """
    key = exercise_key(seed, exercise.name)
    seen = observe(check, key, reference(exercise), may_modify=exercise.modifies)
    if seen.failure:
        raise RuntimeError(
            f"{exercise.name}.{check.name}: the reference fails: {seen.failure.kind}: {seen.failure.text}"
        )
    if seen.modified or seen.disturbed or not repeats(seen, check):
        raise RuntimeError(
            f"{exercise.name}.{check.name}: the reference changes its input, or state between calls"
        )
    return seen


def reference(exercise: Exercise) -> Any:
    """The library's own function, from "package.module:name"."""
    module, _, name = exercise.reference.partition(":")
    return getattr(importlib.import_module(module), name)
