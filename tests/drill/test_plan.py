"""Plans fit their time, put the due first, and are the same for the same seed."""

import re
from pathlib import Path

import pytest

from nstkit.drill.bank import choose_topics, load_bank
from nstkit.drill.plan import Item, plan


def test_the_same_seed_gives_the_same_plan_and_another_another(bank):
    plans = [plan(bank, minutes=30, mode="talk", level=None, seed=seed) for seed in (1, 1, *range(2, 9))]
    assert plans[0] == plans[1]
    assert len({tuple(p) for p in plans}) > 3


@pytest.mark.parametrize(("minutes", "count"), [(5, 1), (15, 2), (30, 4), (60, 4)])
def test_it_fits_the_time(bank, minutes, count):
    assert len(plan(bank, minutes=minutes, mode="talk", level=None, seed=0)) == count


def test_due_then_unseen_then_the_rest(bank):
    keys = [question.key for question in bank]
    items = plan(
        bank, minutes=60, mode="talk", level=None, seed=5, due=[keys[2]], seen=[keys[2], keys[0], keys[1]]
    )
    assert [item.question for item in items[:2]] == [keys[2], keys[3]]


def test_the_level_is_kept(bank):
    assert plan(bank, minutes=60, mode="talk", level="hard", seed=0) == [Item("03_topic_3")]


def test_what_does_not_exist_is_said(bank):
    with pytest.raises(ValueError, match="no code question of level any"):
        plan(bank, minutes=15, mode="code", level=None, seed=0)


def test_mixed_alternates_and_codes_of_another_lesson():
    items = plan(load_bank(), minutes=90, mode="mixed", level=None, seed=4)
    assert [bool(item.exercise) for item in items[:4]] == [False, True, False, False]
    assert items[1].question != items[0].question


@pytest.mark.parametrize(
    ("topic", "expected"),
    [("3", "03_style_loss"), ("style loss", "03_style_loss"), ("gans", "06_gans_for_style_transfer")],
)
def test_topics_by_number_and_name(topic, expected):
    assert expected in [question.key for question in choose_topics(load_bank(), [topic])]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("gram", "03_style_loss"),
        ("LoRA", "beyond/learning_one_style"),
        ("感受野", "14_cnn_features"),
        ("循环一致性", "23_cycle_consistency"),
    ],
)
def test_a_word_that_no_topic_has_finds_the_questions_that_speak_of_it(word, expected):
    found = [question.key for question in choose_topics(load_bank(), [word])]
    assert expected in found
    assert len(found) < len(load_bank()) / 2


@pytest.mark.parametrize(("number", "key"), [("3", "03_style_loss"), ("04", "04_content_loss")])
def test_a_number_is_a_lesson_s_and_no_part_of_a_topic(number, key):
    assert [question.key for question in choose_topics(load_bank(), [number])] == [key]


def test_a_topic_comes_before_a_word():
    assert [q.key for q in choose_topics(load_bank(), ["style_loss"])] == ["03_style_loss"]


def test_every_topic_that_the_page_on_drills_names_is_there():
    page = Path(__file__).parents[2] / "docs" / "drill.md"
    topics = re.findall(r"--topic (\S+)", page.read_text("utf-8"))
    assert topics
    assert all(choose_topics(load_bank(), [topic]) for topic in topics)


def test_an_unknown_topic_is_named_with_the_nearest():
    with pytest.raises(ValueError, match=r"no question is about 'stile_los'; did you mean style_loss"):
        choose_topics(load_bank(), ["stile_los"])
