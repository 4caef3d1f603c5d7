"""Chinese fills its lines, and no mark stands where it must not."""

import pytest
from rich.cells import cell_len

from nstkit.drill.wrap import wrapped
from nstkit.lessons import find_lesson
from nstkit.lessons.interview import read_interview

ANSWER = "Gatys 的常数是四倍 N 方 M 方分之一（也叫“宽度”），他用 VGG-19 的 conv1_1 到 conv5_1，因为一层只管一个尺度。"


@pytest.mark.parametrize("width", [20, 33, 40, 80])
def test_lines_are_full_and_no_wider_than_the_terminal(width):
    lines = wrapped(ANSWER, width).splitlines()
    assert "".join(lines).replace(" ", "") == ANSWER.replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)
    longest_word = len("conv1_1")
    assert all(cell_len(line) >= width - longest_word - 4 for line in lines[:-1])


@pytest.mark.parametrize("width", range(12, 60))
def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one(width):
    lines = wrapped(ANSWER, width).splitlines()
    assert not [line for line in lines if line[0] in "，。）”"]
    assert not [line for line in lines if line[-1] in "（“"]


def test_own_line_breaks_and_indents_stay():
    assert wrapped("def f(x):\n    return x\n\n然后", 40) == "def f(x):\n    return x\n\n然后"


def test_a_word_that_is_too_long_is_left_whole():
    assert wrapped("见 /tmp/a/very/long/path.py 好", 10) == "见\n/tmp/a/very/long/path.py\n好"


def test_a_lessons_model_answer_keeps_every_character():
    answer = read_interview(find_lesson("03").interview).model_answer.zh
    lines = wrapped(answer, 60).splitlines()
    assert "".join("".join(lines).split()) == "".join(answer.split())
    assert max(map(cell_len, lines)) <= 60
