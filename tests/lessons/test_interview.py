"""An interview file is complete in both languages; a mistake in it is named with file, table, number and key."""

import pytest
from study_folder import swap

from nstkit.lessons import find_lessons
from nstkit.lessons.interview import read_interview


def test_what_is_read(sums):
    interview = read_interview(sums.interview)
    assert interview.level == "easy"
    assert [f.level for f in interview.follow_ups] == [1, 2, 2, 5]
    assert [p.weight for p in interview.rubric] == ["must", "should", "bonus"]
    assert [s.quality for s in interview.samples] == ["weak", "mediocre", "strong"]
    assert [score.point for score in interview.samples[0].scores] == [1, 2, 3]
    assert interview.wrong_answers[0].why.zh == "不。"


def test_samples_may_be_missing(sums):
    text = sums.interview.read_text("utf-8")
    sums.interview.write_text(text[: text.index("[[samples]]")], "utf-8")
    assert read_interview(sums.interview).samples == ()


def test_every_file_that_exists_can_be_read():
    for lesson in find_lessons():
        if lesson.interview.exists():
            read_interview(lesson.interview)


ZH = 'zh = "什么是 `a < b`？"\n'


@pytest.mark.parametrize(("old", "new", "words"), [
    (ZH, 'zh = " "\n', r"\[question\]: zh: expected Chinese, got ''"),
    (ZH, 'zh = "What?"\n', r"\[question\]: zh: expected Chinese, got 'What\?'"),
    ('en = "What is `a < b`?"', 'en = "什么"', r"\[question\]: en: expected English, got '什么'"),
    (ZH, "", r"\[question\]: zh is missing"),
    (ZH, ZH.replace("zh", "zn"), r"\[question\]: unknown key zn; known are level, en, zh"),
    ("[model_answer]", "[modelanswer]", r"interview.toml: unknown key modelanswer; did you mean model_answer\?"),
    ('level = "easy"', 'level = "hrd"', r"\[question\]: level: expected one of easy, medium, hard, got 'hrd'"),
    ("level = 1", "level = 9", r"\[\[follow_ups\]\] number 1: level: expected 1 to 5, since they get harder, got 9"),
    ("level = 5", "level = 1", r"\[\[follow_ups\]\] number 4: level: expected 2 to 5, since they get harder, got 1"),
    ("level = 1", "level = true", r"\[\[follow_ups\]\] number 1: level: expected a whole number, got True"),
    ('answer_zh = "因为。"', "answer_zh = 3", r"number 1: answer_zh: expected a text, got 3"),
    ('weight = "must"', 'weight = "maybe"', r"\[\[rubric\]\] number 1: weight: expected one of must, should, bonus"),
    ('terms = ["a"]', "terms = []", r"\[\[rubric\]\] number 1: terms: expected words to look for, got \[\]"),
    ('terms = ["a"]', "terms = [3]", r"terms: expected words to look for, got \[3\]"),
    ("point = 2", "point = 4", r"\[\[samples\]\] number 1: scores: expected one for each of the 3 rubric points"),
    ("hit = true", "hit = 1", r"number 1: \[\[scores\]\] number 1: hit: expected true or false, got 1"),
    ('"mediocre"', '"weak"', r"\[\[samples\]\]: expected one each of weak, mediocre, strong, got weak, weak, strong"),
    ("[question]", "[question", r"interview.toml: not valid TOML: .*line 1"),
    ("[question]", "rubric = 3\n[question]", r"not valid TOML"),
])  # fmt: skip
def test_mistakes(sums, old, new, words):
    swap(sums.interview, old, new)
    with pytest.raises(ValueError, match=r"interview\.toml: ") as caught:
        read_interview(sums.interview)
    assert caught.match(words)


def test_too_little(sums):
    text = sums.interview.read_text("utf-8")
    start, end = text.index("[[follow_ups]]\nlevel = 2"), text.index("[[rubric]]")
    sums.interview.write_text(text[:start] + text[end:], "utf-8")
    with pytest.raises(
        ValueError, match=r"toml: \[\[follow_ups\]\]: expected at least 4 tables, got 1 entries"
    ):
        read_interview(sums.interview)


def test_tables_that_are_none(sums):
    text = sums.interview.read_text("utf-8")
    sums.interview.write_text('wrong_answers = ["x"]\n' + text.replace("[[wrong_answers]]", "[x]"), "utf-8")
    with pytest.raises(ValueError, match="unknown key x"):
        read_interview(sums.interview)
    sums.interview.write_text('samples = ["x"]\n' + text[: text.index("[[samples]]")], "utf-8")
    with pytest.raises(ValueError, match=r"\[\[samples\]\]: expected at least 0 tables, got 1 entries"):
        read_interview(sums.interview)


def test_no_file(sums):
    sums.interview.unlink()
    with pytest.raises(ValueError, match=r"interview\.toml: no such file"):
        read_interview(sums.interview)
