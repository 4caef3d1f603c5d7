"""Calibration counts where one is kinder or stricter than the written scores."""

import pytest

from nstkit.drill.calibrate import calibrate, summary


@pytest.mark.parametrize(
    ("reply", "kind", "strict"), [("1", 0, 0), ("1 2 3", 2, 0), ("0", 0, 1), ("2", 1, 1)]
)
def test_by_hand(memory, bank, script, reply, kind, strict):
    desk = script([reply] * 3)
    assert calibrate(desk, memory, bank, language="en", seed=1) == (3 * kind, 3 * strict, 9)
    assert memory.calibration() == (3 * kind, 3 * strict, 9)


def test_it_says_to_which_side_one_leans():
    assert "did not" not in summary(0, 0, 9, language="en")
    assert "not quite made" in summary(6, 0, 9, language="en")
    assert "withhold" in summary(0, 6, 9, language="en")
    assert "偏严 6 次。换了说法的要点，你容易不给分。" in summary(0, 6, 9, language="zh")


def test_stopping_keeps_what_was_scored(memory, bank, script):
    assert calibrate(script(["1"]), memory, bank, language="en", seed=1) == (0, 0, 3)
    assert memory.calibration() == (0, 0, 3)
