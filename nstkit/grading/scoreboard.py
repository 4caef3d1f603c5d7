"""The scoreboard: points per lesson, a mark per exercise, and what to do next."""

from collections.abc import Mapping
from dataclasses import dataclass

MARKS = {
    "passed": ("●", "green"),
    "wrong": ("✗", "red"),
    "error": ("!", "red"),
    "timeout": ("T", "red"),
    "memory": ("M", "red"),
    "crashed": ("C", "red"),
    "todo": ("·", "bright_black"),
}


@dataclass(frozen=True)
class Line:
    """One exercise on the board."""

    exercise: str
    state: str
    points: int
    max_points: int


@dataclass(frozen=True)
class Board:
    """Exercises by lesson name, in order."""

    lessons: Mapping[str, tuple[Line, ...]]

    @property
    def points(self) -> int:
        """Earned in all."""
        return sum(line.points for lines in self.lessons.values() for line in lines)

    @property
    def max_points(self) -> int:
        """All that can be earned."""
        return sum(line.max_points for lines in self.lessons.values() for line in lines)

    def next_step(self) -> str:
        """The first exercise that is not passed, as advice; praise is left to the reader."""
        order = ("wrong", "error", "timeout", "memory", "crashed", "todo")
        open_lines = [
            (name, line) for name, lines in self.lessons.items() for line in lines if line.state in order
        ]
        if not open_lines:
            return "every exercise passed"
        tried = [pair for pair in open_lines if pair[1].state != "todo"]
        lesson, line = (tried or open_lines)[0]
        verb = "mend" if line.state != "todo" else "answer"
        return f"next: {verb} {line.exercise} in lesson {lesson[:2]} · nstkit hint {line.exercise}"


def render(board: Board, width: int = 80) -> list[str]:
    """The board as plain lines: a bar of marks and the points per lesson, the total, the next step."""
    names = max((len(name) for name in board.lessons), default=0)
    lines = []
    for name, rows in board.lessons.items():
        marks = " ".join(MARKS[row.state][0] for row in rows)
        earned, possible = sum(r.points for r in rows), sum(r.max_points for r in rows)
        lines.append(f"{name:<{names}}  {earned:>3}/{possible:<3} {_bar(earned, possible)}  {marks}")
    lines.append(
        f"{'total':<{names}}  {board.points:>3}/{board.max_points:<3} {_bar(board.points, board.max_points)}"
    )
    return [line[:width].rstrip() for line in lines] + [board.next_step()]


def _bar(earned: int, possible: int, width: int = 12) -> str:
    filled = round(width * earned / possible) if possible else 0
    return "█" * filled + "░" * (width - filled)
