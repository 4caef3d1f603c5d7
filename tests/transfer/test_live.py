"""The live figure in a notebook: one output, replaced; left as it was when the run is interrupted."""

import io
import sys

import pytest
from PIL import Image

from nstkit.paintings import paint
from nstkit.transfer import stylize
from nstkit.transfer.live import LiveFigure

IPython = pytest.importorskip("IPython", reason="IPython comes with the lessons extra")
SHORT = {"encoder": "tiny", "size": 64, "steps": 6}


@pytest.fixture
def shown(monkeypatch):
    """What the cell shows: a list of all outputs ever put into its one place."""
    outputs = []

    class Handle:
        def update(self, output):
            outputs.append(output)

    def display(output, display_id):
        assert display_id is True
        assert not outputs, "a second output"
        outputs.append(output)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def pictures():
    return paint("pointillism", 72, 96), paint("mosaic", 60, 80)


def opened(output):
    return Image.open(io.BytesIO(output.data)).convert("RGB")


def test_the_figure_is_replaced_in_place_and_ends_at_the_last_step(shown):
    result = stylize(*pictures(), **SHORT, on_step=LiveFigure(every=0))
    assert result.finished
    assert (shown[0].alt, shown[-1].alt) == ("step 1 of 6", "step 6 of 6")
    first, last = opened(shown[0]), opened(shown[-1])
    assert first.size == last.size == (900, 360)
    assert first.tobytes() != last.tobytes()


def test_it_draws_seldom_enough(shown):
    stylize(*pictures(), **SHORT, on_step=LiveFigure(every=1e9))
    assert [output.alt for output in shown] == ["step 1 of 6", "step 6 of 6"]


def test_an_interrupted_kernel_leaves_the_figure(shown):
    live = LiveFigure(every=0)

    def interrupted(step):
        live(step)
        if step.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylize(*pictures(), **SHORT, on_step=interrupted)
    assert opened(shown[-1]).size == (900, 360)


def test_without_ipython_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setitem(sys.modules, "IPython.display", None)
    with pytest.raises(
        ImportError, match="expected a notebook, got a Python without IPython; `pip install ipython`"
    ):
        LiveFigure()
