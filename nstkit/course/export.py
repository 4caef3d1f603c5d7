"""Export: nbgrader's grades as CSV, where an empty score means that nothing was graded, and 0 means 0."""

import csv
import io
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import ExportPlugin

from nstkit.course.tables import harmless
from nstkit.lessons.build import write_whole

COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "max_score",
    "score",
    "late_penalty",
    "ungraded",
)


class GradesPlugin(ExportPlugin):
    """`nbgrader export`: a row per learner and assignment into grades.csv (or --to)."""

    def export(self, gradebook: Gradebook) -> None:
        """Write the rows of all assignments and learners, or of those asked for."""
        path = Path(self.to or "grades.csv")
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for assignment in gradebook.assignments:
            if self.assignment and assignment.name not in self.assignment:
                continue
            for student in gradebook.students:
                if not self.student or student.id in self.student:
                    writer.writerow(_row(gradebook, assignment, student))
        write_whole(path, text.getvalue().encode("utf-8-sig"))
        self.log.info("Exported grades to %s", path)


def _row(gradebook: Gradebook, assignment: Any, student: Any) -> dict[str, Any]:
    row = dict.fromkeys(COLUMNS) | {
        "assignment": assignment.name, "duedate": assignment.duedate, "student_id": harmless(student.id),
        "max_score": assignment.max_score,
    }  # fmt: skip
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return row | {"ungraded": "nothing handed in"}
    open_grades = [g.name for n in submission.notebooks for g in n.grades if g.auto_score is None]
    by_hand = [g for n in submission.notebooks for g in n.grades if g.manual_score is not None]
    graded = not open_grades or by_hand
    penalty = submission.late_submission_penalty
    return row | {
        "timestamp": submission.timestamp,
        "score": max(0.0, submission.score - penalty) if graded else None,
        "late_penalty": penalty,
        "ungraded": "; ".join(open_grades),
    }
