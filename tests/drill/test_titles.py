"""Every question has a title in Chinese, and every title a question."""

from nstkit.drill import titles
from nstkit.drill.bank import load_bank


def test_titles_and_topics_are_the_same():
    assert titles._CHINESE.keys() == {question.topic for question in load_bank()}


def test_no_two_titles_are_the_same():
    assert len(set(titles._CHINESE.values())) == len(titles._CHINESE)


def test_a_title_in_each_language():
    assert titles.title("style_loss", "en") == "style loss"
    assert titles.title("style_loss", "zh") == "风格损失"
    assert titles.title("of_a_lesson_to_come", "zh") == "of a lesson to come"
