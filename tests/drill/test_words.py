"""Both languages say the same things with the same values."""

import re

import pytest

from nstkit.drill.desk import Clock
from nstkit.drill.words import WORDS, bracketed, clock_words, gap, labelled, verdict_words


def test_the_keys_and_the_values_are_the_same():
    english, chinese = WORDS["en"], WORDS["zh"]
    assert english.keys() == chinese.keys()
    for key in english:
        assert set(re.findall(r"\{(\w+)", english[key])) == set(re.findall(r"\{(\w+)", chinese[key])), key


def test_chinese_is_chinese_and_english_is_not():
    assert all(re.search("[\u4e00-\u9fff]", words) for words in WORDS["zh"].values())
    assert not any(re.search("[\u4e00-\u9fff]", words) for words in WORDS["en"].values())


def test_clock():
    assert [clock_words(s) for s in (0, 59.9, 61, 6000)] == ["0:00", "0:59", "1:01", "100:00"]


@pytest.mark.parametrize(
    ("language", "used", "words"),
    [("en", 50, "0:10 left"), ("zh", 50, "剩余 0:10"), ("en", 70, "0:10 over"), ("zh", 70, "超时 0:10")],
)
def test_the_clock_speaks_the_language(language, used, words):
    assert Clock(1, used, lambda: 0.0).words(language) == words


def test_marks_are_those_of_the_language():
    assert (labelled("en", "Date", "today"), bracketed("en", "must")) == ("Date: today", "(must)")
    assert (gap("en"), gap("zh")) == (" ", "")
    assert (labelled("zh", "日期", "今天"), bracketed("zh", "必须")) == ("日期：今天", "（必须）")


def test_a_verdict_that_is_none_has_words_too():
    assert verdict_words("zh", "too little to say: fewer than 2 questions").startswith("题目太少")
