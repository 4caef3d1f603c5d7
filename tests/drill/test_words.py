"""Both languages say the same things with the same values."""

import re

from nstkit.drill.words import WORDS, clock_words, verdict_words


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


def test_a_verdict_that_is_none_has_words_too():
    assert verdict_words("zh", "too little to say: fewer than 2 questions").startswith("题目太少")
