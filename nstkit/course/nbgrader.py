"""What a course plugs into nbgrader: notebooks put in order, graded in the sandbox, feedback of bounded size.

Stock nbgrader runs a learner's notebook in a kernel and reads the outputs of its check cells. Here no cell runs
in a kernel: each check cell gets the output that our grader gives it, and nbgrader does the rest.
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import List, Unicode

from nstkit.course.classes import check_protections
from nstkit.course.export import GradesPlugin
from nstkit.course.make import SEED, read_seed
from nstkit.course.rename import put_under_expected_names
from nstkit.grading.notebook import html_report
from nstkit.grading.results import Result

Converted = tuple[NotebookNode, dict[str, Any]]
PREFIX = "check_"
LARGEST_CELL = 20_000
"""Characters of a cell that the feedback shows; honest answers have a few thousand."""
LARGEST_FEEDBACK = 120_000
"""Characters of all cells together; nbgrader's own page around them has about 300 kB."""


def configure(c: Any, *, database: str | None = None) -> None:
    """Set up nbgrader's configuration object for a course made by `nstkit course`."""
    c.CourseDirectory.course_id = Path.cwd().name
    if database:
        c.CourseDirectory.db_url = database
    c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".*"]
    c.Autograde.pre_convert_hook = put_under_expected_names
    c.Autograde.sanitize_preprocessors = [
        Normalise,
        "nbgrader.preprocessors.ClearOutput",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.OverwriteCells.add_missing_cells = True
    c.Autograde.autograde_preprocessors = [
        GradeInSandbox,
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        Shorten,
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    c.ExportApp.plugin_class = GradesPlugin


class Normalise(NbGraderPreprocessor):
    """The first sanitize step: give cells the roles that copying, pasting or a platform took from them.

    Of an answer cell that was copied the last one that was worked on keeps its role. Where the metadata was
    lost, a cell is known again by its id, an answer also by what it defines.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Converted:
        """Mend the metadata of one notebook."""
        from nstkit.course.normalise import normalise

        for line in normalise(nb.cells, _expected(resources["nbgrader"])):
            self.log.warning("%s: %s", resources["nbgrader"]["student"], line)
        return nb, resources


def _expected(place: dict[str, str]) -> list[dict[str, Any]]:
    """nbgrader's metadata of each cell of the released notebook, from the gradebook, with the cell's text."""
    from nbgrader.api import Gradebook

    with Gradebook(place["db_url"]) as gradebook:
        notebook = gradebook.find_notebook(place["notebook"], place["assignment"])
        solutions = {cell.name for cell in notebook.solution_cells}
        points = {cell.name: cell.max_score for cell in notebook.grade_cells}
        return [
            {
                "grade_id": cell.name, "cell_type": cell.cell_type, "checksum": cell.checksum,
                "locked": bool(cell.locked), "solution": cell.name in solutions, "grade": cell.name in points,
                "task": False, "schema_version": 3, "source": cell.source,
                **({"points": points[cell.name]} if cell.name in points else {}),
            }
            for cell in notebook.source_cells
        ]  # fmt: skip


class GradeInSandbox(NbGraderPreprocessor):
    """Grades by grade id in the sandbox, in the place of running the notebook in a kernel."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Converted:
        """Give every check cell its points and a report as output."""
        import nbformat

        check_protections(allow_unprotected=bool(os.environ.get("NSTKIT_ALLOW_UNPROTECTED")))
        place = resources["nbgrader"]
        path = f"{place['notebook']}.ipynb"
        results = _results(place["student"], place["notebook"], path, nbformat.writes(nb).encode(), _seed())
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
            grading = cell.metadata.get("nbgrader", {})
            result = results.get(str(grading.get("grade_id", "")).removeprefix(PREFIX))
            if grading.get("grade") and result is not None:
                cell.outputs, cell.execution_count = [_output(result)], 1
                self.log.info("%s: %s of %s", result.exercise, result.points, result.max_points)
        return nb, resources


def _results(learner: str, lesson: str, path: str, data: bytes, seed: int) -> dict[str, Result]:
    from nstkit.course.jobs import sandbox
    from nstkit.grading.answers import notebook_cells
    from nstkit.grading.isolate import grade_cells_isolated
    from nstkit.lessons import find_lesson

    found = find_lesson(lesson)
    return grade_cells_isolated(found.checks, notebook_cells(data.decode(), path), sandbox(), seed=seed)


@cache
def _seed() -> int:
    """The course's secret seed; nbgrader works in the course's folder."""
    return read_seed(Path.cwd() / SEED)


def _output(result: Result) -> NotebookNode:
    """A check cell's output: the points, which nbgrader reads, and the report, which people do."""
    data = {"text/plain": str(float(result.points)), "text/html": html_report(result)}
    return new_output("execute_result", data, execution_count=1)


class Shorten(NbGraderPreprocessor):
    """Keeps a feedback page small: what a learner wrote is cut where it is far longer than any answer."""

    display_data_priority = List(trait=Unicode()).tag(config=True)  # nbconvert sets it on every preprocessor

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> Converted:
        """Cut long cells, drop attachments, and drop pictures once there are too many."""
        left = LARGEST_FEEDBACK
        for cell in nb.cells:
            cell.pop("attachments", None)
            keep = max(0, min(LARGEST_CELL, left))
            if len(cell.source) > keep:
                cell.source = cell.source[:keep] + f"\n… {len(cell.source) - keep} characters are not shown"
            left -= len(cell.source)
        return nb, resources
