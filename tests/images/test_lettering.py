"""Labels keep their words and their width, and have every letter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from nstkit.images.lettering import Label, font_for

FONT = font_for("ascii", 14)
WORDS = st.lists(st.text("abcdefgWij_.1", min_size=1, max_size=14), max_size=12)


@given(WORDS, st.integers(30, 400))
def test_no_line_is_wider_than_it_may_be(words, width):
    label = Label.fitted(" ".join(words), FONT, width)
    assert all(FONT.getlength(line) <= width for line in label.lines)
    assert label.width <= width + 0.5


@given(WORDS, st.integers(250, 900))
def test_no_word_is_lost_and_no_line_could_take_one_more(words, width):
    label = Label.fitted(" ".join(words), FONT, width)
    assert [word for line in label.lines for word in line.split()] == words
    for line, following in zip(label.lines, label.lines[1:], strict=False):
        assert FONT.getlength(f"{line} {following.split()[0]}") > width


def test_a_word_that_is_too_wide_is_cut():
    label = Label.fitted("a_name_that_does_not_fit ok", FONT, 80)
    cut, rest = label.lines
    assert cut.endswith("…")
    assert "a_name_that_does_not_fit".startswith(cut[:-1])
    assert len(cut) > 4
    assert rest == "ok"


def test_no_text_takes_no_room():
    label = Label.fitted("  ", FONT, 80)
    assert (label.lines, label.width, label.height) == ((), 0, 0)


@pytest.mark.parametrize(("anchor", "x"), [("l", 20), ("m", 100), ("r", 180)])
def test_ink_stays_inside_the_block(anchor, x):
    label = Label.fitted("two lines of Typography", FONT, 90)
    sheet = Image.new("L", (200, 120))
    label.draw(ImageDraw.Draw(sheet), x, 30, anchor, "white")
    left, top, right, bottom = sheet.getbbox()
    start = {"l": x, "m": x - label.width / 2, "r": x - label.width}[anchor]
    assert top >= 30
    assert bottom <= 30 + label.height
    assert start - 2 <= left < start + 6
    assert start + label.width - 6 < right <= start + label.width + 2


def test_letters_beyond_ascii_are_drawn_as_themselves():
    """Pillow's own font would draw the same empty box for each of them."""
    font = font_for("é → α × ³", 20)
    drawn = [bytes(font.getmask(letter)) for letter in "é→α×³"]
    assert len(set(drawn)) == len(drawn)
    assert bytes(font.getmask("é")) != bytes(font.getmask("\uffff"))


def test_without_matplotlib_labels_are_still_drawn(monkeypatch):
    monkeypatch.setattr("nstkit.images.lettering.installed_file", lambda package, inner: None)
    assert Label.fitted("é α", font_for("é α", 20), 100).width > 0
