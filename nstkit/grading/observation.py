"""Observing: run one probe on one implementation, and note all that happened.

Beside the probe's evidence this notes what no author should have to remember: whether the inputs were
changed, whether the same call gives the same result again after a different one, whether the global random
state was touched. Prints and warnings cost nothing. This module runs inside the sandbox too.
"""

import contextlib
import io
import random
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from nstkit.grading.draws import Draw
from nstkit.grading.evidence import Raised, freeze
from nstkit.grading.exercises import Check

CHECKS = "<checks>"
"""The file name under which the sandbox compiles a lesson's probes."""

STATES = ("todo", "passed", "wrong", "error", "timeout", "memory", "crashed")


class OutOfTime(BaseException):  # noqa: N818  (a BaseException, so that a learner's `except Exception` cannot eat it)
    """The probe ran past its limit."""


class Exited(BaseException):  # noqa: N818
    """The learner's code called os._exit."""


@dataclass(frozen=True)
class Failure:
    """A probe that did not come back: its state, the error's type and text, and where it was raised."""

    state: str
    kind: str
    text: str
    trace: str = ""


@dataclass(frozen=True)
class Observation:
    """What one implementation did in one check: evidence for two draws, or a failure."""

    evidence: tuple[Any, ...] = ()
    failure: Failure | None = None
    modified: tuple[str, ...] = ()
    disturbed: bool = False
    repeatable: Any = None
    """Evidence of the first draw once more, after the second."""
    seconds: float = 0.0
    """Processor time of all three; 0 for a failure, and for what the sandbox observed."""


def observe(check: Check, key: str, implementation: Any, *, may_modify: bool = False) -> Observation:
    """Run `check` on `implementation`: first draw, second draw, first draw again.

    `key` seeds the draws: `exercise_key(seed, exercise)`.

    Raises nothing but KeyboardInterrupt: whatever the implementation does ends up in the Observation.
    """
    evidence: list[Any] = []
    modified: tuple[str, ...] = ()
    before, began = _random_state(), time.process_time()
    for salt in ("first", "second", "first"):
        draw = Draw(key, check.name, salt)
        try:
            with quiet(), _one_thread():
                evidence.append(freeze(check.probe(implementation, draw)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  (learners raise anything)
            return Observation(failure=describe_failure(error))
        modified = modified or (() if may_modify else draw.modified())
    disturbed = not _same_random_state(before, _random_state())
    seconds = time.process_time() - began
    return Observation(tuple(evidence[:2]), None, modified, disturbed, evidence[2], seconds)


def describe_failure(error: BaseException) -> Failure:
    """The Failure that fits an exception."""
    kind, text = type(error).__name__, str(error).strip()
    trace = learner_trace(error)
    if isinstance(error, NotImplementedError):
        return Failure("todo", kind, "not answered yet")
    if isinstance(error, OutOfTime):
        return Failure("timeout", kind, text, trace)
    if isinstance(error, MemoryError) or "can't allocate memory" in text or "not enough memory" in text:
        return Failure("memory", kind, "asked for more memory than the limit", trace)
    if isinstance(error, SystemExit | Exited):
        return Failure("crashed", kind, "the answer ended the program (exit)", trace)
    if _raised_in_the_check(error):
        return Failure("wrong", kind, f"the check cannot use what came back: {kind}: {text}", trace)
    return Failure("error", kind, text, trace)


def learner_trace(error: BaseException) -> str:
    """The frames that lie in the learner's cells or files, innermost last, as "file:line in name"."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if _is_learners(f.filename)]
    lines = [f"{_shown(f.filename)}:{f.lineno} in {f.name}\n    {(f.line or '').strip()}" for f in frames]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append(f"{_shown(error.filename)}:{error.lineno}\n    {(error.text or '').strip()}")
    return "\n".join(lines[-6:])


def _shown(filename: str) -> str:
    """A file name as learners know it: a kernel gives each cell a file of its own in the temporary folder."""
    return "your cell" if "ipykernel_" in filename or filename.startswith("<ipython-input") else filename


def _is_learners(filename: str) -> bool:
    libraries = ("site-packages", sys.base_prefix, sys.prefix, "<frozen", "<string>", "nstkit/grading")
    return not _is_check(filename) and not any(mark in filename for mark in libraries)


def _is_check(filename: str) -> bool:
    return filename == CHECKS or filename.rpartition("/")[2].startswith("test_")


def _raised_in_the_check(error: BaseException) -> bool:
    """Whether the probe itself stumbled over the answer's result: no frame of the learner's lies deeper."""
    mine = [f.filename for f in traceback.extract_tb(error.__traceback__)]
    mine = [name for name in mine if _is_check(name) or _is_learners(name)]
    return bool(mine) and _is_check(mine[-1])


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow prints and warnings."""
    sink = _Sink()
    with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Probes are small: on a busy machine two threads waiting for each other take ten times as long as one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Sink(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)

    def writable(self) -> bool:
        return True


def _random_state() -> tuple[Any, ...]:
    legacy: Any = np.random.get_state()  # noqa: NPY002  (the global state is what learners disturb)
    return random.getstate(), (legacy[1].tobytes(), *legacy[2:]), torch.get_rng_state()


def _same_random_state(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    return a[:2] == b[:2] and torch.equal(a[2], b[2])


def only_refusals(evidence: Any) -> bool:
    """Whether evidence holds nothing but raised errors (a check of refusals)."""
    if isinstance(evidence, list | tuple):
        return bool(evidence) and all(only_refusals(item) for item in evidence)
    if isinstance(evidence, dict):
        return bool(evidence) and all(only_refusals(item) for item in evidence.values())
    return isinstance(evidence, Raised)


def to_plain(seen: Observation) -> dict[str, Any]:
    """An Observation as evidence that `pack` takes."""
    failure = seen.failure
    return {
        "evidence": list(seen.evidence),
        "failure": [failure.state, failure.kind, failure.text[:4000], failure.trace[:8000]]
        if failure
        else None,
        "modified": list(seen.modified),
        "disturbed": seen.disturbed,
        "repeatable": seen.repeatable,
    }


def from_plain(plain: Any) -> Observation:
    """The inverse of `to_plain`, for data that nobody vouches for; ValueError where it does not fit."""
    failure = plain["failure"]
    if failure is not None and (failure[0] not in STATES or failure[0] == "passed"):
        raise ValueError("observation: unknown state")
    if failure is None and len(plain["evidence"]) != 2:
        raise ValueError("observation: expected evidence of two draws")
    return Observation(
        tuple(plain["evidence"]),
        Failure(*(str(part) for part in failure)) if failure is not None else None,
        tuple(str(name) for name in plain["modified"]),
        bool(plain["disturbed"]),
        plain["repeatable"],
    )
