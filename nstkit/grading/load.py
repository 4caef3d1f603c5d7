"""Loading a lesson's exercises from its test file."""

import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from nstkit.grading.exercises import Exercise


def load_exercises(path: Path) -> dict[str, Exercise]:
    """The exercises that a `test_NN_slug.py` declares, by name, in order.

    Raises:
        ValueError: the file declares none, or two of one name, or an exercise without a check.
    """
    return _load(path.resolve(), path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _load(path: Path, modified: int) -> dict[str, Exercise]:
    return collect(_module(path), str(path))


def _module(path: Path) -> ModuleType:
    name = f"nstkit_checks_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def collect(module: ModuleType, path: str) -> dict[str, Exercise]:
    """The exercises in a loaded test module."""
    found = [value for value in vars(module).values() if isinstance(value, Exercise)]
    exercises = {exercise.name: exercise for exercise in found}
    if len(exercises) < len(found):
        raise ValueError(f"{path}: two exercises share a name")
    if not exercises:
        raise ValueError(f"{path}: declares no exercise")
    for exercise in found:
        if not exercise.checks:
            raise ValueError(f"{path}: {exercise.name} has no check")
    return exercises
