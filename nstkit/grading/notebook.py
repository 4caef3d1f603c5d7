"""`check(gram_matrix)`: what a learner sees below an exercise in the notebook.

A small table of checks, the sentence that names the mistake, and where the difference is a picture's worth
of numbers, yours beside the target.
"""

import base64
import html
import io
from pathlib import Path
from typing import Any

import numpy as np

from nstkit.grading.compare import Difference
from nstkit.grading.evidence import Array
from nstkit.grading.exercises import Exercise
from nstkit.grading.grade import grade_implementation
from nstkit.grading.load import load_exercises
from nstkit.grading.markup import marked_up
from nstkit.grading.results import Result
from nstkit.grading.scoreboard import MARKS
from nstkit.lessons import find_exercise


class Report:
    """A Result that a notebook shows as a table and a terminal as text."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def __repr__(self) -> str:
        return "\n".join(plain_lines(self.result))

    def _repr_html_(self) -> str:
        return html_report(self.result)


def check(answer: Any) -> Report:
    """Grade one answer and show how it did.

    Args:
        answer: the function or class that the exercise asks for, under the exercise's own name.
    Raises:
        ValueError: no exercise has that name.
    """
    name = getattr(answer, "__name__", None)
    if name is None:
        raise ValueError(
            f"answer: expected a function or class, got {type(answer).__name__}; check(gram_matrix), say"
        )
    return Report(grade_implementation(_exercise(name), answer))


def _exercise(name: str) -> Exercise:
    here = Path.cwd()
    beside = here / f"test_{here.name}.py"
    if beside.exists() and name in (exercises := load_exercises(beside)):
        return exercises[name]
    return load_exercises(find_exercise(name).checks)[name]


def plain_lines(result: Result) -> list[str]:
    """The report as lines of text."""
    head = f"{MARKS[result.state][0]} {result.exercise}: {result.state}, {result.points} of {result.max_points} points"
    lines = [head, *([f"  {result.message}"] if result.message else [])]
    for row in result.checks if result.state not in ("passed", "todo") else ():
        lines.append(f"  {MARKS[row.state][0]} {row.title} ({row.points}/{row.max_points})")
        if row.message and row.message != result.message:
            lines.append(f"      {row.message}")
    return lines + ([f"  {line}" for line in result.trace.splitlines()] if result.trace else [])


def html_report(result: Result) -> str:
    """The report as a self-contained piece of HTML that follows the notebook's theme."""
    rows = "".join(_html_row(result, row) for row in result.checks)
    message = f"<p style='margin:.4em 0'><b>{marked_up(result.message)}</b></p>" if result.message else ""
    trace = f"<pre style='margin:.4em 0'>{html.escape(result.trace)}</pre>" if result.trace else ""
    points = f"{result.points} of {result.max_points} points"
    head = f"{_badge(result.state)} <b>{html.escape(result.exercise)}</b>: {points}"
    return (
        f"<div style='border-left:4px solid {_COLOURS[result.state]};padding:.2em .9em;max-width:52em'>"
        f"<div>{head}</div>{message}{trace}<table style='margin:.3em 0'>{rows}</table>{_picture(result)}</div>"
    )


_COLOURS = {
    state: "#0072B2" if state == "passed" else "#888" if state == "todo" else "#D55E00" for state in MARKS
}


def _badge(state: str) -> str:
    style = f"color:{_COLOURS[state]};font-weight:bold;white-space:nowrap"
    return f"<span style='{style}'>{MARKS[state][0]} {state}</span>"


def _html_row(result: Result, row: Any) -> str:
    note = row.message if row.message and row.message != result.message else ""
    more = f"<br><span style='opacity:.75'>{marked_up(note)}</span>" if note else ""
    cell = "style='text-align:left;vertical-align:top;padding:.2em .8em .2em 0'"
    return (
        f"<tr><td {cell}>{_badge(row.state)}</td><td {cell}>{marked_up(row.title)}{more}</td>"
        f"<td {cell}>{row.points}/{row.max_points}</td></tr>"
    )


def _picture(result: Result) -> str:
    """Yours beside the target, for the first check whose arrays differ in value."""
    pair = next((p for row in result.checks if (p := picture_pair(row.difference)) is not None), None)
    if pair is None:
        return ""
    encoded = base64.b64encode(side_by_side(*pair)).decode()
    return f"<img alt='your result, the target, and their difference' src='data:image/png;base64,{encoded}'>"


def picture_pair(difference: Difference | None) -> tuple[np.ndarray, np.ndarray] | None:
    """The 2-D slices (H, W) or pictures (H, W, 3) worth showing, yours and the target's, or None."""
    if difference is None or difference.kind != "values" or not isinstance(difference.expected, Array):
        return None
    got, expected = difference.got.data, difference.expected.data
    if expected.ndim < 2 or expected.dtype.kind not in "fiu" or min(expected.shape[-2:]) < 2:
        return None
    while expected.ndim > 2 and not (expected.ndim == 3 and expected.shape[-1] == 3):
        worst = int(np.abs(got.astype(float) - expected).reshape(len(expected), -1).max(1).argmax())
        got, expected = got[worst], expected[worst]
    return got, expected


def side_by_side(got: np.ndarray, expected: np.ndarray) -> bytes:
    """A PNG with three panels on one scale: yours, the target, the difference."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 2.4), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    low, high = float(np.nanmin(expected)), float(np.nanmax(expected))
    gap = np.abs(got.astype(float) - expected.astype(float))
    for axis, data, title in zip(
        axes, (got, expected, gap), ("yours", "target", "|difference|"), strict=True
    ):
        scale = {} if title == "|difference|" or data.ndim == 3 else {"vmin": low, "vmax": high}
        shown = axis.imshow(np.clip(data, 0, 1) if data.ndim == 3 else data, cmap="viridis", **scale)
        axis.set_title(title, fontsize=9)
        axis.tick_params(labelsize=6)
        if data.ndim == 2:
            figure.colorbar(shown, ax=axis, shrink=0.8).ax.tick_params(labelsize=6)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
