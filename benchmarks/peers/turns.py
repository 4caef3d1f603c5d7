"""Sides that take turns, each in its process: one group of iterations each, round and round."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from .found import missing
from .problem import Problem
from .row import Answers, medians, say
from .worker import SideFailed, Worker

OURS = ("our", "idle", "rate")
"""What the names of all sides begin with that are no peer's."""


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        repeats: turns that count; one more comes first, to warm up.
        group: iterations in a turn.
        only: peers that are run; None for all.
    """

    problem: Problem
    threads: int | None
    repeats: int
    group: int
    only: Sequence[str] | None = None

    def at(self, size: int) -> "Plan":
        """The same at another size."""
        return replace(self, problem=replace(self.problem, size=size))

    def left_out(self, sides: Sequence[str]) -> dict[str, str]:
        """The sides that are not run, and why: not asked for, not found, or ours with nothing beside it."""
        peers = [side for side in sides if not side.startswith(OURS)]
        out = {side: reason for side in peers if (reason := missing(side, self.problem.folders))}
        if self.only is not None:
            out |= {side: "not asked for" for side in peers if not side.startswith(tuple(self.only))}
        if peers and len(out) == len(peers):
            out |= {side: "nothing to compare with" for side in sides if side not in peers}
        return out


def take_turns(plan: Plan, sides: Sequence[str]) -> tuple[Answers, dict[str, str]]:
    """The medians of what each side answers, and why some could not."""
    answers: dict[str, list[dict[str, Any]]] = {}
    failed = plan.left_out(sides)
    with ExitStack() as stack:
        workers = made(plan, sides, stack, failed)
        for turn in range(plan.repeats + 1):
            for side in [side for side in workers if side not in failed]:
                answer = asked(workers[side], failed, plan.group)
                if answer is not None and turn:
                    answers.setdefault(side, []).append(answer)
    return {side: medians(found) for side, found in answers.items() if side not in failed}, failed


def made(plan: Plan, sides: Sequence[str], stack: ExitStack, failed: dict[str, str]) -> dict[str, Worker]:
    """A worker for each side that has not failed, closed with the stack; where it cannot be made, `failed` says why."""
    workers = {}
    for side in [side for side in sides if side not in failed]:
        say(f"  {side}: made for {plan.problem.size} px on {plan.problem.device}")
        try:
            workers[side] = stack.enter_context(Worker(side, plan.problem, plan.threads))
        except SideFailed as error:
            failed[side] = str(error)
            say(f"  {side}: {error}")
    return workers


def asked(worker: Worker, failed: dict[str, str], times: int = 1, **arguments: Any) -> dict[str, Any] | None:
    """A worker's answer; None where it failed, with the reason in `failed`."""
    try:
        answer = worker.run(times, **arguments)
    except SideFailed as error:
        failed[worker.side] = str(error)
        say(f"  {worker.side}: {error}")
        return None
    say(f"  {worker.side}: {answer['seconds']:.4g} s, {answer['processor']:.4g} s of processor time")
    return answer
