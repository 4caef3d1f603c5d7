"""The plot draws what was read, and survives what cannot be drawn."""

import math

import numpy as np
import pytest

from nstkit.transfer.loss_history import Reading
from nstkit.transfer.loss_plot import loss_figure


def reading(done, scale=1, **losses):
    return Reading(done, 6, scale, 2, (20 * scale, 30 * scale), 0.1 * done, losses)


RUN = [
    reading(1, content=0.0, total=8.0),
    reading(2, content=0.5, total=4.0),
    reading(3, 2, content=2.0, total=6.0),
]


def curves(figure):
    return {line.get_label(): line for line in figure.axes[0].lines if not line.get_label().startswith("_")}


def test_each_term_is_drawn_with_a_gap_between_scales_and_where_the_logarithm_has_none():
    lines = curves(loss_figure(RUN))
    assert list(lines) == ["total", "content"]
    np.testing.assert_array_equal(lines["total"].get_xydata(), [[1, 8], [2, 4], [2.5, math.nan], [3, 6]])
    np.testing.assert_array_equal(lines["content"].get_ydata(), [math.nan, 0.5, math.nan, 2])


def test_scales_are_marked_and_the_axis_is_logarithmic_over_all_steps():
    axes = loss_figure(RUN, "run $x").axes[0]
    assert [text.get_text() for text in axes.texts] == ["30x20", "60x40"]
    assert axes.get_yscale() == "log"
    assert axes.get_xlim() == (0, 6)
    assert axes.get_title() == "run $x"


def test_a_term_that_starts_next_to_nothing_does_not_flatten_the_others():
    axes = loss_figure([reading(1, content=1e-12, total=8.0), reading(2, content=0.5, total=4.0)]).axes[0]
    low, high = axes.get_ylim()
    assert high / low == pytest.approx(1e4)
    assert low < 0.5 < 8 <= high


def test_terms_are_told_apart_without_colour():
    lines = curves(loss_figure([reading(1, content=1.0, style=2.0, tv=3.0, total=6.0)] * 2))
    assert len({line.get_linestyle() for line in lines.values()}) == 4


@pytest.mark.parametrize("value", [math.nan, math.inf, 0.0, -1.0])
def test_a_run_without_a_drawable_value_still_makes_a_file(tmp_path, value):
    loss_figure([reading(1, total=value)]).savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
