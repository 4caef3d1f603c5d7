"""`grade_source`: the stable entry for tools.

Grades Python text as it would stand in an answers file, and returns a Result per exercise.
"""

from nstkit.grading.grade import PUBLIC_SEED, grade_text
from nstkit.grading.results import Result
from nstkit.lessons import find_lesson


def grade_source(
    lesson: str, source: str, *, exercise: str | None = None, seed: int | None = None, isolate: bool = False
) -> dict[str, Result]:
    """Grade `source` against a lesson's checks.

    Args:
        lesson: a lesson's number, slug or name: "03", "style_loss" or "03_style_loss".
        source: Python text as in an answers file: imports, helpers and the functions or classes asked for.
        exercise: grade this one alone; None grades all exercises of the lesson.
        seed: draws other inputs than the public ones.
        isolate: run the learner's code in the sandbox (Linux) instead of this process.
    Returns:
        A Result per exercise, keyed by exercise name, in the lesson's order.
    Raises:
        ValueError: no such lesson or exercise; the sentence names those that exist.
    """
    found = find_lesson(lesson)
    chosen = PUBLIC_SEED if seed is None else seed
    if isolate:
        from nstkit.grading.isolate import grade_text_isolated

        return grade_text_isolated(found.checks, source, f"{found.name}.py", exercise=exercise, seed=chosen)
    return grade_text(found.checks, source, f"{found.name}.py", exercise=exercise, seed=chosen)
