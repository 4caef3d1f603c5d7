"""Progress: lines where there is no terminal, a bar where there is one, nothing when quiet."""

from itertools import pairwise
from types import SimpleNamespace

import pytest

from nstkit.cli.console import meter, remaining, work_done


def steps(scales, per_scale):
    for scale in range(1, scales + 1):
        for step in range(1, per_scale + 1):
            yield SimpleNamespace(scale=scale, scales=scales, step=step, steps=per_scale)


@pytest.mark.parametrize(("scales", "per_scale"), [(1, 5), (3, 7)])
def test_work_done_rises_to_one_and_a_scale_costs_four_times_the_one_before(scales, per_scale):
    shares = [work_done(step) for step in steps(scales, per_scale)]
    assert shares == sorted(set(shares))
    assert shares[-1] == pytest.approx(1)
    ends = [0, *shares[per_scale - 1 :: per_scale]]
    costs = [after - before for before, after in pairwise(ends)]
    assert all(fine == pytest.approx(4 * coarse) for coarse, fine in pairwise(costs))


def test_the_time_left_is_told_once_it_is_more_than_a_guess():
    assert remaining(elapsed=2, share=0.5) == remaining(elapsed=60, share=0) == remaining(60, 1) == ""
    assert remaining(elapsed=60, share=0.75) == "about 20 s left"
    assert remaining(elapsed=60, share=0.1) == "about 9 min left"


def test_without_a_terminal_there_are_plain_lines(capsys):
    with meter() as progress:
        assert progress.due()
        progress.update(0.5, "5/10", "content [bold]0.1")
        assert not progress.due()
        progress.say("a [red]file[/red].png")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == " 50 %  5/10  content [bold]0.1\na [red]file[/red].png\n"


def test_quiet_shows_no_progress_but_still_speaks(capsys):
    with meter(quiet=True) as progress:
        assert not progress.due()
        progress.update(0.5, "5/10")
        progress.say("something is wrong")
    assert capsys.readouterr().err == "something is wrong\n"


@pytest.mark.parametrize("columns", ["80", "40"])
def test_in_a_terminal_there_is_a_bar_that_fits_on_one_line(columns, capsys, monkeypatch):
    for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", columns), ("NO_COLOR", "1"), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    with meter() as progress:
        progress.update(0.5, "120/240 1024x768", "content 0.123  style 0.0456  tv 0.00321")
    err = capsys.readouterr().err
    assert "120/240 1024x768" in err
    assert ("content 0.123" in err) == (columns == "80")
    assert "\n\n" not in err.replace("\r", "")
    assert "\x1b[3" not in err.replace("\x1b[3m", "")  # NO_COLOR: no colours, though dim and italic may stay
