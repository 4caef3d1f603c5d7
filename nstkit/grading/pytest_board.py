"""The scoreboard at the end of `pytest lessons/`, from the reports of all workers."""

from typing import Any

from nstkit.grading.results import worst_state
from nstkit.grading.scoreboard import MARKS, Board, Line, render


def write_board(terminal: Any, config: Any) -> None:
    """Write the scoreboard of the lessons that were graded; nothing where none was."""
    board = _board(terminal.stats)
    if not board.lessons:
        return
    terminal.write_sep("=", "scoreboard")
    for line in render(board, terminal._tw.fullwidth):
        terminal.write_line(line)
    if any(line.state == "todo" for lines in board.lessons.values() for line in lines):
        legend = "  ".join(f"{mark} {state}" for state, (mark, _) in MARKS.items())
        terminal.write_line(legend)


def _board(stats: dict[str, list[Any]]) -> Board:
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for reports in stats.values():
        for report in reports:
            row = dict(getattr(report, "user_properties", ())).get("nstkit_check")
            if row and getattr(report, "when", "") == "call":
                rows.setdefault((row["lesson"], row["exercise"]), []).append(row)
    lessons: dict[str, list[tuple[int, Line]]] = {}
    for (lesson, exercise), checks in sorted(rows.items()):
        line = Line(
            exercise, worst_state([c["state"] for c in checks]), sum(c["points"] for c in checks),
            sum(c["max_points"] for c in checks),
        )  # fmt: skip
        lessons.setdefault(lesson, []).append((checks[0]["order"], line))
    return Board(
        {name: tuple(line for _, line in sorted(rows, key=lambda r: r[0])) for name, rows in lessons.items()}
    )
