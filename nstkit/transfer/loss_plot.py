"""The losses of a run over its steps, as a matplotlib plot: each term on a logarithmic axis, scales marked."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nstkit.transfer.loss_history import Reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of the terms beside the total: Okabe and Ito's palette (2008), told apart by the colour-blind too."""
DASHES = ("--", "-.", ":")
DECADES = 4
"""The axis shows at most so many: a content term that starts at nothing would flatten all else."""


def draw_losses(axes: "Axes", readings: Sequence[Reading]) -> None:
    """Draw each term over the steps; values that are not positive and finite leave a gap.

    Args:
        axes: empty matplotlib axes.
        readings: in the order of the steps, at least one.
    """
    for name, style in _styles(readings).items():
        values = [_drawable(reading.losses.get(name)) for reading in readings]
        if any(not math.isnan(value) for value in values):
            xs, ys = _parted(readings, values)
            axes.plot(xs, ys, label=name, marker="." if len(readings) == 1 else "", **style)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, high / 10**DECADES), high)
    axes.set_xlim(0, max(readings[-1].total, 1))
    axes.set_xlabel("step")
    axes.set_ylabel("weighted loss")
    axes.grid(alpha=0.25)
    _mark_scales(axes, readings)
    if axes.lines:
        axes.legend(loc="upper right", fontsize="small")


def loss_figure(readings: Sequence[Reading], title: str = "") -> "Figure":
    """A figure of its own with `draw_losses` in it, that belongs to no window and no notebook."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    draw_losses(axes, readings)
    axes.set_title(title, fontsize="medium", parse_math=False)
    return figure


def _styles(readings: Sequence[Reading]) -> dict[str, dict[str, Any]]:
    """How each term is drawn: the total solid and dark, the others in colours and dashes."""
    names = list(dict.fromkeys(name for reading in readings for name in reading.losses))
    styles: dict[str, dict[str, Any]] = {}
    if "total" in names:
        styles["total"] = {"color": "#444444", "linewidth": 1.8}
    for place, name in enumerate(name for name in names if name != "total"):
        color, dashes = COLORS[place % len(COLORS)], DASHES[place % len(DASHES)]
        styles[name] = {"color": color, "linestyle": dashes, "linewidth": 1.4}
    return styles


def _drawable(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) and value > 0 else math.nan


def _parted(readings: Sequence[Reading], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Steps and values with a gap between scales, whose objectives differ."""
    xs: list[float] = []
    ys: list[float] = []
    for place, (reading, value) in enumerate(zip(readings, values, strict=True)):
        if place and readings[place - 1].scale != reading.scale:
            xs.append(reading.done - 0.5)
            ys.append(math.nan)
        xs.append(reading.done)
        ys.append(value)
    return xs, ys


def _mark_scales(axes: "Axes", readings: Sequence[Reading]) -> None:
    """A line where each scale begins, with its size."""
    for place, reading in enumerate(readings):
        if place and readings[place - 1].scale == reading.scale:
            continue
        height, width = reading.size
        if place:
            axes.axvline(reading.done - 0.5, color="#888888", linewidth=0.8, zorder=0)
        axes.annotate(
            f"{width}x{height}", (reading.done, 0.02), xycoords=("data", "axes fraction"), fontsize="x-small",
            color="#666666",
        )  # fmt: skip
