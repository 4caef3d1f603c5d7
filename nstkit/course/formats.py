"""Results for other platforms: Gradescope's results.json and a GitHub Classroom workflow."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nstkit.course.pages import page_names
from nstkit.course.tables import Learner
from nstkit.lessons import find_lesson, outline
from nstkit.lessons.build import write_whole


def gradescope(learner: Learner) -> dict[str, Any]:
    """A learner's results as Gradescope's autograder reads them from /autograder/results/results.json."""
    tests: list[dict[str, Any]] = []
    for record in learner.records:
        for exercise in record["exercises"]:
            tests.append(
                {
                    "name": f"{record['lesson']}: {exercise['exercise']}",
                    "score": exercise["points"],
                    "max_score": exercise["max_points"],
                    "status": "passed" if exercise["state"] == "passed" else "failed",
                    "output": exercise["message"],
                }
            )
    notes = [*learner.ungraded, *learner.notes]
    return {"score": learner.points, "output": "\n".join(notes), "visibility": "visible", "tests": tests}


def write_gradescope(results: Path, learners: Sequence[Learner]) -> Path:
    """Write `gradescope/NAME.json` for each learner; returns the folder."""
    names = page_names([learner.name for learner in learners])
    for learner in learners:
        path = results / "gradescope" / Path(names[learner.name]).with_suffix(".json")
        write_whole(path, (json.dumps(gradescope(learner), ensure_ascii=False, indent=1) + "\n").encode())
    return results / "gradescope"


def write_classroom(results: Path, learners: Sequence[Learner]) -> Path:
    """Write a GitHub Classroom workflow that grades the lessons of this run; returns its path."""
    lessons = sorted({record["lesson"] for learner in learners for record in learner.records})
    path = results / "classroom.yml"
    write_whole(path, workflow(lessons).encode())
    return path


def workflow(lessons: Sequence[str]) -> str:
    """A workflow for .github/workflows/ with one autograding step per lesson."""
    steps, runners = [], []
    for lesson in lessons:
        key = f"lesson-{lesson[:2]}"
        points = sum(item.points for item in outline(find_lesson(lesson).checks))
        steps.append(
            f"      - id: {key}\n"
            f"        name: {lesson}\n"
            f"        uses: classroom-resources/autograding-command-grader@v1\n"
            f"        with:\n"
            f"          test-name: {lesson}\n"
            f"          command: nstkit check {lesson[:2]} --answers . --isolate\n"
            f"          timeout: 10\n"
            f"          max-score: {points}\n"
        )
        runners.append(key)
    results = "".join(
        f"          {key.upper()}_RESULTS: ${{{{steps.{key}.outputs.result}}}}\n" for key in runners
    )
    return (
        "name: Autograding\n"
        "on: [push, repository_dispatch]\n"
        "permissions:\n  checks: write\n  actions: read\n  contents: read\n"
        "jobs:\n"
        "  grade:\n"
        "    runs-on: ubuntu-latest\n"
        "    steps:\n"
        "      - uses: actions/checkout@v4\n"
        "      - uses: actions/setup-python@v5\n"
        "        with:\n"
        "          python-version: '3.11'\n"
        "      - run: pip install 'nstkit[lessons]'\n"
        f"{''.join(steps)}"
        "      - uses: classroom-resources/autograding-grading-reporter@v1\n"
        "        env:\n"
        f"{results}"
        "        with:\n"
        f"          runners: {','.join(runners)}\n"
    )


FORMATS: dict[str, Callable[[Path, Sequence[Learner]], Path]] = {
    "gradescope": write_gradescope,
    "github-classroom": write_classroom,
}
